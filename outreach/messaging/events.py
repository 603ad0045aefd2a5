"""Appending what was heard. One statement a batch; a repeat adds to ``seen`` and nothing else."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from functools import cache
from typing import Any, TypedDict

from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Session

from outreach.core.hot import Hot
from outreach.messaging.models import Event


class EventRow(TypedDict):
    """The columns of an ``event`` row that appenders fill."""

    kind: str
    sid: str | None
    key: str
    attempt_id: int | None
    gate_id: int | None
    carrier_sid: str | None
    error_code: int | None
    from_counter: str | None
    to_counter: str | None
    count: int
    retry_after: float | None
    received_at: datetime


def _row(kind: str, sid: str | None, key: str, received_at: datetime, **fields: Any) -> EventRow:
    row: EventRow = {
        "kind": kind,
        "sid": sid,
        "key": key,
        "attempt_id": None,
        "gate_id": None,
        "carrier_sid": None,
        "error_code": None,
        "from_counter": None,
        "to_counter": None,
        "count": 1,
        "retry_after": None,
        "received_at": received_at,
    }
    row.update(fields)  # type: ignore[typeddict-item]  # every key is one of the row's, by the callers below
    return row


def result(
    attempt_id: int,
    key: str,
    received_at: datetime,
    *,
    carrier_sid: str | None = None,
    error_code: int | None = None,
    retry_after: float | None = None,
) -> EventRow:
    """What an attempt's POST gave: accepted, rejected, not_sent, unknown or review. Real time and seconds."""
    return _row(
        "result",
        str(attempt_id),
        key,
        received_at,
        attempt_id=attempt_id,
        carrier_sid=carrier_sid,
        error_code=error_code,
        retry_after=retry_after,
    )


def status(attempt_id: int, sid: str, word: str, error_code: int | None, received_at: datetime) -> EventRow:
    """A carrier's report on a message."""
    return _row("status", sid, word, received_at, attempt_id=attempt_id, carrier_sid=sid, error_code=error_code)


def delta(
    gate_id: int,
    source: str | None,
    target: str | None,
    count: int,
    received_at: datetime,
    sid: str | None = None,
) -> EventRow:
    """``count`` moved between two counters of a gate. With a ``sid`` it can be appended once only."""
    key = f"{source or ''}>{target or ''}"[:32]
    return _row("delta", sid, key, received_at, gate_id=gate_id, from_counter=source, to_counter=target, count=count)


def append(session: Session, rows: Sequence[EventRow]) -> None:
    """Append events. A row with the same (kind, sid, key) gains one ``seen``."""
    if rows:
        _appending(session.get_bind().dialect.name).run(session, *rows)


@cache
def _appending(dialect: str) -> Hot:
    insert = (postgresql if dialect == "postgresql" else sqlite).insert(Event)
    return Hot(
        insert.on_conflict_do_update(index_elements=["kind", "sid", "key"], set_={"seen": Event.__table__.c.seen + 1})
    )
