"""Sender threads, and how many of them may work at once."""

from __future__ import annotations

import threading
from collections.abc import Callable
from contextvars import copy_context
from queue import SimpleQueue

from outreach.messaging.slices import Post

FIRST = 8


class Pool:
    """As many threads as POSTs may be under way.

    It begins with a few and doubles with every round until somebody is in the way. The limit halves when the carrier
    throttles, and comes down by two fifths when our own web processes are crowded. From then on, and where it begins
    with ``kept``, it grows by one for every ``limit`` successes.
    """

    def __init__(self, threads: int, work: Callable[[Post], None], *, kept: int | None = None) -> None:
        self.threads = threads
        self._work = work
        self._queue: SimpleQueue[Post | None] = SimpleQueue()
        self._changed = threading.Condition()
        self._busy = 0
        self._wanted = 1
        self._unclear = self._failures = 0
        self._limit = float(min(threads, kept or FIRST))
        self._opening = kept is None
        self._members = [
            # What its log lines are bound to, the job's id, does not go into a thread by itself.
            threading.Thread(target=copy_context().run, args=(self._run,), name=f"sender-{n}", daemon=True)
            for n in range(threads)
        ]
        for member in self._members:
            member.start()

    @property
    def limit(self) -> int:
        """How many threads may work now."""
        return max(1, int(self._limit))

    def busy(self) -> bool:
        """Whether any POST is under way."""
        with self._changed:
            return self._busy > 0

    def wait_idle(self, wanted: int, gather: float) -> int:
        """Wait for an idle thread, then up to ``gather`` seconds for ``wanted`` of them; returns how many there are."""
        with self._changed:
            self._wanted = 1
            self._changed.wait_for(lambda: self.limit > self._busy)
            self._wanted = min(wanted, self.limit)
            self._changed.wait_for(lambda: self.limit - self._busy >= self._wanted, timeout=gather)
            return max(0, min(wanted, self.limit - self._busy))

    def submit(self, post: Post) -> None:
        """Give a post to an idle thread."""
        with self._changed:
            self._busy += 1
        self._queue.put(post)

    def shrink(self, *, unclear: bool = False) -> int:
        """The carrier says: too fast, or says nothing clear; returns how many unclear answers came in a row."""
        with self._changed:
            self._opening = False
            self._limit = max(1.0, self._limit / 2)
            self._unclear += unclear
            self._failures += 1
            return self._unclear

    def give_way(self) -> int:
        """Others need room: fewer at once, four at least; returns how many."""
        with self._changed:
            self._opening = False
            self._limit = min(self._limit, max(4.0, self._limit * 0.6))
            return self.limit

    def patience(self) -> float:
        """How much longer to wait after so many failures in a row: twice as long for each round of all threads."""
        with self._changed:
            return float(min(16, 2 ** (self._failures // self.threads)))

    def grow(self) -> None:
        """A POST went through."""
        with self._changed:
            self._unclear = self._failures = 0
            self._limit = min(float(self.threads), self._limit + (1 if self._opening else 1 / self._limit))

    def close(self) -> None:
        """Let every thread finish its post and end."""
        for _ in self._members:
            self._queue.put(None)
        for member in self._members:
            member.join()

    def _run(self) -> None:
        while (post := self._queue.get()) is not None:
            try:
                self._work(post)
            finally:
                with self._changed:
                    self._busy -= 1
                    if self.limit - self._busy >= self._wanted:  # to wake for every one would cost as much as it does
                        self._changed.notify()
