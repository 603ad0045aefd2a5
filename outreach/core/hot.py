"""Statements that somebody waits for: written down once for a dialect, and handed to the driver as they are.

SQLAlchemy takes 40 to 200 microseconds a statement to find what it compiled, to prepare parameters and to wrap the
result; the driver takes 2 (SQLite) or 40 (PostgreSQL), and a person's text costs thirteen statements. Types, defaults
and errors are still SQLAlchemy's. Not for lists of values, nor for anything that the unit of work must see.
"""

from __future__ import annotations

from collections import namedtuple
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from sqlalchemy import Dialect
from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm import Session

Processor = Callable[[Any], Any]
Values = Mapping[str, Any]


class Hot:
    """A SELECT, or an INSERT of always the same columns, with ``bindparam``s. Made at module level."""

    def __init__(self, statement: Any) -> None:
        self._statement = statement
        self._written: dict[str, _Written] = {}

    def all(self, session: Session, values: Values) -> list[Any]:
        """The rows as named tuples. Raises what SQLAlchemy raises."""
        return self._run(session, [values])

    def first(self, session: Session, values: Values) -> Any:
        """The first row as a named tuple, or None. Raises what SQLAlchemy raises."""
        return next(iter(self._run(session, [values])), None)

    def value(self, session: Session, values: Values) -> Any:
        """The first column of the first row; None without a row."""
        row = self.first(session, values)
        return None if row is None else row[0]

    def run(self, session: Session, *rows: Values) -> None:
        """For its effect, once for each row."""
        self._run(session, rows)

    def _run(self, session: Session, rows: Sequence[Values]) -> list[Any]:
        connection = session.connection()
        dialect = connection.dialect
        written = self._written.get(dialect.name)
        if written is None:
            written = self._written[dialect.name] = _Written(self._statement, dialect, list(rows[0]))
        given: list[Any] = [written.given(values) for values in rows]
        cursor = connection.connection.cursor()
        try:
            if len(given) == 1:
                cursor.execute(written.sql, given[0])
            else:
                cursor.executemany(written.sql, given)
            return written.taken(cursor) if written.has_rows else []
        except dialect.loaded_dbapi.Error as error:
            gone = dialect.is_disconnect(error, connection.connection.dbapi_connection, cursor)
            if gone:
                connection.invalidate(error)  # nobody rolls it back or is given it again
            raise DBAPIError.instance(
                written.sql, None, error, dialect.loaded_dbapi.Error,
                hide_parameters=True, connection_invalidated=gone, dialect=dialect,
            ) from error  # fmt: skip
        finally:
            cursor.close()


class _Written:
    """A statement in one dialect's words, with what turns our values into the driver's, and back."""

    def __init__(self, statement: Any, dialect: Dialect, names: list[str]) -> None:
        compiled = statement.compile(dialect=dialect, column_keys=names if statement.is_insert else None)
        self.sql: str = compiled.string
        self.positional = bool(compiled.positional)
        order = compiled.positiontup if self.positional else list(compiled.params)
        self._binds = [(name, _to_driver(compiled.binds[name].type, dialect)) for name in order]
        self._fixed = {name: value for name, value in compiled.params.items() if name not in names}
        self._fixed |= {column.key: column.default.arg for column in getattr(compiled, "insert_prefetch", ())}
        if statement.is_insert:
            columns = statement.returning_column_descriptions if compiled.effective_returning else []
        else:
            columns = statement.column_descriptions
        self.has_rows = bool(columns)
        self._kinds = [each["type"].dialect_impl(dialect) for each in columns]
        self._make_row = _row_type([each["name"] for each in columns])._make
        self._dialect = dialect
        self._results: list[Processor | None] | None = None  # they depend on what the driver says of its columns

    def given(self, values: Values) -> Sequence[Any] | Values:
        """Parameters as the driver takes them."""
        found = []
        for name, convert in self._binds:
            value = values[name] if name in values else self._fixed[name]
            found.append((name, value if convert is None or value is None else convert(value)))
        return [value for _, value in found] if self.positional else dict(found)

    def taken(self, cursor: Any) -> list[Any]:
        """The rows as the product takes them."""
        if self._results is None:
            codes = [column[1] for column in cursor.description]
            self._results = [
                kind.result_processor(self._dialect, code) for kind, code in zip(self._kinds, codes, strict=True)
            ]
        return [self._make_row(self._read(row)) for row in cursor.fetchall()]

    def _read(self, row: Sequence[Any]) -> list[Any]:
        converted = zip(self._results or (), row, strict=True)
        return [value if convert is None else convert(value) for convert, value in converted]


def _row_type(names: list[str]) -> Any:
    make: Any = namedtuple  # which the type checker takes for a declaration
    return make("Row", names, rename=True)


def _to_driver(kind: Any, dialect: Dialect) -> Processor | None:
    processor: Processor | None = kind.dialect_impl(dialect).bind_processor(dialect)
    return processor
