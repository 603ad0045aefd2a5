"""A group's money is spent: its campaigns halt, and a person lets them go on."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from sqlalchemy import select
from sqlalchemy.orm import Session

from outreach.accounts.audit import record_audit
from outreach.core.db import Transaction
from outreach.core.errors import ConflictError
from outreach.core.runtime import Runtime
from outreach.messaging.gates import UNUSUAL, halt_gate, resume_gate
from outreach.messaging.models import Gate
from outreach.spending.caps import cap_is_reached, tell, untold
from outreach.spending.ledger import fold_spend
from outreach.spending.models import SpendDay
from outreach.spending.prices import local_day

SPEND_CAP: Final = "spend_cap"
"""Why a gate was halted."""


def halt_spent(runtime: Runtime, group_id: int) -> int:
    """Halt a group's open campaigns; how many gates. Each in its own transaction, as slices hold them one by one."""
    with runtime.db.snapshot() as reading:
        open_ = select(Gate.id).where(Gate.group_id == group_id, Gate.kind == "wave", Gate.state == "open")
        gates = reading.execute(open_.order_by(Gate.id)).scalars().all()
    halted = 0
    for gate_id in gates:
        with runtime.db.transaction() as tx:
            halted += halt_gate(tx, gate_id, SPEND_CAP)
    return halted


def watch_spend(runtime: Runtime) -> int:
    """A step of upkeep: fold what was spent, tell of it, and halt whoever may spend no more; how many gates halted."""
    fold_spend(runtime)
    today = local_day(runtime.clock.now())
    with runtime.db.snapshot() as reading:
        # Of a month that is spent, no day need have anything in it: whoever has an open campaign is looked at as well.
        spenders = set(reading.execute(select(SpendDay.group_id).where(SpendDay.day == today).distinct()).scalars())
        sending = select(Gate.group_id).where(Gate.kind == "wave", Gate.state == "open").distinct()
        groups = sorted(spenders | set(reading.execute(sending).scalars()))
    halted = 0
    for group_id in groups:
        with runtime.db.snapshot() as reading:
            over = cap_is_reached(reading, runtime, group_id)
            news = untold(reading, runtime, group_id)
        if news:
            with runtime.db.transaction() as tx:
                tell(tx, runtime, group_id, news)
        if over:
            halted += halt_spent(runtime, group_id)
    return halted


def halted_by_cap(session: Session, group_id: int) -> Sequence[int]:
    """The gates of a group that its cap has halted, in the order in which whoever locks several locks them."""
    query = select(Gate.id).where(Gate.group_id == group_id, Gate.state == "paused", Gate.reason == SPEND_CAP)
    return session.execute(query.order_by(Gate.id)).scalars().all()


def resume_spent(tx: Transaction, runtime: Runtime, group_id: int, *, by: str) -> int:
    """Let everything go on that the cap has halted; how many gates. Raises ConflictError spend_cap_reached."""
    if cap_is_reached(tx, runtime, group_id):
        raise ConflictError("spend_cap_reached")
    gates = halted_by_cap(tx, group_id)
    for gate_id in gates:
        resume_gate(tx, gate_id)
    if gates:
        record_audit(
            tx, group_id=group_id, actor=by, action="spend_resumed", subject=f"groups:{group_id}",
            at=runtime.clock.real_now(), gates=list(gates),
        )  # fmt: skip
    return len(gates)


def check_resumable(
    tx: Transaction, runtime: Runtime, group_id: int, gate_ids: Sequence[int], *, is_admin: bool
) -> set[str]:
    """Which of the two reasons of this room they were halted for. Raises ConflictError where resuming would be in vain
    (spend_cap_reached), or is for an admin to decide (unusual_needs_admin).
    """
    why = select(Gate.reason).where(Gate.id.in_(gate_ids), Gate.group_id == group_id, Gate.state == "paused")
    reasons = {reason for reason in tx.execute(why).scalars() if reason in {SPEND_CAP, UNUSUAL}}
    if SPEND_CAP in reasons and cap_is_reached(tx, runtime, group_id):
        raise ConflictError("spend_cap_reached")
    if UNUSUAL in reasons and not is_admin:
        raise ConflictError("unusual_needs_admin")
    return reasons
