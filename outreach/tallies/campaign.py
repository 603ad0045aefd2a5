"""A campaign's tally: the numbers of its page, its JSON, and the story's last line."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import bindparam, select
from sqlalchemy.orm import Session

from outreach.calls.counts import CallCounts, call_counts
from outreach.core.clock import Clock
from outreach.core.errors import NotFoundError
from outreach.escalations.models import Campaign, Wave
from outreach.messaging.gates import texted
from outreach.messaging.models import Gate
from outreach.messaging.tactics import CALLS, every_outcome
from outreach.officials.models import Official
from outreach.officials.roles import official_in
from outreach.tallies.reads import PUBLIC_STATES, counters
from outreach.tallies.trial import better

OUTCOMES = ("spoke", "voicemail", "mailbox_full", "no_answer", "busy", "refused", "done")
"""Of calls; ``tactics.every_outcome`` has those of every tactic."""
EVERYBODY = "lists"
"""Who gets a campaign's first text; ``waves.WHO`` names who gets another."""
VARIANTS = ("a", "b")


@dataclass(frozen=True, slots=True)
class Reached:
    """What came of one text: ``texted`` is how many of it the carrier has taken, ``reports`` are calls reported."""

    texted: int
    delivered: int
    replies: int
    reports: int
    opted_out: int


@dataclass(frozen=True, slots=True)
class WaveTally:
    """A wave: its ``number`` from 1, ``who`` got it (``EVERYBODY``, silent, replied or tree), and what came of it."""

    number: int
    who: str
    launched_at: datetime
    reached: Reached


@dataclass(frozen=True, slots=True)
class CampaignTally:
    """``states`` are disjoint and sum to ``recipients``; ``reports`` counts people by what they said they did.

    ``variants`` is empty unless two texts are tried; ``better`` is the one that brings more calls, None: too early.
    ``calls`` is None for a campaign that asks for something else.
    """

    campaign_id: int
    name: str
    official: str
    state: str
    reason: str | None
    launch_at: datetime | None
    launch_problem: str | None
    recipients: int
    states: dict[str, int]
    replies: int
    opted_out: int
    reports: dict[str, int]
    waves: tuple[WaveTally, ...]
    variants: dict[str, Reached]
    better: str | None
    calls: CallCounts | None
    at: datetime

    def as_json(self) -> dict[str, Any]:
        """As ``docs/cli.md`` shows it, times in ISO form."""
        said = asdict(self)
        said["waves"] = [{**one, "launched_at": one["launched_at"].isoformat()} for one in said["waves"]]
        said["launch_at"] = self.launch_at.isoformat() if self.launch_at else None
        return {**said, "at": self.at.isoformat()}


HEAD = (
    select(
        Campaign.name, Campaign.state, Campaign.launch_at, Campaign.launch_problem, Official.role, Official.name,
        Gate.id, Gate.state, Gate.reason, Wave.number, Wave.audience, Wave.launched_at, Campaign.tactic,
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
    paused, reason, waves = False, None, []
    for gate_id, gate_state, why, number, audience, launched_at, _ in (row[6:] for row in rows):
        if gate_id is not None:
            counts = counters(session, gate_id, clock)
            total.update(counts)
            waves.append(WaveTally(number, audience.get("who", EVERYBODY), launched_at, reached(counts)))
        if gate_state == "paused" and not paused:
            paused, reason = True, why
    name, state, launch_at, launch_problem, role, official = rows[0][:6]
    states = {state: total[state] for state in PUBLIC_STATES}
    variants = {one: reached(total, f"{one}:") for one in VARIANTS if any(key.startswith(f"{one}:") for key in total)}
    return CampaignTally(
        campaign_id=campaign_id,
        name=name,
        official=official_in(official, role, "en"),
        state="paused" if state == "launched" and paused else state,
        reason=reason,
        launch_at=launch_at,
        launch_problem=launch_problem,
        recipients=sum(states.values()),
        states=states,
        replies=total["replies"],
        opted_out=total["opted_out"],
        reports={outcome: total[f"report:{outcome}"] for outcome in every_outcome() if total[f"report:{outcome}"]},
        waves=tuple(waves),
        variants=variants,
        better=_better(variants),
        calls=call_counts(total) if rows[0].tactic == CALLS else None,
        at=clock.now(),
    )


def reached(counts: Mapping[str, int], prefix: str = "") -> Reached:
    """What counters say of one text. Pure; ``prefix`` is ``a:`` or ``b:`` for one of two that are tried."""
    own = {name.removeprefix(prefix): count for name, count in counts.items() if name.startswith(prefix)}
    return Reached(
        texted=texted(own),
        delivered=own.get("delivered", 0),
        replies=own.get("replies", 0),
        reports=sum(own.get(f"report:{outcome}", 0) for outcome in every_outcome()),
        opted_out=own.get("opted_out", 0),
    )


def _better(variants: Mapping[str, Reached]) -> str | None:
    if set(variants) != set(VARIANTS):
        return None
    a, b = (variants[one] for one in VARIANTS)
    return better(a.texted, a.reports, b.texted, b.reports)
