"""``python -m outreach.chaos``, which ``scripts/chaos.py`` becomes: a blast, kills, and what the books say after it."""

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
from typing import Any, NoReturn

from sqlalchemy.exc import DBAPIError, SQLAlchemyError

from outreach.chaos import ChaosError
from outreach.chaos.experiment import Plan, run
from outreach.chaos.verdict import faults_of
from outreach.core.errors import OutreachError, message_for
from outreach.core.logs import set_up_logs
from outreach.stage.processes import Processes
from outreach.stage.site import lock_directory

DATABASES = ("sqlite", "postgresql")
PEOPLE_A_KILL = 20
"""At least so many recipients for each kill, or a blast is over before the last."""


class Parser(argparse.ArgumentParser):
    """Says a usage error also as JSON, where the caller reads that."""

    as_json = False

    def error(self, message: str) -> NoReturn:
        """Exit code 2."""
        self.refuse("usage", message)

    def refuse(self, code: str, message: str) -> NoReturn:
        """The same with a code of its own."""
        if self.as_json:
            write({"error": {"code": code, "message": message}})
        super().error(message)


def options(arguments: Sequence[str]) -> argparse.Namespace:
    """The command line of CONTRACTS.md."""
    parser = Parser(
        prog="scripts/chaos.py",
        description="Starts a whole site of its own with a simulated carrier, launches a blast, and kills workers, "
        "work-horses, web, upkeep, Redis and, on PostgreSQL, the database while it runs. Then it counts, from the "
        "carrier's books, who was texted twice, lost, or texted after a STOP. No real phone is ever reached.",
        allow_abbrev=False,
    )
    parser.as_json = "--json" in arguments
    parser.add_argument("--kills", type=_count, default=50, metavar="N", help="how many kills must count (50)")
    parser.add_argument("--recipients", type=_count, default=5000, metavar="M", help="people in the blast (5000)")
    parser.add_argument("--database", choices=DATABASES, default="sqlite", help="a new one of this kind (sqlite)")
    parser.add_argument("--seed", type=int, default=1, metavar="S", help="another seed, other kills (1)")
    parser.add_argument("--data-dir", type=Path, metavar="D", help="keep database and logs there (removed)")
    parser.add_argument("--json", action="store_true", help="one JSON object on the last line of stdout")
    parser.add_argument("--speed", type=float, default=20.0, help=argparse.SUPPRESS)
    chosen = parser.parse_args(arguments)
    least = PEOPLE_A_KILL * chosen.kills
    if chosen.recipients < least:
        parser.refuse("chaos_too_small", message_for("chaos_too_small", {"kills": chosen.kills, "least": least}))
    if not 1 <= chosen.speed <= 240:
        parser.error("--speed must be 1 to 240")
    return chosen


def _count(text: str) -> int:
    if not (text.isascii() and text.isdigit()) or int(text) < 1:
        raise argparse.ArgumentTypeError("must be a whole number from 1 up")
    return int(text)


def main(arguments: Sequence[str]) -> int:
    """Exit code: 0 all is well; 1 it is not, or the run did not come to its end; 2 usage or set-up."""
    chosen = options(arguments)
    os.umask(0o077)
    set_up_logs("chaos", logging.ERROR)
    plan = Plan(chosen.kills, chosen.recipients, chosen.database, chosen.seed, chosen.speed)
    try:
        with directory(chosen.data_dir) as data_dir, lock_directory(data_dir), Processes(data_dir) as processes:
            report = run(plan, data_dir, processes, say)
    except KeyboardInterrupt:
        return 130
    except (OutreachError, OSError, SQLAlchemyError) as error:
        code = error.code if isinstance(error, OutreachError) else type(error).__name__
        text = str(error.orig) if isinstance(error, DBAPIError) else str(error)
        say(text)
        if chosen.json:
            write({"error": {"code": code, "message": text}})
        return 1 if isinstance(error, ChaosError) else 2
    reasons = faults_of(report, chosen.kills)
    show(report)
    for reason in reasons:
        say(f"NOT GOOD: {reason}")
    if chosen.json:
        write(report)
    return 1 if reasons else 0


@contextmanager
def directory(wanted: Path | None) -> Iterator[Path]:
    """The wanted directory, or one that is removed in the end."""
    if wanted is not None:
        yield wanted
        return
    with tempfile.TemporaryDirectory(prefix="outreach-chaos-") as made:
        yield Path(made)


def show(report: Mapping[str, Any]) -> None:
    """The figures for a person; the kills were told as they fell."""
    for name, value in report.items():
        if name != "conditions":
            say(f"{name.replace('_', ' '):>17}  {value}")
    for name, value in report["conditions"].items():
        if name != "kills":
            say(f"{name.replace('_', ' '):>40}  {value}")


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
