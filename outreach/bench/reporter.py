"""``python -m outreach.bench.reporter``: signed status callbacks as fast as the site takes them.

It reads lines ``attempt sid`` from a file and posts ``sent``, later ``delivered``, for each; every request is made and
signed before the clock starts. Some threads, each with one kept-alive connection, as the carrier has.
"""

from __future__ import annotations

import argparse
import threading
import time
from pathlib import Path

from config.settings import Settings
from outreach.bench.child import answer
from outreach.bench.crowd import number
from outreach.bench.twilio_forms import Signer
from outreach.bench.wire import Wire

WORDS = ("sent", "delivered")


def main() -> None:
    """Post all, and say how long each took."""
    parser = argparse.ArgumentParser(prog="python -m outreach.bench.reporter", description=__doc__)
    parser.add_argument("--attempts", type=Path, required=True, help="lines of attempt and sid")
    parser.add_argument("--threads", type=int, required=True)
    options = parser.parse_args()
    settings = Settings.from_environment()
    signer = Signer.of(settings)
    known = [line.split() for line in options.attempts.read_text(encoding="ascii").splitlines()]
    requests = [signer.status(int(a), sid, number(i), word) for word in WORDS for i, (a, sid) in enumerate(known)]
    turns, lock = iter(requests), threading.Lock()
    took: list[float] = []
    refused: list[int] = []

    def work() -> None:
        with Wire(settings.public_base_url) as wire:
            while True:
                with lock:
                    request = next(turns, None)
                if request is None:
                    return
                began = time.perf_counter()
                status = wire.ask(request)
                took.append((time.perf_counter() - began) * 1000)
                if status != 204:
                    refused.append(status)

    workers = [threading.Thread(target=work) for _ in range(options.threads)]
    began_at, began = time.time(), time.perf_counter()
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    seconds = time.perf_counter() - began
    took.sort()
    answer(
        {
            "callbacks": len(took),
            "refused": len(refused),
            "seconds": seconds,
            "began_at": began_at,
            "p50_ms": took[len(took) // 2],
            "p99_ms": took[len(took) * 99 // 100],
        }
    )


if __name__ == "__main__":
    main()
