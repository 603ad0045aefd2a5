"""What a meeting's page shows."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session, aliased

from outreach.escalations.models import ENDED, Campaign
from outreach.escalations.stand_down import running_of
from outreach.officials.meetings import needs_escalation
from outreach.officials.models import Meeting, Official, Promise, Stance
from outreach.web.promise_reads import LINE


@dataclass(frozen=True, slots=True)
class MeetingPage:
    """A meeting and all that came of it."""

    meeting: Meeting
    official: Official
    answers: dict[int, Any]
    promises: Sequence[Any]
    campaigns: Sequence[Any]
    may_draft: bool  # no campaign of it lives, and there was no commitment
    may_stand_down: bool  # the official has committed, and a campaign about them still stands


def meeting_page(session: Session, group_id: int, meeting_id: int) -> MeetingPage | None:
    """A meeting of this group, or None. ``answers``: policy -> what was said, for the policies that came up."""
    meeting = session.execute(
        select(Meeting).where(Meeting.id == meeting_id, Meeting.group_id == group_id)
    ).scalar_one_or_none()
    if meeting is None:
        return None
    corrections = aliased(Stance)
    said = session.execute(
        select(
            Stance.policy, Stance.answer, Stance.basis, Stance.times_asked, Stance.citation,
            corrections.id.label("corrected_by"),
        )
        .outerjoin(corrections, corrections.corrects_id == Stance.id)
        .where(Stance.group_id == group_id, Stance.meeting_id == meeting_id)
        .order_by(Stance.policy)
    ).all()  # fmt: skip
    promises = session.execute(
        select(*LINE).where(Promise.group_id == group_id, Promise.meeting_id == meeting_id).order_by(Promise.id)
    ).all()
    campaigns = session.execute(
        select(Campaign.id, Campaign.name, Campaign.state)
        .where(Campaign.group_id == group_id, Campaign.meeting_id == meeting_id)
        .order_by(Campaign.id)
    ).all()
    return MeetingPage(
        meeting=meeting,
        official=session.get_one(Official, meeting.official_id),
        answers={row.policy: row for row in said},
        promises=promises,
        campaigns=campaigns,
        may_draft=needs_escalation(meeting.outcome) and all(row.state in ENDED for row in campaigns),
        may_stand_down=not needs_escalation(meeting.outcome)
        and bool(running_of(session, group_id, meeting.official_id)),
    )
