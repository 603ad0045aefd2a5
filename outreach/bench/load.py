"""Requests that were made beforehand, by some threads with one kept-alive connection each, as the carrier has."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Sequence
from typing import Any

from outreach.bench.wire import Wire


def at_once(work: Callable[[], None], threads: int) -> float:
    """Run ``work`` in so many threads; seconds until the last one has ended."""
    workers = [threading.Thread(target=work) for _ in range(threads)]
    began = time.perf_counter()
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    return time.perf_counter() - began


def fire(requests: Sequence[bytes], url: str, threads: int, wanted: int) -> dict[str, Any]:
    """Send all, one after the other in each thread: ``asked``, ``refused`` (another status than the wanted one),
    ``seconds``, ``began_at`` (real time), ``p50_ms`` and ``p99_ms``. Raises OSError in the thread that it befell.
    """
    turns, lock = iter(requests), threading.Lock()
    took: list[float] = []
    refused: list[int] = []

    def work() -> None:
        with Wire(url) as wire:
            while True:
                with lock:
                    request = next(turns, None)
                if request is None:
                    return
                began = time.perf_counter()
                status = wire.ask(request)
                took.append((time.perf_counter() - began) * 1000)
                if status != wanted:
                    refused.append(status)

    began_at = time.time()
    seconds = at_once(work, threads)
    took.sort()
    return {
        "asked": len(took), "refused": len(refused), "seconds": seconds, "began_at": began_at,
        "p50_ms": took[len(took) // 2], "p99_ms": took[len(took) * 99 // 100],
    }  # fmt: skip
