"""The database: one way to write, one way to read.

``transaction()`` is the only way to write. Jobs asked for inside it go out after it has committed, and a job
that cannot go out is no loss: upkeep finds the same work in the database. On SQLite every write begins
IMMEDIATE (a deferred one fails with BUSY_SNAPSHOT once it writes), and a durable one has its log written to disk once
it has committed: within the commit all other writers would wait for the disk too. On PostgreSQL durable writes have an
engine of their own, with ``synchronous_commit``.
"""

from __future__ import annotations

import os
import sqlite3
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Protocol

import structlog
from sqlalchemy import BigInteger, DateTime, Dialect, Engine, Integer, MetaData, create_engine, event
from sqlalchemy.engine import Connection, make_url
from sqlalchemy.exc import InvalidatePoolError
from sqlalchemy.orm import DeclarativeBase, Session
from sqlalchemy.types import TypeDecorator

from outreach.core.sockets import is_readable

log = structlog.get_logger(__name__)

BUSY_TIMEOUT_MS = 15_000
POOL_SIZE = 5
FIRST_WAIT, LONGEST_WAIT = 0.001, 0.004
SYNC = getattr(os, "fdatasync", os.fsync)
_making = threading.Lock()
"""Whoever makes a database file closes it before anybody of this process has it open."""


class UtcDateTime(TypeDecorator[datetime]):
    """An aware UTC datetime, microseconds kept. A naive one is a bug and is refused."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError("naive datetime")
        utc = value.astimezone(UTC)
        return utc.replace(tzinfo=None) if dialect.name == "sqlite" else utc

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        if value is None:
            return None
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


BigKey = BigInteger().with_variant(Integer, "sqlite")


class Base(DeclarativeBase):
    """All tables, with constraint names that migrations can rely on."""

    metadata = MetaData(
        naming_convention={
            "ix": "ix_%(table_name)s_%(column_0_N_name)s",
            "uq": "uq_%(table_name)s_%(column_0_N_name)s",
            "ck": "ck_%(table_name)s_%(constraint_name)s",
            "fk": "fk_%(table_name)s_%(column_0_name)s",
            "pk": "pk_%(table_name)s",
        }
    )
    type_annotation_map = {datetime: UtcDateTime, int: BigKey}  # noqa: RUF012  SQLAlchemy reads it as is


@dataclass(frozen=True, slots=True)
class Job:
    """A call for the workers: a queue, the dotted path of an allow-listed function, opaque arguments."""

    queue: str
    function: str
    args: tuple[Any, ...] = ()


class JobQueue(Protocol):
    """Whatever takes jobs after a commit."""

    def enqueue(self, job: Job) -> None: ...


class Transaction(Session):
    """A session that remembers which jobs to send once it has committed."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.jobs: list[Job] = []
        self.is_sqlite = False

    def enqueue(self, job: Job) -> None:
        """Send the job after the commit; asking twice in one transaction sends it once."""
        if job not in self.jobs:
            self.jobs.append(job)


class Database:
    """Engines, and the two context managers through which everything goes.

    ``guard`` is called before the first transaction, and raises what forbids to write at all; False: ask again.
    """

    def __init__(
        self, url: str, queue: JobQueue | None = None, guard: Callable[[Database], bool] | None = None
    ) -> None:
        self.url = make_url(url)
        self.queue = queue
        self._guard = guard
        self._guarding, self._is_asked = threading.RLock(), False
        self.is_sqlite = self.url.get_backend_name() == "sqlite"
        self._fast = self._engine("off")
        self._durable = self._fast if self.is_sqlite else self._engine("on")
        self._reader = self._engine("off", read_only=True)

    def _engine(self, commit: str, *, read_only: bool = False) -> Engine:
        # Hidden, because an error's text goes into logs and tracebacks, and parameters hold names and numbers.
        common: dict[str, Any] = {"pool_size": POOL_SIZE, "max_overflow": 10, "hide_parameters": True}
        if self.is_sqlite:
            engine = create_engine(self.url, **common, connect_args={"timeout": 15})
            event.listen(engine, "do_connect", self._keep_private)
            _sqlite_pragmas(engine, read_only=read_only)
            return engine
        # Reads go by index into tables that are in memory or on a solid disk; the default of 4 makes them read whole.
        options = f"-c synchronous_commit={commit} -c timezone=UTC -c random_page_cost=1.1"
        engine = create_engine(
            self.url,
            **common,
            connect_args={"options": options, "connect_timeout": 10},
        )
        event.listen(engine, "checkout", _refuse_dead)
        if read_only:
            return engine.execution_options(isolation_level="REPEATABLE READ", postgresql_readonly=True)
        return engine

    def _keep_private(self, *_connect: object) -> None:
        """SQLite makes a file that others may read; one that is there before is not changed, and its log is like it.

        Only a file that is not there is opened: to close a database file takes every lock on it from the whole process
        (https://www.sqlite.org/howtocorrupt.html, 2.2), after which two may write at once and commits are lost.
        """
        with _making, suppress(OSError):  # SQLite says it better
            os.close(os.open(self.url.database or "", os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600))

    @contextmanager
    def transaction(self, *, durable: bool = False) -> Iterator[Transaction]:
        """Write. Commits at the end, rolls back on any error, then sends the jobs that were asked for.

        ``durable``: the commit is on disk before this returns (slices, suppressions, replies).
        """
        if self._guard is not None:
            self.ask_guard()
        engine = self._durable if durable else self._fast
        with Transaction(engine, expire_on_commit=False) as tx:
            tx.is_sqlite = self.is_sqlite
            if self.is_sqlite:
                tx.connection()  # begin at once: the write lock is taken before anything is read
            yield tx
            tx.commit()
            if durable and self.is_sqlite:
                self._sync_log()
            jobs = tx.jobs
        for job in jobs:
            self.send(job)

    def ask_guard(self) -> None:
        """Have the guard asked now, where it was not yet."""
        with self._guarding:  # other threads wait for the answer; the guard itself may write
            if self._guard is None or self._is_asked:
                return
            self._is_asked = True
            try:
                if self._guard(self):
                    self._guard = None
            finally:
                self._is_asked = False

    def _sync_log(self) -> None:
        """Have what has been committed on disk: SQLite's log up to here, so that no later commit is there without it.

        It holds no locks that closing it could take away. What is moved from it into the database file is synced before
        and after (https://www.sqlite.org/wal.html), so nothing is lost where there is no log any more.
        """
        with suppress(FileNotFoundError):
            log_file = os.open(f"{self.url.database}-wal", os.O_RDONLY)
            try:
                SYNC(log_file)
            finally:
                os.close(log_file)

    def send(self, job: Job) -> None:
        """Hand a job to the queue; a queue that is away costs time, never work."""
        if self.queue is None:
            return
        try:
            self.queue.enqueue(job)
        except Exception as error:  # upkeep re-enqueues from the database, whatever was wrong
            log.warning("job_not_enqueued", function=job.function, error=type(error).__name__)

    @contextmanager
    def snapshot(self) -> Iterator[Session]:
        """Read one consistent state of the database; writing through it is refused."""
        with Session(self._reader) as session:
            yield session

    def connection(self) -> Connection:
        """A plain connection for migrations and checks."""
        return self._fast.connect()

    def dispose(self) -> None:
        """Close every pooled connection (before a fork, at the end)."""
        for engine in {self._fast, self._durable, self._reader}:
            engine.dispose()


def _refuse_dead(connection: Any, _record: Any, _proxy: Any) -> None:
    """A server that has gone closes its connections, which one look at the socket shows; to ask it costs two turns."""
    if is_readable(connection.fileno()):
        raise InvalidatePoolError  # the pool takes a new one, and drops all others of that time


def _sqlite_pragmas(engine: Engine, *, read_only: bool) -> None:
    @event.listens_for(engine, "connect")
    def connect(raw: Any, _record: Any) -> None:
        raw.isolation_level = None  # the driver must not begin transactions of its own
        for pragma in (
            f"busy_timeout={BUSY_TIMEOUT_MS}",
            "journal_mode=WAL",
            "synchronous=NORMAL",
            "foreign_keys=ON",
            "cache_size=-16384",
            "temp_store=MEMORY",
        ):
            raw.execute(f"PRAGMA {pragma}")
        if read_only:
            raw.execute("PRAGMA query_only=ON")

    @event.listens_for(engine, "begin")
    def start(connection: Connection) -> None:
        if read_only:
            connection.exec_driver_sql("BEGIN")
        else:
            _begin_immediate(connection)


def _begin_immediate(connection: Connection) -> None:
    """Take the write lock, asking for it every few milliseconds.

    SQLite itself soon asks only ten times a second: beside writers that leave short gaps a STOP waits for seconds.
    """
    raw: Any = connection.connection.driver_connection
    if raw.in_transaction:  # a commit failed, say on a full disk, and nobody rolled it back
        raw.rollback()
    until, wait = time.monotonic() + BUSY_TIMEOUT_MS / 1000, FIRST_WAIT
    raw.execute("PRAGMA busy_timeout=0")
    try:
        while time.monotonic() < until:
            try:
                raw.execute("BEGIN IMMEDIATE")
                return
            except sqlite3.OperationalError as error:
                if error.sqlite_errorcode & 0xFF != sqlite3.SQLITE_BUSY:
                    break  # said again below, as SQLAlchemy says it
            time.sleep(wait)
            wait = min(LONGEST_WAIT, wait * 1.1)
        connection.exec_driver_sql("BEGIN IMMEDIATE")
    finally:
        raw.execute(f"PRAGMA busy_timeout={BUSY_TIMEOUT_MS}")
