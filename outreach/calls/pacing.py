"""The pace of a campaign as it is now: how many texts a minute its office's lines bear, and when it can be called."""

from __future__ import annotations

from sqlalchemy import select
from sqlalchemy.orm import Session

from outreach.calls.subject import LINES, opening_of
from outreach.core.errors import BadInputError
from outreach.core.runtime import Runtime
from outreach.escalations.audience import count_audience
from outreach.escalations.models import Campaign, Wave
from outreach.escalations.pacing import Paced, is_paced, never_meet, share_who_call, texts_a_minute
from outreach.escalations.segments import freeze
from outreach.messaging.gates import counts_of, texted
from outreach.messaging.models import Gate
from outreach.officials.models import Office


def paced_of(session: Session, campaign: Campaign, gate_ids: tuple[int, ...] = ()) -> Paced | None:
    """The pace of a campaign, by what the people of these gates did; None where it is not paced."""
    office = session.get(Office, campaign.office_id) if campaign.office_id else None
    if office is None or not is_paced(campaign, office):
        return None
    reached = callers = 0
    for gate_id in gate_ids:
        counts = counts_of(session, gate_id)
        reached += texted(counts)
        told = sum(count for name, count in counts.items() if name.startswith("report:"))
        callers += max(told, counts.get("call:asked", 0))
    lines = office.lines or LINES
    return Paced(texts_a_minute(lines, share_who_call(reached, callers)), lines, lambda at: opening_of(office, at))


def pace_of_gate(session: Session, gate_id: int) -> Paced | None:
    """The pace of a wave's campaign; None where it is not paced any more: its office is gone."""
    campaign = session.execute(
        select(Campaign).join(Wave, Wave.campaign_id == Campaign.id).where(Wave.gate_id == gate_id)
    ).scalar()
    return paced_of(session, campaign, (gate_id,)) if campaign else None


def paced_gates(session: Session, campaign_id: int) -> tuple[int, ...]:
    """A campaign's gates that are paced."""
    query = select(Gate.id).join(Wave, Wave.gate_id == Gate.id).where(Wave.campaign_id == campaign_id)
    return tuple(session.execute(query.where(Gate.sends_until.is_not(None)).order_by(Gate.id)).scalars())


def check_pace(session: Session, runtime: Runtime, campaign: Campaign) -> None:
    """Raises BadInputError (pacing_never) when some of the audience have no hour in common with the office."""
    paced = paced_of(session, campaign)
    if paced is None:
        return
    now = runtime.clock.now()
    chosen = freeze(session, campaign.group_id, campaign.audience)
    audience = count_audience(session, campaign.group_id, chosen.get("lists", []), now, chosen.get("trees", []))
    people = never_meet(audience.cohorts, paced.office, now)
    if people:
        raise BadInputError("pacing_never", people=people)
