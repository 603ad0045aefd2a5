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
from outreach.tallies.periods import ALL, day_of, since_of
from outreach.tallies.sheet_models import TallySheet
from outreach.tallies.sheets import Sheet, count_sheet, make_sheet
from outreach.tallies.week import Reached, Week, count_reached, weeks

FEW: Final = 50_000
"""Texts of an instance that a page may read through: less than 200 ms on both databases."""
WANTED_FOR: Final = timedelta(minutes=15)
SAY_AGAIN: Final = timedelta(minutes=1)
WEEK_LINE, WEEK = "week_line", "week"
"""What is kept of officials' weeks stands beside the sheets."""
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
    kept = _kept(session, group_id, dimension, period, clock)
    if kept is None:
        return make_sheet(session, group_id, dimension, since, clock, None, None)
    counted = {key: from_document(figures) for key, figures in (kept.document or {}).items()}
    return make_sheet(session, group_id, dimension, since, clock, counted, kept.counted_at)


def _kept(session: Session, group_id: int, dimension: str, period: str, clock: Clock) -> TallySheet | None:
    """What was counted last; of a period only what was counted today, for it moves with the days."""
    kept = session.get(TallySheet, (group_id, dimension, period))
    if kept is None or kept.document is None or kept.counted_at is None:
        return None
    today = day_of(clock.at(kept.counted_at.timestamp())) == day_of(clock.now())
    return kept if period == ALL or today else None


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
        document = _document(session, row, runtime.clock)
    took = round((time.monotonic() - began) * 1000)
    kept = {"mark": mark, "counted_at": at, "took_ms": took, "document": document}
    with runtime.db.transaction() as tx:
        tx.execute(update(TallySheet).where(*_which(row.group_id, row.dimension, row.period)).values(kept))


def _document(session: Session, row: TallySheet, clock: Clock) -> dict[str, Any]:
    if row.dimension == WEEK_LINE:
        reached = count_reached(session, row.group_id, clock)
        return {str(official): [one.callers, one.others, one.neighbors] for official, one in reached.items()}
    scope = Scope(row.group_id, since_of(row.period, clock.now()))
    counted = count_rows(session, scope, row.dimension, clock)
    return {key: as_document(figures) for key, figures in counted.items()}


def shown_weeks(runtime: Runtime, group_id: int, official_id: int | None = None) -> list[Week]:
    """The week of one official or of all of whom there is news; who got through is counted now, or was lately."""
    want(runtime, group_id, WEEK_LINE, WEEK)
    with runtime.db.snapshot() as session:
        if is_small(session):
            reached = count_reached(session, group_id, runtime.clock)
        else:
            kept = _kept(session, group_id, WEEK_LINE, WEEK, runtime.clock)
            document = (kept.document if kept else None) or {}
            reached = {int(official): Reached(*counts) for official, counts in document.items()}
        return weeks(session, group_id, runtime.clock, reached, official_id)


def mark_of(session: Session, group_id: int, clock: Clock) -> str:
    """What changes with each fold that changes a group's counters, and each day, for periods move with the days."""
    rows = session.connection().execute(_COUNTERS, {"group": group_id}).all()
    told = f"{day_of(clock.now())} {[tuple(row) for row in rows]}"
    return hashlib.sha256(told.encode()).hexdigest()[:40]


def _which(group_id: int, dimension: str, period: str) -> tuple[Any, ...]:
    return TallySheet.group_id == group_id, TallySheet.dimension == dimension, TallySheet.period == period
