"""Which promises their watchers should be reminded of now: soon due, due today, overdue. The rule is pure."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from typing import Final

from babel.dates import format_skeleton
from sqlalchemy import select
from sqlalchemy.orm import Session

from outreach.core.clock import PHOENIX
from outreach.officials.models import Official, Promise
from outreach.officials.promise_rules import SOON_DAYS, WAITED_FOR
from outreach.officials.promises import DUE_ON
from outreach.officials.reminder_sources import Due
from outreach.officials.roles import official_in

KIND: Final = "promise"
SOON, TODAY, OVERDUE = "soon", "today", "overdue"
OVERDUE_DAYS: Final = 3
"""So long after its day a reminder that it has passed still makes sense."""
OPENS: Final = time(9)


def step_of(due_on: date, today: date) -> tuple[str, date] | None:
    """The word of the reminder that makes sense on this day, and its first day; None: none does."""
    left = (due_on - today).days
    if left == 0:
        return TODAY, due_on
    if 0 < left <= SOON_DAYS:
        return SOON, due_on - timedelta(days=SOON_DAYS)
    if -OVERDUE_DAYS <= left < 0:
        return OVERDUE, due_on + timedelta(days=1)
    return None


def due_promises(session: Session, now: datetime) -> list[Due]:
    """What the members who watch over promises should hear now (domain time), of every group."""
    today = now.astimezone(PHOENIX).date()
    rows = session.execute(
        select(
            Promise.id, Promise.group_id, Promise.watcher_id, Promise.text, DUE_ON.label("due_on"), Official.name,
            Official.role,
        )
        .join(Official, Official.id == Promise.official_id)
        .where(Promise.watcher_id.is_not(None), Promise.state.in_(WAITED_FOR))
        .where(DUE_ON.between(today - timedelta(days=OVERDUE_DAYS), today + timedelta(days=SOON_DAYS)))
        .order_by(Promise.id)
    )  # fmt: skip
    found = []
    for row in rows:
        step = step_of(row.due_on, today)
        if step is None or row.watcher_id is None:
            continue
        word, first_day = step
        at = datetime.combine(first_day, OPENS, PHOENIX).astimezone(UTC)
        if at <= now:
            values = {language: _values(row, language) for language in ("en", "es")}
            found.append(Due(row.group_id, KIND, row.id, f"{word} {row.due_on}", row.watcher_id, at, values))
    return found


def _values(row: object, language: str) -> dict[str, str]:
    name, role, due_on, text = (getattr(row, key) for key in ("name", "role", "due_on", "text"))
    return {
        "official": official_in(name, role, language, "text_name"),
        "what": text,
        "day": format_skeleton("MMMd", due_on, locale=language).rstrip("."),
    }
