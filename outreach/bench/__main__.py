"""``python -m outreach.bench``, which ``scripts/bench.py`` becomes: measures, and says what is met."""

from __future__ import annotations

import argparse
import json
import logging
import os
import sys
import tempfile
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, NoReturn

from sqlalchemy.exc import DBAPIError, SQLAlchemyError

from outreach.bench import BenchError
from outreach.bench.blast import measure_blast
from outreach.bench.callbacks import measure_callbacks
from outreach.bench.contacts import measure_import
from outreach.bench.databases import KINDS
from outreach.bench.growth import measure_growth
from outreach.bench.plan import measure_plan
from outreach.bench.rows import Row
from outreach.bench.send import measure_send
from outreach.bench.sheets import measure_sheets
from outreach.bench.soak import measure_soak
from outreach.bench.tally import measure_tally
from outreach.bench.voice import measure_voice
from outreach.bench.webhook import measure_webhook
from outreach.core.errors import OutreachError
from outreach.core.logs import set_up_logs
from outreach.stage.processes import Processes


def kinds(chosen: argparse.Namespace) -> tuple[str, ...]:
    """The databases to measure on."""
    return (chosen.database,) if chosen.database else KINDS


def send(chosen: argparse.Namespace, processes: Processes) -> list[Row]:
    """Sending, and what is heard about it."""
    rows = measure_send(processes, kinds(chosen), say, quick=chosen.quick)
    return [*rows, measure_callbacks(processes, kinds(chosen), say, quick=chosen.quick)]


def plan(chosen: argparse.Namespace, processes: Processes) -> list[Row]:
    """Launching."""
    return measure_plan(processes, kinds(chosen), say, quick=chosen.quick)


def blast(chosen: argparse.Namespace, processes: Processes) -> list[Row]:
    """All of it at once."""
    return measure_blast(processes, kinds(chosen), say, quick=chosen.quick)


def webhook(chosen: argparse.Namespace, processes: Processes) -> list[Row]:
    """Texts that come in."""
    return measure_webhook(processes, kinds(chosen), say, quick=chosen.quick)


def contacts(chosen: argparse.Namespace, processes: Processes) -> list[Row]:
    """Contact files."""
    return measure_import(processes, kinds(chosen), say, quick=chosen.quick)


def growth(chosen: argparse.Namespace, processes: Processes) -> list[Row]:
    """What a large database costs."""
    return measure_growth(processes, kinds(chosen), say, quick=chosen.quick)


def tally(chosen: argparse.Namespace, processes: Processes) -> list[Row]:
    """The tally of a campaign, and those of a group."""
    measured = (measure_tally, measure_sheets)
    return [measure(processes, kinds(chosen), say, quick=chosen.quick) for measure in measured]


def voice(chosen: argparse.Namespace, processes: Processes) -> list[Row]:
    """What is asked during calls."""
    return measure_voice(processes, kinds(chosen), say, quick=chosen.quick)


def soak(chosen: argparse.Namespace, processes: Processes) -> list[Row]:
    """Minutes of everything at once."""
    return measure_soak(processes, kinds(chosen), say, quick=chosen.quick)


MEASUREMENTS: Mapping[str, Callable[[argparse.Namespace, Processes], list[Row]]] = {
    "send": send,
    "plan": plan,
    "blast": blast,
    "growth": growth,
    "webhook": webhook,
    "import": contacts,
    "tally": tally,
    "voice": voice,
    "soak": soak,
}
"""Those that are there; ``all`` runs them in this order."""


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
    """The command line of CONTRACTS.md; ends the process with code 2 for what cannot be measured."""
    there = ", ".join(MEASUREMENTS)
    parser = Parser(
        prog="scripts/bench.py",
        description="Measures how fast the parts are, each against a ceiling taken in the same run. It starts its own "
        "databases and removes them.",
        allow_abbrev=False,
    )
    parser.as_json = "--json" in arguments
    parser.add_argument("name", nargs="?", default="all", choices=(*MEASUREMENTS, "all"), metavar="NAME",
                        help=f"what to measure: {there}; or all of them (the default)")  # fmt: skip
    parser.add_argument("--quick", action="store_true", help="fewer rows, for CI: says that it works, not how fast")
    parser.add_argument("--database", choices=KINDS, help="on one kind only; both without it")
    parser.add_argument("--json", action="store_true", help="one JSON object on the last line of stdout")
    return parser.parse_args(arguments)


def main(arguments: Sequence[str]) -> int:
    """Exit code: 0 every row was measured, met or not; 1 a measurement came out wrong; 2 usage or set-up."""
    chosen = options(arguments)
    os.umask(0o077)
    set_up_logs("bench", logging.WARNING)
    names = MEASUREMENTS if chosen.name == "all" else (chosen.name,)
    try:
        with tempfile.TemporaryDirectory(prefix="outreach-bench-") as logs, Processes(Path(logs)) as processes:
            rows = [row for name in names for row in MEASUREMENTS[name](chosen, processes)]
    except KeyboardInterrupt:
        return 130
    except (OutreachError, OSError, SQLAlchemyError) as error:
        code = error.code if isinstance(error, OutreachError) else type(error).__name__
        text = str(error.orig) if isinstance(error, DBAPIError) else str(error)
        say(f"Nothing was measured. {text}")
        if chosen.json:
            write({"error": {"code": code, "message": text}})
        return 1 if isinstance(error, BenchError) else 2
    for row in rows:
        say(sentence(row))
    if chosen.json:
        write({"rows": [row.as_json() for row in rows]})
    return 0


def sentence(row: Row) -> str:
    """A row for a person."""
    verdict = "met" if row.ok else "MISSED"
    return (
        f"{row.name}: {row.value:g} {row.unit} ({row.target}: {verdict}; ceiling {row.ceiling:g}, {row.ratio:g} of it)"
    )


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
