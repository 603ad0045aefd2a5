"""The data of a campaign's live page: counters, timeline, rate and finish time. One snapshot, no message is counted."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from outreach.core.clock import Clock
from outreach.escalations.models import Wave
from outreach.messaging.models import Message, Timeline
from outreach.tallies.campaign import CampaignTally, campaign_tally

MOST_STEPS = 60
RATE_MINUTES = 5
SERIES = ("delivered", "replies", "reports", "opted_out")


@dataclass(frozen=True, slots=True)
class Live:
    """``began`` and ``ended`` bound the timeline; each series has as many equal steps, MOST_STEPS at most. Domain time.

    ``rate`` is deliveries a minute over the last minutes; ``finish_at`` is None where nothing can be said.
    """

    tally: CampaignTally
    began: datetime | None
    ended: datetime | None
    series: dict[str, list[int]]
    rate: float
    finish_at: datetime | None
    held_until: datetime | None


def live_tally(session: Session, group_id: int, campaign_id: int, clock: Clock) -> Live:
    """Raises NotFoundError for a campaign of another group, or none."""
    tally = campaign_tally(session, group_id, campaign_id, clock)
    gates = session.execute(select(Wave.gate_id).where(Wave.campaign_id == campaign_id)).scalars().all()
    first, last = session.execute(
        select(func.min(Timeline.minute), func.max(Timeline.minute)).where(Timeline.gate_id.in_(gates))
    ).one()
    if first is None or last is None:
        return Live(tally, None, None, {name: [] for name in SERIES}, 0.0, None, _opens(session, gates, tally))
    span = last - first + 1
    width = -(-span // MOST_STEPS)
    steps = -(-span // width)
    step = (Timeline.minute - first) // width
    rows = session.execute(
        select(Timeline.name, step.label("step"), func.sum(Timeline.count).label("added"))
        .where(Timeline.gate_id.in_(gates))
        .group_by(Timeline.name, step)
    ).all()
    series = {name: [0] * steps for name in SERIES}
    for row in rows:
        series[row.name][int(row.step)] += int(row.added)
    now = clock.now()
    rate = _rate(session, gates, now)
    waiting = tally.states["planned"]
    finish = now + timedelta(minutes=waiting / rate) if rate and waiting and tally.state == "launched" else None
    ended = _at(first + width * steps)
    return Live(tally, _at(first), ended, series, rate, finish, _opens(session, gates, tally))


def _rate(session: Session, gates: Sequence[int], now: datetime) -> float:
    since = int(now.timestamp()) // 60 - RATE_MINUTES
    delivered = session.execute(
        select(func.sum(Timeline.count)).where(
            Timeline.gate_id.in_(gates), Timeline.minute > since, Timeline.name == "delivered"
        )
    ).scalar()
    return float(delivered or 0) / RATE_MINUTES


def _opens(session: Session, gates: Sequence[int], tally: CampaignTally) -> datetime | None:
    """When the first held text may go out."""
    if not tally.states["held"]:
        return None
    held = select(Message.not_before).where(Message.state == "held", Message.gate_id.in_(gates))
    return session.execute(held.order_by(Message.not_before).limit(1)).scalar()


def _at(minute: int) -> datetime:
    return datetime.fromtimestamp(minute * 60, UTC)
