"""A text from a person: stored once, understood, and obeyed, in the caller's transaction.

What it means for calls, scripts or trees is not decided here: the verdict goes back to the outermost ring, which
runs the use case that fits in the same transaction.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any, NamedTuple

from sqlalchemy import bindparam, func, insert, or_, select, update
from sqlalchemy.orm import Session

from outreach.accounts.links import ensure_group
from outreach.accounts.models import Group
from outreach.core.db import Transaction
from outreach.core.hot import Hot
from outreach.core.runtime import Runtime
from outreach.messaging.classify import CLASSIFIER_VERSION, Verdict, classify
from outreach.messaging.conversations import note_reply
from outreach.messaging.events import append, delta
from outreach.messaging.joining import (
    ENDS,
    Pending,
    admit_texter,
    answers_sign_up,
    consent_given,
    end_sign_up,
    forget_sign_ups,
    pending_sign_up,
    what_was_asked,
)
from outreach.messaging.models import Message, Reply
from outreach.messaging.optout import obey_opt_out, withdraw_planned
from outreach.messaging.record import mark_number_bad
from outreach.messaging.render import printable
from outreach.messaging.slices import CAPPED
from outreach.people.consent import is_suppressed, lock_people, record_opt_in, suppress
from outreach.people.models import Constituent

REPORT_WITHIN = timedelta(hours=48)
RECONFIRM_WITHIN = timedelta(days=7)
"""So long a bare yes answers the question whether an old consent still stands; JOIN does so at any time."""
NO_GROUP = "Unassigned"
CARRIER_OPT_OUT = frozenset({"STOP", "STOPALL", "UNSUBSCRIBE", "CANCEL", "END", "QUIT", "REVOKE", "OPTOUT"})
CARRIER_WORDS = CARRIER_OPT_OUT | {"START", "YES", "UNSTOP", "HELP", "INFO"}
"""One-word texts that Twilio answers itself when TWILIO_OPT_OUT is ``default``."""

REPLY = Hot(insert(Reply).returning(Reply.id))
STORED = Hot(select(Reply.id).where(Reply.carrier_sid == bindparam("sid")))
PERSON = Hot(
    select(Constituent.id, Constituent.language).where(
        Constituent.group_id == bindparam("group"), Constituent.number_hash == bindparam("number")
    )
)
LAST_TEXT = Hot(
    select(Message.group_id, Message.gate_id, Message.posted_at, Message.variant, Message.kind)
    .where(
        Message.number_hash == bindparam("number"),
        or_(*(Message.kind == kind for kind in CAPPED)),
        Message.posted_at.is_not(None),
    )
    .order_by(Message.posted_at.desc())
    .limit(1)
)
"""Made once: to write such a statement down costs a text more than to run it."""


@dataclass(frozen=True, slots=True)
class InboundText:
    """A text as the carrier hands it over. ``received_at`` is real time."""

    sid: str
    sender: str
    to: str
    body: str
    received_at: datetime
    opt_out_type: str | None = None


@dataclass(frozen=True, slots=True)
class Received:
    """A stored reply and what to do about it. ``asked_at``: domain time of the text.

    ``silent``: the carrier answers this one itself, or nobody may. ``joined``: the person was not opted out and is on
    the list now. ``stopped_by_others``: they want texts, but a suppression stands that they cannot lift.
    """

    reply_id: int
    sender: str
    group_id: int
    gate_id: int | None
    constituent_id: int | None
    number_hash: bytes
    asked_at: datetime
    language: str
    verdict: Verdict
    silent: bool
    joined: bool = False
    stopped_by_others: bool = False


class Understood(NamedTuple):
    """``last``: the text of ours that is answered. ``about``: the sign-up that is, of those that are ``pending``."""

    last: Any | None
    pending: Pending | None
    about: Pending | None
    asked: str | None
    verdict: Verdict


def receive_reply(tx: Transaction, runtime: Runtime, text: InboundText) -> Received | None:
    """Store and obey one text. None: this MessageSid is stored already, and was answered then.

    The transaction must be durable: an opt-out is committed before anybody answers.
    """
    text = replace(text, body=printable(text.body))  # what no database or carrier takes must not cost a STOP
    number_hash = runtime.vault.number_hash(text.sender)
    lock_people(tx, [number_hash])
    if is_stored(tx, text.sid):
        return None
    now = runtime.clock.at(text.received_at.timestamp())
    understood = _understand(tx, number_hash, text.body, now)
    last, about, verdict = understood.last, understood.about, understood.verdict
    group_id = about.group_id if about else last.group_id if last else _group_of(tx, number_hash, now)
    joins = admit_texter(tx, runtime, group_id, text.sender, number_hash, verdict, about, now)
    person = PERSON.first(tx, {"group": group_id, "number": number_hash})
    gate_id = last.gate_id if last and last.kind == "campaign" else None
    constituent_id = person.id if person else None
    said = {
        "group_id": group_id,
        "carrier_sid": text.sid,
        "number_hash": number_hash,
        "constituent_id": constituent_id,
        "gate_id": gate_id,
        "sealed": runtime.vault.seal({"from": text.sender, "body": text.body}, "reply"),
        "intent": verdict.intent,
        "outcome": verdict.outcome,
        "language": verdict.lang,
        "confidence": verdict.confidence,
        "rule": verdict.rule,
        "classifier": CLASSIFIER_VERSION,
        "received_at": text.received_at,
    }
    reply_id = REPLY.value(tx, said)
    suppressed_before = is_suppressed(tx, number_hash, group_id)
    if understood.pending and (verdict.intent in ENDS or text.opt_out_type == "STOP"):
        forget_sign_ups(tx, number_hash)
    elif about and verdict.intent in {"opt_in", "decline"}:
        end_sign_up(tx, about, text.received_at)
    _obey(tx, runtime, group_id, number_hash, text, verdict, about)
    stopped_by_others = suppressed_before and verdict.intent == "opt_in" and is_suppressed(tx, number_hash, group_id)
    _count(tx, gate_id, text, verdict, last.variant if last else None)
    stopped = verdict.intent == "opt_out" or text.opt_out_type == "STOP"
    note_reply(
        tx,
        group_id=group_id,
        number_hash=number_hash,
        intent="opt_out" if stopped else "other" if stopped_by_others else verdict.intent,
        rule=verdict.rule,
        matched=last is not None or about is not None,
        at=text.received_at,
    )
    return Received(
        reply_id=reply_id,
        sender=text.sender,
        group_id=group_id,
        gate_id=gate_id,
        constituent_id=constituent_id,
        number_hash=number_hash,
        asked_at=now,
        language=_answer_in(verdict, person.language if person else "en"),
        verdict=verdict,
        silent=_is_silent(runtime, text, verdict, suppressed_before=suppressed_before)
        or (understood.asked == "opt_in" and verdict.intent == "decline"),
        joined=joins and not suppressed_before,
        stopped_by_others=stopped_by_others,
    )


def is_stored(session: Session, sid: str) -> bool:
    """Whether this MessageSid has a reply row."""
    return STORED.first(session, {"sid": sid}) is not None


def _answer_in(verdict: Verdict, setting: str) -> str:
    """Spanish for who set it or wrote it: SCRIPT is the same word in both languages, so English words prove nothing."""
    if verdict.intent == "language" and verdict.lang in {"en", "es"}:
        return verdict.lang
    return "es" if "es" in {verdict.lang, setting} else "en"


def _understand(tx: Transaction, number_hash: bytes, body: str, now: datetime) -> Understood:
    last = LAST_TEXT.first(tx, {"number": number_hash})
    pending = pending_sign_up(tx, number_hash, now)
    texted_at = last.posted_at if last else None
    sign_up_at = pending.posted_at if pending else None
    if last and last.kind == "reconfirm":
        # Both ask the same of the same person: a yes is for whoever asked last.
        renews = texted_at is not None and now - texted_at <= RECONFIRM_WITHIN
        is_newer = renews and (sign_up_at is None or (texted_at is not None and texted_at > sign_up_at))
        asked_at, texted_at = (texted_at if is_newer else sign_up_at), None
    else:
        asked_at, is_newer = sign_up_at, False
    asked = what_was_asked(texted_at, asked_at, now, REPORT_WITHIN)
    verdict = classify(body, asked=asked)
    about = None if is_newer else answers_sign_up(pending, asked, verdict, matched=last is not None)
    return Understood(None if about else last, pending, about, asked, verdict)


def _group_of(tx: Transaction, number_hash: bytes, at: datetime) -> int:
    """Of a number that no campaign has texted: whoever knows it, else the instance's first group.

    A STOP that comes before there is any group must be kept too, so then one is made.
    """
    known = select(func.min(Constituent.group_id)).where(Constituent.number_hash == number_hash)
    found = tx.execute(known).scalar() or tx.execute(select(func.min(Group.id))).scalar()
    return found or ensure_group(tx, NO_GROUP, at)


def _obey(
    tx: Transaction, runtime: Runtime, group_id: int, number_hash: bytes, text: InboundText, verdict: Verdict,
    about: Pending | None,
) -> None:  # fmt: skip
    """What must hold before anybody answers. ``about``: the sign-up that is answered."""
    at = text.received_at
    if verdict.intent == "opt_out" or text.opt_out_type == "STOP":
        obey_opt_out(
            tx, runtime.vault, group_id=group_id, number_hash=number_hash, wording=text.body, source="person", at=at
        )
    elif verdict.intent == "possible_opt_out":
        suppress(tx, number_hash, source="pending", at=at)
        withdraw_planned(tx, number_hash, at)
    elif verdict.intent == "opt_in":
        wording, source = consent_given(about, text.body)
        record_opt_in(tx, runtime.vault, group_id, number_hash, wording=wording, source=source, at=at)
    elif verdict.intent == "wrong_number":
        mark_number_bad(tx, runtime, number_hash, None)
        withdraw_planned(tx, number_hash, at)
    elif verdict.intent == "language" and verdict.lang in {"en", "es"}:
        tx.execute(update(Constituent).where(Constituent.number_hash == number_hash).values(language=verdict.lang))


def _count(tx: Transaction, gate_id: int | None, text: InboundText, verdict: Verdict, variant: str | None) -> None:
    if gate_id is None:
        return
    names = ["replies"]
    if verdict.intent == "opt_out":
        names.append("opted_out")
    if verdict.outcome:
        names.append(f"report:{verdict.outcome}")
    if variant:
        names += [f"{variant}:{name}" for name in names]
    append(tx, [delta(gate_id, None, name, 1, text.received_at, sid=text.sid) for name in names])


def _is_silent(runtime: Runtime, text: InboundText, verdict: Verdict, *, suppressed_before: bool) -> bool:
    mode = runtime.settings.twilio_opt_out
    if mode == "default" and text.body.strip().upper() in CARRIER_WORDS:
        return True
    if mode == "advanced" and text.opt_out_type:
        return True
    # Somebody who is opted out hears from us only if they ask for help or come back.
    return verdict.intent == "possible_opt_out" or (suppressed_before and verdict.intent not in {"help", "opt_in"})
