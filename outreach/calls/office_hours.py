"""When an office may be called: in its own hours, in every zone where it may be, and on no legal holiday. Pure.

Hours are those that organizers entered (``officials.hours``), else the usual ones of ``config/office_hours.toml``.
"""

from __future__ import annotations

import calendar
from collections.abc import Sequence
from datetime import UTC, date, datetime, time, timedelta
from functools import lru_cache
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo

from config import table
from outreach.officials.hours import DAYS, Week, usual_week

_DAY = timedelta(days=1)
SATURDAY, SUNDAY = 5, 6


class Opening(NamedTuple):
    """Whether an office can be called; ``closes_at`` of the span that is open, ``opens_at`` of the next one (UTC).

    Both None: it opens at no time within the horizon.
    """

    open: bool
    closes_at: datetime | None
    opens_at: datetime | None


def opening(week: Week | None, zones: Sequence[str], at: datetime) -> Opening:
    """Whether an office with these hours in one of these zones can be called at an aware instant, and until when.

    Where several zones are possible, it is open while it is open in all of them.
    """
    rows, at = week or usual_week(), at.astimezone(UTC)
    hours = tuple(tuple((opens, closes) for opens, closes in day) for day in rows)
    first = at.date() - _DAY
    for ahead in range(table("office_hours")["horizon_days"] + 2):
        for start, end in _open_on(hours, tuple(zones), first + ahead * _DAY):
            if at < end:
                return Opening(start <= at, end, start if start > at else at)
    return Opening(False, None, None)


@lru_cache(maxsize=4_096)
def _open_on(
    hours: tuple[tuple[tuple[str, str], ...], ...], zones: tuple[str, ...], day: date
) -> tuple[tuple[datetime, datetime], ...]:
    """The spans (UTC) of one date, by the calendar on the office's wall, in which it is open in all zones."""
    if is_holiday(day):
        return ()
    spans = []
    for opens, closes in hours[day.weekday()]:
        starts = [_instant(day, opens, zone) for zone in zones]
        ends = [_instant(day, closes, zone) for zone in zones]
        if max(starts) < min(ends):
            spans.append((max(starts), min(ends)))
    return tuple(spans)


def _instant(day: date, clock: str, zone: str) -> datetime:
    return datetime.combine(day, time.fromisoformat(clock), ZoneInfo(zone)).astimezone(UTC)


def is_holiday(day: date) -> bool:
    """Whether public offices keep a legal holiday on this date."""
    return day in _holidays(day.year)


@lru_cache(maxsize=16)
def _holidays(year: int) -> frozenset[date]:
    """As they are kept in a year; the next New Year's Day may be kept on its last day."""
    kept = (_kept(_date_of(row, near)) for near in (year, year + 1) for row in table("office_hours")["holiday"])
    return frozenset(day for day in kept if day.year == year)


def _date_of(row: dict[str, Any], year: int) -> date:
    if "day" in row:
        return date(year, row["month"], row["day"])
    first, length = calendar.monthrange(year, row["month"])
    days = range(1 + (row["weekday"] - first) % DAYS, length + 1, DAYS)
    return date(year, row["month"], days[row["nth"] - 1 if row["nth"] > 0 else row["nth"]])


def _kept(day: date) -> date:
    if day.weekday() == SATURDAY:
        return day - _DAY
    return day + _DAY if day.weekday() == SUNDAY else day
