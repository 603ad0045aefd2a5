"""How an official meets the group: an ally, open, evasive or hostile; who judged it, when, and why.

Judgements are added, never changed, so that one can read how it came about.
"""

from __future__ import annotations

from typing import Final

from sqlalchemy import select
from sqlalchemy.orm import Session

from outreach.accounts.audit import record_audit
from outreach.core.db import Transaction
from outreach.core.errors import BadInputError, NotFoundError
from outreach.core.runtime import Runtime
from outreach.officials.hostility_models import HostilityEvent
from outreach.officials.models import Official

HOSTILITIES: Final = ("ally", "open", "evasive", "hostile")
"""From the friendliest on."""
WHY_LENGTH: Final = 300
NAME_LENGTH: Final = 120


def set_hostility(
    tx: Transaction, runtime: Runtime, group_id: int, official_id: int, value: str, by: str, why: str = ""
) -> HostilityEvent:
    """Add a judgement; the very same one by the same person again is the first one.

    Raises NotFoundError (official_unknown), BadInputError.
    """
    because, who = why.replace("\0", "").strip(), by.strip()[:NAME_LENGTH]
    if value not in HOSTILITIES:
        raise BadInputError("hostility_unknown", known=", ".join(HOSTILITIES))
    if len(because) > WHY_LENGTH:
        raise BadInputError("hostility_why_long", most=WHY_LENGTH)
    if not who:
        raise BadInputError("hostility_setter_blank")
    # Two equal forms at once: the second waits here until the first is stored, then finds it.
    found = tx.execute(
        select(Official.id)
        .where(Official.id == official_id, Official.group_id == group_id)
        .with_for_update(key_share=True)
    ).scalar()
    if found is None:
        raise NotFoundError("official_unknown")
    newest = next(iter(hostility_history(tx, group_id, official_id, most=1)), None)
    if newest is not None and (newest.value, newest.why, newest.set_by) == (value, because, who):
        return newest
    event = HostilityEvent(
        group_id=group_id, official_id=official_id, value=value, why=because, set_by=who, set_at=runtime.clock.now()
    )
    tx.add(event)
    tx.flush()
    record_audit(
        tx, group_id=group_id, actor=who, action="hostility_set", subject=f"official:{official_id}",
        at=runtime.clock.real_now(), value=value,
    )  # fmt: skip
    return event


def hostility_of(session: Session, group_id: int, official_id: int) -> str | None:
    """How this official meets the group now; None while nobody has judged it."""
    newest = next(iter(hostility_history(session, group_id, official_id, most=1)), None)
    return newest.value if newest else None


def hostility_history(session: Session, group_id: int, official_id: int, most: int = 50) -> list[HostilityEvent]:
    """The judgements on an official, newest first."""
    query = select(HostilityEvent).where(HostilityEvent.group_id == group_id, HostilityEvent.official_id == official_id)
    return list(session.execute(query.order_by(HostilityEvent.id.desc()).limit(most)).scalars())
