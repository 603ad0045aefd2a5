"""Rows of a contact file, judged, hashed and sealed in blocks; for a large file by processes of their own.

A block goes to a process and its answer comes back over one pipe, one block under way for each process. A process
that loses its parent ends, for its pipe then ends; a parent that loses one gives the import up, which can be resumed.
"""

from __future__ import annotations

import marshal
import multiprocessing
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from itertools import chain, islice
from multiprocessing.connection import Connection
from typing import Any, Final, NamedTuple

from outreach.core.crypto import Vault
from outreach.core.csv_rows import CsvTable, Row
from outreach.core.errors import OutreachError
from outreach.people.cells import Person, Problem, RowReader
from outreach.people.columns import ColumnMap
from outreach.people.hash_order import HashedRow
from outreach.people.zones import zones_key_for

CONTEXT: Final = "constituent"
BLOCK: Final = 500
FEW_BLOCKS: Final = 30
"""So much is read before processes are started for the rest: to start one takes as long as to read some blocks."""


class Block(NamedTuple):
    """What became of some rows: people as plain ``PersonRow``s, problems, and how many rows hold nobody."""

    people: list[HashedRow]
    problems: list[Problem]
    invalid: int
    rows: int


class PersonRow(NamedTuple):
    """What a hashed row holds, in this order. ``consent``: granted, refused, none; ``sealed`` is empty for a look."""

    number_hash: bytes
    row: int
    consent: str
    wording: str | None
    zip: str | None
    language: str | None
    zones: str
    sealed: bytes


@dataclass(frozen=True, slots=True)
class BlockReader:
    """Reads blocks of one file. Without ``seals`` nothing of a person is kept but the hash of the number."""

    columns: ColumnMap
    declared: str | None
    list_name: str
    vault: Vault
    seals: bool

    def read(self, reader: RowReader, rows: list[tuple[Any, ...]]) -> Block:
        """Judge rows, which are ``Row``s as plain tuples."""
        people: list[Person] = []
        problems: list[Problem] = []
        for row in rows:
            person, found = reader.read(Row(*row))
            problems += found
            if person is not None:
                people.append(person)
        sealed = [b""] * len(people)
        if self.seals:
            sealed = self.vault.seal_all([person.document() for person in people], CONTEXT)
        head, hash_of = f"list “{self.list_name}”: ", self.vault.number_hash
        hashed = [
            (
                hash_of(person.e164), person.row, person.consent,
                head + person.consent_wording if person.consent_wording else None,
                person.zip, person.language, zones_key_for(person.e164[:8], person.zip), document,
            )
            for person, document in zip(people, sealed, strict=True)
        ]  # fmt: skip
        return Block(hashed, problems, len(rows) - len(people), len(rows))

    def blocks(self, table: CsvTable, processes: int) -> Iterator[Block]:
        """Every block of a file, in order. ``processes``: how many read a long one; 0: this one does."""
        waiting = _blocks(table)
        reader = RowReader(self.columns, self.declared)
        for rows in islice(waiting, None if processes < 1 else FEW_BLOCKS):
            yield self.read(reader, rows)
        more = next(waiting, None)
        if more is not None:
            yield from self._in_processes(chain([more], waiting), processes)

    def _in_processes(self, waiting: Iterator[list[tuple[Any, ...]]], processes: int) -> Iterator[Block]:
        # Spawned: a process that was forked would hold our ends of the pipes, and whatever other threads do.
        context = multiprocessing.get_context("spawn")
        with ExitStack() as stack:
            pipes: list[Connection] = []
            for _ in range(processes):
                ours, theirs = context.Pipe()
                stack.callback(ours.close)
                process = context.Process(target=serve, args=(self, theirs), daemon=True)
                process.start()
                stack.callback(process.join)
                stack.callback(process.terminate)
                theirs.close()
                pipes.append(ours)
            yield from _in_turn(pipes, waiting)


def serve(blocks: BlockReader, pipe: Connection) -> None:
    """Read blocks until the pipe ends."""
    reader = RowReader(blocks.columns, blocks.declared)
    try:
        while True:
            people, problems, invalid, rows = blocks.read(reader, marshal.loads(pipe.recv_bytes()))  # noqa: S302  our own pipe
            pipe.send_bytes(marshal.dumps((people, [tuple(one) for one in problems], invalid, rows)))
    except (EOFError, OSError):
        return


def _in_turn(pipes: list[Connection], waiting: Iterator[list[tuple[Any, ...]]]) -> Iterator[Block]:
    asked: list[Connection] = []
    try:
        for rows in waiting:
            if len(asked) < len(pipes):
                pipe = pipes[len(asked)]
                block = None
            else:
                pipe = asked.pop(0)
                block = _answer(pipe)
            pipe.send_bytes(marshal.dumps(rows))
            asked.append(pipe)
            if block:
                yield block
        for pipe in asked:
            yield _answer(pipe)
    except (EOFError, OSError):
        raise OutreachError("import_process_died") from None


def _answer(pipe: Connection) -> Block:
    people, problems, invalid, rows = marshal.loads(pipe.recv_bytes())  # noqa: S302  our own pipe
    return Block(people, [Problem(*one) for one in problems], invalid, rows)


def _blocks(table: CsvTable) -> Iterator[list[tuple[Any, ...]]]:
    rows = iter(table)
    while block := [tuple(row) for row in islice(rows, BLOCK)]:
        yield block
