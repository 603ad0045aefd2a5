"""What stands about a number, asked once for a text of its owner: most have nothing, and need no closer look."""

from __future__ import annotations

from typing import Any, NamedTuple

from sqlalchemy import bindparam, exists, select

from outreach.core.db import Transaction
from outreach.core.hot import Hot
from outreach.messaging.follow_up_models import FollowUp
from outreach.messaging.models import Reply
from outreach.messaging.sign_up_models import SignUp
from outreach.people.models import Suppression

_number: Any = bindparam("number")
FOOTING = Hot(
    select(
        exists().where(Reply.carrier_sid == bindparam("sid")).label("is_stored"),
        exists().where(Suppression.number_hash == _number, Suppression.lifted_at.is_(None)).label("was_stopped"),
        exists().where(SignUp.number_hash == _number).label("signs_up"),
        exists().where(FollowUp.number_hash == _number, FollowUp.state != "dropped").label("is_owed"),
        exists().where(Reply.number_hash == _number, Reply.outcome.is_not(None)).label("has_told"),
    )
)


class Footing(NamedTuple):
    """``is_stored``: the text itself is. The others say that rows are there, in any group: whether they count is asked
    where it matters.

    ``was_stopped``: suppressions that nobody lifted. ``signs_up``: sign-ups. ``is_owed``: follow-ups that wait or were
    planned. ``has_told``: reports.
    """

    is_stored: bool
    was_stopped: bool
    signs_up: bool
    is_owed: bool
    has_told: bool


def footing_of(tx: Transaction, number_hash: bytes, sid: str) -> Footing:
    """As it is now; lock the person first."""
    tx.flush()  # a plain statement does not do it by itself
    return Footing(*map(bool, FOOTING.first(tx, {"number": number_hash, "sid": sid})))
