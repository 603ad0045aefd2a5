"""One whole site on this machine: Redis, the rehearsal carrier, web, worker and upkeep, over one data directory."""

from __future__ import annotations

import fcntl
import os
import shutil
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import IO

import structlog
from redis.exceptions import RedisError
from sqlalchemy import func, select

from config.settings import Settings
from outreach import migrations
from outreach.core.db import Database
from outreach.core.queue import connect
from outreach.escalations.models import Wave
from outreach.officials.models import Meeting
from outreach.stage import StageError, commands
from outreach.stage.instance import database_url, write_instance
from outreach.stage.keys import ensure_env
from outreach.stage.ports import LOOPBACK, free_port, require_free
from outreach.stage.processes import Processes
from outreach.stage.redis import start_redis

log = structlog.get_logger(__name__)

FIRST_PORT = 8000
MOST_DEATHS = 5
UNSTABLE_SECONDS = 10.0
LEAST_FREE_BYTES = 1_000_000
"""Below this the database can no longer write: nothing is lost, but nothing goes on either."""


@dataclass(frozen=True)
class Site:
    """A running site: the environment of its processes, and where its carrier answers (None: a foreign one)."""

    env: Mapping[str, str]
    settings: Settings
    carrier_url: str | None


def lock_directory(data_dir: Path) -> IO[str]:
    """Hold the data directory for one run; two would share one database and one log. Raises StageError."""
    try:
        data_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
        handle = (data_dir / "lock").open("w")
    except OSError as error:
        raise StageError("stage_directory", path=data_dir, reason=error.strerror) from None
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        raise StageError("stage_directory_busy", path=data_dir) from None
    return handle


def start_site(
    processes: Processes,
    data_dir: Path,
    *,
    port: int | None,
    clock: str | Callable[[datetime | None], str],
    seed: int,
    sender_threads: int = 32,
    environ: Mapping[str, str] = os.environ,
    before: Callable[[Settings], None] = lambda settings: None,
) -> Site:
    """Start everything and wait until each answers. Raises StageError naming what did not.

    ``DATABASE_URL``, ``REDIS_URL`` and ``TWILIO_BASE_URL`` (with account, token and sender) of ``environ`` are
    used where they are set. ``clock`` may be made when the database is there, from the latest that happened in it.
    ``before`` may refuse the settings while nothing but Redis runs.
    """
    web_port = choose_port(port)
    foreign = environ.get("TWILIO_BASE_URL")
    carrier_port = free_port()
    env = {
        **ensure_env(data_dir),
        "OUTREACH_MODE": "rehearsal",
        "DATABASE_URL": database_url(data_dir),
        "PUBLIC_BASE_URL": f"http://{LOOPBACK}:{web_port}",
        "TWILIO_BASE_URL": foreign or f"http://{LOOPBACK}:{carrier_port}",
        **({"REHEARSAL_CLOCK": clock} if isinstance(clock, str) else {}),
        "PORT": str(web_port),
        **given(environ, foreign=bool(foreign)),
    }
    if "REDIS_URL" not in env:
        env["REDIS_URL"] = start_redis(data_dir / "redis", processes)
    settings = Settings.from_mapping(env)
    require_redis(settings.redis_url)
    before(settings)
    database = Database(settings.database_url)
    migrations.upgrade(database)
    if not isinstance(clock, str):
        env["REHEARSAL_CLOCK"] = clock(latest(database))
        settings = Settings.from_mapping(env)
    database.dispose()
    write_instance(data_dir, env)
    programs = [
        commands.web(web_port, env), commands.worker(env, sender_threads), commands.importer(env), commands.upkeep(env),
    ]  # fmt: skip
    if not foreign:
        programs.insert(0, commands.carrier(carrier_port, seed, env["PUBLIC_BASE_URL"], env))
    processes.start(*programs)
    return Site(env, settings, None if foreign else env["TWILIO_BASE_URL"])


def latest(database: Database) -> datetime | None:
    """The domain time of the latest that was logged or launched; None in an empty database."""
    with database.snapshot() as session:
        times = [session.execute(select(func.max(each))).scalar() for each in (Meeting.created_at, Wave.launched_at)]
    return max((at for at in times if at is not None), default=None)


def require_redis(url: str) -> None:
    """Raises StageError when nothing answers there: the worker would only die again and again."""
    try:
        connect(url).ping()
    except RedisError as error:
        raise StageError("stage_redis_unreachable", reason=str(error)) from None


class Keeper:
    """Starts again what was killed, as any process manager does; gives up on a program that will not stay up.

    The rehearsal carrier is not revived: its books are in its memory, and nothing could be checked without them.
    """

    def __init__(self, processes: Processes) -> None:
        self._processes = processes
        self._deaths: dict[str, list[float]] = {}

    def check(self) -> None:
        """Revive what has ended since the last call. Raises StageError for what keeps dying, or a full disk."""
        data_dir = self._processes.logs.parent
        if shutil.disk_usage(data_dir).free < LEAST_FREE_BYTES:
            raise StageError("stage_disk_full", path=data_dir)
        for name in self._processes.ended():
            self.revive(name)

    def revive(self, name: str) -> None:
        """Start one program that has ended, and wait until it is ready. Raises StageError for what keeps dying."""
        lately = [at for at in self._deaths.get(name, []) if time.monotonic() - at < UNSTABLE_SECONDS]
        if name == "carrier" or len(lately) >= MOST_DEATHS:
            self._processes.check()
        self._deaths[name] = [*lately, time.monotonic()]
        log.warning("process_revived", process=name)
        self._processes.restart(name)


def given(environ: Mapping[str, str], *, foreign: bool) -> dict[str, str]:
    """The settings that the caller's environment may decide."""
    names = ["DATABASE_URL", "REDIS_URL", "TWILIO_OPT_OUT"]
    if foreign:
        names += ["TWILIO_ACCOUNT_SID", "TWILIO_AUTH_TOKEN", "TWILIO_MESSAGING_SERVICE_SID", "TWILIO_FROM_NUMBER"]
    return {name: environ[name] for name in names if environ.get(name)}


def choose_port(wanted: int | None) -> int:
    """The wanted port, else 8000, else a free one."""
    if wanted is not None:
        return require_free(wanted)
    try:
        return require_free(FIRST_PORT)
    except StageError:
        return free_port()
