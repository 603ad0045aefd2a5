"""Unknown messages: look them up at the carrier, bind the one match, or ask a person. Never send again.

CARRIER.md, "Reconcile unknown": at 2, 10 and 30 minutes of domain time after the POST, list by ``To`` alone and
compare bodies by keyed hash.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

import structlog
from sqlalchemy import ColumnElement, exists, select, union_all, update
from sqlalchemy.exc import OperationalError

from outreach.carrier.base import Carrier, CarrierMessage, Misconfigured, Rejected, Throttled, Unreachable
from outreach.core.db import Transaction
from outreach.core.runtime import Runtime
from outreach.messaging import events
from outreach.messaging.models import Event, Message, MessageAttempt, of_kind
from outreach.messaging.states import CHECK_AFTER, HEARD_STATUS, next_check

log = structlog.get_logger(__name__)

LOOK_BACK = timedelta(minutes=5)
AT_ONCE = 50
PATIENCE = timedelta(hours=1)
AGAIN_SECONDS = 15.0
"""Real seconds until a look-up that failed is tried again; it does not count as one of the three."""


@dataclass(frozen=True, slots=True)
class Doubt:
    """An unknown message and its open attempt. ``begun_at`` is real time."""

    message_id: int
    attempt_id: int
    begun_at: datetime
    body_hash: bytes
    sealed: bytes | None
    checks: int


def due_doubts(runtime: Runtime) -> list[Doubt]:
    """Unknown messages whose next look-up is due."""
    with runtime.db.snapshot() as session:
        # By itself: joined, every attempt may be read for the few doubts.
        due = select(Message.id).where(Message.state == "unknown", Message.next_check_at <= runtime.clock.now())
        ids = session.execute(due.order_by(Message.next_check_at).limit(AT_ONCE)).scalars().all()
        if not ids:
            return []
        rows = session.execute(
            select(
                Message.id, MessageAttempt.id, MessageAttempt.begun_at, MessageAttempt.body_hash, Message.sealed,
                Message.checks,
            )
            .join(MessageAttempt, MessageAttempt.message_id == Message.id)
            .where(Message.id.in_(ids), MessageAttempt.closed.is_(False))
            .order_by(Message.next_check_at)
        ).all()  # fmt: skip
    return [Doubt(*row) for row in rows]


def reconcile(runtime: Runtime, carrier: Carrier) -> int:
    """Look every due doubt up once; returns how many were looked up.

    A doubt that cannot be looked up now comes again a little later, and the others have their turn.
    """
    done = 0
    for doubt in due_doubts(runtime):
        try:
            listed = _look_up(runtime, carrier, doubt)
            same = [one for one in listed if not one.inbound and runtime.vault.text_hash(one.body) == doubt.body_hash]
            with runtime.db.transaction() as tx:
                settle(tx, runtime, doubt, same)
            done += 1
        except OperationalError:
            raise
        except Exception as error:  # one doubt that breaks must not keep the others waiting
            log.warning("reconcile_waits", message_id=doubt.message_id, error=f"{type(error).__name__} {error}")
            _postpone(runtime, doubt)
            if isinstance(error, Throttled | Unreachable):
                break
    return done


def _look_up(runtime: Runtime, carrier: Carrier, doubt: Doubt) -> list[CarrierMessage]:
    """What the carrier lists for the number. A carrier that refuses to list has listed nothing: that look-up counts."""
    number = runtime.vault.open(doubt.sealed or b"\0", "message")["to"]
    try:
        return list(carrier.list_to(number, doubt.begun_at - LOOK_BACK))
    except (Rejected, Misconfigured) as error:
        log.warning("look_up_refused", message_id=doubt.message_id, code=error.code)
        return []


def _postpone(runtime: Runtime, doubt: Doubt) -> None:
    """Try again a little later; long after the last regular look-up a person decides without one."""
    now = runtime.clock.now()
    with runtime.db.transaction() as tx:
        if now > runtime.clock.at(doubt.begun_at.timestamp()) + CHECK_AFTER[-1] + PATIENCE:
            events.append(tx, [events.result(doubt.attempt_id, "review", runtime.clock.real_now())])
        tx.execute(
            update(Message)
            .where(Message.id == doubt.message_id, Message.state == "unknown", _still_open(doubt))
            .values(next_check_at=runtime.clock.after_real(AGAIN_SECONDS))
        )


def _still_open(doubt: Doubt) -> ColumnElement[bool]:
    """While a look-up was under way its attempt may have been proven not sent, and another one may be in doubt now."""
    return exists().where(MessageAttempt.id == doubt.attempt_id, MessageAttempt.closed.is_(False))


def settle(tx: Transaction, runtime: Runtime, doubt: Doubt, same: list[CarrierMessage]) -> None:
    """Bind exactly one free match; several go to a person, and so does none after the last look-up."""
    now = runtime.clock.real_now()
    taken = _bound(tx, [one.sid for one in same], doubt)
    free = [one for one in same if one.sid not in taken]
    if taken:
        log.warning("reconcile_match_already_bound", message_id=doubt.message_id, count=len(taken))
    if len(free) == 1:
        found = free[0]
        events.append(tx, [events.result(doubt.attempt_id, "accepted", now, carrier_sid=found.sid)])
        if found.status in HEARD_STATUS:
            report = events.status(doubt.attempt_id, found.sid, found.status, found.error_code, now)
            events.append(tx, [report])
        return
    begun = runtime.clock.at(doubt.begun_at.timestamp())
    again = next_check(begun, doubt.checks + 1)
    if free or again is None:
        events.append(tx, [events.result(doubt.attempt_id, "review", now)])
    tx.execute(
        update(Message)
        .where(Message.id == doubt.message_id, Message.state == "unknown", _still_open(doubt))
        .values(checks=doubt.checks + 1, next_check_at=None if free else again)
    )


def _bound(tx: Transaction, sids: list[str], doubt: Doubt) -> set[str]:
    """Which of these sids already belong to another message, in its row or in an event of another attempt."""
    others = Event.attempt_id != doubt.attempt_id
    rows = union_all(
        select(Message.carrier_sid).where(Message.carrier_sid.in_(sids), Message.id != doubt.message_id),
        select(Event.sid).where(Event.kind == "status", Event.sid.in_(sids), others),
        # What a POST gave is in its message's row as soon as it is folded.
        select(Event.carrier_sid).where(
            Event.folded_at.is_(None), of_kind("result"), Event.carrier_sid.in_(sids), others
        ),
    )
    return {sid for sid in tx.execute(rows).scalars() if sid}
