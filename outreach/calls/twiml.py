"""A turn as TwiML. Pure: words, voices and the Dial that never shows a caller's number and never records."""

from __future__ import annotations

import re
from typing import Any, Final

from twilio.twiml.voice_response import Dial as DialVerb
from twilio.twiml.voice_response import Gather, VoiceResponse

from config import table
from outreach.calls.flow import Dial, Facts, Say, Turn
from outreach.messaging.render import fill

VOICES: Final = {"en": ("Polly.Joanna", "en-US"), "es": ("Polly.Mia", "es-MX")}
TIME_LIMIT: Final = 900
"""Seconds that a caller may spend with an office (CARRIER.md)."""
RING_SECONDS: Final = 25
KEY_SECONDS: Final = 8
OUTCOME_PAUSE: Final = 1
"""Seconds of silence before a question, so that its first word is not lost after an office has hung up."""
KEYPAD: Final = re.compile(r"[0-9*#w]+")


def document(turn: Turn, facts: Facts, *, action: str, caller_id: str, status_callback: str) -> str:
    """The TwiML of a turn. ``action``: where the next step is asked for; ``caller_id``: ours, never the caller's.

    ``status_callback``: where the office leg is reported on.
    """
    response = VoiceResponse()
    if turn.asks:
        gather = Gather(
            input="dtmf", num_digits=1, timeout=KEY_SECONDS, action=action, method="POST", action_on_empty_result=True
        )
        if turn.place.stage == "outcome":
            gather.pause(length=OUTCOME_PAUSE)
        for say in turn.says:
            _say(gather, say, turn, facts)
        response.append(gather)
        return str(response)
    for say in turn.says:
        _say(response, say, turn, facts)
    if turn.dial:
        response.append(_dial(turn.dial, action=action, caller_id=caller_id, status_callback=status_callback))
    else:
        response.hangup()
    return str(response)


def nothing_more() -> str:
    """For a call that is over."""
    response = VoiceResponse()
    response.hangup()
    return str(response)


def _say(parent: Any, say: Say, turn: Turn, facts: Facts) -> None:
    language = turn.place.language
    voice, locale = VOICES[language]
    parent.say(words(say.phrase, turn, facts), voice=voice, language=locale)


def words(phrase: str, turn: Turn, facts: Facts) -> str:
    """What is said, in the language of the call."""
    place = turn.place
    line = facts.lines[place.line] if place.line < len(facts.lines) else None
    values = {
        "group": facts.group,
        "official": facts.official,
        "policy": facts.policy[place.language],
        "script": facts.script[place.language],
        "office": line.name if line else facts.official,
        "opens": line.opens if line else "",
        "count": facts.people[place.language],
    }
    return fill(table("call_words")[phrase][place.language], values)


def _dial(dial: Dial, *, action: str, caller_id: str, status_callback: str) -> DialVerb:
    if not caller_id:  # whoever is called would see the caller's own number
        raise ValueError("no number of ours to show")
    verb = DialVerb(
        caller_id=caller_id, time_limit=TIME_LIMIT, timeout=RING_SECONDS, action=action, method="POST",
        hangup_on_star=True, record="do-not-record",
    )  # fmt: skip
    optional = {"send_digits": digits} if (digits := send_digits(dial.line.extension)) else {}
    verb.number(
        dial.line.e164, status_callback=status_callback, status_callback_event="initiated ringing answered completed",
        **optional,
    )  # fmt: skip
    return verb


def send_digits(extension: str | None) -> str | None:
    """An extension as keys to press once an exchange has picked up: two half seconds of waiting first."""
    keys = "".join(KEYPAD.findall(extension or ""))
    return f"wwww{keys}" if keys else None
