"""Planning: a wave's frozen audience becomes recipients and messages, in short chunks.

Each chunk is one transaction that moves the wave's own cursor, so planning resumes where a killed job stopped, and
UNIQUE(wave, number_hash) makes a repeat harmless. The write lock is held for about TARGET_SECONDS a chunk.
"""

from __future__ import annotations

import time
from datetime import datetime, timedelta
from functools import lru_cache
from typing import Any

from sqlalchemy import (
    BigInteger,
    ColumnElement,
    Insert,
    String,
    and_,
    bindparam,
    case,
    cast,
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
from outreach.escalations.audience import may_join
from outreach.escalations.launch import PLAN_WAVE
from outreach.escalations.models import Recipient, Wave
from outreach.escalations.pacing_models import Pace
from outreach.escalations.walking import candidates, chunk_end
from outreach.messaging.events import append, delta
from outreach.messaging.gates import SEND_BATCH, gate_state
from outreach.messaging.models import PARKED, Gate, GateText, Message
from outreach.people.consent import is_suppressed_clause
from outreach.people.models import Constituent
from outreach.people.quiet_hours import window
from outreach.people.zones import parse_zones_key

FIRST_CHUNK = 500
LARGEST_CHUNK = 5_000
TARGET_SECONDS = 0.03
"""A chunk on SQLite holds up every other writer; on PostgreSQL it holds up nobody, and may be larger."""
LARGEST_ON_POSTGRESQL = 20_000
TARGET_ON_POSTGRESQL = 0.2
MIXER = 2_654_435_761
"""Knuth's multiplier: neighbouring ids get different high bits."""
WAKE_AFTER = timedelta(seconds=10)

CHUNK = and_(Recipient.id > bindparam("before"), Recipient.wave_id + 0 == bindparam("wave"))
"""The recipients that a chunk has made. The sum keeps the database from walking the whole wave by its index."""
ZONES = select(Constituent.zones).join(Recipient, Recipient.constituent_id == Constituent.id).where(CHUNK).distinct()


def plan_wave(runtime: Runtime, wave_id: int, seconds: float) -> bool:
    """Plan until done or ``seconds`` (real) have gone; True when the wave is planned. The rest is a next job's."""
    lite = runtime.db.is_sqlite
    target, largest = (TARGET_SECONDS, LARGEST_CHUNK) if lite else (TARGET_ON_POSTGRESQL, LARGEST_ON_POSTGRESQL)
    deadline, size = time.monotonic() + seconds, FIRST_CHUNK
    while time.monotonic() < deadline:
        began = time.monotonic()
        if _plan_chunk(runtime, wave_id, size):
            return True
        size = max(FIRST_CHUNK, min(largest, int(size * target / max(0.001, time.monotonic() - began))))
    runtime.db.send(Job("campaigns", PLAN_WAVE, (wave_id,)))
    return False


def _plan_chunk(runtime: Runtime, wave_id: int, size: int) -> bool:
    with runtime.db.transaction() as tx:
        wave = tx.execute(select(Wave).where(Wave.id == wave_id).with_for_update()).scalar()
        if wave is None or wave.planned_at is not None:
            return True
        now, start = runtime.clock.now(), wave.planned_through
        end = chunk_end(tx, wave, size)
        if end is None or gate_state(tx, wave.gate_id) == "closed":
            wave.planned_at = now
            tx.enqueue(Job("messaging", SEND_BATCH, (wave.gate_id,)))
            return True
        before = tx.execute(select(func.max(Recipient.id))).scalar() or 0
        _insert_recipients(tx, wave, candidates(wave, start, end), now)
        # This wave's only planner holds its row, so what is above is what this chunk has made.
        _insert_messages(tx, wave, before, now, runtime)
        wave.planned_through = end
        wave.woken_at = runtime.clock.real_now()
        if start == 0:
            tx.enqueue(Job("messaging", SEND_BATCH, (wave.gate_id,)))
        return False


def _insert_recipients(tx: Transaction, wave: Wave, which: Any, now: datetime) -> None:
    people = (
        select(literal(wave.group_id), literal(wave.id), Constituent.id, Constituent.number_hash)
        .where(Constituent.id.in_(which), may_join(wave.group_id, wave.audience, now))
        .order_by(Constituent.id)
    )
    dialect = postgresql if tx.get_bind().dialect.name == "postgresql" else sqlite
    tx.execute(
        dialect.insert(Recipient)
        .from_select(["group_id", "wave_id", "constituent_id", "number_hash"], people)
        .on_conflict_do_nothing(index_elements=["wave_id", "number_hash"])
    )


def _insert_messages(tx: Transaction, wave: Wave, before: int, now: datetime, runtime: Runtime) -> None:
    """A message for each recipient above ``before``: planned, held until its window opens, or suppressed."""
    last_before = tx.execute(select(func.max(Message.id))).scalar() or 0
    chunk = {"wave": wave.id, "before": before}
    opens = {}
    paced = _is_paced(tx, wave.gate_id)
    for zones in () if paced else tx.execute(ZONES, chunk).scalars():
        hours = window(parse_zones_key(zones), now)
        if not hours.open and hours.opens_at is not None:
            opens[zones] = hours.opens_at
    closed = tuple(sorted(opens))
    times = {f"opens_{index}": opens[zones] for index, zones in enumerate(closed)}
    tx.execute(
        _messages(closed, _has_second_text(tx, wave.gate_id), paced=paced),
        {**chunk, **times, "gate": wave.gate_id, "now": now},
    )
    counts = tx.execute(
        select(Message.state, func.count())
        .where(Message.id > last_before, Message.gate_id == wave.gate_id)
        .group_by(Message.state)
    )
    at = runtime.clock.real_now()
    append(tx, [delta(wave.gate_id, None, name, count, at) for name, count in counts])


def _is_paced(tx: Transaction, gate_id: int) -> bool:
    """Whether a gate's texts are parked. Until this chunk has committed nobody gives its pace up: whoever does lets go
    of what is parked by then, and what is parked after that would wait for ever.
    """
    tx.execute(select(Pace.gate_id).where(Pace.gate_id == gate_id).with_for_update(read=True))
    return tx.execute(select(Gate.sends_until).where(Gate.id == gate_id)).scalar_one() is not None


def _has_second_text(tx: Transaction, gate_id: int) -> bool:
    second = select(GateText.gate_id).where(GateText.gate_id == gate_id, GateText.variant == "b").limit(1)
    return tx.execute(second).first() is not None


@lru_cache(maxsize=64)
def _messages(closed: tuple[str, ...], two_texts: bool, *, paced: bool) -> Insert:
    """The INSERT of a chunk's messages; people in a ``closed`` set of zones are held, and everybody where it is paced.

    Made once for each combination: to write it down costs more than to run it. Which of two texts a person gets does
    not depend on the order of any list.
    """
    now = bindparam("now", type_=Message.not_before.type)
    state: ColumnElement[str] = literal("planned")
    not_before: ColumnElement[datetime] = now
    if closed:
        opens = {zones: bindparam(f"opens_{n}", type_=Message.not_before.type) for n, zones in enumerate(closed)}
        not_before = case(opens, value=Constituent.zones, else_=now)
        state = case((Constituent.zones.in_(closed), literal("held")), else_=literal("planned"))
    elif paced:
        not_before, state = bindparam("parked", PARKED, type_=Message.not_before.type), literal("held")
    mixed = cast(Constituent.id, BigInteger) * MIXER // 65536 % 2
    variant = case((mixed == 1, "b"), else_="a") if two_texts else cast(null(), String(1))
    suppressed = is_suppressed_clause(Recipient.number_hash, Recipient.group_id)
    rows = (
        select(
            Recipient.group_id,
            bindparam("gate", type_=BigInteger),
            Recipient.id,
            Constituent.id,
            Recipient.number_hash,
            literal("campaign"),
            case((suppressed, literal("suppressed")), else_=state),
            Constituent.language,
            not_before,
            literal(0),
            variant,
        )
        .join(Constituent, Constituent.id == Recipient.constituent_id)
        .where(CHUNK)
        .order_by(Recipient.id)
    )
    columns = ["group_id", "gate_id", "recipient_id", "constituent_id", "number_hash", "kind", "state", "language",
               "not_before", "checks", "variant"]  # fmt: skip
    return insert(Message.__table__).from_select(columns, rows)  # type: ignore[arg-type]  # it is a Table


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
