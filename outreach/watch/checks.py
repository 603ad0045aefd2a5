"""What must hold of the books, asked of the database itself; nothing is ever corrected from here.

Counts are compared in one snapshot: the rows as they are, against the folded counters with the moves that nobody has
folded yet. What people did (STOPs, POSTs) is only appended, so of that each run reads what is new.
"""

from __future__ import annotations

import time
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

from sqlalchemy import exists, func, or_, select
from sqlalchemy.orm import Session, aliased

from outreach.core.runtime import Runtime
from outreach.escalations.models import Recipient, Wave
from outreach.messaging.gates import PERSONAL
from outreach.messaging.models import Event, Gate, Message, MessageAttempt, Reply, Tally, of_kind
from outreach.messaging.states import public_state
from outreach.people.consent import is_suppressed_clause
from outreach.people.models import ConsentEvent, Suppression
from outreach.tallies.reads import PUBLIC_STATES
from outreach.watch.alarms import Finding, raise_alarms
from outreach.watch.models import CheckMark

NAME: Final = "books"
EVERY_SECONDS: Final = 300.0
SHARE: Final = 0.02
"""At most so much of one core goes into checking: a database of which a run takes long is checked less often."""
STOP_MARGIN: Final = timedelta(seconds=5)
"""A POST may begin while a STOP waits for its lock: the promise counts from our answer, a second later at the latest.
The row knows when the text came, so the check leaves it a little longer."""
MOST: Final = 20
"""Of one kind, so many are told; more say nothing new."""
WAITING: Final = ("planned", "claimed", "held")
STOPPED_BY: Final = ("person", "carrier", "pending")
"""Suppressions that withdraw what waits in their own transaction (``optout``, ``inbound``)."""
ASKED_FOR: Final = ("answer", "confirmation", "opt_in", "test")
"""Kinds of texts that may follow a STOP, for whoever gets them has asked for them since."""


@dataclass(frozen=True, slots=True)
class Mark:
    """Up to where the last run has read; ``at`` is real time."""

    at: datetime
    message_id: int = 0
    attempt_id: int = 0


def check_books(runtime: Runtime) -> int:
    """Look for everything that must not be, keep it as alarms and log it; how many are new."""
    began, at = time.perf_counter(), runtime.clock.real_now()
    with runtime.db.snapshot() as session:
        mark = read_mark(session) or Mark(at - timedelta(days=365 * 100))
        ends = Mark(at, _last(session, Message), _last(session, MessageAttempt))
        found = [*_counts(session), *_twice(session, mark), *_after_stops(session, mark)]
    took = int((time.perf_counter() - began) * 1000)
    with runtime.db.transaction() as tx:
        fresh = raise_alarms(tx, found, at)
        tx.merge(CheckMark(name=NAME, at=at, took_ms=took, message_id=ends.message_id, attempt_id=ends.attempt_id))
    return fresh


def read_mark(session: Session) -> Mark | None:
    """Where the last run ended; None before the first."""
    row = session.get(CheckMark, NAME)
    return None if row is None else Mark(row.at, row.message_id, row.attempt_id)


def next_check_in(took_seconds: float) -> float:
    """Real seconds from the end of a run to the next one. Pure."""
    return max(EVERY_SECONDS, took_seconds / SHARE)


def _last(session: Session, table: type[Message | MessageAttempt]) -> int:
    return session.execute(select(func.max(table.id))).scalar() or 0


def _counts(session: Session) -> Iterator[Finding]:
    """Counters against rows, for every gate and wave."""
    counted, groups = _counters(session), _groups(session)
    yield from _differ("states_counted", _stored_states(session), counted, PUBLIC_STATES, groups)
    stored = _per_gate(session, select(Reply.gate_id, func.count()).where(
        Reply.gate_id.is_not(None), Reply.channel == "text").group_by(Reply.gate_id), "replies")  # fmt: skip
    yield from _differ("replies_counted", stored, counted, ("replies",), groups)
    people: Any = session.execute(
        select(Wave.id, Wave.gate_id, func.count())
        .where(Wave.gate_id.not_in(_being_sent_again(session)))
        .join(Recipient, Recipient.wave_id == Wave.id)
        .group_by(Wave.id, Wave.gate_id)
    )
    for wave_id, gate_id, recipients in people:
        texts = sum(counted[gate_id][name] for name in PUBLIC_STATES)
        if texts != recipients:
            details = {"recipients": recipients, "counted": texts}
            yield Finding("recipients", f"wave:{wave_id}", groups.get(gate_id), details)


def _being_sent_again(session: Session) -> list[int]:
    """Gates where a second text is planned, and the folder has yet to hear that the first one counts no more."""
    chosen = (
        select(Message.gate_id)
        .join(MessageAttempt, MessageAttempt.message_id == Message.id)
        .join(Event, Event.attempt_id == MessageAttempt.id)
        .where(Event.folded_at.is_(None), of_kind("result"), Event.key.in_(("retried", "decided_again")))
    )
    return list(set(session.execute(chosen).scalars()))


def _groups(session: Session) -> dict[int, int]:
    rows: Any = session.execute(select(Gate.id, Gate.group_id))
    return dict(rows.all())


def _counters(session: Session) -> defaultdict[int, Counter[str]]:
    """Gate -> counters, with the moves of rows that have moved already and are not folded yet.

    What the carrier and our POSTs said is left out: those rows move when it is folded.
    """
    found: defaultdict[int, Counter[str]] = defaultdict(Counter)
    for gate_id, name, count in session.execute(select(Tally.gate_id, Tally.name, Tally.count)):
        found[gate_id][name] += count
    tail: Any = session.execute(
        select(Event.gate_id, Event.from_counter, Event.to_counter, func.sum(Event.count))
        .where(Event.folded_at.is_(None), of_kind("delta"))
        .group_by(Event.gate_id, Event.from_counter, Event.to_counter)
    )
    for gate_id, source, target, count in tail:
        if source:
            found[gate_id][source] -= int(count)
        if target:
            found[gate_id][target] += int(count)
    return found


def _stored_states(session: Session) -> defaultdict[int, Counter[str]]:
    """Gate -> public state -> how many rows. It reads the table once, from end to end."""
    found: defaultdict[int, Counter[str]] = defaultdict(Counter)
    rows: Any = session.execute(
        select(Message.gate_id, Message.state, func.count()).group_by(Message.gate_id, Message.state)
    )
    for gate_id, state, count in rows:
        found[gate_id][public_state(state)] += count
    return found


def _per_gate(session: Session, chosen: Any, name: str) -> defaultdict[int, Counter[str]]:
    found: defaultdict[int, Counter[str]] = defaultdict(Counter)
    for gate_id, count in session.execute(chosen):
        found[gate_id][name] = count
    return found


def _differ(
    kind: str,
    stored: Mapping[int, Counter[str]],
    counted: Mapping[int, Counter[str]],
    names: tuple[str, ...],
    groups: Mapping[int, int],
) -> Iterator[Finding]:
    for gate_id in sorted(stored.keys() | counted.keys()):
        rows, counters = stored.get(gate_id, Counter()), counted.get(gate_id, Counter())
        wrong = [name for name in names if rows[name] != counters[name]]
        if wrong:
            details: dict[str, int | str] = {f"{name}_rows": rows[name] for name in wrong}
            details |= {f"{name}_counted": counters[name] for name in wrong}
            yield Finding(kind, f"gate:{gate_id}", groups.get(gate_id), details)


def _twice(session: Session, mark: Mark) -> Iterator[Finding]:
    """Nobody has two POSTs of one text that may both have arrived, nor two texts that both count."""
    other = aliased(MessageAttempt)
    doubled = (
        select(Message.id, Message.group_id)
        .join(MessageAttempt, MessageAttempt.message_id == Message.id)
        .where(MessageAttempt.id > mark.attempt_id, MessageAttempt.closed.is_(False))
        .where(exists().where(other.message_id == Message.id, other.closed.is_(False), other.id < MessageAttempt.id))
        .limit(MOST)
    )
    for message_id, group_id in session.execute(doubled):
        yield Finding("two_attempts", f"message:{message_id}", group_id, {"message_id": message_id})
    first = aliased(Message)
    heard = exists().where(
        MessageAttempt.message_id == first.id, Event.attempt_id == MessageAttempt.id, Event.folded_at.is_(None)
    )
    again = (
        select(Message.id, first.id, Message.group_id)
        .join(first, first.id == Message.retry_of)
        .where(Message.id > mark.message_id, Message.retry_of.is_not(None), first.state != "superseded", ~heard)
        .limit(MOST)
    )
    for message_id, first_id, group_id in session.execute(again):
        yield Finding("two_texts", f"message:{message_id}", group_id, {"first_id": first_id})


def _after_stops(session: Session, mark: Mark) -> Iterator[Finding]:
    """Of who has opted out nothing waits, and nothing was posted to them since.

    A STOP and the planning of a text may cross, and then the slice lets nobody through: so a STOP that is new counts
    against texts of before the last run, and a text that is new against STOPs of before it.
    """
    stopped = [Suppression.source.in_(STOPPED_BY), Suppression.lifted_at.is_(None)]
    waits = (
        select(Message.id, Message.group_id, Suppression.source)
        .join(Suppression, Suppression.number_hash == Message.number_hash)
        .where(*stopped, Message.state.in_(WAITING), Message.kind.not_in(ASKED_FOR))
        .where(is_suppressed_clause(Message.number_hash, Message.group_id))
        .limit(MOST)
    )
    newly = waits.where(Suppression.at > mark.at, Message.id <= mark.message_id)
    lately = waits.where(Suppression.at <= mark.at, Message.id > mark.message_id)
    for message_id, group_id, source in [*session.execute(newly), *session.execute(lately)]:
        yield Finding("waits_after_stop", f"message:{message_id}", group_id, {"source": source})
    returned = exists().where(
        ConsentEvent.number_hash == Message.number_hash,
        ConsentEvent.group_id == Message.group_id,
        ConsentEvent.kind == "opt_in",
        ConsentEvent.at > Suppression.at,
        ConsentEvent.at <= MessageAttempt.begun_at,
    )
    posted: Any = session.execute(
        select(Message.id, Message.group_id, MessageAttempt.id, MessageAttempt.begun_at, Suppression.at)
        .join(Message, Message.id == MessageAttempt.message_id)
        .join(Gate, Gate.id == Message.gate_id)
        .join(Suppression, Suppression.number_hash == Message.number_hash)
        .where(MessageAttempt.id > mark.attempt_id, Suppression.source == "person")
        .where(MessageAttempt.begun_at > Suppression.at, Message.kind.not_in(ASKED_FOR), Gate.kind.not_in(PERSONAL))
        .where(or_(Suppression.lifted_at.is_(None), Suppression.lifted_at > MessageAttempt.begun_at), ~returned)
        .order_by(MessageAttempt.id)
    )
    late = [row for row in posted if row.begun_at > row[4] + STOP_MARGIN]
    for message_id, group_id, attempt_id, begun_at, at in late[:MOST]:
        seconds = int((begun_at - at).total_seconds())
        details = {"attempt_id": attempt_id, "seconds_after": seconds}
        yield Finding("posted_after_stop", f"message:{message_id}", group_id, details)
