"""The machine of a stand-down: one table of what each word does in each state, and the minute that parts two of them.

Pure. Undo is for the minute and finishing for after it, so of the two at most one can happen, whoever is first.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Final, Literal

State = Literal["standing", "undone", "closing", "over"]
Word = Literal["undo", "finish", "rest"]
"""``undo``: a person takes it back. ``finish``: its minute is over. ``rest``: everybody was thanked."""

MINUTE: Final = timedelta(seconds=60)
TRANSITIONS: Final[dict[str, dict[str, State]]] = {
    "standing": {"undo": "undone", "finish": "closing"},
    "closing": {"rest": "over"},
    "undone": {},
    "over": {},
}
LIVE: Final = ("standing", "closing")
"""States in which upkeep has something to do, now or later."""


def after(state: str, word: Word, now: datetime, final_at: datetime) -> State | None:
    """The state after this word at a real time; None where it does nothing."""
    if (word == "undo" and now >= final_at) or (word == "finish" and now < final_at):
        return None
    return TRANSITIONS[state].get(word)
