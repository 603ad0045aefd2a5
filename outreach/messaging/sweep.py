"""What upkeep puts right: ended leases, held rows whose time has come, work that nobody was woken for."""

from __future__ import annotations

from collections import Counter
from datetime import timedelta

from sqlalchemy import exists, or_, select, update

from outreach.core.db import Job, Transaction
from outreach.core.runtime import Runtime
from outreach.messaging import events
from outreach.messaging.gates import SEND_BATCH, cancel_chunk
from outreach.messaging.models import IS_LEASED, PARKED, Event, Gate, Message, MessageAttempt, Tally

CHUNK = 500
WAKE_AFTER = timedelta(seconds=5)
"""A sender claims at least every few seconds while there is anything to send."""


def sweep_claims(runtime: Runtime) -> int:
    """Claimed rows whose sender's lease has ended are planned again: nothing was sent for them."""
    with runtime.db.transaction() as tx:
        ended = (
            select(Message.id)
            .where(IS_LEASED, Message.state == "claimed", Message.lease_until < runtime.clock.real_now())
            .limit(CHUNK)
            .with_for_update(skip_locked=True)
        )
        ids = tx.execute(ended).scalars().all()
        tx.execute(
            update(Message)
            .where(Message.id.in_(ids), Message.state == "claimed")
            .values(state="planned", lease_token=None, lease_until=None)
        )
    return len(ids)


def sweep_posts(runtime: Runtime) -> int:
    """Posting rows whose sender never told the result become unknown, through an event like any other."""
    now = runtime.clock.real_now()
    with runtime.db.transaction() as tx:
        ended = select(Message.id).where(IS_LEASED, Message.state == "posting", Message.lease_until < now)
        ids = tx.execute(ended.order_by(Message.lease_until).limit(CHUNK)).scalars().all()
        if not ids:
            return 0
        # By themselves: joined, either table may be read whole for the other's few rows.
        silent = (
            tx.execute(
                select(MessageAttempt.id)
                .where(MessageAttempt.message_id.in_(ids), MessageAttempt.closed.is_(False))
                .where(~exists().where(Event.attempt_id == MessageAttempt.id, Event.folded_at.is_(None)))
            )
            .scalars()
            .all()
        )
        events.append(tx, [events.result(attempt_id, "unknown", now) for attempt_id in silent])
    return len(silent)


def release_held(runtime: Runtime) -> int:
    """Held rows whose opening has come are planned again; their gates' senders are woken. Those of a paced gate are
    parked: from there its pace lets them go."""
    with runtime.db.transaction() as tx:
        ended = tx.execute(
            select(Message.id, Message.gate_id, Gate.sends_until)
            .join(Gate, Gate.id == Message.gate_id)
            .where(Message.state == "held", Message.not_before <= runtime.clock.now())
            .order_by(Message.not_before)
            .limit(CHUNK)
            .with_for_update(of=Message, skip_locked=True)
        ).all()
        paced = [row.id for row in ended if row.sends_until is not None]
        if paced:
            tx.execute(update(Message).where(Message.id.in_(paced)).values(not_before=PARKED))
        due = [row for row in ended if row.sends_until is None]
        tx.execute(update(Message).where(Message.id.in_([row.id for row in due])).values(state="planned"))
        at = runtime.clock.real_now()
        moved = Counter(row.gate_id for row in due)
        events.append(tx, [events.delta(gate_id, "held", "planned", count, at) for gate_id, count in moved.items()])
        for gate_id in moved:
            tx.enqueue(Job("messaging", SEND_BATCH, (gate_id,)))
    return len(ended)


def sweep_closed(runtime: Runtime) -> int:
    """What waits behind a closed gate is canceled: whoever closed it was killed, or planning was under way."""
    with runtime.db.snapshot() as session:
        waiting = exists().where(Tally.gate_id == Gate.id, Tally.name.in_(("planned", "held")), Tally.count > 0)
        gates = session.execute(select(Gate.id).where(Gate.state == "closed", waiting)).scalars().all()
    return sum(cancel_chunk(runtime.db, gate_id, runtime.clock) for gate_id in gates)


def wake_senders(runtime: Runtime) -> int:
    """Ask for a sender wherever due rows wait and no sender has claimed for a while."""
    real = runtime.clock.real_now()
    with runtime.db.transaction() as tx:
        waiting = exists().where(
            Message.gate_id == Gate.id, Message.state == "planned", Message.not_before <= runtime.clock.now()
        )
        gates = (
            tx.execute(
                select(Gate.id).where(
                    Gate.state == "open", or_(Gate.woken_at.is_(None), Gate.woken_at < real - WAKE_AFTER), waiting
                )
            )
            .scalars()
            .all()
        )
        _wake(tx, list(gates), runtime)
    return len(gates)


def _wake(tx: Transaction, gate_ids: list[int], runtime: Runtime) -> None:
    tx.execute(update(Gate).where(Gate.id.in_(gate_ids)).values(woken_at=runtime.clock.real_now()))
    for gate_id in gate_ids:
        tx.enqueue(Job("messaging", SEND_BATCH, (gate_id,)))
