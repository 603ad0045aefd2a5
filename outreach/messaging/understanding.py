"""A text in its place: the campaign, question or sign-up that it answers, and what it means there."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import NamedTuple

from config import table
from outreach.core.db import Transaction
from outreach.messaging.classify import Verdict, classify
from outreach.messaging.joining import Pending, answers_sign_up, pending_sign_up, what_was_asked
from outreach.messaging.matching import RECONFIRM, TO_CAPTAINS, Match, Texted, match, texts_to
from outreach.messaging.reminder_models import REMINDER
from outreach.messaging.reported import has_reported
from outreach.messaging.tactics import in_tactic

REPORT_WITHIN = timedelta(hours=table("follow_ups")["report_hours"])
RECONFIRM_WITHIN = timedelta(days=7)
"""So long a bare yes answers the question whether an old consent still stands; JOIN does so at any time."""
ASKS_FOR_A_CAMPAIGN = frozenset({"script", "call"})
"""Intents that name what they want: these are about a campaign, also for a member who was reminded of a task since."""
FOR_A_PERSON = frozenset({"report", "pledge", "confirm", "deny", "decline"})
"""What these words of a member mean for the task they were reminded of, a person must read."""
ANSWERS_A_CAMPAIGN = frozenset({"report", "script", "call", "pledge"})
"""Intents that are about a campaign, also where an old consent was asked about since."""


class Understood(NamedTuple):
    """``texts``: ours to the number, newest first; ``campaign``: the one of them whose campaign is answered.

    ``about``: the sign-up that is answered, of those that are ``pending``. ``reminded``: our last text was a
    member's reminder, and this names no wish that is about a campaign: a person reads it.
    """

    texts: list[Texted]
    campaign: Texted | None
    pending: Pending | None
    about: Pending | None
    asked: str | None
    verdict: Verdict
    reminded: bool


def understand(tx: Transaction, number_hash: bytes, body: str, now: datetime, *, signs_up: bool = True) -> Understood:
    """What the number's owner means by this text at this domain time. ``signs_up``: there may be a sign-up."""
    texts = texts_to(tx, number_hash)
    found = match(texts, now)
    pending = pending_sign_up(tx, number_hash, now) if signs_up else None
    texted_at = max((one.posted_at for one in (found.about, found.asker) if one), default=None)
    sign_up_at = pending.posted_at if pending else None
    asked_at, is_newer = sign_up_at, False
    if texts and texts[0].kind == RECONFIRM and now - texts[0].posted_at <= RECONFIRM_WITHIN:
        # Both ask the same of the same person: a yes is for whoever asked last.
        is_newer = sign_up_at is None or texts[0].posted_at > sign_up_at
        asked_at, texted_at = (texts[0].posted_at if is_newer else sign_up_at), None
    # "Done" to a reminder of a member's task is no report of a call.
    is_reminded = bool(texts) and texts[0].kind == REMINDER
    asked = what_was_asked(None if is_reminded else texted_at, asked_at, now, REPORT_WITHIN)
    if asked == "call_report" and found.about is not None and found.about.kind in TO_CAPTAINS:
        asked = "captain"
    verdict = classify(body, asked=asked)
    about = None if is_newer else answers_sign_up(pending, asked, verdict, matched=bool(texts))
    is_other = about is not None or (is_newer and verdict.intent not in ANSWERS_A_CAMPAIGN)
    is_reminded &= verdict.intent not in ASKS_FOR_A_CAMPAIGN
    if is_reminded and verdict.intent in FOR_A_PERSON:
        verdict = verdict._replace(intent="other", outcome=None)
    is_other |= is_reminded
    campaign = None if is_other else _campaign_of(tx, number_hash, found, verdict)
    if campaign:
        verdict = in_tactic(verdict, campaign.tactic)
    return Understood(texts, campaign, pending, about, asked, verdict, is_reminded)


def _campaign_of(tx: Transaction, number_hash: bytes, found: Match, verdict: Verdict) -> Texted | None:
    """A report is for the campaign that asked for it last; anything else for the one that texted last."""
    about, asker = found.about, found.asker
    if verdict.outcome is None or asker is None:
        return about
    if about is None or about.gate_id == asker.gate_id:
        return asker
    # Another campaign has texted since, and the question was answered before: this is about the newer one.
    return about if has_reported(tx, number_hash, asker.gate_id) else asker
