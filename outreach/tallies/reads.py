"""Reading the counters: folded ones and the unfolded tail in one snapshot, so the numbers are exact at any moment.

A page must not pay the folder's price for each event of the tail. So only what decides a message's state is read, and
messages that have heard the same are folded once, as one of them, and counted as many.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import CompoundSelect, bindparam, case, func, null, select, text, union_all
from sqlalchemy.engine import Connection
from sqlalchemy.orm import Session

from outreach.core.clock import Clock
from outreach.core.hot import Hot
from outreach.messaging.models import TOLD, Event, Message, MessageAttempt, Tally, of_kind
from outreach.tallies.fold import domain_time, fold_rows, unfolded

PUBLIC_STATES = ("planned", "held", "accepted", "sent", "delivered", "undelivered", "failed", "suppressed", "canceled",
                 "unknown", "needs_review")  # fmt: skip
"""The disjoint states that people, pages and CONTRACTS.md know, in the order in which they are shown."""

COUNTERS: CompoundSelect[*tuple[Any, ...]] = union_all(
    select(null(), Tally.name, Tally.count).where(Tally.gate_id == bindparam("gate")),
    select(Event.from_counter, Event.to_counter, func.sum(Event.count))
    .where(Event.folded_at.is_(None), Event.gate_id == bindparam("gate"), of_kind("delta"))
    .group_by(Event.from_counter, Event.to_counter),
)
"""Where a count leaves, where it goes, and how many: the folded counters, then the tail's."""
HEARD = (
    select(
        Event.id, Event.kind, Event.key, Event.carrier_sid, Event.error_code, MessageAttempt.id,
        MessageAttempt.closed, Message.id, Message.state, Message.carrier_sid, Message.error_code,
        Message.variant,
    )
    .join(MessageAttempt, MessageAttempt.id == Event.attempt_id)
    .join(Message, Message.id == MessageAttempt.message_id)
    .where(Event.folded_at.is_(None), Event.kind != "delta", Message.gate_id == bindparam("gate"))
    .order_by(Event.id)
)  # fmt: skip
EXAMPLES = unfolded().where(Event.id.in_(bindparam("events", expanding=True)))
"""Statements are made once: to make one costs as much as to run it."""

_FOLDED = select(func.sum(Tally.count)).where(Tally.gate_id == bindparam("gate"), Tally.name.startswith("report:"))
_COMES, _GOES = (end.startswith("report:") for end in (Event.to_counter, Event.from_counter))
_TAIL = select(func.sum(case((_COMES & _GOES, 0), (_COMES, Event.count), else_=-Event.count))).where(
    Event.folded_at.is_(None), Event.gate_id == bindparam("gate"), text(TOLD)
)
REPORTS = Hot(select(func.coalesce(_FOLDED.scalar_subquery(), 0) + func.coalesce(_TAIL.scalar_subquery(), 0)))


@dataclass(slots=True)
class _Story:
    """What one message hears in the tail. Equal ``plot`` means equal moves: ids stand in it by order of appearance.

    Among ``sids`` 0 is none and 1 the one that the message has; where it has none, that is 1 too.
    """

    plot: list[object]
    sids: dict[str | None, int]
    attempts: dict[int, int] = field(default_factory=dict)
    events: list[int] = field(default_factory=list)


def counters(session: Session, gate_id: int, clock: Clock) -> Counter[str]:
    """Every counter of a gate as of this snapshot; names without a row count 0."""
    reading = session.connection()  # rows as the driver gives them: the session would wrap each one again
    found: Counter[str] = Counter()
    for source, target, count in reading.execute(COUNTERS, {"gate": gate_id}):
        if source:
            found[source] -= int(count)
        if target:
            found[target] += int(count)
    for name, count in _moves(reading, gate_id, clock).items():
        found[name] += count
    return found


def _moves(reading: Connection, gate_id: int, clock: Clock) -> Counter[str]:
    """What the tail's reports and results make of this gate's messages, by the folder's own table."""
    alike: dict[tuple[object, ...], list[_Story]] = {}
    for story in _stories(reading, gate_id):
        alike.setdefault(tuple(story.plot), []).append(story)
    examples = {event: plot for plot, stories in alike.items() for event in stories[0].events}
    rows: dict[tuple[object, ...], list[object]] = {}
    if examples:
        for row in reading.execute(EXAMPLES, {"events": list(examples)}):
            rows.setdefault(examples[row.id], []).append(row)
    added: Counter[str] = Counter()
    for plot, heard in rows.items():
        for (_, name), count in fold_rows(heard, domain_time(clock)).counters.items():
            added[name] += count * len(alike[plot])
    return added


def _stories(reading: Connection, gate_id: int) -> list[_Story]:
    """The tail by message, each in the order in which the folder will take it."""
    stories: dict[int, _Story] = {}
    heard = reading.execute(HEARD, {"gate": gate_id}).all()
    for event_id, kind, key, sid, code, attempt_id, closed, message_id, state, known_sid, known, variant in heard:
        story = stories.get(message_id)
        if story is None:
            story = stories[message_id] = _Story([state, known, variant], {None: 0, known_sid: 1})
        attempt = story.attempts.setdefault(attempt_id, len(story.attempts))
        story.plot += (kind, key, code, story.sids.setdefault(sid, len(story.sids) + 1), attempt, closed)
        story.events.append(event_id)
    return list(stories.values())


def reports_so_far(session: Session, gate_id: int) -> int:
    """How many people have reported an outcome for this gate, this transaction's included.

    Cheaper than ``counters``, because a person waits for it: no message is looked at.
    """
    session.flush()  # a plain statement does not do it by itself
    return int(REPORTS.value(session, {"gate": gate_id}))
