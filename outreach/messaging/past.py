"""What somebody has done with a group's texts so far, as clauses for who may be asked about."""

from __future__ import annotations

from typing import Any

from sqlalchemy import ColumnElement, and_, exists, not_

from outreach.messaging.models import Message, Reply
from outreach.messaging.states import REACHED


def did(deed: str, number_hash: Any, group_id: int) -> ColumnElement[bool]:
    """Whether the number (a column of the query around it) has ``called``, ``replied`` or ``never_answered``.

    called: a reply in which a report of a call was understood; replied: any text to the group; never_answered: a
    campaign's text of the group may have been read, and no text has come. Both tables are asked by the number's index.
    """
    said = and_(Reply.number_hash == number_hash, Reply.group_id == group_id)
    if deed == "called":
        return exists().where(said, Reply.outcome.is_not(None)).correlate_except(Reply)
    replied = exists().where(said).correlate_except(Reply)
    if deed == "replied":
        return replied
    reached = exists().where(
        Message.number_hash == number_hash,
        Message.group_id == group_id,
        Message.kind == "campaign",
        Message.state.in_(REACHED),
    )
    return and_(reached.correlate_except(Message), not_(replied))
