"""A file of numbers that must get no texts: each is suppressed, whoever's list it may come in later.

A suppression needs no constituent, so it outlives the purge and every import. Staff set it, so only staff lift it. In
an opt-out list nothing is passed over: every usable number in a row counts, whatever kind of line its column names.
"""

from __future__ import annotations

import re
import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final, NamedTuple

from sqlalchemy import bindparam, insert, or_, select

from outreach.accounts.audit import record_audit
from outreach.accounts.models import Group
from outreach.core.csv_rows import CsvTable, Row, Source, open_csv
from outreach.core.db import Transaction
from outreach.core.errors import BadInputError
from outreach.core.phone import check_phone
from outreach.core.runtime import Runtime
from outreach.people.cells import SEVERAL_IN_A_CELL, Problem, problem
from outreach.people.columns import ColumnMap, map_columns
from outreach.people.consent import lock_people, sealed_words
from outreach.people.models import ConsentEvent, Suppression

REASON_LENGTH: Final = 1_000
NAME_LENGTH: Final = 120
BARE_COLUMN: Final = "Phone"
"""What the one column of a file without a header is called."""
MOST_AT_ONCE: Final = 500
FEWEST_AT_ONCE: Final = 25
LONGEST_SECONDS: Final = 0.04
"""SQLite has one write lock, and a STOP may be waiting for it."""

_APART = re.compile(r"[/,;|&\n]|\b(?:or|and|o|y)\b", re.IGNORECASE)
_suppression: Any = Suppression.__table__
_IN_FORCE = (
    select(_suppression.c.number_hash)
    .where(
        _suppression.c.number_hash.in_(bindparam("numbers", expanding=True)),
        _suppression.c.source == "staff",
        _suppression.c.lifted_at.is_(None),
        or_(_suppression.c.group_id.is_(None), _suppression.c.group_id == bindparam("group")),
    )
    .distinct()
)
# One at a time in the whole instance, so that the same file twice at once suppresses a number once.
_TURN = select(Group.id).order_by(Group.id).limit(1).with_for_update(key_share=True)


@dataclass(slots=True)
class OptOutReport:
    """What became of each row: the three counts are disjoint and sum to ``rows``.

    ``suppressed``: a number of the row was not suppressed by staff before. ``known``: all of them were, or stood
    earlier in the file. ``invalid``: the row has no usable number.
    """

    rows: int = 0
    suppressed: int = 0
    known: int = 0
    invalid: int = 0
    problems: list[Problem] = field(default_factory=list)

    def as_dict(self) -> dict[str, Any]:
        """The report for ``--json``."""
        counts = {name: getattr(self, name) for name in ("rows", "suppressed", "known", "invalid")}
        return {**counts, "problems": [found._asdict() for found in self.problems]}


class Scope(NamedTuple):
    """Who suppresses, for whom (``suppressed_for`` None: the whole instance), and what the ledger says of it."""

    group_id: int
    suppressed_for: int | None
    reason: str
    words: bytes | None
    recorded_by: str


def valid_reason(text: str) -> str:
    """A reason as the ledger keeps it. Raises BadInputError."""
    reason = text.replace("\0", "").strip()
    if not reason:
        raise BadInputError("optout_reason_blank")
    if len(reason) > REASON_LENGTH:
        raise BadInputError("optout_reason_long", most=REASON_LENGTH)
    return reason


def import_opt_outs(
    runtime: Runtime,
    group_id: int,
    source: Source,
    *,
    reason: str,
    recorded_by: str,
    group_only: bool = False,
    most_rows: int | None = None,
) -> OptOutReport:
    """Suppress every number of a file, for all groups of the instance unless ``group_only``.

    A killed run is run again with the same file: what is suppressed already stays as it is. Raises BadInputError when
    the file or the reason cannot be used, or the file has more than ``most_rows`` rows; nothing is stored then.
    """
    because = valid_reason(reason)
    words, by = sealed_words(runtime.vault, because), recorded_by[:NAME_LENGTH]
    scope = Scope(group_id, group_id if group_only else None, because, words, by)
    if most_rows is not None:
        with open_csv(source, BARE_COLUMN) as table:
            _refuse_size(sum(1 for _ in table), most_rows)
    report = OptOutReport()
    seen: dict[bytes, bool] = {}
    with open_csv(source, BARE_COLUMN) as table:
        for rows in _chunks(runtime, table, report):
            fresh = sorted({one for hashes in rows for one in hashes if one not in seen})
            stopped = _suppress_all(runtime, fresh, scope)
            for hashes in rows:
                is_new = any(one in stopped and one not in seen for one in hashes)
                report.suppressed += is_new
                report.known += not is_new
                seen.update(dict.fromkeys(hashes, True))
    _note(runtime, scope, report)
    return report


def _refuse_size(rows: int, most: int) -> None:
    if not rows:
        raise BadInputError("optout_no_rows")
    if rows > most:
        raise BadInputError("optout_too_many_rows", rows=rows, most=most)


def numbers_of(row: Row, columns: ColumnMap) -> tuple[list[str], list[Problem]]:
    """Every usable number of a row in E.164, and what is wrong with the other phone cells. Pure."""
    if row.problem:
        return [], [problem(row.number, None, row.problem)]
    found: dict[str, None] = {}
    wrong: list[Problem] = []
    for index in columns.columns["phone"]:
        for text in row.cells[index].split(SEVERAL_IN_A_CELL):
            for part in _parts(text):
                verdict = check_phone(part)
                if verdict.e164:
                    found[verdict.e164] = None
                else:
                    wrong.append(problem(row.number, columns.header[index], verdict.reason or "not_a_number"))
    if not found and not wrong:
        wrong.append(problem(row.number, columns.header[columns.columns["phone"][0]], "no_phone"))
    return list(found), wrong


def _parts(text: str) -> Iterable[str]:
    if not text.strip():
        return ()
    if check_phone(text).reason != "several_numbers":
        return (text,)
    return (part for part in _APART.split(text) if part.strip())


def _chunks(runtime: Runtime, table: CsvTable, report: OptOutReport) -> Iterator[list[list[bytes]]]:
    """Hashes row by row, as many numbers at once as SQLite's lock may be held for; unusable rows go to the report."""
    columns = map_columns(table.header)
    size, held, chunk = MOST_AT_ONCE, 0, list[list[bytes]]()
    for row in table:
        report.rows += 1
        numbers, problems = numbers_of(row, columns)
        report.problems += problems
        if not numbers:
            report.invalid += 1
            continue
        if held + len(numbers) > size and chunk:
            begun = time.perf_counter()
            yield chunk
            size = _adapted(size, time.perf_counter() - begun) if runtime.db.is_sqlite else size
            held, chunk = 0, []
        chunk.append([runtime.vault.number_hash(number) for number in numbers])
        held += len(numbers)
    if chunk:
        yield chunk


def _adapted(size: int, seconds: float) -> int:
    if seconds > LONGEST_SECONDS:
        return max(FEWEST_AT_ONCE, size // 2)
    return min(MOST_AT_ONCE, size * 3 // 2) if seconds < LONGEST_SECONDS / 2 else size


def _suppress_all(runtime: Runtime, hashes: list[bytes], scope: Scope) -> set[bytes]:
    """Suppress these numbers (sorted) in one durable transaction; those that were not before."""
    if not hashes:
        return set()
    at = runtime.clock.real_now()
    with runtime.db.transaction(durable=True) as tx:
        _take_turn(tx)
        lock_people(tx, hashes)
        connection = tx.connection()
        asked = {"numbers": hashes, "group": scope.suppressed_for}
        known = set(connection.execute(_IN_FORCE, asked).scalars())
        fresh = [one for one in hashes if one not in known]
        if fresh:
            connection.execute(insert(Suppression), [_stop(one, scope, at) for one in fresh])
            connection.execute(insert(ConsentEvent), [_said(one, scope, at) for one in fresh])
    return set(fresh)


def _take_turn(tx: Transaction) -> None:
    if not tx.is_sqlite:
        tx.execute(_TURN).all()


def _stop(number_hash: bytes, scope: Scope, at: datetime) -> dict[str, Any]:
    return {"number_hash": number_hash, "group_id": scope.suppressed_for, "source": "staff", "at": at}


def _said(number_hash: bytes, scope: Scope, at: datetime) -> dict[str, Any]:
    said = {"group_id": scope.group_id, "number_hash": number_hash, "kind": "opt_out", "source": "staff", "at": at}
    return {**said, "sealed": scope.words, "recorded_by": scope.recorded_by}


def _note(runtime: Runtime, scope: Scope, report: OptOutReport) -> None:
    """Who brought how many, in the book of decisions; a file that changed nothing is not noted."""
    if not report.suppressed:
        return
    with runtime.db.transaction() as tx:
        record_audit(
            tx, group_id=scope.group_id, actor=scope.recorded_by, action="opt_outs_imported",
            subject=f"groups:{scope.group_id}", at=runtime.clock.real_now(), suppressed=report.suppressed,
            every_group=scope.suppressed_for is None, reason=scope.reason,
        )  # fmt: skip
