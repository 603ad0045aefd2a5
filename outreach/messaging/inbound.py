"""A text from a person: stored once, understood, and obeyed, in the caller's transaction.

What it means for calls, scripts or trees is not decided here: the verdict goes back to the outermost ring, which
runs the use case that fits in the same transaction.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import NamedTuple

from sqlalchemy import bindparam, func, insert, select, update
from sqlalchemy.orm import Session

from outreach.accounts.links import ensure_group
from outreach.accounts.models import Group
from outreach.core.db import Transaction
from outreach.core.hot import Hot
from outreach.core.phone import may_reach
from outreach.core.runtime import Runtime
from outreach.messaging.classify import CLASSIFIER_VERSION, Verdict
from outreach.messaging.conversations import note_reply
from outreach.messaging.dropped import drop_of_campaign
from outreach.messaging.events import append
from outreach.messaging.footing import Footing, footing_of
from outreach.messaging.joining import (
    ENDS,
    Pending,
    admit_texter,
    consent_given,
    end_sign_up,
    forget_sign_ups,
)
from outreach.messaging.matching import Texted, variant_of
from outreach.messaging.models import Message, Reply
from outreach.messaging.optout import obey_opt_out, withdraw_planned
from outreach.messaging.record import mark_number_bad
from outreach.messaging.render import printable
from outreach.messaging.reported import Move, report_deltas, report_moves, supersede
from outreach.messaging.states import BEFORE_POSTING
from outreach.messaging.understanding import understand
from outreach.people.consent import Owner, is_suppressed, lock_owner, record_opt_in, suppress
from outreach.people.models import Constituent
from outreach.people.zones import zones_for, zones_key

NO_GROUP = "Unassigned"
BY_CARRIER = "carrier"
"""The rule of a verdict that is the carrier's (``OptOutType``), not ours."""
CARRIER_OPT_OUT = frozenset({"STOP", "STOPALL", "UNSUBSCRIBE", "CANCEL", "END", "QUIT", "REVOKE", "OPTOUT"})
CARRIER_WORDS = CARRIER_OPT_OUT | {"START", "YES", "UNSTOP", "HELP", "INFO"}
"""One-word texts that Twilio answers itself when TWILIO_OPT_OUT is ``default``."""

REPLY = Hot(insert(Reply).returning(Reply.id))
UNWRITTEN = (
    select(Message.id)
    .where(Message.number_hash == bindparam("number"), Message.state.in_(BEFORE_POSTING), Message.sealed.is_(None))
    .order_by(Message.id)  # whoever locks several messages does it in this order
    .with_for_update()
)
STORED = Hot(select(Reply.id).where(Reply.carrier_sid == bindparam("sid")))
SORRY = Hot(
    select(func.max(Reply.received_at)).where(
        Reply.number_hash == bindparam("number"), Reply.intent == "wrong_number", Reply.id != bindparam("newest")
    )
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
    the list now. ``stopped_by_others``: they want texts, but a suppression stands that they cannot lift. ``zones``:
    the key of the zones where they may be. ``tactic``: of the campaign that they answer.
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
    body: str = field(default="", repr=False)
    zones: str = ""
    tactic: str | None = None


class Taken(NamedTuple):
    """A text that is ready to be stored: made before the transaction, for on SQLite all others wait for that."""

    text: InboundText
    number_hash: bytes
    sealed: bytes


def take_in(runtime: Runtime, text: InboundText) -> Taken:
    """Hash the number and seal the words."""
    text = replace(text, body=printable(text.body))  # what no database or carrier takes must not cost a STOP
    document = {"from": text.sender, "body": text.body}
    return Taken(text, runtime.vault.number_hash(text.sender), runtime.vault.seal(document, "reply"))


def receive_reply(tx: Transaction, runtime: Runtime, taken: Taken) -> Received | None:
    """Store and obey one text. None: this MessageSid is stored already, and was answered then.

    The transaction must be durable: an opt-out is committed before anybody answers.
    """
    text, number_hash = taken.text, taken.number_hash
    owners = lock_owner(tx, number_hash)
    footing = footing_of(tx, number_hash, text.sid)
    if footing.is_stored:
        return None
    now = runtime.clock.at(text.received_at.timestamp())
    understood = understand(tx, number_hash, text.body, now, signs_up=footing.signs_up)
    campaign, about = understood.campaign, understood.about
    verdict = as_the_carrier(understood.verdict, text.opt_out_type)
    heard_by = about or campaign or (understood.texts[0] if understood.texts else None)
    group_id = heard_by.group_id if heard_by else _group_of(tx, owners, now)
    joins = admit_texter(tx, runtime, group_id, text.sender, number_hash, verdict, about, now)
    if joins:
        owners = lock_owner(tx, number_hash)
    person = next((one for one in owners if one.group_id == group_id), None)
    gate_id = campaign.gate_id if campaign else None
    constituent_id = person.id if person else None
    said = {
        "group_id": group_id,
        "carrier_sid": text.sid,
        "number_hash": number_hash,
        "constituent_id": constituent_id,
        "gate_id": gate_id,
        "sealed": taken.sealed,
        "intent": verdict.intent,
        "tactic": campaign.tactic if campaign and verdict.outcome else None,
        "outcome": verdict.outcome,
        "language": verdict.lang,
        "confidence": verdict.confidence,
        "rule": verdict.rule,
        "classifier": CLASSIFIER_VERSION,
        "received_at": text.received_at,
    }
    reply_id = REPLY.value(tx, said)
    suppressed_before = footing.was_stopped and is_suppressed(tx, number_hash, group_id)
    if understood.pending and verdict.intent in ENDS:
        forget_sign_ups(tx, number_hash)
    elif about and verdict.intent in {"opt_in", "decline"}:
        end_sign_up(tx, about, text.received_at)
    _obey(tx, runtime, group_id, number_hash, text, verdict, about)
    stopped_by_others = suppressed_before and verdict.intent == "opt_in" and is_suppressed(tx, number_hash, group_id)
    if campaign:
        variant = variant_of(understood.texts, campaign.gate_id)
        _count(tx, reply_id, number_hash, campaign.gate_id, text, verdict, variant, footing)
    note_reply(
        tx,
        group_id=group_id,
        number_hash=number_hash,
        intent="other" if stopped_by_others else verdict.intent,
        rule=verdict.rule,
        matched=bool(understood.texts) or about is not None,
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
        silent=not may_reach(text.sender)  # heard and obeyed like any other; an answer would cost many times as much
        or _is_silent(runtime, text, verdict, suppressed_before=suppressed_before)
        or (understood.asked == "opt_in" and verdict.intent == "decline")
        or (understood.reminded and verdict.intent == "other")
        or (verdict.intent == "wrong_number" and _was_told_so(tx, runtime, reply_id, number_hash, understood.texts)),
        joined=joins and not suppressed_before,
        stopped_by_others=stopped_by_others,
        body=text.body,
        zones=(person.zones if person else "") or zones_key(zones_for(text.sender)),
        tactic=campaign.tactic if campaign else None,
    )


def is_stored(session: Session, sid: str) -> bool:
    """Whether this MessageSid has a reply row."""
    return STORED.first(session, {"sid": sid}) is not None


def as_the_carrier(verdict: Verdict, opt_out_type: str | None) -> Verdict:
    """The verdict, unless the carrier has taken the text for a STOP or a START by words of its own. Pure.

    A START does not lift what the person's words may mean against it.
    """
    if opt_out_type == "STOP" and verdict.intent != "opt_out":
        return verdict._replace(intent="opt_out", rule=BY_CARRIER)
    if opt_out_type == "START" and verdict.intent not in {"opt_out", "possible_opt_out", "opt_in"}:
        return verdict._replace(intent="opt_in", outcome=None, rule=BY_CARRIER)
    return verdict


def _answer_in(verdict: Verdict, setting: str) -> str:
    """Spanish for who set it or wrote it: SCRIPT is the same word in both languages, so English words prove nothing."""
    if verdict.intent == "language" and verdict.lang in {"en", "es"}:
        return verdict.lang
    return "es" if "es" in {verdict.lang, setting} else "en"


def _group_of(tx: Transaction, owners: Sequence[Owner], at: datetime) -> int:
    """Of a number that no campaign has texted: whoever knows it, else the instance's first group.

    A STOP that comes before there is any group must be kept too, so then one is made.
    """
    if owners:
        return min(one.group_id for one in owners)
    return tx.execute(select(func.min(Group.id))).scalar() or ensure_group(tx, NO_GROUP, at)


def _obey(
    tx: Transaction, runtime: Runtime, group_id: int, number_hash: bytes, text: InboundText, verdict: Verdict,
    about: Pending | None,
) -> None:  # fmt: skip
    """What must hold before anybody answers. ``about``: the sign-up that is answered."""
    at = text.received_at
    if verdict.intent == "opt_out":
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
        _switch_language(tx, number_hash, verdict.lang)


def _switch_language(tx: Transaction, number_hash: bytes, language: str) -> None:
    """From now on, in every group; texts that are planned and not written out yet follow."""
    tx.execute(update(Constituent).where(Constituent.number_hash == number_hash).values(language=language))
    waiting = tx.connection().execute(UNWRITTEN, {"number": number_hash}).scalars().all()
    if waiting:
        tx.execute(update(Message).where(Message.id.in_(waiting)).values(language=language))


def _count(
    tx: Transaction, reply_id: int, number_hash: bytes, gate_id: int, text: InboundText, verdict: Verdict,
    variant: str | None, footing: Footing,
) -> None:  # fmt: skip
    """What this text adds to its campaign's counters, and what it takes from an earlier report's.

    Whoever has told how it went, or will not do it, is not asked about it any more.
    """
    moves: Counter[Move] = Counter([(None, "replies")])
    if verdict.intent == "opt_out":
        moves[None, "opted_out"] += 1
    if verdict.outcome:
        earlier = supersede(tx, reply_id, number_hash, gate_id) if footing.has_told else []
        moves.update(report_moves(earlier, verdict.outcome))
    append(tx, report_deltas(gate_id, moves, variant, text.received_at, text.sid))
    if footing.is_owed and (verdict.outcome or verdict.intent == "decline"):
        reason = "reported" if verdict.outcome else "declined"
        drop_of_campaign(tx, number_hash, gate_id, reason, text.received_at)


def _was_told_so(tx: Transaction, runtime: Runtime, reply_id: int, number_hash: bytes, texts: Sequence[Texted]) -> bool:
    """Whether this number has told us before that it is the wrong one, and we have not texted it since."""
    before = SORRY.value(tx, {"number": number_hash, "newest": reply_id})
    return before is not None and not (texts and texts[0].posted_at > runtime.clock.at(before.timestamp()))


def _is_silent(runtime: Runtime, text: InboundText, verdict: Verdict, *, suppressed_before: bool) -> bool:
    mode = runtime.settings.twilio_opt_out
    if mode == "default" and text.body.strip().upper() in CARRIER_WORDS:
        return True
    if mode == "advanced" and text.opt_out_type:
        return True
    # Somebody who is opted out hears from us only if they ask for help or come back.
    return verdict.intent == "possible_opt_out" or (suppressed_before and verdict.intent not in {"help", "opt_in"})
