"""Calendar files (RFC 5545): meetings at their hour, due days as whole days.

A UID is made of what the entry is about and the host, so that a file taken again moves what is in the calendar already
and doubles nothing. Times go out in UTC, which every calendar shows in its owner's zone: no zone table can go stale.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Final

from icalendar import Alarm, Calendar, Event

MIME_TYPE: Final = "text/calendar"
PRODUCT: Final = "-//outreach//calendar//EN"


@dataclass(frozen=True, slots=True)
class Entry:
    """Something to be in a calendar: at a moment (aware) with an end, or on a whole day.

    ``key`` names what it is about, as in ``plan-7-meeting``: the same key is the same entry for ever.
    """

    key: str
    title: str
    starts: datetime | date
    ends: datetime | None = None
    place: str = ""
    text: str = ""
    url: str = ""
    canceled: bool = False
    remind: timedelta | None = None  # so long before


def events_file(entries: Iterable[Entry], now: datetime, host: str) -> bytes:
    """The entries as one calendar. ``now``: domain time at which the file is made; ``host``: whose keys these are."""
    calendar = Calendar()
    calendar.add("prodid", PRODUCT)
    calendar.add("version", "2.0")
    calendar.add("method", "PUBLISH")
    for entry in entries:
        calendar.add_component(_event(entry, now, host))
    return bytes(calendar.to_ical())


def _event(entry: Entry, now: datetime, host: str) -> Event:
    event = Event()
    event.add("uid", f"{entry.key}@{host}")
    event.add("dtstamp", now.astimezone(UTC))
    # A calendar takes the later of two versions; seconds since 1970 grow by themselves.
    event.add("sequence", max(0, int(now.timestamp())) % 2**31)
    event.add("summary", _printable(entry.title))
    event.add("status", "CANCELLED" if entry.canceled else "CONFIRMED")
    if isinstance(entry.starts, datetime):
        event.add("dtstart", _utc(entry.starts))
        event.add("dtend", _utc(entry.ends or entry.starts + timedelta(hours=1)))
    else:
        event.add("dtstart", entry.starts)
        if entry.starts < date.max:  # the last day that there is has no next one; without an end it is whole as well
            event.add("dtend", entry.starts + timedelta(days=1))
        event.add("transp", "TRANSPARENT")  # a due day makes nobody busy
    for name, text in (("location", entry.place), ("description", entry.text)):
        if text:
            event.add(name, _printable(text))
    if entry.url:
        event.add("url", entry.url)
    if entry.remind is not None and not entry.canceled:
        event.add_component(_alarm(entry))
    return event


def _alarm(entry: Entry) -> Alarm:
    alarm = Alarm()
    alarm.add("action", "DISPLAY")
    alarm.add("description", _printable(entry.title))
    alarm.add("trigger", -(entry.remind or timedelta()))
    return alarm


def _utc(at: datetime) -> datetime:
    if at.tzinfo is None:
        raise ValueError("naive datetime")
    return at.astimezone(UTC)


def _printable(text: str) -> str:
    """Without control characters, which a calendar file cannot hold; line ends stay."""
    return "".join(char for char in text.replace("\r\n", "\n") if char in "\n\t" or ord(char) >= 32)
