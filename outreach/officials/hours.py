"""Office hours: their form, and the notation in which people and files write them. Pure.

A week is a list of spans for each weekday from Monday on, ``[["08:00", "12:00"], ["13:00", "17:00"]]``, local time; an
empty list is a closed day. A day is written ``8:00-12:00, 13:00-17:00`` or ``8am-5pm``, a week
``Mon-Fri 8:00-17:00; Sat 9:00-12:00``, in English or Spanish; days that are not named are closed.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from datetime import time
from functools import cache
from itertools import groupby, pairwise
from typing import Any, Final, NamedTuple

from config import table
from outreach.core.errors import BadInputError

Spans = Sequence[Sequence[str]]
Week = Sequence[Spans]
DAYS: Final = 7
FRIDAY: Final = 4
ALL_DAY: Final = ("00:00", "23:59")
LONGEST: Final = 300
"""Characters of a week as text."""

_NAMES: Final = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
_NOON: Final = 12 * 60
_DAY: Final = 24 * 60
_CLOCK: Final = re.compile(r"(\d{1,2})(?:[:.](\d{2}))?(?:\s*([ap])\.?\s?m\b\.?)?", re.ASCII | re.IGNORECASE)
_TO: Final = frozenset({"-", "–", "—", "to", "until", "a", "hasta"})
_AND: Final = frozenset({",", "and", "y", "&", ", y", ", and"})


def usual_week() -> Week:
    """Monday to Friday in the usual hours."""
    span = table("office_hours")["weekday"]
    return [[span] if day <= FRIDAY else [] for day in range(DAYS)]


def check_week(week: Any) -> Week:
    """The same hours if they are hours. Raises BadInputError (office_hours_wrong)."""
    if not isinstance(week, list) or len(week) != DAYS or not all(map(_is_day, week)):
        raise BadInputError("office_hours_wrong")
    return week


def _is_day(spans: Any) -> bool:
    """Spans in order that do not touch."""
    try:
        ends = [time.fromisoformat(end) for opens, closes in spans for end in (opens, closes)]
    except (TypeError, ValueError):
        return False
    return all(one.tzinfo is None for one in ends) and all(one < other for one, other in pairwise(ends))


class _Clock(NamedTuple):
    """A time as written. ``half``: a, p, or nothing where it does not say which half of the day."""

    minutes: int
    half: str
    of_24: bool  # nobody writes so on a clock of twelve hours


def parse_day(text: str) -> list[list[str]]:
    """A day's spans: ``8:00-12:00, 13:00-17:00``, ``8am-5pm``, ``8 a. m. a 5 p. m.``, ``closed``, ``24 hours``.

    Where no half of the day is said, hours go forward: 9-5 ends in the afternoon. Raises BadInputError
    (office_hours_wrong).
    """
    words = " ".join(text.casefold().split())
    if words in table("office_hours")["notation"]["closed"]:
        return []
    if words in table("office_hours")["notation"]["all_day"]:
        return [list(ALL_DAY)]
    if len(words) > LONGEST:
        raise BadInputError("office_hours_wrong")
    ends = _in_order(list(_clocks(words)))
    pairs = list(zip(ends[::2], ends[1::2], strict=True))
    if any(one > other for one, other in pairwise(ends)) or any(opens == closes for opens, closes in pairs):
        raise BadInputError("office_hours_wrong")
    spans: list[list[str]] = []
    for opens, closes in pairs:
        if spans and spans[-1][1] == _written(opens):  # 8-12, 12-17 is one span
            spans[-1][1] = _written(closes)
        else:
            spans.append([_written(opens), _written(closes)])
    return spans


def _clocks(words: str) -> Iterator[_Clock]:
    """The times of a day, each span's two in turn; what stands between them must join them."""
    at, number = 0, 0
    for number, found in enumerate(_CLOCK.finditer(words), start=1):
        between = words[at : found.start()].strip()
        known = {"", "from", "de"} if number == 1 else _AND if number % 2 else _TO
        hour, minute, half = int(found[1]), int(found[2] or 0), (found[3] or "")
        if between not in known or minute >= 60 or (not 1 <= hour <= 12 if half else hour * 60 + minute > _DAY):
            raise BadInputError("office_hours_wrong")
        late = _NOON if half == "p" else 0
        minutes = hour % 12 * 60 + minute + late if half else hour * 60 + minute
        yield _Clock(minutes, half, not half and (hour > 12 or hour == 0 or found[1].startswith("0")))
        at = found.end()
    if not number or number % 2 or words[at:].strip():
        raise BadInputError("office_hours_wrong")


def _in_order(clocks: list[_Clock]) -> list[int]:
    """Minutes since midnight; an end at midnight is the day's last minute."""
    of_12 = not any(clock.of_24 for clock in clocks)
    ends: list[int] = []
    for place, clock in enumerate(clocks):
        minutes, before = clock.minutes, ends[-1] if ends else -1
        closes = place % 2 == 1
        if not clock.half and of_12 and minutes < _NOON:
            after = clocks[place + 1] if not closes else None
            # 1-5pm begins in the afternoon too, 8-5pm does not.
            with_its_end = after is not None and after.half == "p" and minutes + _NOON < after.minutes
            if minutes <= before or with_its_end:
                minutes += _NOON
        if closes and minutes in {0, _DAY}:
            minutes = _DAY - 1
        ends.append(minutes)
    return ends


def _written(minutes: int) -> str:
    if minutes >= _DAY:
        raise BadInputError("office_hours_wrong")
    return f"{minutes // 60:02d}:{minutes % 60:02d}"


def print_day(spans: Spans) -> str:
    """A day as ``parse_day`` reads it, and as its field shows it; empty for a closed one."""
    return ", ".join(f"{opens}-{closes}" for opens, closes in spans)


def parse_week(text: str) -> list[list[list[str]]]:
    """A week: ``Mon-Fri 8am-5pm; Sat 9:00-12:00``, or ``closed``. Raises BadInputError (office_hours_wrong)."""
    words = " ".join(text.casefold().split())
    week: list[list[list[str]]] = [[] for _ in range(DAYS)]
    if words in table("office_hours")["notation"]["closed"] and words:
        return week
    named: set[int] = set()
    for part in filter(None, (part.strip() for part in words[: LONGEST + 1].split(";"))):
        found = _days().match(part)
        days = _named(found[0]) if found else []
        if not found or named & set(days) or len(days) != len(set(days)) or len(words) > LONGEST:
            raise BadInputError("office_hours_wrong")
        named.update(days)
        hours = part[found.end() :].lstrip(" :")
        if not hours:
            raise BadInputError("office_hours_wrong")
        for day in days:
            week[day] = parse_day(hours)
    if not named:
        raise BadInputError("office_hours_wrong")
    return week


def print_week(week: Week) -> str:
    """A week as ``parse_week`` reads it."""
    parts = []
    for first, last, spans in runs(week):
        name = _NAMES[first] if first == last else f"{_NAMES[first]}-{_NAMES[last]}"
        parts.append(f"{name} {print_day(spans)}")
    return "; ".join(parts) or "closed"


def runs(week: Week) -> Iterator[tuple[int, int, Spans]]:
    """First and last of the days in a row that have the same hours; closed ones are left out."""
    for spans, group in groupby(enumerate(week), key=lambda one: [list(span) for span in one[1]]):
        days = [day for day, _ in group]
        if spans:
            yield days[0], days[-1], spans


@cache
def _day_numbers() -> dict[str, int]:
    rows = table("office_hours")["notation"]["days"]
    return {name: day for day, names in enumerate(rows) for name in names}


@cache
def _days() -> re.Pattern[str]:
    day = rf"(?:{'|'.join(sorted(map(re.escape, _day_numbers()), key=len, reverse=True))})\b\.?"
    join = r"\s*(?:-|–|—|,|&|/|\b(?:to|through|and|a|y)\b)\s*"
    return re.compile(rf"{day}(?:{join}{day})*")


def _named(words: str) -> list[int]:
    """The days of ``mon-fri, sun``; a range that runs backwards goes over the week's end."""
    days: list[int] = []
    ranging = False
    for token in re.findall(r"[^\W\d_]+|[-–—]", words):
        day = _day_numbers().get(token)
        if day is None:
            ranging = token in {"-", "–", "—", "to", "through", "a"}
        elif ranging:
            span = (day - days[-1]) % DAYS
            days += [(days[-1] + step) % DAYS for step in range(1, span + 1)]
            ranging = False
        else:
            days.append(day)
    return days
