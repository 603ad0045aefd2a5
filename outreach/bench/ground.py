"""Where a blast is measured: a database, Redis and carrier of its own, and the product's processes when asked for."""

from __future__ import annotations

import os
import shutil
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import requests

from config.settings import Settings
from outreach import migrations
from outreach.bench.cpu import of_tree
from outreach.core.clock import Clock, coming_tuesday_ten
from outreach.core.db import Job
from outreach.core.runtime import Runtime, open_runtime
from outreach.stage import commands
from outreach.stage.instance import NO_REDIS, database_url
from outreach.stage.keys import ensure_env
from outreach.stage.ports import LOOPBACK, free_port
from outreach.stage.postgres import start_postgres
from outreach.stage.processes import Processes
from outreach.stage.redis import start_redis
from outreach.story.ledger import CarrierControl

UNREACHABLE = {"people": {"weights": {"unreachable": 1}}}
"""For the carrier's personas: nobody picks up, so that what calls bring is no part of what is measured."""
NEVER_SECONDS = 86_400.0
"""A text that takes a day to leave the carrier brings no callback while anything is measured."""


class NoQueue:
    """For what is measured without a worker: the jobs that it asks for go nowhere."""

    def enqueue(self, job: Job) -> None:
        """Nothing comes of it."""


@dataclass
class Ground:
    """``runtime`` asks workers for work; ``alone`` is the same without a queue."""

    kind: str
    processes: Processes
    directory: Path
    env: dict[str, str]
    runtime: Runtime
    alone: Runtime
    carrier: CarrierControl
    started: list[str] = field(default_factory=list)

    def start(self, *names: str, threads: int = 32) -> None:
        """Start some of ``web``, ``worker``, ``importer`` and ``upkeep``, as the Procfile has them."""
        port = int(self.env["PORT"])
        programs = {
            "web": lambda: commands.web(port, self.env),
            "worker": lambda: commands.worker(self.env, threads),
            "importer": lambda: commands.importer(self.env),
            "upkeep": lambda: commands.upkeep(self.env),
        }
        self.processes.start(*(programs[name]() for name in names))
        self.started += names

    def stop(self, *names: str) -> None:
        """End some of them."""
        for name in names:
            self.processes.stop(name)
            self.started.remove(name)

    def tell_carrier(self, part: str, settings: Mapping[str, Any]) -> None:
        """Change its faults or personas."""
        with requests.Session() as http:
            http.trust_env = False
            answer = http.put(f"{self.env['TWILIO_BASE_URL']}/_rehearsal/{part}", json=dict(settings), timeout=10)
            answer.raise_for_status()

    def be_silent(self) -> None:
        """From now on the carrier sends no callbacks."""
        self.tell_carrier("faults", {"sent_after": [NEVER_SECONDS, NEVER_SECONDS]})

    def new_carrier(self) -> None:
        """Another carrier in its place, with empty books and nothing to report, that reports as it usually does."""
        self.processes.restart("carrier")

    def database_cpu(self) -> float:
        """CPU seconds that the database server has taken; 0 for SQLite, which works in its clients."""
        return 0.0 if self.kind == "sqlite" else of_tree(self.processes.pid("postgres"))

    def cpu(self) -> dict[str, float]:
        """CPU seconds that each of its processes has taken so far, children included."""
        return {name: of_tree(self.processes.pid(name)) for name in self.started}


@contextmanager
def ground(kind: str, processes: Processes, *, latency_ms: float, speed: float = 1.0) -> Iterator[Ground]:
    """An empty site of this kind of database, its carrier as slow as that and without faults; all gone at the end.

    ``speed``: how much faster than ours its clock goes. PostgreSQL syncs to disk, as in production. Raises StageError.
    """
    with bare_ground(kind, processes, speed=speed) as at:
        at.env["REDIS_URL"] = start_redis(at.directory / "redis", processes)
        at.started.append("redis")
        port = int(at.env["TWILIO_BASE_URL"].rpartition(":")[2])
        plain = commands.carrier(port, 1, at.env["PUBLIC_BASE_URL"], at.env)
        quiet = ("--faults", "none", "--personas", "none", "--latency-ms", str(latency_ms))
        processes.start(replace(plain, argv=(*plain.argv, *quiet)))
        at.started.append("carrier")
        at.runtime = open_runtime(Settings.from_mapping(at.env))
        try:
            yield at
        finally:
            at.runtime.db.dispose()


@contextmanager
def bare_ground(kind: str, processes: Processes, *, name: str = "postgres", speed: float = 1.0) -> Iterator[Ground]:
    """Only its database, empty: nobody takes jobs, and no carrier answers. ``name`` is the PostgreSQL process's."""
    directory = processes.private_directory(kind)
    started: list[str] = []
    try:
        url = database_url(directory)
        if kind == "postgresql":
            url = start_postgres(directory, processes, name=name)
            started.append(name)
        port = free_port()
        env = {
            **ensure_env(directory),
            "OUTREACH_MODE": "rehearsal",
            "DATABASE_URL": url,
            "REDIS_URL": NO_REDIS,
            "PUBLIC_BASE_URL": f"http://{LOOPBACK}:{port}",
            "TWILIO_BASE_URL": f"http://{LOOPBACK}:{free_port()}",
            "REHEARSAL_CLOCK": str(coming_tuesday_ten(Clock.real_now(), speed)),
            "PORT": str(port),
            "TMPDIR": str(directory),  # what a killed process leaves there goes with the rest
        }
        alone = open_runtime(Settings.from_mapping(env), NoQueue())
        try:
            migrations.upgrade(alone.db)
            carrier = CarrierControl(env["TWILIO_BASE_URL"])
            yield Ground(kind, processes, directory, env, alone, alone, carrier, started)
        finally:
            alone.db.dispose()
    finally:
        for each in reversed(started):
            processes.stop(each)
        shutil.rmtree(directory, ignore_errors=True)


def machine() -> dict[str, Any]:
    """What every figure should be read with."""
    return {
        "cores": os.cpu_count(),
        "load_average": round(os.getloadavg()[0], 2),
        "measured_at": int(time.time()),
    }
