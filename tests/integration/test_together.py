"""Writes of many threads: each is there or raises, whatever becomes of the others; jobs go out after the commit."""

from __future__ import annotations

import threading
from collections.abc import Callable
from datetime import UTC, datetime
from sqlite3 import OperationalError
from typing import Any

import pytest
from sqlalchemy import Engine, event, insert, select
from sqlalchemy.exc import IntegrityError

from outreach.core.db import Database, Job, Transaction
from outreach.core.leases import Bookmark
from outreach.core.runtime import Runtime

WHEN = datetime(2026, 12, 1, tzinfo=UTC)
THREADS = 40


class Book:
    """A queue that keeps what was asked of it, and what was committed by then."""

    def __init__(self, db: Database) -> None:
        self._db = db
        self.asked: list[tuple[Job, bool]] = []

    def enqueue(self, job: Job) -> None:
        with self._db.snapshot() as session:
            there = session.execute(select(Bookmark.name).where(Bookmark.name == job.args[0])).scalar()
        self.asked.append((job, there is not None))


def put(name: str, *, fails: bool = False) -> Callable[[Transaction], str]:
    def work(tx: Transaction) -> str:
        tx.execute(insert(Bookmark).values(name=name, at=WHEN))
        tx.enqueue(Job("q", "f", (name,)))
        if fails:
            raise ZeroDivisionError(name)
        return name.upper()

    return work


def all_at_once(db: Database, works: list[Callable[[Transaction], str]], *, durable: bool) -> list[Any]:
    """What each gave or raised."""
    found: list[Any] = [None] * len(works)
    go = threading.Barrier(len(works))

    def run(index: int) -> None:
        go.wait()
        try:
            found[index] = db.write(works[index], durable=durable)
        except Exception as error:
            found[index] = error

    threads = [threading.Thread(target=run, args=(index,)) for index in range(len(works))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return found


def names(db: Database) -> set[str]:
    with db.snapshot() as session:
        return set(session.execute(select(Bookmark.name)).scalars())


@pytest.mark.parametrize("durable", [False, True])
def test_each_is_there_or_raises_whatever_becomes_of_the_others(runtime: Runtime, durable: bool) -> None:
    db = runtime.db
    db.queue = book = Book(db)
    works = [put(f"n{index}", fails=index % 5 == 0) for index in range(THREADS)]
    works += [put("n1") for _ in range(3)]  # of which one is there by then, or comes first
    found = all_at_once(db, works, durable=durable)
    good = [one for one in found if isinstance(one, str)]
    assert sum(isinstance(one, ZeroDivisionError) for one in found) == THREADS // 5
    assert sum(isinstance(one, IntegrityError) for one in found) == 3
    assert {one.lower() for one in good} == names(db) == {f"n{index}" for index in range(THREADS) if index % 5}
    assert sorted(job.args[0] for job, _ in book.asked) == sorted(one.lower() for one in good)
    assert all(there for _, there in book.asked)


# PostgreSQL commits each by itself.
@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_those_who_wait_are_written_together(runtime: Runtime) -> None:
    db, commits = runtime.db, 0
    inside, go_on = threading.Event(), threading.Event()

    def first(_tx: Transaction) -> str:
        inside.set()
        go_on.wait()
        return "first"

    leader = threading.Thread(target=lambda: db.write(first) and None)
    leader.start()
    inside.wait()

    def count(_connection: object) -> None:
        nonlocal commits
        commits += 1

    event.listen(Engine, "commit", count)
    try:
        others = [threading.Thread(target=lambda one=one: db.write(put(f"w{one}")) and None) for one in range(10)]
        for other in others:
            other.start()
        while len(db._fast_line._waiting) < len(others):
            threading.Event().wait(0.01)
        go_on.set()
        for thread in (leader, *others):
            thread.join()
    finally:
        event.remove(Engine, "commit", count)
    assert names(db) == {f"w{one}" for one in range(10)}
    assert commits == 2  # the first one's, and theirs


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_a_commit_that_fails_fails_for_all_and_leaves_nothing(
    runtime: Runtime, monkeypatch: pytest.MonkeyPatch
) -> None:
    db = runtime.db

    def refuse(_connection: object) -> None:
        raise OperationalError("database or disk is full")

    with monkeypatch.context() as patch:
        patch.setattr(db._durable.dialect, "do_commit", refuse)
        found = all_at_once(db, [put(f"x{index}") for index in range(8)], durable=True)
    assert ["full" in str(one) for one in found] == [True] * 8, found  # nobody meets what the one before has left
    assert names(db) == set()
    assert db.write(put("after"), durable=True) == "AFTER"
