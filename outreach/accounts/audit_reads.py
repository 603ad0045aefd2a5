"""Reading the book of decisions: newest first, some at a time, of one person, action, day or subject."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from functools import cache
from typing import Any, Final

from sqlalchemy import ColumnElement, select
from sqlalchemy.orm import Session

from config import table
from outreach.accounts.audit import without_numbers
from outreach.accounts.models import AuditEvent
from outreach.core.clock import PHOENIX
from outreach.core.runtime import Runtime

TOGETHER: Final = 500
LAST_ID: Final = 2**63 - 1


@dataclass(frozen=True, slots=True)
class Sought:
    """What of the book is wanted; nothing said is everything. ``day``: the group's."""

    actor: str = ""
    action: str = ""
    subject: str = ""
    day: date | None = None


@cache
def sentences() -> dict[str, dict[str, str]]:
    """Action -> language -> what somebody did, from ``config/audit.toml`` (its sections only group)."""
    return {action: words for section in table("audit").values() for action, words in section.items()}


def sentence(action: str, language: str) -> str:
    """What an action is called; one that has no sentence any more stands for itself."""
    return sentences().get(action, {}).get(language, action)


def events_of(
    session: Session, group_id: int, sought: Sought, *, before: int = LAST_ID, most: int = TOGETHER
) -> Sequence[AuditEvent]:
    """Events before an id, newest first."""
    query = select(AuditEvent).where(*_wanted(group_id, sought), AuditEvent.id < before)
    return session.execute(query.order_by(AuditEvent.id.desc()).limit(most)).scalars().all()


def every_event(runtime: Runtime, group_id: int, sought: Sought, *, through: int = LAST_ID - 1) -> Iterator[AuditEvent]:
    """All of them up to an id, newest first, read some at a time."""
    before = through + 1
    while True:
        with runtime.db.snapshot() as session:
            some = events_of(session, group_id, sought, before=before)
        yield from some
        if len(some) < TOGETHER:
            return
        before = some[-1].id


def actors_of(session: Session, group_id: int) -> list[str]:
    """Everybody who stands in the book, by name."""
    found = select(AuditEvent.actor).where(AuditEvent.group_id == group_id).distinct()
    return sorted(session.execute(found).scalars())


def _wanted(group_id: int, sought: Sought) -> Iterator[ColumnElement[bool]]:
    yield AuditEvent.group_id == group_id
    for column, value in (
        (AuditEvent.actor, sought.actor), (AuditEvent.action, sought.action), (AuditEvent.subject, sought.subject),
    ):  # fmt: skip
        if value:
            yield column == value
    if sought.day is not None:
        begins = _midnight(sought.day)
        yield AuditEvent.at >= begins
        yield AuditEvent.at < _midnight(sought.day + timedelta(days=1))


def _midnight(day: date) -> datetime:
    return datetime.combine(day, time(), PHOENIX)


def as_json(event: AuditEvent) -> dict[str, Any]:
    """An event as commands and files have it. Older ones were noted before details were masked."""
    return {
        "id": event.id, "at": event.at.isoformat(timespec="seconds"), "who": event.actor, "action": event.action,
        "did": sentence(event.action, "en"), "subject": event.subject, "details": without_numbers(event.details),
    }  # fmt: skip
