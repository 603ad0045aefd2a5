"""The targets, and how each dies: by kill -9, as the kernel or a power cut would have it."""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from redis import Redis
from redis.exceptions import RedisError

from outreach.chaos import ChaosError
from outreach.core.errors import OutreachError
from outreach.core.queue import connect
from outreach.stage.processes import Processes
from outreach.stage.site import Keeper
from outreach.stage.watchdog import members, signal_all

PROCESS = {"worker": "worker", "web": "web", "upkeep": "upkeep", "redis": "redis", "database": "postgres"}
"""Target -> name of the process; the others are no processes of ours by name."""
LOOK_EVERY = 0.05


class Targets:
    """Says who is there to be killed, and kills them."""

    def __init__(self, processes: Processes, redis_url: str, coming_up: Callable[[str], bool]) -> None:
        self._processes = processes
        self._coming_up = coming_up
        self._redis: Redis = connect(redis_url)

    def there(self, target: str) -> bool:
        """Whether it works now, so that killing it can mean something; what is still coming up does not."""
        if target == "workhorse":
            return bool(self._horses())
        if target == "flushall":
            return self._processes.alive("redis") and self._answers()
        return self._processes.alive(PROCESS[target]) and not self._coming_up(PROCESS[target])

    def kill(self, target: str) -> bool:
        """Kill it, and say whether there was anything to kill."""
        if target == "flushall":
            return self._flush()
        if target == "workhorse":
            horses = self._horses()
            signal_all(horses, signal.SIGKILL)
            return bool(horses)
        name = PROCESS[target]
        if not self._processes.alive(name):
            return False
        pid = self._processes.kill(name)
        if target == "web":  # the whole server goes down; a worker's work-horse and PostgreSQL's backends live on
            signal_all(members(pid), signal.SIGKILL)
        return True

    def _horses(self) -> list[int]:
        """RQ's work-horses leave the worker's group, but stay in its session."""
        if not self._processes.alive("worker"):
            return []
        worker = self._processes.pid("worker")
        return [pid for pid in members(worker) if pid != worker]

    def _answers(self) -> bool:
        try:
            return bool(self._redis.ping())
        except RedisError:
            return False

    def _flush(self) -> bool:
        try:
            return bool(self._redis.flushall())
        except RedisError:
            return False


class Reviver:
    """The keeper, with a thread for each program that comes up: one can be killed while another is not there yet."""

    def __init__(self, processes: Processes, budget: int) -> None:
        self._processes = processes
        self._keeper = Keeper(processes)
        self._budget = budget
        self._stop = threading.Event()
        self._problem: Exception | None = None
        self._under_way: dict[str, threading.Thread] = {}
        self.revived = 0

    @contextmanager
    def at_work(self) -> Iterator[Reviver]:
        """Revive within the block only: what ends after it has been ended in order."""
        watch = threading.Thread(target=self._watch, name="reviver", daemon=True)
        watch.start()
        try:
            yield self
        finally:
            self._stop.set()
            for thread in (watch, *self._under_way.values()):
                thread.join()

    def check(self) -> None:
        """Raise what the keeper has given up on."""
        if self._problem is not None:
            raise self._problem

    def coming_up(self, name: str) -> bool:
        """Whether this program was started again and is not ready yet."""
        return name in self._under_way and self._under_way[name].is_alive()

    def wait_for_all(self, check: Callable[[], None]) -> None:
        """Wait until everything runs again; ``check`` ends a wait that takes too long."""
        while self._processes.ended() or any(thread.is_alive() for thread in self._under_way.values()):
            check()
            self._stop.wait(LOOK_EVERY)

    def _watch(self) -> None:
        while not self._stop.wait(LOOK_EVERY):
            for name in self._processes.ended():
                if self.coming_up(name):
                    continue
                self.revived += 1
                if self.revived > self._budget:
                    self._problem = ChaosError("chaos_budget", count=self.revived, budget=self._budget)
                    return
                thread = threading.Thread(target=self._revive, args=(name,), name=f"revive-{name}", daemon=True)
                thread.start()
                self._under_way = {**self._under_way, name: thread}

    def _revive(self, name: str) -> None:
        try:
            self._keeper.revive(name)
        except (OutreachError, OSError) as problem:
            self._problem = problem
