"""What is to happen later: one heap of actions and one timer, cheap with 100,000 entries."""

from __future__ import annotations

import asyncio
import heapq
import itertools
import logging
from collections.abc import Callable

log = logging.getLogger(__name__)

BATCH = 200
"""Actions a turn of the event loop: requests are answered in between."""


class Agenda:
    """Runs actions at their time, in order of time, on the running event loop."""

    def __init__(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._heap: list[tuple[float, int, Callable[[], object]]] = []
        self._count = itertools.count()
        self._timer: asyncio.TimerHandle | None = None

    def __len__(self) -> int:
        return len(self._heap)

    def after(self, seconds: float, action: Callable[[], object]) -> None:
        """Run the action in this many real seconds."""
        due = self._loop.time() + seconds
        heapq.heappush(self._heap, (due, next(self._count), action))
        if self._timer is None or due < self._timer.when():
            self._arm(due)

    def close(self) -> None:
        """Forget everything that is still to come."""
        self._heap.clear()
        if self._timer is not None:
            self._timer.cancel()

    def _arm(self, due: float) -> None:
        if self._timer is not None:
            self._timer.cancel()
        self._timer = self._loop.call_at(due, self._run)

    def _run(self) -> None:
        self._timer = None
        now = self._loop.time()
        for _ in range(BATCH):
            if not self._heap or self._heap[0][0] > now:
                break
            _, _, action = heapq.heappop(self._heap)
            try:
                action()
            except Exception:  # one broken action must not stop all later ones
                log.exception("an action of the agenda failed")
        # An action may have armed the timer for something of its own.
        if self._heap and (self._timer is None or self._heap[0][0] < self._timer.when()):
            self._arm(self._heap[0][0])
