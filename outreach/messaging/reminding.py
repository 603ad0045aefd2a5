"""What makes sense to remind members of now, and what a slice must know of a reminder that is about to go out."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any, Final, NamedTuple

from sqlalchemy import bindparam, select, update
from sqlalchemy.orm import Session

from outreach.core.db import Transaction
from outreach.messaging.reminder_models import Reminder
from outreach.officials.promise_reminders import due_promises
from outreach.officials.reminder_sources import Due, due_plan_reminders
from outreach.people.models import ContactList, ListMembership

_reminder: Any = Reminder.__table__
OF_TEXTS = select(
    Reminder.message_id, Reminder.kind, Reminder.subject_id, Reminder.constituent_id, Reminder.step
).where(Reminder.message_id.in_(bindparam("ids", expanding=True)))
WAIT_AGAIN = (
    update(_reminder)
    .where(_reminder.c.message_id == bindparam("its_message"))
    .values(state="waiting", message_id=None, due_at=bindparam("due", type_=_reminder.c.due_at.type))
)


class Key(NamedTuple):
    """What is said to whom, once."""

    kind: str
    subject_id: int
    constituent_id: int
    step: str


Source = Callable[[Session, datetime], Sequence[Due]]
SOURCES: Final[tuple[Source, ...]] = (due_promises, due_plan_reminders)
"""Each gives what makes sense at a domain time, in every group: a short list, by an index."""


def key_of(one: Any) -> Key:
    """The key of a reminder, or of its row."""
    return Key(one.kind, one.subject_id, one.constituent_id, one.step)


def due_now(session: Session, now: datetime) -> dict[Key, Due]:
    """What makes sense to remind somebody of who is one of the group's members."""
    due = [one for source in SOURCES for one in source(session, now)]
    members = _members(session, {one.constituent_id for one in due})
    return {key_of(one): one for one in due if (one.constituent_id, one.group_id) in members}


def needless_reminders(tx: Transaction, message_ids: Sequence[int], now: datetime) -> set[int]:
    """Which of these texts remind somebody of what is settled, or is not theirs any more."""
    if not message_ids:
        return set()
    due = due_now(tx, now)
    rows = tx.connection().execute(OF_TEXTS, {"ids": list(message_ids)})
    return set(message_ids) - {row.message_id for row in rows if key_of(row) in due}


def wait_again(tx: Transaction, due: Mapping[int, datetime]) -> None:
    """Let the reminders of these texts wait until then (domain time); the texts themselves are canceled."""
    if due:
        rows = [{"its_message": message_id, "due": at} for message_id, at in due.items()]
        tx.connection().execute(WAIT_AGAIN, rows)


def _members(session: Session, constituent_ids: Iterable[int]) -> set[tuple[int, int]]:
    """(person, group) of those who are in a members' list."""
    wanted = sorted(constituent_ids)
    if not wanted:
        return set()
    query = (
        select(ListMembership.constituent_id, ContactList.group_id)
        .join(ContactList, ContactList.id == ListMembership.list_id)
        .where(ListMembership.constituent_id.in_(wanted), ContactList.is_members)
    )
    return {(row.constituent_id, row.group_id) for row in session.execute(query)}
