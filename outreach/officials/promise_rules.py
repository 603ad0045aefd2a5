"""What a promise is by now: open, kept, broken or extended, out of what was heard of it. Pure.

Entries are a stack: an ``undone`` takes the last one off that still counts, and nothing is ever overwritten.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, timedelta
from typing import Final, NamedTuple

from outreach.core.errors import BadInputError, ConflictError

OPEN, KEPT, BROKEN, EXTENDED, UNDONE = "open", "kept", "broken", "extended", "undone"
STATES: Final = (OPEN, EXTENDED, KEPT, BROKEN)
WAITED_FOR: Final = (OPEN, EXTENDED)
"""States of a promise that somebody still waits for."""
MAY_FOLLOW: Final = {
    OPEN: (KEPT, BROKEN, EXTENDED),
    EXTENDED: (KEPT, BROKEN, EXTENDED),
    BROKEN: (KEPT, EXTENDED),  # late, or promised anew
    KEPT: (BROKEN,),  # they took it back
}
"""State -> what can be heard next."""
SOON_DAYS: Final = 3
"""So many days before its day a promise is due soon."""


class Entry(NamedTuple):
    """What was heard: kept, broken, extended (with its new day) or undone (with the entry that it takes back)."""

    id: int
    kind: str
    new_day: date | None = None
    undoes_id: int | None = None


class Standing(NamedTuple):
    """Where a promise stands. ``entry_id``: the entry that made it so, and that can be taken back; None: none did."""

    state: str
    due_on: date | None
    entry_id: int | None


def standing(first_day: date | None, entries: Sequence[Entry]) -> Standing:
    """Where these entries, oldest first, leave a promise that was due on ``first_day``."""
    count: list[Entry] = []
    for entry in entries:
        if entry.kind != UNDONE:
            count.append(entry)
        elif count and count[-1].id == entry.undoes_id:
            count.pop()
    days = [entry.new_day for entry in count if entry.kind == EXTENDED]
    last = count[-1] if count else None
    return Standing(last.kind if last else OPEN, days[-1] if days else first_day, last.id if last else None)


def check_next(now: Standing, kind: str, new_day: date | None) -> None:
    """Whether this can be heard next. Raises ConflictError promise_state, BadInputError for the day."""
    if kind not in MAY_FOLLOW[now.state]:
        raise ConflictError("promise_state", state=now.state)
    if kind != EXTENDED:
        if new_day is not None:
            raise BadInputError("promise_day_needless")
        return
    if new_day is None:
        raise BadInputError("promise_day_missing")
    if now.due_on is not None and new_day <= now.due_on:
        raise BadInputError("promise_day_early")


def days_overdue(state: str, due_on: date | None, today: date) -> int:
    """How many days the day of a promise that is waited for has passed; 0 where it has not."""
    return max(0, (today - due_on).days) if due_on is not None and state in WAITED_FOR else 0


def urgency(state: str, due_on: date | None, today: date) -> int:
    """The order of a list: overdue 0, due soon 1, waited for 2, settled 3."""
    if state not in WAITED_FOR:
        return 3
    if due_on is None or due_on > today + timedelta(days=SOON_DAYS):
        return 2
    return 0 if due_on < today else 1
