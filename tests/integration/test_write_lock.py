"""SQLite's write lock: asked for often, given up as SQLAlchemy says it, and nothing left changed on the connection."""

from __future__ import annotations

import re
import sqlite3
import subprocess
import sys
import threading
import time
from collections import Counter
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
    """The other is a program that takes no turn."""
    database = Database(f"sqlite:///{tmp_path}/x.db")
    begin(database)
    other = sqlite3.connect(tmp_path / "x.db", isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    asked: list[float] = []
    real = time.sleep

    def sleep(seconds: float) -> None:
        asked.append(seconds)
        if len(asked) == 40:
            other.execute("ROLLBACK")
        real(seconds)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(time, "sleep", sleep)
        patience = begin(database)
    other.close()
    assert patience == core.BUSY_TIMEOUT_MS
    assert len(asked) >= 40
    assert asked[0] == core.FIRST_WAIT
    assert max(asked) <= core.LONGEST_WAIT
    database.dispose()


def test_writers_of_all_threads_and_processes_stand_in_one_line(tmp_path: Path) -> None:
    """A writer that comes again goes behind those who wait, as a rule: the kernel wakes them in order."""
    url, order = f"sqlite:///{tmp_path}/x.db", tmp_path / "order"
    writer = (
        "import os, sys, time; from outreach.core.db import Database\n"
        "database = Database(sys.argv[1])\n"
        "with database.transaction(): pass\n"
        "print('ready', flush=True); sys.stdin.readline()\n"
        "for _ in range(20):\n"
        "    with database.transaction():\n"
        "        os.write(int(sys.argv[2]), sys.argv[3].encode())\n"
        "        time.sleep(0.005)\n"
    )
    with order.open("wb") as book:
        file = book.fileno()
        begin(Database(url))
        others = [
            subprocess.Popen(
                [sys.executable, "-c", writer, url, str(file), name],
                stdin=subprocess.PIPE, stdout=subprocess.PIPE, pass_fds=(file,),
            )
            for name in "abc"
        ]  # fmt: skip
        for other in others:
            assert other.stdout is not None
            assert other.stdout.readline() == b"ready\n"
        for other in others:
            assert other.stdin is not None
            other.stdin.write(b"go\n")
            other.stdin.flush()
        for other in others:
            other.communicate(timeout=60)
            assert other.returncode == 0
    told = order.read_text()
    assert Counter(told) == {"a": 20, "b": 20, "c": 20}
    begins = max(told.index(name) for name in "abc")
    ends = min(told.rindex(name) for name in "abc")
    together = told[begins : ends + 1]
    longest = max(len(run) for run in re.findall(r"a+|b+|c+", together))
    assert len(together) > 10, told
    assert longest <= 6, told


def test_a_writer_that_is_killed_gives_its_turn_back(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path}/x.db"
    holder = (
        "import sys, time; from outreach.core.db import Database\n"
        "with Database(sys.argv[1]).transaction():\n"
        "    print('held', flush=True); time.sleep(600)\n"
    )
    other = subprocess.Popen([sys.executable, "-c", holder, url], stdout=subprocess.PIPE)
    assert other.stdout is not None
    assert other.stdout.readline() == b"held\n"
    done = threading.Event()

    def wait() -> None:
        begin(Database(url))
        done.set()

    waiter = threading.Thread(target=wait)
    waiter.start()
    assert not done.wait(0.2)
    other.kill()
    assert done.wait(20)
    waiter.join()
    other.wait()
    other.stdout.close()


def test_a_lock_that_is_never_given_up_is_the_databases_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(core, "BUSY_TIMEOUT_MS", 30)
    database = Database(f"sqlite:///{tmp_path}/x.db")
    with database.transaction(), pytest.raises(OperationalError, match="locked"):
        begin(database)
    assert begin(database) == 30
    database.dispose()
