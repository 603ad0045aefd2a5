"""The periods that a sheet may be about, on the group's calendar. Pure."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from typing import Final

from outreach.core.clock import PHOENIX

ALL: Final = "all"
PERIODS: Final = (ALL, "week", "7", "30")
"""Everything; this week from its Monday; today and the days before it, seven or thirty in all."""
MONDAY: Final = 0


def since_of(period: str, now: datetime) -> datetime | None:
    """When a period began, in domain time; None: it has always been. An unknown one is everything."""
    today = now.astimezone(PHOENIX).date()
    if period == "week":
        return start_of(monday_of(today))
    if period in {"7", "30"}:
        return start_of(today - timedelta(days=int(period) - 1))
    return None


def start_of(day: date) -> datetime:
    """Midnight at which a day begins in the group's zone."""
    return datetime(day.year, day.month, day.day, tzinfo=PHOENIX)


def monday_of(day: date) -> date:
    """The Monday of a day's week."""
    return day - timedelta(days=(day.weekday() - MONDAY) % 7)


def day_of(moment: datetime) -> date:
    """The day on the group's calendar."""
    return moment.astimezone(PHOENIX).date()
