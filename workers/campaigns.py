"""Jobs that plan."""

from __future__ import annotations

from outreach.escalations.planning import plan_wave as plan
from workers.context import runtime

SECONDS = 2.0
"""A worker that plans a million people must not keep the first of them waiting for their text."""


def plan_wave(wave_id: int) -> None:
    """Plan a wave's recipients for some seconds."""
    plan(runtime(), wave_id, SECONDS)
