"""SQLite's write lock: asked for often, given up as SQLAlchemy says it, and nothing left changed on the connection."""

from __future__ import annotations

import os
import shutil
import sqlite3
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest
from sqlalchemy.exc import OperationalError

from outreach.core import db as core
from outreach.core.db import Database


def begin(database: Database) -> int:
    """Write nothing; the connection's own patience afterwards."""
    with database.transaction() as tx:
        return int(tx.connection().exec_driver_sql("PRAGMA busy_timeout").scalar_one())


def test_whoever_waits_asks_again_and_again_until_the_other_has_ended(tmp_path: Path) -> None:
    database = Database(f"sqlite:///{tmp_path}/x.db")
    held, go = threading.Event(), threading.Event()

    def hold() -> None:
        with database.transaction():
            held.set()
            go.wait()

    other = threading.Thread(target=hold)
    other.start()
    held.wait()
    asked: list[float] = []
    real = time.sleep

    def sleep(seconds: float) -> None:
        asked.append(seconds)
        if len(asked) == 40:
            go.set()
        real(seconds)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(time, "sleep", sleep)
        patience = begin(database)
    other.join()
    assert patience == core.BUSY_TIMEOUT_MS
    assert len(asked) >= 40
    assert asked[0] == core.FIRST_WAIT
    assert max(asked) <= core.LONGEST_WAIT
    database.dispose()


def test_a_lock_that_is_never_given_up_is_the_databases_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(core, "BUSY_TIMEOUT_MS", 30)
    database = Database(f"sqlite:///{tmp_path}/x.db")
    with database.transaction(), pytest.raises(OperationalError, match="locked"):
        begin(database)
    assert begin(database) == 30
    database.dispose()


def test_after_a_commit_that_failed_the_next_writer_begins_anew(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    database = Database(f"sqlite:///{tmp_path}/x.db")

    def refuse(_connection: object) -> None:
        raise sqlite3.OperationalError("database or disk is full")

    with database.transaction(durable=True) as tx:
        tx.connection().exec_driver_sql("CREATE TABLE kept (it)")
    with monkeypatch.context() as patch:
        patch.setattr(database._durable.dialect, "do_commit", refuse)
        for _ in range(3):
            with pytest.raises(OperationalError, match="full"), database.transaction(durable=True) as tx:
                tx.connection().exec_driver_sql("INSERT INTO kept VALUES (1)")
    with database.transaction(durable=True) as tx:
        assert tx.connection().exec_driver_sql("SELECT count(*) FROM kept").scalar_one() == 0
    database.dispose()


def test_opening_a_file_takes_no_lock_from_connections_that_are_open(tmp_path: Path) -> None:
    """Another process that comes and goes believes itself the last one where ours has lost its locks: the log goes."""
    path = tmp_path / "x.db"
    first, second = Database(f"sqlite:///{path}"), Database(f"sqlite:///{path}")
    begin(first)
    with first.connection():
        begin(second)
        begin(second)
        visit = "import sqlite3, sys; c = sqlite3.connect(sys.argv[1]); c.execute('CREATE TABLE t (x)'); c.close()"
        subprocess.run([sys.executable, "-c", visit, str(path)], check=True)
        assert Path(f"{path}-wal").exists()
    assert path.stat().st_mode & 0o077 == 0
    first.dispose()
    second.dispose()


def test_a_durable_write_is_on_disk_before_it_returns_and_nobody_waits_for_that(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path, synced = tmp_path / "x.db", []
    database = Database(f"sqlite:///{path}")
    with database.transaction() as tx:
        tx.connection().exec_driver_sql("CREATE TABLE kept (it)")

    def sync(descriptor: int) -> None:
        """What a power cut just after it would leave."""
        assert os.path.samestat(os.fstat(descriptor), Path(f"{path}-wal").stat())
        begin(database)
        for name in ("x.db", "x.db-wal"):
            shutil.copy(tmp_path / name, tmp_path / f"copy-{name}")
        with sqlite3.connect(tmp_path / "copy-x.db") as left:
            synced.append(left.execute("SELECT count(*) FROM kept").fetchone()[0])
        left.close()

    monkeypatch.setattr(core, "SYNC", sync)
    with database.transaction(durable=True) as tx:
        tx.connection().exec_driver_sql("INSERT INTO kept VALUES (1)")
        assert synced == []
    assert synced == [1]
    with database.transaction() as tx:
        tx.connection().exec_driver_sql("INSERT INTO kept VALUES (2)")
    assert synced == [1]
    database.dispose()


def test_who_writes_durably_hears_of_a_disk_that_does_not_keep_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    database = Database(f"sqlite:///{tmp_path}/x.db")

    def fail(_descriptor: int) -> None:
        raise OSError(5, "Input/output error")

    monkeypatch.setattr(core, "SYNC", fail)
    with pytest.raises(OSError, match="Input/output"), database.transaction(durable=True) as tx:
        tx.connection().exec_driver_sql("CREATE TABLE kept (it)")
    database.dispose()
