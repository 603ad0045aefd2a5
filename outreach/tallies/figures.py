"""The figures of a tally: what was sent and heard, and beside each how many different people that were. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from outreach.messaging.gates import texted
from outreach.messaging.tactics import every_outcome

ANSWERS: Final = ("yes", "no", "would_not_say")
"""What an office said on the policy, as its caller pressed it."""


@dataclass(frozen=True, slots=True)
class People:
    """Different people: somebody with three texts is one. ``outcomes``: who has reported each, whoever reported two
    in two campaigns being in both.

    ``asked``: a text of theirs was taken by the carrier, or they answered a call that asks. ``reached``: it was
    delivered, or they answered. ``acted``: they have reported any outcome.
    """

    asked: int = 0
    reached: int = 0
    acted: int = 0
    replied: int = 0
    opted_out: int = 0
    outcomes: dict[str, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Figures:
    """Of one row. ``texts``: taken by the carrier; ``reports``: by outcome, each person once for each text that asks;
    ``answers``: what offices said in calls through us. ``people``: None while they are being counted.
    """

    texts: int = 0
    delivered: int = 0
    replies: int = 0
    opt_outs: int = 0
    reports: dict[str, int] = field(default_factory=dict)
    answers: dict[str, int] = field(default_factory=dict)
    people: People | None = None

    @property
    def reported(self) -> int:
        """All reports."""
        return sum(self.reports.values())


def of_counters(counts: Mapping[str, int], prefix: str = "") -> Figures:
    """What counters say, without people. ``prefix`` is ``a:`` or ``b:`` for one of two texts that are tried."""
    own = {name.removeprefix(prefix): count for name, count in counts.items() if name.startswith(prefix)}
    return Figures(
        texts=texted(own),
        delivered=own.get("delivered", 0),
        replies=own.get("replies", 0),
        opt_outs=own.get("opted_out", 0),
        reports=in_order(Counter({name: own.get(f"report:{name}", 0) for name in every_outcome()})),
    )


def in_order(outcomes: Mapping[str, int]) -> dict[str, int]:
    """Outcomes in the order in which they are shown; those of nobody are left out."""
    return {name: outcomes[name] for name in every_outcome() if outcomes.get(name)}


THINGS: Final = {
    "asked": "texts_sent",
    "reached": "texts_delivered",
    "acted": "reports",
    "replied": "replies",
    "opted_out": "opt_outs",
}
"""What stands beside the people: a count of texts and words."""


def flat(figures: Figures) -> dict[str, int | None]:
    """Every figure under its one name, which page, JSON and files share; an outcome of nobody is 0."""
    people = figures.people
    things = (figures.texts, figures.delivered, figures.reported, figures.replies, figures.opt_outs)
    named: dict[str, int | None] = {}
    for (name, thing), count in zip(THINGS.items(), things, strict=True):
        named[f"people_{name}"] = getattr(people, name) if people else None
        named[thing] = count
    for outcome in every_outcome():
        named[f"people_{outcome}"] = people.outcomes.get(outcome, 0) if people else None
        named[f"reports_{outcome}"] = figures.reports.get(outcome, 0)
    return named | {f"office_{answer}": figures.answers.get(answer, 0) for answer in ANSWERS}


COLUMNS: Final = tuple(flat(Figures()))
"""The names of all figures, in the order of files."""


def as_document(figures: Figures) -> dict[str, Any]:
    """For keeping as JSON."""
    people = figures.people  # in the order of THINGS
    return {
        "numbers": [figures.texts, figures.delivered, figures.replies, figures.opt_outs],
        "reports": figures.reports,
        "answers": figures.answers,
        "people": [people.asked, people.reached, people.acted, people.replied, people.opted_out] if people else None,
        "outcomes": people.outcomes if people else {},
    }


def from_document(document: Mapping[str, Any]) -> Figures:
    """The figures that ``as_document`` made it from."""
    people = document["people"]
    texts, delivered, replies, opt_outs = document["numbers"]
    return Figures(
        texts, delivered, replies, opt_outs, document["reports"], document["answers"],
        People(**dict(zip(THINGS, people, strict=True)), outcomes=document["outcomes"]) if people else None,
    )  # fmt: skip
