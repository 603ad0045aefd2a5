"""What a slice knows of the texts that are about another gate, and how a follow-up goes back to waiting."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, NamedTuple

from sqlalchemy import bindparam, exists, select, update

from outreach.core.db import Transaction
from outreach.messaging.follow_up_models import FollowUp
from outreach.messaging.models import Gate, Message, Reply

_owed: Any = FollowUp.__table__
REPORTED = (
    exists()
    .where(
        Reply.number_hash == FollowUp.number_hash, Reply.gate_id == FollowUp.gate_id, Reply.outcome.is_not(None),
        Reply.superseded.is_(False),
    )
    .correlate_except(Reply)
)  # fmt: skip
"""Whether the person has told how it went."""
OWED = (
    select(FollowUp.message_id, Gate.state, FollowUp.expires_at, REPORTED)
    .join(Gate, Gate.id == FollowUp.gate_id)
    .where(FollowUp.message_id.in_(bindparam("ids", expanding=True)))
)
ABOUT = (
    select(Message.id, Gate.state)
    .join(Gate, Gate.id == Message.about_gate_id)
    .where(Message.id.in_(bindparam("ids", expanding=True)))
)
PUT_BACK = (
    update(_owed)
    .where(_owed.c.message_id == bindparam("its_message"))
    .values(state="waiting", message_id=None, due_at=bindparam("due", type_=_owed.c.due_at.type))
)


class Owed(NamedTuple):
    """A follow-up: how its campaign's gate stands, until when it makes sense, and whether it is needless."""

    gate: str
    expires_at: datetime
    has_reported: bool


def owed_by(tx: Transaction, message_ids: Sequence[int]) -> dict[int, Owed]:
    """The follow-ups of these texts, by text."""
    if not message_ids:
        return {}
    rows = tx.connection().execute(OWED, {"ids": list(message_ids)})
    return {row.message_id: Owed(row[1], row[2], bool(row[3])) for row in rows if row.message_id}


def gates_about(tx: Transaction, message_ids: Sequence[int]) -> dict[int, str]:
    """How the gates stand that these texts are about, by text."""
    return {row[0]: row[1] for row in tx.connection().execute(ABOUT, {"ids": list(message_ids)})} if message_ids else {}


def put_back(tx: Transaction, due: Mapping[int, datetime]) -> None:
    """Let the follow-ups of these texts wait until then (domain time); the texts themselves are canceled.

    Held, they would go out whenever something opens; waiting, they are dropped when that is too late.
    """
    if due:
        rows = [{"its_message": message_id, "due": at} for message_id, at in due.items()]
        tx.connection().execute(PUT_BACK, rows)
