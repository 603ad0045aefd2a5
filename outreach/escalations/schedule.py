"""A launch at a time that the organizer has chosen. Until then the campaign is nobody's to edit."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Final

import structlog
from sqlalchemy import select, update

from outreach.accounts.audit import record_audit
from outreach.accounts.safety import check_alone
from outreach.core.db import Transaction
from outreach.core.errors import BadInputError, ConflictError, OutreachError
from outreach.core.runtime import Runtime
from outreach.escalations.drafts import get_campaign
from outreach.escalations.launch import check_launch, launch_campaign
from outreach.escalations.models import Campaign

log = structlog.get_logger(__name__)

LONGEST: Final = timedelta(days=60)
"""Further ahead nobody knows who will be in the lists, or in office."""


def check_time(at: datetime, now: datetime) -> None:
    """Raises BadInputError (launch_time_past, launch_time_far) for a launch time that cannot be. Domain times."""
    if at <= now:
        raise BadInputError("launch_time_past")
    if at > now + LONGEST:
        raise BadInputError("launch_time_far", days=LONGEST.days)


def schedule_launch(
    tx: Transaction, runtime: Runtime, group_id: int, campaign_id: int, at: datetime, *, approved: bool = False
) -> None:
    """Let a draft launch by itself at a domain time, when everything that a launch needs is there now.

    Raises what launching raises, BadInputError launch_time_past or launch_time_far, ConflictError campaign_not_draft.
    """
    if not approved:
        check_alone(tx, group_id)
    campaign = get_campaign(tx, group_id, campaign_id)
    check_time(at, runtime.clock.now())
    check_launch(tx, campaign, at)
    if not _move(tx, group_id, campaign_id, "draft", state="scheduled", launch_at=at, launch_problem=None):
        raise ConflictError("campaign_not_draft", state=campaign.state)
    record_audit(
        tx, group_id=group_id, action="campaign_scheduled", subject=f"campaign:{campaign_id}", launch_at=at.isoformat()
    )


def unschedule_launch(tx: Transaction, group_id: int, campaign_id: int) -> None:
    """Make it a draft again. Raises ConflictError campaign_not_scheduled when it has launched meanwhile."""
    get_campaign(tx, group_id, campaign_id)
    if not _move(tx, group_id, campaign_id, "scheduled", state="draft", launch_at=None):
        raise ConflictError("campaign_not_scheduled")
    record_audit(tx, group_id=group_id, action="campaign_unscheduled", subject=f"campaign:{campaign_id}")


def launch_due(runtime: Runtime, check_approved: Callable[[Transaction, Runtime, int, int], None] | None = None) -> int:
    """Launch what has come due; how many. One that cannot be launched any more is a draft again, and says why.

    ``check_approved`` raises what keeps a group's campaign from leaving; without it nothing leaves where two are asked
    for.
    """
    is_due = (Campaign.state == "scheduled", Campaign.launch_at <= runtime.clock.now())
    with runtime.db.snapshot() as reading:
        due = reading.execute(select(Campaign.id, Campaign.group_id).where(*is_due).order_by(Campaign.launch_at)).all()
    launched = 0
    for campaign_id, group_id in due:
        try:
            with runtime.db.transaction(durable=True) as tx:
                still = select(Campaign.id).where(Campaign.id == campaign_id, *is_due).with_for_update()
                if tx.execute(still).first() is None:  # taken back or put off since it was read
                    continue
                if check_approved is not None:
                    check_approved(tx, runtime, group_id, campaign_id)
                launch_campaign(tx, runtime, group_id, campaign_id, approved=check_approved is not None)
            launched += 1
        except OutreachError as error:
            log.error("scheduled_launch_failed", campaign_id=campaign_id, code=error.code)
            with runtime.db.transaction() as tx:
                _move(
                    tx, group_id, campaign_id, "scheduled", state="draft", launch_at=None,
                    launch_problem=error.code[:64],
                )  # fmt: skip
    return launched


def _move(tx: Transaction, group_id: int, campaign_id: int, source: str, **values: object) -> bool:
    moved = (
        update(Campaign)
        .where(Campaign.id == campaign_id, Campaign.group_id == group_id, Campaign.state == source)
        .values(**values)
        .returning(Campaign.id)
    )
    return tx.execute(moved).first() is not None
