"""Everybody replies CALL: real web, worker, upkeep and carrier, and whoever picks up. ``scripts/oracle.py calls`` does
it for thousands, on both databases.
"""

from __future__ import annotations

from tests.oracles import rehearsed_calls

PEOPLE = 60


def test_our_books_of_calls_are_the_carriers() -> None:
    found = rehearsed_calls.run("postgresql", PEOPLE)
    assert found["wrong"] == {}, found
    assert found["ok"], found
    assert found["office_legs"] >= PEOPLE // 4
    assert {"completed", "no-answer"} <= set(found["endings"])
    assert sum(found["reports"].values()) > 0
