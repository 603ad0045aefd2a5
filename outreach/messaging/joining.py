"""Joining a group by text: a yes to the question of its sign-up page, or JOIN of one's own accord."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Final, NamedTuple

import structlog
from sqlalchemy import bindparam, delete, select

from outreach.core.db import Transaction
from outreach.core.errors import OutreachError
from outreach.core.hot import Hot
from outreach.core.runtime import Runtime
from outreach.messaging.classify import Verdict
from outreach.messaging.models import Message
from outreach.messaging.sign_up_models import SignUp
from outreach.messaging.sign_up_watch import note_yes
from outreach.messaging.sign_ups import CONTEXT, withdraw_asking
from outreach.people.admissions import Newcomer, admit
from outreach.people.consent import EventSource

log = structlog.get_logger(__name__)

JOIN_RULES: Final = frozenset({"join_word", "unirme_word", "sign_me_up", "quiero_unirme"})
"""Rules of ``config/keywords.toml`` that say "I want to join", and not only START, "write to me again"."""
ENDS: Final = frozenset({"opt_out", "wrong_number"})
"""Intents after which nothing that was typed about a number counts. What waits for a sender is withdrawn by them."""

PENDING = Hot(
    select(
        SignUp.id, SignUp.group_id, SignUp.sealed, SignUp.zip, SignUp.language, SignUp.wording, SignUp.message_id,
        Message.posted_at,
    )
    .outerjoin(Message, Message.id == SignUp.message_id)
    .where(SignUp.number_hash == bindparam("number"), SignUp.expires_at > bindparam("now"))
    .order_by(Message.posted_at.is_(None), Message.posted_at.desc(), SignUp.id.desc())
    .limit(1)
)  # fmt: skip
"""Made once: every text that comes in asks it."""


class Pending(NamedTuple):
    """A sign-up that waits for a yes. ``posted_at``: when its question went out (domain time); None: not yet."""

    id: int
    group_id: int
    sealed: bytes
    zip: str | None
    language: str
    wording: str
    message_id: int | None
    posted_at: datetime | None


def pending_sign_up(tx: Transaction, number_hash: bytes, now: datetime) -> Pending | None:
    """The sign-up of this number whose question was asked last."""
    row = PENDING.first(tx, {"number": number_hash, "now": now})
    return Pending(*row) if row else None


def what_was_asked(
    texted_at: datetime | None, asked_at: datetime | None, now: datetime, report_within: timedelta
) -> str | None:
    """The question that a text answers, one of ``classify.ASKED``: the last one asked. Pure, domain times.

    ``texted_at``: of the last campaign text; ``asked_at``: of the sign-up's question.
    """
    if asked_at is not None and (texted_at is None or asked_at >= texted_at):
        return "opt_in"
    return "call_report" if texted_at is not None and now - texted_at <= report_within else None


def answers_sign_up(pending: Pending | None, asked: str | None, verdict: Verdict, *, matched: bool) -> Pending | None:
    """The sign-up that a text is about; None where it is about a campaign (``matched``), or nothing. Pure.

    Whoever joins of their own accord confirms what waits as well: it is the same person's phone.
    """
    is_answer = verdict.intent == "opt_in" or (asked == "opt_in" and verdict.intent == "decline")
    return pending if pending is not None and (is_answer or not matched) else None


def admit_texter(
    tx: Transaction, runtime: Runtime, group_id: int, sender: str, number_hash: bytes, verdict: Verdict,
    pending: Pending | None, now: datetime,
) -> bool:  # fmt: skip
    """Make whoever joins a constituent. False where the text joins nothing, or its sender is no person's phone."""
    if verdict.intent != "opt_in" or not (pending or verdict.rule in JOIN_RULES):
        return False
    who = Newcomer(sender, number_hash, spoken="es" if verdict.lang == "es" else "en")
    if pending:
        note_yes(tx, runtime, pending.group_id)
        name = _first_name(runtime, pending)
        who = Newcomer(sender, number_hash, name, pending.zip, pending.language)
    return admit(tx, runtime.vault, group_id, who, now) is not None


def consent_given(pending: Pending | None, body: str) -> tuple[str, EventSource]:
    """Wording and source for the ledger: those of the page once its question was asked, else the person's own words."""
    return (pending.wording, "page") if pending and pending.posted_at is not None else (body, "reply")


def end_sign_up(tx: Transaction, pending: Pending, at: datetime) -> None:
    """Answered, one way or the other: there is nothing to ask any more. ``at``: real time."""
    tx.execute(delete(SignUp).where(SignUp.id == pending.id))
    withdraw_asking(tx, [pending.message_id] if pending.message_id else [], at)


def forget_sign_ups(tx: Transaction, number_hash: bytes) -> None:
    """Forget what was typed about a number, in any group.

    Before anything that locks messages: the purge takes sign-ups first, too.
    """
    tx.execute(delete(SignUp).where(SignUp.number_hash == number_hash))


def _first_name(runtime: Runtime, pending: Pending) -> str:
    try:
        return str(runtime.vault.open(pending.sealed, CONTEXT)["first_name"])
    except (OutreachError, ValueError, IndexError, KeyError) as error:  # a yes must not be lost over a name
        log.error("document_not_opened", context=CONTEXT, id=pending.id, error=getattr(error, "code", "damaged"))
        return ""
