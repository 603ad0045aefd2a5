"""One launched campaign of many messages in the middle of its day, written by set, beside a smaller one.

Nobody is in it: rows have numbers' hashes made out of nothing, and sealed documents of noise, as long as real ones.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import BigInteger, ColumnElement, Select, Text, case, cast, func, insert, literal, null, select

from outreach.accounts.links import ensure_group
from outreach.core.clock import Clock
from outreach.core.db import Database, Transaction, UtcDateTime
from outreach.escalations.models import Campaign, Wave
from outreach.messaging.gates import open_gate
from outreach.messaging.models import Message, Tally, Timeline
from outreach.messaging.states import public_state
from outreach.officials.models import Meeting, Official
from outreach.tallies.campaign import OUTCOMES
from outreach.tallies.fold import ON_TIMELINE

PLANNED = 0.12
"""The part of the messages whose turn has not come: the last ones, because sending goes by id."""
SHARES = {"delivered": 815, "undelivered": 45, "sent": 40, "held": 35, "accepted": 25, "suppressed": 25, "failed": 10,
          "unknown": 4, "needs_review": 1}  # fmt: skip
"""How the others stand, per mille."""
TAKEN = ("accepted", "sent", "delivered", "undelivered")
POSTED = (*TAKEN, "posting", "unknown", "needs_review", "failed")
WATCHED = ("accepted", "sent", "unknown")
ERROR_CODES = {"undelivered": 30003, "failed": 21211}
HEARD_PER_MILLE = {"replies": 80, "opted_out": 25, **{f"report:{outcome}": 6 for outcome in OUTCOMES}}
IN_HAND = 500
SEALED_BYTES = 272
DAY_MINUTES = 24 * 60
SCATTER = 7919
"""A prime, so that neighbours differ in state as they do in life."""
COLUMNS = ("id", "group_id", "gate_id", "recipient_id", "number_hash", "kind", "state", "language", "sealed",
           "not_before", "posted_at", "lease_until", "carrier_sid", "error_code", "next_check_at")  # fmt: skip


@dataclass(frozen=True, slots=True)
class Written:
    """A campaign whose messages have the ids ``first`` to ``last``."""

    group_id: int
    campaign_id: int
    gate_id: int
    first: int
    last: int


def write_campaign(db: Database, name: str, first: int, messages: int, clock: Clock) -> Written:
    """A group's campaign with its messages, counters and a day's timeline, all folded."""
    now = clock.now()
    with db.transaction() as tx:
        group_id = ensure_group(tx, name, now)
        campaign_id, gate_id = _launched(tx, group_id, name, clock)
    written = Written(group_id, campaign_id, gate_id, first, first + messages - 1)
    with db.transaction() as tx:
        tx.execute(insert(Message).from_select(COLUMNS, _messages(written, now, sqlite=db.is_sqlite)))
    with db.transaction() as tx:
        _count(tx, written, now)
    return written


def _launched(tx: Transaction, group_id: int, name: str, clock: Clock) -> tuple[int, int]:
    now, launched_at = clock.now(), clock.now() - timedelta(minutes=DAY_MINUTES)
    official = Official(group_id=group_id, name="Pat Example", role="Mayor", created_at=launched_at)
    tx.add(official)
    tx.flush()
    meeting = Meeting(group_id=group_id, official_id=official.id, held_on=launched_at.date(), outcome="no_commitment",
                      recorded_by="bench", created_at=launched_at)  # fmt: skip
    tx.add(meeting)
    tx.flush()
    campaign = Campaign(
        group_id=group_id, meeting_id=meeting.id, official_id=official.id, policy=1, tactic="calls", name=name,
        state="launched", text_en="", text_es="", script_en="", script_es="", audience={"lists": []},
        created_by="bench", created_at=launched_at,
    )  # fmt: skip
    tx.add(campaign)
    gate = open_gate(tx, group_id=group_id, kind="wave", texts={}, values={}, clock=clock)
    tx.flush()
    tx.add(Wave(group_id=group_id, campaign_id=campaign.id, number=1, gate_id=gate.id, audience={"lists": []},
                planned_at=now, woken_at=now, launched_at=launched_at))  # fmt: skip
    return campaign.id, gate.id


def numbers(first: int, last: int) -> Any:
    """A table ``i`` of whole numbers that both databases can make."""
    table = select(cast(first, BigInteger).label("i")).cte("numbers", recursive=True)
    return table.union_all(select(table.c.i + 1).where(table.c.i < last))


def state_of(i: ColumnElement[int], first: int, last: int) -> ColumnElement[str]:
    """The state of the message with this id."""
    count = last - first + 1
    turn = last - int(count * PLANNED)  # the last id whose turn has come
    in_hand = min(IN_HAND, count // 100)
    bounds, bound = [], 0
    for state, share in SHARES.items():
        bound += share
        bounds.append(((i * SCATTER) % 1000 < bound, literal(state, Text)))
    return case(
        (i > turn + 2 * in_hand, literal("planned", Text)),
        (i > turn + in_hand, literal("claimed", Text)),
        (i > turn, literal("posting", Text)),
        *bounds,
    )


def _messages(written: Written, now: datetime, *, sqlite: bool) -> Select[Any]:
    table = numbers(written.first, written.last)
    each = select(table.c.i, state_of(table.c.i, written.first, written.last).label("state")).subquery()
    i, state = each.c.i, each.c.state
    name = cast(i, Text)
    noise = func.md5(name)
    number_hash = func.randomblob(16) if sqlite else func.decode(noise, "hex")
    sealed = func.randomblob(SEALED_BYTES) if sqlite else func.decode(func.repeat(noise, SEALED_BYTES // 16), "hex")
    began = now - timedelta(minutes=DAY_MINUTES)

    def at(states: Sequence[str], moment: datetime) -> ColumnElement[Any]:
        return case((state.in_(states), literal(moment, UtcDateTime())), else_=null())

    # Held texts of the first campaign wait longest, so that the others' come before them in the index of held ones.
    opens = now + timedelta(hours=9, seconds=-written.first)
    return select(
        i,
        literal(written.group_id, BigInteger),
        literal(written.gate_id, BigInteger),
        i,
        number_hash,
        literal("campaign", Text),
        state,
        case((i % 5 == 0, literal("es", Text)), else_=literal("en", Text)),
        case((state.in_(POSTED), sealed), else_=null()),
        case((state == "held", literal(opens, UtcDateTime())), else_=literal(began, UtcDateTime())),
        at(POSTED, now - timedelta(minutes=1)),
        at(("claimed", "posting"), now + timedelta(minutes=1)),
        case((state.in_(TAKEN), carrier_sid(name)), else_=null()),
        case(*((state == each, literal(code, BigInteger)) for each, code in ERROR_CODES.items()), else_=null()),
        at(WATCHED, now + timedelta(minutes=10)),
    )


def carrier_sid(name: ColumnElement[str]) -> ColumnElement[str]:
    """A carrier's id out of a message's: its decimal digits at the end of the usual 34 characters."""
    zeros = literal("0" * 32, Text)
    return literal("SM", Text) + func.substr(zeros + name, func.length(name) + 1)


def _count(tx: Transaction, written: Written, now: datetime) -> None:
    """Counters as the folder would have them, and the timeline that sums to them."""
    counts: dict[str, int] = {}
    for state, count in tx.execute(
        select(Message.state, func.count()).where(Message.gate_id == written.gate_id).group_by(Message.state)
    ):
        counts[public_state(state)] = counts.get(public_state(state), 0) + count
    messages = written.last - written.first + 1
    counts |= {name: messages * share // 1000 for name, share in HEARD_PER_MILLE.items()}
    tx.execute(insert(Tally), [{"gate_id": written.gate_id, "name": n, "count": c} for n, c in counts.items()])
    reports = sum(count for name, count in counts.items() if name.startswith("report:"))
    last_minute = int(now.timestamp()) // 60
    rows = []
    for name in ON_TIMELINE:
        total = reports if name == "reports" else counts[name]
        for step in range(DAY_MINUTES):
            added = total * (step + 1) // DAY_MINUTES - total * step // DAY_MINUTES
            if added:
                minute = last_minute - DAY_MINUTES + 1 + step
                rows.append({"gate_id": written.gate_id, "minute": minute, "name": name, "count": added})
    tx.execute(insert(Timeline), rows)
