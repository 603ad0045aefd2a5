"""After its minute a stand-down is final: gates are closed, and whoever took part gets one thank-you.

Steps of upkeep, from the database alone: each is one transaction under the row's lock that moves the row's own state
and cursor, so whoever was killed in between is taken over from where it stood, and nobody is thanked twice.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from typing import Any, Final

from sqlalchemy import Row, Select, and_, exists, or_, select
from sqlalchemy.orm import Session

from outreach.core.db import Job, Transaction
from outreach.core.runtime import Runtime
from outreach.escalations.models import Campaign, Wave
from outreach.escalations.stand_down import locked, stood_by, thanks_values
from outreach.escalations.stand_down_models import StandDown
from outreach.escalations.stand_down_rules import after
from outreach.messaging.events import append, delta
from outreach.messaging.gates import SEND_BATCH, STAND_DOWN, close_gate, open_gate
from outreach.messaging.models import Message
from outreach.messaging.slices import THANKS
from outreach.people.consent import has_consent_clause, is_suppressed_clause, lock_people
from outreach.people.models import Constituent

CHUNK: Final = 200
SECONDS: Final = 0.1
"""Real seconds that upkeep gives to one at a turn, a chunk at least; it has to fold."""

TookPart = Callable[[Sequence[int]], Select[Any]]
"""A statement for the number hashes of whoever took part in the campaigns of these gates: calls and trees are not known
here."""


def finish_stand_downs(runtime: Runtime, took_part: TookPart) -> int:
    """One step of each stand-down that has one to make; how many did."""
    now = runtime.clock.real_now()
    with runtime.db.snapshot() as reading:
        due = or_(
            and_(StandDown.state == "standing", StandDown.final_at <= now),
            StandDown.state == "closing",
        )
        ids = reading.execute(select(StandDown.id).where(due).order_by(StandDown.id)).scalars().all()
    for stand_down_id in ids:
        with runtime.db.transaction(durable=True) as tx:
            row = locked(tx, stand_down_id)
            is_final = row is not None and row.state == "closing"
            if row is not None and row.state == "standing":
                _close(tx, runtime, row)
        if is_final:
            _thank(runtime, stand_down_id, took_part)
    return len(ids)


def _close(tx: Transaction, runtime: Runtime, row: StandDown) -> None:
    """Close the gates for good; what waits behind them is canceled by ``sweep_closed``, as after a cancel."""
    target = after(row.state, "finish", runtime.clock.real_now(), row.final_at)
    if target is None:
        return
    row.state = target
    for gate_id in sorted(int(gate_id) for stood in stood_by(tx, row.id) for gate_id in stood.gates):
        close_gate(tx, gate_id, STAND_DOWN)
    if row.text_en is not None and row.text_es is not None:
        texts = {"en": row.text_en, "es": row.text_es}
        values = thanks_values(tx, [tx.get_one(Campaign, stood.campaign_id) for stood in stood_by(tx, row.id)])
        gate = open_gate(tx, group_id=row.group_id, kind=THANKS, texts=texts, values=values, clock=runtime.clock)
        row.gate_id = gate.id


def _thank(runtime: Runtime, stand_down_id: int, took_part: TookPart) -> None:
    """Plan the thank-you of some, for a moment; once nobody is left, the stand-down has come to its end.

    Who took part is read aside and whole: many thousands may have, and other writers wait for none of it.
    """
    until = time.monotonic() + SECONDS
    with runtime.db.snapshot() as reading:
        found = _who_waits(reading, runtime, reading.get_one(StandDown, stand_down_id), took_part)
    for start in range(0, max(1, len(found)), CHUNK):
        with runtime.db.transaction(durable=True) as tx:
            row = locked(tx, stand_down_id)
            if row is None or row.state != "closing":
                return
            _plan(tx, runtime, row, found[start : start + CHUNK])
        if time.monotonic() > until:
            return


def _plan(tx: Transaction, runtime: Runtime, row: StandDown, found: Sequence[Row[int, bytes]]) -> None:
    if not found:
        row.state = after(row.state, "rest", runtime.clock.real_now(), row.final_at) or row.state
        row.ended_at = runtime.clock.real_now()
        return
    lock_people(tx, [one.number_hash for one in found])
    # A later statement than the locks: who opted out before is seen, and whom another process has thanked.
    able = tx.execute(_able(runtime, row).where(Constituent.id.in_([one.id for one in found]))).all()
    now = runtime.clock.now()
    tx.add_all(
        Message(
            group_id=row.group_id, gate_id=row.gate_id, constituent_id=one.id, number_hash=one.number_hash, kind=THANKS,
            state="planned", language=one.language, not_before=now,
        )
        for one in able
    )  # fmt: skip
    row.thanked_through = max(row.thanked_through, found[-1].id)
    if able and row.gate_id is not None:
        append(tx, [delta(row.gate_id, None, "planned", len(able), runtime.clock.real_now())])
        tx.enqueue(Job("messaging", SEND_BATCH, (row.gate_id,)))


def _who_waits(reading: Session, runtime: Runtime, row: StandDown, took_part: TookPart) -> Sequence[Row[int, bytes]]:
    """Who took part and was not looked at yet; nobody where nobody is thanked."""
    if row.gate_id is None:
        return []
    campaigns = [stood.campaign_id for stood in stood_by(reading, row.id)]
    gates = reading.execute(select(Wave.gate_id).where(Wave.campaign_id.in_(campaigns))).scalars().all()
    those = took_part(gates).subquery()
    # Joined and unlimited: for the first few of a million, PostgreSQL would hold each person against each of those.
    people = (
        _able(runtime, row)
        .join(those, those.c.number_hash == Constituent.number_hash)
        .with_only_columns(Constituent.id, Constituent.number_hash)
        .where(Constituent.id > row.thanked_through)
    )
    return reading.execute(people.order_by(Constituent.id)).all()


def _able(runtime: Runtime, row: StandDown) -> Select[int, bytes, str]:
    """Who agreed to be texted, has a number that works, and was not thanked yet."""
    thanked = exists().where(Message.gate_id == row.gate_id, Message.number_hash == Constituent.number_hash)
    return select(Constituent.id, Constituent.number_hash, Constituent.language).where(
        Constituent.group_id == row.group_id, has_consent_clause(runtime.clock.now()),
        ~is_suppressed_clause(Constituent.number_hash, Constituent.group_id), Constituent.number_bad_at.is_(None),
        Constituent.erased_at.is_(None), ~thanked,
    )  # fmt: skip
