"""Migrating beside live traffic: one upgrade at a time, and none that makes everybody else wait.

A statement that changes a table needs it for itself for a moment. While it waits for that behind a long query,
everybody who comes later waits behind it: so it waits seconds only, gives up, and tries again a little later.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, Final

from psycopg.errors import LockNotAvailable, QueryCanceled
from sqlalchemy import Connection, text
from sqlalchemy.exc import OperationalError

from outreach.core.db import Database
from outreach.core.errors import OutreachError

LOCK_TIMEOUT: Final = "4s"
STATEMENT_TIMEOUT: Final = "60s"
"""A change that takes longer rewrites a table: it belongs into chunks, or beside traffic (``create_index_beside``)."""
TRIES: Final = 15
PAUSE_SECONDS: Final = 2.0
ASK_AGAIN_SECONDS: Final = 0.2
UPGRADE_LOCK: Final = 0x6F757472
"""The advisory lock's number: whoever upgrades this database holds it."""


@contextmanager
def one_at_a_time(db: Database, say: Callable[[str], None]) -> Iterator[None]:
    """Hold the right to upgrade. SQLite needs none: the whole upgrade is one transaction that begins IMMEDIATE."""
    if db.is_sqlite:
        yield
        return
    with db.connection() as connection:
        if not _is_ours(connection):
            say("Another upgrade of this database is running; waiting for it.")
            while not _is_ours(connection):
                time.sleep(ASK_AGAIN_SECONDS)
        try:
            yield
        finally:
            connection.execute(text("SELECT pg_advisory_unlock(:lock)"), {"lock": UPGRADE_LOCK})
            connection.commit()


def _is_ours(connection: Connection) -> bool:
    """Ask for the lock, which is the connection's, and leave no transaction open.

    Whoever waits within a statement holds a snapshot, and an index that is made CONCURRENTLY waits for every snapshot:
    the upgrade that runs and the one that waits would wait for each other for ever.
    """
    taken: bool = connection.execute(text("SELECT pg_try_advisory_lock(:lock)"), {"lock": UPGRADE_LOCK}).scalar_one()
    connection.commit()
    return taken


def with_patience(
    step: Callable[[], Any], say: Callable[[str], None], *, tries: int = TRIES, pause: float = PAUSE_SECONDS
) -> None:
    """Run a step again while what it needs is in use. Raises OutreachError in the end."""
    for left in reversed(range(tries)):
        try:
            step()
        except OperationalError as error:
            if not isinstance(error.orig, LockNotAvailable | QueryCanceled):
                raise
            if isinstance(error.orig, QueryCanceled) or left == 0:
                raise OutreachError("migration_not_run", reason=str(error.orig).strip().splitlines()[0]) from None
            say("A table is in use; nothing was changed. Trying again.")
            time.sleep(pause)
        else:
            return


def set_timeouts(connection: Connection) -> None:
    """For the connection that migrates, on PostgreSQL."""
    connection.execute(text(f"SET lock_timeout = '{LOCK_TIMEOUT}'"))
    connection.execute(text(f"SET statement_timeout = '{STATEMENT_TIMEOUT}'"))
    connection.commit()


def reset_timeouts(connection: Connection) -> None:
    """The connection goes back to its pool."""
    connection.execute(text("RESET lock_timeout"))
    connection.execute(text("RESET statement_timeout"))
    connection.commit()
