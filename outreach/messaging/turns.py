"""Whose turn it is: answers before campaigns, then every group alike, then every campaign of a group alike."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import NamedTuple

from sqlalchemy import exists, select

from outreach.core.runtime import Runtime
from outreach.messaging.gates import PERSONAL
from outreach.messaging.models import Event, Gate, Message
from outreach.messaging.restored import after_restoring

SLOW_AFTER = timedelta(seconds=10)
"""Sending slows down when what was heard waits longer than this for the folder (real time)."""
LONGEST_PAUSE = 1.0


class Due(NamedTuple):
    """An open gate with something to send; ``served_at`` is when any sender last claimed from it."""

    gate_id: int
    group_id: int
    kind: str
    served_at: datetime | None


class Waiting(NamedTuple):
    """What waits to be sent, and how long the oldest unfolded event has waited (real seconds). ``restored``: there are
    texts that the carrier had before a backup was restored.
    """

    gates: list[Due]
    tail: float
    restored: bool = False


def look(runtime: Runtime) -> Waiting:
    """One look at the database, for the next turns. Nothing waits while a restored backup is catching up."""
    due = exists().where(
        Message.gate_id == Gate.id, Message.state == "planned", Message.not_before <= runtime.clock.now()
    )
    oldest = select(Event.received_at).where(Event.folded_at.is_(None)).order_by(Event.id).limit(1)
    with runtime.db.snapshot() as reading:
        rows = reading.execute(
            select(Gate.id, Gate.group_id, Gate.kind, Gate.woken_at).where(Gate.state == "open", due).order_by(Gate.id)
        ).all()
        since = reading.execute(oldest).scalar()
        standing = after_restoring(reading)
    waited = (runtime.clock.real_now() - since).total_seconds() if since else 0.0
    return Waiting([] if standing.catching_up else [Due(*row) for row in rows], waited, standing.has_found)


def whose_turn(due: Sequence[Due], served: Mapping[int, int]) -> Due | None:
    """The gate that goes next; ``served`` is the number of each gate's last turn with this sender. Pure.

    A group's turns count together, so ten campaigns of one group get no more than the one of another.
    """
    groups: dict[int, int] = {}
    for gate in due:
        groups[gate.group_id] = max(groups.get(gate.group_id, -1), served.get(gate.gate_id, -1))

    def order(gate: Due) -> tuple[bool, int, int, float, int]:
        last = gate.served_at.timestamp() if gate.served_at else 0.0
        return (gate.kind not in PERSONAL, groups[gate.group_id], served.get(gate.gate_id, -1), last, gate.gate_id)

    return min(due, key=order, default=None)


def pause_for(tail: float) -> float:
    """Seconds to wait before each slice while the folder is so many seconds behind. Pure."""
    behind = tail - SLOW_AFTER.total_seconds()
    return min(LONGEST_PAUSE, max(0.0, behind / 10))
