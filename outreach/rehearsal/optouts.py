"""The opt-out words that the carrier itself obeys, and what it answers to them. Pure.

Source: Twilio's support page on opt-out keywords: one word, in any case, alone in the message.
"""

from __future__ import annotations

from typing import Final

STOP: Final = "STOP"
START: Final = "START"
HELP: Final = "HELP"

WORDS = {
    **dict.fromkeys(("STOP", "STOPALL", "UNSUBSCRIBE", "CANCEL", "END", "QUIT", "REVOKE", "OPTOUT"), STOP),
    **dict.fromkeys(("START", "YES", "UNSTOP"), START),
    **dict.fromkeys(("HELP", "INFO"), HELP),
}
CONFIRMATIONS = {
    STOP: "You are unsubscribed and will get no more messages from this number. Reply START to subscribe again.",
    START: "You are subscribed again and will get messages from this number. Reply STOP to unsubscribe.",
    HELP: "Reply STOP to unsubscribe. Message and data rates may apply.",
}


def keyword(body: str) -> str | None:
    """STOP, START or HELP when the text is one of the carrier's own words; else None."""
    return WORDS.get(body.strip().upper())
