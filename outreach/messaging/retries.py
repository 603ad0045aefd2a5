"""A second try, once, for a text that ended because the handset was off, a queue was full or its time ran out.

The second try is a message of its own with ``retry_of``, looked at anew by claim and slice (hours, caps, opt-outs). It
runs in the folder's process, after a fold, like every sweep that moves what is past ``posting``.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import exists, select, update
from sqlalchemy.orm import aliased

from outreach.core.db import Job
from outreach.core.runtime import Runtime
from outreach.messaging.events import append, delta, result
from outreach.messaging.gates import SEND_BATCH
from outreach.messaging.models import Event, Gate, Message, MessageAttempt
from outreach.messaging.states import NEXT_WINDOW
from outreach.people.consent import is_suppressed_clause, lock_people
from outreach.people.models import Constituent
from outreach.people.quiet_hours import window_anywhere
from outreach.people.zones import parse_zones_key

ENDED = ("undelivered", "failed")
CHUNK = 200


def retry_at(zones: tuple[str, ...], posted_at: datetime, code: int, now: datetime) -> datetime | None:
    """When the second try may go out, or None: the window that it belongs to is over. Pure, domain time.

    ``posted_at`` is the first try's. A code of NEXT_WINDOW waits for the window after the first try's; any other
    stays within that one.
    """
    closes_at = window_anywhere(zones, posted_at).closes_at
    if closes_at is None:
        return None
    if code in NEXT_WINDOW:
        return window_anywhere(zones, max(now, closes_at)).opens_at
    return now if now < closes_at and window_anywhere(zones, now).open else None


def retry_reported(runtime: Runtime) -> int:
    """Plan the second tries that have come due; returns how many there are."""
    now = runtime.clock.now()
    with runtime.db.transaction() as tx:
        # By itself and in the index's order: joined, or by id, every message is read for the few that are due.
        ended = select(Message.id).where(Message.state.in_(ENDED), Message.next_check_at <= now)
        first = tx.execute(ended.order_by(Message.next_check_at).limit(CHUNK)).scalars().all()
        due = tx.execute(second_tries().where(Message.id.in_(first))).all() if first else []
        if not due:
            return 0
        lock_people(tx, [row.number_hash for row in due])
        ids = [row.id for row in due]
        # A later statement than the locks: whoever opted out before is seen.
        still = tx.execute(
            second_tries().where(Message.id.in_(ids)).order_by(Message.id).with_for_update(of=Message)
        ).all()
        planned = [(row, at) for row in still if (at := _when(row, now)) is not None]
        for row, at in planned:
            tx.add(_again(row, at, now))
        real = runtime.clock.real_now()
        events = [result(row.attempt_id, "retried", real) for row, _ in planned]
        moved = [delta(row.gate_id, None, "held" if at > now else "planned", 1, real) for row, at in planned]
        append(tx, [*events, *moved])
        tx.execute(update(Message).where(Message.id.in_(ids)).values(next_check_at=None))
        for gate_id in {row.gate_id for row, at in planned if at <= now}:
            tx.enqueue(Job("messaging", SEND_BATCH, (gate_id,)))
    return len(planned)


def second_tries() -> Any:
    """Texts that ended with a code that allows one more try, and whether anything stands against it."""
    retry = aliased(Message)
    return (
        select(
            Message.id, Message.group_id, Message.gate_id, Message.recipient_id, Message.constituent_id,
            Message.number_hash, Message.kind, Message.language, Message.variant, Message.posted_at,
            Message.error_code, Message.retry_of, Gate.state.label("gate"), MessageAttempt.id.label("attempt_id"),
            Constituent.zones, Constituent.number_bad_at,
            is_suppressed_clause(Message.number_hash, Message.group_id).label("suppressed"),
        )
        .join(Gate, Gate.id == Message.gate_id)
        .join(MessageAttempt, MessageAttempt.message_id == Message.id)
        .outerjoin(Constituent, Constituent.id == Message.constituent_id)
        .where(Message.state.in_(ENDED), Message.next_check_at.is_not(None))
        .where(MessageAttempt.closed.is_(False))
        .where(~exists().where(Event.attempt_id == MessageAttempt.id, Event.folded_at.is_(None)))
        .where(~exists().where(retry.retry_of == Message.id))
    )  # fmt: skip


def _when(row: Any, now: datetime) -> datetime | None:
    if row.kind != "campaign" or row.retry_of is not None or row.gate == "closed":
        return None
    if row.suppressed or row.number_bad_at is not None or row.posted_at is None:
        return None
    return retry_at(parse_zones_key(row.zones or ""), row.posted_at, row.error_code, now)


def _again(row: Any, at: datetime, now: datetime) -> Message:
    return Message(
        group_id=row.group_id,
        gate_id=row.gate_id,
        recipient_id=row.recipient_id,
        retry_of=row.id,
        constituent_id=row.constituent_id,
        number_hash=row.number_hash,
        kind=row.kind,
        state="held" if at > now else "planned",
        language=row.language,
        variant=row.variant,
        not_before=at,
    )
