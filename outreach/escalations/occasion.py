"""What people must know to take part: the event, the address, the newspaper of a campaign. Checked, and put in words.

They stand in ``Campaign.occasion``; which of them a tactic needs, ``config/ladder.toml`` says.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import UTC, date, datetime, time, timedelta
from typing import Any, Final
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo

from babel.dates import format_skeleton, format_time

from config import table
from outreach.core.errors import BadInputError
from outreach.core.plain import plain_text
from outreach.escalations.models import Campaign
from outreach.officials.models import Office, Official

PLACE_LENGTH: Final = 120
LINK_LENGTH: Final = 300
ADDRESS_LENGTH: Final = 200
NEWSPAPER_LENGTH: Final = 80
LENGTHS: Final[Mapping[str, int]] = {
    "event_place": PLACE_LENGTH, "event_link": LINK_LENGTH, "office_address": ADDRESS_LENGTH, "office_email": 254,
    "newspaper": NEWSPAPER_LENGTH, "newspaper_address": ADDRESS_LENGTH,
}  # fmt: skip
"""The fields that are words, and the most characters of each."""
WORD_LIMITS: Final = range(50, 1001)
USUAL_WORDS: Final = 200
"""What papers print at most, where nobody has looked it up."""
FARTHEST: Final = timedelta(days=table("follow_ups")["open_days"])
"""No event further ahead: nobody keeps that day free now, and replies find their campaign for so long."""
CLOCK: Final = "h:mm a"
"""Twelve hours, as people here read it, in Spanish too."""
EMAIL: Final = re.compile(r"[^\s@<>\"',;]+@[^\s@<>\"',;]+\.[^\s@<>\"',;.]+")


def occasion_of(campaign: Campaign) -> dict[str, Any]:
    """What was entered for a campaign."""
    return dict(campaign.occasion or {})


def check_occasion(tactic: str, given: Mapping[str, Any], now: datetime) -> dict[str, Any]:
    """What a form or command gave for a tactic, as it is stored; empty fields are left out.

    ``event_at`` (UTC) comes with ``event_zone``. Raises BadInputError with the ``field`` it is about.
    """
    kept: dict[str, Any] = {}
    for field in table("ladder")["tactics"][tactic]["fields"]:
        if field == "event":
            kept |= _event(given, now)
        elif field == "word_limit":
            kept |= _word_limit(given.get(field))
        elif text := _line(given.get(field)):
            if len(text) > LENGTHS[field]:
                raise BadInputError("occasion_long", field=field, most=LENGTHS[field])
            _CHECKS.get(field, lambda _: None)(text)
            kept[field] = text
    return kept


def local_time(day: date | None, hour: time | None, zone: str | None, now: datetime) -> datetime | None:
    """The time of an event in UTC; None where neither day nor time is given.

    Raises BadInputError event_day_missing, event_time_missing, event_zone_unknown, event_past, event_far.
    """
    if day is None and hour is None:
        return None
    if day is None:
        raise BadInputError("event_day_missing", field="event_day")
    if hour is None:
        raise BadInputError("event_time_missing", field="event_time")
    clock = _clock(zone)
    if day < now.astimezone(clock).date():  # a calendar ends: what lies far behind or ahead has no UTC
        raise BadInputError("event_past", field="event_day")
    if day > (now + FARTHEST).astimezone(clock).date():
        raise BadInputError("event_far", field="event_day", days=FARTHEST.days)
    return datetime.combine(day, hour, clock).astimezone(UTC)


def event_at(occasion: Mapping[str, Any]) -> datetime | None:
    """When the event begins, in UTC."""
    found = occasion.get("event_at")
    return datetime.fromisoformat(found) if found else None


def missing(tactic: str, known: Mapping[str, Any], now: datetime) -> dict[str, str]:
    """What keeps a campaign from being launched at a domain time: field -> error code. Pure.

    ``known``: what ``known_for`` gives.
    """
    lacks = {}
    for need in table("ladder")["tactics"].get(tactic, {"needs": []})["needs"]:
        if need == "event":
            begins = event_at(known)
            if begins is None:
                lacks["event_day"] = "campaign_no_event"
            elif begins <= now:
                lacks["event_day"] = "campaign_event_past"
        elif not known.get(need):
            lacks[need] = f"campaign_no_{need}"
    return lacks


def known_for(occasion: Mapping[str, Any], official: Official, office: Office | None) -> dict[str, Any]:
    """What is known: what was entered, and what the official's office and entry say where nothing was."""
    return {
        "office_phone": (office.phone if office else None) or "",
        "office_address": _line(office.address if office else ""),
        "office_email": official.email or "",
        **occasion,
    }


def occasion_values(known: Mapping[str, Any], language: str) -> dict[str, str]:
    """The merge fields of texts: plain characters, and a word in brackets for what is not known. Pure."""
    fallbacks: dict[str, str] = table("message_templates/fallbacks")["campaign"][language]
    said = {field: plain_text(str(known[field])) for field in fallbacks if known.get(field)}
    begins = event_at(known)
    if begins is not None:
        said["event_day"] = plain_text(day_words(begins, known.get("event_zone"), language))
    return {**fallbacks, **said}


def day_words(at: datetime, zone: str | None, language: str) -> str:
    """A day and a time of the event's clock: "Wed, Dec 9, 6:30 PM"."""
    clock = ZoneInfo(zone or "America/Phoenix")
    local = at.astimezone(clock)
    day = format_skeleton("MMMEd", local, tzinfo=clock, locale=language)
    return f"{day}, {format_time(local, CLOCK, tzinfo=clock, locale=language)}"


def _line(text: Any) -> str:
    """On one line, without what no text can carry."""
    return " ".join(str(text or "").replace("\0", "").split())


def _event(given: Mapping[str, Any], now: datetime) -> dict[str, str]:
    begins: datetime | None = given.get("event_at")
    if begins is None:
        return {}
    clock = _clock(given.get("event_zone"))
    if begins <= now:
        raise BadInputError("event_past", field="event_day")
    if begins.date() > (now + FARTHEST).date() + timedelta(days=1):  # a day of grace: the form looks at its own clock's
        raise BadInputError("event_far", field="event_day", days=FARTHEST.days)
    return {"event_at": begins.isoformat(), "event_zone": clock.key}


def _clock(zone: Any) -> ZoneInfo:
    """Raises BadInputError event_zone_unknown: pages and texts tell the event's time by it."""
    if zone not in table("office_hours")["zones"]:
        raise BadInputError("event_zone_unknown", field="event_zone")
    return ZoneInfo(zone)


def _word_limit(text: Any) -> dict[str, int]:
    written = _line(text)
    if not written:
        return {}
    if not re.fullmatch(r"[0-9]{1,4}", written, re.ASCII) or int(written) not in WORD_LIMITS:
        raise BadInputError("word_limit_wrong", field="word_limit", least=WORD_LIMITS[0], most=WORD_LIMITS[-1])
    return {"word_limit": int(written)}


def _check_link(text: str) -> None:
    try:
        parts = urlsplit(text)
        usable = parts.scheme in {"http", "https"} and bool(parts.hostname)
    except ValueError:
        usable = False
    if not usable or re.search(r"[\s<>\"]", text):
        raise BadInputError("event_link_wrong", field="event_link")


def _check_email(text: str) -> None:
    if not EMAIL.fullmatch(text):
        raise BadInputError("office_email_wrong", field="office_email")


_CHECKS: Final = {"event_link": _check_link, "office_email": _check_email}
