"""Which campaign a person's text is about, by our own texts to their number: exactly one, or none. Pure.

Two live campaigns never mix: what somebody wants (a script, to promise) is about the campaign that texted them last;
what they report is about the one that asked for it last. One sender texts for the whole instance today; where there are
several, their texts are told apart before they come here.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Final, NamedTuple

from sqlalchemy import bindparam, func, or_, select
from sqlalchemy.orm import Session

from config import table
from outreach.core.hot import Hot
from outreach.messaging.follow_up_models import FOLLOW_UPS
from outreach.messaging.models import Gate, Message
from outreach.messaging.reminder_models import REMINDER

RECONFIRM: Final = "reconfirm"
SCRIPT: Final = "script"
ASKING: Final = frozenset({SCRIPT, *FOLLOW_UPS})
"""Kinds of texts that ask how it went."""
TO_CAPTAINS: Final = ("captain", "captain_again")
BELONGS: Final = ("campaign", RECONFIRM, REMINDER, SCRIPT, *FOLLOW_UPS, *TO_CAPTAINS)
"""Kinds of texts by which a reply finds its campaign, or its group."""
OF_NO_CAMPAIGN: Final = frozenset({RECONFIRM, REMINDER})
"""Of these, kinds by which it finds its group only."""
LOOKED_AT: Final = 30

TEXTED = Hot(
    select(Message.group_id, Gate.id, Message.posted_at, Message.kind, Message.variant, Gate.state, Gate.tactic)
    .join(Gate, Gate.id == func.coalesce(Message.about_gate_id, Message.gate_id))
    .where(Message.number_hash == bindparam("number"), Message.posted_at.is_not(None))
    .where(or_(*(Message.kind == kind for kind in BELONGS)))
    .order_by(Message.posted_at.desc(), Message.id.desc())
    .limit(LOOKED_AT)
)
"""Made once: to write such a statement down costs a text more than to run it."""


class Texted(NamedTuple):
    """A text of ours: its group, the gate of its campaign, when it went out (domain time), and how the gate stands."""

    group_id: int
    gate_id: int
    posted_at: datetime
    kind: str
    variant: str | None
    state: str
    tactic: str | None


class Match(NamedTuple):
    """``about``: our newest text of the campaign that texted last. ``asker``: of the one that asked last how it went;
    where none has, its first text asks, for as long.
    """

    about: Texted | None
    asker: Texted | None


def texts_to(session: Session, number_hash: bytes) -> list[Texted]:
    """Our texts to a number, newest first."""
    return [Texted(*row) for row in TEXTED.all(session, {"number": number_hash})]


def match(texts: Sequence[Texted], now: datetime) -> Match:
    """Find them among our texts to a number, newest first.

    A campaign is running until its gate is closed; for a while after that a late word still counts for it. After a
    longer silence a text is about none.
    """
    rule = table("follow_ups")
    of_campaigns = [one for one in texts if one.kind not in OF_NO_CAMPAIGN]
    about = _first(of_campaigns, now, timedelta(days=rule["open_days"]), closed=False) or _first(
        of_campaigns, now, timedelta(days=rule["closed_days"]), closed=True
    )
    lately = timedelta(hours=rule["report_hours"])
    asking = [one for one in of_campaigns if one.kind in ASKING and now - one.posted_at <= lately]
    if asking:
        asker: Texted | None = asking[0]
    else:
        asker = about if about is not None and now - about.posted_at <= lately else None
    return Match(about, asker)


def _first(texts: Sequence[Texted], now: datetime, within: timedelta, *, closed: bool) -> Texted | None:
    return next((one for one in texts if (one.state == "closed") is closed and now - one.posted_at <= within), None)


def variant_of(texts: Sequence[Texted], gate_id: int) -> str | None:
    """Which of two texts that are tried a person got in a campaign."""
    return next((one.variant for one in texts if one.gate_id == gate_id and one.variant), None)
