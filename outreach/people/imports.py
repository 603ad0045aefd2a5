"""An import in two passes: the file is read whole and put into the order of the blind index, then looked up or written.

Nothing is stored before the whole file was read. The second pass goes through numbers in the order of their hashes, so
"through which hash" is all that must be known to go on after a kill, and the same file comes to the same end.
"""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from itertools import islice
from typing import Any, Final, Protocol

from outreach.core.crypto import Vault
from outreach.core.csv_rows import Source, open_csv
from outreach.core.errors import BadInputError
from outreach.core.runtime import Runtime
from outreach.people.cells import Problem, problem
from outreach.people.columns import map_columns
from outreach.people.hash_order import HashOrder
from outreach.people.import_rules import NOTHING, decide, load_known
from outreach.people.import_writes import Entry
from outreach.people.lists import valid_list_name
from outreach.people.row_blocks import BlockReader, PersonRow

FATES: Final = ("new", "updated", "duplicate", "invalid", "opted_out", "blocked")
LOOKED_UP_AT_ONCE: Final = 500


class Progress(Protocol):
    """Told how many rows are read, or written, then of how many; it may raise to stop what it is told of."""

    def __call__(self, rows: int, of: int | None = None) -> None: ...


@dataclass(slots=True)
class ImportReport:
    """What became of each row: the six counts are disjoint and sum to ``rows``.

    ``problems``: the first ``most_problems`` of them, or all; a file may have as many as rows, and more.
    """

    mapping: dict[str, str | list[str]]
    most_problems: int | None = None
    rows: int = 0
    counts: Counter[str] = field(default_factory=Counter)
    problems: list[Problem] = field(default_factory=list)
    problem_count: int = 0

    def note(self, found: Sequence[Problem]) -> None:
        """Take problems, in any order."""
        self.problem_count += len(found)
        self.problems += found
        if self.most_problems is not None and len(self.problems) > 2 * self.most_problems:
            self.problems.sort(key=lambda one: one.row)
            del self.problems[self.most_problems :]

    def as_dict(self) -> dict[str, Any]:
        """The report as CONTRACTS has it."""
        return {
            "mapping": self.mapping,
            "rows": self.rows,
            **{fate: self.counts[fate] for fate in FATES},
            "problems": [found._asdict() for found in self.problems],
        }


@dataclass(frozen=True, slots=True)
class FileReading:
    """A file that was read: what was found wrong so far, and its people by hash."""

    report: ImportReport
    order: HashOrder

    def entries(self) -> Iterator[Entry]:
        """Each number once, by hash; the other rows of a number go to the report."""
        report = self.report
        for rows in self.order.numbers():
            first = PersonRow(*rows[0])
            if len(rows) == 1:
                yield Entry(first, None)
                continue
            report.counts["duplicate"] += len(rows) - 1
            refusal = None
            if first.consent != "refused":
                refusal = next((again for row in rows[1:] if (again := PersonRow(*row)).consent == "refused"), None)
            if refusal:
                report.note([problem(refusal.row, None, "duplicate_refuses")])
            yield Entry(first, refusal)
        report.problems.sort(key=lambda found: found.row)


def declaration(consent: str | None) -> str | None:
    """What the owner of a file declares, trimmed. Raises BadInputError for one that says nothing."""
    if consent is not None and not consent.strip():
        raise BadInputError("consent_blank")
    return consent.strip() if consent else None


@contextmanager
def read_file(
    source: Source,
    vault: Vault | None,
    *,
    group_id: int,
    list_name: str,
    consent: str | None,
    choices: Mapping[str, str] | None = None,
    seals: bool = True,
    progress: Progress | None = None,
    processes: int | None = None,
    most_problems: int | None = None,
) -> Iterator[FileReading]:
    """Read a file whole. Without a vault numbers are known within the file only; for a mere look nothing is sealed.

    Raises BadInputError when the file as a whole cannot be read or used. ``processes``: how many read a long file,
    as many as there are processors unless it is said.
    """
    declared, name = declaration(consent), valid_list_name(list_name)
    with open_csv(source) as table, HashOrder() as order:
        columns = map_columns(table.header, choices)
        report = ImportReport(columns.named(), most_problems)
        reader = BlockReader(columns, declared, name, group_id, vault or _passing_vault(), seals)
        for block in reader.blocks(table, (os.cpu_count() or 1) if processes is None else processes):
            order.add(block.people)
            report.note(block.problems)
            report.counts["invalid"] += block.invalid
            report.rows += block.rows
            if progress:
                progress(report.rows)
        yield FileReading(report, order)


def foresee(reading: FileReading, runtime: Runtime | None, group_id: int | None) -> ImportReport:
    """The report that an import would give now, storing nothing; without a runtime nobody is known."""
    now = runtime.clock.real_now() if runtime else datetime.now().astimezone()
    entries = reading.entries()
    while some := list(islice(entries, LOOKED_UP_AT_ONCE)):
        known = {}
        if runtime is not None and group_id is not None:
            with runtime.db.snapshot() as session:
                known = load_known(session, group_id, [entry.row.number_hash for entry in some])
        reading.report.counts.update(
            decide(row.consent, known.get(row.number_hash, NOTHING), row.wording, now).fate for row, _ in some
        )
    return reading.report


def preview_constituents(
    runtime: Runtime | None, group_id: int | None, source: Source, *, list_name: str, consent: str | None,
    choices: Mapping[str, str] | None = None,
) -> ImportReport:  # fmt: skip
    """The report that an import would give, storing nothing. Without a runtime, rows are compared within the file."""
    vault = runtime.vault if runtime and group_id is not None else None
    with read_file(
        source, vault, group_id=group_id or 0, list_name=list_name, consent=consent, choices=choices, seals=False
    ) as reading:
        return foresee(reading, runtime, group_id)


def _passing_vault() -> Vault:
    """Keys for one look at one file: its hashes mean nothing afterwards."""
    return Vault({"passing": os.urandom(32)}, os.urandom(32))
