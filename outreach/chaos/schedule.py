"""What is killed when, and how slow the carrier must be so that it all fits into the blast. Pure, and seeded."""

from __future__ import annotations

import random
from dataclasses import dataclass

TARGETS = ("worker", "workhorse", "web", "upkeep", "redis", "flushall")
DATABASE = "database"
"""Only where the database is a process of its own."""
LAST_KILL = 0.92
"""The share of the recipients whose turn has come when the last kill falls: work must be left for it to disturb."""
SECONDS_A_KILL = 2.5
"""Of sending; the recoveries come on top."""
THREADS_AT_WORK = 6
"""Of 16 sender threads, as the adaptive limit leaves them with a few failures in a hundred creates."""
FASTEST_MS, SLOWEST_MS = 40.0, 1500.0
STOPS_A_THOUSAND = 40
NEAR = 0.1
"""How far ahead of the sender, as a share of all recipients, those stand who text STOP before their turn."""
STOP_WORDS = ("STOP", "Alto", "stop texting me", "Unsubscribe", "ya no me escriban")
"""Half of them are none of the carrier's own words: only we keep these people from being texted."""


@dataclass(frozen=True, slots=True)
class Kill:
    """A target, and the share of the recipients whose turn must have come before it dies."""

    target: str
    at: float


@dataclass(frozen=True, slots=True)
class EarlyStop:
    """Somebody texts STOP when the sender has come to ``at``; ``place`` is theirs in the order of sending (0 to 1)."""

    at: float
    place: float
    words: str


def targets_of(database: str) -> tuple[str, ...]:
    """What can be killed of a site on this kind of database."""
    return (*TARGETS, DATABASE) if database == "postgresql" else TARGETS


def draw_kills(count: int, database: str, seed: int) -> list[Kill]:
    """So many kills in random order, each target as often as any other, one in each equal part of the blast."""
    chance = random.Random(f"kills:{seed}")  # noqa: S311  an experiment, not a secret
    order: list[str] = []
    while len(order) < count:
        round_of_all = list(targets_of(database))
        chance.shuffle(round_of_all)
        order += round_of_all
    return [Kill(order[n], LAST_KILL * (n + chance.random()) / count) for n in range(count)]


def draw_stops(recipients: int, seed: int) -> list[EarlyStop]:
    """People who opt out just before their turn, so that some meet their own slice; in order of time."""
    chance = random.Random(f"stops:{seed}")  # noqa: S311
    count = max(5, recipients * STOPS_A_THOUSAND // 1000)
    moments = sorted(chance.random() * (1 - NEAR) for _ in range(count))
    return [EarlyStop(at, at + chance.random() * NEAR, STOP_WORDS[n % len(STOP_WORDS)]) for n, at in enumerate(moments)]


def latency_ms(kills: int, recipients: int) -> float:
    """How long the carrier takes for a create, so that the kills come ``SECONDS_A_KILL`` apart."""
    seconds = THREADS_AT_WORK * SECONDS_A_KILL * max(kills, 1) / recipients
    return min(SLOWEST_MS, max(FASTEST_MS, 1000 * seconds))


def patience_seconds(kills: int, recipients: int) -> float:
    """How long a whole run may take at the clock's usual speed; one that takes longer hangs."""
    return 240.0 + 5.0 * kills + 0.06 * recipients
