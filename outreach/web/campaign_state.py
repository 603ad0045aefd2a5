"""What a campaign's state is called on pages: as it is stored, or that its texts have all left. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

WAITING: Final = ("planned", "held", "unknown")
"""States of texts that may still leave. What the carrier has taken cannot be stopped, so it waits for nobody."""
ALL_SENT: Final = "all_sent"


def texts_wait(states: Mapping[str, int]) -> bool:
    """Whether a text may still leave, by the counts of a tally's states."""
    return any(states[state] for state in WAITING)


def shown_state(state: str, *, waiting: bool) -> str:
    """draft, launched, paused, canceled, or ``ALL_SENT`` for a launched campaign where no text waits."""
    return ALL_SENT if state == "launched" and not waiting else state
