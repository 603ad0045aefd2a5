"""Promises of officials: who must approve them, who watches over them, and what became of them."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, timedelta
from typing import Any, Final, NamedTuple

from sqlalchemy import ColumnElement, and_, func, select
from sqlalchemy.orm import Session

from outreach.accounts.audit import record_audit
from outreach.core.clock import PHOENIX
from outreach.core.db import Transaction
from outreach.core.errors import BadInputError, ConflictError, NotFoundError
from outreach.core.runtime import Runtime
from outreach.officials.meetings import CONTACT_LENGTH
from outreach.officials.models import Meeting, Official, Promise
from outreach.officials.promise_models import PromiseEvent
from outreach.officials.promise_rules import (
    BROKEN,
    EXTENDED,
    UNDONE,
    WAITED_FOR,
    Entry,
    Standing,
    check_next,
    standing,
    urgency,
)

TEXT_LENGTH: Final = 500
STEPS_LENGTH: Final = 4_000
WORDS_LENGTH: Final = 2_000
DUE_ON: Final = func.coalesce(Promise.extended_to, Promise.due_on)
"""The day by which a promise is due now, for a query."""


class Details(NamedTuple):
    """What is known of a promise beside what becomes of it. ``watcher_id``: a member, whom the caller has checked."""

    text: str
    due_on: date | None = None
    staff_contact: str | None = None
    approver: str | None = None
    steps: str | None = None
    watcher_id: int | None = None


class Heard(NamedTuple):
    """What somebody told us of a promise: kept, broken, or extended to a new day; when, and who said so."""

    kind: str
    said_on: date
    said_by: str = ""
    words: str = ""
    new_day: date | None = None


class Row(NamedTuple):
    """A promise in a list."""

    id: int
    text: str
    state: str
    due_on: date | None
    approver: str | None
    staff_contact: str | None
    watcher_id: int | None
    meeting_id: int
    held_on: date
    official_id: int
    official: str
    role: str


def due_of(promise: Promise) -> date | None:
    """The day by which it is due now."""
    return promise.extended_to or promise.due_on


def get_promise(session: Session, group_id: int, promise_id: int) -> Promise:
    """A promise to this group. Raises NotFoundError."""
    found = session.get(Promise, promise_id)
    if found is None or found.group_id != group_id:
        raise NotFoundError("promise_unknown")
    return found


def history(session: Session, promise_id: int) -> list[PromiseEvent]:
    """What was heard of it, oldest first."""
    query = select(PromiseEvent).where(PromiseEvent.promise_id == promise_id).order_by(PromiseEvent.id)
    return list(session.execute(query).scalars())


def standing_of(promise: Promise, entries: Sequence[PromiseEvent]) -> Standing:
    """Where its entries leave it."""
    return standing(promise.due_on, [Entry(one.id, one.kind, one.new_day, one.undoes_id) for one in entries])


def promises_of(session: Session, group_id: int, today: date, *, only_overdue: bool = False) -> list[Row]:
    """All promises of a group: overdue first, then those due soon, by official; settled ones last."""
    query = (
        select(
            Promise.id, Promise.text, Promise.state, DUE_ON.label("due_on"), Promise.approver, Promise.staff_contact,
            Promise.watcher_id, Promise.meeting_id, Meeting.held_on, Promise.official_id, Official.name, Official.role,
        )
        .join(Official, Official.id == Promise.official_id)
        .join(Meeting, Meeting.id == Promise.meeting_id)
        .where(Promise.group_id == group_id)
    )  # fmt: skip
    if only_overdue:
        query = query.where(is_overdue(today))
    rows = [Row._make(row) for row in session.execute(query)]
    return sorted(
        rows,
        key=lambda row: (
            urgency(row.state, row.due_on, today), row.due_on or date.max, row.official.casefold(), row.id,
        ),
    )  # fmt: skip


def is_overdue(today: date) -> ColumnElement[bool]:
    """Whether a promise's day has passed on this day of the group's, and it is still waited for; for a query."""
    return and_(Promise.state.in_(WAITED_FOR), today - timedelta(days=1) >= DUE_ON)


def add_promise(
    tx: Transaction, runtime: Runtime, group_id: int, meeting_id: int, details: Details, *, by: str
) -> Promise:
    """A promise that was made in a meeting, or after it. Raises NotFoundError meeting_unknown, BadInputError."""
    meeting = tx.get(Meeting, meeting_id)
    if meeting is None or meeting.group_id != group_id:
        raise NotFoundError("meeting_unknown")
    details = _checked(details)
    promise = Promise(
        group_id=group_id, official_id=meeting.official_id, meeting_id=meeting_id, created_at=runtime.clock.now(),
        **details._asdict(),
    )  # fmt: skip
    tx.add(promise)
    tx.flush()
    _note(tx, runtime, promise, by, "promise_added")
    return promise


def change_promise(
    tx: Transaction, runtime: Runtime, group_id: int, promise_id: int, details: Details, *, by: str
) -> Promise:
    """Describe a promise anew; what became of it stays. Raises NotFoundError, BadInputError."""
    promise, given = _locked(tx, group_id, promise_id), _checked(details)._asdict()
    changed = {name: value for name, value in given.items() if getattr(promise, name) != value}
    if changed:
        was = str(promise.due_on) if "due_on" in changed else None
        _note(tx, runtime, promise, by, "promise_changed", fields=sorted(changed), was_due_on=was)
    for name, value in changed.items():
        setattr(promise, name, value)
    return promise


def hear(
    tx: Transaction, runtime: Runtime, group_id: int, promise_id: int, heard: Heard, *, seen: int, by: str
) -> Promise:
    """Note that it was kept, broken or extended. ``seen``: the last entry that whoever says so knew of; 0: none.

    The same again changes nothing. Raises NotFoundError, BadInputError, ConflictError promise_state for what cannot
    follow, promise_changed where somebody else has noted something since.
    """
    promise = _locked(tx, group_id, promise_id)
    heard = _checked_heard(heard, runtime)
    entries = history(tx, promise_id)
    if (entries[-1].id if entries else 0) != seen:
        if entries and _is_same(entries[-1], heard, by):
            return promise
        raise ConflictError("promise_changed")
    check_next(standing_of(promise, entries), heard.kind, heard.new_day)
    _append(tx, runtime, promise, entries, PromiseEvent(**heard._asdict()), by)
    return promise


def undo(tx: Transaction, runtime: Runtime, group_id: int, promise_id: int, *, seen: int, by: str) -> Promise:
    """Take back the last entry that counts, by a further one. Raises as ``hear``; ConflictError where there is none."""
    promise = _locked(tx, group_id, promise_id)
    entries = history(tx, promise_id)
    if (entries[-1].id if entries else 0) != seen:
        if entries and entries[-1].kind == UNDONE and entries[-1].recorded_by == by:
            return promise
        raise ConflictError("promise_changed")
    last = standing_of(promise, entries).entry_id
    if last is None:
        raise ConflictError("promise_nothing_to_undo")
    entry = PromiseEvent(kind=UNDONE, said_on=runtime.clock.now().astimezone(PHOENIX).date(), undoes_id=last)
    _append(tx, runtime, promise, entries, entry, by)
    return promise


def leave_promises(tx: Transaction, constituent_ids: Sequence[int]) -> None:
    """Nobody of these watches over a promise any more."""
    for promise in tx.execute(select(Promise).where(Promise.watcher_id.in_(constituent_ids))).scalars():
        promise.watcher_id = None
    tx.flush()


def watched_by(session: Session, group_id: int, constituent_id: int) -> list[Any]:
    """What somebody watches over: rows of text, state and due day."""
    query = select(Promise.text, Promise.state, DUE_ON.label("due_on")).where(
        Promise.group_id == group_id, Promise.watcher_id == constituent_id
    )
    return list(session.execute(query.order_by(Promise.id)).all())


def _locked(tx: Transaction, group_id: int, promise_id: int) -> Promise:
    found = tx.execute(
        select(Promise)
        .where(Promise.id == promise_id, Promise.group_id == group_id)
        .with_for_update(key_share=True)
        .execution_options(populate_existing=True)
    ).scalar()
    if found is None:
        raise NotFoundError("promise_unknown")
    return found


def _append(
    tx: Transaction, runtime: Runtime, promise: Promise, entries: list[PromiseEvent], entry: PromiseEvent, by: str
) -> None:
    entry.group_id, entry.promise_id = promise.group_id, promise.id
    entry.recorded_by, entry.created_at = by[:120], runtime.clock.now()
    tx.add(entry)
    tx.flush()
    now = standing_of(promise, [*entries, entry])
    promise.state = now.state
    promise.extended_to = now.due_on if now.due_on != promise.due_on else None
    tx.flush()
    _note(tx, runtime, promise, by, f"promise_{entry.kind}")


def _note(tx: Transaction, runtime: Runtime, promise: Promise, by: str, action: str, **details: object) -> None:
    record_audit(
        tx, group_id=promise.group_id, actor=by, action=action, subject=f"promise:{promise.id}",
        at=runtime.clock.real_now(), **details,
    )  # fmt: skip


def _checked(details: Details) -> Details:
    texts = {name: (getattr(details, name) or "").strip() for name in ("text", "staff_contact", "approver", "steps")}
    if not texts["text"]:
        raise BadInputError("promise_blank")
    most = {"text": TEXT_LENGTH, "staff_contact": CONTACT_LENGTH, "approver": CONTACT_LENGTH, "steps": STEPS_LENGTH}
    for name, value in texts.items():
        if len(value) > most[name]:
            raise BadInputError("official_field_long", field=name.replace("_", " "), most=most[name])
    return Details(
        texts["text"], details.due_on, texts["staff_contact"] or None, texts["approver"] or None,
        texts["steps"] or None, details.watcher_id,
    )  # fmt: skip


def _checked_heard(heard: Heard, runtime: Runtime) -> Heard:
    """A day of grace, as for meetings: where it was heard the date may be one ahead of UTC's."""
    heard = heard._replace(said_by=heard.said_by.strip(), words=heard.words.strip())
    if (heard.said_on - runtime.clock.now().date()).days > 1:
        raise BadInputError("promise_said_in_future")
    if heard.kind in {BROKEN, EXTENDED} and not heard.words:
        raise BadInputError("promise_words_blank")
    for name, most in (("said_by", CONTACT_LENGTH), ("words", WORDS_LENGTH)):
        if len(getattr(heard, name)) > most:
            raise BadInputError("official_field_long", field=name.replace("_", " "), most=most)
    return heard


def _is_same(entry: PromiseEvent, heard: Heard, by: str) -> bool:
    """Whether this very thing was noted a moment ago: somebody pressed twice."""
    said = Heard(entry.kind, entry.said_on, entry.said_by, entry.words, entry.new_day)
    return said == heard and entry.recorded_by == by[:120]
