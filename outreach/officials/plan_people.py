"""Who of the group has a part in its meetings: reading it, telling it to the person, and forgetting it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlalchemy import delete, or_, select, update
from sqlalchemy.orm import Session

from outreach.core.db import Transaction
from outreach.officials.checklists import leave_items
from outreach.officials.plan_models import ChecklistItem, MeetingPlan, PlanAttendee, PlanLine
from outreach.officials.plans import ROLES


def attendees_of(session: Session, plan_ids: Sequence[int]) -> dict[int, set[int]]:
    """Plan -> everybody of ours who is expected: who comes along, and who has a part."""
    found: dict[int, set[int]] = {one: set() for one in plan_ids}
    for row in session.execute(select(PlanAttendee).where(PlanAttendee.plan_id.in_(plan_ids))).scalars():
        found[row.plan_id].add(row.constituent_id)
    for plan in session.execute(select(MeetingPlan).where(MeetingPlan.id.in_(plan_ids))).scalars():
        found[plan.id] |= {who for name in ROLES if (who := getattr(plan, name)) is not None}
    return found


def forget_people(tx: Transaction, ids: Sequence[int]) -> None:
    """Erased people have no part in anything."""
    for name in ROLES:
        column = getattr(MeetingPlan, name)
        tx.execute(update(MeetingPlan).where(column.in_(ids)).values({name: None}))
    tx.execute(delete(PlanAttendee).where(PlanAttendee.constituent_id.in_(ids)))
    tx.execute(update(PlanLine).where(PlanLine.constituent_id.in_(ids)).values(constituent_id=None))
    leave_items(tx, ids)


def parts_of(session: Session, group_id: int, constituent_id: int) -> dict[str, Any]:
    """What somebody takes part in, and what they were given to do, ready for JSON."""
    comes = select(PlanAttendee.plan_id).where(PlanAttendee.constituent_id == constituent_id)
    speaks = select(PlanLine.plan_id).where(PlanLine.constituent_id == constituent_id)
    mine = or_(*(getattr(MeetingPlan, name) == constituent_id for name in ROLES))
    plans = session.execute(
        select(MeetingPlan)
        .where(
            MeetingPlan.group_id == group_id, or_(mine, MeetingPlan.id.in_(comes), MeetingPlan.id.in_(speaks))
        )
        .order_by(MeetingPlan.id)
    ).scalars()  # fmt: skip
    items = session.execute(
        select(ChecklistItem)
        .where(ChecklistItem.group_id == group_id, ChecklistItem.constituent_id == constituent_id)
        .order_by(ChecklistItem.id)
    ).scalars()
    return {
        "meetings": [
            {
                "plan_id": plan.id,
                "official_id": plan.official_id,
                "starts_at": plan.starts_at.isoformat(timespec="minutes") if plan.starts_at else None,
                "parts": [name.removesuffix("_id") for name in ROLES if getattr(plan, name) == constituent_id],
            }
            for plan in plans
        ],
        "tasks": [
            {
                "task": item.key or item.words,
                "due_on": item.due_on.isoformat() if item.due_on else None,
                "done": item.done_at is not None,
            }
            for item in items
        ],
    }
