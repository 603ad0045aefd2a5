"""Jobs that call."""

from __future__ import annotations

from outreach.calls.placing import place_due
from workers.context import STOPPING, caller, runtime

SECONDS = 5.0


def place_calls() -> None:
    """Call whoever's turn it is for some seconds."""
    place_due(runtime(), caller(), seconds=SECONDS, stopping=STOPPING.is_set)
