"""The pacer, a step of upkeep: of each paced gate it lets go of as many texts as its office's lines bear.

There is one upkeep at a time, and what was earned stands in the database: so the pace is shared by all workers without
Redis, a killed process loses nothing, and gates that are not paced do not notice.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any, Final

from sqlalchemy import exists, select, update
from sqlalchemy.orm import Session

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
MOST_UNPACED: Final = 2_000
"""Of a gate that is paced no more, so many go at a time: nobody else should have to wait for the rest of a million."""

_parked: Any = (Message.state == "held") & (Message.not_before == PARKED)


def pace_gates(runtime: Runtime) -> int:
    """Let go of what has been earned; how many texts."""
    now = runtime.clock.now()
    with runtime.db.snapshot() as reading:
        waits = exists().where(Message.gate_id == Gate.id, _parked)
        paced = select(Gate.id).where(Gate.sends_until.is_not(None), Gate.state == "open", waits)
        gates = {
            gate_id: _able(reading, gate_id, now) for gate_id in reading.execute(paced.order_by(Gate.id)).scalars()
        }
    released = 0
    for gate_id, able in gates.items():
        with runtime.db.transaction() as tx:
            released += _tick(tx, runtime, gate_id, able)
    return released


def _able(reading: Session, gate_id: int, now: datetime) -> list[int]:
    """Texts that are parked, of people whose own window is open: as many as may leave at once, at most.

    Read aside, and no further than is needed: a gate may have a million of them, and a tick comes every second.
    """
    parked = (
        select(Message.id, Constituent.zones)
        .join(Constituent, Constituent.id == Message.constituent_id)
        .where(Message.gate_id == gate_id, _parked)
        .limit(MOST)
    )
    closed: set[str] = set()
    while True:
        rows = reading.execute(parked.where(Constituent.zones.not_in(closed))).all()
        shut = {key for key in {row.zones for row in rows} if not window_anywhere(parse_zones_key(key), now).open}
        if not shut:
            return [row.id for row in rows]
        closed |= shut


def _tick(tx: Transaction, runtime: Runtime, gate_id: int, able: list[int]) -> int:
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
    released = _plan(tx, runtime, gate_id, able[: int(credit)])
    row.credit, row.ticked_at, row.opens_at = credit - released, now, None
    return released


def _stop_until(tx: Transaction, gate_id: int, now: datetime) -> None:
    """An office that closes earlier than it said: what is under way is parked by its slice."""
    tx.execute(update(Gate).where(Gate.id == gate_id, Gate.sends_until > now).values(sends_until=now))


def _let_go_of_all(tx: Transaction, runtime: Runtime, gate_id: int) -> int:
    """There is no office any more to pace it to: what is parked goes as everything goes, some at each look.

    Until the last of it has gone the gate's texts may leave at any time, so that no slice parks them again.
    """
    mine = update(Gate).where(Gate.id == gate_id)
    tx.execute(mine.where(Gate.sends_until != PARKED).values(sends_until=PARKED))
    some = select(Message.id).where(Message.gate_id == gate_id, _parked).limit(MOST_UNPACED + 1)
    ids = list(tx.execute(some).scalars())
    if len(ids) <= MOST_UNPACED:
        tx.execute(mine.values(sends_until=None))
    return _plan(tx, runtime, gate_id, ids[:MOST_UNPACED])


def _plan(tx: Transaction, runtime: Runtime, gate_id: int, message_ids: list[int]) -> int:
    """Let these go, as far as they are still parked; how many."""
    if not message_ids:
        return 0
    still = select(Message.id).where(Message.id.in_(message_ids), _parked).order_by(Message.id).with_for_update()
    ids = list(tx.execute(still).scalars())
    if ids:
        gone = update(Message).where(Message.id.in_(ids))
        tx.execute(gone.values(state="planned", not_before=runtime.clock.now()))
        append(tx, [delta(gate_id, "held", "planned", len(ids), runtime.clock.real_now())])
        tx.enqueue(Job("messaging", SEND_BATCH, (gate_id,)))
    return len(ids)
