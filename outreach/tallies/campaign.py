"""A campaign's tally: the numbers of its page, its JSON, and the story's last line."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from outreach.core.clock import Clock
from outreach.core.errors import NotFoundError
from outreach.escalations.models import Campaign, Wave
from outreach.messaging.models import Gate
from outreach.officials.models import Official
from outreach.tallies.reads import PUBLIC_STATES, counters

OUTCOMES = ("spoke", "voicemail", "mailbox_full", "no_answer", "busy", "refused", "done")


@dataclass(frozen=True, slots=True)
class CampaignTally:
    """``states`` are disjoint and sum to ``recipients``; ``reports`` counts what people said of their calls."""

    campaign_id: int
    name: str
    official: str
    state: str
    reason: str | None
    recipients: int
    states: dict[str, int]
    replies: int
    opted_out: int
    reports: dict[str, int]
    at: datetime


def campaign_tally(session: Session, group_id: int, campaign_id: int, clock: Clock) -> CampaignTally:
    """Exact as of one snapshot. Raises NotFoundError for a campaign of another group, or none."""
    campaign = session.get(Campaign, campaign_id)
    if campaign is None or campaign.group_id != group_id:
        raise NotFoundError("campaign_unknown", campaign_id=campaign_id)
    gates = (
        session.execute(
            select(Gate)
            .join(Wave, Wave.gate_id == Gate.id)
            .where(Wave.campaign_id == campaign_id)
            .order_by(Wave.number)
        )
        .scalars()
        .all()
    )
    total: Counter[str] = Counter()
    for gate in gates:
        total.update(counters(session, gate.id, clock))
    states = {state: total[state] for state in PUBLIC_STATES}
    official = session.get_one(Official, campaign.official_id)
    paused = next((gate for gate in gates if gate.state == "paused"), None)
    return CampaignTally(
        campaign_id=campaign.id,
        name=campaign.name,
        official=f"{official.role} {official.name}".strip(),
        state="paused" if campaign.state == "launched" and paused else campaign.state,
        reason=paused.reason if paused else None,
        recipients=sum(states.values()),
        states=states,
        replies=total["replies"],
        opted_out=total["opted_out"],
        reports={outcome: total[f"report:{outcome}"] for outcome in OUTCOMES if total[f"report:{outcome}"]},
        at=clock.now(),
    )
