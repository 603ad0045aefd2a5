"""The timeline of a group's tallies: what was added in equal steps of days. Counters' minutes, as of the last fold."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Final

from sqlalchemy import BigInteger, bindparam, func, select
from sqlalchemy.orm import Session

from outreach.escalations.models import Wave
from outreach.messaging.models import Timeline
from outreach.tallies.live import SERIES
from outreach.tallies.periods import day_of, start_of

MOST_STEPS: Final = 60
DAY: Final = 24 * 60
"""Minutes of a day: the group's zone knows no daylight saving."""
_OURS = Timeline.gate_id.in_(select(Wave.gate_id).where(Wave.group_id == bindparam("group")))
_FROM = bindparam("first", type_=BigInteger)
_FIRST = select(func.min(Timeline.minute)).where(_OURS, Timeline.minute >= _FROM)
_STEP = ((Timeline.minute - _FROM) // bindparam("width", type_=BigInteger)).label("step")
_STEPS = (
    select(Timeline.name, _STEP, func.sum(Timeline.count))
    .where(_OURS, Timeline.minute >= _FROM)
    .group_by(Timeline.name, _STEP)
)


@dataclass(frozen=True, slots=True)
class Days:
    """``starts``: the first day of each step, ``each`` days long; every series has as many numbers."""

    each: int
    starts: tuple[date, ...]
    series: dict[str, list[int]]


def days_of(session: Session, group_id: int, since: datetime | None, now: datetime) -> Days | None:
    """From the first day on which anything happened, or ``since``, to today. None: nothing has."""
    reading = session.connection()
    begin = _minute(since) if since else 0
    first = reading.execute(_FIRST, {"group": group_id, "first": begin}).scalar()
    if first is None:
        return None
    start = day_of(datetime.fromtimestamp(first * 60, now.tzinfo))
    count = max(1, (day_of(now) - start).days + 1)
    each = -(-count // MOST_STEPS)
    steps = -(-count // each)
    series = {name: [0] * steps for name in SERIES}
    asked = {"group": group_id, "first": _minute(start_of(start)), "width": DAY * each}
    for name, step, added in reading.execute(_STEPS, asked):
        if int(step) < steps:
            series[name][int(step)] += int(added)
    return Days(each, tuple(start + timedelta(days=each * step) for step in range(steps)), series)


def _minute(moment: datetime) -> int:
    return int(moment.timestamp()) // 60
