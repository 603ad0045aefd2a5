"""Who is at the other end of a call: tables of people and offices, and what they do when. Pure; no clock, no state.

Spans are seconds of the carrier's clock. Every draw goes by seed, number and how often that number was called before.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from outreach.rehearsal.draws import between, fraction, weighted
from outreach.rehearsal.voice.verbs import Gather, Say

Span = tuple[float, float]

ANSWERS: Final = "answers"
BUSY: Final = "busy"
FAILED: Final = "failed"
NEVER: Final = "never"
BY_HAND: Final = "by_hand"
SPANISH_KEY: Final = "español"
"""Whichever key is said to be for Spanish."""
STRAY_KEY: Final = "7"
OUTCOMES: Final = ("1", "2", "3", "4", "5")
"""Spoke, voicemail, mailbox full, no answer, refused: as in the texts."""
UNANSWERED: Final = "4"
SLIPS: Final = 0.04
"""Share of people who press another outcome than they met."""
UNHURRIED: Final = 15.0
"""Seconds that nobody needs to find a key."""
PATIENCE: Final = 12
"""Who was asked for keys so often hangs up."""


@dataclass(frozen=True, slots=True)
class Party:
    """How one kind of person or office behaves on the phone."""

    name: str
    weight: float
    """Share of all numbers, per 1,000."""
    takes: str = ANSWERS
    picks_up: Span = (3.0, 12.0)
    """After it began to ring."""
    hangs_up: Span | None = None
    """After it has answered; None: not of its own accord."""
    keys: tuple[str, ...] = ()
    """Pressed one after the other, each when keys are asked for; the last one from then on."""
    outcome: str = "1"
    """Offices: the key that says truly how it was, once one has answered."""
    machine: bool = False
    leaves_by_star: bool = False


PEOPLE: Final = (
    Party("presses_1", 420, keys=("1",)),
    Party("repeats_then_1", 60, keys=("0", "1")),
    Party("opts_out_by_key", 25, keys=("9",)),
    Party("spanish_key", 60, keys=(SPANISH_KEY, "1")),
    Party("wrong_key", 30, keys=(STRAY_KEY, "1")),
    Party("silent", 45),
    Party("machine", 120, picks_up=(15.0, 22.0), hangs_up=(60.0, 120.0), machine=True),
    Party("hangs_up_early", 50, hangs_up=(1.0, 4.0)),
    Party("leaves_by_star", 40, keys=("1",), leaves_by_star=True),
    Party("busy", 30, takes=BUSY),
    Party("no_answer", 100, takes=NEVER),
    Party("unreachable", 20, takes=FAILED),
    Party(BY_HAND, 0, takes=BY_HAND),
)
OFFICES: Final = (
    Party("answers", 400, hangs_up=(20.0, 90.0)),
    Party("voicemail", 270, picks_up=(12.0, 20.0), hangs_up=(25.0, 45.0), outcome="2", machine=True),
    Party("mailbox_full", 80, picks_up=(12.0, 20.0), hangs_up=(8.0, 12.0), outcome="3", machine=True),
    Party("busy", 60, takes=BUSY),
    Party("no_answer", 80, takes=NEVER),
    Party("closed", 70, picks_up=(1.0, 3.0), hangs_up=(8.0, 14.0), outcome=UNANSWERED, machine=True),
    Party("hangs_up", 40, hangs_up=(2.0, 5.0), outcome="5"),
    Party(BY_HAND, 0, takes=BY_HAND),
)
UNABLE_TO_CALL: Final = frozenset((BUSY, FAILED, NEVER))


class Cast:
    """Which number is which party, in one part: people or offices."""

    def __init__(self, part: str, parties: Sequence[Party], seed: int, weights: Mapping[str, float]) -> None:
        self.part = part
        self.parties = {party.name: party for party in parties}
        self.weights = dict(weights)
        self.pinned: dict[str, str] = {}
        self._seed = seed

    def party(self, number: str) -> Party:
        name = self.pinned.get(number)
        if name is None:
            name = weighted(self.parties, self.weights, fraction(self._seed, self.part, number))
        return self.parties[name]

    def as_json(self) -> dict[str, Mapping[str, object]]:
        return {"weights": self.weights, "numbers": self.pinned}


def default_weights(parties: Sequence[Party]) -> dict[str, float]:
    """Name -> share per 1,000."""
    return {party.name: party.weight for party in parties}


def caller(party: Party) -> Party:
    """The same number when it calls us: who would not have picked up is a person who presses 1."""
    return PEOPLE[0] if party.machine or party.takes in UNABLE_TO_CALL else party


def key_for(party: Party, gather: Gather, presses: int) -> str | None:
    """What is pressed when keys are asked for, after so many times before; None for nothing."""
    if not party.keys:
        return None
    key = party.keys[min(presses, len(party.keys) - 1)]
    return spanish_key(gather) if key == SPANISH_KEY else key


def outcome_key(office: Party, answered: bool, seed: int, *about: object) -> str:
    """What is pressed when it is asked how it was: mostly the truth."""
    truth = office.outcome if answered else UNANSWERED
    slip = fraction(seed, "slip", *about)
    if slip >= SLIPS:
        return truth
    wrong = [key for key in OUTCOMES if key != truth]
    return wrong[int(slip / SLIPS * len(wrong))]


def press_after(gather: Gather, part: float) -> float:
    """Seconds until somebody presses: in the last third of the prompts or a little after them, before time is out.

    ``part`` (0..1) is drawn.
    """
    prompts = sum(prompt.seconds or 0.0 for prompt in gather.prompts)
    return prompts * between((0.67, 1.0), part) + min(gather.timeout, UNHURRIED) * between((0.1, 0.6), part)


def spanish_key(gather: Gather) -> str:
    """The key that the prompts offer in Spanish; 2 where none does."""
    for prompt in gather.prompts:
        if isinstance(prompt, Say):
            found = re.search(r"(?:oprima|presione|marque|pulse)\D{0,16}?(\d)", prompt.words, re.IGNORECASE)
            if found:
                return found[1]
    return "2"
