"""Alembic's entry: it runs migrations on the database that ``outreach.migrations`` hands over."""

from __future__ import annotations

from typing import Any, Literal

from alembic import context
from alembic.autogenerate.api import AutogenContext
from sqlalchemy import BigInteger

from outreach.core.db import UtcDateTime
from outreach.migrations import metadata
from outreach.migrations.patience import reset_timeouts, set_timeouts


def render(kind: str, item: Any, autogen: AutogenContext) -> str | Literal[False]:
    """Our own types by their names, so that revisions stay readable."""
    if kind == "type" and isinstance(item, UtcDateTime | BigInteger):
        name = "UtcDateTime()" if isinstance(item, UtcDateTime) else "BigKey"
        autogen.imports.add("from outreach.core.db import BigKey, UtcDateTime")
        return name
    return False


def note(ctx: Any, step: Any, heads: Any, run_args: Any) -> None:
    """Tell whoever asked for the upgrade what was run."""
    told = context.config.attributes.get("note")
    if told is not None and step.is_upgrade:
        told(step)


database = context.config.attributes["database"]
with database.connection() as connection:
    raw = connection.connection.dbapi_connection
    if database.is_sqlite and raw is not None:  # a table that others refer to is rebuilt by dropping it
        raw.execute("PRAGMA foreign_keys=OFF")
    elif not database.is_sqlite:
        set_timeouts(connection)
    context.configure(
        connection=connection,
        target_metadata=metadata(),
        render_as_batch=database.is_sqlite,
        render_item=render,
        compare_type=True,
        transaction_per_migration=not database.is_sqlite,
        on_version_apply=note,
    )
    try:
        with context.begin_transaction():
            context.run_migrations()
        connection.commit()
    finally:
        connection.rollback()
        if not database.is_sqlite:
            reset_timeouts(connection)
        elif raw is not None:
            raw.execute("PRAGMA foreign_keys=ON")
