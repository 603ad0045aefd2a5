"""An approved launch time that has come: what was read is what leaves then, also where days lie between.

Until its time a campaign is nobody's to edit, but what it is made of is: the office's number, a segment's rules, the
people of a list. What is not what a second person approved does not leave; it is a draft again, and says why.
"""

from __future__ import annotations

from datetime import datetime
from typing import Final

from sqlalchemy import select

from outreach.accounts.safety import needs_two
from outreach.approvals.asking import SCHEDULE, is_unchanged
from outreach.approvals.digests import people_now
from outreach.approvals.models import ApprovalRequest
from outreach.core.db import Transaction
from outreach.core.errors import ConflictError
from outreach.core.runtime import Runtime
from outreach.escalations import schedule
from outreach.escalations.revisions import lock_draft
from outreach.escalations.segments import hold_audience

GROWS_BY: Final = 10
"""People sign up and opt out until the time has come: a tenth more than were approved may be texted, or so many."""


def launch_due(runtime: Runtime) -> int:
    """Launch what has come due; how many. Where a group wants two, only what a second person has approved."""
    return schedule.launch_due(runtime, check_approved)


def check_approved(tx: Transaction, runtime: Runtime, group_id: int, campaign_id: int) -> None:
    """Raises ConflictError (approval_needed, approval_void, approval_count) for what nobody has approved as it is now.

    A time that was set before the group wanted two was set by one person alone.
    """
    if not needs_two(tx, group_id):
        return
    campaign = lock_draft(tx, group_id, campaign_id)
    hold_audience(tx, group_id, campaign.audience)
    latest = select(ApprovalRequest).where(
        ApprovalRequest.group_id == group_id, ApprovalRequest.campaign_id == campaign_id,
        ApprovalRequest.kind == SCHEDULE, ApprovalRequest.state == "approved",
    )  # fmt: skip
    request = tx.execute(latest.order_by(ApprovalRequest.id.desc()).limit(1)).scalar()
    if request is None or datetime.fromisoformat(request.asked_for["at"]) != campaign.launch_at:
        raise ConflictError("approval_needed")
    if not is_unchanged(tx, request, campaign):
        raise ConflictError("approval_void")
    now = people_now(tx, runtime, request, campaign)
    if now > request.people + max(GROWS_BY, request.people // 10):
        raise ConflictError("approval_count", people=f"{now:,}")
