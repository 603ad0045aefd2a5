"""``python -m outreach.bench.importer``: one import by the product's own use case, as the command does it."""

from __future__ import annotations

import argparse
import os
import resource
import threading
import time
from pathlib import Path

from config.settings import Settings
from outreach.bench.child import answer
from outreach.bench.ground import NoQueue
from outreach.core.logs import set_up_logs
from outreach.core.runtime import open_runtime
from outreach.people.importing import import_constituents

KIBIBYTES_IN_A_MEGABYTE = 1_000_000 / 1024
LOOKS_EVERY = 0.25


class Held:
    """The most that this process and its children held at once: their shares of pages, from ``/proc`` (Linux)."""

    def __init__(self) -> None:
        self.kibibytes = 0
        self._over = threading.Event()
        self._looking = threading.Thread(target=self._look, daemon=True)

    def __enter__(self) -> Held:
        self._looking.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self._looking.join()

    def _look(self) -> None:
        while True:
            self.kibibytes = max(self.kibibytes, sum(map(_share, _family())))
            if self._over.wait(LOOKS_EVERY):
                return


def _family() -> list[int]:
    children = [path.read_text().split() for path in Path("/proc/self/task").glob("*/children")]
    return [os.getpid(), *(int(pid) for some in children for pid in some)]


def _share(pid: int) -> int:
    try:
        lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
    except OSError:  # it has just ended
        return 0
    return next(int(line.split()[1]) for line in lines if line.startswith("Pss:"))


def main() -> None:
    """Import a file, and say how long it took and what it held."""
    parser = argparse.ArgumentParser(prog="python -m outreach.bench.importer", description=__doc__)
    parser.add_argument("--group", type=int, required=True)
    parser.add_argument("--file", type=Path, required=True)
    parser.add_argument("--readers", type=int, required=True)
    options = parser.parse_args()
    settings = Settings.from_environment()
    set_up_logs("bench")
    runtime = open_runtime(settings, NoQueue())
    read_at: list[float] = []

    def progress(rows: int, of: int | None = None) -> None:
        if of is None:
            read_at[:] = [time.perf_counter()]

    with Held() as held:
        began = time.perf_counter()
        report = import_constituents(
            runtime, options.group, options.file, list_name="Measured", consent="invented, for a measurement",
            recorded_by="bench", progress=progress, processes=options.readers,
        )  # fmt: skip
        ended = time.perf_counter()
    own, readers = (resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    answer(
        {
            "seconds": ended - began,
            "reading_s": (read_at[0] if read_at else ended) - began,
            "counts": {**report.counts, "rows": report.rows, "problems": len(report.problems)},
            "megabytes": held.kibibytes / KIBIBYTES_IN_A_MEGABYTE,
            "cpu_s": own.ru_utime + own.ru_stime + readers.ru_utime + readers.ru_stime,
        }
    )


if __name__ == "__main__":
    main()
