"""An office in words: its kind, its hours as people read them, its clock, and whether it can be called now.

What nobody has entered is assumed, and the page says so.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime, time, timedelta
from typing import Final, NamedTuple
from zoneinfo import ZoneInfo

from babel.core import get_global
from babel.dates import format_time as as_clock
from babel.dates import get_timezone_name
from flask_babel import format_date, get_locale, gettext, ngettext

from config import table
from outreach.calls.office_hours import Opening
from outreach.calls.subject import LINES, opening_of, zones_of
from outreach.escalations.drafts import spoken_phone
from outreach.officials.hours import ALL_DAY, Spans, Week, runs, usual_week
from outreach.officials.models import Office
from outreach.people.zones import fifty_states
from outreach.web.campaign_words import GROUP_ZONE
from outreach.web.official_words import language
from outreach.web.wizard_words import OFFICES

CLOCK: Final = "h:mm a"
MONDAY: Final = date(2024, 1, 1)
A_WEEK: Final = timedelta(days=6)
SHOWN_ZONES: Final = 3


class Said(NamedTuple):
    """Something of an office, and whether it is assumed because nobody has entered it."""

    words: str
    assumed: bool


class OfficeLine(NamedTuple):
    """An office as a page shows it. ``state``: open or closed now, in words; empty where it has no number."""

    id: int
    phone: str
    dial: str
    kind: str
    address: str | None
    hours: Said
    zone: Said
    lines: Said
    state: str
    open: bool


def office_line(office: Office, now: datetime) -> OfficeLine:
    """An office at a domain time."""
    opening = opening_of(office, now)
    lines = office.lines or LINES
    return OfficeLine(
        id=office.id,
        phone=spoken_phone(office),
        dial=f"{office.phone},{office.extension}" if office.extension else office.phone or "",
        kind=kind_words(office.classification),
        address=office.address,
        hours=Said(week_words(office.hours or usual_week()), not office.hours),
        zone=Said(zones_words(zones_of(office)), not office.zone),
        lines=Said(str(ngettext("%(num)s caller at once", "%(num)s callers at once", lines)), office.lines is None),
        state=state_words(opening, zones_of(office), now) if office.phone else "",
        open=opening.open,
    )


def kind_words(classification: str) -> str:
    """What kind of office it is."""
    return str(OFFICES.get(classification.lower(), classification))


def week_words(week: Week) -> str:
    """Hours as people read them: "Mon–Fri 8:00 AM–5:00 PM; Sat 9:00 AM–12:00 PM"."""
    said = [f"{_days(first, last)} {_day_words(spans)}" for first, last, spans in runs(week)]
    return "; ".join(said) or gettext("never open")


def _days(first: int, last: int) -> str:
    names = [format_date(MONDAY + timedelta(days=day), "EEE", rebase=False) for day in (first, last)]
    return names[0] if first == last else "–".join(names)


def _day_words(spans: Spans) -> str:
    if [tuple(span) for span in spans] == [ALL_DAY]:
        return str(gettext("all day"))
    return ", ".join("–".join(clock_words(time.fromisoformat(end)) for end in span) for span in spans)


def clock_words(at: time) -> str:
    """A time of day on a clock of twelve hours, as people here read it."""
    return str(as_clock(at, CLOCK, locale=get_locale()))


def zone_words(name: str) -> str:
    """What people call the time of a zone; of one that is not on our list that of the first with the same clock."""
    zones, alike = table("office_hours")["zones"], get_global("meta_zones")
    known = zones.get(name) or next((zones[one] for one in zones if alike.get(one) == alike.get(name, one)), None)
    return str(known[language()] if known else get_timezone_name(ZoneInfo(name), locale=get_locale()))


def zones_words(zones: Sequence[str]) -> str:
    """The same for every zone in which an office may be: it counts as open when it is open in all of them."""
    if tuple(zones) == fifty_states() or len(zones) > SHOWN_ZONES:
        return str(gettext("any time zone of the country"))
    names = list(dict.fromkeys(map(zone_words, zones)))
    return str(gettext(" or ")).join(names)


def state_words(opening: Opening, zones: Sequence[str], now: datetime) -> str:
    """Whether it can be called, and until when; else when it opens. By its own clock, else the group's, named."""
    zone = ZoneInfo(zones[0]) if len(zones) == 1 else GROUP_ZONE
    named = "" if len(zones) == 1 else f", {zone_words(zone.key)}"
    if opening.open and opening.closes_at is not None:
        closes = clock_words(opening.closes_at.astimezone(zone).time())
        said = str(gettext("Open now, until %(time)s.", time=closes + named))
        return said.replace("..", ".")  # Spanish hours end in a stop of their own
    if opening.opens_at is None:
        return str(gettext("Closed. It opens at no time in the next two weeks."))
    opens, today = opening.opens_at.astimezone(zone), now.astimezone(zone).date()
    clock = clock_words(opens.time()) + named
    if opens.date() == today:
        return str(gettext("Closed now. Opens today at %(time)s.", time=clock))
    pattern = "EEEE" if opens.date() - today <= A_WEEK else "EEEE, d MMMM" if language() == "es" else "EEEE, MMMM d"
    day = format_date(opens.date(), pattern, rebase=False)
    return str(gettext("Closed now. Opens %(day)s at %(time)s.", day=day, time=clock))
