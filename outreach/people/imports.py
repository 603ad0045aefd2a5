"""Constituents from a CSV file: read, judged and stored in small transactions, with a report row by row."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from outreach.core.clock import Clock
from outreach.core.csv_rows import CsvTable, Source, open_csv
from outreach.core.errors import BadInputError
from outreach.core.runtime import Runtime
from outreach.people.cells import Person, Problem, problem, read_person
from outreach.people.columns import ColumnMap, map_columns
from outreach.people.import_rules import NOTHING, decide, load_known
from outreach.people.import_writes import ChunkWriter
from outreach.people.lists import get_or_create_list, valid_list_name

MOST_ROWS = 500
FEWEST_ROWS = 25
LONGEST_SECONDS = 0.04
"""SQLite has one write lock, and a STOP may be waiting for it."""


@dataclass(slots=True)
class ImportReport:
    """What became of each row: the six counts are disjoint and sum to ``rows``."""

    mapping: dict[str, str | list[str]]
    rows: int = 0
    counts: Counter[str] = field(default_factory=Counter)
    problems: list[Problem] = field(default_factory=list)

    def as_dict(self) -> dict[str, Any]:
        """The report as CONTRACTS has it."""
        fates = ("new", "updated", "duplicate", "invalid", "opted_out", "blocked")
        return {
            "mapping": self.mapping,
            "rows": self.rows,
            **{fate: self.counts[fate] for fate in fates},
            "problems": [found._asdict() for found in self.problems],
        }


def import_constituents(
    runtime: Runtime, group_id: int, source: Source, *, list_name: str, consent: str | None, recorded_by: str
) -> ImportReport:
    """Read a file into a list of the group.

    ``consent``: what the file's owner declares about everybody in it, word for word; None stores people who cannot
    be texted. Raises BadInputError when the file as a whole cannot be read; nothing is stored then.
    """
    declared, name = _declaration(consent), valid_list_name(list_name)
    with open_csv(source) as table:
        columns = map_columns(table.header)
        report = ImportReport(columns.named())
        with runtime.db.transaction() as tx:
            list_id = get_or_create_list(tx, group_id, name, runtime.clock.now())
        writer = ChunkWriter(runtime, group_id, list_id, name, recorded_by)
        size = _ChunkSize()
        for people in _people(table, columns, declared, report, size):
            prepared = writer.prepare(people)
            begun = time.perf_counter()
            report.counts.update(writer.write(prepared))
            if runtime.db.is_sqlite:
                size.adapt(time.perf_counter() - begun)
    return report


def preview_constituents(
    runtime: Runtime | None, group_id: int | None, source: Source, *, list_name: str, consent: str | None
) -> ImportReport:
    """The report that an import would give, storing nothing. Without a runtime, rows are compared within the file."""
    declared, name = _declaration(consent), valid_list_name(list_name)
    now = Clock.real_now()
    with open_csv(source) as table:
        columns = map_columns(table.header)
        report = ImportReport(columns.named())
        for chunk in _people(table, columns, declared, report, _ChunkSize()):
            people = [person for person in chunk if not person.is_repeat]
            if runtime is None or group_id is None:
                report.counts.update(decide(person, NOTHING, None, now).fate for person in people)
                continue
            hashes = {runtime.vault.number_hash(person.e164): person for person in people}
            with runtime.db.snapshot() as session:
                known = load_known(session, group_id, list(hashes))
            report.counts.update(
                decide(person, known.get(number_hash, NOTHING), person.ledger_wording(name), now).fate
                for number_hash, person in hashes.items()
            )
    return report


def _declaration(consent: str | None) -> str | None:
    if consent is not None and not consent.strip():
        raise BadInputError("consent_blank")
    return consent.strip() if consent else None


class _ChunkSize:
    """How many rows go into one transaction: as many as fit into the time, between two bounds."""

    def __init__(self) -> None:
        self.rows = MOST_ROWS

    def adapt(self, seconds: float) -> None:
        if seconds > LONGEST_SECONDS:
            self.rows = max(FEWEST_ROWS, self.rows // 2)
        elif seconds < LONGEST_SECONDS / 2:
            self.rows = min(MOST_ROWS, self.rows * 3 // 2)


def _people(
    table: CsvTable, columns: ColumnMap, declared: str | None, report: ImportReport, size: _ChunkSize
) -> Iterator[list[Person]]:
    """Chunks of people, each number once in the whole file; invalid and duplicate rows go straight to the report.

    A later row of the same number changes nothing but one thing: when it refuses, it is handed on as a repeat.
    """
    seen: set[int] = set()
    refused: set[int] = set()
    chunk: list[Person] = []
    for row in table:
        report.rows += 1
        person, problems = read_person(row, columns, declared)
        report.problems += problems
        if person is None:
            report.counts["invalid"] += 1
            continue
        number = int(person.e164[1:])
        if number in seen:
            report.counts["duplicate"] += 1
            if person.consent != "refused" or number in refused:
                continue
            report.problems.append(problem(row.number, None, "duplicate_refuses"))
            person = person.as_repeat()
        seen.add(number)
        if person.consent == "refused":
            refused.add(number)
        chunk.append(person)
        if len(chunk) >= size.rows:
            yield chunk
            chunk = []
    if chunk:
        yield chunk
