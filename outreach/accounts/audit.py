"""The book of decisions: append-only, one row for each thing that a person decided for somebody else."""

from __future__ import annotations

from datetime import datetime

from outreach.accounts.models import AuditEvent
from outreach.core.db import Transaction


def record_audit(
    tx: Transaction, *, group_id: int, actor: str, action: str, subject: str, at: datetime, **details: object
) -> None:
    """Note who decided what about which row (``subject``: table:id), at a real time. Details name no constituent."""
    tx.add(AuditEvent(group_id=group_id, actor=actor[:120], action=action, subject=subject, details=details, at=at))
