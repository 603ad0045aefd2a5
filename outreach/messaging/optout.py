"""Obeying an opt-out: one transaction, under the same lock as the slices. A person's texts are called off likewise."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import bindparam, or_, select, update

from outreach.core.crypto import Vault
from outreach.core.db import Transaction
from outreach.core.hot import Hot
from outreach.messaging.dropped import drop_all, drop_in_group
from outreach.messaging.events import append, delta
from outreach.messaging.models import Message
from outreach.messaging.states import BEFORE_POSTING, public_state
from outreach.people.consent import SuppressionSource, lock_people, record_opt_out, suppress

_message: Any = Message.__table__
WAITING = Hot(
    select(_message.c.id, _message.c.gate_id, _message.c.state)
    .where(_message.c.number_hash == bindparam("number"), or_(*(_message.c.state == state for state in BEFORE_POSTING)))
    .order_by(_message.c.id)
    .with_for_update()
)
WAITING_IN_GROUP = (
    select(_message.c.id, _message.c.gate_id, _message.c.state)
    .where(
        _message.c.number_hash.in_(bindparam("numbers", expanding=True)),
        _message.c.group_id == bindparam("group"),
        _message.c.state.in_(BEFORE_POSTING),
    )
    .order_by(_message.c.id)
    .with_for_update()
)
WITHDRAW = (
    update(_message)
    .where(_message.c.id.in_(bindparam("ids", expanding=True)))
    .values(state="suppressed", lease_token=None, lease_until=None)
)
CANCEL = (
    update(_message)
    .where(_message.c.id.in_(bindparam("ids", expanding=True)))
    .values(state="canceled", lease_token=None, lease_until=None, sealed=None)
)


def obey_opt_out(
    tx: Transaction,
    vault: Vault,
    *,
    group_id: int,
    number_hash: bytes,
    wording: str,
    source: SuppressionSource,
    at: datetime,
) -> None:
    """A person said stop (``source`` person) or the carrier says they did (carrier): nobody texts them again.

    ``at`` is real time. Call it in a durable transaction, before the answer that tells anybody it is done.
    """
    lock_people(tx, [number_hash])
    if source == "person":
        record_opt_out(tx, vault, group_id, number_hash, wording=wording, source="reply", at=at)
    else:
        suppress(tx, number_hash, source=source, at=at)
    withdraw_planned(tx, number_hash, at)


def withdraw_planned(tx: Transaction, number_hash: bytes, at: datetime) -> None:
    """Move everything not yet posted to this number to ``suppressed``, whichever group it is from.

    Nothing is owed to it any more, either.
    """
    tx.flush()  # a plain statement does not do it by itself
    drop_all(tx, number_hash, "stopped")
    waiting = WAITING.all(tx, {"number": number_hash})
    if not waiting:
        return
    tx.connection().execute(WITHDRAW, {"ids": [row.id for row in waiting]})
    moved = Counter((row.gate_id, public_state(row.state)) for row in waiting)
    append(tx, [delta(gate_id, source, "suppressed", count, at) for (gate_id, source), count in moved.items()])


def cancel_waiting(tx: Transaction, group_id: int, number_hashes: Sequence[bytes], at: datetime) -> int:
    """Cancel what a group has not yet posted to these numbers; how many texts. Lock the people first.

    ``at`` is real time. What is being posted, or was and nobody knows its fate, stays as it is.
    """
    tx.flush()  # a plain statement does not do it by itself
    drop_in_group(tx, group_id, number_hashes, "canceled")
    connection = tx.connection()
    waiting = connection.execute(WAITING_IN_GROUP, {"group": group_id, "numbers": list(number_hashes)}).all()
    if waiting:
        connection.execute(CANCEL, {"ids": [row.id for row in waiting]})
        moved = Counter((row.gate_id, public_state(row.state)) for row in waiting)
        append(tx, [delta(gate_id, source, "canceled", count, at) for (gate_id, source), count in moved.items()])
    return len(waiting)
