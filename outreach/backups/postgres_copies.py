"""PostgreSQL's own programs: ``pg_dump`` of one snapshot beside live traffic, ``pg_restore`` into an empty schema.

What stood in the schema before is renamed, not dropped, and comes back when the restore fails. The password goes
through the environment: a command line is everybody's to read.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import tempfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO, Any, Final, TypeVar

import psycopg
from psycopg import sql
from sqlalchemy import URL

from outreach.backups import BackupError

PUBLIC: Final = "public"
REPLACED: Final = "replaced_"
LEFT_OUT: Final = "restoration"
"""The table that says whether a restored backup has caught up: no copy may bring that answer along."""
RESTORING: Final = "outreach_restoring"
"""A table that is there from before the first row until all is made safe, and says what was put aside. It goes with a
schema that is renamed."""
READ_BYTES: Final = 1024 * 1024
PIECES = Callable[[], Iterator[bytes]]
T = TypeVar("T")


def connect(url: URL) -> psycopg.Connection[tuple[Any, ...]]:
    """A plain connection of our own, each statement by itself."""
    plain = url.set(drivername="postgresql").render_as_string(hide_password=False)
    return psycopg.connect(plain, autocommit=True, connect_timeout=10)


def server_version(connection: psycopg.Connection[tuple[Any, ...]]) -> int:
    """The server's major version."""
    return connection.info.server_version // 10_000


def program(name: str, least: int) -> Path:
    """A client program at least as new as the server, and no newer than need be. Raises BackupError."""
    on_path = shutil.which(name)
    places = [Path(on_path)] if on_path else []
    places += sorted(Path("/usr/lib/postgresql").glob(f"*/bin/{name}"))
    found: dict[int, Path] = {}
    for place in places:
        told = subprocess.run([place, "--version"], capture_output=True, text=True, check=False).stdout
        version = re.search(r"\) (\d+)", told)
        if version:
            found.setdefault(int(version[1]), place)
    fitting = sorted(version for version in found if version >= least)
    if not fitting:
        raise BackupError("backup_no_program", program=name, version=least)
    return found[fitting[0]]


def dump(url: URL, snapshot: str, write: Callable[[bytes], None]) -> None:
    """Hand the archive of an exported snapshot to ``write``. Raises BackupError with what pg_dump said."""
    with connect(url) as connection:
        pg_dump = program("pg_dump", server_version(connection))
    argv = [
        str(pg_dump), "--format=custom", "--compress=0", "--no-owner", "--no-privileges", f"--snapshot={snapshot}",
        f"--exclude-schema={REPLACED}*", f"--exclude-table-data={PUBLIC}.{LEFT_OUT}", "--lock-wait-timeout=10000",
    ]  # fmt: skip
    with _running(argv, url, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None  # noqa: S101
        while piece := process.stdout.read(READ_BYTES):
            write(piece)


def others(connection: psycopg.Connection[tuple[Any, ...]]) -> int:
    """How many other clients this database has."""
    query = (
        "SELECT count(*) FROM pg_stat_activity "
        "WHERE datname = current_database() AND pid <> pg_backend_pid() AND backend_type = 'client backend'"
    )
    return _count(connection, query)


def tables(connection: psycopg.Connection[tuple[Any, ...]]) -> int:
    """How many tables the schema has."""
    return _count(connection, "SELECT count(*) FROM pg_tables WHERE schemaname = 'public'")


def unfinished(connection: psycopg.Connection[tuple[Any, ...]]) -> list[str] | None:
    """What restores that were killed have put aside, newest first; None: none was killed since the last that ended."""
    aside = _aside_of(connection, PUBLIC)
    if aside is None:
        return None
    found: list[str] = []
    while aside:
        found.append(aside)
        aside = _aside_of(connection, aside)
    return found


def load(url: URL, pieces: PIECES, aside: str | None, *, lock: Callable[[], None], settle: Callable[[], T]) -> T:
    """Bring an archive into the schema, what is there renamed to ``aside`` (None: it is empty).

    ``lock`` is called when the tables are there and their rows are not, ``settle`` in the end, and what that
    says is returned. Raises BackupError, or what these raise; then all is as before. Meanwhile it is ``unfinished``.
    """
    mark = sql.Identifier(PUBLIC, RESTORING)
    with connect(url) as connection:
        pg_restore = program("pg_restore", server_version(connection))
        with connection.transaction():
            if aside is not None:
                _rename(connection, PUBLIC, aside)
                connection.execute("CREATE SCHEMA public")
            said = sql.SQL("CREATE TABLE {} AS SELECT {}::text AS aside").format(mark, sql.Literal(aside or ""))
            connection.execute(said)
    try:
        for section in ("pre-data", "data", "post-data"):
            argv = [
                str(pg_restore), "--dbname", url.database or "", f"--section={section}", "--single-transaction",
                "--exit-on-error", "--no-owner", "--no-privileges",
            ]  # fmt: skip
            with _running(argv, url, stdin=subprocess.PIPE) as process:
                assert process.stdin is not None  # noqa: S101
                _feed(process.stdin, pieces())
            if section == "pre-data":
                lock()
        settled = settle()
        with connect(url) as connection:
            connection.execute(sql.SQL("DROP TABLE {}").format(mark))
    except BaseException:
        with connect(url) as connection:
            connection.execute("DROP SCHEMA public CASCADE")
            if aside is None:
                connection.execute("CREATE SCHEMA public")
            else:
                _rename(connection, aside, PUBLIC)
        raise
    return settled


def _aside_of(connection: psycopg.Connection[tuple[Any, ...]], schema: str) -> str | None:
    """What was put aside for a schema, empty where nothing was; None: it is not there, or is not being restored."""
    mark = sql.Identifier(schema, RESTORING)
    if not _count(connection, sql.SQL("SELECT count(to_regclass({}))").format(sql.Literal(mark.as_string(connection)))):
        return None
    row = connection.execute(sql.SQL("SELECT aside FROM {}").format(mark)).fetchone()
    return str(row[0]) if row else None


def _rename(connection: psycopg.Connection[tuple[Any, ...]], old: str, new: str) -> None:
    connection.execute(sql.SQL("ALTER SCHEMA {} RENAME TO {}").format(sql.Identifier(old), sql.Identifier(new)))


def _feed(pipe: IO[bytes], pieces: Iterator[bytes]) -> None:
    """A reader that has what it wants closes its end early: whether it had is for its exit code to say."""
    with suppress(BrokenPipeError):
        for piece in pieces:
            pipe.write(piece)
        pipe.flush()


@contextmanager
def _running(argv: list[str], url: URL, **pipes: int) -> Iterator[subprocess.Popen[bytes]]:
    """The program, which must end well by itself. Raises BackupError with the end of what it said."""
    with tempfile.TemporaryFile() as said:  # a pipe that nobody reads would fill up
        process = subprocess.Popen(argv, env=_environment(url), stderr=said, **pipes)  # type: ignore[call-overload]
        try:
            yield process
        except BaseException:
            process.kill()
            raise
        finally:
            for pipe in (process.stdin, process.stdout):
                if pipe is not None:
                    with suppress(BrokenPipeError):
                        pipe.close()
            process.wait()
        if process.returncode != 0:
            said.seek(0)
            reason = said.read().decode(errors="replace").strip().splitlines()[-3:]
            raise BackupError("backup_program_failed", program=Path(argv[0]).name, reason=" ".join(reason))


def _environment(url: URL) -> Mapping[str, str]:
    query = {name: value if isinstance(value, str) else value[0] for name, value in url.query.items()}
    given = {
        "PGHOST": url.host or query.get("host"),
        "PGPORT": str(url.port) if url.port else query.get("port"),
        "PGUSER": url.username,
        "PGPASSWORD": url.password,
        "PGDATABASE": url.database,
        "PGSSLMODE": query.get("sslmode"),
        "PGSSLROOTCERT": query.get("sslrootcert"),
        "PGOPTIONS": "-c lock_timeout=10000",
    }
    return {**os.environ, **{name: value for name, value in given.items() if value}}


def _count(connection: psycopg.Connection[tuple[Any, ...]], query: Any) -> int:
    row = connection.execute(query).fetchone()
    return int(row[0]) if row else 0
