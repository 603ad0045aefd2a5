"""SQLite: a copy of one moment beside live traffic, and a restored file that takes the old one's place in one step.

``VACUUM INTO`` and not the online backup, though both read one snapshot: that one begins again whenever somebody
writes, and copies the pages that are free, in which the words of erased people still stand.
"""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Iterator
from pathlib import Path

from outreach.backups import BackupError


def copy(source: Path, target: Path) -> None:
    """Write a compact copy of the database's present state and look it through. Raises BackupError."""
    try:
        connection = sqlite3.connect(f"file:{source}?mode=ro", uri=True, timeout=15, isolation_level=None)
        try:
            connection.execute("VACUUM INTO ?", (str(target),))
        finally:
            connection.close()
        target.chmod(0o600)
        _look_through(target)
    except sqlite3.Error as error:
        raise BackupError("backup_program_failed", program="SQLite", reason=str(error)) from None


def write_whole(path: Path, pieces: Iterator[bytes]) -> None:
    """Write a restored file where nobody looks for it yet. Raises BackupError when it is no sound database."""
    path.unlink(missing_ok=True)
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        for piece in pieces:
            file.write(piece)
        file.flush()
        os.fsync(file.fileno())
    try:
        _look_through(path)
    except sqlite3.Error as error:
        raise BackupError("backup_program_failed", program="SQLite", reason=str(error)) from None


def put_in_place(fresh: Path, target: Path, aside: Path | None) -> None:
    """Let the fresh file take the target's place; the old one goes to ``aside``. Nobody may have either open."""
    for path in (fresh, target):
        if path.exists():
            _close_log(path)
    for suffix in ("-wal", "-shm"):
        for path in (fresh, target):
            Path(f"{path}{suffix}").unlink(missing_ok=True)
    if aside is not None and target.exists():
        os.link(target, aside)
    fresh.replace(target)
    directory = os.open(target.parent, os.O_RDONLY)
    try:
        os.fsync(directory)
    finally:
        os.close(directory)


def tables(path: Path) -> int:
    """How many tables a file has; 0 where there is none."""
    if not path.exists():
        return 0
    connection = sqlite3.connect(f"file:{path}?mode=ro", uri=True)
    try:
        found: int = connection.execute("SELECT count(*) FROM sqlite_master WHERE type = 'table'").fetchone()[0]
        return found
    except sqlite3.DatabaseError:  # whatever it is, it is something
        return 1
    finally:
        connection.close()


def holders(path: Path) -> list[int]:
    """The processes that have the file open, as far as this one may look."""
    found, real = [], path.resolve()
    for handle in Path("/proc").glob("[0-9]*/fd/*"):
        pid = int(handle.parts[2])
        try:
            if pid != os.getpid() and pid not in found and handle.readlink() == real:
                found.append(pid)
        except OSError:  # gone, or not ours to see
            continue
    return found


def _close_log(path: Path) -> None:
    connection = sqlite3.connect(path, timeout=5, isolation_level=None)
    try:
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    except sqlite3.DatabaseError:  # a damaged old file is put aside as it is
        pass
    finally:
        connection.close()


def _look_through(path: Path) -> None:
    connection = sqlite3.connect(f"file:{path}?mode=ro", uri=True)
    try:
        told = connection.execute("PRAGMA quick_check(1)").fetchone()[0]
    finally:
        connection.close()
    if told != "ok":
        raise BackupError("backup_program_failed", program="SQLite", reason=told)
