"""Many rows into a table at once, as plain tuples past the ORM: an import's millions.

SQLite runs one prepared statement over them; PostgreSQL takes them by COPY, into a temporary table first where some may
be there already. Values are the driver's: times go through ``driver_time``.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from functools import cache
from typing import Any

from psycopg import sql
from sqlalchemy import Table, bindparam
from sqlalchemy.dialects import sqlite

from outreach.core.db import Transaction, UtcDateTime

Row = tuple[Any, ...]

_TIME = UtcDateTime()
_SQLITE = sqlite.dialect()


def driver_time(tx: Transaction, at: datetime | None) -> Any:
    """An aware time as this database's driver takes it."""
    if at is None or not tx.is_sqlite:
        return at
    as_text = _TIME.dialect_impl(_SQLITE).bind_processor(_SQLITE)
    return as_text(at) if as_text else at


def insert_all(tx: Transaction, table: Table, columns: Sequence[str], rows: Sequence[Row]) -> None:
    """Insert rows, in their order; one that is there already is an error."""
    if not rows:
        return
    if tx.is_sqlite:
        tx.connection().exec_driver_sql(_sqlite_insert(table, tuple(columns), ignore=False), list(rows))
    else:
        _copy(tx, table.name, columns, rows)


def insert_absent(tx: Transaction, table: Table, columns: Sequence[str], rows: Sequence[Row]) -> None:
    """Insert those rows that break no unique index."""
    if not rows:
        return
    if tx.is_sqlite:
        tx.connection().exec_driver_sql(_sqlite_insert(table, tuple(columns), ignore=True), list(rows))
        return
    waiting = f"incoming_{table.name}"
    names = sql.SQL(", ").join(map(sql.Identifier, columns))
    connection = tx.connection()
    connection.exec_driver_sql(_make_waiting(table.name, tuple(columns)))
    _copy(tx, waiting, columns, rows)
    move = sql.SQL("INSERT INTO {} ({}) SELECT {} FROM {} ON CONFLICT DO NOTHING").format(
        sql.Identifier(table.name), names, names, sql.Identifier(waiting)
    )
    connection.exec_driver_sql(move.as_string(None))
    connection.exec_driver_sql(sql.SQL("TRUNCATE {}").format(sql.Identifier(waiting)).as_string(None))


@cache
def _sqlite_insert(table: Table, columns: tuple[str, ...], *, ignore: bool) -> str:
    statement = sqlite.insert(table).values({name: bindparam(name) for name in columns})
    if ignore:
        statement = statement.on_conflict_do_nothing()
    compiled = statement.compile(dialect=_SQLITE, column_keys=list(columns))
    if list(compiled.positiontup or ()) != list(columns):
        raise AssertionError("columns must be named in the table's order")
    return str(compiled)


@cache
def _make_waiting(name: str, columns: tuple[str, ...]) -> str:
    # Without the table's defaults: rows that wait must draw no ids.
    make = sql.SQL("CREATE TEMP TABLE IF NOT EXISTS {} ON COMMIT DELETE ROWS AS SELECT {} FROM {} WITH NO DATA")
    names = sql.SQL(", ").join(map(sql.Identifier, columns))
    return make.format(sql.Identifier(f"incoming_{name}"), names, sql.Identifier(name)).as_string(None)


def _copy(tx: Transaction, table: str, columns: Sequence[str], rows: Sequence[Row]) -> None:
    raw: Any = tx.connection().connection.driver_connection
    names = sql.SQL(", ").join(map(sql.Identifier, columns))
    with (
        raw.cursor() as cursor,
        cursor.copy(sql.SQL("COPY {} ({}) FROM STDIN").format(sql.Identifier(table), names)) as copy,
    ):
        for row in rows:
            copy.write_row(row)
