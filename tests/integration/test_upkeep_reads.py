"""What upkeep asks every second must not read every message: its cost would grow with all that was ever sent."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Any, cast

import pytest
from sqlalchemy import Engine, event, select, update

from outreach.carrier.base import FILTERED_OUT, CarrierMessage
from outreach.carrier.twilio import TwilioCarrier
from outreach.core.runtime import Runtime
from outreach.messaging.breakers import break_on_pair
from outreach.messaging.claims import release
from outreach.messaging.gates import cancel_chunk
from outreach.messaging.inbound import InboundText
from outreach.messaging.models import Message, MessageAttempt, Tally
from outreach.messaging.reconcile import due_doubts, reconcile, settle
from outreach.messaging.recover import fetch_silent
from outreach.messaging.turns import look
from outreach.privacy.retention import purge
from outreach.replies import answer_text
from outreach.watch.checks import check_books
from tests.factories import make_world, number, plan_messages
from tests.integration.test_phone_tree import plant, start
from workers.upkeep import EACH_TIME, Upkeep

LARGE = ("message", "message_attempt", "event", "recipient", "reply", "constituent", "tree_step", "tree_seat",
         "call_session")  # fmt: skip


@contextmanager
def asked(runtime: Runtime) -> Iterator[list[tuple[str, Any]]]:
    """Every statement that is executed meanwhile, with its parameters."""
    found: list[tuple[str, Any]] = []

    def note(_c: object, _cursor: object, statement: str, parameters: Any, _context: object, many: bool) -> None:
        if statement.startswith(("SELECT", "UPDATE")):
            found.append((statement, parameters[0] if many else parameters))

    event.listen(Engine, "before_cursor_execute", note)
    try:
        yield found
    finally:
        event.remove(Engine, "before_cursor_execute", note)


def read_whole(runtime: Runtime, statements: list[tuple[str, Any]], *, once: bool = False) -> list[tuple[str, str]]:
    """The lines of their plans by which a large table, or all that ever was of a kind, is read from end to end; with
    ``once`` only those by which it is read for each row of another one.
    """
    found = []
    with runtime.db.connection() as connection:
        for statement, parameters in statements:
            plan = connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {statement}", parameters).all()
            before = "LIST SUBQUERY"  # which is made once, as the first table of a query is read
            for line in (str(row[3]) for row in plan):
                words, is_first = line.split(), before.startswith("LIST SUBQUERY")
                is_whole = words[0] == "SCAN" and words[1] in LARGE and "INDEX" not in words
                is_range = any(f"(rowid{sign}?)" in line for sign in "<>") and not is_first
                is_kind = line.endswith("_event_1 (kind=?)")
                if (is_whole and not (once and is_first)) or is_range or is_kind or "AUTOMATIC" in words:
                    found.append((line, statement[:300]))
                before = line
    return found


def go_through_everything(runtime: Runtime, gate_id: int) -> None:
    """Texts with whatever upkeep looks after: a dead sender, a doubt, a silence, a second try; and people who stop."""
    now, domain = runtime.clock.real_now(), runtime.clock.now() - timedelta(hours=1)
    kinds: list[dict[str, Any]] = [
        {"state": "posting", "lease_until": now - timedelta(hours=1)},
        {"state": "unknown", "next_check_at": domain},
        {"state": "accepted", "next_check_at": domain, "carrier_sid": "SM" + "1" * 32},
        {"state": "undelivered", "next_check_at": domain, "posted_at": domain, "error_code": 30008},
        {"state": "claimed", "lease_token": "t", "lease_until": now + timedelta(hours=1)},
    ]
    with runtime.db.transaction() as tx:
        ids = tx.execute(select(Message.id).where(Message.gate_id == gate_id).order_by(Message.id)).scalars().all()
        for message_id, values in zip(ids, kinds, strict=False):
            tx.execute(update(Message).where(Message.id == message_id).values(values))
            tx.add(MessageAttempt(message_id=message_id, begun_at=now, body_hash=b"", closed=False))
        tx.add_all([Tally(gate_id=gate_id, name=name, count=900) for name in ("opted_out", f"error:{FILTERED_OUT}")])


# PostgreSQL plans by size: with a handful of rows it reads them all, and rightly.
@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_no_large_table_is_read_from_end_to_end(runtime: Runtime) -> None:
    world = make_world(runtime, 13)
    plan_messages(runtime, world)
    start(runtime, world, plant(runtime, world))
    go_through_everything(runtime, world.gate_id)
    away = TwilioCarrier(runtime.settings)  # nobody answers there
    ours, at, doubt = str(runtime.settings.twilio_from_number), runtime.clock.real_now(), due_doubts(runtime)[0]
    listed = CarrierMessage("SM" + "9" * 32, number(1), ours, "", "sent", None, inbound=False, created_at=at)
    with asked(runtime) as statements:
        for step in EACH_TIME:
            step(runtime)
        reconcile(runtime, away)
        fetch_silent(runtime, away)
        look(runtime)
        release(runtime.db, "t")
        for turn, words in enumerate(("I will call on Monday", "1", "STOP")):
            answer_text(runtime, InboundText(f"SM{turn:032}", number(1), ours, words, at))
        with runtime.db.transaction() as tx:
            break_on_pair(tx, world.gate_id)
            settle(tx, runtime, doubt, [listed])
        cancel_chunk(runtime.db, world.gate_id, runtime.clock)
    assert len(statements) > 50
    assert read_whole(runtime, statements) == []


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_the_checks_read_a_table_once_and_not_for_each_row(runtime: Runtime) -> None:
    """At 40,000 texts since the last run one of them took 40 seconds, and webhooks waited for a second each."""
    plan_messages(runtime, make_world(runtime, 13))
    with asked(runtime) as statements:
        check_books(runtime)
        purge(runtime)
    assert len(statements) > 15
    assert read_whole(runtime, statements, once=True) == []


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
