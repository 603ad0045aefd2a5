"""Where a site stands now, read from its database in one snapshot: what ``/metrics`` and the queue page tell.

Each read is by an index, or of a table that grows with campaigns and not with texts; what may be long is counted up to
COUNTED. Ages are seconds of the clock that decides: real ones of events and leases, domain ones of what is due.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final

from sqlalchemy import Select, func, select, text
from sqlalchemy.orm import Session

from outreach.accounts.models import Group
from outreach.core.clock import Clock
from outreach.core.leases import Lease
from outreach.core.runtime import Runtime
from outreach.escalations.models import Campaign, Wave
from outreach.messaging.conversations import PERHAPS_OPTED_OUT
from outreach.messaging.gates import ORGANIZER, STAND_DOWN
from outreach.messaging.models import IS_LEASED, Conversation, Event, Gate, Message, Tally
from outreach.messaging.nudges import count_late, count_waiting
from outreach.messaging.review import FOLDER_LEASE
from outreach.tallies.reads import PUBLIC_STATES
from outreach.watch.alarms import count_alarms
from outreach.watch.checks import NAME
from outreach.watch.models import CheckMark

COUNTED: Final = 100_000
LOOKED_AT: Final = 500
"""So many planned texts of a gate, the oldest first, are looked at: what is planned first is due first."""
PATIENCE_MS: Final = 2_000
"""On PostgreSQL no single read may take longer: a database in trouble must not be asked ever more."""
PEOPLE_STOPPED_IT: Final = (ORGANIZER, STAND_DOWN)
"""Why a gate is paused where no machine has halted it."""
NOT_TOLD: Final = "other"


@dataclass(frozen=True, slots=True)
class DueGate:
    """An open gate with texts whose time has come."""

    gate_id: int
    kind: str
    campaign_id: int | None
    campaign: str | None
    group_id: int
    waiting: int
    """Planned texts by the folded counters, not all of them due."""
    age: float
    """Domain seconds for which the first of them has been due."""


@dataclass(slots=True)
class Facts:
    """Everything that is told; ages are None where there is nothing."""

    states: dict[str, int] = field(default_factory=dict)
    heard: dict[str, int] = field(default_factory=dict)
    """replies, opted_out, and reports by outcome as ``report:<outcome>``."""
    gates: Counter[str] = field(default_factory=Counter)
    halted: Counter[str] = field(default_factory=Counter)
    """Reason -> gates that the machine has halted."""
    due: list[DueGate] = field(default_factory=list)
    held_overdue: float | None = None
    unfolded: int = 0
    unfolded_age: float | None = None
    check_overdue: float | None = None
    """Domain seconds since the first unknown or silent text should have been looked up."""
    lease_overdue: float | None = None
    review: int = 0
    waiting: Counter[str] = field(default_factory=Counter)
    """Threads of all inboxes that wait, by why."""
    late: Counter[str] = field(default_factory=Counter)
    doubt_age: float | None = None
    """Real seconds for which the first possible opt-out has waited for a person."""
    upkeep_left: float | None = None
    """Real seconds until upkeep's lease ends; below 0: nobody keeps up the site. None: nobody ever has."""
    alarms: dict[str, int] = field(default_factory=dict)
    checked_age: float | None = None
    checked_ms: int | None = None

    @property
    def oldest_due(self) -> float | None:
        """Domain seconds."""
        return max((gate.age for gate in self.due), default=None)


def read_facts(runtime: Runtime) -> Facts:
    """Read it all, in one snapshot. Raises DBAPIError."""
    with runtime.db.snapshot() as session:
        if not runtime.db.is_sqlite:
            session.execute(text(f"SET LOCAL statement_timeout = {PATIENCE_MS}"))
        facts, clock = Facts(), runtime.clock
        _counters(session, facts)
        _gates(session, facts, clock)
        _overdue(session, facts, clock)
        _inboxes(session, facts, runtime)
        _keeping_up(session, facts, clock.real_now())
        return facts


def _counters(session: Session, facts: Facts) -> None:
    rows: Any = session.execute(select(Tally.name, func.sum(Tally.count)).group_by(Tally.name))
    counts = {name: int(count) for name, count in rows}
    facts.states = {name: counts.get(name, 0) for name in PUBLIC_STATES}
    facts.heard = {
        name: count for name, count in counts.items() if name in {"replies", "opted_out"} or name.startswith("report:")
    }


def _gates(session: Session, facts: Facts, clock: Clock) -> None:
    rows: Any = session.execute(select(Gate.state, Gate.reason, func.count()).group_by(Gate.state, Gate.reason))
    for state, reason, count in rows:
        facts.gates[state] += count
        if state == "paused" and reason not in PEOPLE_STOPPED_IT:
            facts.halted[reason or NOT_TOLD] += count
    open_gates = (
        select(Gate.id, Gate.kind, Gate.group_id, Campaign.id, Campaign.name, Tally.count)
        .join(Tally, (Tally.gate_id == Gate.id) & (Tally.name == "planned"))
        .outerjoin(Wave, Wave.gate_id == Gate.id)
        .outerjoin(Campaign, Campaign.id == Wave.campaign_id)
        .where(Gate.state == "open", Tally.count > 0)
        .order_by(Gate.id)
    )
    now = clock.now()
    for gate_id, kind, group_id, campaign_id, name, count in session.execute(open_gates):
        first = session.execute(_first_due(gate_id, now)).scalar()
        if first is not None:
            age = (now - first).total_seconds()
            facts.due.append(DueGate(gate_id, kind, campaign_id, name, group_id, count, age))
    facts.due.sort(key=lambda gate: -gate.age)


def _first_due(gate_id: int, now: datetime) -> Select[Any]:
    oldest = (
        select(Message.not_before)
        .where(Message.gate_id == gate_id, Message.state == "planned")
        .order_by(Message.id)
        .limit(LOOKED_AT)
        .subquery()
    )
    return select(oldest.c.not_before).where(oldest.c.not_before <= now).order_by(oldest.c.not_before).limit(1)


def _overdue(session: Session, facts: Facts, clock: Clock) -> None:
    now, real = clock.now(), clock.real_now()
    held = select(Message.not_before).where(Message.state == "held", Message.not_before <= now)
    facts.held_overdue = _age(session, held.order_by(Message.not_before), now)
    checks = select(Message.next_check_at).where(Message.next_check_at.is_not(None), Message.next_check_at <= now)
    facts.check_overdue = _age(session, checks.order_by(Message.next_check_at), now)
    leased = select(Message.lease_until).where(IS_LEASED, Message.lease_until <= real)
    facts.lease_overdue = _age(session, leased.order_by(Message.lease_until), real)
    unfolded = select(Event.id).where(Event.folded_at.is_(None)).limit(COUNTED).subquery()
    facts.unfolded = session.execute(select(func.count()).select_from(unfolded)).scalar_one()
    first = select(Event.received_at).where(Event.folded_at.is_(None)).order_by(Event.id)
    facts.unfolded_age = _age(session, first, real)
    review = select(Message.id).where(Message.state == "needs_review", Message.decision.is_(None)).limit(COUNTED)
    facts.review = session.execute(select(func.count()).select_from(review.subquery())).scalar_one()


def _age(session: Session, chosen: Select[Any], now: datetime) -> float | None:
    at = session.execute(chosen.limit(1)).scalar()
    return None if at is None else (now - at).total_seconds()


def _inboxes(session: Session, facts: Facts, runtime: Runtime) -> None:
    oldest = None
    for group_id in session.execute(select(Group.id).order_by(Group.id)).scalars().all():
        facts.waiting.update(count_waiting(session, group_id))
        facts.late.update(count_late(session, runtime, group_id))
        since = session.execute(
            select(Conversation.waits_since)
            .where(Conversation.group_id == group_id, Conversation.rank == PERHAPS_OPTED_OUT)
            .order_by(Conversation.waits_since)
            .limit(1)
        ).scalar()
        oldest = min((at for at in (oldest, since) if at is not None), default=None)
    if oldest is not None:
        facts.doubt_age = (runtime.clock.real_now() - oldest).total_seconds()


def _keeping_up(session: Session, facts: Facts, now: datetime) -> None:
    until = session.execute(select(Lease.until).where(Lease.name == FOLDER_LEASE)).scalar()
    facts.upkeep_left = None if until is None else (until - now).total_seconds()
    facts.alarms = count_alarms(session)
    mark = session.get(CheckMark, NAME)
    if mark is not None:
        facts.checked_age, facts.checked_ms = (now - mark.at).total_seconds(), mark.took_ms
