"""The database: does it answer, does its schema fit this code, is there room, and for how many connections."""

from __future__ import annotations

import os
import shutil
import stat
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Literal

from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from config.settings import is_local
from outreach import migrations
from outreach.core.db import Database
from outreach.doctor.examined import Examined, NotLooked
from outreach.doctor.findings import Finding, finding

OLDEST: Final = {"sqlite": (3, 37), "postgresql": (14, 0)}
"""The oldest versions that still get security fixes (PostgreSQL) or have all that our statements use (SQLite)."""
WEB_THREADS, POOLS, OTHERS = 2, 3, 4
"""Threads of a web process, engines of a process, and processes beside web: worker, its child, importer, upkeep."""
LITTLE_ROOM, NO_ROOM = 1_000_000_000, 100_000_000
LITTLE_FOR_FILES = 500_000_000


@dataclass(frozen=True, slots=True)
class Server:
    """A database server, or the library that stands for one."""

    kind: Literal["sqlite", "postgresql"]
    version: tuple[int, int]
    encoding: str


@dataclass(frozen=True, slots=True)
class Disk:
    """An SQLite file and the disk it is on. ``mode``: permission bits of the file."""

    journal: str
    mode: int
    writable: bool
    free: int


@dataclass(frozen=True, slots=True)
class Wire:
    """A connection to PostgreSQL. ``room``: connections that ordinary users may have."""

    room: int
    encrypted: bool
    near: bool


def look_whether_it_answers(held: Examined) -> Iterator[Finding]:
    """Must be the first look at the database."""
    try:
        with held.snapshot() as session:
            if held.runtime.db.is_sqlite:
                version, encoding = (
                    session.execute(text("SELECT sqlite_version()")).scalar_one(),
                    session.execute(text("PRAGMA encoding")).scalar_one(),
                )
            else:
                version, encoding = (
                    session.execute(text("SHOW server_version")).scalar_one(),
                    session.execute(text("SHOW server_encoding")).scalar_one(),
                )
    except DBAPIError as error:
        held.database_away = True
        yield finding("database.reachable", "away", reason=_first_line(error))
        return
    numbers = [int(part) for part in version.split()[0].split(".") if part.isdigit()]
    kind: Literal["sqlite", "postgresql"] = "sqlite" if held.runtime.db.is_sqlite else "postgresql"
    yield from judge_server(Server(kind, (numbers[0], numbers[1] if len(numbers) > 1 else 0), encoding))


def judge_server(server: Server) -> Iterator[Finding]:
    """Whether it is new enough, and can hold every letter."""
    name = {"sqlite": "SQLite", "postgresql": "PostgreSQL"}[server.kind]
    details = {"name": name, "version": ".".join(map(str, server.version))}
    if server.encoding.upper().replace("-", "") != "UTF8":
        yield finding("database.reachable", "not_utf8", encoding=server.encoding, **details)
    elif server.version < OLDEST[server.kind]:
        oldest = ".".join(map(str, OLDEST[server.kind]))
        yield finding("database.reachable", "old", oldest=oldest, **details)
    else:
        yield finding("database.reachable", "ok", **details)


def look_at_schema(held: Examined) -> Iterator[Finding]:
    """Whether the migrations have run, and not further than this code knows. Must come before looks at tables."""
    if held.database_away:
        raise NotLooked("database_away")
    now = migrations.standing(held.runtime.db)
    held.schema = now.state if now.revision else "empty"
    yield finding("database.schema", held.schema)


def look_at_storage(held: Examined) -> Iterator[Finding]:
    """The file of SQLite, or the way to PostgreSQL."""
    if held.runtime.db.is_sqlite:
        path = Path(held.runtime.db.url.database or "")
        with held.snapshot() as session:
            journal = session.execute(text("PRAGMA journal_mode")).scalar_one()
        writable = os.access(path, os.W_OK) and os.access(path.parent, os.W_OK)
        mode = stat.S_IMODE(path.stat().st_mode)
        reachable = mode if path.parent.stat().st_mode & stat.S_IXOTH else mode & ~0o007
        yield from judge_disk(Disk(journal, reachable, writable, shutil.disk_usage(path.parent).free))
        return
    with held.snapshot() as session:
        most = int(session.execute(text("SHOW max_connections")).scalar_one())
        reserved = int(session.execute(text("SHOW superuser_reserved_connections")).scalar_one())
        encrypted = session.execute(text("SELECT ssl FROM pg_stat_ssl WHERE pid = pg_backend_pid()")).scalar()
    yield from judge_wire(
        Wire(most - reserved, bool(encrypted), _is_near(held.runtime.db)), held.settings.web_concurrency
    )


def judge_disk(disk: Disk) -> Iterator[Finding]:
    """Room, and who else may read it."""
    gigabytes = round(disk.free / 1e9, 1)
    if not disk.writable:
        yield finding("database.storage", "not_writable")
    elif disk.journal != "wal":
        yield finding("database.storage", "not_wal", journal=disk.journal)
    elif disk.free < NO_ROOM:
        yield finding("database.storage", "no_room", gigabytes=gigabytes)
    elif disk.free < LITTLE_ROOM:
        yield finding("database.storage", "little_room", gigabytes=gigabytes)
    elif disk.mode & 0o007:
        yield finding("database.storage", "open", mode=f"{disk.mode:04o}")
    else:
        yield finding("database.storage", "file", gigabytes=gigabytes)


def judge_wire(wire: Wire, web_processes: int) -> Iterator[Finding]:
    """Whether every process gets its connections, and whether strangers can listen on the way."""
    need = needed(web_processes)
    outcome = "few" if wire.room < need else "enough"
    yield finding("database.storage", outcome, room=wire.room, need=need)
    if not wire.encrypted and not wire.near:
        yield finding("database.storage", "plain")


def needed(web_processes: int) -> int:
    """Connections that the processes of one machine may have open at once."""
    return web_processes * WEB_THREADS * POOLS + OTHERS * POOLS


def look_for_room_for_files(held: Examined) -> Iterator[Finding]:
    """Contact files and exports pass through the directory for temporary files."""
    free = shutil.disk_usage(tempfile.gettempdir()).free
    outcome = "little_room" if free < LITTLE_FOR_FILES else "ok"
    yield finding("database.files", outcome, gigabytes=round(free / 1e9, 1))


def _is_near(db: Database) -> bool:
    host = db.url.host or str(db.url.query.get("host", ""))
    return not host or host.startswith("/") or is_local(f"//{host}")


def _first_line(error: DBAPIError) -> str:
    """What the driver says: host and user at most, never a password."""
    return str(error.orig).strip().partition("\n")[0][:200]
