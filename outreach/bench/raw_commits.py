"""``python -m outreach.bench.raw_commits``: one raw row a commit, on so many connections at once."""

from __future__ import annotations

import argparse
import os
import threading
import time
import uuid

from outreach.bench.bare_view import Rows
from outreach.bench.child import answer


def main() -> None:
    """Write, and say how long it took."""
    parser = argparse.ArgumentParser(prog="python -m outreach.bench.raw_commits", description=__doc__)
    parser.add_argument("--count", type=int, required=True)
    parser.add_argument("--threads", type=int, required=True)
    options = parser.parse_args()
    rows, each = Rows(os.environ["BARE_DATABASE"]), options.count // options.threads
    ready, begin = threading.Barrier(options.threads + 1), threading.Barrier(options.threads + 1)

    def work() -> None:
        rows.add(f"SM{uuid.uuid4().hex}")  # a connection is made once
        ready.wait()
        begin.wait()
        for _ in range(each):
            rows.add(f"SM{uuid.uuid4().hex}")

    workers = [threading.Thread(target=work) for _ in range(options.threads)]
    for worker in workers:
        worker.start()
    ready.wait()
    began = time.perf_counter()
    begin.wait()
    for worker in workers:
        worker.join()
    answer({"rows": each * options.threads, "seconds": time.perf_counter() - began})


if __name__ == "__main__":
    main()
