"""A meeting is planned: asked for, agreed, prepared, then held, called off, or never granted.

Who takes part is given by id; whether somebody is a member of the group is looked at by whoever offers the choice
(``people.members``). Somebody who has left the members' list keeps their place until it is given to another.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any, Final
from zoneinfo import ZoneInfo

from sqlalchemy import delete, insert, select
from sqlalchemy.orm import Session

from config import table
from outreach.accounts.audit import record_audit
from outreach.core.clock import PHOENIX
from outreach.core.crypto import Vault
from outreach.core.db import Transaction
from outreach.core.errors import BadInputError, ConflictError, NotFoundError
from outreach.core.runtime import Runtime
from outreach.officials.checklists import open_before, reschedule
from outreach.officials.models import Meeting, Official
from outreach.officials.plan_models import MeetingPlan, PlanAttendee, PlanContact, PlanPartner

CONTEXT: Final = "meeting_plan"
OPEN: Final = ("asked", "confirmed")
CONDITIONS: Final = ("opposing_views", "attendee_list", "paperwork", "other")
GATHER_MINUTES: Final = 20
MEETING_MINUTES: Final = 60
LONGEST: Final = 480
ROLES: Final = ("spokesperson_id", "note_taker_id", "facilitator_id")
NOT_MET: Final = ("no_meeting", "unreasonable_conditions")
"""Outcomes of a meeting that was none."""
MOST_CONTACTS: Final = 100


@dataclass(frozen=True, slots=True)
class Given:
    """A plan as somebody describes it; times are aware, ids are of this group's people and partners."""

    staff_name: str = ""
    staff_role: str = ""
    staff_email: str = ""
    staff_phone: str = ""
    asked_for_at: datetime | None = None
    starts_at: datetime | None = None
    minutes: int = MEETING_MINUTES
    zone: str = PHOENIX.key
    place: str = ""
    gather_place: str = ""
    gather_minutes: int = GATHER_MINUTES
    spokesperson_id: int | None = None
    note_taker_id: int | None = None
    facilitator_id: int | None = None
    attendees: frozenset[int] = frozenset()
    partners: frozenset[int] = frozenset()
    condition_kinds: tuple[str, ...] = ()
    conditions: str = ""
    audience: str = "elected"


def gathers_at(plan: MeetingPlan) -> datetime | None:
    """When our own people come together. Pure."""
    return plan.starts_at - timedelta(minutes=plan.gather_minutes) if plan.starts_at else None


def day_of(plan: MeetingPlan) -> date | None:
    """The day of the meeting where it is held. Pure."""
    return plan.starts_at.astimezone(ZoneInfo(plan.zone)).date() if plan.starts_at else None


def make_plan(
    tx: Transaction,
    runtime: Runtime,
    group_id: int,
    official_id: int,
    given: Given,
    *,
    by: str,
    opened_at: datetime | None = None,
) -> MeetingPlan:
    """Plan a meeting, with its checklist; the same form again (handed out at ``opened_at``) is the first one's plan.

    Raises NotFoundError (official_unknown), BadInputError.
    """
    check_plan(given)
    # Two equal forms at once: the second waits here until the first is stored, then finds its plan.
    official = tx.execute(
        select(Official.id)
        .where(Official.id == official_id, Official.group_id == group_id)
        .with_for_update(key_share=True)
    ).scalar()
    if official is None:
        raise NotFoundError("official_unknown")
    values = _columns(runtime.vault, given)
    if opened_at is not None and (first := _planned_since(tx, official_id, by, opened_at, values)):
        return first
    plan = MeetingPlan(
        group_id=group_id, official_id=official_id, state="asked", version=1, created_by=by,
        created_at=runtime.clock.now(), **values,
    )  # fmt: skip
    tx.add(plan)
    tx.flush()
    open_before(tx, runtime, group_id, plan.id)
    tx.flush()
    _settle(tx, runtime, plan, given)
    record_audit(tx, group_id=group_id, action="meeting_planned", subject=f"meeting_plan:{plan.id}", actor=by)
    return plan


def change_plan(
    tx: Transaction, runtime: Runtime, group_id: int, plan_id: int, version: int, given: Given
) -> MeetingPlan:
    """Describe a plan anew. Raises NotFoundError, BadInputError, ConflictError (plan_changed, plan_closed)."""
    check_plan(given)
    plan = get_plan(tx, group_id, plan_id, lock=True)
    if plan.state not in OPEN:
        raise ConflictError("plan_closed")
    if plan.version != version:
        raise ConflictError("plan_changed")
    for name, value in _columns(runtime.vault, given).items():
        setattr(plan, name, value)
    plan.version += 1
    _settle(tx, runtime, plan, given)
    record_audit(tx, group_id=group_id, action="plan_changed", subject=f"meeting_plan:{plan_id}")
    return plan


def check_plan(given: Given) -> None:
    """Raises BadInputError for the first thing that cannot be so."""
    if not 5 <= given.minutes <= LONGEST:
        raise BadInputError("plan_minutes", least=5, most=LONGEST)
    if not 0 <= given.gather_minutes <= LONGEST:
        raise BadInputError("plan_gather_minutes", most=LONGEST)
    if given.zone not in table("office_hours")["zones"]:
        raise BadInputError("office_zone_unknown")
    if not set(given.condition_kinds) <= set(CONDITIONS):
        raise BadInputError("plan_condition_unknown")


def get_plan(session: Session, group_id: int, plan_id: int, *, lock: bool = False) -> MeetingPlan:
    """A plan of this group. Raises NotFoundError."""
    query = select(MeetingPlan).where(MeetingPlan.id == plan_id, MeetingPlan.group_id == group_id)
    plan = session.execute(query.with_for_update() if lock else query).scalar()
    if plan is None:
        raise NotFoundError("plan_unknown")
    return plan


def contact_of(vault: Vault, plan: MeetingPlan) -> dict[str, str]:
    """E-mail and phone of whom we meet in the official's place."""
    return vault.open(plan.sealed, CONTEXT) if plan.sealed else {}


def call_off(tx: Transaction, runtime: Runtime, group_id: int, plan_id: int, *, by: str) -> MeetingPlan:
    """There will be no meeting, for now. Twice is once. Raises NotFoundError, ConflictError (plan_closed)."""
    plan = get_plan(tx, group_id, plan_id, lock=True)
    if plan.state == "called_off":
        return plan
    if plan.state not in OPEN:
        raise ConflictError("plan_closed")
    _turn(tx, runtime, plan, "called_off", by)
    return plan


def reopen(tx: Transaction, runtime: Runtime, group_id: int, plan_id: int, *, by: str) -> MeetingPlan:
    """A meeting that was called off is planned again. Raises NotFoundError, ConflictError (plan_closed)."""
    plan = get_plan(tx, group_id, plan_id, lock=True)
    if plan.state in OPEN:
        return plan
    if plan.state != "called_off":
        raise ConflictError("plan_closed")
    _turn(tx, runtime, plan, "confirmed" if plan.starts_at else "asked", by)
    return plan


def close_plan(tx: Transaction, runtime: Runtime, group_id: int, plan_id: int, meeting: Meeting) -> None:
    """The meeting is logged, or that there was none. A plan that was closed before stays as it is.

    Raises NotFoundError, also for a plan with another official.
    """
    plan = get_plan(tx, group_id, plan_id, lock=True)
    if plan.official_id != meeting.official_id:
        raise NotFoundError("plan_unknown")
    if plan.meeting_id is None:
        plan.meeting_id = meeting.id
        _turn(tx, runtime, plan, "refused" if meeting.outcome in NOT_MET else "held", meeting.recorded_by)


def add_contact(
    tx: Transaction, runtime: Runtime, group_id: int, plan_id: int, *, on_day: date, whom: str, said: str, by: str
) -> None:
    """One more try to get the meeting; the very same again is the one that is there.

    Raises NotFoundError, BadInputError (plan_contact_blank, meeting_in_future, plan_contacts_many).
    """
    get_plan(tx, group_id, plan_id, lock=True)
    if not whom.strip():
        raise BadInputError("plan_contact_blank")
    if (on_day - runtime.clock.now().date()).days > 1:
        raise BadInputError("meeting_in_future")
    there = contacts_of(tx, plan_id)
    if any((one.on_day, one.whom, one.said) == (on_day, whom.strip(), said.strip()) for one in there):
        return
    if len(there) >= MOST_CONTACTS:
        raise BadInputError("plan_contacts_many", most=MOST_CONTACTS)
    tx.add(
        PlanContact(
            group_id=group_id, plan_id=plan_id, on_day=on_day, whom=whom.strip(), said=said.strip(), recorded_by=by,
            created_at=runtime.clock.now(),
        )
    )  # fmt: skip
    tx.flush()
    record_audit(tx, group_id=group_id, action="plan_tried", subject=f"meeting_plan:{plan_id}", actor=by)


def contacts_of(session: Session, plan_id: int) -> Sequence[PlanContact]:
    """Tries of a plan, newest first."""
    query = select(PlanContact).where(PlanContact.plan_id == plan_id)
    return session.execute(query.order_by(PlanContact.on_day.desc(), PlanContact.id.desc())).scalars().all()


def _columns(vault: Vault, given: Given) -> dict[str, Any]:
    contact = {"email": given.staff_email.strip(), "phone": given.staff_phone.strip()}
    same = (
        "asked_for_at", "starts_at", "minutes", "zone", "gather_minutes", "spokesperson_id", "note_taker_id",
        "facilitator_id", "audience",
    )  # fmt: skip
    return {
        **{name: getattr(given, name) for name in same},
        **{name: getattr(given, name).strip() for name in ("place", "gather_place", "conditions")},
        "staff_name": given.staff_name.strip() or None,
        "staff_role": given.staff_role.strip() or None,
        "sealed": vault.seal(contact, CONTEXT) if any(contact.values()) else None,
        "condition_kinds": [kind for kind in CONDITIONS if kind in given.condition_kinds],
    }


def _planned_since(
    tx: Transaction, official_id: int, by: str, opened_at: datetime, values: dict[str, Any]
) -> MeetingPlan | None:
    query = select(MeetingPlan).where(
        MeetingPlan.official_id == official_id, MeetingPlan.created_by == by, MeetingPlan.created_at >= opened_at
    )
    same = values.keys() - {"sealed"}  # what is sealed twice differs
    for plan in tx.execute(query.order_by(MeetingPlan.id)).scalars():
        if all(getattr(plan, name) == values[name] for name in same):
            return plan
    return None


def _settle(tx: Transaction, runtime: Runtime, plan: MeetingPlan, given: Given) -> None:
    """What hangs on a plan: its state by its time, who comes, which partners, and the days of its checklist."""
    plan.state = "confirmed" if plan.starts_at else "asked"
    tx.flush()
    for model, column, wanted in (
        (PlanAttendee, "constituent_id", given.attendees),
        (PlanPartner, "partner_id", given.partners),
    ):
        tx.execute(delete(model).where(model.plan_id == plan.id))
        if wanted:
            tx.execute(insert(model), [{"plan_id": plan.id, column: one} for one in sorted(wanted)])
    reschedule(tx, plan.id, day_of(plan), runtime.clock.now().astimezone(ZoneInfo(plan.zone)).date())
    tx.flush()


def _turn(tx: Transaction, runtime: Runtime, plan: MeetingPlan, state: str, by: str) -> None:
    record_audit(
        tx, group_id=plan.group_id, actor=by, action="meeting_plan", subject=f"meeting_plan:{plan.id}",
        at=runtime.clock.real_now(), before=plan.state, after=state,
    )  # fmt: skip
    plan.state = state
    plan.version += 1
    tx.flush()
