"""Reading the counters: folded ones and the unfolded tail in one snapshot, so the numbers are exact at any moment."""

from __future__ import annotations

from collections import Counter

from sqlalchemy import func, or_, select
from sqlalchemy.orm import Session

from outreach.core.clock import Clock
from outreach.messaging.models import Event, Message, Tally
from outreach.tallies.fold import domain_time, fold_rows, unfolded

PUBLIC_STATES = ("planned", "held", "accepted", "sent", "delivered", "undelivered", "failed", "suppressed", "canceled",
                 "unknown", "needs_review")  # fmt: skip
"""The disjoint states that people, pages and CONTRACTS.md know, in the order in which they are shown."""


def counters(session: Session, gate_id: int, clock: Clock) -> Counter[str]:
    """Every counter of a gate as of this snapshot; names without a row count 0."""
    found: Counter[str] = Counter()
    for name, count in session.execute(select(Tally.name, Tally.count).where(Tally.gate_id == gate_id)):
        found[name] = count
    tail = unfolded().where(or_(Event.gate_id == gate_id, Message.gate_id == gate_id))
    for (_, name), count in fold_rows(session.execute(tail), domain_time(clock)).counters.items():
        found[name] += count
    return found


def reports_so_far(session: Session, gate_id: int) -> int:
    """How many outcomes people have reported for this gate, those of this transaction included.

    Cheaper than ``counters``, because a person waits for it: no message is looked at.
    """
    folded = select(func.sum(Tally.count)).where(Tally.gate_id == gate_id, Tally.name.startswith("report:"))
    tail = select(func.sum(Event.count)).where(
        Event.folded_at.is_(None), Event.gate_id == gate_id, Event.to_counter.startswith("report:")
    )
    return int(session.execute(folded).scalar() or 0) + int(session.execute(tail).scalar() or 0)
