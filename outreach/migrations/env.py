"""Alembic's entry: it runs migrations on the database that ``outreach.migrations`` hands over."""

from __future__ import annotations

from typing import Any, Literal

from alembic import context
from alembic.autogenerate.api import AutogenContext
from sqlalchemy import BigInteger

from outreach.core.db import UtcDateTime
from outreach.migrations import metadata


def render(kind: str, item: Any, autogen: AutogenContext) -> str | Literal[False]:
    """Our own types by their names, so that revisions stay readable."""
    if kind == "type" and isinstance(item, UtcDateTime | BigInteger):
        name = "UtcDateTime()" if isinstance(item, UtcDateTime) else "BigKey"
        autogen.imports.add("from outreach.core.db import BigKey, UtcDateTime")
        return name
    return False


database = context.config.attributes["database"]
with database.connection() as connection:
    raw = connection.connection.dbapi_connection
    if database.is_sqlite and raw is not None:  # a table that others refer to is rebuilt by dropping it
        raw.execute("PRAGMA foreign_keys=OFF")
    context.configure(
        connection=connection,
        target_metadata=metadata(),
        render_as_batch=database.is_sqlite,
        render_item=render,
        compare_type=True,
    )
    with context.begin_transaction():
        context.run_migrations()
    connection.commit()
    if database.is_sqlite and raw is not None:
        raw.execute("PRAGMA foreign_keys=ON")
