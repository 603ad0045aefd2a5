"""Rows of a contact file, judged, hashed and sealed in blocks; for a large file by processes of their own.

A block goes to a process and its answer comes back over one pipe, one block under way for each process. A process
that loses its parent ends, for its pipe then ends; a parent that loses one gives the import up, which can be resumed.
"""

from __future__ import annotations

import importlib
import marshal
import os
import pickle
import subprocess
import sys
from collections import deque
from collections.abc import Iterator
from contextlib import ExitStack, suppress
from dataclasses import dataclass
from itertools import chain, islice
from typing import IO, Any, Final, NamedTuple

from outreach.core.crypto import Vault
from outreach.core.csv_rows import CsvTable, Row
from outreach.core.errors import OutreachError
from outreach.people.cells import Person, Problem, RowReader
from outreach.people.columns import ColumnMap
from outreach.people.facet_hashes import city_hash
from outreach.people.hash_order import HashedRow
from outreach.people.zones import zones_key_for

CONTEXT: Final = "constituent"
BLOCK: Final = 500
NICE: Final = 10
"""What is read can wait for whoever texts, or is texted. Not so what writes: it would hold SQLite's lock for longer."""
FEW_BLOCKS: Final = 30
"""So much is read before processes are started for the rest: to start one takes as long as to read some blocks."""


class Block(NamedTuple):
    """What became of some rows: people as plain ``PersonRow``s, problems, and how many rows hold nobody."""

    people: list[HashedRow]
    problems: list[Problem]
    invalid: int
    rows: int


class PersonRow(NamedTuple):
    """What a hashed row holds, in this order.

    ``consent``: granted, refused, none. ``tags``: how many. ``sealed`` is empty for a look.
    """

    number_hash: bytes
    row: int
    consent: str
    wording: str | None
    zip: str | None
    language: str | None
    zones: str
    city_hash: bytes
    tags: int
    sealed: bytes


@dataclass(frozen=True, slots=True)
class BlockReader:
    """Reads blocks of one file. Without ``seals`` nothing of a person is kept but the hash of the number."""

    columns: ColumnMap
    declared: str | None
    list_name: str
    group_id: int
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
                person.zip, person.language, zones_key_for(person.e164[:8], person.zip),
                city_hash(self.vault, self.group_id, person.city), len(person.tags), document,
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
        with ExitStack() as stack:
            yield from _in_turn([stack.enter_context(_Helper(self)) for _ in range(processes)], waiting)


class _Helper:
    """A process that reads blocks. Not ``multiprocessing``'s: its children load all that their parent has loaded."""

    def __init__(self, blocks: BlockReader) -> None:
        command = (sys.executable, "-P", "-m", "outreach.people.row_blocks")
        self._process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        self._send(pickle.dumps(blocks))

    def __enter__(self) -> _Helper:
        return self

    def __exit__(self, *_: object) -> None:
        self._process.kill()
        self._process.communicate()

    def ask(self, rows: list[tuple[Any, ...]]) -> None:
        """Give it rows; it must have answered the ones before."""
        self._send(marshal.dumps(rows))

    def answer(self) -> Block:
        """What became of the rows that it was given. Raises EOFError when it has ended."""
        people, problems, invalid, rows = marshal.loads(_receive(self._process.stdout))  # noqa: S302  our own pipe
        return Block(people, [Problem(*one) for one in problems], invalid, rows)

    def _send(self, data: bytes) -> None:
        _deliver(self._process.stdin, data)


def _in_turn(helpers: list[_Helper], waiting: Iterator[list[tuple[Any, ...]]]) -> Iterator[Block]:
    asked: deque[_Helper] = deque()
    try:
        for rows in waiting:
            block = None
            if len(asked) < len(helpers):
                helper = helpers[len(asked)]
            else:
                helper = asked.popleft()
                block = helper.answer()
            helper.ask(rows)
            asked.append(helper)
            if block:
                yield block
        for helper in asked:
            yield helper.answer()
    except (EOFError, OSError):
        raise OutreachError("import_process_died") from None


def serve(source: IO[bytes], sink: IO[bytes]) -> None:
    """Read blocks until the pipe ends: the first message is the ``BlockReader``, each other one a block's rows."""
    blocks: BlockReader = pickle.loads(_receive(source))  # noqa: S301  from the process that started this one
    reader = RowReader(blocks.columns, blocks.declared)
    os.nice(NICE)
    while True:
        people, problems, invalid, rows = blocks.read(reader, marshal.loads(_receive(source)))  # noqa: S302  as above
        _deliver(sink, marshal.dumps((people, [tuple(one) for one in problems], invalid, rows)))


def _deliver(pipe: IO[bytes] | None, data: bytes) -> None:
    if pipe is None:
        raise EOFError
    pipe.write(len(data).to_bytes(8, "big"))
    pipe.write(data)
    pipe.flush()


def _receive(pipe: IO[bytes] | None) -> bytes:
    head = pipe.read(8) if pipe else b""
    size = int.from_bytes(head, "big")
    data = pipe.read(size) if pipe and len(head) == 8 else b""
    if not data or len(data) < size:
        raise EOFError
    return data


def _blocks(table: CsvTable) -> Iterator[list[tuple[Any, ...]]]:
    rows = iter(table)
    while block := [tuple(row) for row in islice(rows, BLOCK)]:
        yield block


if __name__ == "__main__":
    with suppress(EOFError, OSError, KeyboardInterrupt):
        # Under its own name: what was pickled there must be the same class here.
        importlib.import_module("outreach.people.row_blocks").serve(sys.stdin.buffer, sys.stdout.buffer)
