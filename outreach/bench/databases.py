"""Databases to measure on: migrated, empty, and gone with the run, however it ends."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import psycopg

from outreach import migrations
from outreach.core.db import Database
from outreach.stage.postgres import start_postgres
from outreach.stage.processes import Processes

KINDS = ("sqlite", "postgresql")

Query = Callable[[str], list[tuple[Any, ...]]]
"""Runs plain SQL and returns all rows."""


@contextmanager
def new_database(kind: str, processes: Processes) -> Iterator[Database]:
    """A database of this kind, ended in the end. Raises StageError where there is no PostgreSQL.

    PostgreSQL does not sync to disk: a measurement that depends on that must start one of its own.
    """
    directory = processes.private_directory(kind)
    url = f"sqlite:///{directory}/bench.db"
    if kind == "postgresql":
        url = start_postgres(directory, processes, durable=False, name=kind)
    db = Database(url)
    try:
        migrations.upgrade(db)
        yield db
    finally:
        db.dispose()
        if kind == "postgresql":
            processes.stop(kind)


def settle(db: Database) -> None:
    """Leave PostgreSQL as its autovacuum would within minutes. Nobody does the like for SQLite, nor do we."""
    if not db.is_sqlite:
        with db.connection() as connection:
            connection.execution_options(isolation_level="AUTOCOMMIT").exec_driver_sql("VACUUM (ANALYZE)")


@contextmanager
def plain_driver(db: Database) -> Iterator[Query]:
    """The driver alone, on one open connection: what the database itself takes."""
    if db.is_sqlite:
        lite = sqlite3.connect(db.url.database or "", isolation_level=None)
        try:
            yield lambda sql: lite.execute(sql).fetchall()
        finally:
            lite.close()
        return
    url = db.url.set(drivername="postgresql").render_as_string(hide_password=False)
    with psycopg.connect(url, autocommit=True) as full:
        yield lambda sql: full.execute(sql.encode()).fetchall()


def version(db: Database) -> str:
    """The database's own version."""
    if db.is_sqlite:
        return sqlite3.sqlite_version
    with plain_driver(db) as query:
        return str(query("SHOW server_version")[0][0])
