"""A meeting logged through the site: stored once, with the draft campaign that follows from it."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any, NamedTuple

from sqlalchemy import select

from outreach.core.db import Transaction
from outreach.core.errors import ConflictError, NotFoundError
from outreach.core.runtime import Runtime
from outreach.escalations.drafts import draft_from_meeting
from outreach.escalations.models import ENDED, Campaign
from outreach.officials.meetings import Answer, Promised, record_meeting
from outreach.officials.models import Meeting, Official, Promise, Stance
from outreach.officials.plans import close_plan


class Logged(NamedTuple):
    """A meeting, and the campaign that was drafted from it unless they committed."""

    meeting_id: int
    campaign_id: int | None


def log_meeting(
    tx: Transaction,
    runtime: Runtime,
    group_id: int,
    *,
    official_id: int,
    recorded_by: str,
    opened_at: datetime,
    plan_id: int | None = None,
    **said: Any,
) -> Logged:
    """Record a meeting and draft its campaign; the same form again returns what the first time made.

    ``plan_id``: the plan that it was prepared with, which it closes. ``said`` is what ``record_meeting`` takes besides;
    errors are its own, NotFoundError (plan_unknown), and ConflictError (meeting_logged_already) when this form has
    stored a meeting of that day with other words: only the person knows whether it is a second one.
    """
    # Two equal forms at once: the second waits here until the first is stored, then sees it.
    tx.execute(
        select(Official.id)
        .where(Official.id == official_id, Official.group_id == group_id)
        .with_for_update(key_share=True)
    )
    earlier = _logged_since(tx, group_id, official_id, recorded_by, said["held_on"], opened_at)
    for meeting in earlier:
        if _content(tx, meeting) == _given(said):
            draft = tx.execute(select(Campaign.id).where(Campaign.meeting_id == meeting.id).order_by(Campaign.id))
            return Logged(meeting.id, draft.scalars().first())
    if earlier:
        raise ConflictError("meeting_logged_already")
    made = record_meeting(tx, runtime, group_id, official_id=official_id, recorded_by=recorded_by, **said)
    if plan_id is not None:
        close_plan(tx, runtime, group_id, plan_id, made)
    drafted = draft_from_meeting(tx, runtime, made)
    return Logged(made.id, drafted.id if drafted else None)


def draft_again(tx: Transaction, runtime: Runtime, group_id: int, meeting_id: int) -> int | None:
    """A draft from a meeting whose campaigns were all thrown away or ended; its id, or that of the one that lives.

    None when they committed. Raises NotFoundError for another group's meeting.
    """
    # Two presses at once: the second waits here until the first is stored, then finds its draft.
    meeting = tx.execute(
        select(Meeting).where(Meeting.id == meeting_id, Meeting.group_id == group_id).with_for_update(key_share=True)
    ).scalar_one_or_none()
    if meeting is None:
        raise NotFoundError("meeting_unknown")
    living = tx.execute(
        select(Campaign.id).where(Campaign.meeting_id == meeting_id, Campaign.state.not_in(ENDED)).order_by(Campaign.id)
    )
    found = living.scalars().first()
    if found is not None:
        return int(found)
    drafted = draft_from_meeting(tx, runtime, meeting)
    return drafted.id if drafted else None


def _logged_since(
    tx: Transaction, group_id: int, official_id: int, recorded_by: str, held_on: date, opened_at: datetime
) -> list[Meeting]:
    query = select(Meeting).where(
        Meeting.group_id == group_id, Meeting.official_id == official_id, Meeting.recorded_by == recorded_by,
        Meeting.held_on == held_on, Meeting.created_at >= opened_at,
    )  # fmt: skip
    return list(tx.execute(query.order_by(Meeting.id)).scalars())


def _content(tx: Transaction, meeting: Meeting) -> tuple[Any, ...]:
    stances = tx.execute(
        select(Stance.policy, Stance.answer, Stance.basis, Stance.times_asked, Stance.citation)
        .where(Stance.meeting_id == meeting.id)
        .order_by(Stance.id)
    )
    promises = tx.execute(
        select(Promise.text, Promise.due_on, Promise.staff_contact)
        .where(Promise.meeting_id == meeting.id)
        .order_by(Promise.id)
    )
    return (
        meeting.outcome, meeting.attendees, meeting.notes, meeting.staff_name or "", meeting.staff_role or "",
        [Answer(*row) for row in stances], [Promised(*row) for row in promises],
    )  # fmt: skip


def _given(said: dict[str, Any]) -> tuple[Any, ...]:
    texts = ("outcome", "attendees", "notes", "staff_name", "staff_role")
    return *(said[name] for name in texts), said["answers"], said["promises"]
