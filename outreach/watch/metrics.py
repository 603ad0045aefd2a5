"""``/metrics``: facts, queues and latencies in Prometheus' text form. Labels are words of ours, never ids."""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator
from typing import Final

import structlog
from prometheus_client.core import (
    CollectorRegistry,
    GaugeMetricFamily,
    HistogramMetricFamily,
    Metric,
)
from prometheus_client.exposition import CONTENT_TYPE_LATEST, generate_latest
from prometheus_client.registry import Collector
from redis.exceptions import RedisError
from sqlalchemy.exc import DBAPIError

from outreach.core.latencies import BOUNDS, Series, read_latencies
from outreach.core.queue import connect
from outreach.core.runtime import Runtime
from outreach.watch.facts import Facts, read_facts
from outreach.watch.queues import Queues, read_queues

log = structlog.get_logger(__name__)

CONTENT_TYPE: Final = CONTENT_TYPE_LATEST
TIMED: Final = {
    "page": ("outreach_request_duration_seconds", "Pages: from the first line of a request to its answer",
             ("section", "status")),
    "webhook": ("outreach_webhook_duration_seconds", "The carrier's webhooks, likewise", ("webhook", "status")),
    "carrier": ("outreach_carrier_request_duration_seconds", "Our requests to the carrier, connecting included",
                ("operation", "outcome")),
}  # fmt: skip
"""Kind of ``latencies`` -> name, meaning and labels of its histogram."""


class Site(Collector):
    """Reads a site when it is asked."""

    def __init__(self, runtime: Runtime) -> None:
        self._runtime = runtime

    def collect(self) -> Iterator[Metric]:
        """Everything that can be had: a part that does not answer is told as down, and its figures are left out."""
        began = time.perf_counter()
        up = GaugeMetricFamily("outreach_up", "1 where the part answered this scrape, else 0", labels=["part"])
        facts, queues, timed = self._facts(), None, None
        try:
            redis = connect(self._runtime.settings.redis_url)
            queues, timed = read_queues(redis), read_latencies(redis)
        except RedisError as error:
            log.warning("metrics_without_redis", error=type(error).__name__)
        up.add_metric(["database"], float(facts is not None))
        up.add_metric(["redis"], float(queues is not None))
        yield up
        if facts is not None:
            yield from of_facts(facts)
        if queues is not None:
            yield from of_queues(queues)
        for kind, series in (timed or {}).items():
            if kind in TIMED:
                yield of_latencies(kind, series)
        took = time.perf_counter() - began
        yield gauge("outreach_scrape_duration_seconds", "What it took to read all this", took)

    def _facts(self) -> Facts | None:
        try:
            return read_facts(self._runtime)
        except DBAPIError as error:
            log.warning("metrics_without_database", error=type(error.orig).__name__)
            return None


def expose(runtime: Runtime) -> bytes:
    """The page."""
    registry = CollectorRegistry(auto_describe=False)
    registry.register(Site(runtime))
    return generate_latest(registry)


def gauge(name: str, about: str, value: float) -> Metric:
    """A gauge without labels."""
    family = GaugeMetricFamily(name, about)
    family.add_metric([], value)
    return family


def labelled(name: str, about: str, label: str, values: Iterable[tuple[str, float]]) -> Metric:
    """A gauge with one label."""
    family = GaugeMetricFamily(name, about, labels=[label])
    for word, value in values:
        family.add_metric([word], value)
    return family


def of_facts(facts: Facts) -> Iterator[Metric]:
    """What the database says. An age of nothing is 0, for an alert must be able to end."""
    yield labelled("outreach_messages", "Texts by state, all gates, folded counters", "state", facts.states.items())
    heard = facts.heard
    yield gauge("outreach_replies", "Texts of people that answered a campaign", heard.get("replies", 0))
    yield gauge("outreach_opted_out", "Of these, those that opted out", heard.get("opted_out", 0))
    told = ((name.partition(":")[2], count) for name, count in sorted(heard.items()) if name.startswith("report:"))
    yield labelled("outreach_reports", "What people reported, the last word of each", "outcome", told)
    yield labelled("outreach_gates", "Gates by state", "state", sorted(facts.gates.items()))
    yield labelled("outreach_gates_halted", "Gates that the machine halted", "reason", sorted(facts.halted.items()))
    yield gauge("outreach_due_gates", "Open gates with texts whose time has come", len(facts.due))
    yield gauge("outreach_oldest_due_seconds", "For how long the first due text has been due", facts.oldest_due or 0)
    yield gauge("outreach_held_overdue_seconds", "Since when a held text should be planned", facts.held_overdue or 0)
    yield gauge("outreach_lease_overdue_seconds", "Since when a sender's lease is over", facts.lease_overdue or 0)
    yield gauge("outreach_check_overdue_seconds", "Since when an unknown text should have been looked up",
                facts.check_overdue or 0)  # fmt: skip
    yield gauge("outreach_unfolded_events", "Events that wait to be folded, up to 100000", facts.unfolded)
    yield gauge("outreach_unfolded_age_seconds", "How old the first of them is", facts.unfolded_age or 0)
    yield gauge("outreach_review_waiting", "Texts that a person must decide about", facts.review)
    yield labelled("outreach_threads_waiting", "Threads that wait for a person", "why", sorted(facts.waiting.items()))
    yield labelled("outreach_threads_late", "Of these, those that wait too long", "why", sorted(facts.late.items()))
    yield gauge("outreach_possible_opt_out_age_seconds", "For how long a possible opt-out has waited",
                facts.doubt_age or 0)  # fmt: skip
    yield labelled("outreach_alarms", "Open alarms of the checks", "kind", sorted(facts.alarms.items()))
    if facts.upkeep_left is not None:
        yield gauge("outreach_upkeep_lease_seconds", "Until upkeep's lease ends; below 0: none runs", facts.upkeep_left)
    if facts.checked_age is not None:
        yield gauge("outreach_checks_age_seconds", "Since the books were last checked", facts.checked_age)
        yield gauge("outreach_checks_duration_seconds", "What that took", (facts.checked_ms or 0) / 1000)


def of_queues(queues: Queues) -> Iterator[Metric]:
    """What Redis says."""
    jobs = GaugeMetricFamily("outreach_queue_jobs", "Jobs by queue and state", labels=["queue", "state"])
    workers = GaugeMetricFamily("outreach_queue_workers", "Workers that take from a queue", labels=["queue"])
    for one in queues.queues:
        for state in ("waiting", "running", "failed"):
            jobs.add_metric([one.name, state], getattr(one, state))
        workers.add_metric([one.name], one.workers)
    yield jobs
    yield workers


def of_latencies(kind: str, series: dict[tuple[str, ...], Series]) -> Metric:
    """A histogram of one kind; series with other labels than its own, of an older version, are left out."""
    name, about, labels = TIMED[kind]
    family = HistogramMetricFamily(name, about, labels=list(labels))
    for words, one in sorted(series.items()):
        if len(words) != len(labels):
            continue
        total, buckets = 0, []
        for bound, count in zip((*map(str, BOUNDS), "+Inf"), one.counts, strict=True):
            total += count
            buckets.append((bound, float(total)))
        family.add_metric(list(words), buckets, one.seconds)
    return family
