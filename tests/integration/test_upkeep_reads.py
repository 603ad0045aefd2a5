"""What upkeep asks every second must not read every message: its cost would grow with all that was ever sent."""

from __future__ import annotations

from typing import Any, cast

import pytest
from sqlalchemy import Engine, event

from outreach.carrier.twilio import TwilioCarrier
from outreach.core.runtime import Runtime
from outreach.messaging.reconcile import due_doubts
from outreach.messaging.recover import fetch_silent
from outreach.messaging.turns import look
from tests.factories import make_world, plan_messages
from tests.integration.test_phone_tree import plant, start
from workers.upkeep import EACH_TIME, Upkeep

LARGE = ("message", "message_attempt", "event", "recipient", "reply", "constituent", "tree_step", "tree_seat")


def asked(runtime: Runtime) -> list[tuple[str, Any]]:
    """Every statement that one round of upkeep, and one look of a sender, executes, with its parameters."""
    found: list[tuple[str, Any]] = []

    def note(_c: object, _cursor: object, statement: str, parameters: Any, _context: object, many: bool) -> None:
        found.append((statement, parameters[0] if many else parameters))

    event.listen(Engine, "before_cursor_execute", note)
    try:
        for step in EACH_TIME:
            step(runtime)
        due_doubts(runtime)
        fetch_silent(runtime, cast(TwilioCarrier, None))  # nothing is silent yet, so nobody is asked
        look(runtime)
    finally:
        event.remove(Engine, "before_cursor_execute", note)
    return [(statement, parameters) for statement, parameters in found if statement.startswith(("SELECT", "UPDATE"))]


# PostgreSQL plans by size: with a handful of rows it reads them all, and rightly.
@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_no_large_table_is_read_from_end_to_end(runtime: Runtime) -> None:
    world = make_world(runtime, 13)
    plan_messages(runtime, world)
    start(runtime, world, plant(runtime, world))
    statements = asked(runtime)
    assert len(statements) > 10
    read_whole = []
    with runtime.db.connection() as connection:
        for statement, parameters in statements:
            plan = connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {statement}", parameters).all()
            for line in plan:
                words = str(line[3]).split()
                if words[0] == "SCAN" and words[1] in LARGE and "INDEX" not in words:
                    read_whole.append((line[3], statement[:300]))
    assert read_whole == []


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)  # no statement of it is the database's affair
def test_a_step_that_stumbles_keeps_no_other_from_its_turn(runtime: Runtime, monkeypatch: pytest.MonkeyPatch) -> None:
    upkeep, taken = Upkeep(runtime, cast(TwilioCarrier, None)), []

    def stumbles(_: Runtime) -> int:
        taken.append("stumbles")
        upkeep.stop()
        return 1 // 0

    def follows(_: Runtime) -> int:
        taken.append("follows")
        return 0

    monkeypatch.setattr("workers.upkeep.STEPS", (stumbles, follows))
    upkeep.run()
    assert taken == ["stumbles", "follows"]
