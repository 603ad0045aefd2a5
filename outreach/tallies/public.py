"""The number that a campaign shows strangers: how many different people have acted, in steps of five.

Below five it tells no number, and above it only whole fives: the number of a counter that goes up by one says, to
whoever watches it, that this person has just called. A delay would say the same later.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from sqlalchemy import bindparam, func, select
from sqlalchemy.orm import Session

from outreach.accounts.audit import record_audit
from outreach.accounts.models import Group
from outreach.core.errors import BadInputError, ConflictError
from outreach.core.runtime import Runtime
from outreach.escalations.drafts import get_campaign
from outreach.escalations.models import BEFORE_LAUNCH, Campaign, Wave
from outreach.messaging.models import Reply
from outreach.messaging.page_links import number_of, token_for
from outreach.officials.models import Official
from outreach.tallies.pooling import LEAST
from outreach.tallies.sheet_models import PublicCounter

STEP: Final = LEAST
MOST_GOAL: Final = 1_000_000
PURPOSE: Final = "public counter"
PATH: Final = "/count/"
_ACTED = (
    select(func.count(Reply.number_hash.distinct()))
    .join(Wave, Wave.gate_id == Reply.gate_id)
    .where(Wave.campaign_id == bindparam("campaign"), Reply.outcome.is_not(None), Reply.superseded.is_(False))
)

_SHOWN = (
    select(Group.id, Group.name, Official.name, Official.role, Campaign.policy, Campaign.tactic, PublicCounter.goal)
    .select_from(PublicCounter)
    .join(Campaign, Campaign.id == PublicCounter.campaign_id)
    .join(Official, Official.id == Campaign.official_id)
    .join(Group, Group.id == PublicCounter.group_id)
    .where(PublicCounter.campaign_id == bindparam("campaign"), PublicCounter.is_on.is_(True))
)


@dataclass(frozen=True, slots=True)
class Counted:
    """What strangers may know. ``people``: rounded down to whole steps, None: fewer than five."""

    group_id: int
    group: str
    official: str
    role: str
    policy: int
    tactic: str
    goal: int | None
    people: int | None


def shown_number(people: int) -> int | None:
    """The number as it is shown. Pure."""
    return people // STEP * STEP if people >= LEAST else None


def counter_token(runtime: Runtime, campaign_id: int) -> str:
    """The campaign's token; the same each time it is switched on."""
    return token_for(runtime, campaign_id, PURPOSE)


def campaign_of_token(runtime: Runtime, token: str) -> int | None:
    """The campaign that a token was made for; None for any other word."""
    return number_of(runtime, token, PURPOSE)


def acted(session: Session, campaign_id: int) -> int:
    """How many different people have told that they acted. No stranger may know it so exactly."""
    return int(session.execute(_ACTED, {"campaign": campaign_id}).scalar_one())


def read_counter(session: Session, campaign_id: int, people: Callable[[], int | None]) -> Counted | None:
    """What is shown of a campaign; None where it shows nothing. ``people``: counts them, as ``shown_number`` has it."""
    row = session.execute(_SHOWN, {"campaign": campaign_id}).first()
    return None if row is None else Counted(*row, people=people())


def counter_of(session: Session, group_id: int, campaign_id: int) -> PublicCounter | None:
    """How the campaign's counter is set; None: it never was. Raises NotFoundError for another group's campaign."""
    get_campaign(session, group_id, campaign_id)
    return session.get(PublicCounter, campaign_id)


def set_counter(
    runtime: Runtime, group_id: int, campaign_id: int, *, is_on: bool, goal: int | None, actor: str
) -> None:
    """Show a campaign's number to strangers, or no more; who decided it goes into the book.

    Raises NotFoundError, BadInputError counter_goal, ConflictError counter_before_launch.
    """
    if goal is not None and not LEAST <= goal <= MOST_GOAL:
        raise BadInputError("counter_goal", least=LEAST, most=f"{MOST_GOAL:,}")
    at = runtime.clock.real_now()
    with runtime.db.transaction() as tx:
        # Pressed twice at once, the second waits here until the first is stored, then finds its row.
        tx.execute(select(Campaign.id).where(Campaign.id == campaign_id).with_for_update(key_share=True))
        campaign = get_campaign(tx, group_id, campaign_id)
        if is_on and campaign.state in BEFORE_LAUNCH:
            raise ConflictError("counter_before_launch")
        row = tx.get(PublicCounter, campaign_id)
        if row is None:
            row = PublicCounter(campaign_id=campaign_id, group_id=group_id, is_on=False, changed_by="", changed_at=at)
            tx.add(row)
        if (row.is_on, row.goal) == (is_on, goal):
            return
        row.is_on, row.goal, row.changed_by, row.changed_at = is_on, goal, actor[:120], at
        record_audit(
            tx, group_id=group_id, actor=actor, action="public_counter", subject=f"campaign:{campaign_id}", at=at,
            is_on=is_on, goal=goal,
        )  # fmt: skip
