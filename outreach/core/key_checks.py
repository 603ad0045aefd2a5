"""That the keys of the settings are those that a database was begun with.

Another blind-index key finds nobody: every opt-out would be forgotten, and an import would enter everybody anew.
Another field key under a known name opens nothing. Neither fails by itself, so each key leaves a mark in the database
when it is first used, and no process writes before its own keys have been held against these marks.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from sqlalchemy import LargeBinary, String, inspect, select
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm import Mapped, mapped_column

from outreach.core.crypto import Vault
from outreach.core.db import Base, Database
from outreach.core.errors import OutreachError, SettingsError

INDEX: Final = "index"
FIELD: Final = "field:"
CONTEXT: Final = "key_check"
WORDS: Final = "the blind-index key of this database"


class KeyCheck(Base):
    """A key's mark: a keyed hash for the blind index, a sealed document for a field key."""

    __tablename__ = "key_check"

    name: Mapped[str] = mapped_column(String(64), primary_key=True)
    value: Mapped[bytes] = mapped_column(LargeBinary)


def require_own_keys(db: Database, vault: Vault) -> bool:
    """Hold the keys against their marks, and leave one for each that has none. Raises SettingsError.

    False: the schema is too old for marks, which its own check tells of; it may be migrated under this process.
    """
    kept = marks_of(db)
    if kept is None:
        return False
    check(vault, kept)
    missing = [{"name": name, "value": value} for name, value in _marks(vault, leave_out=kept).items()]
    if missing:
        insert = (sqlite if db.is_sqlite else postgresql).insert(KeyCheck)
        with db.transaction(durable=True) as tx:
            tx.execute(insert.on_conflict_do_nothing(), missing)
        check(vault, marks_of(db) or {})  # of two processes that begin a database at once one has left them
    return True


def check(vault: Vault, kept: Mapping[str, bytes]) -> None:
    """``kept``: name -> mark. Raises SettingsError for a key that has left another one. Pure."""
    if INDEX in kept and kept[INDEX] != vault.text_hash(WORDS):
        raise SettingsError("keys_other_index")
    for key_id in vault.key_ids:
        try:
            if FIELD + key_id in kept:
                vault.open(kept[FIELD + key_id], CONTEXT)
        except OutreachError:
            raise SettingsError("keys_other_field", key_id=key_id) from None


def _marks(vault: Vault, *, leave_out: Mapping[str, bytes]) -> dict[str, bytes]:
    marks = {} if INDEX in leave_out else {INDEX: vault.text_hash(WORDS)}
    # A key that only opens leaves none: what it has sealed tells of it, and it goes soon.
    own = FIELD + vault.key_id
    return marks if own in leave_out else {**marks, own: vault.seal({}, CONTEXT)}


def marks_of(db: Database) -> dict[str, bytes] | None:
    """Name -> mark; None: the schema is older than the marks."""
    try:
        with db.snapshot() as session:
            return {row.name: row.value for row in session.execute(select(KeyCheck.name, KeyCheck.value))}
    except DBAPIError:
        with db.snapshot() as session:
            if inspect(session.connection()).has_table(KeyCheck.__tablename__):
                raise
        return None
