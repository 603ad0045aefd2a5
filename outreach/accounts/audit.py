"""The book of decisions: append-only, one row for each thing that a person decided for somebody else.

The database itself refuses to change or delete a row. What each action is called stands in ``config/audit.toml``.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final

from sqlalchemy import select

from outreach.accounts.acting import actor as whoever_acts
from outreach.accounts.models import AuditEvent, Group
from outreach.core.clock import Clock
from outreach.core.db import Transaction
from outreach.core.logs import masked

DAY_OR_TIME: Final = re.compile(r"\d{4}-\d\d-\d\d(T\d\d:\d\d(:\d\d(\.\d+)?)?([+-]\d\d:\d\d)?)?")


def record_audit(
    tx: Transaction,
    *,
    group_id: int,
    action: str,
    subject: str,
    actor: str | None = None,
    at: datetime | None = None,
    **details: object,
) -> None:
    """Note who decided what about which row (``subject``: table:id).

    ``actor``: whoever acts (``acting``), unless it is given. ``at``: real time, now unless it is given. Details name no
    constituent; what looks like a phone number in them is masked, for a row is there for ever.
    """
    name = (actor if actor is not None else whoever_acts())[:120]
    when = at if at is not None else Clock.real_now()
    kept = without_numbers(details)
    tx.add(AuditEvent(group_id=group_id, actor=name, action=action, subject=subject, details=kept, at=when))


def record_for_every_group(tx: Transaction, *, action: str, at: datetime | None = None, **details: Any) -> None:
    """Note an act of whoever runs the site in the book of each group that it concerns: all of them."""
    for group_id in tx.execute(select(Group.id).order_by(Group.id)).scalars().all():
        record_audit(tx, group_id=group_id, action=action, subject=f"groups:{group_id}", at=at, **details)


def without_numbers(value: Any) -> Any:
    """Details with every text masked that holds something like a phone number, however deep. Days and times stay."""
    if isinstance(value, Mapping):
        return {name: without_numbers(each) for name, each in value.items()}
    if isinstance(value, list | tuple):
        return [without_numbers(each) for each in value]
    return value if isinstance(value, str) and DAY_OR_TIME.fullmatch(value) else masked(value)
