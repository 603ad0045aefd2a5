"""Making a backup: one consistent moment of the database, sealed, beside live traffic."""

from __future__ import annotations

import json
import os
import tempfile
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from importlib.metadata import version
from pathlib import Path
from typing import IO, Any, Final

import structlog
from sqlalchemy import func, select, text
from sqlalchemy.orm import Session

from outreach import migrations
from outreach.accounts.models import Group
from outreach.backups import BackupError, postgres_copies, sqlite_copies
from outreach.backups.protections import read_protections
from outreach.backups.sealed_stream import SealingWriter
from outreach.core.db import Database
from outreach.core.leases import Bookmark
from outreach.core.runtime import Runtime
from outreach.escalations.models import Recipient
from outreach.messaging.models import Event, Message, Reply
from outreach.people.models import ConsentEvent, Constituent, Suppression

log = structlog.get_logger(__name__)

LAST: Final = "backup_last"
"""The bookmark whose time is that of the newest backup that was finished, by real time."""
LAST_PROTECTIONS: Final = "protections_last"
SUFFIXES: Final = {"database": ".backup", "protections": ".protections"}
COUNTED: Final = (Group, Constituent, ConsentEvent, Suppression, Recipient, Message, Event, Reply)
READ_BYTES: Final = 1024 * 1024
INDEX_WORDS: Final = "outreach backup"
"""Hashed under the blind index's key: whether a backup's hashes are ours can be told without reading one."""


def make_backup(runtime: Runtime, target: Path, *, only_protections: bool = False) -> dict[str, Any]:
    """Write a backup to a file, or under a name of its own into a directory. Returns its manifest, with ``file``.

    The file is there whole or not at all, and only its owner can read it. Raises BackupError.
    """
    kind = "protections" if only_protections else "database"
    made_at = runtime.clock.real_now()
    if not runtime.db.is_sqlite:  # there a restored one takes its place in one step
        with postgres_copies.connect(runtime.db.url) as connection:
            if postgres_copies.unfinished(connection) is not None:
                raise BackupError("backup_of_restoring")
    path = target / f"outreach-{made_at:%Y%m%d-%H%M%S}{SUFFIXES[kind]}" if target.is_dir() else target
    fill = _protections if only_protections else _database
    try:
        manifest = _write_whole(path, lambda file: _seal(runtime, file, kind, made_at, fill))
    except OSError as error:
        raise BackupError("backup_not_written", path=path, reason=error.strerror) from None
    with runtime.db.transaction(durable=True) as tx:
        tx.merge(Bookmark(name=LAST_PROTECTIONS if only_protections else LAST, at=made_at))
    log.info("backup_made", kind=kind, bytes=manifest["bytes"])
    return {"file": str(path), **manifest}


def forget_old(directory: Path, kind: str, days: int, now: datetime) -> int:
    """Remove backups of ours of a kind that are older than so many days from a directory; how many.

    By the time in their names: a copy may have touched the file. Only of the kind that was just made: where the nightly
    ones fail for a month, the small ones must not remove the last that there is.
    """
    removed, suffix = 0, SUFFIXES[kind]
    for path in sorted(directory.glob(f"outreach-*{suffix}")):
        try:
            made = datetime.strptime(path.name, f"outreach-%Y%m%d-%H%M%S{suffix}").replace(tzinfo=UTC)
        except ValueError:
            continue
        if made < now - timedelta(days=days):
            path.unlink()
            removed += 1
    return removed


def last_backup(session: Session) -> datetime | None:
    """When the newest backup that was finished was begun (real time); None: this database has none."""
    return session.execute(select(Bookmark.at).where(Bookmark.name == LAST)).scalar()


def count_rows(session: Session) -> dict[str, int]:
    """Rows by table, as the manifest tells them."""
    return {
        model.__tablename__: session.execute(select(func.count()).select_from(model)).scalar_one() for model in COUNTED
    }


Fill = Callable[[Runtime, SealingWriter], dict[str, Any]]


def _seal(runtime: Runtime, file: IO[bytes], kind: str, made_at: datetime, fill: Fill) -> dict[str, Any]:
    writer = SealingWriter(file, runtime.settings.field_keys)
    told = fill(runtime, writer)
    return writer.finish(
        {
            "kind": kind,
            "made_at": made_at.isoformat(),
            "version": version("outreach"),
            "key_ids": list(runtime.vault.key_ids),
            "index": runtime.vault.text_hash(INDEX_WORDS).hex(),
            **told,
        }
    )


def _protections(runtime: Runtime, writer: SealingWriter) -> dict[str, Any]:
    with runtime.db.snapshot() as session:
        known = read_protections(session)
    writer.write(json.dumps(known.as_json()).encode())
    return {"counts": {"stops": len(known.stops), "erased": len(known.erased)}}


def _database(runtime: Runtime, writer: SealingWriter) -> dict[str, Any]:
    return (_from_sqlite if runtime.db.is_sqlite else _from_postgres)(runtime, writer)


def _from_sqlite(runtime: Runtime, writer: SealingWriter) -> dict[str, Any]:
    source = sqlite_path(runtime.db)
    # Beside the database, which has room for it and whose readers may read it anyway.
    with tempfile.TemporaryDirectory(prefix=".backup-", dir=source.parent) as private:
        made = Path(private) / "copy.db"
        sqlite_copies.copy(source, made)
        database = Database(f"sqlite:///{made}")
        try:
            with database.snapshot() as session:
                counts = count_rows(session)
            revision = migrations.revision_of(database)
        finally:
            database.dispose()
        with made.open("rb") as file:
            while piece := file.read(READ_BYTES):
                writer.write(piece)
    return {"engine": "sqlite", "revision": revision, "counts": counts}


def _from_postgres(runtime: Runtime, writer: SealingWriter) -> dict[str, Any]:
    """The counts are of the very snapshot that is dumped: the transaction that shows it stays open meanwhile."""
    with runtime.db.snapshot() as session:
        # It says nothing while the dump runs, which a server with a limit for that would cut off after some minutes.
        session.execute(text("SET LOCAL idle_in_transaction_session_timeout = 0"))
        snapshot: str = session.execute(select(func.pg_export_snapshot())).scalar_one()
        counts = count_rows(session)
        postgres_copies.dump(runtime.db.url, snapshot, writer.write)
    return {"engine": "postgresql", "revision": migrations.revision_of(runtime.db), "counts": counts}


def sqlite_path(database: Database) -> Path:
    """The file of an embedded database."""
    return Path(database.url.database or "").absolute()


def _write_whole(path: Path, write: Callable[[IO[bytes]], Mapping[str, Any]]) -> dict[str, Any]:
    descriptor, name = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)  # mode 0600
    unfinished = Path(name)
    try:
        with os.fdopen(descriptor, "wb") as file:
            manifest = dict(write(file))
            file.flush()
            os.fsync(file.fileno())
        unfinished.replace(path)
    finally:
        unfinished.unlink(missing_ok=True)
    return manifest
