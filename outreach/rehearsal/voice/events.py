"""What happens to a call, and what a call makes happen; ``at`` is when, in seconds of the carrier's clock. Pure."""

from __future__ import annotations

from dataclasses import dataclass

from outreach.rehearsal.voice.states import PARENT, Source
from outreach.rehearsal.voice.verbs import Dial, Document, Gather, Say


@dataclass(frozen=True, slots=True)
class Began:
    at: float


@dataclass(frozen=True, slots=True)
class Rang:
    at: float
    leg: int = PARENT


@dataclass(frozen=True, slots=True)
class PickedUp:
    at: float
    leg: int = PARENT
    detection: float = 0.0
    """Seconds until it is known who has answered."""


@dataclass(frozen=True, slots=True)
class Declined:
    at: float
    leg: int
    status: str
    """busy or failed."""


@dataclass(frozen=True, slots=True)
class HungUp:
    """By the one at the leg's other end."""

    at: float
    leg: int = PARENT


@dataclass(frozen=True, slots=True)
class Pressed:
    """Keys of the phone at leg 0."""

    at: float
    keys: str


@dataclass(frozen=True, slots=True)
class Elapsed:
    at: float
    turn: int


@dataclass(frozen=True, slots=True)
class Fetched:
    at: float
    turn: int
    url: str
    document: Document | int
    """Or the code of what went wrong."""


@dataclass(frozen=True, slots=True)
class Redirected:
    """By a REST request."""

    at: float
    source: Source


@dataclass(frozen=True, slots=True)
class Stopped:
    """By a REST request: canceled ends what is not answered yet, completed whatever is live."""

    at: float
    leg: int
    status: str


Event = Began | Rang | PickedUp | Declined | HungUp | Pressed | Elapsed | Fetched | Redirected | Stopped


@dataclass(frozen=True, slots=True)
class Wait:
    """``Elapsed`` with this turn, in so many seconds."""

    turn: int
    seconds: float


@dataclass(frozen=True, slots=True)
class Fetch:
    """``Fetched`` with this turn, when the document has come."""

    turn: int
    url: str
    method: str
    digits: str | None = None
    child: int | None = None
    """The leg that a ``<Dial>`` had opened."""


@dataclass(frozen=True, slots=True)
class Ring:
    """Let the phone of leg 0 ring."""


@dataclass(frozen=True, slots=True)
class Place:
    """Open a leg and let its phone ring."""

    leg: int
    dial: Dial


@dataclass(frozen=True, slots=True)
class Moved:
    """The leg was initiated, rings, was answered or is completed, whatever its status then is."""

    leg: int
    event: str


@dataclass(frozen=True, slots=True)
class Tell:
    """Words that the phone at leg 0 hears."""

    say: Say


@dataclass(frozen=True, slots=True)
class Listen:
    """Keys count from now on."""

    gather: Gather


@dataclass(frozen=True, slots=True)
class Fault:
    """Something went wrong that stands in the ledger."""

    code: int


Effect = Wait | Fetch | Ring | Place | Moved | Tell | Listen | Fault
