"""The data of a campaign's live page: counters, timeline, rate and finish time. One snapshot, no message is counted."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import BigInteger, BindParameter, bindparam, func, select
from sqlalchemy.engine import Connection
from sqlalchemy.orm import Session

from outreach.core.clock import Clock
from outreach.escalations.models import Wave
from outreach.messaging.models import PARKED, Message, Timeline
from outreach.tallies.campaign import CampaignTally, campaign_tally

MOST_STEPS = 60
RATE_MINUTES = 5
"""How far back deliveries say how fast it goes."""
MOVING = ("planned", "accepted", "sent")
"""States of texts that are to be delivered by and by; what is held waits for another hour."""
SERIES = ("delivered", "replies", "reports", "opted_out")


GATES: BindParameter[Any] = bindparam("gates", expanding=True)
OURS = select(Wave.gate_id).where(Wave.campaign_id == bindparam("campaign"))
FIRST, LAST = (select(end(Timeline.minute)).where(Timeline.gate_id.in_(GATES)) for end in (func.min, func.max))
ENDS = select(FIRST.scalar_subquery(), LAST.scalar_subquery())
"""Two questions in one: each is a step into the index, where SQLite would read every row to answer both at once."""
STEP = ((Timeline.minute - bindparam("first", type_=BigInteger)) // bindparam("width", type_=BigInteger)).label("step")
STEPS = (
    select(Timeline.name, STEP, func.sum(Timeline.count))
    .where(Timeline.gate_id.in_(GATES))
    .group_by(Timeline.name, STEP)
)
DELIVERED = select(func.sum(Timeline.count), func.min(Timeline.minute)).where(
    Timeline.gate_id.in_(GATES), Timeline.minute > bindparam("since"), Timeline.name == "delivered"
)
OPENS = (
    select(Message.not_before)
    .where(Message.state == "held", Message.gate_id.in_(GATES), Message.not_before < PARKED)
    .order_by(Message.not_before)
    .limit(1)
)


@dataclass(frozen=True, slots=True)
class Live:
    """``began`` and ``ended`` bound the timeline; each series has as many equal steps, MOST_STEPS at most. Domain time.

    ``rate`` is deliveries a minute over the last minutes, 0 while no text is under way: when nothing is left to
    deliver, or somebody has paused it. ``finish_at`` is None where nothing can be said.
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
    reading = session.connection()
    gates = list(reading.execute(OURS, {"campaign": campaign_id}).scalars())
    held_until = _opens(reading, gates, tally)
    first, last = reading.execute(ENDS, {"gates": gates}).one()
    if first is None or last is None:
        return Live(tally, None, None, {name: [] for name in SERIES}, 0.0, None, held_until)
    span = last - first + 1
    width = -(-span // MOST_STEPS)
    steps = -(-span // width)
    series = {name: [0] * steps for name in SERIES}
    for name, step, added in reading.execute(STEPS, {"gates": gates, "first": first, "width": width}):
        series[name][int(step)] += int(added)
    now = clock.now()
    rate = _rate(reading, gates, now) if is_moving(tally) else 0.0
    waiting = tally.states["planned"]
    finish = now + timedelta(minutes=waiting / rate) if rate and waiting else None
    return Live(tally, _at(first), _at(first + width * steps), series, rate, finish, held_until)


def is_moving(tally: CampaignTally) -> bool:
    """Whether deliveries are still to come, of a campaign that nobody has stopped. Pure."""
    return tally.state == "launched" and any(tally.states[state] for state in MOVING)


def rate_a_minute(delivered: int, first: int | None, now: datetime) -> float:
    """Deliveries a minute, since the first of them within the window; 0 when there was none. Pure.

    ``first``: its minute since 1970. At least a whole minute is counted, or the first seconds would promise a speed
    that nobody has seen kept. Where deliveries began before the window, their first minute is the window's.
    """
    if first is None:
        return 0.0
    return delivered / max(1.0, now.timestamp() / 60 - first)


def _rate(reading: Connection, gates: list[int], now: datetime) -> float:
    since = int(now.timestamp()) // 60 - RATE_MINUTES
    delivered, first = reading.execute(DELIVERED, {"gates": gates, "since": since}).one()
    return rate_a_minute(int(delivered or 0), first, now)


def _opens(reading: Connection, gates: list[int], tally: CampaignTally) -> datetime | None:
    """When the first held text may go out."""
    return reading.execute(OPENS, {"gates": gates}).scalar() if tally.states["held"] else None


def _at(minute: int) -> datetime:
    return datetime.fromtimestamp(minute * 60, UTC)
