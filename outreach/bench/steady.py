"""``python -m outreach.bench.steady``: signed webhooks at a constant rate, texts and status reports in turn.

Each begins when it is due, however long those before it take, and its time is counted from then: a site that stalls
does not slow down who asks it. Told to end (SIGTERM), or after ``--seconds``, it says how long they took.
"""

from __future__ import annotations

import argparse
import signal
import threading
import time
import uuid

from config.settings import Settings
from outreach.bench.child import answer
from outreach.bench.crowd import number
from outreach.bench.heard_stops import quantile
from outreach.bench.twilio_forms import Signer
from outreach.bench.wire import Wire

AT_ONCE = 32
WANTED = (200, 204)


def main() -> None:
    """Ask, and say how it went."""
    parser = argparse.ArgumentParser(prog="python -m outreach.bench.steady", description=__doc__)
    parser.add_argument("--per-second", type=float, required=True)
    parser.add_argument("--seconds", type=float, required=True)
    parser.add_argument("--first", type=int, required=True, help="the first number's place in the crowd")
    parser.add_argument("--people", type=int, required=True, help="how many of them text")
    parser.add_argument("--attempt", type=int, required=True, help="the attempt that is reported on")
    parser.add_argument("--sid", required=True, help="the carrier's id of its text")
    options = parser.parse_args()
    settings, stop = Settings.from_environment(), threading.Event()
    signal.signal(signal.SIGTERM, lambda *_: stop.set())
    signer, lock = Signer.of(settings), threading.Lock()
    total, begun = int(options.per_second * options.seconds), 0
    took: list[float] = []
    refused: list[int] = []
    began = time.monotonic() + 0.5

    def work() -> None:
        nonlocal begun
        with Wire(settings.public_base_url) as wire:
            while True:
                with lock:
                    mine, begun = begun, begun + 1
                if mine >= total:
                    return
                who = number(options.first + mine // 2 % options.people)
                if mine % 2:
                    request = signer.text(f"SM{uuid.uuid4().hex}", who, "thank you all for doing this")
                else:
                    request = signer.status(options.attempt, options.sid, who, "delivered")
                due = began + mine / options.per_second
                if stop.wait(max(0.0, due - time.monotonic())):
                    return
                try:
                    status = wire.ask(request)
                except OSError:
                    wire.hang_up()
                    status = 0
                took.append((time.monotonic() - due) * 1000)
                if status not in WANTED:
                    refused.append(status)

    workers = [threading.Thread(target=work) for _ in range(AT_ONCE)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    answer({
        "asked": len(took), "refused": len(refused), "first_refused": refused[0] if refused else None,
        "seconds": time.monotonic() - began, "p50_ms": quantile(took, 0.5), "p99_ms": quantile(took, 0.99),
        "max_ms": max(took),
    })  # fmt: skip


if __name__ == "__main__":
    main()
