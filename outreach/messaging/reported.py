"""What people report counts once for each of them: a person is one caller, and their last word on it holds."""

from __future__ import annotations

from collections import Counter
from typing import Any

from sqlalchemy import bindparam, select, update
from sqlalchemy.orm import Session

from outreach.core.db import Transaction
from outreach.messaging.models import Reply

_reply: Any = Reply.__table__
OF_PERSON = (
    _reply.c.number_hash == bindparam("number"),
    _reply.c.gate_id == bindparam("gate"),
    _reply.c.outcome.is_not(None),
    _reply.c.superseded.is_(False),
)
SUPERSEDE = (
    update(_reply)
    .where(*OF_PERSON, _reply.c.id != bindparam("newest"))
    .values(superseded=True)
    .returning(_reply.c.outcome)
)
REPORTED = select(_reply.c.id).where(*OF_PERSON).limit(1)
"""Made once: a person waits for them."""

Move = tuple[str | None, str | None]


def has_reported(session: Session, number_hash: bytes, gate_id: int) -> bool:
    """Whether this number has reported anything in a campaign."""
    return session.connection().execute(REPORTED, {"number": number_hash, "gate": gate_id}).first() is not None


def supersede(tx: Transaction, reply_id: int, number_hash: bytes, gate_id: int) -> list[str]:
    """Let this reply's report stand in place of the person's earlier ones; their outcomes, which counted until now."""
    asked = {"number": number_hash, "gate": gate_id, "newest": reply_id}
    return list(tx.connection().execute(SUPERSEDE, asked).scalars())


def report_moves(earlier: list[str], outcome: str) -> Counter[Move]:
    """How the counters of outcomes move when a report takes the place of earlier ones. Pure."""
    new = f"report:{outcome}"
    moves: Counter[Move] = Counter((f"report:{one}", None) for one in earlier[1:])
    source = f"report:{earlier[0]}" if earlier else None
    if source != new:
        moves[source, new] += 1
    return moves
