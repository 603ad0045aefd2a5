"""Words for a campaign's page: why it is halted, shares, and the times of the group's clock."""

from __future__ import annotations

from datetime import datetime
from typing import Final
from zoneinfo import ZoneInfo

from babel.dates import format_skeleton
from flask_babel import format_time, get_locale, gettext, lazy_gettext

from outreach.core.clock import PHOENIX
from outreach.messaging import restored
from outreach.messaging.gates import ORGANIZER

GROUP_ZONE: Final[ZoneInfo] = PHOENIX
"""The clock that an organizer reads. Groups are in Arizona, which knows no daylight saving."""

HALTS: Final = {
    "20003": lazy_gettext(
        "The campaign was halted: the carrier refuses our account and token. Check TWILIO_ACCOUNT_SID and "
        "TWILIO_AUTH_TOKEN, then resume."
    ),
    "20404": lazy_gettext(
        "The campaign was halted: the carrier does not know our account or service. Check TWILIO_ACCOUNT_SID and "
        "TWILIO_MESSAGING_SERVICE_SID, then resume."
    ),
    "21606": lazy_gettext(
        "The campaign was halted: our number may not send texts. Check TWILIO_FROM_NUMBER and the Messaging Service's "
        "senders, then resume."
    ),
    "30002": lazy_gettext(
        "The campaign was halted: the carrier has suspended our account. Ask Twilio, then resume."
    ),
    "30034": lazy_gettext(
        "The campaign was halted: our number is not registered for texting in the United States (A2P 10DLC). Register "
        "it, then resume."
    ),
    "unclear": lazy_gettext(
        "The campaign was halted: the carrier's answers did not say whether texts were taken. Nobody is texted again "
        "before that is looked up. Resume when the carrier is well."
    ),
    "keys": lazy_gettext(
        "The campaign was halted: what is stored was sealed with a key that FIELD_ENCRYPTION_KEYS does not name. Put "
        "the old key back behind the new one, restart the worker, then resume."
    ),
    "pair": lazy_gettext(
        "The campaign was halted: our number cannot text these people's numbers (code 21612). Check with Twilio "
        "which numbers and countries your sender may text, then resume."
    ),
    "filtered": lazy_gettext(
        "The campaign was halted: phone networks filter this text as unwanted (code 30007). Cancel it, write the "
        "text in your own plain words without short links, and check your sender's registration before you launch "
        "again."
    ),
    "opt_outs": lazy_gettext(
        "The campaign was halted: clearly more than 3% of the people texted opted out. Look at who is on the list "
        "and how they agreed to be texted. Resume only if you are sure; counting then begins anew."
    ),
    "spend_cap": lazy_gettext(
        "The campaign was halted: your group has spent what it may spend for now. Answers to people still go out. It "
        "can be resumed on another day, or once the cap is raised (Administration, Safety)."
    ),
    "unusual": lazy_gettext(
        "The campaign was halted: in this hour far more people are texted than your group has ever texted in an hour "
        "lately. Look at who launched it and at its audience. An admin resumes it."
    ),
    "other": lazy_gettext(
        "The campaign was halted: the carrier says that our set-up is wrong (code {code}). Mend it, then resume."
    ),
}  # fmt: skip
"""What ``config/errors.toml`` says in its section halts, marked for translation; a test holds the two together."""
BY_A_PERSON: Final = lazy_gettext("Somebody in your group paused it. No text leaves until it is resumed.")
RESTORED: Final = lazy_gettext(
    "The site was restored from a backup. Look whether the numbers here are right, then resume: nobody who had the "
    "text gets it again."
)


def is_halt(reason: str | None) -> bool:
    """Whether the machine stopped it, so that something has to be mended; else a person did."""
    return bool(reason) and reason != ORGANIZER


def why_paused(reason: str | None) -> str:
    """A gate's reason as a sentence that says how to mend it.

    Reasons are ``organizer``, ``restored``, ``carrier:<code>``, ``breaker:<rule>``, ``settings:keys``, ``spend_cap``
    and ``unusual``.
    """
    if not is_halt(reason):
        return str(BY_A_PERSON)
    if reason == restored.RESTORED:
        return str(RESTORED)
    code = str(reason).rpartition(":")[2]
    return str(HALTS.get(code, HALTS["other"])).format(code=code)


def percent(share: float) -> str:
    """A share of 1 for people; what is not nothing never reads as nothing, nor what is not all as all."""
    if 0 < share < 0.01:
        return str(gettext("under 1%"))
    if 0.99 < share < 1:
        return str(gettext("over 99%"))
    return f"{share * 100:.0f}%"


def moment(at: datetime, now: datetime) -> str:
    """A time on the group's clock; with its day when that is not today's."""
    local, today = at.astimezone(GROUP_ZONE), now.astimezone(GROUP_ZONE)
    time = str(format_time(local, "short", rebase=False))
    return time if local.date() == today.date() else f"{day(at)}, {time}"


def launches(at: datetime) -> str:
    """A launch time on the group's clock, with its weekday: people plan by those."""
    local = at.astimezone(GROUP_ZONE)
    date = str(format_skeleton("MMMEd", local, tzinfo=GROUP_ZONE, locale=get_locale()))
    return str(gettext("launches %(date)s, %(time)s", date=date, time=format_time(local, "short", rebase=False)))


def day(at: datetime) -> str:
    """Month and day on the group's calendar."""
    return str(format_skeleton("MMMd", at.astimezone(GROUP_ZONE), tzinfo=GROUP_ZONE, locale=get_locale()))


def day_and_time(at: datetime) -> str:
    """A day and a time on the group's clock."""
    return f"{day(at)}, {format_time(at.astimezone(GROUP_ZONE), 'short', rebase=False)}"


def to_the_second(at: datetime) -> str:
    """A time of day on the group's clock."""
    return str(format_time(at.astimezone(GROUP_ZONE), "medium", rebase=False))
