"""Asking for a second person: what is asked for is looked at as a launch looks at it, and frozen by a digest."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any, Final

import structlog
from sqlalchemy import select, update
from sqlalchemy.orm import Session

from outreach.accounts.audit import record_audit
from outreach.accounts.safety import needs_two
from outreach.approvals.digests import digest_of, people_of
from outreach.approvals.models import ApprovalRequest
from outreach.core.db import Transaction
from outreach.core.errors import BadInputError, ConflictError, NotFoundError
from outreach.core.runtime import Runtime
from outreach.escalations.drafts import text_values
from outreach.escalations.launch import check_launch, check_tactic, check_texts, texts_of
from outreach.escalations.models import BEFORE_LAUNCH, Campaign
from outreach.escalations.revisions import check_read, lock_draft
from outreach.escalations.schedule import check_time
from outreach.escalations.waves import WHO, check_again, check_wave
from outreach.messaging.threads import Actor
from outreach.phone_tree.branches import problems_of
from outreach.phone_tree.editing import get_tree, nodes_of
from outreach.phone_tree.running import check_waits

log = structlog.get_logger(__name__)

LAUNCH, SCHEDULE, WAVE, TREE, OFF = "launch", "schedule", "wave", "tree", "off"
WAITS_FOR: Final = timedelta(hours=72)
"""Real time: whoever should approve may be away for a weekend; later nobody remembers what was asked."""


def ask_launch(tx: Transaction, runtime: Runtime, who: Actor, campaign_id: int, *, version: str) -> ApprovalRequest:
    """Ask that the draft that was read is launched. Raises what launching raises."""
    campaign = check_read(tx, who.group_id, campaign_id, version)
    check_launch(tx, campaign, runtime.clock.now())
    return _ask(tx, runtime, who, LAUNCH, campaign, {})


def ask_schedule(
    tx: Transaction, runtime: Runtime, who: Actor, campaign_id: int, *, version: str, at: datetime
) -> ApprovalRequest:
    """Ask that it launches by itself at a domain time. Raises what setting that time raises."""
    campaign = check_read(tx, who.group_id, campaign_id, version)
    check_time(at, runtime.clock.now())
    check_launch(tx, campaign, at)
    return _ask(tx, runtime, who, SCHEDULE, campaign, {"at": at.isoformat()})


def ask_wave(
    tx: Transaction, runtime: Runtime, who: Actor, campaign_id: int, *, audience: str, texts: Mapping[str, str]
) -> ApprovalRequest:
    """Ask for a further text, to the ``silent`` or those who ``replied``. Raises what launching it raises."""
    if audience not in WHO:
        raise BadInputError("wave_who_unknown", who=audience)
    campaign = lock_draft(tx, who.group_id, campaign_id)
    earlier = check_wave(tx, campaign, runtime.clock.now())
    check_tactic(tx, campaign, runtime.clock.now())
    check_again(tx, campaign, texts)
    asked = {"who": audience, "number": earlier[-1].number + 1, "texts": dict(texts)}
    return _ask(tx, runtime, who, WAVE, campaign, asked)


def ask_tree(
    tx: Transaction, runtime: Runtime, who: Actor, campaign_id: int, *, tree_id: int, nudge: int, backup: int,
    channel: str,
) -> ApprovalRequest:  # fmt: skip
    """Ask that a phone tree is started for a campaign. Raises what starting it raises."""
    tree = get_tree(tx, who.group_id, tree_id, lock=True)
    wrong = problems_of(nodes_of(tx, tree_id))
    if wrong:
        raise BadInputError("tree_wrong", problem=wrong[0].code)
    check_waits(nudge, backup)
    campaign = lock_draft(tx, who.group_id, campaign_id)
    if campaign.state not in (*BEFORE_LAUNCH, "launched"):
        raise ConflictError("campaign_not_running")
    check_tactic(tx, campaign, runtime.clock.now())
    check_texts(texts_of(campaign), text_values(tx, campaign))
    asked = {"tree_id": tree.id, "nudge": nudge, "backup": backup, "channel": channel}
    return _ask(tx, runtime, who, TREE, campaign, asked)


def ask_off(tx: Transaction, runtime: Runtime, who: Actor) -> ApprovalRequest:
    """Ask that no second person is needed any more: that needs one as well."""
    return _ask(tx, runtime, who, OFF, None, {})


def _ask(
    tx: Transaction, runtime: Runtime, who: Actor, kind: str, campaign: Campaign | None, asked_for: dict[str, Any]
) -> ApprovalRequest:
    """Note the request. Asked twice by the same person for the same thing, it is there once."""
    if not needs_two(tx, who.group_id):
        raise ConflictError("approval_not_on")
    at = runtime.clock.real_now()
    digest = digest_of(tx, who.group_id, kind, campaign, asked_for)
    for earlier in waiting(tx, who.group_id, campaign.id if campaign else None):
        if earlier.expires_at <= at:
            earlier.state = "expired"
        elif not is_unchanged(tx, earlier, campaign):
            earlier.state, earlier.decided_at = "void", at
        elif earlier.digest == digest and earlier.requested_by == who.user_id:
            return earlier
        else:
            raise ConflictError("approval_waits")
    tx.flush()
    request = ApprovalRequest(
        group_id=who.group_id, campaign_id=campaign.id if campaign else None, kind=kind, asked_for=asked_for,
        digest=digest, people=people_of(tx, runtime, who.group_id, kind, campaign, asked_for), requested_by=who.user_id,
        requester=who.name[:120], requested_at=at, expires_at=at + WAITS_FOR, state="waiting",
    )  # fmt: skip
    tx.add(request)
    tx.flush()
    note(tx, request, who.name, "approval_asked", at)
    return request


def waiting(session: Session, group_id: int, campaign_id: int | None) -> list[ApprovalRequest]:
    """What waits for a campaign, or for the group itself. One at most, once it is locked."""
    query = select(ApprovalRequest).where(
        ApprovalRequest.group_id == group_id, ApprovalRequest.state == "waiting",
        ApprovalRequest.campaign_id == campaign_id if campaign_id else ApprovalRequest.campaign_id.is_(None),
    )  # fmt: skip
    return list(session.execute(query).scalars())


def is_unchanged(session: Session, request: ApprovalRequest, campaign: Campaign | None) -> bool:
    """Whether everything still is what was asked for: words, audience, office, tree."""
    try:
        return digest_of(session, request.group_id, request.kind, campaign, request.asked_for) == request.digest
    except NotFoundError:  # a segment, or the tree, is gone
        return False


def withdraw(tx: Transaction, runtime: Runtime, who: Actor, request_id: int) -> None:
    """Take a request back. Raises NotFoundError, ConflictError (approval_not_yours, approval_decided)."""
    request = get_request(tx, who.group_id, request_id)
    if request.requested_by != who.user_id:
        raise ConflictError("approval_not_yours")
    settle(tx, request, who, "withdrawn", runtime.clock.real_now())


def get_request(session: Session, group_id: int, request_id: int) -> ApprovalRequest:
    """A request of this group. Raises NotFoundError."""
    request = session.get(ApprovalRequest, request_id)
    if request is None or request.group_id != group_id:
        raise NotFoundError("approval_unknown")
    return request


def settle(
    tx: Transaction, request: ApprovalRequest, who: Actor, state: str, at: datetime, reason: str | None = None
) -> None:
    """Move a request that waits, once; of many at once one does. Raises ConflictError (approval_decided)."""
    moved = (
        update(ApprovalRequest)
        .where(ApprovalRequest.id == request.id, ApprovalRequest.state == "waiting", ApprovalRequest.expires_at > at)
        .values(state=state, decided_by=who.user_id, decider=who.name[:120], decided_at=at, reason=reason)
        .returning(ApprovalRequest.id)
    )
    if tx.execute(moved, execution_options={"synchronize_session": False}).first() is None:
        raise ConflictError("approval_decided", hours=int(WAITS_FOR.total_seconds() // 3600))
    note(tx, request, who.name, f"approval_{state}", at, **({"reason": reason} if reason else {}))


def note(tx: Transaction, request: ApprovalRequest, actor: str, action: str, at: datetime, **details: object) -> None:
    """A row of the book about a request."""
    record_audit(
        tx, group_id=request.group_id, actor=actor, action=action, subject=f"approval_request:{request.id}", at=at,
        kind=request.kind, campaign=request.campaign_id, people=request.people, requester=request.requester, **details,
    )  # fmt: skip
    log.info(action, request_id=request.id, kind=request.kind, campaign_id=request.campaign_id)
