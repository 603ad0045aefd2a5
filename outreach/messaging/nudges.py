"""What has waited too long in a group's inbox: shown to everybody in it, and once in the book."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final, NamedTuple

import structlog
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from config import table
from outreach.accounts.audit import record_audit
from outreach.accounts.models import Group
from outreach.core.db import Transaction
from outreach.core.errors import BadInputError
from outreach.core.runtime import Runtime
from outreach.messaging.conversations import PERHAPS_OPTED_OUT, RANKS, TO_READ, UNMATCHED
from outreach.messaging.day_time import waits_too_long_since
from outreach.messaging.inbox_models import InboxSetting
from outreach.messaging.models import Conversation
from outreach.messaging.threads import Actor, in_turn, note

log = structlog.get_logger(__name__)

COUNTED: Final = 10_000
"""Nobody needs to know how many more wait, and to count them all is what a page would spend its time on."""
DOUBTS: Final = (PERHAPS_OPTED_OUT,)
OTHERS: Final = (UNMATCHED, TO_READ)
MOST_HOURS: Final[int] = table("inbox")["nudge"]["most"]


class Hours(NamedTuple):
    """Hours of day time after which a text has waited too long; ``doubt``: one that may be an opt-out."""

    others: int
    doubt: int


def hours_of(session: Session, group_id: int) -> Hours:
    """What the group chose, or the default."""
    row = session.get(InboxSetting, group_id)
    return Hours(row.hours, row.hours_of_doubt) if row else _default()


def choose_hours(tx: Transaction, runtime: Runtime, who: Actor, hours: Hours) -> None:
    """Set them for the group. Raises BadInputError hours_range."""
    if not all(1 <= one <= MOST_HOURS for one in hours):
        raise BadInputError("hours_range", most=MOST_HOURS)
    in_turn(tx, who.group_id)
    row = _row(tx, who.group_id)
    if (row.hours, row.hours_of_doubt) != tuple(hours):
        row.hours, row.hours_of_doubt = hours
        note(tx, runtime, who, "inbox_hours", f"group:{who.group_id}", **hours._asdict())


def late_before(runtime: Runtime, hours: Hours) -> Mapping[int, datetime]:
    """Rank -> the real time since when or before which a thread of it waits too long now. Others are in no hurry."""
    now, clock = runtime.clock.now(), runtime.clock
    others, doubt = (clock.real_at(waits_too_long_since(now, each)) for each in hours)
    return {**dict.fromkeys(DOUBTS, doubt), **dict.fromkeys(OTHERS, others)}


def count_waiting(session: Session, group_id: int) -> dict[str, int]:
    """How many threads wait, by why (``RANKS``); ``COUNTED + 1`` means more than ``COUNTED``."""
    found = {why: _count(session, group_id, rank) for rank, why in RANKS.items()}
    return {why: count for why, count in found.items() if count}


def count_late(session: Session, runtime: Runtime, group_id: int) -> dict[str, int]:
    """The same, of those that have waited too long."""
    late = late_before(runtime, hours_of(session, group_id))
    found = {RANKS[rank]: _count(session, group_id, rank, to=to) for rank, to in late.items()}
    return {why: count for why, count in found.items() if count}


def nudge_groups(runtime: Runtime) -> int:
    """A step of upkeep: note in the book, and in the log, what has come to wait too long; how many threads.

    Each is noted once, however often this runs: the group's row remembers up to when it was looked at.
    """
    with runtime.db.snapshot() as session:
        groups = session.execute(select(Group.id).order_by(Group.id)).scalars().all()
        due = [group_id for group_id in groups if _fresh(session, runtime, group_id)]
    noted = 0
    for group_id in due:
        with runtime.db.transaction() as tx:
            in_turn(tx, group_id)
            fresh, row = _fresh(tx, runtime, group_id), _row(tx, group_id)
            late = late_before(runtime, Hours(row.hours, row.hours_of_doubt))
            row.doubts_nudged_to = _later(row.doubts_nudged_to, late[PERHAPS_OPTED_OUT])
            row.nudged_to = _later(row.nudged_to, late[TO_READ])
            if fresh:
                record_audit(
                    tx, group_id=group_id, actor="upkeep", action="inbox_waits", subject=f"group:{group_id}",
                    at=runtime.clock.real_now(), **fresh,
                )  # fmt: skip
                log.warning("inbox_waits", group_id=group_id, **fresh)
        noted += sum(fresh.values())
    return noted


def _fresh(session: Session, runtime: Runtime, group_id: int) -> dict[str, int]:
    """How many threads have come to wait too long since the last look."""
    row = session.get(InboxSetting, group_id)
    late = late_before(runtime, Hours(row.hours, row.hours_of_doubt) if row else _default())
    seen = {True: row.doubts_nudged_to, False: row.nudged_to} if row else {True: None, False: None}
    found = {RANKS[rank]: _count(session, group_id, rank, seen[rank in DOUBTS], to) for rank, to in late.items()}
    return {why: count for why, count in found.items() if count}


def _count(
    session: Session, group_id: int, rank: int, after: datetime | None = None, to: datetime | None = None
) -> int:
    which: list[Any] = [Conversation.group_id == group_id, Conversation.rank == rank]
    if after is not None:
        which.append(Conversation.waits_since > after)
    if to is not None:
        which.append(Conversation.waits_since <= to)
    some = select(Conversation.id).where(*which).limit(COUNTED + 1).subquery()
    return session.execute(select(func.count()).select_from(some)).scalar_one()


def _later(seen: datetime | None, to: datetime) -> datetime:
    """Longer hours move the mark back, but not what was noted."""
    return to if seen is None else max(seen, to)


def _default() -> Hours:
    return Hours(table("inbox")["nudge"]["hours"], table("inbox")["nudge"]["doubt"])


def _row(tx: Transaction, group_id: int) -> InboxSetting:
    row = tx.get(InboxSetting, group_id)
    if row is None:
        hours = _default()
        row = InboxSetting(group_id=group_id, hours=hours.others, hours_of_doubt=hours.doubt)
        tx.add(row)
        tx.flush()
    return row
