"""Words of the page of a script: what happened, and what somebody may tell."""

from __future__ import annotations

from datetime import datetime
from typing import Final
from zoneinfo import ZoneInfo

from babel.dates import format_skeleton
from babel.dates import format_time as time_in
from flask_babel import get_locale, lazy_gettext

from outreach.calls.twiml import KEYPAD

HAPPENED: Final = {
    "declined": lazy_gettext("We met %(official)s, who would not commit to the %(policy)s."),
    "evaded": lazy_gettext("We asked %(official)s about the %(policy)s and got no clear answer."),
    "no_meeting": lazy_gettext("%(official)s would not meet with us about the %(policy)s."),
    "unreasonable_conditions": lazy_gettext(
        "%(official)s set conditions that kept us from meeting about the %(policy)s."
    ),
}
"""By the outcome of the meeting that the campaign comes from."""

TOLD: Final = {
    "spoke": lazy_gettext("I spoke with somebody"),
    "voicemail": lazy_gettext("I left a voicemail"),
    "mailbox_full": lazy_gettext("The mailbox was full"),
    "no_answer": lazy_gettext("Nobody answered"),
    "busy": lazy_gettext("It was busy"),
    "refused": lazy_gettext("They would not take my message"),
    "done": lazy_gettext("I have done it"),
    "letter_sent": lazy_gettext("I sent the letter"),
    "letter_printed": lazy_gettext("They printed my letter"),
    "email_sent": lazy_gettext("I sent the email"),
    "attended": lazy_gettext("I was there"),
    "spoke_at_meeting": lazy_gettext("I was there and spoke"),
    "left_note": lazy_gettext("I left a note"),
}
"""Every outcome of ``config/tactics.toml`` in the words of whoever tells it; a test holds the two together."""

GONE: Final = {
    "unknown": (
        lazy_gettext("This link leads nowhere"),
        lazy_gettext("Perhaps a part of it is missing. Open the text again and press the whole link, or reply SCRIPT."),
    ),
    "expired": (
        lazy_gettext("This link has ended"),
        lazy_gettext("It works for some days only. Reply SCRIPT to our text, and a new one comes."),
    ),
    "over": (
        lazy_gettext("This campaign has ended"),
        lazy_gettext("There is nothing to do for it any more. Thank you for looking."),
    ),
    "stopped": (
        lazy_gettext("This link is closed"),
        lazy_gettext(
            "The phone that it was sent to gets no more texts or calls from us. To come back, text START to us from it."
        ),
    ),
    "erased": (
        lazy_gettext("This link is closed"),
        lazy_gettext("What we kept about the phone that it was sent to was deleted."),
    ),
    "often": (
        lazy_gettext("Please wait"),
        lazy_gettext("This page was asked for too often from where you are. Please wait a minute."),
    ),
    "stale": (
        lazy_gettext("That did not work"),
        lazy_gettext("Nothing was noted. Open the link in our text again, and press there."),
    ),
    "told_too_often": (
        lazy_gettext("That did not work"),
        lazy_gettext("This was changed too often. Tell us by text how your call went."),
    ),
}
"""Why there is no page: a title, and what can be done."""


def dial_link(e164: str, extension: str | None) -> str:
    """An office's number as a link that a phone dials; each comma waits two seconds (RFC 3966 leaves it to phones)."""
    keys = "".join(KEYPAD.findall(extension or "")).replace("w", ",").replace("#", "%23")
    return f"tel:{e164},{keys}" if keys else f"tel:{e164}"


def day_and_hour(at: datetime, zone: ZoneInfo) -> str:
    """A weekday and a time of day in a zone."""
    day = format_skeleton("EEEEMMMd", at.astimezone(zone), tzinfo=zone, locale=get_locale())
    return f"{day}, {_at(at, zone)}"


def _at(at: datetime, zone: ZoneInfo) -> str:
    return str(time_in(at.astimezone(zone), "short", tzinfo=zone, locale=get_locale()))
