"""The texts of which nobody knows whether they were sent: the read behind the review queue."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from outreach.core.runtime import Runtime
from outreach.escalations.models import Campaign, Wave
from outreach.messaging.models import Message
from outreach.people.models import Constituent
from outreach.web.people_reads import name_of, opened
from outreach.web.people_words import masked

SHOWN: Final = 50


@dataclass(frozen=True, slots=True)
class Doubt:
    """A text in review. ``at``: domain time of its POST; ``may_again``: it belongs to a campaign that goes on."""

    id: int
    who: str
    person_id: int | None
    body: str
    at: datetime | None
    campaign: Any  # id, name, state; None for an answer
    may_again: bool


def _waiting(group_id: int) -> list[Any]:
    return [Message.group_id == group_id, Message.state == "needs_review", Message.decision.is_(None)]


def doubts_waiting(session: Session, group_id: int) -> int:
    """How many texts wait for a decision."""
    return session.execute(select(func.count()).select_from(Message).where(*_waiting(group_id))).scalar_one()


def doubts(session: Session, held: Runtime, group_id: int) -> list[Doubt]:
    """The oldest texts that wait for a decision."""
    rows = session.execute(
        select(Message, Constituent.sealed, Campaign.id, Campaign.name, Campaign.state)
        .outerjoin(Constituent, Constituent.id == Message.constituent_id)
        .outerjoin(Wave, Wave.gate_id == func.coalesce(Message.about_gate_id, Message.gate_id))
        .outerjoin(Campaign, Campaign.id == Wave.campaign_id)
        .where(*_waiting(group_id))
        .order_by(Message.posted_at, Message.id)
        .limit(SHOWN)
    ).all()
    found = []
    for message, sealed, campaign_id, name, state in rows:
        text = opened(held.vault, message.sealed, "message")
        campaign = {"id": campaign_id, "name": name} if campaign_id else None
        found.append(
            Doubt(
                id=message.id,
                who=name_of(opened(held.vault, sealed, "constituent")) or masked(str(text.get("to", ""))),
                person_id=message.constituent_id,
                body=str(text.get("body", "")),
                at=message.posted_at,
                campaign=campaign,
                may_again=message.kind == "campaign" and state == "launched",
            )
        )
    return found
