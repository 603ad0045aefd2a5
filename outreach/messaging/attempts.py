"""Opening attempts: the rows of texts whose POST may begin, or whose POST the carrier's list has proven."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from functools import cache

from sqlalchemy import TextClause, bindparam, text

from outreach.core.db import Transaction, UtcDateTime
from outreach.messaging.claims import LEASE_SECONDS, Claimed

ROWS_STEP = 16


@cache
def _opening(count: int) -> tuple[TextClause, TextClause]:
    """Move so many rows to posting, and open their attempts: a statement each.

    Row by row, each would give up the interpreter, and wait for the sender threads to give it back, as often.
    """
    given = "(VALUES " + ", ".join(f"(:id{n}, :sealed{n}, :hash{n})" for n in range(count)) + ") AS given"
    moved = (
        "UPDATE message SET state = 'posting', posted_at = :posted, lease_until = :until, sealed = given.column2 "  # noqa: S608  names of parameters
        "FROM " + given + " WHERE message.id = given.column1"
    )
    opened = (
        "INSERT INTO message_attempt (message_id, body_hash, begun_at, closed) "  # noqa: S608
        "SELECT given.column1, given.column3, :begun, false FROM " + given + " WHERE given.column1 IS NOT NULL "
        "RETURNING message_id, id"
    )
    when = {name: bindparam(name, type_=UtcDateTime) for name in ("posted", "until", "begun")}
    return text(moved).bindparams(when["posted"], when["until"]), text(opened).bindparams(when["begun"])


def open_attempts(tx: Transaction, claimed: Sequence[Claimed], now: datetime, begun_at: datetime) -> dict[int, int]:
    """Move to posting and open the attempts; message id -> attempt id. ``now`` is domain time, ``begun_at`` real."""
    if not claimed:
        return {}
    count = -(-len(claimed) // ROWS_STEP) * ROWS_STEP  # a few sizes, so that their statements are known
    given: dict[str, object] = dict.fromkeys(f"{name}{n}" for name in ("id", "sealed", "hash") for n in range(count))
    for n, one in enumerate(claimed):
        given.update({f"id{n}": one.message_id, f"sealed{n}": one.sealed, f"hash{n}": one.body_hash})
    moved, opened = _opening(count)
    connection = tx.connection()
    connection.execute(moved, {**given, "posted": now, "until": begun_at + timedelta(seconds=LEASE_SECONDS)})
    attempts = connection.execute(opened, {**given, "begun": begun_at})
    return {row.message_id: row.id for row in attempts}
