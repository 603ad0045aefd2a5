"""Room for whoever waits for an answer: a web process that can hardly keep up says so, and senders begin fewer texts.

Each text that goes out brings two or three webhooks back to the same processor and the same database. A sender that
takes all it can get keeps a STOP waiting behind what it has brought about itself.

A web process counts for how long its webhooks have lasted together. As long as that is more than ``CROWDED`` times the
time that has gone, it keeps a mark in Redis, which ends by itself. Without Redis nobody says anything, and nobody is
held back: what is counted here decides about speed alone. Pages are not counted, since one that takes long, an export,
would hold texts back for as long.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any, Final

from redis import Redis
from redis.exceptions import RedisError

MARK: Final = "outreach:web-crowded"
CROWDED: Final = 1.0
"""Webhooks at once, on average, of a process that answers two at a time (``--blocking-threads``) with one processor."""
LOOK_SECONDS: Final = 0.05
MARK_MILLISECONDS: Final = 150
KEPT: Final = "outreach:senders-at-once"
KEPT_SECONDS: Final = 60
"""A sender's job lasts seconds; the next one begins with what the last one had to come down to."""
AWAY_SECONDS: Final = 5.0
"""How long a Redis that did not answer is left alone."""


class Load:
    """How many have been under way at once, on average since it was last asked. Threads may share it."""

    def __init__(self, now: float) -> None:
        self._lock = threading.Lock()
        self._under_way = 0
        self._seconds = 0.0
        self._at = self._asked = now

    def change(self, by: int, now: float) -> None:
        """One begins (1), or one has ended (-1). ``now``: seconds of a clock that does not jump."""
        with self._lock:
            self._count(now)
            self._under_way += by

    def since_asked(self, now: float) -> float:
        """The average; from now on it is counted anew."""
        with self._lock:
            self._count(now)
            gone, self._asked = now - self._asked, now
            seconds, self._seconds = self._seconds, 0.0
        return seconds / gone if gone > 0 else 0.0

    def is_crowded(self, now: float) -> bool:
        """Whether it was more than CROWDED since it was last asked."""
        return self.since_asked(now) > CROWDED

    def _count(self, now: float) -> None:
        self._seconds += self._under_way * (now - self._at)
        self._at = now


class Crowd:
    """The web's side: ``with CROWD.answering()`` around every webhook."""

    def __init__(self) -> None:
        self._url: str | None = None
        self._load = Load(time.monotonic())
        self._thread: threading.Thread | None = None
        self._starting = threading.Lock()

    def report_to(self, redis_url: str) -> None:
        """Keep the mark in this Redis from now on; until it is called nothing is said."""
        self._url = redis_url

    @contextmanager
    def answering(self) -> Iterator[None]:
        """One webhook."""
        if self._thread is None and self._url is not None:  # not before: a process that forks leaves its threads behind
            self._start(self._url)
        self._load.change(1, time.monotonic())
        try:
            yield
        finally:
            self._load.change(-1, time.monotonic())

    def _start(self, url: str) -> None:
        with self._starting:
            if self._thread is None:
                self._thread = threading.Thread(target=self._run, args=(url,), name="crowd", daemon=True)
                self._thread.start()

    def _run(self, url: str) -> None:
        redis, pause = _patient(url), threading.Event()
        while not pause.wait(LOOK_SECONDS):
            if not self._load.is_crowded(time.monotonic()):
                continue
            try:
                redis.set(MARK, 1, px=MARK_MILLISECONDS)
            except RedisError:
                pause.wait(AWAY_SECONDS)


class Room:
    """The senders' side; one thread of a process asks."""

    def __init__(self, redis_url: str) -> None:
        self._redis = _patient(redis_url)
        self._ask_at = 0.0

    def is_wanted(self) -> bool:
        """Whether a web process is crowded; asked anew at most every LOOK_SECONDS, False in between. One mark is said
        once: who gave way for it would give way again before anybody could feel that they had.
        """
        now = time.monotonic()
        if now < self._ask_at:
            return False
        self._ask_at = now + LOOK_SECONDS
        try:
            found = bool(self._redis.exists(MARK))
        except RedisError:
            self._ask_at = now + AWAY_SECONDS
            return False
        if found:
            self._ask_at = now + MARK_MILLISECONDS / 1000
        return found

    def keep(self, limit: int) -> None:
        """So many texts under way are what there was room for."""
        with suppress(RedisError):
            self._redis.set(KEPT, limit, ex=KEPT_SECONDS)

    def kept(self) -> int | None:
        """How many there was room for lately; None: nobody had to give way."""
        try:
            found: Any = self._redis.get(KEPT)
        except RedisError:
            return None
        return int(found) if found is not None and found.isdigit() else None


def _patient(url: str) -> Redis:
    return Redis.from_url(url, socket_connect_timeout=0.5, socket_timeout=0.5)


CROWD: Final = Crowd()
"""This process's."""
