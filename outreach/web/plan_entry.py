"""What the pages before a meeting do with more than one feature: members of the group, partners, the form of a log."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

from sqlalchemy.orm import Session

from outreach.core.db import Transaction
from outreach.core.errors import NotFoundError
from outreach.core.runtime import Runtime
from outreach.officials.meetings import OUTCOMES
from outreach.officials.partners import get_partner, invited_to, partners_of
from outreach.officials.plan_models import MeetingPlan
from outreach.officials.plan_people import attendees_of
from outreach.officials.plans import Given, day_of, get_plan
from outreach.people.members import Member, get_member, members_of, named
from outreach.web.plan_reads import part_ids


class Choices(NamedTuple):
    """Who and what can be chosen in a plan's form, and what is chosen now."""

    members: list[Member]
    partners: list[Any]
    attendees: set[int]
    invited: set[int]


def choices_for(session: Session, runtime: Runtime, group_id: int, plan: MeetingPlan | None) -> Choices:
    """Members, and whoever has a part in the plan already; partners."""
    chosen = attendees_of(session, [plan.id])[plan.id] if plan else set()
    invited = invited_to(session, [plan.id])[plan.id] if plan else set()
    attendees = chosen - part_ids(plan) if plan else set()
    return Choices(
        members_and(session, runtime, group_id, chosen), list(partners_of(session, group_id)), attendees, invited
    )


def members_and(session: Session, runtime: Runtime, group_id: int, chosen: set[int]) -> list[Member]:
    """The members, then whoever is chosen already and is none."""
    members = members_of(session, runtime.vault, group_id)
    others = named(session, runtime.vault, group_id, chosen - {one.id for one in members})
    return [*members, *others.values()]


def check_people(tx: Transaction, runtime: Runtime, group_id: int, wanted: set[int], kept: set[int]) -> None:
    """Whoever is given a part anew is a member. Raises NotFoundError (member_unknown)."""
    known = {one.id for one in members_of(tx, runtime.vault, group_id)} if wanted - kept else set()
    for one in wanted - kept - known:
        get_member(tx, runtime.vault, group_id, one)


def check_given(tx: Transaction, runtime: Runtime, group_id: int, given: Given, plan_id: int | None) -> None:
    """A plan's people are members, or have their part already; its partners are the group's. Raises NotFoundError."""
    kept = attendees_of(tx, [plan_id])[plan_id] if plan_id is not None else set()
    parts = {given.spokesperson_id, given.note_taker_id, given.facilitator_id} - {None}
    check_people(tx, runtime, group_id, {one for one in (*parts, *given.attendees) if one is not None}, kept)
    for partner in given.partners:
        get_partner(tx, group_id, partner)


class Begun(NamedTuple):
    """A log of a meeting that begins with its plan, and what the form begins with."""

    plan_id: int | None
    values: dict[str, Any]


def begun_from(
    session: Session, runtime: Runtime, group_id: int, official_id: int, query: Mapping[str, str], today: Any
) -> Begun:
    """The plan that an address names, as the log's form begins: its day, who came, whom we met, and how it ended.

    Raises NotFoundError for a plan of another group or with another official.
    """
    if not query.get("plan", ""):
        return Begun(None, {})
    wanted = query["plan"]
    plan_id = int(wanted) if wanted.isascii() and wanted.isdecimal() and len(wanted) < 19 else 0
    plan = get_plan(session, group_id, plan_id)
    if plan.official_id != official_id:
        raise NotFoundError("plan_unknown")
    expected = named(session, runtime.vault, group_id, attendees_of(session, [plan.id])[plan.id])
    names = sorted((one.name for one in expected.values()), key=str.casefold)
    values = {
        "held_on": min(day_of(plan) or today, today), "attendees": ", ".join(names),
        "staff_name": plan.staff_name or "", "staff_role": plan.staff_role or "",
    }  # fmt: skip
    if query.get("outcome") in OUTCOMES:
        values |= {"outcome": query["outcome"], "attendees": ""}
    return Begun(plan.id, values)
