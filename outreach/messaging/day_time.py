"""How long something has waited in day time: nobody is late for a text that came at night. Pure, domain times."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, date, datetime, time, timedelta
from typing import Final

from config import table
from outreach.core.clock import PHOENIX, SUNDAY

_DAY: Final = timedelta(days=1)
LOOKS_BACK: Final = timedelta(days=60)
"""Whatever has waited longer has waited too long by any setting."""


def waited(since: datetime, now: datetime) -> timedelta:
    """The day time between two instants, of the last ``LOOKS_BACK`` at most; nothing where ``since`` is later."""
    found = timedelta(0)
    for start, end in _days_before(now):
        found += max(min(end, now) - max(start, since), timedelta(0))
        if start <= since:
            break
    return found


def waits_too_long_since(now: datetime, hours: int) -> datetime:
    """The latest instant from which so many hours of day time have passed. Whoever has waited since then is late."""
    left = timedelta(hours=hours)
    for start, end in _days_before(now):
        span = min(end, now) - start
        if span >= left:
            return start + span - left
        left -= max(span, timedelta(0))
    return now - LOOKS_BACK


def _days_before(now: datetime) -> Iterator[tuple[datetime, datetime]]:
    """The day time of today and of the days before, in UTC, newest first."""
    day = now.astimezone(PHOENIX).date()
    last = (now - LOOKS_BACK).astimezone(PHOENIX).date()
    while day >= last:
        yield _day_time(day)
        day -= _DAY


def _day_time(day: date) -> tuple[datetime, datetime]:
    begins, ends = table("inbox")["day"]["sunday" if day.weekday() == SUNDAY else "weekday"]
    starts, stops = (datetime.combine(day, time.fromisoformat(clock), PHOENIX) for clock in (begins, ends))
    return starts.astimezone(UTC), stops.astimezone(UTC)
