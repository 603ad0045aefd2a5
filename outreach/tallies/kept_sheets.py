"""Sheets of large instances are counted beside the pages, by upkeep, and kept: no page waits for a million texts.

What somebody has looked at lately is counted again once its counters have changed, and for each sheet never more than a
twentieth of the time is spent on it. Where there are few texts a page counts by itself, and nothing is kept.
"""

from __future__ import annotations

import hashlib
import time
from datetime import datetime, timedelta
from typing import Any, Final

from sqlalchemy import bindparam, func, select, update
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Session

from outreach.core.clock import Clock
from outreach.core.runtime import Runtime
from outreach.escalations.models import Wave
from outreach.messaging.models import Message, Tally
from outreach.tallies.figures import as_document, from_document
from outreach.tallies.people_counts import Scope, count_rows
from outreach.tallies.periods import day_of, since_of
from outreach.tallies.sheet_models import TallySheet
from outreach.tallies.sheets import Sheet, count_sheet, make_sheet

FEW: Final = 50_000
"""Texts of an instance that a page may read through: less than 200 ms on both databases."""
WANTED_FOR: Final = timedelta(minutes=15)
SAY_AGAIN: Final = timedelta(minutes=1)
REST: Final = 20
"""A sheet rests this many times as long as it took to count."""
LEAST_REST: Final = timedelta(seconds=10)

_COUNTERS = (
    select(Tally.gate_id, Tally.name, Tally.count)
    .join(Wave, Wave.gate_id == Tally.gate_id)
    .where(Wave.group_id == bindparam("group"))
    .order_by(Tally.gate_id, Tally.name)
)


def is_small(session: Session) -> bool:
    """Whether a page may count by itself."""
    return int(session.execute(select(func.coalesce(func.max(Message.id), 0))).scalar_one()) <= FEW


def shown_sheet(session: Session, group_id: int, dimension: str, period: str, clock: Clock) -> Sheet:
    """What a page shows: counted now, or with people as they were counted last."""
    since = since_of(period, clock.now())
    if is_small(session):
        return count_sheet(session, group_id, dimension, since, clock)
    kept = session.get(TallySheet, (group_id, dimension, period))
    if kept is None or kept.document is None:
        return make_sheet(session, group_id, dimension, since, clock, None, None)
    counted = {key: from_document(figures) for key, figures in kept.document.items()}
    return make_sheet(session, group_id, dimension, since, clock, counted, kept.counted_at)


def want(runtime: Runtime, group_id: int, dimension: str, period: str) -> None:
    """Say that somebody looks at a sheet that only upkeep may count; once a minute is enough."""
    at = runtime.clock.real_now()
    with runtime.db.snapshot() as session:
        if is_small(session):
            return
        said = select(TallySheet.wanted_at).where(*_which(group_id, dimension, period))
        last = session.execute(said).scalar()
    if last is not None and last > at - SAY_AGAIN:
        return
    with runtime.db.transaction() as tx:
        insert = (sqlite if tx.is_sqlite else postgresql).insert(TallySheet)
        row = {"group_id": group_id, "dimension": dimension, "period": period, "wanted_at": at}
        tx.execute(
            insert.values(row).on_conflict_do_update(
                index_elements=["group_id", "dimension", "period"], set_={"wanted_at": at}
            )
        )


def recount(runtime: Runtime) -> int:
    """Count what is wanted and has changed, each in a snapshot of its own; how many sheets."""
    at = runtime.clock.real_now()
    with runtime.db.snapshot() as session:
        wanted = session.execute(select(TallySheet).where(TallySheet.wanted_at > at - WANTED_FOR)).scalars().all()
        marks = {group: mark_of(session, group, runtime.clock) for group in {row.group_id for row in wanted}}
    due = [row for row in wanted if row.mark != marks[row.group_id] and _rested(row, at)]
    for row in due:
        _count(runtime, row)
    return len(due)


def _rested(row: TallySheet, at: datetime) -> bool:
    if row.counted_at is None:
        return True
    return at - row.counted_at >= max(LEAST_REST, timedelta(milliseconds=REST * (row.took_ms or 0)))


def _count(runtime: Runtime, row: TallySheet) -> None:
    began = time.monotonic()
    with runtime.db.snapshot() as session:
        mark, at = mark_of(session, row.group_id, runtime.clock), runtime.clock.real_now()
        scope = Scope(row.group_id, since_of(row.period, runtime.clock.now()))
        counted = count_rows(session, scope, row.dimension, runtime.clock)
    took = round((time.monotonic() - began) * 1000)
    document: dict[str, Any] = {key: as_document(figures) for key, figures in counted.items()}
    kept = {"mark": mark, "counted_at": at, "took_ms": took, "document": document}
    with runtime.db.transaction() as tx:
        tx.execute(update(TallySheet).where(*_which(row.group_id, row.dimension, row.period)).values(kept))


def mark_of(session: Session, group_id: int, clock: Clock) -> str:
    """What changes with each fold that changes a group's counters, and each day, for periods move with the days."""
    rows = session.connection().execute(_COUNTERS, {"group": group_id}).all()
    told = f"{day_of(clock.now())} {[tuple(row) for row in rows]}"
    return hashlib.sha256(told.encode()).hexdigest()[:40]


def _which(group_id: int, dimension: str, period: str) -> tuple[Any, ...]:
    return TallySheet.group_id == group_id, TallySheet.dimension == dimension, TallySheet.period == period
