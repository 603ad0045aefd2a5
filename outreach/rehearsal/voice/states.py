"""A call as a value: its legs, and what it is doing. Pure.

Times are seconds of the carrier's clock. The leg 0 is the caller's or the called person's; the others are those that
``<Dial>`` opened, in order, the last of them alone perhaps live.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Final

from outreach.rehearsal.voice.verbs import Dial, Document, Gather, Prompt

FINAL: Final = frozenset(("completed", "busy", "no-answer", "failed", "canceled"))
PARENT: Final = 0
LIMIT: Final = 0
"""The turn of the wait that ends the call; other turns count from 1."""


@dataclass(frozen=True, slots=True)
class LegState:
    status: str = "queued"
    """queued, initiated, ringing, in-progress, or one of FINAL."""
    answered_at: float | None = None
    ended_at: float | None = None

    @property
    def live(self) -> bool:
        return self.status not in FINAL

    @property
    def answered(self) -> bool:
        return self.answered_at is not None

    @property
    def seconds(self) -> int:
        """How long it was spoken, in whole seconds; 0 when it was not."""
        return round((self.ended_at or 0) - self.answered_at) if self.answered_at is not None else 0


@dataclass(frozen=True, slots=True)
class Source:
    """Where a document is: at a URL, or given already, as verbs or as the code of what is wrong with it."""

    url: str = ""
    method: str = "POST"
    document: Document | int | None = None


@dataclass(frozen=True, slots=True)
class Waiting:
    """Until the phone is picked up."""


@dataclass(frozen=True, slots=True)
class Detecting:
    """Whether a person or a machine has answered."""


@dataclass(frozen=True, slots=True)
class Fetching:
    pass


@dataclass(frozen=True, slots=True)
class Playing:
    """A ``<Say>`` or a ``<Pause>``."""


@dataclass(frozen=True, slots=True)
class Gathering:
    gather: Gather
    prompts: tuple[Prompt, ...]
    """The one that is played now and those after it."""
    digits: str = ""


@dataclass(frozen=True, slots=True)
class Dialling:
    dial: Dial
    leg: int


@dataclass(frozen=True, slots=True)
class Parting:
    """Says that an application error has occurred, and then ends."""


@dataclass(frozen=True, slots=True)
class Over:
    pass


Activity = Waiting | Detecting | Fetching | Playing | Gathering | Dialling | Parting | Over


@dataclass(frozen=True, slots=True)
class CallState:
    source: Source
    """The first document."""
    inbound: bool = False
    ring_for: float = 60.0
    time_limit: float = 14_400.0
    """From the answer on."""
    caller_ids: frozenset[str] = frozenset()
    """What a ``<Dial>`` may show as the caller."""
    legs: tuple[LegState, ...] = (LegState(),)
    doing: Activity = field(default_factory=Waiting)
    url: str = ""
    """Of the document that is executed: what its relative addresses are relative to."""
    verbs: Document = ()
    """What is left of it."""
    turn: int = 0
    """Counts what was begun: the end of an earlier wait or fetch means nothing any more."""

    def leg(self, number: int) -> LegState:
        """A leg that was never opened is like one that has failed."""
        return self.legs[number] if number < len(self.legs) else LegState("failed")

    def with_leg(self, number: int, leg: LegState) -> CallState:
        return replace(self, legs=(*self.legs[:number], leg, *self.legs[number + 1 :]))

    @property
    def over(self) -> bool:
        return isinstance(self.doing, Over)
