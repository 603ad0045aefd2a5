"""What is known of calls: one entry a leg, for Twilio's API and for the ledger. In memory.

Times are real, in seconds since 1970; durations are seconds of the carrier's clock, in which people speak.
"""

from __future__ import annotations

import uuid
from collections import Counter, defaultdict
from dataclasses import dataclass, field
from typing import Any

from outreach.rehearsal.errors import WORDS
from outreach.rehearsal.ledger import digest
from outreach.rehearsal.voice.verbs import Say


@dataclass(frozen=True, slots=True)
class Callback:
    """Where status callbacks go, and which."""

    url: str
    """Verbatim: it is signed as it was given."""
    method: str
    events: frozenset[str]


@dataclass(slots=True)
class Told:
    """A status callback that was sent."""

    event: str
    acknowledged: bool = False
    """A 2xx came back."""


@dataclass(slots=True, eq=False)
class Leg:
    """One leg of a call, as it stands."""

    sid: str
    index: int
    """Position in the order of creation."""
    direction: str
    """inbound, outbound-api or outbound-dial."""
    to: str
    sender: str
    """Who calls, or what the called party sees in that place."""
    persona: str
    created: float
    updated: float
    parent_sid: str | None = None
    callback: Callback | None = None
    call_status: str = "queued"
    """As webhooks have it."""
    begun: float | None = None
    """When it was dialled."""
    answered: float | None = None
    ended: float | None = None
    duration: int | None = None
    answered_by: str | None = None
    """What detection found, once it is known."""
    keys: str = ""
    """All that was pressed, whether it was asked for or not."""
    send_digits: str = ""
    """What the called party's exchange was sent when it had answered."""
    documents: int = 0
    said: list[tuple[str, str]] = field(default_factory=list)
    """SHA-256 of the words, hex, and their language."""
    errors: list[int] = field(default_factory=list)
    told: list[Told] = field(default_factory=list)
    """In order of their sequence numbers."""
    acknowledged: bool = False
    """The answer to the request that placed it is on the wire."""

    @property
    def status(self) -> str:
        """As the API has it, which does not know that a call was initiated."""
        return "queued" if self.call_status == "initiated" else self.call_status

    @property
    def phone(self) -> str:
        """The number at the other end."""
        return self.sender if self.direction == "inbound" else self.to

    @property
    def listed_at(self) -> float | None:
        return self.begun

    def hear(self, say: Say) -> None:
        self.said.append((digest(say.words) or "", say.language))

    def as_json(self) -> dict[str, Any]:
        """Its line of the ledger."""
        return {
            "seq": self.index + 1,
            "sid": self.sid,
            "parent_sid": self.parent_sid,
            "direction": self.direction,
            "to": self.to,
            "from": self.sender,
            "status": self.call_status,
            "began_at": self.created if self.begun is None else self.begun,
            "answered_at": self.answered,
            "ended_at": self.ended,
            "duration": self.duration,
            "persona": self.persona,
            "answered_by": self.answered_by,
            "digits_pressed": self.keys,
            "send_digits": self.send_digits,
            "documents": self.documents,
            "said": [{"sha256": words, "language": language} for words, language in self.said],
            "errors": [{"code": code, "message": WORDS[code]} for code in self.errors],
            "callbacks": [{"event": each.event, "acknowledged": each.acknowledged} for each in self.told],
            "acknowledged": self.acknowledged,
        }


class Legs:
    """Every leg there ever was, with the indexes that listing needs."""

    def __init__(self) -> None:
        self.everything: list[Leg] = []
        self.by_sid: dict[str, Leg] = {}
        self.by_to: defaultdict[str, list[Leg]] = defaultdict(list)
        self.of_phone: Counter[str] = Counter()
        """How many calls each number had."""

    def add(self, *, direction: str, to: str, sender: str, persona: str, now: float, **more: Any) -> Leg:
        """Store a new leg; ``more`` are other fields of Leg."""
        leg = Leg(
            sid=f"CA{uuid.uuid4().hex}",
            index=len(self.everything),
            direction=direction,
            to=to,
            sender=sender,
            persona=persona,
            created=now,
            updated=now,
            **more,
        )
        self._file(leg)
        return leg

    def dialled_by(self, parent_sid: str) -> Legs:
        """Only the legs that a call has opened."""
        legs = Legs()
        for leg in self.everything:
            if leg.parent_sid == parent_sid:
                legs._file(leg)
        return legs

    def _file(self, leg: Leg) -> None:
        self.everything.append(leg)
        self.by_sid[leg.sid] = leg
        self.by_to[leg.to].append(leg)
        self.of_phone[leg.phone] += 1
