"""The folder: it takes events that nobody has folded yet, moves messages by the table, and adds to the counters.

One folder at a time: each transaction first locks the lease row with its own token, and computes only from rows it
locked with ``folded_at IS NULL``. Nothing else writes ``tally``, or a message's state after ``posting``.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any

import structlog
from sqlalchemy import Select, bindparam, select, update
from sqlalchemy.dialects import postgresql, sqlite

from outreach.core.clock import Clock
from outreach.core.db import Database, Transaction
from outreach.core.leases import hold
from outreach.messaging.models import Event, Message, MessageAttempt, Tally, Timeline
from outreach.messaging.review import FOLDER_LEASE
from outreach.messaging.states import HEARD_STATUS, Facts, Heard, hear, heard_result, public_state

log = structlog.get_logger(__name__)

LEASE = FOLDER_LEASE
CHUNK = 1_000
ON_TIMELINE = ("delivered", "replies", "reports", "opted_out")
"""The counters whose growth is kept by the minute."""
ERROR = "error:"
"""How the counters begin that tell, by the carrier's code, why texts are failed or undelivered now."""


@dataclass(slots=True)
class Folded:
    """What a set of events comes to: messages as they are now, counters to add, alarms to raise."""

    before: dict[int, Facts] = field(default_factory=dict)
    messages: dict[int, Facts] = field(default_factory=dict)
    counters: Counter[tuple[int, str]] = field(default_factory=Counter)
    minutes: Counter[tuple[int, int, str]] = field(default_factory=Counter)
    closed_attempts: list[int] = field(default_factory=list)
    alarms: list[tuple[int, str]] = field(default_factory=list)


def unfolded() -> Select[*tuple[Any, ...]]:
    """Events that wait to be folded, oldest first, with the attempt and message each is about."""
    return (
        select(
            Event.id, Event.kind, Event.key, Event.carrier_sid, Event.error_code, Event.retry_after, Event.received_at,
            Event.gate_id, Event.from_counter, Event.to_counter, Event.count,
            Event.attempt_id, MessageAttempt.closed, MessageAttempt.begun_at,
            Message.id.label("message_id"), Message.gate_id.label("message_gate"), Message.state,
            Message.carrier_sid.label("known_sid"), Message.error_code.label("known_error"),
            Message.not_before, Message.next_check_at, Message.checks, Message.variant,
        )
        .outerjoin(MessageAttempt, MessageAttempt.id == Event.attempt_id)
        .outerjoin(Message, Message.id == MessageAttempt.message_id)
        .where(Event.folded_at.is_(None))
        .order_by(Event.id)
    )  # fmt: skip


def fold_rows(rows: Iterable[Any], domain: Callable[[datetime], datetime]) -> Folded:
    """Pure: what these rows of ``unfolded()`` come to. ``domain`` turns real time into domain time."""
    folded = Folded()
    for row in rows:
        if row.kind == "delta":
            if row.from_counter:
                folded.counters[row.gate_id, row.from_counter] -= row.count
            if row.to_counter:
                folded.counters[row.gate_id, row.to_counter] += row.count
                if not _is_report(row.from_counter):  # another word of the same person is no further report
                    _note(folded, row.gate_id, row.to_counter, row.count, domain(row.received_at))
        elif row.message_id is None:
            folded.alarms.append((row.id, "unknown_attempt"))
        else:
            _hear(folded, row, domain)
    return folded


def _is_report(counter: str | None) -> bool:
    return counter is not None and counter.startswith("report:")


def _note(folded: Folded, gate_id: int, counter: str, count: int, at: datetime) -> None:
    name = "reports" if _is_report(counter) else counter
    if name in ON_TIMELINE:
        folded.minutes[gate_id, int(at.timestamp()) // 60, name] += count


def _hear(folded: Folded, row: Any, domain: Callable[[datetime], datetime]) -> None:
    word = heard_result(row.key, row.error_code) if row.kind == "result" else HEARD_STATUS.get(row.key)
    if word is None:
        folded.alarms.append((row.id, "unknown_status"))
        return
    before = folded.messages.get(row.message_id) or Facts(
        row.state, row.known_sid, row.known_error, row.not_before, row.next_check_at, row.checks
    )
    at = domain(row.received_at)
    heard = Heard(
        word=word,
        attempt_id=row.attempt_id,
        attempt_closed=row.closed,
        begun_at=domain(row.begun_at),
        at=at,
        carrier_sid=row.carrier_sid,
        error_code=row.error_code,
        retry_at=domain(row.received_at + timedelta(seconds=row.retry_after or 0)),
    )
    after = hear(before, heard)
    folded.before.setdefault(row.message_id, before)
    folded.messages[row.message_id] = after
    if after.alarm and after.alarm != before.alarm:
        folded.alarms.append((row.id, after.alarm))
    if after.closed_attempt and after.closed_attempt != before.closed_attempt:
        folded.closed_attempts.append(after.closed_attempt)
    source, target = public_state(before.state), public_state(after.state)
    if source != target:
        for counter in (source, *_beside(before, source, row.variant)):
            folded.counters[row.message_gate, counter] -= 1
        for counter in (target, *_beside(after, target, row.variant)):
            folded.counters[row.message_gate, counter] += 1
        _note(folded, row.message_gate, target, 1, at)


def _beside(facts: Facts, public: str, variant: str | None) -> Iterator[str]:
    """What else counts a message: the carrier's reason why it did not arrive, and the text that it tries."""
    if facts.error_code and facts.state in {"failed", "undelivered"}:
        yield f"{ERROR}{facts.error_code}"
    if variant and public != "planned":  # planning and slices count all texts together
        yield f"{variant}:{public}"


_table = Message.__table__.c
WRITTEN = ("state", "carrier_sid", "error_code", "not_before", "next_check_at", "checks")
WRITE = (
    update(Message.__table__)  # type: ignore[arg-type]
    .where(_table.id == bindparam("its_id"), _table.state == bindparam("was"))
    .values({name: bindparam(f"new_{name}") for name in WRITTEN} | {"lease_token": None, "lease_until": None})
)


BOUND = select(Message.id, Message.carrier_sid).where(Message.carrier_sid.in_(bindparam("sids", expanding=True)))


class LeaseLost(Exception):
    """Another process folds now; this one must stop."""


def fold(db: Database, clock: Clock, token: str) -> int:
    """Fold one chunk in one transaction; returns how many events it took. Raises LeaseLost."""
    with db.transaction() as tx:
        if not hold(tx, LEASE, token):
            raise LeaseLost
        rows = tx.execute(unfolded().limit(CHUNK)).all()
        if not rows:
            return 0
        folded = _believed(tx, rows, domain_time(clock))
        _write(tx, folded)
        tx.execute(update(Event).where(Event.id.in_([row.id for row in rows])).values(folded_at=clock.real_now()))
    for event_id, alarm in folded.alarms:
        log.error("fold_alarm", event_id=event_id, alarm=alarm)
    return len(rows)


def domain_time(clock: Clock) -> Callable[[datetime], datetime]:
    """Real time -> domain time of this clock."""
    return lambda real: clock.at(real.timestamp())


def _believed(tx: Transaction, rows: Sequence[Any], domain: Callable[[datetime], datetime]) -> Folded:
    """What the rows come to where a sid belongs to one message.

    A report that names another message's sid is about that one, whatever its address says: it moves nobody. The answer
    to our own POST is about this one; it is taken, without the sid. Both raise an alarm.
    """
    folded, alarms = fold_rows(rows, domain), []
    while stolen := _stolen_sids(tx, folded):
        doubtful = {row.id for row in rows if row.kind == "status" and (row.message_id, row.carrier_sid) in stolen}
        if not doubtful:
            for message_id, _ in stolen:
                folded.messages[message_id] = replace(folded.messages[message_id], carrier_sid=None)
                alarms.append((message_id, "sid_bound_twice"))
            break
        alarms += [(event_id, "sid_bound_twice") for event_id in sorted(doubtful)]
        rows = [row for row in rows if row.id not in doubtful]
        folded = fold_rows(rows, domain)
    folded.alarms += alarms
    return folded


def _stolen_sids(tx: Transaction, folded: Folded) -> set[tuple[int, str]]:
    """Messages with a sid that is another's: of one that was bound before, or else of the first one that names it."""
    claimed = [(facts.carrier_sid, message_id) for message_id, facts in folded.messages.items() if facts.carrier_sid]
    bound = tx.execute(BOUND, {"sids": [sid for sid, _ in claimed]}).all()
    owners = {sid: message_id for message_id, sid in bound}
    return {(message_id, sid) for sid, message_id in claimed if owners.setdefault(sid, message_id) != message_id}


def _write(tx: Transaction, folded: Folded) -> None:
    """Store what has changed, and nothing else: a row that was only spoken about may be in a sender's hands."""
    changed = {
        message_id: facts
        for message_id, facts in folded.messages.items()
        if replace(facts, alarm=None) != replace(folded.before[message_id], alarm=None)
    }
    if changed:
        tx.connection().execute(
            WRITE,
            [
                {"its_id": message_id, "was": folded.before[message_id].state}
                | {f"new_{name}": getattr(facts, name) for name in WRITTEN}
                for message_id, facts in changed.items()
            ],
        )
    if folded.closed_attempts:
        tx.execute(update(MessageAttempt).where(MessageAttempt.id.in_(folded.closed_attempts)).values(closed=True))
    added = [{"gate_id": g, "name": n, "count": count} for (g, n), count in sorted(folded.counters.items()) if count]
    _add(tx, Tally, ["gate_id", "name"], added)
    grown = sorted(folded.minutes.items())
    _add(
        tx,
        Timeline,
        ["gate_id", "minute", "name"],
        [{"gate_id": g, "minute": minute, "name": n, "count": count} for (g, minute, n), count in grown],
    )


def _add(tx: Transaction, table: type[Tally | Timeline], key: list[str], rows: list[dict[str, object]]) -> None:
    """Add counts to rows, or make them."""
    if not rows:
        return
    insert = (sqlite if tx.get_bind().dialect.name == "sqlite" else postgresql).insert(table)
    upsert = insert.on_conflict_do_update(index_elements=key, set_={"count": table.count + insert.excluded.count})
    tx.connection().execute(upsert, rows)
