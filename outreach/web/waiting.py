"""What waits for a group: the reads behind the home page and the list of campaigns."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from sqlalchemy import ColumnElement, ScalarSelect, exists, func, or_, select
from sqlalchemy.orm import Session

from outreach.core.clock import PHOENIX
from outreach.escalations.models import Campaign, Wave
from outreach.escalations.promise_drafts import drafts_of_promises
from outreach.messaging.models import Gate, GateText, Tally
from outreach.messaging.nudges import count_waiting
from outreach.officials.models import Meeting, Official
from outreach.officials.plan_models import MeetingPlan
from outreach.people.models import Constituent
from outreach.phone_tree.models import TreeRun
from outreach.web.campaign_state import WAITING, shown_state
from outreach.web.official_words import official_words
from outreach.web.promise_reads import promises_due
from outreach.web.review_reads import doubts_waiting

SHOWN = 20


@dataclass(frozen=True, slots=True)
class CampaignRow:
    """A campaign in a list. ``state`` is one of ``campaign_state``; ``reason`` says why it is paused."""

    id: int
    name: str
    official: str
    state: str
    reason: str | None
    created_at: datetime
    launch_at: datetime | None
    """When a scheduled one launches by itself."""
    launch_problem: str | None
    """The code of why one that was scheduled could not launch, and is a draft again."""


@dataclass(frozen=True, slots=True)
class Waiting:
    """Rows for each part of the home page, newest or most urgent first; and how much of everything there is."""

    today: date
    """The day in the group's zone: a promise that was due before it is overdue."""
    meetings: Sequence[Any]
    promises: Sequence[Any]
    broken: Sequence[Any]
    """Drafts that a promise opened which was not kept."""
    drafts: Sequence[CampaignRow]
    scheduled: Sequence[CampaignRow]
    running: Sequence[CampaignRow]
    officials: int
    constituents: int
    planned: int
    """Meetings that were ever planned."""
    held: int
    """Meetings that were logged."""
    launched: CampaignRow | None
    """The newest campaign that is no draft."""
    threads: dict[str, int]
    """Threads of the inbox that wait, by why (``nudges.count_waiting``)."""
    doubts: int
    """Texts that a person must decide about."""


def what_waits(session: Session, group_id: int, now: datetime) -> Waiting:
    """Meetings without a commitment that no campaign or draft follows, promises due soon, drafts, what was launched."""
    followed = exists().where(Campaign.meeting_id == Meeting.id)
    today = now.astimezone(PHOENIX).date()
    meetings = session.execute(
        select(
            Meeting.id,
            Meeting.held_on,
            Meeting.outcome,
            Meeting.staff_name,
            Meeting.staff_role,
            Official.name,
            Official.role,
        )
        .join(Official, Official.id == Meeting.official_id)
        .where(Meeting.group_id == group_id, Meeting.outcome != "committed", ~followed)
        .order_by(Meeting.held_on.desc(), Meeting.id.desc())
        .limit(SHOWN)
    ).all()

    def count(model: type[Official | Constituent | MeetingPlan | Meeting]) -> int:
        counted = select(func.count()).where(model.group_id == group_id)
        if model is Constituent:
            counted = counted.where(Constituent.erased_at.is_(None))
        return session.execute(counted).scalar_one()

    return Waiting(
        today=today,
        meetings=meetings,
        promises=promises_due(session, group_id, today),
        broken=drafts_of_promises(session, group_id),
        drafts=campaign_rows(session, group_id, ("draft",)),
        scheduled=campaign_rows(session, group_id, ("scheduled",)),
        running=campaign_rows(session, group_id, ("launched",)),
        officials=count(Official),
        constituents=count(Constituent),
        planned=count(MeetingPlan),
        held=count(Meeting),
        launched=next(iter(campaign_rows(session, group_id, ("launched", "canceled", "stood_down"), most=1)), None),
        threads=count_waiting(session, group_id),
        doubts=doubts_waiting(session, group_id),
    )


def campaign_rows(
    session: Session,
    group_id: int,
    states: Sequence[str] = ("draft", "scheduled", "launched", "canceled", "stood_down"),
    most: int = SHOWN,
) -> list[CampaignRow]:
    """The group's campaigns in these stored states, newest first."""
    paused = (
        select(func.coalesce(Gate.reason, ""))
        .join(Wave, Wave.gate_id == Gate.id)
        .where(Wave.campaign_id == Campaign.id, Gate.state == "paused")
        .order_by(Wave.number)
        .limit(1)
        .correlate(Campaign)
        .scalar_subquery()
    )
    unplanned = exists().where(Wave.campaign_id == Campaign.id, Wave.planned_at.is_(None)).correlate(Campaign)
    by_tree = exists().where(TreeRun.campaign_id == Campaign.id, TreeRun.state == "running").correlate(Campaign)
    found = session.execute(
        select(Campaign.id, Campaign.name, Campaign.state, Campaign.created_at, Campaign.launch_at,
               Campaign.launch_problem, Official.name.label("official"), Official.role,
               paused.label("paused"), or_(unplanned, by_tree).label("unplanned"),
               _counted(Tally.name.in_(WAITING)).label("waiting"), _counted(~Tally.name.in_(WAITING)).label("past"))
        .join(Official, Official.id == Campaign.official_id)
        .where(Campaign.group_id == group_id, Campaign.state.in_(states))
        .order_by(Campaign.id.desc())
        .limit(most)
    ).all()  # fmt: skip
    return [
        CampaignRow(
            id=row.id,
            name=row.name,
            official=official_words(row.official, row.role),
            state=shown_state(
                "paused" if row.state == "launched" and row.paused is not None else row.state,
                # Counters are folded a moment after a launch: before that they know of nobody.
                waiting=row.unplanned or bool(row.waiting) or not row.past,
            ),
            reason=row.paused or None,
            created_at=row.created_at,
            launch_at=row.launch_at,
            launch_problem=row.launch_problem,
        )
        for row in found
    ]


def is_planned(session: Session, campaign_id: int) -> bool:
    """Whether everybody whom the campaign texts is in its counters."""
    unplanned = exists().where(Wave.campaign_id == campaign_id, Wave.planned_at.is_(None))
    return not session.execute(select(unplanned)).scalar_one()


def wordings(session: Session, campaign_id: int) -> dict[int, list[Any]]:
    """What each wave of a campaign says, by its number: rows of variant, language and template."""
    found = session.execute(
        select(Wave.number, GateText.variant, GateText.language, GateText.template)
        .join(GateText, GateText.gate_id == Wave.gate_id)
        .where(Wave.campaign_id == campaign_id)
        .order_by(Wave.number, GateText.variant, GateText.language)
    ).all()
    return {number: [row for row in found if row.number == number] for number in {row.number for row in found}}


def _counted(which: ColumnElement[bool]) -> ScalarSelect[int]:
    """The sum of a campaign's folded counters: a list may be a moment behind, which a page must not be."""
    return (
        select(func.coalesce(func.sum(Tally.count), 0))
        .join(Wave, Wave.gate_id == Tally.gate_id)
        .where(Wave.campaign_id == Campaign.id, which)
        .correlate(Campaign)
        .scalar_subquery()
    )
