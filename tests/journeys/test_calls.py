"""Everybody replies CALL: real web, worker, upkeep and carrier, and whoever picks up, on both databases."""

from __future__ import annotations

import pytest

from tests.conftest import ENGINES
from tests.oracles import rehearsed_calls

PEOPLE = 60

pytestmark = pytest.mark.xdist_group("journeys")


@pytest.mark.parametrize("engine", ENGINES)
def test_our_books_of_calls_are_the_carriers(engine: str) -> None:
    found = rehearsed_calls.run(engine, PEOPLE)
    assert found["wrong"] == {}, found
    assert found["ok"], found
    assert found["office_legs"] >= PEOPLE // 4
    assert {"completed", "no-answer"} <= set(found["endings"])
    assert sum(found["reports"].values()) > 0
