"""What restores have put aside, and removing it: schemas of PostgreSQL, files beside that of SQLite.

Only names that ``restore`` gives, with their whole date: another schema of somebody's that begins alike is not ours.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Final, NamedTuple

import psycopg
import structlog
from psycopg import sql

from outreach.accounts.audit import record_for_every_group
from outreach.backups import BackupError, postgres_copies
from outreach.backups.backup import sqlite_path
from outreach.core.db import Database
from outreach.core.runtime import Runtime

log = structlog.get_logger(__name__)

MARK: Final = r"replaced_\d{8}_\d{6}_\d{6}"
BESIDE: Final = ("", "-wal", "-shm", "-journal")
"""A file of SQLite, and what stands beside it where somebody has looked into it."""


class Replaced(NamedTuple):
    """A schema or a file that was a database until a restore; ``name`` is what ``restore`` called ``aside``."""

    name: str
    bytes: int


def list_replaced(database: Database) -> list[Replaced]:
    """All of it, oldest first."""
    if database.is_sqlite:
        return [
            Replaced(str(path), sum(one.stat().st_size for one in _files(path) if one.exists()))
            for path in _put_aside(sqlite_path(database))
        ]
    with postgres_copies.connect(database.url) as connection:
        return _schemas(connection)


def remove_replaced(runtime: Runtime) -> list[Replaced]:
    """Remove all of it for good, and say what it was. Raises BackupError; what is left is then there as before."""
    if runtime.db.is_sqlite:
        found = list_replaced(runtime.db)
        for name, _ in found:
            for file in _files(Path(name)):
                file.unlink(missing_ok=True)
    else:
        found = _drop(runtime.db)
    if found:
        with runtime.db.transaction(durable=True) as tx:
            record_for_every_group(tx, action="replaced_removed", count=len(found))
    log.warning("replaced_removed", count=len(found), bytes=sum(one.bytes for one in found))
    return found


def _files(path: Path) -> list[Path]:
    return [Path(f"{path}{suffix}") for suffix in BESIDE]


def _put_aside(target: Path) -> list[Path]:
    form = re.compile(rf"{re.escape(target.name)}\.{MARK}", re.ASCII)
    return sorted(path for path in target.parent.iterdir() if form.fullmatch(path.name))


def _schemas(connection: psycopg.Connection[tuple[object, ...]]) -> list[Replaced]:
    query = (
        "SELECT nspname, coalesce(sum(pg_total_relation_size(c.oid)), 0)::bigint FROM pg_namespace n "
        "LEFT JOIN pg_class c ON c.relnamespace = n.oid AND c.relkind = 'r' "
        "WHERE nspname ~ %s GROUP BY nspname ORDER BY nspname"
    )
    return [Replaced(str(name), int(str(size))) for name, size in connection.execute(query, (f"^{MARK}$",))]


def _drop(database: Database) -> list[Replaced]:
    """In one step, or not at all."""
    try:
        with postgres_copies.connect(database.url) as connection, connection.transaction():
            if postgres_copies.unfinished(connection) is not None:
                raise BackupError("replaced_needed")
            connection.execute("SET LOCAL lock_timeout = '10s'")
            found = _schemas(connection)
            for name, _ in found:
                connection.execute(sql.SQL("DROP SCHEMA {} CASCADE").format(sql.Identifier(name)))
    except psycopg.Error as error:
        raise BackupError("backup_program_failed", program="PostgreSQL", reason=str(error).strip()) from None
    return found
