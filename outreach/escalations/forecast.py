"""How long a campaign would take and what it would cost, by ``config/forecast.toml``. Pure."""

from __future__ import annotations

import heapq
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from config import table
from outreach.core.errors import BadInputError
from outreach.core.segments import measure
from outreach.escalations.audience import Cohort
from outreach.messaging.render import render
from outreach.people.quiet_hours import window
from outreach.people.zones import parse_zones_key


@dataclass(frozen=True, slots=True)
class Forecast:
    """``parts``: carrier segments over all people; ``exact`` when everybody's text was made to count them.

    ``finish_at`` (domain time, UTC) is None when somebody's window never opens. ``cost`` in ``currency``.
    ``per_minute``: of a campaign that is paced to its office.
    """

    people: int
    parts: int
    exact: bool
    finish_at: datetime | None
    cost: float
    currency: str
    per_second: float
    per_minute: float | None = None


def forecast(
    cohorts: Sequence[Cohort],
    templates: Mapping[str, str],
    values: Mapping[str, Mapping[str, str]],
    people: Mapping[str, Sequence[Mapping[str, str]]],
    now: datetime,
    *,
    per_second: float,
) -> Forecast:
    """What to expect. ``templates`` and ``values`` are per language, ``people`` a sample of each language's.

    ``per_second``: parts of texts that may leave in a second.
    """
    figures = table("forecast")
    counts: dict[str, int] = {}
    for cohort in cohorts:
        counts[cohort.language] = counts.get(cohort.language, 0) + cohort.people
    parts, exact = 0.0, True
    for language, count in counts.items():
        spoken = language if language in templates else "en"  # as claiming does
        sample = people.get(language, ())
        exact = exact and len(sample) >= count
        parts += count * _parts_each(templates[spoken], values[spoken], sample, spoken)
    total = round(parts)
    each = max(1.0, parts / max(1, sum(counts.values())))
    finish = finish_time(cohorts, now, per_second / each)
    cost = total * figures["price_per_part"]
    return Forecast(sum(counts.values()), total, exact, finish, cost, figures["currency"], per_second)


def _parts_each(template: str, values: Mapping[str, str], sample: Sequence[Mapping[str, str]], language: str) -> float:
    """Parts of one text on average; a template that cannot be rendered costs nothing, for it is not launched."""
    try:
        texts = [render(template, values, person, language) for person in sample or ({},)]
    except BadInputError:
        return 0.0
    return sum(measure(text).segments for text in texts) / len(texts)


def finish_time(cohorts: Sequence[Cohort], now: datetime, per_second: float) -> datetime | None:
    """When the last text leaves at ``per_second`` (real and domain time alike), each within its people's hours."""
    last_minutes = timedelta(minutes=table("quiet_hours")["last_minutes"])
    waiting = [(cohort.rested_at or now, cohort.zones, float(cohort.people)) for cohort in cohorts if cohort.people]
    heapq.heapify(waiting)
    at = now
    while waiting:
        ready, zones, people = heapq.heappop(waiting)
        at = max(at, ready)
        hours = window(parse_zones_key(zones), at)
        if hours.opens_at is None or hours.closes_at is None:
            return None
        if not hours.open:
            heapq.heappush(waiting, (hours.opens_at, zones, people))
            continue
        room = max(1.0, (hours.closes_at - last_minutes - at).total_seconds() * per_second)
        sent = min(people, room)
        at += timedelta(seconds=sent / per_second)
        if people > sent:
            heapq.heappush(waiting, (at, zones, people - sent))
    return at
