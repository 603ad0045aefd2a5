"""How long requests and carrier calls take, counted over all processes and machines, for ``/metrics``.

A process counts in its memory, and every few seconds a thread adds what is new to one hash in Redis. That is truer than
a file for each process: a work-horse lives for one job, a web process is started anew, containers share no disk, and
whoever is asked for metrics has not served the requests. A Redis that was flushed looks like a counter that began anew,
which Prometheus knows. What a killed process had not yet handed over, two seconds at most, is lost; no figure that
decides anything comes from here.
"""

from __future__ import annotations

import os
import threading
from bisect import bisect_left
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from redis import Redis
from redis.exceptions import RedisError

from outreach.core.queue import connect

KEY: Final = "outreach:latencies"
BOUNDS: Final = (0.005, 0.01, 0.025, 0.05, 0.1, 0.2, 0.5, 1.0, 2.5, 10.0)
"""Seconds. 0.03 of a webhook and 0.2 of a soak are held by the measurements; these show when it goes wrong."""
HAND_OVER_SECONDS: Final = 2.0
MOST_SERIES: Final = 2_000
"""So many different labels a process keeps: more would be a mistake of ours, and must not eat the memory."""
MICRO: Final = 1_000_000
_APART: Final = "|"


@dataclass(slots=True)
class Series:
    """One histogram: how many fell into each of BOUNDS and above, and the sum of their seconds."""

    counts: list[int] = field(default_factory=lambda: [0] * (len(BOUNDS) + 1))
    seconds: float = 0.0


class Latencies:
    """What one process has counted and not yet handed over. Safe to use from several threads and after a fork."""

    def __init__(self) -> None:
        self._new: Counter[str] = Counter()
        self._lock = threading.Lock()
        self._url: str | None = None
        self._thread_of: int | None = None

    def report_to(self, redis_url: str) -> None:
        """Hand over to this Redis from now on; until it is called nothing is counted."""
        self._url = redis_url

    def observe(self, kind: str, labels: tuple[str, ...], seconds: float) -> None:
        """Count one. ``kind`` and ``labels``: words of ours without ``|``; never what somebody sent."""
        if self._url is None:
            return
        name = _APART.join((kind, *labels))
        bucket = f"{name}{_APART}{bisect_left(BOUNDS, seconds)}"
        with self._lock:
            if len(self._new) < MOST_SERIES or bucket in self._new:
                self._new[bucket] += 1
                self._new[f"{name}{_APART}sum"] += int(seconds * MICRO)
        if self._thread_of != os.getpid():  # threads do not come along when a process forks
            self._start()

    def hand_over(self, redis: Redis | None = None) -> int:
        """Add what is new to the hash; how many fields that were. What Redis does not take is kept for later."""
        if self._url is None:
            return 0
        with self._lock:
            new, self._new = self._new, Counter()
        if not new:
            return 0
        try:
            pipe = (redis or connect(self._url)).pipeline(transaction=True)
            for name, count in new.items():
                pipe.hincrby(KEY, name, count)
            pipe.execute()
        except RedisError:
            with self._lock:
                self._new += new
            return 0
        return len(new)

    def _start(self) -> None:
        with self._lock:
            if self._thread_of == os.getpid():
                return
            self._thread_of = os.getpid()
        threading.Thread(target=self._run, name="latencies", daemon=True).start()

    def _run(self) -> None:
        redis, pause = connect(self._url or ""), threading.Event()
        while not pause.wait(HAND_OVER_SECONDS):
            self.hand_over(redis)


def read_latencies(redis: Redis) -> dict[str, dict[tuple[str, ...], Series]]:
    """Kind -> labels -> histogram, of all processes. Raises redis errors."""
    found: Any = redis.hgetall(KEY)
    return parse_latencies({_text(name): int(count) for name, count in found.items()})


def parse_latencies(fields: Mapping[str, int]) -> dict[str, dict[tuple[str, ...], Series]]:
    """The same of a hash's fields; one that an older version wrote otherwise is left out. Pure."""
    kinds: dict[str, dict[tuple[str, ...], Series]] = {}
    for name, count in fields.items():
        kind, _, rest = name.partition(_APART)
        *labels, last = rest.split(_APART)
        if last != "sum" and not (last.isdecimal() and int(last) <= len(BOUNDS)):
            continue
        series = kinds.setdefault(kind, {}).setdefault(tuple(labels), Series())
        if last == "sum":
            series.seconds += count / MICRO
        else:
            series.counts[int(last)] += count
    return kinds


def _text(name: bytes | str) -> str:
    return name.decode("utf-8", "replace") if isinstance(name, bytes) else name


LATENCIES: Final = Latencies()
"""This process's."""
