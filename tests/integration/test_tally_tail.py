"""What a page counts from the unfolded tail is what the folder makes of it, whatever was heard and in which order."""

from __future__ import annotations

import random
from datetime import timedelta

import pytest
from sqlalchemy import select, update

from outreach.core.leases import acquire
from outreach.core.runtime import Runtime
from outreach.messaging.events import EventRow, append, delta, result, status
from outreach.messaging.models import Message, MessageAttempt, Tally
from outreach.messaging.states import HEARD_STATUS
from outreach.tallies.fold import LEASE, fold
from outreach.tallies.reads import counters
from tests.factories import make_world, plan_messages

STATES = ("posting", "unknown", "needs_review", "accepted", "sent", "delivered", "failed", "planned")
RESULTS = ("accepted", "rejected", "not_sent", "unknown", "review")
CODES = (None, 21610)
ROUNDS = 15


def post(runtime: Runtime, messages: list[int], dice: random.Random) -> dict[int, list[int]]:
    """Bring each message into some state, with one or two attempts, the last of them open; message -> attempts."""
    begun_at = runtime.clock.real_now() - timedelta(minutes=1)
    attempts: dict[int, list[int]] = {}
    with runtime.db.transaction() as tx:
        for message in messages:
            for closed in dice.choice(((False,), (True, False), (True,))):
                attempt = MessageAttempt(message_id=message, begun_at=begun_at, body_hash=bytes(16), closed=closed)
                tx.add(attempt)
                tx.flush()
                attempts.setdefault(message, []).append(attempt.id)
            state = dice.choice(STATES)
            known = f"SM{message:032x}" if state in {"accepted", "sent", "delivered"} else None
            tx.execute(update(Message).where(Message.id == message).values(state=state, carrier_sid=known))
        counts: dict[str, int] = {}
        for state in tx.execute(select(Message.state).where(Message.id.in_(messages))).scalars():
            shown = "planned" if state == "posting" else state
            counts[shown] = counts.get(shown, 0) + 1
        gate_id = tx.execute(select(Message.gate_id).where(Message.id == messages[0])).scalar_one()
        tx.add_all([Tally(gate_id=gate_id, name=name, count=count) for name, count in counts.items()])
    return attempts


def hear(runtime: Runtime, attempts: dict[int, list[int]], gate_id: int, dice: random.Random) -> list[EventRow]:
    """Anything that the carrier or people may say, sense or nonsense; few words a run, so that many hear the same."""
    now = runtime.clock.real_now()
    results, words = dice.sample(RESULTS, 2), dice.sample((*HEARD_STATUS, "never_heard_of"), 2)
    rows: dict[tuple[str, str | None, str], EventRow] = {}
    for _ in range(3 * len(attempts) // 2):
        message = dice.choice(list(attempts))
        attempt = dice.choice(attempts[message])
        sid = f"SM{dice.choice((message, message, message + 100_000)):032x}"
        match dice.choice(("result", "status", "status", "delta")):
            case "result":
                key = dice.choice(results)
                proof = sid if key == "accepted" else None
                row = result(attempt, key, now, carrier_sid=proof, error_code=dice.choice(CODES), retry_after=5.0)
            case "status":
                row = status(attempt, sid, dice.choice(words), dice.choice(CODES), now)
            case _:
                name = dice.choice(("replies", "opted_out", "report:spoke"))
                row = delta(gate_id, dice.choice((None, "planned")), name, dice.randint(1, 3), now)
        rows[row["kind"], row["sid"], row["key"]] = row
    return list(rows.values())


def counted(runtime: Runtime, gate_id: int) -> dict[str, int]:
    with runtime.db.snapshot() as session:
        return {name: count for name, count in counters(session, gate_id, runtime.clock).items() if count}


@pytest.mark.parametrize("seed", range(6))
def test_the_tail_is_counted_as_it_will_be_folded(runtime: Runtime, seed: int) -> None:
    dice = random.Random(seed)
    ours, theirs = make_world(runtime, 20), make_world(runtime, 10, name="Others")
    with_ours = [message for _ in range(ROUNDS) for message in plan_messages(runtime, ours)]
    with_theirs = plan_messages(runtime, theirs)
    assert acquire(runtime.db, LEASE, "t", runtime.clock.real_now(), 60)
    while fold(runtime.db, runtime.clock, "t"):
        pass
    with runtime.db.transaction() as tx:
        tx.query(Tally).delete()
    news = [
        *hear(runtime, post(runtime, with_ours, dice), ours.gate_id, dice),
        *hear(runtime, post(runtime, with_theirs, dice), theirs.gate_id, dice),
    ]
    dice.shuffle(news)
    folded_so_far = {gate: counted(runtime, gate) for gate in (ours.gate_id, theirs.gate_id)}
    with runtime.db.transaction() as tx:
        append(tx, news)
    before = {gate: counted(runtime, gate) for gate in folded_so_far}
    assert before != folded_so_far  # something was heard that counts
    while fold(runtime.db, runtime.clock, "t"):
        pass
    assert {gate: counted(runtime, gate) for gate in before} == before
    with runtime.db.snapshot() as session:
        states = session.execute(select(Message.state).where(Message.gate_id == ours.gate_id)).scalars().all()
    moved = {state: states.count(state) for state in ("delivered", "failed", "undelivered", "unknown", "suppressed")}
    deltas = sum(r["count"] for r in news if r["from_counter"] == "planned" and r["gate_id"] == ours.gate_id)
    assert moved == {state: before[ours.gate_id].get(state, 0) for state in moved}
    assert before[ours.gate_id].get("planned", 0) == sum(s in {"planned", "posting"} for s in states) - deltas
