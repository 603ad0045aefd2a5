"""Which minutes are open, from COMPLIANCE.md and zoneinfo alone: every minute's wall clock is read in every zone.

Nothing of the code under test is used. The stricter rows are read here out of ``config/quiet_hours.toml``; the hours
and the last minutes are the ones that COMPLIANCE.md states, not that file's.
"""

from __future__ import annotations

import tomllib
from collections.abc import Sequence
from datetime import UTC, datetime, time, timedelta
from functools import cache
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

CONFIG = Path(__file__).parents[2] / "config" / "quiet_hours.toml"
OPENS, SUNDAY_OPENS, CLOSES = time(9), time(12), time(20)
LAST_MINUTES = 10
SUNDAY = 6
DAY = 86_400
DAY_MINUTES = 1_440
MINUTE = timedelta(minutes=1)


@cache
def stricter_rows() -> dict[str, Any]:
    """The stricter rows by key: an IANA zone, or ``US-`` and a state."""
    return {row["key"]: row for row in tomllib.loads(CONFIG.read_text(encoding="utf-8")).get("stricter", ())}


@cache
def hours(keys: tuple[str, ...], *, sunday: bool) -> tuple[time, time]:
    """Latest opening and earliest closing, of the default and of every row with one of these keys."""
    opens, closes = (SUNDAY_OPENS if sunday else OPENS), CLOSES
    for row in (stricter_rows()[key] for key in keys if key in stricter_rows()):
        pair = row.get("sunday" if sunday else "weekday")
        if pair:
            opens = max(opens, time.fromisoformat(pair[0]))
            closes = min(closes, time.fromisoformat(pair[1]))
    return opens, closes


@cache
def open_in_zone(zone: str, states: tuple[str, ...], day: int) -> int:
    """A bit for each minute of a UTC day (days since 1970), the first the lowest: 1 where the wall clock is inside."""
    clock, at = ZoneInfo(zone), datetime.fromtimestamp(day * DAY, UTC)
    minutes = 0
    for minute in range(DAY_MINUTES):
        wall = (at + minute * MINUTE).astimezone(clock)
        opens, closes = hours((zone, *states), sunday=wall.weekday() == SUNDAY)
        minutes |= (opens <= wall.time() < closes) << minute
    return minutes


def open_minutes(zones: Sequence[str], states: tuple[str, ...], second: int, count: int) -> int:
    """The ``count`` minutes from the one of this instant on (seconds since 1970); open where it is open in all zones.

    ``states``: of the keys of the stricter rows, those that touch these people.
    """
    day, rest = divmod(second, DAY)
    common = (1 << 2 * DAY_MINUTES) - 1
    for zone in zones:
        common &= open_in_zone(zone, states, day) | open_in_zone(zone, states, day + 1) << DAY_MINUTES
    return common >> rest // 60 & (1 << count) - 1


def is_open(zones: Sequence[str], states: tuple[str, ...], second: int) -> bool:
    """Whether the instant is inside the window. Windows begin and end on whole minutes."""
    return open_minutes(zones, states, second, 1) == 1


def may_begin(zones: Sequence[str], states: tuple[str, ...], second: int) -> bool:
    """Whether a text may begin: open now and for the last minutes that are left out, to the end of their last one."""
    return open_minutes(zones, states, second, LAST_MINUTES + 1) == (1 << LAST_MINUTES + 1) - 1
