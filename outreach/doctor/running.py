"""The processes beside web: is upkeep alive, is each queue served, and does work pile up."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from rq import Queue
from rq.registry import FailedJobRegistry
from rq.serializers import JSONSerializer
from rq.worker import Worker
from sqlalchemy import select

from outreach.core.leases import Lease
from outreach.core.queue import FILES, QUEUES
from outreach.doctor.examined import Examined
from outreach.doctor.findings import Finding, finding
from outreach.tallies.fold import LEASE

LONG: Final = 1_000
"""Jobs waiting: each is a second of sending or more, so this is a quarter of an hour behind."""
GRACE: Final = timedelta(seconds=5)


@dataclass(frozen=True, slots=True)
class Waiting:
    """Jobs of all queues: waiting, and failed in the last day."""

    jobs: int
    failed: int


def look_at_upkeep(held: Examined) -> Iterator[Finding]:
    """Upkeep holds a lease for as long as it lives."""
    with held.tables() as session:
        until = session.execute(select(Lease.until).where(Lease.name == LEASE)).scalar()
    yield judge_upkeep(until, held.runtime.clock.real_now())


def judge_upkeep(until: datetime | None, now: datetime) -> Finding:
    """By when its lease ends or ended, real time."""
    if until is None:
        return finding("running.upkeep", "never")
    if until + GRACE < now:
        return finding("running.upkeep", "away", minutes=max(1, round((now - until) / timedelta(minutes=1))))
    return finding("running.upkeep", "ok")


def look_at_workers(held: Examined) -> Iterator[Finding]:
    """Who works on which queues, by their own word in Redis."""
    serving = [worker.queue_names() for worker in Worker.all(connection=held.redis, serializer=JSONSerializer)]
    yield from judge_workers(serving)


def judge_workers(serving: Sequence[Sequence[str]]) -> Iterator[Finding]:
    """``serving``: the queues of each worker."""
    served = {queue for queues in serving for queue in queues}
    missing = [queue for queue in QUEUES if queue not in served]
    if missing:
        yield finding("running.workers", "missing", queues=", ".join(missing))
    else:
        yield finding("running.workers", "ok", workers=len(serving))
    yield finding("running.importer", "ok" if set(FILES) <= served else "missing")


def look_at_queues(held: Examined) -> Iterator[Finding]:
    """How much waits, and what failed."""
    queues = [Queue(name, connection=held.redis, serializer=JSONSerializer) for name in (*QUEUES, *FILES)]
    failed = sum(FailedJobRegistry(queue=queue).get_job_count(cleanup=False) for queue in queues)
    yield judge_queues(Waiting(sum(queue.count for queue in queues), failed))


def judge_queues(waiting: Waiting) -> Finding:
    """Whether work piles up."""
    if waiting.jobs > LONG:
        return finding("running.queues", "long", jobs=waiting.jobs)
    if waiting.failed:
        return finding("running.queues", "failed", jobs=waiting.failed)
    return finding("running.queues", "ok", jobs=waiting.jobs)
