"""So many texts that their readers can call: in the office's hours, and no more than its lines take. Pure.

A paced gate's texts are parked: held until ``PARKED``, which never comes. Upkeep lets go of as many as have been
earned, of people whose own window is open, while the office is; a slice that comes too late parks them again.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from config import table
from outreach.core.db import Transaction
from outreach.escalations.audience import Cohort
from outreach.escalations.models import Campaign
from outreach.escalations.pacing_models import FAST, OFFICE, Pace
from outreach.messaging.models import Gate
from outreach.messaging.tactics import CALLS
from outreach.officials.models import Office
from outreach.people.quiet_hours import window_anywhere
from outreach.people.zones import parse_zones_key

Span = tuple[bool, datetime | None, datetime | None]
"""Whether an office is open at an instant, until when, and when it opens next (``calls.office_hours.Opening``)."""
MOST_STEPS = 1_000
"""Of a reckoning; what is left by then takes as long as what went before."""

MOST_SPANS = 60
"""Openings and closings that are looked at for a time: two weeks of them, twice a day, and then some."""


@dataclass(frozen=True, slots=True)
class Paced:
    """A pace: texts a minute, for so many lines. ``office``: how it stands at a domain time."""

    per_minute: float
    lines: int
    office: Callable[[datetime], Span]


def is_paced(campaign: Campaign, office: Office | None) -> bool:
    """Whether a campaign is paced: as it says, else where people call an office that has told its hours."""
    if campaign.tactic != CALLS or office is None or campaign.pacing == FAST:
        return False
    return campaign.pacing == OFFICE or office.hours is not None


def begin_pacing(tx: Transaction, campaign: Campaign, gate: Gate, now: datetime) -> None:
    """Park what will be planned behind this gate, if its campaign is paced; nothing leaves before upkeep has looked."""
    office = tx.get(Office, campaign.office_id) if campaign.office_id else None
    if is_paced(campaign, office):
        gate.sends_until = now
        tx.add(Pace(gate_id=gate.id, ticked_at=now, opens_at=None))


def last_minutes() -> timedelta:
    """Before the office closes; no text leaves in them."""
    return timedelta(minutes=table("pacing")["last_minutes"])


def share_who_call(texted: int, callers: int) -> float:
    """Of those who are texted: the estimate, until enough were texted to know better."""
    rule = table("pacing")
    trust = rule["trust_after"]
    seen = (min(callers, texted) + trust * rule["share_who_call"]) / (texted + trust)
    return float(max(rule["least_share"], seen))


def texts_a_minute(lines: int, share: float) -> float:
    """As many as bring no more callers than the lines take."""
    return float(max(1, lines) / (table("pacing")["minutes_a_call"] * share))


def sends_until(hours: Span) -> datetime | None:
    """Until when texts may leave in the span that is open; None while the office is closed."""
    is_open, closes_at, _ = hours
    return closes_at - last_minutes() if is_open and closes_at is not None else None


def earned(credit: float, per_minute: float, gone: timedelta, most: float) -> float:
    """The credit after so much time; what nobody took is not saved up beyond ``most``."""
    return min(max(1.0, most), credit + per_minute * max(0.0, gone.total_seconds()) / 60)


def next_time(office: Callable[[datetime], Span], at: datetime) -> datetime | None:
    """The first instant from ``at`` on at which texts may leave, as far as the office goes; None: none in sight."""
    for _ in range(MOST_SPANS):  # a span shorter than its last minutes is passed over
        hours = office(at)
        until = sends_until(hours)
        if until is not None and at < until:
            return at
        following = hours[2] if not hours[0] else hours[1]
        if following is None:
            return None
        at = following
    return None


def next_common(zones: str, office: Callable[[datetime], Span], at: datetime) -> datetime | None:
    """The first instant at which texts may leave to people in these stored zones; None: the two never meet."""
    for _ in range(40):
        there = next_time(office, at)
        if there is None:
            return None
        person = window_anywhere(parse_zones_key(zones), there)
        if person.open:
            return there
        if person.opens_at is None:
            return None
        at = person.opens_at
    return None


def never_meet(cohorts: Sequence[Cohort], office: Callable[[datetime], Span], now: datetime) -> int:
    """How many people have no hour in common with the office."""
    return sum(one.people for one in cohorts if one.people and next_common(one.zones, office, now) is None)


def paced_finish(
    cohorts: Sequence[Cohort], now: datetime, per_minute: float, office: Callable[[datetime], Span]
) -> datetime | None:
    """When the last text leaves; None when somebody's never does. Of weeks and weeks, the end is an estimate."""
    people: dict[tuple[datetime, str], float] = {}
    for one in cohorts:
        if one.people:
            key = one.rested_at or now, one.zones
            people[key] = people.get(key, 0.0) + one.people
    waiting = [(ready, zones, count) for (ready, zones), count in people.items()]
    at, left = now, 0.0
    for _ in range(MOST_STEPS):
        if not waiting:
            return at
        turns = [next_common(zones, office, max(at, ready)) for ready, zones, _ in waiting]
        reached = [turn for turn in turns if turn is not None]
        if len(reached) < len(turns):
            return None
        at = min(reached)
        _, zones, count = waiting.pop(turns.index(at))
        sent = min(count, _room(zones, office, at, per_minute))
        at, left = at + timedelta(minutes=sent / per_minute), left + sent
        if count > sent:
            waiting.append((at, zones, count - sent))
    return at + (at - now) * (sum(count for _, _, count in waiting) / max(1.0, left))


def _room(zones: str, office: Callable[[datetime], Span], at: datetime, per_minute: float) -> float:
    """How many may leave to people in these zones before either closes."""
    until: Any = sends_until(office(at))
    closes = window_anywhere(parse_zones_key(zones), at).closes_at or until
    return float(max(1.0, (min(until, closes) - at).total_seconds() / 60 * per_minute))
