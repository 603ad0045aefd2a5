"""When a text or call may begin: inside the hours of every zone where the person may be, at once.

The hours are data (``config/quiet_hours.toml``). Pure: the instant is an argument. A window's last minutes are closed
to new POSTs, because the carrier needs time to deliver; ``closes_at`` stays the window's true end (ValidityPeriod).
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, date, datetime, time, timedelta
from functools import cache, lru_cache
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from config import table
from outreach.people.zones import fifty_states

SUNDAY = 6
_DAY = timedelta(days=1)


class Window(NamedTuple):
    """Whether a POST may begin, and the window in which it may (all UTC).

    ``open``: it may begin at the instant asked about. ``opens_at``: the first instant, from then on, at which it may.
    ``closes_at``: the end of the window that holds ``opens_at``. Both None: there is none within the horizon.
    """

    open: bool
    closes_at: datetime | None
    opens_at: datetime | None


class Hours(NamedTuple):
    """Local opening and closing on each weekday, Monday first."""

    opens: tuple[time, ...]
    closes: tuple[time, ...]


class QuietHours:
    """The hours of one table; the tests build others with stricter rows."""

    def __init__(self, rows: Mapping[str, Any]) -> None:
        self._default = _hours(rows["default"], rows["default"])
        self._stricter = {row["key"]: _hours(row, rows["default"]) for row in rows.get("stricter", ())}
        self._last = timedelta(minutes=rows["last_minutes"])
        self._horizon = timedelta(days=rows["horizon_days"])
        self._spans = lru_cache(maxsize=16_384)(self._spans_of_day)

    def window(self, zones: tuple[str, ...], at: datetime, states: tuple[str, ...] = ()) -> Window:
        """The window of people in these zones (and states, ``US-AZ``) at an aware instant.

        No zones means unknown, so the fifty states. Raises ValueError for a naive instant and
        ZoneInfoNotFoundError for a zone that does not exist.
        """
        if at.tzinfo is not UTC:
            if at.tzinfo is None:
                raise ValueError("the instant needs a time zone")
            at = at.astimezone(UTC)
        day = at.date() - _DAY  # a span that began yesterday in UTC may still be open
        last_day = (at + self._horizon).date()
        while day <= last_day:
            for start, last_start, end in self._spans(zones, states, day):
                if at < last_start:
                    if at >= start:
                        return Window(True, end, at)
                    if start - at <= self._horizon:
                        return Window(False, end, start)
                    return Window(False, None, None)
            day += _DAY
        return Window(False, None, None)

    def _spans_of_day(
        self, zones: tuple[str, ...], states: tuple[str, ...], day: date
    ) -> tuple[tuple[datetime, datetime, datetime], ...]:
        """The spans open in all zones that begin on this UTC date: (start, where POSTs stop beginning, end)."""
        common: list[tuple[datetime, datetime]] | None = None
        for zone in zones or fifty_states():
            own = self._open_in(zone, states, day)
            common = own if common is None else _intersect(common, own)
        return tuple(
            (start, end - self._last, end)
            for start, end in common or ()
            if start.date() == day and end - start > self._last
        )

    def _open_in(self, zone: str, states: tuple[str, ...], day: date) -> list[tuple[datetime, datetime]]:
        """One zone's open spans around a UTC date, in order."""
        clock = ZoneInfo(zone)
        hours = self._strictest((zone, *states))
        spans = []
        for local in (day - _DAY, day, day + _DAY, day + 2 * _DAY):
            weekday = local.weekday()
            start = datetime.combine(local, hours.opens[weekday], clock).astimezone(UTC)
            end = datetime.combine(local, hours.closes[weekday], clock).astimezone(UTC)
            if start < end:
                spans.append((start, end))
        return spans

    def _strictest(self, keys: tuple[str, ...]) -> Hours:
        rows = [self._default, *(self._stricter[key] for key in keys if key in self._stricter)]
        return Hours(
            tuple(max(day) for day in zip(*(row.opens for row in rows), strict=True)),
            tuple(min(day) for day in zip(*(row.closes for row in rows), strict=True)),
        )


def _hours(row: Mapping[str, Any], default: Mapping[str, Any]) -> Hours:
    """A row's hours; where it is silent, the default's."""
    weekday, sunday = row.get("weekday", default["weekday"]), row.get("sunday", default["sunday"])
    days = [sunday if day == SUNDAY else weekday for day in range(7)]
    return Hours(
        tuple(time.fromisoformat(opens) for opens, _ in days), tuple(time.fromisoformat(closes) for _, closes in days)
    )


def _intersect(
    left: list[tuple[datetime, datetime]], right: list[tuple[datetime, datetime]]
) -> list[tuple[datetime, datetime]]:
    pairs = ((max(a, c), min(b, d)) for a, b in left for c, d in right)
    return sorted((start, end) for start, end in pairs if start < end)


@cache
def quiet_hours() -> QuietHours:
    """The hours in force, from ``config/quiet_hours.toml``."""
    return QuietHours(table("quiet_hours"))


def window(zones: tuple[str, ...], at: datetime, states: tuple[str, ...] = ()) -> Window:
    """``QuietHours.window`` under the hours in force."""
    return quiet_hours().window(zones, at, states)


def window_anywhere(zones: tuple[str, ...], at: datetime) -> Window:
    """The same for zones as they are stored: one that this machine does not know may be any."""
    try:
        return window(zones, at)
    except ZoneInfoNotFoundError:
        return window(fifty_states(), at)
