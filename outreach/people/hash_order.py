"""Rows of any number in the order of the blind index, in flat memory.

Whoever writes in this order writes neighbouring pages of the database's index one after the other, has all rows of a
number together, and can say how far it came by a hash alone. What does not fit into memory goes into an unlinked
temporary file: rows are sealed and hashed before they come here, as they will stand in the database.
"""

from __future__ import annotations

import marshal
import tempfile
from collections.abc import Iterable, Iterator
from itertools import groupby
from operator import itemgetter
from typing import Any, Final

BUCKETS: Final = 256
MOST_IN_MEMORY: Final = 40_000

HashedRow = tuple[Any, ...]
"""Number hash, row of the file, then anything that ``marshal`` takes."""


class HashOrder:
    """Collects rows, then gives them back a number at a time. A context manager: its file ends with it."""

    def __init__(self, most_in_memory: int = MOST_IN_MEMORY) -> None:
        self._most = most_in_memory
        self._held = 0
        self._buckets: list[list[HashedRow]] = [[] for _ in range(BUCKETS)]
        self._spilled: list[list[tuple[int, int]]] = [[] for _ in range(BUCKETS)]
        self._file = tempfile.TemporaryFile()  # noqa: SIM115  closed by __exit__

    def __enter__(self) -> HashOrder:
        return self

    def __exit__(self, *_: object) -> None:
        self._file.close()

    def add(self, rows: Iterable[HashedRow]) -> None:
        """Take rows, in any order."""
        buckets = self._buckets
        for row in rows:
            buckets[row[0][0]].append(row)
            self._held += 1
        if self._held >= self._most:
            self._spill()

    def numbers(self) -> Iterator[list[HashedRow]]:
        """The rows of each number, by hash; those of a number in the order of the file."""
        for bucket in range(BUCKETS):
            rows = list(self._buckets[bucket])
            for place, size in self._spilled[bucket]:
                self._file.seek(place)
                rows += marshal.loads(self._file.read(size))  # noqa: S302  written by ourselves, read by nobody else
            rows.sort(key=itemgetter(0, 1))
            for _, same in groupby(rows, key=itemgetter(0)):
                yield list(same)

    def _spill(self) -> None:
        self._file.seek(0, 2)
        for bucket, rows in enumerate(self._buckets):
            if rows:
                data = marshal.dumps(rows)
                self._spilled[bucket].append((self._file.tell(), len(data)))
                self._file.write(data)
                rows.clear()
        self._held = 0
