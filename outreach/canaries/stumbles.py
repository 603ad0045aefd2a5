"""Tracebacks on demand, in the real processes: a trigger that refuses each new row of a table, for a moment.

Whoever writes there stumbles in the middle of its work, with numbers in its hands; nothing of the product knows of it.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from sqlalchemy import text

from outreach.canaries import CanaryError
from outreach.core.db import Database

SECONDS = 30.0
POLL_SECONDS = 0.1


@contextmanager
def refusing(database: Database, table: str) -> Iterator[None]:
    """No new row in this table (SQLite only)."""
    trigger = f"stumble_{table}"
    with database.transaction() as tx:
        tx.execute(text(f"CREATE TRIGGER {trigger} BEFORE INSERT ON {table} BEGIN SELECT RAISE(ABORT, 'stumble'); END"))
    try:
        yield
    finally:
        with database.transaction() as tx:
            tx.execute(text(f"DROP TRIGGER {trigger}"))


def tracebacks(log: Path) -> int:
    """How many a process has logged so far."""
    return log.read_bytes().count(b"Traceback (most recent call last)") if log.exists() else 0


def wait_for_traceback(log: Path, before: int, check: Callable[[], None]) -> None:
    """Wait until there is one more than before. Raises CanaryError."""
    pause, late = threading.Event(), time.monotonic() + SECONDS
    while tracebacks(log) <= before:
        check()
        if time.monotonic() > late:
            raise CanaryError("canary_no_traceback", log=log.name)
        pause.wait(POLL_SECONDS)
