"""For migrations: what may take long on a large table, done so that traffic goes on beside it."""

from __future__ import annotations

from typing import Any

from alembic import op
from sqlalchemy import text


def create_index_beside(name: str, table: str, columns: list[Any], **options: Any) -> None:
    """Make an index of a table that may be large. On PostgreSQL CONCURRENTLY: without a transaction, without a lock.

    One that was begun and broken off is there and invalid: it goes first. SQLite has no such thing, and its one
    transaction holds up writers for as long as the index takes.
    """
    context = op.get_context()
    if context.dialect.name != "postgresql":
        op.create_index(name, table, columns, **options)
        return
    with context.autocommit_block():
        op.execute(text("SET statement_timeout = 0"))
        op.drop_index(name, table, if_exists=True, postgresql_concurrently=True)
        op.create_index(name, table, columns, postgresql_concurrently=True, **options)
