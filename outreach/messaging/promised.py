"""When somebody said they would call: from their words to a time at which they may be reminded. Pure.

``config/promises.toml`` holds the words. What is not understood means "later today"; a date of the calendar, or a time
that is too far away, means no reminder at all: none is better than one on the wrong day.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, time, timedelta
from functools import cache
from typing import Final
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from config import table
from outreach.people.quiet_hours import window
from outreach.people.zones import fifty_states

_READ: Final = 400  # characters; a promise is short, and the rest of a long text is about something else
_LONGEST_PHRASE: Final = 4
_TOKEN: Final = re.compile(r"[a-z0-9]+(?::[0-9]{2}[a-z]*)?")
_CLOCK: Final = re.compile(r"([0-9]{1,2})(?::([0-9]{2}))?(am|pm|a|p|h|hrs)?", re.ASCII)
_AMOUNT: Final = re.compile(r"([0-9]{1,3})([a-z]*)", re.ASCII)
_ORDINAL: Final = re.compile(r"[0-9]{1,2}(?:st|nd|rd|th)", re.ASCII)
_HALVES: Final = {"a": "am", "am": "am", "p": "pm", "pm": "pm"}


@dataclass(slots=True)
class _Said:
    """What a text says about time: days from today, part of the day, (hour, minute, am or pm), an offset."""

    days: list[int] = field(default_factory=list)
    part: str | None = None
    clock: tuple[int, int, str | None] | None = None
    offset: timedelta | None = None
    has_date: bool = False


def remind_at(text: str, zones: Sequence[str], now: datetime) -> datetime | None:
    """When to remind whoever promised this at ``now`` (UTC): inside their window, after now, in two weeks at most.

    None: they named no time that we can keep. Where a person may be in several zones, it is never before the promised
    time in any of them. Raises ValueError for a naive instant.
    """
    try:
        times = [promised(text, now.astimezone(ZoneInfo(zone))) for zone in zones or fifty_states()]
    except ZoneInfoNotFoundError:  # a zone that this machine does not know: then it may be any
        return remind_at(text, fifty_states(), now)
    known = [at.astimezone(UTC) for at in times if at is not None]
    if len(known) < len(times):
        return None
    opens_at = window(tuple(zones), max(known)).opens_at
    return opens_at if opens_at is not None and opens_at <= now + _furthest() else None


def promised(text: str, now: datetime) -> datetime | None:
    """The time that a text names, in the zone of ``now`` (an aware local time); always after it.

    None: a date of the calendar, or further away than ``promise_days``.
    """
    if now.tzinfo is None:
        raise ValueError("the instant needs a time zone")
    said = _read(_words(text), now)
    if said.has_date:
        return None
    at = now + said.offset if said.offset is not None else _on_the_clock(said, now)
    if at is None or at.astimezone(UTC) <= now.astimezone(UTC):
        at = _later(now)
    return at if at.astimezone(UTC) - now.astimezone(UTC) <= _furthest() else None


def _furthest() -> timedelta:
    return timedelta(days=table("follow_ups")["promise_days"])


def _later(now: datetime) -> datetime:
    """Some hours from now, but still today where today has some hours left."""
    rule = table("promises")["later"]
    at = (now.astimezone(UTC) + timedelta(hours=rule["hours"])).astimezone(now.tzinfo)
    last = datetime.combine(now.date(), time.fromisoformat(rule["until"]), now.tzinfo)
    return last if now < last < at else at


def _on_the_clock(said: _Said, now: datetime) -> datetime | None:
    """The day and hour that are named; None where neither is, or the time has passed today."""
    days = [day for day in said.days if day] or said.days  # "not today, tomorrow"
    day = days[0] if days else None
    if said.clock is None and said.part is None:
        return None if not day else _at(now, day, _part("morning"))
    if said.clock is None:
        at = _at(now, day or 0, _part(said.part or "morning"))
        return at if day is not None or at > now else _at(now, 1, _part(said.part or "morning"))
    hour, minute, half = said.clock
    sure = half is not None or said.part is not None or hour > 12
    at = _at(now, day or 0, time(_hour_of(hour, half, said.part), minute))
    if at <= now and not day and not sure and at.hour < 12:
        at = _at(now, 0, time(at.hour + 12, minute))
    return _at(now, 1, at.timetz().replace(tzinfo=None)) if at <= now and day is None else at


def _at(now: datetime, days: int, at: time) -> datetime:
    return datetime.combine(now.date() + timedelta(days=days), at, now.tzinfo)


def _part(name: str) -> time:
    return time.fromisoformat(table("promises")["parts"][name])


def _hour_of(hour: int, half: str | None, part: str | None) -> int:
    """0 to 23. A bare hour is one of the day's: 1 to 7 after noon, 8 to 12 before it."""
    if hour > 12:
        return hour
    late = {"am": False, "pm": True}.get(half or "")
    if late is None:
        late = part in {"afternoon", "evening"} if part and part != "noon" else hour < 8
    if hour == 12:
        return 0 if half == "am" else 12
    return hour + 12 if late else hour


def _words(text: str) -> list[str]:
    plain = unicodedata.normalize("NFKD", text[:_READ].casefold())
    plain = "".join(char for char in plain if not unicodedata.combining(char) and char not in "'’‘`´")
    plain = re.sub(r"\b([ap])\.? ?m\b\.?", r"\1m", plain)
    return _TOKEN.findall(plain)


def _read(words: Sequence[str], now: datetime) -> _Said:
    """Go through the words once; the longest phrase of the table wins."""
    said, place = _Said(), 0
    while place < len(words):
        step = _number(said, words, place)
        if step == 0:
            for length in range(min(_LONGEST_PHRASE, len(words) - place), 0, -1):
                meanings = _phrases().get(tuple(words[place : place + length]))
                if meanings:
                    for kind, value in meanings:
                        _note(said, kind, value, now)
                    step = length
                    break
        place += step or 1
    return said


def _note(said: _Said, kind: str, value: str, now: datetime) -> None:
    if kind == "days":
        said.days.append(int(value))
    elif kind == "weekdays":
        said.days.append((int(value) - now.weekday() - 1) % 7 + 1)
    elif kind == "next_week":
        said.days.append(7 - now.weekday())
    elif kind == "part_words":
        said.part = said.part or value
    elif kind == "dates":
        said.has_date = True
    elif kind == "after_hour" and said.clock is not None:
        said.clock = (said.clock[0], int(value), said.clock[2])


def _number(said: _Said, words: Sequence[str], place: int) -> int:
    """How many words from ``place`` on are an offset, an hour or a date, noted; 0: none."""
    before = words[place - 1] if place else ""
    word = words[place]
    if _ORDINAL.fullmatch(word):
        said.has_date = True
        return 1
    if before in _of("before_offset") or word in {"half", "media"}:
        taken = _offset(said, words, place)
        if taken:
            return taken
    spoken = table("promises")["numbers"]["words"].get(word)
    match = _CLOCK.fullmatch(word) or (_CLOCK.fullmatch(str(spoken)) if spoken and before in _hours() else None)
    if match is None:
        return 0
    after = words[place + 1] if place + 1 < len(words) else ""
    hour, minute = int(match[1]), int(match[2] or 0)
    half = _HALVES.get(match[3] or "") or _HALVES.get(after if len(after) == 2 else "")
    if hour > 23 or minute > 59 or (half and not 1 <= hour <= 12):
        said.has_date = said.has_date or before in _dates_before()
        return 1
    if match[2] or match[3] or half or before in _hours() or after in {"oclock", "clock"}:
        said.clock = said.clock or (hour, minute, half)
        return 1
    said.has_date = said.has_date or before in _dates_before()
    return 0 if spoken else 1


def _offset(said: _Said, words: Sequence[str], place: int) -> int:
    """A number and its unit ("2 hours", "half an hour", "30min") as so much from now; how many words that took."""
    numbers, units = table("promises")["numbers"]["words"], _units()
    for length in (3, 2, 1):
        spoken = " ".join(words[place : place + length])
        match = _AMOUNT.fullmatch(spoken)
        amount = numbers.get(spoken) if match is None else float(match[1])
        unit = match[2] if match and match[2] else "".join(words[place + length : place + length + 1])
        if amount is not None and unit in units:
            said.offset = said.offset or timedelta(minutes=float(amount) * units[unit])
            return length + (0 if match and match[2] else 1)
    return 0


@cache
def _phrases() -> dict[tuple[str, ...], list[tuple[str, str]]]:
    """Phrase -> what it means: the section of the table that it stands in, and the key there."""
    found: dict[tuple[str, ...], list[tuple[str, str]]] = {}
    for kind in ("days", "weekdays", "part_words", "next_week", "no_time", "dates", "after_hour"):
        for key, phrases in table("promises")[kind].items():
            for phrase in phrases if key != "before" else ():
                found.setdefault(tuple(phrase.split()), []).append((kind, key))
    return found


@cache
def _of(section: str) -> frozenset[str]:
    return frozenset(table("promises")[section]["words"])


def _hours() -> frozenset[str]:
    return _of("before_hour")


@cache
def _dates_before() -> frozenset[str]:
    return frozenset(table("promises")["dates"]["before"])


@cache
def _units() -> dict[str, int]:
    return {word: int(minutes) for minutes, words in table("promises")["units"].items() for word in words}
