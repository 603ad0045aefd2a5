"""How many campaign texts a person may get: 3 in 7 days, 1 in a local day, across all campaigns. Pure.

COMPLIANCE.md, "Consent and opting out". They count for the person, whichever group of the instance texts.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime, time, timedelta
from zoneinfo import ZoneInfo

PER_WEEK = 3
WEEK = timedelta(days=7)


def day_of(zones: Sequence[str], now: datetime) -> tuple[datetime, datetime]:
    """When the local day began in the first, and ends in the last, of the zones where a person may be (UTC)."""
    starts, ends = [], []
    for zone in (ZoneInfo(name) for name in zones):
        today = now.astimezone(zone).date()
        starts.append(datetime.combine(today, time(), zone).astimezone(UTC))
        ends.append(datetime.combine(today + timedelta(days=1), time(), zone).astimezone(UTC))
    return min(starts), max(ends)


def next_allowed(sent_at: Iterable[datetime], zones: Sequence[str], now: datetime) -> datetime | None:
    """None when a text may go now, else the first instant at which these caps allow it.

    ``sent_at``: aware times of earlier campaign texts. A local day counts in every zone the person may be in.
    """
    recent = sorted(at for at in sent_at if now - WEEK < at)
    waits = []
    if len(recent) >= PER_WEEK:
        waits.append(recent[-PER_WEEK] + WEEK)
    for zone in (ZoneInfo(name) for name in zones):
        today = now.astimezone(zone).date()
        if any(at.astimezone(zone).date() >= today for at in recent):
            waits.append(datetime.combine(today + timedelta(days=1), time(), zone).astimezone(UTC))
    return max(waits, default=None)
