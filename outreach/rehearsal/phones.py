"""The phones at the other end: persona, opt-out and thread of each number, and what its owner texts when."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from outreach.rehearsal import optouts
from outreach.rehearsal.ledger import Message
from outreach.rehearsal.personas import BY_NAME, Persona, choose, reply_of, report_of

OPTED_OUT = 21610


@dataclass(slots=True)
class CarrierText:
    """The carrier's own confirmation, as the phone shows it."""

    body: str
    at: float


@dataclass(slots=True)
class Phone:
    """One number and its owner."""

    number: str
    persona: Persona
    own_choice: bool | None = None
    """True after its STOP, False after its START; None: it has said neither."""
    thread: list[Message | CarrierText] = field(default_factory=list)
    touched: float = 0.0
    """Real time of the newest entry."""
    replied_at: float | None = None
    """When its owner answered the first campaign text."""
    reported: bool = False

    @property
    def opted_out(self) -> bool:
        return self.own_choice if self.own_choice is not None else self.persona.refusal == OPTED_OUT

    @property
    def refusal(self) -> int | None:
        """The code that a create to this number is refused with, or None."""
        if self.opted_out:
            return OPTED_OUT
        return None if self.persona.refusal == OPTED_OUT else self.persona.refusal

    def as_json(self) -> dict[str, Any]:
        return {
            "number": self.number,
            "persona": self.persona.name,
            "opted_out": self.opted_out,
            "thread": [_entry(each) for each in self.thread],
        }


class Phones:
    """Every number that was ever texted or asked about."""

    def __init__(self, seed: int, weights: Mapping[str, float]) -> None:
        self.seed = seed
        self.weights = dict(weights)
        self.pinned: dict[str, str] = {}
        self._phones: dict[str, Phone] = {}

    def get(self, number: str) -> Phone:
        phone = self._phones.get(number)
        if phone is None:
            phone = self._phones[number] = Phone(number, self._persona(number))
        return phone

    def change(self, weights: Mapping[str, float] | None, pinned: Mapping[str, str]) -> None:
        """Give numbers other personas from now on; what they said and decided stays."""
        if weights is not None:
            self.weights = dict(weights)
        self.pinned.update(pinned)
        for phone in self._phones.values():
            phone.persona = self._persona(phone.number)

    def newest(self, limit: int) -> list[Phone]:
        """The phones with a thread, newest activity first."""
        busy = [phone for phone in self._phones.values() if phone.thread]
        return sorted(busy, key=lambda phone: phone.touched, reverse=True)[:limit]

    def note(self, number: str, entry: Message | CarrierText, at: float) -> None:
        """Put an entry into the number's thread."""
        phone = self.get(number)
        phone.thread.append(entry)
        phone.touched = at

    def obey(self, number: str, body: str) -> str | None:
        """Let the carrier act on an opt-out word. Returns the kind of the word; None when it is none."""
        word = optouts.keyword(body)
        if word == optouts.STOP:
            self.get(number).own_choice = True
        elif word == optouts.START:
            self.get(number).own_choice = False
        return word

    def owner_reaction(self, message: Message, now: float) -> str | None:
        """What the owner texts, given that this message has just arrived; None when nothing."""
        phone = self.get(message.to)
        if phone.replied_at is None:
            if message.direction != "outbound-api":
                return None
            text = reply_of(phone.persona, self.seed, phone.number)
            if text is not None:
                phone.replied_at = now
            return text
        if phone.reported or message.created < phone.replied_at:
            return None
        if phone.persona.waits and message.direction != "outbound-api":
            return None
        text = report_of(phone.persona, self.seed, phone.number)
        phone.reported = text is not None
        return text

    def _persona(self, number: str) -> Persona:
        name = self.pinned.get(number)
        return BY_NAME[name] if name is not None else choose(self.seed, number, self.weights)


def _entry(entry: Message | CarrierText) -> dict[str, Any]:
    if isinstance(entry, CarrierText):
        return {"side": "carrier", "sid": None, "body": entry.body, "status": "delivered", "at": entry.at}
    return {
        "side": "phone" if entry.direction == "inbound" else "ours",
        "sid": entry.sid,
        "body": entry.body,
        "status": entry.status,
        "at": entry.created,
    }
