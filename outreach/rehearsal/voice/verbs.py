"""What TwiML tells a call to do, as values; seconds are those of the carrier's clock. Pure.

Source: Twilio's pages on TwiML for Voice. Defaults are Twilio's.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

CHARACTERS_A_SECOND: Final = 15.0


def speaking_seconds(words: str) -> float:
    """How long it takes to say something once."""
    return len(words) / CHARACTERS_A_SECOND


@dataclass(frozen=True, slots=True)
class Say:
    words: str
    language: str = "en-US"
    voice: str = "man"
    loop: int = 1
    """0: until the call goes on or ends otherwise."""

    @property
    def seconds(self) -> float | None:
        """None: without end."""
        return speaking_seconds(self.words) * self.loop if self.loop else None


@dataclass(frozen=True, slots=True)
class Pause:
    length: int = 1

    @property
    def seconds(self) -> float | None:
        return float(self.length)


Prompt = Say | Pause


@dataclass(frozen=True, slots=True)
class Gather:
    prompts: tuple[Prompt, ...] = ()
    action: str | None = None
    """None: the document's own URL."""
    method: str = "POST"
    num_digits: int | None = None
    timeout: int = 5
    """Seconds of silence after the prompts, or after the last key."""
    finish_on_key: str = "#"
    """Empty: no key ends it."""
    action_on_empty_result: bool = False

    def take(self, digits: str, keys: str) -> tuple[str, bool]:
        """The digits when more keys are pressed, and whether that is all; what is pressed after that is lost."""
        for key in keys:
            if key == self.finish_on_key:
                return digits, True
            digits += key
            if len(digits) == self.num_digits:
                return digits, True
        return digits, False


@dataclass(frozen=True, slots=True)
class Number:
    """Whom a ``<Dial>`` calls."""

    number: str
    send_digits: str = ""
    callback: str | None = None
    callback_method: str = "POST"
    callback_events: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Dial:
    number: Number
    caller_id: str | None = None
    """What the called party sees; None: the caller's own number."""
    timeout: int = 30
    time_limit: int = 14_400
    hangup_on_star: bool = False
    action: str | None = None
    method: str = "POST"
    answer_on_bridge: bool = False


@dataclass(frozen=True, slots=True)
class Redirect:
    url: str | None = None
    """None: the document's own URL."""
    method: str = "POST"


@dataclass(frozen=True, slots=True)
class Hangup:
    pass


@dataclass(frozen=True, slots=True)
class Reject:
    reason: str = "rejected"


Verb = Say | Pause | Gather | Dial | Redirect | Hangup | Reject
Document = tuple[Verb, ...]
EVENTS: Final = ("initiated", "ringing", "answered", "completed")
"""What a status callback can be asked for."""
