"""A phone tree with silent captains while workers and upkeep are killed: real processes. ``scripts/oracle.py tree``
does it for a thousand people, on both databases.
"""

from __future__ import annotations

from tests.oracles import tree_run

PEOPLE, SILENT, KILLS, SPEED = 60, 0.3, 3, 180.0


def test_everybody_is_reached_once_whoever_is_silent_or_killed() -> None:
    found = tree_run.run("sqlite", PEOPLE, SILENT, KILLS, seed=3, speed=SPEED)
    assert found["wrong"] == {}, found
    assert found["ok"], found
    assert sum(found["kills"].values()) == KILLS
    assert found["routed_around"] >= found["silent_captains"] > 0
