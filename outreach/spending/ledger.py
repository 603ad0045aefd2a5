"""Counting what was begun, and reading how much it comes to: exact at any moment, for a read takes what is folded and
what is not in one statement.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any, Literal

from sqlalchemy import BigInteger, bindparam, case, cast, delete, func, insert, select, union_all
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Session

from config import table
from outreach.core.db import Transaction
from outreach.core.hot import Hot
from outreach.core.runtime import Runtime
from outreach.spending.models import SpendCap, SpendDay, SpendEntry
from outreach.spending.prices import MICROS, Caps, Spent, local_day, minute_price, part_price

What = Literal["texts", "answers", "calls"]
CHUNK = 1_000

ENTRY = Hot(insert(SpendEntry))


def _month(of: type[SpendDay | SpendEntry]) -> Any:
    return select(of.day, of.micros).where(
        of.group_id == bindparam("group"), of.day >= bindparam("month"), of.day <= bindparam("day")
    )


_all: Any = union_all(_month(SpendDay), _month(SpendEntry)).subquery()
_today = func.sum(case((_all.c.day == bindparam("day"), _all.c.micros), else_=0))
SPENT = Hot(
    select(
        cast(func.coalesce(_today, 0), BigInteger).label("day"),
        cast(func.coalesce(func.sum(_all.c.micros), 0), BigInteger).label("month"),
    )
)
CAPS = Hot(select(SpendCap.day, SpendCap.month).where(SpendCap.group_id == bindparam("group")))
"""Made once: every slice asks them, and on SQLite all other writers wait for it."""


def charge_parts(tx: Transaction, group_id: int, what: What, parts: int, now: datetime) -> None:
    """So many parts of texts are on their way. ``now`` is domain time."""
    _charge(tx, group_id, what, parts, parts * part_price(), now)


def give_back_parts(tx: Transaction, group_id: int, what: What, parts: int, begun: datetime) -> None:
    """So many parts that were counted at ``begun`` (domain time) cost nothing: the carrier has not taken them."""
    _charge(tx, group_id, what, -parts, -parts * part_price(), begun)


def charge_minutes(tx: Transaction, group_id: int, minutes: int, now: datetime, *, inbound: bool = False) -> None:
    """So many minutes of a call have begun. ``now`` is domain time."""
    _charge(tx, group_id, "calls", minutes, minutes * minute_price(inbound=inbound), now)


def _charge(tx: Transaction, group_id: int, what: What, units: int, micros: int, now: datetime) -> None:
    if units:
        row = {"group_id": group_id, "day": local_day(now), "what": what, "units": units, "micros": micros}
        ENTRY.run(tx, row)


def spent(session: Session, group_id: int, now: datetime) -> Spent:
    """What a group has spent on this day and in this month so far (domain time)."""
    day = local_day(now)
    row = SPENT.first(session, {"group": group_id, "day": day, "month": day.replace(day=1)})
    return Spent(row.day, row.month)


def caps_of(session: Session, runtime: Runtime, group_id: int) -> Caps:
    """What was set for a group, else what the table says; in a rehearsal, which costs nothing, only what was set."""
    row = CAPS.first(session, {"group": group_id})
    if row is not None:
        return Caps(row.day, row.month)
    if runtime.settings.mode == "rehearsal":
        return Caps(None, None)
    usual = table("spend")["caps"]
    return Caps(round(usual["day"] * MICROS), round(usual["month"] * MICROS))


def by_kind(session: Session, group_id: int, now: datetime) -> dict[str, Spent]:
    """The same apart for texts, answers and calls; what nothing was spent for is missing."""
    day = local_day(now)
    month = day.replace(day=1)
    found: dict[str, Spent] = {}
    for of in (SpendDay, SpendEntry):
        today = func.sum(case((of.day == day, of.micros), else_=0))
        rows = select(of.what, today.label("day"), func.sum(of.micros).label("month")).where(
            of.group_id == group_id, of.day >= month, of.day <= day
        )
        for row in session.execute(rows.group_by(of.what)):
            before = found.get(row.what, Spent(0, 0))
            found[row.what] = Spent(before.day + int(row.day), before.month + int(row.month))
    return found


def fold_spend(runtime: Runtime) -> int:
    """A step of upkeep: add entries to their days; how many. Whoever deletes a row counts it, nobody else."""
    with runtime.db.transaction() as tx:
        some = select(SpendEntry.id).order_by(SpendEntry.id).limit(CHUNK).with_for_update(skip_locked=True)
        ids = tx.execute(some).scalars().all()
        if not ids:
            return 0
        gone = delete(SpendEntry).where(SpendEntry.id.in_(ids))
        entries = tx.execute(
            gone.returning(SpendEntry.group_id, SpendEntry.day, SpendEntry.what, SpendEntry.units, SpendEntry.micros)
        ).all()
        sums: dict[tuple[Any, ...], list[int]] = {}
        for one in entries:
            so_far = sums.setdefault((one.group_id, one.day, one.what), [0, 0])
            so_far[0] += one.units
            so_far[1] += one.micros
        insert_: Any = (sqlite if tx.is_sqlite else postgresql).insert(SpendDay)
        added = insert_.on_conflict_do_update(
            index_elements=["group_id", "day", "what"],
            set_={name: getattr(SpendDay, name) + insert_.excluded[name] for name in ("units", "micros")},
        )
        tx.connection().execute(
            added,
            [{"group_id": g, "day": day, "what": what, "units": units, "micros": micros}
             for (g, day, what), (units, micros) in sorted(sums.items())],
        )  # fmt: skip
    return len(entries)
