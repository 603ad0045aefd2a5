"""What a person's text asks is found by their number: its cost must not grow with the list, nor with the replies."""

from __future__ import annotations

import re
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from sqlalchemy import Engine, event

from outreach.core.runtime import Runtime
from outreach.messaging.claims import claim
from outreach.messaging.inbound import InboundText
from outreach.messaging.slices import slice_out
from outreach.replies import answer_text
from tests.factories import make_world, number
from tests.integration.test_webhooks import launch

FEW = (
    "gate", "gate_text", "tally", "wave", "campaign", "groups", "contact_list", "upload", "tree_run", "ix_event_told",
    "CONSTANT",
)  # fmt: skip
"""Tables that have a row for a campaign, a list or a group, not for a person; and the index of unfolded reports."""
WORDS = (
    "1", "left a voicemail", "2", "SCRIPT", "I will call tomorrow at 9", "HELP", "no thanks", "who is this?", "ESPAÑOL",
    "please take me off this list maybe", "STOP", "stop", "START", "STOP", "JOIN", "wrong number", "wrong number",
)  # fmt: skip


@contextmanager
def statements() -> Iterator[list[str]]:
    """What SQLite is asked within the block, with the values in place."""
    found: list[str] = []
    raw: set[Any] = set()

    def listen(connection: Any, _record: object, _proxy: object) -> None:
        connection.set_trace_callback(found.append)
        raw.add(connection)

    event.listen(Engine, "checkout", listen)
    try:
        yield found
    finally:
        event.remove(Engine, "checkout", listen)
        for connection in raw:
            connection.set_trace_callback(None)


# PostgreSQL plans by size: with a handful of rows it reads them all, and rightly.
@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_a_text_is_understood_without_reading_what_grows(runtime: Runtime) -> None:
    world = make_world(runtime, 3)
    gate_id = launch(runtime, world).gate_id
    slice_out(runtime, claim(runtime, gate_id, "test", after=0, limit=10)[0], "test")
    with statements() as asked:
        for person in (number(0), number(1), number(90)):  # the last one is nobody we know
            for words in WORDS:
                sid = f"SM{uuid.uuid4().hex}"
                answer_text(runtime, InboundText(sid, person, "+15005550006", words, runtime.clock.real_now()))
    asked = [one for one in asked if one.startswith(("SELECT", "UPDATE", "DELETE"))]
    assert len(asked) > len(WORDS) * 3 * 3
    grows = {}
    with runtime.db.connection() as connection:
        for statement in asked:
            for line in connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {statement}").all():
                how = str(line[3])
                where = re.search(r"\((.*)\)", how)
                found = where[1].split(" AND ") if where else []
                if how.startswith(("SCAN", "SEARCH")) and not set(found) - {"gate_id=?", "group_id=?"}:
                    grows[how] = statement[:300]
    assert {how: one for how, one in grows.items() if not set(how.split()) & set(FEW)} == {}
