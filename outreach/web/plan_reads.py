"""Reads behind the pages about meetings that are to come."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any, Final, NamedTuple

from sqlalchemy import func, or_, select
from sqlalchemy.orm import Session

from outreach.accounts.models import User
from outreach.core.clock import PHOENIX
from outreach.core.runtime import Runtime
from outreach.officials.agenda import lines_of
from outreach.officials.checklists import Progress, items_of, progress, why_of, words_of
from outreach.officials.models import Meeting, Official
from outreach.officials.partners import invited_to, partners_of
from outreach.officials.plan_models import ChecklistItem, MeetingPlan, PlanLine, RecordsRequest
from outreach.officials.plan_people import attendees_of
from outreach.officials.plans import OPEN, ROLES, contact_of, contacts_of, get_plan
from outreach.officials.records import requests_of, state_of
from outreach.people.members import Member, named
from outreach.web.official_words import language, official_words
from outreach.web.plan_words import with_words

SHOWN: Final = 5
MOST_SHOWN: Final = 200
DUE_WITHIN: Final = timedelta(days=7)
NEXT_FIRST: Final = (MeetingPlan.starts_at.is_(None), MeetingPlan.starts_at, MeetingPlan.id)


class ItemLine(NamedTuple):
    """An item of a checklist as a page shows it. ``leads_to``: the page that it is on, where that is another one."""

    id: int
    words: str
    why: str
    due_on: date | None
    who: str
    gone: bool  # who took it on is no longer a member
    done_at: datetime | None
    done_by: str | None
    own: bool
    late: bool


@dataclass(frozen=True, slots=True)
class Checklist:
    """A checklist, and how far it is."""

    items: Sequence[ItemLine]
    progress: Progress


@dataclass(frozen=True, slots=True)
class RequestLine:
    """A request for records with its state."""

    request: RecordsRequest
    state: str


@dataclass(frozen=True, slots=True)
class PlanRow:
    """A plan in a list. ``whom``: whom we meet, in words; ``over``: its time has passed, and it is not logged yet."""

    plan: MeetingPlan
    whom: str
    over: bool


@dataclass(frozen=True, slots=True)
class PlanPage:
    """A plan and everything that belongs to it. ``people``: everybody of ours with a part in it, by id."""

    plan: MeetingPlan
    official: Official
    whom: str
    staff_contact: Mapping[str, str]
    people: Mapping[int, Member]
    expected: Sequence[Member]
    partners: Sequence[Any]
    contacts: Sequence[Any]
    checklist: Checklist
    requests: Sequence[RequestLine]
    lines: Sequence[PlanLine]


@dataclass(frozen=True, slots=True)
class Ahead:
    """What an official's page shows of meetings to come."""

    plans: Sequence[PlanRow]
    requests: Sequence[RequestLine]


@dataclass(frozen=True, slots=True)
class Soon:
    """What Home shows: the next meetings that are agreed, and what is due within a week or late, most urgent first.

    ``more``: there are more than these few.
    """

    plans: Sequence[PlanRow]
    tasks: Sequence[Any]  # item: an ItemLine; of: whom it is about; plan_id, meeting_id
    asked: int
    more: bool


def today_of(runtime: Runtime) -> date:
    """The day where the groups are."""
    return runtime.clock.now().astimezone(PHOENIX).date()


def list_plans(session: Session, runtime: Runtime, group_id: int, *, is_open: bool) -> list[PlanRow]:
    """Plans that are open, the next meeting first and those without a time last; or the closed ones, newest first."""
    state = MeetingPlan.state.in_(OPEN) if is_open else MeetingPlan.state.not_in(OPEN)
    which = [MeetingPlan.group_id == group_id, state]
    return _rows(session, runtime, which, NEXT_FIRST if is_open else (MeetingPlan.id.desc(),))


def official_ahead(session: Session, runtime: Runtime, group_id: int, official_id: int) -> Ahead:
    """Open plans and requests for records of one official."""
    which = [MeetingPlan.group_id == group_id, MeetingPlan.official_id == official_id, MeetingPlan.state.in_(OPEN)]
    requests = request_lines(requests_of(session, group_id, official_id), today_of(runtime))
    return Ahead(_rows(session, runtime, which, NEXT_FIRST), requests)


def what_is_ahead(session: Session, runtime: Runtime, group_id: int, most: int = SHOWN) -> Soon:
    """For Home, and with more of it for the page of meetings to come."""
    today = today_of(runtime)
    own = MeetingPlan.group_id == group_id
    plans = _rows(session, runtime, [own, MeetingPlan.state == "confirmed"], NEXT_FIRST)
    asked = session.execute(select(func.count()).where(own, MeetingPlan.state == "asked")).scalar_one()
    found = session.execute(
        select(ChecklistItem, Official.name, Official.role)
        .outerjoin(MeetingPlan, MeetingPlan.id == ChecklistItem.plan_id)
        .outerjoin(Meeting, Meeting.id == ChecklistItem.meeting_id)
        .join(Official, Official.id == func.coalesce(MeetingPlan.official_id, Meeting.official_id))
        .where(
            ChecklistItem.group_id == group_id, ChecklistItem.done_at.is_(None),
            ChecklistItem.due_on <= today + DUE_WITHIN,
            or_(MeetingPlan.state.in_(OPEN), ChecklistItem.meeting_id.is_not(None)),
        )
        .order_by(ChecklistItem.due_on, ChecklistItem.id)
        .limit(most + 1)
    ).all()  # fmt: skip
    lines = item_lines(session, runtime, group_id, [row[0] for row in found], today)
    tasks = [
        {"item": line, "of": official_words(row.name, row.role), "plan_id": row[0].plan_id,
         "meeting_id": row[0].meeting_id}
        for line, row in zip(lines, found, strict=True)
    ]  # fmt: skip
    return Soon(plans[:most], tasks[:most], asked, more=len(plans) > most or len(tasks) > most)


def plan_page(session: Session, runtime: Runtime, group_id: int, plan_id: int) -> PlanPage:
    """Everything for a plan's page. Raises NotFoundError."""
    plan = get_plan(session, group_id, plan_id)
    official = session.get_one(Official, plan.official_id)
    lines = lines_of(session, plan_id)
    expected = attendees_of(session, [plan_id])[plan_id]
    speakers = {line.constituent_id for line in lines if line.constituent_id is not None}
    people = named(session, runtime.vault, group_id, expected | speakers)
    invited = invited_to(session, [plan_id])[plan_id]
    today = today_of(runtime)
    requests = [one for one in requests_of(session, group_id, plan.official_id) if one.plan_id in {None, plan_id}]
    return PlanPage(
        plan=plan,
        official=official,
        whom=with_words(plan, official_words(official.name, official.role)),
        staff_contact=contact_of(runtime.vault, plan),
        people=people,
        expected=sorted((people[one] for one in expected if one in people), key=lambda one: one.name.casefold()),
        partners=[one for one in partners_of(session, group_id) if one.id in invited],
        contacts=contacts_of(session, plan_id),
        checklist=checklist_of(session, runtime, group_id, plan_id=plan_id),
        requests=request_lines(requests, today),
        lines=lines,
    )


def checklist_of(
    session: Session, runtime: Runtime, group_id: int, *, plan_id: int | None = None, meeting_id: int | None = None
) -> Checklist:
    """The checklist of a plan or of a meeting."""
    items, today = items_of(session, group_id, plan_id=plan_id, meeting_id=meeting_id), today_of(runtime)
    return Checklist(item_lines(session, runtime, group_id, items, today), progress(items, today))


def item_lines(
    session: Session, runtime: Runtime, group_id: int, items: Sequence[ChecklistItem], today: date
) -> list[ItemLine]:
    """Items with the names of who takes them on."""
    people = named(session, runtime.vault, group_id, _ids(item.constituent_id for item in items))
    users = users_of(session, group_id) if any(item.user_id for item in items) else {}
    lines = []
    for item in items:
        member = people.get(item.constituent_id) if item.constituent_id is not None else None
        who = member.name if member else users.get(item.user_id or 0, "")
        late = item.done_at is None and item.due_on is not None and item.due_on < today
        lines.append(
            ItemLine(
                item.id, words_of(item, language()), why_of(item, language()), item.due_on, who,
                member is not None and not member.stays, item.done_at, item.done_by, item.key is None, late,
            )
        )  # fmt: skip
    return lines


def request_lines(requests: Iterable[RecordsRequest], today: date) -> list[RequestLine]:
    """Requests with their states."""
    return [RequestLine(one, state_of(one, today)) for one in requests]


def users_of(session: Session, group_id: int) -> dict[int, str]:
    """Everybody who signs in for the group, by name."""
    rows = session.execute(select(User.id, User.name).where(User.group_id == group_id).order_by(User.name))
    return {row.id: row.name for row in rows}


def part_ids(plan: MeetingPlan) -> set[int]:
    """Who has a part in a plan."""
    return _ids(getattr(plan, name) for name in ROLES)


def _ids(found: Iterable[int | None]) -> set[int]:
    return {one for one in found if one is not None}


def _rows(session: Session, runtime: Runtime, which: Sequence[Any], order: Sequence[Any]) -> list[PlanRow]:
    now = runtime.clock.now()
    rows = session.execute(
        select(MeetingPlan, Official.name, Official.role)
        .join(Official, Official.id == MeetingPlan.official_id)
        .where(*which)
        .order_by(*order)
        .limit(MOST_SHOWN)
    ).all()
    return [
        PlanRow(
            plan, with_words(plan, official_words(name, role)),
            over=plan.state in OPEN and plan.starts_at is not None and plan.starts_at < now,
        )
        for plan, name, role in rows
    ]  # fmt: skip
