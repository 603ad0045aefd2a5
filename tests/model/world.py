"""What the model keeps beside the database: the senders' memory, the words of people, and readings for the checks."""

from __future__ import annotations

from collections import Counter, defaultdict
from dataclasses import dataclass, field
from datetime import datetime
from typing import NamedTuple

from sqlalchemy import bindparam, func, select

from outreach.core.clock import Clock
from outreach.core.db import Base, Database
from outreach.core.runtime import Runtime
from outreach.escalations.drafts import draft_from_meeting
from outreach.escalations.models import Wave
from outreach.messaging.claims import Claimed
from outreach.messaging.models import Event, Message, MessageAttempt
from outreach.messaging.record import Outcome
from outreach.messaging.slices import Post
from outreach.messaging.states import public_state
from outreach.officials.imports import add_official
from outreach.officials.meetings import record_meeting
from outreach.tallies.reads import PUBLIC_STATES, counters
from tests.factories import World


@dataclass
class SenderModel:
    """What a sender holds in memory, and loses when it is killed. ``begun``: a post and the real time of its commit."""

    token: str
    claimed: list[Claimed] = field(default_factory=list)
    begun: list[tuple[Post, float]] = field(default_factory=list)
    answers: list[Outcome] = field(default_factory=list)
    recorded: list[Outcome] = field(default_factory=list)


@dataclass
class Words:
    """What one number's owner said, by the time they said it, and what the carrier said of them."""

    stops: list[datetime] = field(default_factory=list)
    starts: list[datetime] = field(default_factory=list)
    carrier_stop: bool = False

    @property
    def stopped(self) -> bool:
        """COMPLIANCE.md: an opt-out without a later START; the carrier's own is lifted by staff only."""
        return self.carrier_stop or any(not any(start > stop for start in self.starts) for stop in self.stops)


class Row(NamedTuple):
    """A message as the checks read it."""

    id: int
    number_hash: bytes
    state: str
    carrier_sid: str | None
    decision: str | None
    retry_of: int | None


@dataclass(frozen=True)
class Reading:
    """One snapshot of the database."""

    rows: list[Row]
    open_attempts: dict[int, int]
    attempts: Counter[bytes]
    counted: dict[str, int]
    unfolded: int

    @property
    def by_state(self) -> dict[str, int]:
        """GROUP BY over the rows; what was sent again counts no more."""
        found = Counter(public_state(row.state) for row in self.rows)
        return {name: found[name] for name in PUBLIC_STATES}


ROWS = select(
    Message.id, Message.number_hash, Message.state, Message.carrier_sid, Message.decision, Message.retry_of
).where(Message.gate_id == bindparam("gate"))
ATTEMPTS = (
    select(Message.id, Message.number_hash, MessageAttempt.closed, func.count())
    .join(MessageAttempt, MessageAttempt.message_id == Message.id)
    .where(Message.gate_id == bindparam("gate"))
    .group_by(Message.id, Message.number_hash, MessageAttempt.closed)
)
TAIL = select(func.count()).where(Event.folded_at.is_(None))
KEPT = ("audit_event", "groups")
"""The book of decisions lets nobody delete, and names its group; no rule of the model reads either."""
EMPTY = [one.delete() for one in reversed(Base.metadata.sorted_tables) if one.name not in KEPT]
"""Statements are made once: to make one costs more than to run it, and the model reads after every step."""


def read(db: Database, gate_id: int, clock: Clock) -> Reading:
    """The gate's messages, their attempts, and the counters with the unfolded tail, in one snapshot."""
    with db.snapshot() as session:
        plain = session.connection()
        rows = plain.execute(ROWS, {"gate": gate_id}).all()
        attempts = plain.execute(ATTEMPTS, {"gate": gate_id}).all()
        counted = counters(session, gate_id, clock)
        unfolded = plain.execute(TAIL).scalar_one()
    open_attempts: dict[int, int] = defaultdict(int)
    by_number: Counter[bytes] = Counter()
    for message_id, number_hash, closed, count in attempts:
        by_number[number_hash] += count
        open_attempts[message_id] += 0 if closed else count
    return Reading(
        [Row(*row) for row in rows],
        dict(open_attempts),
        by_number,
        {name: counted[name] for name in PUBLIC_STATES},
        unfolded,
    )


def campaign_of(runtime: Runtime, world: World) -> tuple[int, int]:
    """An official, and a launched campaign about them whose wave is the world's gate; their ids."""
    with runtime.db.transaction() as tx:
        official = add_official(tx, runtime, world.group_id, name="Dana", role="Mayor", phone="602-555-0142")
        meeting = record_meeting(
            tx, runtime, world.group_id, official_id=official.id, held_on=runtime.clock.now().date(),
            outcome="declined", recorded_by="tester",
        )  # fmt: skip
        campaign = draft_from_meeting(tx, runtime, meeting)
        assert campaign is not None
        campaign.state, now = "launched", runtime.clock.now()
        tx.add(
            Wave(group_id=world.group_id, campaign_id=campaign.id, number=1, gate_id=world.gate_id, audience={},
                 planned_at=now, woken_at=now, launched_at=now)
        )  # fmt: skip
        return official.id, campaign.id


def wipe(db: Database) -> None:
    """Empty every table: cheaper than a new database for each example."""
    with db.transaction() as tx:
        for statement in EMPTY:
            tx.connection().execute(statement)
