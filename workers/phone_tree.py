"""Jobs of phone trees."""

from __future__ import annotations

from outreach.phone_tree.cascade import tick
from workers.context import STOPPING, runtime

SECONDS = 5.0


def tick_trees() -> None:
    """Move the branches that are due for some seconds."""
    tick(runtime(), SECONDS, STOPPING.is_set)
