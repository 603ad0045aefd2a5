"""What waits for a group: the reads behind the home page."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import exists, func, select
from sqlalchemy.orm import Session

from outreach.escalations.models import Campaign
from outreach.officials.models import Meeting, Official, Promise
from outreach.people.models import Constituent

SHOWN = 20
DUE_WITHIN = timedelta(days=14)


@dataclass(frozen=True, slots=True)
class Waiting:
    """Rows for each part of the home page, newest or most urgent first."""

    meetings: Sequence[Any]
    promises: Sequence[Any]
    drafts: Sequence[Any]
    running: Sequence[Any]
    officials: int
    constituents: int


def what_waits(session: Session, group_id: int, now: datetime) -> Waiting:
    """Meetings without a commitment and without a launched campaign, promises due soon, drafts, running campaigns."""
    followed = exists().where(Campaign.meeting_id == Meeting.id, Campaign.state != "draft")
    meetings = session.execute(
        select(Meeting.id, Meeting.held_on, Meeting.outcome, Official.name, Official.role)
        .join(Official, Official.id == Meeting.official_id)
        .where(Meeting.group_id == group_id, Meeting.outcome != "committed", ~followed)
        .order_by(Meeting.held_on.desc(), Meeting.id.desc())
        .limit(SHOWN)
    ).all()
    promises = session.execute(
        select(Promise.text, Promise.due_on, Official.name, Official.id.label("official_id"))
        .join(Official, Official.id == Promise.official_id)
        .where(Promise.group_id == group_id, Promise.due_on <= (now + DUE_WITHIN).date())
        .order_by(Promise.due_on)
        .limit(SHOWN)
    ).all()

    def campaigns(state: str) -> Sequence[Any]:
        return session.execute(
            select(Campaign.id, Campaign.name, Campaign.created_at)
            .where(Campaign.group_id == group_id, Campaign.state == state)
            .order_by(Campaign.id.desc())
            .limit(SHOWN)
        ).all()

    def count(model: type[Official | Constituent]) -> int:
        return session.execute(select(func.count()).where(model.group_id == group_id)).scalar_one()

    return Waiting(meetings, promises, campaigns("draft"), campaigns("launched"), count(Official), count(Constituent))
