"""Deciding on a request: whoever approves launches, in the same transaction."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from datetime import datetime
from typing import Any, Final

from sqlalchemy import select
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Session

from outreach.accounts.audit import record_audit
from outreach.accounts.members import organizer_of, organizers_of
from outreach.accounts.safety import GroupSafety, needs_two
from outreach.approvals.asking import LAUNCH, OFF, SCHEDULE, WAVE, get_request, is_unchanged, settle
from outreach.approvals.digests import people_now
from outreach.approvals.models import ApprovalRequest
from outreach.core.db import Transaction
from outreach.core.errors import BadInputError, ConflictError, NotFoundError
from outreach.core.runtime import Runtime
from outreach.escalations.launch import launch_campaign
from outreach.escalations.models import Campaign
from outreach.escalations.revisions import lock_draft
from outreach.escalations.schedule import schedule_launch
from outreach.escalations.segments import hold_audience
from outreach.escalations.waves import launch_wave
from outreach.messaging.threads import Actor
from outreach.phone_tree.editing import get_tree
from outreach.phone_tree.running import start_run

REASON_LENGTH: Final = 300


def approve(tx: Transaction, runtime: Runtime, who: Actor, request_id: int, *, people: int | None) -> bool:
    """Let it happen, at once. False when it was changed since: then the request is void, and nothing happened.

    ``people``: how many the approver has read that it reaches. Of two at once one approves. Raises NotFoundError,
    ConflictError (approval_own, approval_decided, approval_count) and what a launch raises, after which it still waits.
    """
    request = get_request(tx, who.group_id, request_id)
    campaign = _locked(tx, request)
    if campaign is not None:
        hold_audience(tx, who.group_id, campaign.audience)
    tx.refresh(request, with_for_update=True)
    if request.requested_by == who.user_id or not organizer_of(tx, who.group_id, who.user_id):
        raise ConflictError("approval_own")
    at = runtime.clock.real_now()
    if request.state == "waiting" and not is_unchanged(tx, request, campaign):
        settle(tx, request, who, "void", at)
        return False
    settle(tx, request, who, "approved", at)
    if campaign is None:
        _choose(tx, request.group_id, on=False, by=who.name, at=at)
        return True
    now = people_now(tx, runtime, request, campaign)
    if people != now:
        raise ConflictError("approval_count", people=f"{now:,}")
    request.people = now
    _do(tx, runtime, request, campaign)
    return True


def _locked(tx: Transaction, request: ApprovalRequest) -> Campaign | None:
    """What the request is about, locked before the request, as asking does it: a tree, then the campaign."""
    if request.kind == OFF:
        return None
    if request.kind not in {LAUNCH, SCHEDULE, WAVE}:
        with suppress(NotFoundError):  # deleted since: the digest will say so
            get_tree(tx, request.group_id, request.asked_for["tree_id"], lock=True)
    return lock_draft(tx, request.group_id, request.campaign_id or 0)


def _do(tx: Transaction, runtime: Runtime, request: ApprovalRequest, campaign: Campaign) -> None:
    group_id, asked = request.group_id, request.asked_for
    if request.kind == LAUNCH:
        launch_campaign(tx, runtime, group_id, campaign.id, approved=True)
    elif request.kind == SCHEDULE:
        schedule_launch(tx, runtime, group_id, campaign.id, datetime.fromisoformat(asked["at"]), approved=True)
    elif request.kind == WAVE:
        launch_wave(tx, runtime, group_id, campaign.id, who=asked["who"], texts=asked["texts"], approved=True)
    else:
        start_run(
            tx, runtime, group_id, asked["tree_id"], campaign.id, by=request.requester, nudge_minutes=asked["nudge"],
            backup_minutes=asked["backup"], channel=asked["channel"], approved=True,
        )  # fmt: skip


def decline(tx: Transaction, runtime: Runtime, who: Actor, request_id: int, reason: str) -> None:
    """Say no, and why. Raises NotFoundError, ConflictError (approval_own, approval_decided), BadInputError."""
    request, said = get_request(tx, who.group_id, request_id), reason.strip()
    if request.requested_by == who.user_id:
        raise ConflictError("approval_own")
    if not 1 <= len(said) <= REASON_LENGTH:
        raise BadInputError("approval_why", most=REASON_LENGTH)
    settle(tx, request, who, "declined", runtime.clock.real_now(), said)


def switch_on(tx: Transaction, runtime: Runtime, group_id: int, *, by: str) -> None:
    """From now on each launch of the group needs a second person. Raises ConflictError (approval_needs_two)."""
    if len(organizers_of(tx, group_id)) < 2:
        raise ConflictError("approval_needs_two")
    _choose(tx, group_id, on=True, by=by, at=runtime.clock.real_now())


def switch_off_alone(tx: Transaction, runtime: Runtime, group_id: int, *, by: str) -> None:
    """For whoever runs the site, where nobody is left who could be the second person. Raises ConflictError."""
    if len(organizers_of(tx, group_id)) >= 2:
        raise ConflictError("approval_needed")
    _choose(tx, group_id, on=False, by=by, at=runtime.clock.real_now())


def _choose(tx: Transaction, group_id: int, *, on: bool, by: str, at: datetime) -> None:
    if needs_two(tx, group_id) == on:
        return
    row = {"two_person": on, "changed_by": by[:120], "changed_at": at}
    insert: Any = (sqlite if tx.is_sqlite else postgresql).insert(GroupSafety).values(group_id=group_id, **row)
    tx.execute(insert.on_conflict_do_update(index_elements=["group_id"], set_=row))
    action = "approval_on" if on else "approval_off"
    record_audit(tx, group_id=group_id, actor=by, action=action, subject=f"groups:{group_id}", at=at)


def open_requests(session: Session, group_id: int, at: datetime) -> Sequence[Any]:
    """What waits in a group at a real time, oldest first: request and the campaign's name; None for the setting."""
    query = (
        select(ApprovalRequest, Campaign.name.label("campaign"))
        .outerjoin(Campaign, Campaign.id == ApprovalRequest.campaign_id)
        .where(
            ApprovalRequest.group_id == group_id, ApprovalRequest.state == "waiting", ApprovalRequest.expires_at > at
        )
        .order_by(ApprovalRequest.id)
    )
    return session.execute(query).all()


def newest(session: Session, group_id: int, campaign_id: int | None) -> ApprovalRequest | None:
    """The latest request for a campaign, or for the group itself, however it stands."""
    about = ApprovalRequest.campaign_id == campaign_id if campaign_id else ApprovalRequest.campaign_id.is_(None)
    query = select(ApprovalRequest).where(ApprovalRequest.group_id == group_id, about)
    return session.execute(query.order_by(ApprovalRequest.id.desc()).limit(1)).scalar()
