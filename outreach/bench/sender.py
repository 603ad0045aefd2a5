"""``python -m outreach.bench.sender``: the work-load of one worker process: ``send_batch``."""

from __future__ import annotations

import argparse
import resource
import time
from collections.abc import Iterator
from datetime import datetime

from config.settings import Settings
from outreach.bench.child import answer
from outreach.bench.ground import NoQueue
from outreach.carrier.base import Carrier, CarrierMessage
from outreach.carrier.twilio import TwilioCarrier
from outreach.core.logs import set_up_logs
from outreach.core.runtime import open_runtime
from outreach.messaging.send import send_batch


class Watched:
    """The carrier itself, with a note of when it answered last."""

    def __init__(self, carrier: Carrier) -> None:
        self._carrier = carrier
        self.last = 0.0

    def create_message(self, *, to: str, body: str, status_callback: str, validity_seconds: int) -> str:
        """See ``Carrier``."""
        sid = self._carrier.create_message(
            to=to, body=body, status_callback=status_callback, validity_seconds=validity_seconds
        )
        self.last = time.perf_counter()
        return sid

    def fetch_message(self, sid: str) -> CarrierMessage:
        """See ``Carrier``."""
        return self._carrier.fetch_message(sid)

    def list_to(self, number: str, since: datetime) -> Iterator[CarrierMessage]:
        """See ``Carrier``."""
        return self._carrier.list_to(number, since)


def main() -> None:
    """Send what is planned in a gate, and say how long it took."""
    parser = argparse.ArgumentParser(prog="python -m outreach.bench.sender", description=__doc__)
    parser.add_argument("--gate", type=int, required=True)
    parser.add_argument("--threads", type=int, required=True)
    parser.add_argument("--seconds", type=float, default=600.0)
    options = parser.parse_args()
    set_up_logs("bench")
    settings = Settings.from_environment()
    runtime = open_runtime(settings, NoQueue())
    carrier = Watched(TwilioCarrier(settings))
    with runtime.db.snapshot() as session:  # a worker that has worked before is connected
        session.connection()
    before, began = resource.getrusage(resource.RUSAGE_SELF), time.perf_counter()
    begun = send_batch(runtime, carrier, options.gate, threads=options.threads, seconds=options.seconds)
    seconds, after = time.perf_counter() - began, resource.getrusage(resource.RUSAGE_SELF)
    answer(
        {
            "messages": begun,
            "seconds": carrier.last - began,
            "call_seconds": seconds,
            "cpu_seconds": after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime,
        }
    )


if __name__ == "__main__":
    main()
