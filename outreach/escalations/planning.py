"""Planning: a wave's frozen audience becomes recipients and messages, in short chunks.

Each chunk is one transaction that moves the wave's own cursor, so planning resumes where a killed job stopped, and
UNIQUE(wave, number_hash) makes a repeat harmless. The write lock is held for about TARGET_SECONDS a chunk.
"""

from __future__ import annotations

import time
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import (
    BigInteger,
    ColumnElement,
    String,
    and_,
    case,
    cast,
    exists,
    func,
    insert,
    literal,
    null,
    select,
    update,
)
from sqlalchemy.dialects import postgresql, sqlite

from outreach.core.db import Job, Transaction
from outreach.core.runtime import Runtime
from outreach.escalations.audience import in_wave
from outreach.escalations.launch import PLAN_WAVE
from outreach.escalations.models import Recipient, Wave
from outreach.messaging.events import append, delta
from outreach.messaging.gates import SEND_BATCH, gate_state
from outreach.messaging.models import GateText, Message
from outreach.people.consent import is_suppressed_clause
from outreach.people.models import Constituent
from outreach.people.quiet_hours import window
from outreach.people.zones import parse_zones_key

FIRST_CHUNK = 500
LARGEST_CHUNK = 5_000
TARGET_SECONDS = 0.03
MIXER = 2_654_435_761
"""Knuth's multiplier: neighbouring ids get different high bits."""
WAKE_AFTER = timedelta(seconds=10)


def plan_wave(runtime: Runtime, wave_id: int, seconds: float) -> bool:
    """Plan until done or ``seconds`` (real) have gone; True when the wave is planned. The rest is a next job's."""
    deadline, size = time.monotonic() + seconds, FIRST_CHUNK
    while time.monotonic() < deadline:
        began = time.monotonic()
        if _plan_chunk(runtime, wave_id, size):
            return True
        size = max(100, min(LARGEST_CHUNK, int(size * TARGET_SECONDS / max(0.001, time.monotonic() - began))))
    runtime.db.send(Job("campaigns", PLAN_WAVE, (wave_id,)))
    return False


def _plan_chunk(runtime: Runtime, wave_id: int, size: int) -> bool:
    with runtime.db.transaction() as tx:
        wave = tx.execute(select(Wave).where(Wave.id == wave_id).with_for_update()).scalar()
        if wave is None or wave.planned_at is not None:
            return True
        now = runtime.clock.now()
        start, audience = wave.planned_through, in_wave(wave.group_id, wave.audience, now)
        ids = select(Constituent.id).where(audience, Constituent.id > start).order_by(Constituent.id).limit(size)
        end = tx.execute(select(func.max(ids.subquery().c.id))).scalar()
        if end is None or gate_state(tx, wave.gate_id) == "closed":
            wave.planned_at = now
            tx.enqueue(Job("messaging", SEND_BATCH, (wave.gate_id,)))
            return True
        chosen = and_(audience, Constituent.id > start, Constituent.id <= end)
        _insert_recipients(tx, wave, chosen)
        _insert_messages(tx, wave, and_(Constituent.id > start, Constituent.id <= end), now, runtime)
        wave.planned_through = end
        wave.woken_at = runtime.clock.real_now()
        if start == 0:
            tx.enqueue(Job("messaging", SEND_BATCH, (wave.gate_id,)))
        return False


def _insert_recipients(tx: Transaction, wave: Wave, chosen: ColumnElement[bool]) -> None:
    people = (
        select(literal(wave.group_id), literal(wave.id), Constituent.id, Constituent.number_hash)
        .where(chosen)
        .order_by(Constituent.id)
    )
    dialect = postgresql if tx.get_bind().dialect.name == "postgresql" else sqlite
    tx.execute(
        dialect.insert(Recipient)
        .from_select(["group_id", "wave_id", "constituent_id", "number_hash"], people)
        .on_conflict_do_nothing(index_elements=["wave_id", "number_hash"])
    )


def _insert_messages(tx: Transaction, wave: Wave, chunk: ColumnElement[bool], now: datetime, runtime: Runtime) -> None:
    """A message for each recipient of the chunk: planned, held until its window opens, or suppressed."""
    last_before = tx.execute(select(func.max(Message.id))).scalar() or 0
    state, not_before = _opening(tx, chunk, now)
    suppressed = is_suppressed_clause(Recipient.number_hash, Recipient.group_id)
    rows = (
        select(
            Recipient.group_id,
            literal(wave.gate_id),
            Recipient.id,
            Constituent.id,
            Recipient.number_hash,
            literal("campaign"),
            case((suppressed, literal("suppressed")), else_=state),
            Constituent.language,
            not_before,
            literal(0),
            _variant(tx, wave.gate_id),
        )
        .join(Constituent, Constituent.id == Recipient.constituent_id)
        .where(Recipient.wave_id == wave.id, chunk)
        .where(~exists().where(Message.recipient_id == Recipient.id))
        .order_by(Constituent.id)
    )
    columns = ["group_id", "gate_id", "recipient_id", "constituent_id", "number_hash", "kind", "state", "language",
               "not_before", "checks", "variant"]  # fmt: skip
    tx.execute(insert(Message).from_select(columns, rows))
    counts = tx.execute(
        select(Message.state, func.count())
        .where(Message.id > last_before, Message.gate_id == wave.gate_id)
        .group_by(Message.state)
    )
    at = runtime.clock.real_now()
    append(tx, [delta(wave.gate_id, None, name, count, at) for name, count in counts])


def _variant(tx: Transaction, gate_id: int) -> ColumnElement[str | None]:
    """SQL for which of two texts a person gets: half of the people each, whatever order their list was in."""
    second = tx.execute(select(GateText.gate_id).where(GateText.gate_id == gate_id, GateText.variant == "b").limit(1))
    if second.first() is None:
        return cast(null(), String(1))
    mixed = cast(Constituent.id, BigInteger) * MIXER // 65536 % 2
    return case((mixed == 1, "b"), else_="a")


def _opening(tx: Transaction, chunk: ColumnElement[bool], now: datetime) -> tuple[Any, Any]:
    """SQL for state and not_before by zone set: people whose window is closed now are held until it opens."""
    opens = {}
    for (zones,) in tx.execute(select(Constituent.zones).where(chunk).distinct()):
        hours = window(parse_zones_key(zones), now)
        if not hours.open and hours.opens_at is not None:
            opens[zones] = hours.opens_at
    if not opens:
        return literal("planned"), literal(now, Message.not_before.type)
    at = case(
        {zones: literal(when, Message.not_before.type) for zones, when in opens.items()},
        value=Constituent.zones,
        else_=literal(now, Message.not_before.type),
    )
    return case((Constituent.zones.in_(list(opens)), literal("held")), else_=literal("planned")), at


def wake_planners(runtime: Runtime) -> int:
    """Ask again for every wave whose planning has not moved for a while; its job was lost or its worker killed."""
    stale = runtime.clock.real_now() - WAKE_AFTER
    with runtime.db.transaction() as tx:
        waves = (
            tx.execute(
                update(Wave)
                .where(Wave.planned_at.is_(None), Wave.woken_at < stale)
                .values(woken_at=runtime.clock.real_now())
                .returning(Wave.id)
            )
            .scalars()
            .all()
        )
        for wave_id in waves:
            tx.enqueue(Job("campaigns", PLAN_WAVE, (wave_id,)))
    return len(waves)
