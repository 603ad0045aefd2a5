"""What the page of a script has for each tactic but calls: what one needs, and words to begin with."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final, NamedTuple
from urllib.parse import quote
from zoneinfo import ZoneInfo

from babel.dates import format_date, format_time
from flask_babel import gettext, lazy_gettext
from sqlalchemy.orm import Session

from outreach.escalations.ladder_facts import known_of_campaign
from outreach.escalations.models import Campaign
from outreach.escalations.occasion import CLOCK, EMAIL, USUAL_WORDS, event_at
from outreach.escalations.wording import TACTICS, sample, subject, tone_of
from outreach.messaging.render import fill, render
from outreach.messaging.tactics import CALLS
from outreach.officials.hours import usual_week
from outreach.officials.models import Office
from outreach.web.office_words import week_words, zone_words
from outreach.web.tactic_words import FIELDS, tactic_name
from outreach.web.tactic_words import language as page_language

TITLES: Final[dict[str, Any]] = {
    "letters": lazy_gettext("Write to %(official)s"),
    "email": lazy_gettext("Send an e-mail to %(official)s"),
    "town_hall": lazy_gettext("Ask %(official)s at the town hall"),
    "council_meeting": lazy_gettext("Speak to %(official)s at the council meeting"),
    "letters_to_editor": lazy_gettext("Write to the editor about %(official)s"),
    "in_person": lazy_gettext("Visit %(official)s"),
}
SAMPLES: Final[dict[str, Any]] = {
    "letters": lazy_gettext("A letter to begin with"),
    "email": lazy_gettext("An e-mail to begin with"),
    "town_hall": lazy_gettext("Questions: choose one, and ask until it is answered"),
    "council_meeting": lazy_gettext("Words for two minutes"),
    "letters_to_editor": lazy_gettext("A letter to begin with"),
    "in_person": lazy_gettext("A note to leave behind"),
}
PRINTED: Final = ("letters", "in_person")
"""Tactics whose sample one may want on paper."""


class Needed(NamedTuple):
    """A thing that one needs to know, and where a press on it leads."""

    label: str
    words: str
    href: str = ""


@dataclass(frozen=True, slots=True)
class Kit:
    """``lines`` are the sample's paragraphs, or the questions. ``calendar``: the event, to be copied."""

    title: str
    needed: tuple[Needed, ...]
    heading: str
    lines: tuple[str, ...]
    is_list: bool
    mailto: str
    prints: bool
    words: int
    word_limit: int | None
    calendar: str


def kit_of(session: Session, campaign: Campaign, values: Mapping[str, str], language: str) -> Kit | None:
    """The kit of a campaign in one language; None for calls. ``values``: merge fields in the names of pages."""
    tactic = campaign.tactic
    if tactic == CALLS or tactic not in TACTICS:
        return None
    known = known_of_campaign(session, campaign)
    said = {**values, **{field: str(known[field]) for field in FIELDS if known.get(field)}}
    body = render(sample(tactic, tone_of(campaign.tone), language), said, {}, language, kind="script")
    apart = "\n" if tactic == "town_hall" else "\n\n"
    papers = tactic == "letters_to_editor"
    return Kit(
        title=str(TITLES[tactic]) % {"official": values["official"]},
        needed=tuple(_needed(session, campaign, known)),
        heading=str(SAMPLES[tactic]),
        lines=tuple(body.split(apart)),
        is_list=tactic == "town_hall",
        mailto=_mailto(tactic, known, body, said, language),
        prints=tactic in PRINTED,
        words=len(body.split()) if papers else 0,
        word_limit=int(known.get("word_limit") or USUAL_WORDS) if papers else None,
        calendar=_calendar(tactic, known, values["official"], language),
    )


def _needed(session: Session, campaign: Campaign, known: Mapping[str, Any]) -> list[Needed]:
    tactic, found = campaign.tactic, []
    begins = event_at(known)
    if tactic in {"town_hall", "council_meeting"} and begins is not None:
        found.append(Needed(gettext("When"), _when(known)))
        found.append(Needed(gettext("Where it is"), known.get("event_place", "")))
        if known.get("event_link"):
            found.append(Needed(gettext("Sign up to speak"), known["event_link"], known["event_link"]))
    if tactic in {"letters", "in_person"}:
        found.append(Needed(gettext("Address of the office"), known["office_address"]))
    if tactic == "in_person" and campaign.office_id:
        office = session.get(Office, campaign.office_id)
        if office is not None and office.stands:
            found.append(Needed(gettext("Hours"), week_words(office.hours or usual_week())))
    if tactic == "email":
        found.append(Needed(gettext("Send it to"), known["office_email"]))
    if tactic == "letters_to_editor":
        address = str(known.get("newspaper_address", ""))
        found.append(Needed(gettext("Newspaper"), str(known.get("newspaper", ""))))
        href = address if address.startswith(("https://", "http://")) else ""
        found.append(Needed(gettext("Send it to"), address, href))
    return [one for one in found if one.words]


def _when(known: Mapping[str, Any], language: str | None = None) -> str:
    """The whole day, time and zone of the event, by its own clock."""
    begins, zone = event_at(known), str(known["event_zone"])
    if begins is None:
        return ""
    local = begins.astimezone(ZoneInfo(zone))
    spoken = language or page_language()
    day = format_date(local.date(), "full", locale=spoken)
    return f"{day}, {format_time(local, CLOCK, tzinfo=ZoneInfo(zone), locale=spoken)} ({zone_words(zone)})"


def _calendar(tactic: str, known: Mapping[str, Any], official: str, language: str) -> str:
    """The event in a few lines, for whatever calendar somebody keeps."""
    if tactic not in {"town_hall", "council_meeting"} or event_at(known) is None:
        return ""
    lines = [f"{tactic_name(tactic, language)}: {official}", _when(known, language), known.get("event_place", "")]
    return "\n".join(line for line in [*lines, known.get("event_link", "")] if line)


def _mailto(tactic: str, known: Mapping[str, Any], body: str, said: Mapping[str, str], language: str) -> str:
    """A link that opens a letter with its subject and body; empty where nothing goes by e-mail. Lines end as RFC 6068
    has them.
    """
    address = {"email": known["office_email"], "letters_to_editor": known.get("newspaper_address", "")}.get(tactic, "")
    if not EMAIL.fullmatch(str(address)):
        return ""
    about = fill(subject(tactic, language), said) if tactic == "email" else gettext("Letter to the editor")
    text = body.replace("\n", "\r\n")
    return f"mailto:{quote(str(address), safe='@')}?subject={quote(about)}&body={quote(text)}"
