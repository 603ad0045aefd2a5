"""The pacer, a step of upkeep: of each paced gate it lets go of as many texts as its office's lines bear.

There is one upkeep at a time, and what was earned stands in the database: so the pace is shared by all workers without
Redis, a killed process loses nothing, and gates that are not paced do not notice.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any, Final

from sqlalchemy import exists, select, update

from outreach.calls.pacing import pace_of_gate
from outreach.core.db import Job, Transaction
from outreach.core.runtime import Runtime
from outreach.escalations.pacing import earned, next_time, sends_until
from outreach.escalations.pacing_models import Pace
from outreach.messaging.events import append, delta
from outreach.messaging.gates import SEND_BATCH
from outreach.messaging.models import PARKED, Gate, Message
from outreach.people.models import Constituent
from outreach.people.quiet_hours import window_anywhere
from outreach.people.zones import parse_zones_key

SAVED_SECONDS: Final = 15.0
"""Of real time, whose texts may leave at once when upkeep was busy with other things."""
MOST: Final = 500

_parked: Any = (Message.state == "held") & (Message.not_before == PARKED)


def pace_gates(runtime: Runtime) -> int:
    """Let go of what has been earned; how many texts."""
    with runtime.db.snapshot() as reading:
        waits = exists().where(Message.gate_id == Gate.id, _parked)
        paced = select(Gate.id).where(Gate.sends_until.is_not(None), Gate.state == "open", waits)
        gates = reading.execute(paced.order_by(Gate.id)).scalars().all()
    released = 0
    for gate_id in gates:
        with runtime.db.transaction() as tx:
            released += _tick(tx, runtime, gate_id)
    return released


def _tick(tx: Transaction, runtime: Runtime, gate_id: int) -> int:
    row = tx.execute(select(Pace).where(Pace.gate_id == gate_id).with_for_update()).scalar()
    found = pace_of_gate(tx, gate_id)
    if row is None or found is None:
        return _let_go_of_all(tx, runtime, gate_id)
    now = runtime.clock.now()
    until = sends_until(found.office(now))
    if until is None or now >= until:
        _stop_until(tx, gate_id, now)
        row.credit, row.ticked_at, row.opens_at = 0.0, now, next_time(found.office, now)
        return 0
    tx.execute(update(Gate).where(Gate.id == gate_id, Gate.sends_until != until).values(sends_until=until))
    most = found.per_minute * SAVED_SECONDS * runtime.clock.speed / 60
    credit = earned(row.credit, found.per_minute, now - row.ticked_at, most)
    released = _release(tx, runtime, gate_id, min(MOST, int(credit)), now)
    row.credit, row.ticked_at, row.opens_at = credit - released, now, None
    return released


def _stop_until(tx: Transaction, gate_id: int, now: datetime) -> None:
    """An office that closes earlier than it said: what is under way is parked by its slice."""
    tx.execute(update(Gate).where(Gate.id == gate_id, Gate.sends_until > now).values(sends_until=now))


def _let_go_of_all(tx: Transaction, runtime: Runtime, gate_id: int) -> int:
    """There is no office any more to pace it to; what is parked goes as everything goes."""
    tx.execute(update(Gate).where(Gate.id == gate_id).values(sends_until=None))
    mine = update(Message).where(Message.gate_id == gate_id, _parked)
    return len(tx.execute(mine.values(not_before=runtime.clock.now()).returning(Message.id)).all())


def _release(tx: Transaction, runtime: Runtime, gate_id: int, count: int, now: datetime) -> int:
    if count < 1:
        return 0
    theirs = select(Message.id, Constituent.zones).join(Constituent, Constituent.id == Message.constituent_id)
    parked = theirs.where(Message.gate_id == gate_id, _parked)
    zones = tx.execute(parked.with_only_columns(Constituent.zones).distinct()).scalars()
    open_now = [key for key in zones if window_anywhere(parse_zones_key(key), now).open]
    chosen = parked.where(Constituent.zones.in_(open_now)).order_by(Message.id).limit(count)
    ids = [row.id for row in tx.execute(chosen.with_for_update(of=Message, skip_locked=True))]
    if ids:
        tx.execute(update(Message).where(Message.id.in_(ids)).values(state="planned", not_before=now))
        append(tx, [delta(gate_id, "held", "planned", len(ids), runtime.clock.real_now())])
        tx.enqueue(Job("messaging", SEND_BATCH, (gate_id,)))
    return len(ids)
