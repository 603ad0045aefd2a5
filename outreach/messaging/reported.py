"""What people report counts once for each of them: a person is one caller, and their last word on it holds."""

from __future__ import annotations

from collections import Counter
from datetime import datetime
from typing import Any

from sqlalchemy import bindparam, select, update
from sqlalchemy.orm import Session

from outreach.core.db import Transaction
from outreach.core.hot import Hot
from outreach.messaging.events import EventRow, delta
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
REPORTED = Hot(select(_reply.c.id).where(*OF_PERSON, _reply.c.id != bindparam("newest")).limit(1))
"""Made once: a person waits for them."""

Move = tuple[str | None, str | None]


def has_reported(session: Session, number_hash: bytes, gate_id: int) -> bool:
    """Whether this number has reported anything in a campaign."""
    return REPORTED.first(session, {"number": number_hash, "gate": gate_id, "newest": 0}) is not None


def standing(session: Session, number_hash: bytes, gate_id: int) -> list[str]:
    """The outcome that counts for this number in a campaign, if it has reported any."""
    rows = select(_reply.c.outcome).where(*OF_PERSON)
    return list(session.connection().execute(rows, {"number": number_hash, "gate": gate_id}).scalars())


def restand(tx: Transaction, number_hash: bytes, gate_id: int, before: list[str]) -> Counter[Move]:
    """After a change by hand, let the person's newest report count, whichever that is now.

    ``before``: what counted until then (``standing``). How the counters move. Lock the person first.
    """
    told = (_reply.c.number_hash == number_hash, _reply.c.gate_id == gate_id, _reply.c.outcome.is_not(None))
    rows = (
        tx.connection().execute(select(_reply.c.id, _reply.c.outcome).where(*told).order_by(_reply.c.id.desc())).all()
    )
    if not rows:
        return Counter((f"report:{one}", None) for one in before)
    tx.connection().execute(update(_reply).where(*told).values(superseded=_reply.c.id != rows[0].id))
    return report_moves(before, rows[0].outcome)


def supersede(tx: Transaction, reply_id: int, number_hash: bytes, gate_id: int) -> list[str]:
    """Let this reply's report stand in place of the person's earlier ones; their outcomes, which counted until now."""
    asked = {"number": number_hash, "gate": gate_id, "newest": reply_id}
    if REPORTED.first(tx, asked) is None:
        return []
    return list(tx.connection().execute(SUPERSEDE, asked).scalars())


def report_moves(earlier: list[str], outcome: str) -> Counter[Move]:
    """How the counters of outcomes move when a report takes the place of earlier ones. Pure."""
    new = f"report:{outcome}"
    moves: Counter[Move] = Counter((f"report:{one}", None) for one in earlier[1:])
    source = f"report:{earlier[0]}" if earlier else None
    if source != new:
        moves[source, new] += 1
    return moves


def report_deltas(gate_id: int, moves: Counter[Move], variant: str | None, at: datetime, key: str) -> list[EventRow]:
    """The same as events, for the campaign and for the text that is tried; ``key`` makes them count once. Pure."""
    return [
        delta(gate_id, source and prefix + source, target and prefix + target, count, at, key)
        for prefix in (("", f"{variant}:") if variant else ("",))
        for (source, target), count in moves.items()
    ]
