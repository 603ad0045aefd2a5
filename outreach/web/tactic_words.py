"""Tactics in words: their names and lines out of the tables, why one is suggested, and what is wrong in its fields."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from flask_babel import get_locale, lazy_gettext

from config import table
from outreach.escalations import ladder_words
from outreach.escalations.ladder import Reason
from outreach.escalations.wording import TACTICS, TONES, tone_of

ERRORS: Final[dict[str, Any]] = {
    "tactic_unknown": lazy_gettext("Choose one of the tactics."),
    "tone_unknown": lazy_gettext("Choose one of the tones."),
    "words_edited": lazy_gettext(
        "Somebody has written words of their own for this campaign. Say what becomes of them."
    ),
    "kept_words_unknown": lazy_gettext("These words were put back already."),
    "event_day_missing": lazy_gettext("Choose the day as well."),
    "event_time_missing": lazy_gettext("Choose the time of day as well."),
    "event_zone_unknown": lazy_gettext("Choose the time zone of the event."),
    "event_past": lazy_gettext("This event has passed. Choose one that is still to come."),
    "event_far": lazy_gettext("Choose an event within %(days)s days: nobody keeps a day free for longer."),
    "event_link_wrong": lazy_gettext("A link begins with https:// or http:// and has no blanks."),
    "office_email_wrong": lazy_gettext("This is not an e-mail address."),
    "word_limit_wrong": lazy_gettext("Type a number of words from %(least)s to %(most)s."),
    "occasion_long": lazy_gettext("At most %(most)s characters."),
    "campaign_no_event": lazy_gettext("People need to know the day and time of the event."),
    "campaign_event_past": lazy_gettext("The event of this campaign has passed. Choose one that is still to come."),
    "campaign_no_event_place": lazy_gettext("People need to know where the event is."),
    "campaign_no_office_address": lazy_gettext("People need the address of the office."),
    "campaign_no_office_email": lazy_gettext("People need the office's e-mail address."),
    "campaign_no_newspaper": lazy_gettext("Name the newspaper."),
    "campaign_no_newspaper_address": lazy_gettext(
        "Say where letters to the newspaper go: an e-mail address or a page."
    ),
    "campaign_not_launched": lazy_gettext("Launch this campaign before you take the next step after it."),
    "no_next_rung": lazy_gettext("There is no other tactic left to suggest. Choose one yourself."),
}
"""Error code -> what to tell whoever filled in a form."""

PROBLEMS: Final[dict[str, Any]] = {
    "campaign_no_event": lazy_gettext("the day of its event is missing."),
    "campaign_event_past": lazy_gettext("its event had passed."),
    "campaign_no_event_place": lazy_gettext("the place of its event is missing."),
    "campaign_no_office_address": lazy_gettext("the office has no address."),
    "campaign_no_office_email": lazy_gettext("the office has no e-mail address."),
    "campaign_no_newspaper": lazy_gettext("the newspaper is missing."),
    "campaign_no_newspaper_address": lazy_gettext("the newspaper's address is missing."),
}
"""Why a scheduled campaign could not launch: the end of a sentence."""

FIELDS: Final[dict[str, Any]] = {
    "event_day": lazy_gettext("day and time of the event"),
    "event_place": lazy_gettext("where the event is"),
    "event_link": lazy_gettext("where one signs up to speak"),
    "office_address": lazy_gettext("the office's address"),
    "office_email": lazy_gettext("the office's e-mail address"),
    "newspaper": lazy_gettext("the newspaper"),
    "newspaper_address": lazy_gettext("where letters to the newspaper go"),
    "word_limit": lazy_gettext("how many words it prints"),
}
"""Merge fields of tactics in words."""
OF_EVENT: Final = ("event_day", "event_place", "event_link")
SCRIPT_PARTS: Final[dict[str, Any]] = {
    "script_en": lazy_gettext("What SCRIPT brings, in English"),
    "script_es": lazy_gettext("What SCRIPT brings, in Spanish"),
}
"""What a script is called where nobody calls."""


def language() -> str:
    """The language of the page: en or es."""
    return str(get_locale().language)


def tactic_name(tactic: str, spoken: str | None = None) -> str:
    """A tactic's name, in the language of the page unless another is spoken."""
    return ladder_words.tactic_name(tactic, spoken or language())


def tactic_line(tactic: str, kind: str) -> str:
    """``about``, ``measure``, ``pitfall`` or ``helps`` of a tactic; empty for one that the table does not have."""
    row = table("tactic_words").get(tactic)
    return str(row[kind][language()]) if row else ""


def tactic_names() -> dict[str, str]:
    """Every tactic's name."""
    return {tactic: tactic_name(tactic) for tactic in TACTICS}


def tone_name(tone: str | None) -> str:
    """A tone and what it does."""
    return str(table("tactic_words")["tone"][tone_of(tone)]["name"][language()])


def tone_names() -> dict[str, str]:
    """Every tone's."""
    return {tone: tone_name(tone) for tone in TONES}


def reason_words(reason: Reason) -> str:
    """Why something is suggested, as a sentence."""
    return ladder_words.reason_words(reason, language())


def fields_for(tactic: str, fields: Mapping[str, Any]) -> dict[str, Any]:
    """The merge fields that a campaign of this tactic can use, in words."""
    asked = table("ladder")["tactics"].get(tactic, {"fields": []})["fields"]
    own = [name for field in asked for name in (OF_EVENT if field == "event" else (field,))]
    return {**fields, **{name: FIELDS[name] for name in dict.fromkeys(own)}}
