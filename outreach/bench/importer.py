"""``python -m outreach.bench.importer``: one import by the product's own use case, as the command does it."""

from __future__ import annotations

import argparse
import resource
import time
from pathlib import Path

from config.settings import Settings
from outreach.bench.child import answer
from outreach.bench.ground import NoQueue
from outreach.core.logs import set_up_logs
from outreach.core.runtime import open_runtime
from outreach.people.importing import import_constituents

KIBIBYTES_IN_A_MEGABYTE = 1_000_000 / 1024


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
            # What each of them held at most, as if all at once: pages that they share are counted again for each.
            "megabytes": (own.ru_maxrss + options.readers * readers.ru_maxrss) / KIBIBYTES_IN_A_MEGABYTE,
            "cpu_s": own.ru_utime + own.ru_stime + readers.ru_utime + readers.ru_stime,
        }
    )


if __name__ == "__main__":
    main()
