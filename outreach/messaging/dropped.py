"""Follow-ups that are not owed any more: the person has told how it went, will not do it, or must not be texted."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import bindparam, select, update

from outreach.core.db import Transaction
from outreach.core.hot import Hot
from outreach.messaging.events import append, delta
from outreach.messaging.follow_up_models import FOLLOW_UPS, FollowUp
from outreach.messaging.models import Message
from outreach.messaging.states import BEFORE_POSTING, public_state

_owed: Any = FollowUp.__table__
_message: Any = Message.__table__
DROP = update(_owed).where(_owed.c.state == "waiting").values(state="dropped", reason=bindparam("why"))
DROP_ALL = DROP.where(_owed.c.number_hash == bindparam("number"))
DROP_OF_CAMPAIGN = DROP_ALL.where(_owed.c.gate_id == bindparam("gate"))
DROP_OF_GROUP = DROP.where(
    _owed.c.group_id == bindparam("group"), _owed.c.number_hash.in_(bindparam("numbers", expanding=True))
)
OF_CAMPAIGN = Hot(
    select(_owed.c.state).where(
        _owed.c.gate_id == bindparam("gate"), _owed.c.number_hash == bindparam("number"), _owed.c.state != "dropped"
    )
)
PLANNED = (
    select(_message.c.id, _message.c.gate_id, _message.c.state)
    .where(_message.c.number_hash == bindparam("number"), _message.c.about_gate_id == bindparam("gate"))
    .where(_message.c.kind.in_(FOLLOW_UPS), _message.c.state.in_(BEFORE_POSTING))
    .order_by(_message.c.id)
    .with_for_update()
)
CALL_OFF = (
    update(_message)
    .where(_message.c.id.in_(bindparam("ids", expanding=True)))
    .values(state="canceled", lease_token=None, lease_until=None)
)


def drop_all(tx: Transaction, number_hash: bytes, reason: str) -> None:
    """Nothing is owed to this number by any campaign. Texts that wait are withdrawn by whoever calls this."""
    tx.connection().execute(DROP_ALL, {"number": number_hash, "why": reason})


def drop_in_group(tx: Transaction, group_id: int, number_hashes: Sequence[bytes], reason: str) -> None:
    """The same for some numbers and one group."""
    tx.connection().execute(DROP_OF_GROUP, {"group": group_id, "numbers": list(number_hashes), "why": reason})


def drop_of_campaign(tx: Transaction, number_hash: bytes, gate_id: int, reason: str, at: datetime) -> None:
    """Nothing more is owed to this number by one campaign; what waits for a sender is called off.

    Lock the person first. ``at`` is real time.
    """
    tx.flush()  # a plain statement does not do it by itself
    connection, which = tx.connection(), {"number": number_hash, "gate": gate_id}
    states = {row.state for row in OF_CAMPAIGN.all(tx, which)}
    if "waiting" in states:
        connection.execute(DROP_OF_CAMPAIGN, {**which, "why": reason})
    waiting = connection.execute(PLANNED, which).all() if "sent" in states else ()
    if waiting:
        connection.execute(CALL_OFF, {"ids": [row.id for row in waiting]})
        moved = Counter((row.gate_id, public_state(row.state)) for row in waiting)
        append(tx, [delta(gate, source, "canceled", count, at) for (gate, source), count in moved.items()])
