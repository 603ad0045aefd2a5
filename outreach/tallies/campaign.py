"""A campaign's tally: the numbers of its page, its JSON, and the story's last line."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import bindparam, select
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


HEAD = (
    select(
        Campaign.id, Campaign.name, Campaign.state, Official.role, Official.name,
        Gate.id, Gate.state, Gate.reason,
    )
    .join(Official, Official.id == Campaign.official_id)
    .outerjoin(Wave, Wave.campaign_id == Campaign.id)
    .outerjoin(Gate, Gate.id == Wave.gate_id)
    .where(Campaign.id == bindparam("campaign"), Campaign.group_id == bindparam("group"))
    .order_by(Wave.number)
)  # fmt: skip
"""A row for each wave, or one without a gate: one question, because each costs a page as much as the answer."""


def campaign_tally(session: Session, group_id: int, campaign_id: int, clock: Clock) -> CampaignTally:
    """Exact as of one snapshot. Raises NotFoundError for a campaign of another group, or none."""
    rows = session.connection().execute(HEAD, {"campaign": campaign_id, "group": group_id}).all()
    if not rows:
        raise NotFoundError("campaign_unknown", campaign_id=campaign_id)
    total: Counter[str] = Counter()
    paused, reason = False, None
    for gate_id, gate_state, why in (row[5:] for row in rows):
        if gate_id is not None:
            total.update(counters(session, gate_id, clock))
        if gate_state == "paused" and not paused:
            paused, reason = True, why
    _, name, state, role, official = rows[0][:5]
    states = {state: total[state] for state in PUBLIC_STATES}
    return CampaignTally(
        campaign_id=campaign_id,
        name=name,
        official=f"{role} {official}".strip(),
        state="paused" if state == "launched" and paused else state,
        reason=reason,
        recipients=sum(states.values()),
        states=states,
        replies=total["replies"],
        opted_out=total["opted_out"],
        reports={outcome: total[f"report:{outcome}"] for outcome in OUTCOMES if total[f"report:{outcome}"]},
        at=clock.now(),
    )
