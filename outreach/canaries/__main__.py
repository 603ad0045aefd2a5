"""``python -m outreach.canaries``, which ``scripts/canaries.py`` becomes: no number may be found in what is left."""

from __future__ import annotations

import argparse
import json
import logging
import os
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import requests
from sqlalchemy.exc import DBAPIError, SQLAlchemyError

from outreach.canaries import CanaryError
from outreach.canaries.experiment import faults_of, run
from outreach.core.errors import OutreachError
from outreach.core.logs import set_up_logs
from outreach.stage.processes import Processes
from outreach.stage.site import lock_directory

LEAST, MOST = 100, 1_000_000
"""Enough people for somebody to stop, and no more than there are numbers for."""


def options(arguments: Sequence[str]) -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(
        prog="scripts/canaries.py",
        description="Plays a whole rehearsal with numbers that belong to nobody, logs at DEBUG, with tracebacks and a "
        "Redis dump, and then looks for each number in every file of the instance: plain, national, as people write "
        "it, in base64, hex, UTF-16 and packed. The simulated carrier's log is the outside world and left out. "
        "No real phone is ever reached.",
        allow_abbrev=False,
    )
    parser.add_argument("--numbers", type=_count, default=10_000, metavar="N", help="how many fly (10,000)")
    parser.add_argument("--seed", type=int, default=1, metavar="S", help="another seed, other answers (1)")
    parser.add_argument("--data-dir", type=Path, metavar="D", help="keep the instance there (removed)")
    parser.add_argument("--json", action="store_true", help="one JSON object on the last line of stdout")
    parser.add_argument("--speed", type=float, default=60.0, help=argparse.SUPPRESS)
    return parser.parse_args(arguments)


def _count(text: str) -> int:
    if not (text.isascii() and text.isdigit()) or not LEAST <= int(text) <= MOST:
        raise argparse.ArgumentTypeError(f"must be a whole number from {LEAST} to {MOST}")
    return int(text)


def main(arguments: Sequence[str]) -> int:
    """Exit code: 0 nothing was found but every control; 1 something leaked or a control was missed; 2 set-up."""
    chosen = options(arguments)
    os.umask(0o077)
    set_up_logs("canaries", logging.ERROR)
    with directories(chosen.data_dir) as (data_dir, outside):
        try:
            with lock_directory(data_dir), Processes(data_dir) as processes:
                found = run(chosen.numbers, chosen.seed, chosen.speed, data_dir, outside, processes, say)
        except KeyboardInterrupt:
            return 130
        except (OutreachError, OSError, SQLAlchemyError, requests.RequestException) as error:
            code = error.code if isinstance(error, OutreachError) else type(error).__name__
            text = str(error.orig) if isinstance(error, DBAPIError) else str(error)
            say(text)
            if chosen.json:
                write({"error": {"code": code, "message": text}})
            return 1 if isinstance(error, CanaryError) else 2
    reasons = faults_of(found)
    say(f"{found['numbers']:,} numbers, {found['files']} files, {found['bytes']:,} bytes, {found['seconds']} s.")
    for reason in reasons:
        say(f"NOT GOOD: {reason}")
    if chosen.json:
        write(found)
    return 1 if reasons else 0


@contextmanager
def directories(wanted: Path | None) -> Iterator[tuple[Path, Path]]:
    """The instance's directory (the wanted one, or one that is removed in the end), and one outside of it."""
    with tempfile.TemporaryDirectory(prefix="outreach-canaries-") as made:
        outside = Path(made) / "outside"
        outside.mkdir()
        yield wanted or Path(made) / "instance", outside


def say(text: str) -> None:
    """Progress, for the person who waits."""
    sys.stderr.write(text + "\n")
    sys.stderr.flush()


def write(answer: Mapping[str, Any]) -> None:
    """The one line that a program reads."""
    sys.stdout.write(json.dumps(answer) + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
