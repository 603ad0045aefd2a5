"""Setting caps, and telling people how much of one is spent."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import structlog
from sqlalchemy import select
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Session

from outreach.accounts.audit import record_audit
from outreach.core.db import Transaction
from outreach.core.runtime import Runtime
from outreach.spending.ledger import caps_of, spent
from outreach.spending.models import SpendAlert, SpendCap
from outreach.spending.prices import MICROS, Caps, Crossed, crossed, is_reached, local_day, nearest

log = structlog.get_logger(__name__)

BY_ITSELF = "outreach"
"""Who decided, in the book, where it was the machine."""


def set_caps(tx: Transaction, runtime: Runtime, group_id: int, caps: Caps, *, by: str) -> None:
    """Say what a group may spend, in millionths; None: as much as it likes. What a cap has halted stays halted."""
    at = runtime.clock.real_now()
    before = caps_of(tx, runtime, group_id)
    row = {"day": caps.day, "month": caps.month, "changed_by": by[:120], "changed_at": at}
    insert: Any = (sqlite if tx.is_sqlite else postgresql).insert(SpendCap).values(group_id=group_id, **row)
    tx.execute(insert.on_conflict_do_update(index_elements=["group_id"], set_=row))
    if caps != before:
        record_audit(
            tx, group_id=group_id, actor=by, action="spend_caps", subject=f"groups:{group_id}", at=at,
            day=units(caps.day), month=units(caps.month), day_before=units(before.day),
            month_before=units(before.month),
        )  # fmt: skip


def units(micros: int | None) -> float | None:
    """Millionths as the currency's whole units."""
    return None if micros is None else micros / MICROS


def cap_is_reached(session: Session, runtime: Runtime, group_id: int) -> bool:
    """Whether a group may begin nothing more of its own now."""
    return is_reached(spent(session, group_id, runtime.clock.now()), caps_of(session, runtime, group_id))


def untold(session: Session, runtime: Runtime, group_id: int) -> list[Crossed]:
    """Each share of a cap that is reached, and of which nobody was told yet in its day or month."""
    now = runtime.clock.now()
    found = crossed(spent(session, group_id, now), caps_of(session, runtime, group_id), local_day(now))
    if not found:
        return []
    query = select(SpendAlert.period, SpendAlert.begins, SpendAlert.percent).where(SpendAlert.group_id == group_id)
    rows = session.execute(query.where(SpendAlert.begins >= local_day(now).replace(day=1)))
    told = {(row.period, row.begins, row.percent) for row in rows}
    return [one for one in found if (one.period, one.begins, one.percent) not in told]


def tell(tx: Transaction, runtime: Runtime, group_id: int, news: Sequence[Crossed]) -> None:
    """Note what ``untold`` has found: in the table, the book and the log. Of two at once, one does."""
    at = runtime.clock.real_now()
    insert: Any = (sqlite if tx.is_sqlite else postgresql).insert(SpendAlert)
    for one in news:
        row = insert.values(group_id=group_id, at=at, **one._asdict())
        if tx.execute(row.on_conflict_do_nothing().returning(SpendAlert.percent)).first() is None:
            continue
        record_audit(
            tx, group_id=group_id, actor=BY_ITSELF, action="spend_alert", subject=f"groups:{group_id}", at=at,
            period=one.period, percent=one.percent, spent=units(one.micros), cap=units(one.cap),
        )  # fmt: skip
        say = log.error if one.percent >= 100 else log.warning
        say("spend_alert", group_id=group_id, period=one.period, percent=one.percent, micros=one.micros, cap=one.cap)


def nearest_cap(session: Session, runtime: Runtime, group_id: int) -> Crossed | None:
    """The cap that holds a group back where anything does; None: it has none."""
    now = runtime.clock.now()
    return nearest(spent(session, group_id, now), caps_of(session, runtime, group_id), local_day(now))


def alerts_now(session: Session, runtime: Runtime, group_id: int) -> list[Crossed]:
    """The highest share that is reached of each cap as it is now: one that was raised is told of no more."""
    now = runtime.clock.now()
    found = crossed(spent(session, group_id, now), caps_of(session, runtime, group_id), local_day(now))
    return list({one.period: one for one in found}.values())


def alerts_told(session: Session, group_id: int, most: int = 20) -> list[Any]:
    """What was told of lately, newest first."""
    query = (
        select(SpendAlert)
        .where(SpendAlert.group_id == group_id)
        .order_by(SpendAlert.at.desc(), SpendAlert.percent.desc())
    )
    return list(session.execute(query.limit(most)).scalars())
