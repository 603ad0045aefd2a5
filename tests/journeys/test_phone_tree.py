"""A phone tree with silent captains while workers and upkeep are killed: real processes, on both databases."""

from __future__ import annotations

import pytest

from tests.conftest import ENGINES
from tests.oracles import tree_run

PEOPLE, SILENT, KILLS, SPEED = 60, 0.3, 3, 180.0

pytestmark = pytest.mark.xdist_group("journeys")


@pytest.mark.parametrize("engine", ENGINES)
def test_everybody_is_reached_once_whoever_is_silent_or_killed(engine: str) -> None:
    found = tree_run.run(engine, PEOPLE, SILENT, KILLS, seed=3, speed=SPEED)
    assert found["wrong"] == {}, found
    assert found["ok"], found
    assert sum(found["kills"].values()) == KILLS
    assert found["routed_around"] >= found["silent_captains"] > 0
