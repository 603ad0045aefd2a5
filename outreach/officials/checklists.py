"""Checklists: what is done before a meeting, and after one that brought a commitment.

Their items come out of ``config/meeting_checklist.toml``, each due so many days from the meeting; a group adds its own.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, timedelta
from typing import Final, Literal, NamedTuple

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from config import table
from outreach.accounts.audit import record_audit
from outreach.core.db import Transaction
from outreach.core.errors import BadInputError, ConflictError, NotFoundError
from outreach.core.runtime import Runtime
from outreach.officials.plan_models import ChecklistItem

WORDS_LENGTH: Final = 300
MOST: Final = 60
"""Items of one checklist."""
Kind = Literal["before", "commitment"]


class Progress(NamedTuple):
    """How far a checklist is. ``late``: not done, and its day has passed."""

    done: int
    total: int
    late: int


def due_day(days: int, meeting_day: date, today: date) -> date:
    """When an item is due that should be done so many days after a meeting (before it with a minus). Pure.

    What should have been done already when the meeting was agreed is due today, and nothing later than the meeting.
    """
    day = meeting_day + timedelta(days=days)
    return day if days > 0 else min(meeting_day, max(day, today))


def progress(items: Sequence[ChecklistItem], today: date) -> Progress:
    """Pure."""
    late = sum(item.done_at is None and item.due_on is not None and item.due_on < today for item in items)
    return Progress(sum(item.done_at is not None for item in items), len(items), late)


def words_of(item: ChecklistItem, language: str) -> str:
    """What there is to do. A key that the table knows no longer stands for itself."""
    if item.words is not None:
        return item.words
    return str(_known().get(item.key or "", {}).get(language, item.key))


def why_of(item: ChecklistItem, language: str) -> str:
    """Why, for somebody who does it for the first time; empty for a group's own items."""
    return str(_known().get(item.key or "", {}).get("why", {}).get(language, ""))


def open_before(tx: Transaction, runtime: Runtime, group_id: int, plan_id: int) -> None:
    """The checklist of a new plan; nothing is due before the meeting has a day."""
    now = runtime.clock.now()
    tx.add_all(
        ChecklistItem(group_id=group_id, plan_id=plan_id, key=row["key"], due_by_hand=False, created_at=now)
        for row in table("meeting_checklist")["before"]
    )


def open_commitment(tx: Transaction, runtime: Runtime, group_id: int, meeting_id: int, held_on: date) -> None:
    """The checklist of a meeting in which they committed."""
    now = runtime.clock.now()
    tx.add_all(
        ChecklistItem(
            group_id=group_id, meeting_id=meeting_id, key=row["key"], due_by_hand=False, created_at=now,
            due_on=held_on + timedelta(days=row["days"]),
        )
        for row in table("meeting_checklist")["commitment"]
    )  # fmt: skip


def reschedule(tx: Transaction, plan_id: int, meeting_day: date | None, today: date) -> None:
    """The meeting has another day, or none: what nobody gave a day of its own, and is not done, moves with it."""
    days = {row["key"]: row["days"] for row in table("meeting_checklist")["before"]}
    query = select(ChecklistItem).where(
        ChecklistItem.plan_id == plan_id, ChecklistItem.done_at.is_(None), ~ChecklistItem.due_by_hand
    )
    for item in tx.execute(query).scalars():
        known = meeting_day is not None and item.key in days
        item.due_on = due_day(days[item.key or ""], meeting_day, today) if known and meeting_day else None


def items_of(
    session: Session, group_id: int, *, plan_id: int | None = None, meeting_id: int | None = None
) -> list[ChecklistItem]:
    """The items of a plan or of a meeting: in the order of their days, then as they were made."""
    of = ChecklistItem.plan_id == plan_id if plan_id is not None else ChecklistItem.meeting_id == meeting_id
    rows = session.execute(select(ChecklistItem).where(ChecklistItem.group_id == group_id, of)).scalars()
    return sorted(rows, key=lambda item: (item.due_on or date.max, item.id))


def get_item(session: Session, group_id: int, item_id: int, *, lock: bool = False) -> ChecklistItem:
    """An item of this group. Raises NotFoundError."""
    query = select(ChecklistItem).where(ChecklistItem.id == item_id, ChecklistItem.group_id == group_id)
    item = session.execute(query.with_for_update() if lock else query).scalar()
    if item is None:
        raise NotFoundError("checklist_item_unknown")
    return item


def add_item(
    tx: Transaction, runtime: Runtime, group_id: int, words: str, *, plan_id: int | None = None,
    meeting_id: int | None = None, due_on: date | None = None,
) -> ChecklistItem:  # fmt: skip
    """An item of the group's own; the same words again are the item that is there.

    Raises BadInputError (checklist_words, checklist_many). The caller has looked whether the plan is the group's.
    """
    words = checked_words(words)
    there = items_of(tx, group_id, plan_id=plan_id, meeting_id=meeting_id)
    for item in there:
        if item.words == words and item.done_at is None:
            return item
    if len(there) >= MOST:
        raise BadInputError("checklist_many", most=MOST)
    item = ChecklistItem(
        group_id=group_id, plan_id=plan_id, meeting_id=meeting_id, words=words, due_on=due_on,
        due_by_hand=due_on is not None, created_at=runtime.clock.now(),
    )  # fmt: skip
    tx.add(item)
    tx.flush()
    record_audit(tx, group_id=group_id, action="item_added", subject=f"checklist_item:{item.id}")
    return item


def change_item(
    tx: Transaction, group_id: int, item_id: int, *, due_on: date | None, constituent_id: int | None = None,
    user_id: int | None = None, words: str | None = None,
) -> None:  # fmt: skip
    """Who does an item, a member or somebody who signs in, and by when; of an item of the group's own also its words.

    Raises NotFoundError, BadInputError (checklist_two_people, checklist_words).
    """
    item = get_item(tx, group_id, item_id, lock=True)
    if constituent_id is not None and user_id is not None:
        raise BadInputError("checklist_two_people")
    if item.key is None and words is not None:
        item.words = checked_words(words)
    if due_on != item.due_on:
        item.due_on, item.due_by_hand = due_on, due_on is not None
    item.constituent_id, item.user_id = constituent_id, user_id
    record_audit(tx, group_id=group_id, action="item_changed", subject=f"checklist_item:{item_id}")


def tick_item(tx: Transaction, runtime: Runtime, group_id: int, item_id: int, *, done: bool, by: str) -> ChecklistItem:
    """Done, or not after all. Who ticked it first stays. Raises NotFoundError."""
    item = get_item(tx, group_id, item_id, lock=True)
    if done != (item.done_at is not None):
        record_audit(
            tx, group_id=group_id, action="item_ticked", subject=f"checklist_item:{item_id}", actor=by, done=done
        )
    if not done:
        item.done_at = item.done_by = None
    elif item.done_at is None:
        item.done_at, item.done_by = runtime.clock.now(), by
    return item


def remove_item(tx: Transaction, group_id: int, item_id: int) -> ChecklistItem:
    """Take an item of the group's own away. Raises NotFoundError, and ConflictError for one of the guide's."""
    item = get_item(tx, group_id, item_id, lock=True)
    if item.key is not None:
        raise ConflictError("checklist_item_stays")
    tx.delete(item)
    record_audit(tx, group_id=group_id, action="item_removed", subject=f"checklist_item:{item_id}")
    return item


def leave_items(tx: Transaction, ids: Sequence[int]) -> None:
    """These people do nothing any more."""
    tx.execute(update(ChecklistItem).where(ChecklistItem.constituent_id.in_(ids)).values(constituent_id=None))


def checked_words(words: str) -> str:
    """Without spare white space. Raises BadInputError."""
    words = " ".join(words.split())
    if not 1 <= len(words) <= WORDS_LENGTH:
        raise BadInputError("checklist_words", most=WORDS_LENGTH)
    return words


def _known() -> dict[str, dict[str, dict[str, str]]]:
    rows = table("meeting_checklist")
    return {row["key"]: row for kind in ("before", "commitment") for row in rows[kind]}
