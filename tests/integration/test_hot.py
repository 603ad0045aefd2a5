"""Statements that go to the driver as they are: the same values, defaults and errors as through SQLAlchemy."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone

import pytest
from sqlalchemy import bindparam, insert, select
from sqlalchemy.exc import IntegrityError, OperationalError, StatementError

from outreach.core.hot import Hot
from outreach.core.runtime import Runtime
from outreach.messaging.models import Event

AT = datetime(2026, 12, 1, 19, 0, 0, 123_456, UTC)
ADD = Hot(insert(Event).returning(Event.id, Event.received_at))
ADD_SILENTLY = Hot(insert(Event))
FIND = Hot(
    select(Event.key, Event.count, Event.seen, Event.retry_after, Event.received_at, Event.folded_at)
    .where(Event.sid == bindparam("sid"), Event.kind == "delta", Event.received_at <= bindparam("until"))
    .order_by(Event.id)
    .limit(1)
)


def row(key: str) -> dict[str, object]:
    there = AT.astimezone(timezone(timedelta(hours=-7)))
    return {"kind": "delta", "sid": "100%", "key": key, "retry_after": 2.5, "received_at": there}


def test_values_and_defaults_are_those_of_the_model(runtime: Runtime) -> None:
    with runtime.db.transaction() as tx:
        added = ADD.first(tx, row("a"))
        ADD_SILENTLY.run(tx, row("b"), row("c"))
        ADD_SILENTLY.run(tx, row("d"))
        found = FIND.first(tx, {"sid": "100%", "until": AT})
        assert FIND.first(tx, {"sid": "other", "until": AT}) is None
        assert FIND.value(tx, {"sid": "100%", "until": AT - timedelta(seconds=1)}) is None
    assert added.received_at == AT
    assert tuple(found) == ("a", 1, 1, 2.5, AT, None)
    assert found.received_at.tzinfo is not None
    with runtime.db.snapshot() as session:
        stored = session.execute(select(Event.key, Event.count, Event.received_at, Event.id).order_by(Event.id)).all()
    assert [tuple(one)[:3] for one in stored] == [(key, 1, AT) for key in "abcd"]
    assert stored[0].id == added.id


def test_errors_are_sqlalchemys_and_hold_no_values(runtime: Runtime) -> None:
    with pytest.raises(IntegrityError) as error, runtime.db.transaction() as tx:
        ADD.value(tx, row("a"))
        ADD.value(tx, row("a"))
    assert error.value.params is None
    naive = row("b") | {"received_at": AT.replace(tzinfo=None)}
    with pytest.raises((StatementError, ValueError), match="naive"), runtime.db.transaction() as tx:
        ADD.value(tx, naive)
    with runtime.db.snapshot() as session:
        assert session.execute(select(Event.id)).all() == []


def test_a_server_that_has_gone_costs_one_transaction(runtime: Runtime) -> None:
    if runtime.db.is_sqlite:  # has none; a statement that fails is an error like any other
        with pytest.raises(OperationalError), runtime.db.transaction() as tx:
            tx.connection().exec_driver_sql("DROP TABLE event")
            ADD.value(tx, row("a"))
        with runtime.db.transaction() as tx:
            assert ADD.value(tx, row("b"))
        return
    with pytest.raises(OperationalError) as error, runtime.db.transaction() as tx:
        own = tx.connection().exec_driver_sql("SELECT pg_backend_pid()").scalar_one()
        with runtime.db.connection() as other:
            other.exec_driver_sql("SELECT pg_terminate_backend(%s)", (own,))
        ADD.value(tx, row("a"))
    assert error.value.connection_invalidated
    with runtime.db.transaction() as tx:
        assert ADD.value(tx, row("b"))
