"""Looking for numbers in everything that an instance has left: files, rows of its database, values of its Redis.

The database is read twice: as the file that a thief has, with what was deleted and not yet overwritten, and row by
row, since a long value lies in pieces in the file. Redis likewise: its log and dump as files, its values one by one.
"""

from __future__ import annotations

import sqlite3
from collections import Counter
from collections.abc import Iterable, Iterator
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from redis import Redis

from outreach.canaries.forms import count_forms

TOGETHER: Final = 4_000_000
"""Bytes of small values that are looked at in one go."""


@dataclass(slots=True)
class Catch:
    """What was looked at (``size`` in bytes), and (place, form, number) -> how often."""

    files: int = 0
    size: int = 0
    found: Counter[tuple[str, str, str]] = field(default_factory=Counter)

    def look(self, place: str, data: bytes, wanted: frozenset[str]) -> None:
        """Look through one piece."""
        self.size += len(data)
        for (form, number), count in count_forms(data, wanted).items():
            self.found[place, form, number] += count


def hunt(directory: Path, wanted: frozenset[str], left_out: Iterable[Path] = ()) -> Catch:
    """Every regular file below ``directory`` but those that are ``left_out``; the names of files count as well."""
    catch, apart = Catch(), {path.absolute() for path in left_out}
    for path in sorted(directory.absolute().rglob("*")):
        if not path.is_file() or path.is_symlink() or path in apart:
            continue
        name = path.relative_to(directory.absolute()).as_posix()
        catch.files += 1
        catch.look(name, path.read_bytes(), wanted)
        catch.look(f"{name} (its name)", name.encode(), wanted)
    return catch


def hunt_rows(catch: Catch, database: Path, wanted: frozenset[str]) -> None:
    """Every value of every row."""
    name = f"{database.name} (rows)"
    with closing(sqlite3.connect(f"file:{database}?mode=ro", uri=True)) as connection:
        tables = [row[0] for row in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
        for table in tables:
            rows = connection.execute(f'SELECT * FROM "{table}"')  # noqa: S608  the names are the schema's own
            for piece in joined(as_bytes(value) for row in rows for value in row):
                catch.look(name, piece, wanted)


def hunt_redis(catch: Catch, redis: Redis, wanted: frozenset[str]) -> None:
    """Every key of a running Redis with its value; what RQ packs is unpacked by the search itself."""
    keys: list[bytes] = list(redis.scan_iter(count=1_000))
    for piece in joined(part for key in keys for part in (key, *values_of(redis, key))):
        catch.look("redis (values)", piece, wanted)


def values_of(redis: Redis, key: bytes) -> Iterator[bytes]:
    """What a key holds, whatever its type."""
    kind = as_bytes(redis.type(key)).decode()
    if kind == "string":
        yield as_bytes(redis.get(key))
    elif kind == "hash":
        for name, value in (redis.hgetall(key) or {}).items():
            yield from (as_bytes(name), as_bytes(value))
    elif kind == "list":
        yield from map(as_bytes, redis.lrange(key, 0, -1))
    elif kind == "set":
        yield from map(as_bytes, redis.smembers(key))
    elif kind == "zset":
        yield from map(as_bytes, redis.zrange(key, 0, -1))
    elif kind == "stream":
        for entry, fields in redis.xrange(key) or ():
            yield as_bytes(entry)
            for name, value in (fields or {}).items():
                yield from (as_bytes(name), as_bytes(value))


def joined(values: Iterable[bytes]) -> Iterator[bytes]:
    """Values in pieces of some megabytes, a line each: one after the other would take far longer."""
    piece, size = [], 0
    for value in values:
        piece.append(value)
        size += len(value)
        if size > TOGETHER:
            yield b"\n".join(piece)
            piece, size = [], 0
    yield b"\n".join(piece)


def as_bytes(value: Any) -> bytes:
    """A value of a row or of Redis as it would be read."""
    if isinstance(value, bytes):
        return value
    return b"" if value is None else str(value).encode("utf-8", "surrogatepass")
