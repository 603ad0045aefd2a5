"""Alarms: raised by the checks, shown to whoever runs the site, closed by a person and never by themselves."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, Final, NamedTuple

import structlog
from sqlalchemy import func, select, update
from sqlalchemy.orm import Session

from outreach.accounts.audit import record_audit
from outreach.core.db import Transaction
from outreach.core.errors import NotFoundError
from outreach.watch.models import Alarm

log = structlog.get_logger(__name__)

SHOWN: Final = 50
KINDS: Final = (
    "states_counted", "recipients", "replies_counted", "two_attempts", "two_texts", "waits_after_stop",
    "posted_after_stop",
)  # fmt: skip
"""What the checks look for (``checks``)."""


class Finding(NamedTuple):
    """A difference. ``subject``: table:id; ``details``: counts and ids of ours."""

    kind: str
    subject: str
    group_id: int | None
    details: Mapping[str, int | str]


def raise_alarms(tx: Transaction, found: Sequence[Finding], at: datetime) -> int:
    """Keep what was found; how many of it are new. One that is open already is noted as seen again. ``at``: real."""
    fresh = 0
    for one in found:
        known = tx.execute(
            update(Alarm)
            .where(Alarm.kind == one.kind, Alarm.subject == one.subject, Alarm.closed_at.is_(None))
            .values(seen_at=at, times=Alarm.times + 1, details=dict(one.details))
            .returning(Alarm.id)
        ).scalar()
        if known is not None:
            continue
        alarm = Alarm(
            kind=one.kind, subject=one.subject, group_id=one.group_id, details=dict(one.details), found_at=at,
            seen_at=at, times=1,
        )  # fmt: skip
        tx.add(alarm)
        tx.flush()
        fresh += 1
        log.error("books_disagree", alarm=one.kind, alarm_id=alarm.id, subject=one.subject, **one.details)
    return fresh


def close_alarm(tx: Transaction, alarm_id: int, *, group_id: int, by: str, at: datetime) -> None:
    """Somebody has looked at it; found again, it is a new one. ``at``: real. Raises NotFoundError when none is open."""
    closed = (
        update(Alarm)
        .where(Alarm.id == alarm_id, Alarm.closed_at.is_(None))
        .values(closed_at=at, closed_by=by[:120])
        .returning(Alarm.kind)
    )
    kind = tx.execute(closed).scalar()
    if kind is None:
        raise NotFoundError("alarm_unknown")
    record_audit(
        tx, group_id=group_id, actor=by, action="alarm_closed", subject=f"alarm:{alarm_id}", at=at, kind=kind
    )  # fmt: skip


def open_alarms(session: Session, group_id: int | None = None) -> list[Alarm]:
    """The newest that are open; of one group, or all of them."""
    chosen = select(Alarm).where(Alarm.closed_at.is_(None)).order_by(Alarm.id.desc()).limit(SHOWN)
    if group_id is not None:
        chosen = chosen.where(Alarm.group_id == group_id)
    return list(session.execute(chosen).scalars())


def count_alarms(session: Session) -> dict[str, int]:
    """How many are open, by kind."""
    rows: Any = session.execute(select(Alarm.kind, func.count()).where(Alarm.closed_at.is_(None)).group_by(Alarm.kind))
    return dict(rows.all())
