"""Bringing a backup back: proven whole first, loaded where nobody works, migrated, locked, made safe."""

from __future__ import annotations

import json
from contextlib import suppress
from datetime import datetime
from functools import reduce
from pathlib import Path
from typing import Any, Final, NamedTuple

import structlog
from psycopg import Error as PostgresError
from sqlalchemy.exc import SQLAlchemyError

from config.settings import Settings
from outreach import migrations
from outreach.backups import BackupError, postgres_copies, sqlite_copies
from outreach.backups.backup import INDEX_WORDS, count_rows, sqlite_path
from outreach.backups.making_safe import MadeSafe, has_restoration, lock_site, make_safe
from outreach.backups.protections import NOTHING, Protections, read_protections, together
from outreach.backups.sealed_stream import SealedBackup
from outreach.core.db import Database
from outreach.core.runtime import Runtime, open_runtime

log = structlog.get_logger(__name__)

IN_BACKUP: Final = "backup"
FROM_FILE: Final = "file"
FROM_REPLACED: Final = "replaced"


class Restored(NamedTuple):
    """``protections``: where opt-outs and erasures since the backup were taken from: file, replaced, or backup (then
    only those that the carrier's list knows). ``aside``: what was replaced, to be removed by whoever is sure.
    """

    made_at: datetime
    counts: dict[str, int]
    revision: str
    protections: str
    aside: str | None
    safe: MadeSafe


def restore(settings: Settings, file: Path, *, replace: bool = False, protections: Path | None = None) -> Restored:
    """Restore a backup into the database that the settings name. Nothing may be running on it.

    Raises BackupError; the database is then as it was. ``replace``: there is one already, and it is put aside.
    """
    backup = SealedBackup(file, settings.field_keys)
    manifest = backup.manifest()
    if manifest["kind"] != "database":
        raise BackupError("backup_is_protections", path=file)
    runtime = open_runtime(settings, any_keys=True)
    try:
        _require_fitting(runtime, manifest, file)
        given = [_from_file(settings, runtime, protections)] if protections else []
        occupied = _require_free(runtime.db, replace=replace)
        # Beside a file too: it is minutes old, or older than whoever chose it thinks.
        read = [_from_present(runtime.db, schema) for schema in _schemas(runtime.db, occupied=occupied)]
        present = [one for one in read if one is not None]
    finally:
        runtime.db.dispose()
    source = FROM_FILE if given else FROM_REPLACED if present else IN_BACKUP
    known = reduce(together, (*given, *present), NOTHING)
    made_at = datetime.fromisoformat(manifest["made_at"])
    mark = f"{runtime.clock.real_now():%Y%m%d_%H%M%S_%f}" if occupied else None
    load = _into_sqlite if runtime.db.is_sqlite else _into_postgres
    safe, aside = load(settings, backup, made_at, known, mark)
    log.warning("backup_restored", made_at=manifest["made_at"], protections=source, **safe._asdict())
    return Restored(made_at, manifest["counts"], manifest["revision"], source, aside, safe)


def _require_fitting(runtime: Runtime, manifest: dict[str, Any], file: Path) -> None:
    engine = "sqlite" if runtime.db.is_sqlite else "postgresql"
    if manifest["engine"] != engine:
        raise BackupError("backup_other_engine", made_on=manifest["engine"], here=engine)
    if manifest["index"] != runtime.vault.text_hash(INDEX_WORDS).hex():
        raise BackupError("backup_other_index")
    missing = sorted(set(manifest["key_ids"]) - set(runtime.vault.key_ids))
    if missing:
        raise BackupError("backup_key_unknown", key_id=", ".join(missing))
    if not migrations.is_known(runtime.db, manifest["revision"]):
        raise BackupError("backup_newer", path=file, revision=manifest["revision"], version=manifest["version"])


def _from_file(settings: Settings, runtime: Runtime, path: Path) -> Protections:
    sealed = SealedBackup(path, settings.field_keys)
    content = b"".join(sealed.pieces())
    manifest = sealed.manifest()
    if manifest["kind"] != "protections":
        raise BackupError("backup_no_protections", path=path)
    if manifest["index"] != runtime.vault.text_hash(INDEX_WORDS).hex():
        raise BackupError("backup_other_index")
    return Protections.from_json(json.loads(content))


def _schemas(database: Database, *, occupied: bool) -> list[str | None]:
    """Where there are people to ask about, oldest first: what killed restores have put aside, and what is there."""
    aside: list[str] = []
    if not database.is_sqlite:
        with postgres_copies.connect(database.url) as connection:
            aside = postgres_copies.unfinished(connection) or []
    return [*reversed(aside), *([None] if occupied else [])]


def _from_present(database: Database, schema: str | None) -> Protections | None:
    """What a database that is replaced still knows; None when it cannot be read any more."""
    with suppress(SQLAlchemyError), database.snapshot() as session:
        session.connection(execution_options={"schema_translate_map": {None: schema}})
        return read_protections(session)
    return None


def _require_free(database: Database, *, replace: bool) -> bool:
    """Whether something is there that is to be replaced. Raises BackupError where it must not be, or is in use."""
    if database.is_sqlite:
        path = sqlite_path(database)
        if not path.parent.is_dir():
            raise BackupError("backup_not_read", path=path.parent, reason="no such directory")
        occupied, users = sqlite_copies.tables(path) > 0, len(sqlite_copies.holders(path))
    else:
        try:
            with postgres_copies.connect(database.url) as connection:
                # One that was killed may have left nothing there; what it put aside counts as well.
                begun = postgres_copies.unfinished(connection) is not None
                occupied = begun or postgres_copies.tables(connection) > 0
                users = postgres_copies.others(connection)
                postgres_copies.program("pg_restore", postgres_copies.server_version(connection))
        except PostgresError as error:
            raise BackupError("backup_program_failed", program="PostgreSQL", reason=str(error).strip()) from None
    if occupied and not replace:
        raise BackupError("restore_not_empty")
    if users:
        raise BackupError("restore_in_use", count=users)
    return occupied


def _into_sqlite(
    settings: Settings, backup: SealedBackup, made_at: datetime, known: Protections, mark: str | None
) -> tuple[MadeSafe, str | None]:
    """Everything is done in a file of its own, which then takes the old one's place in one step."""
    target = Path(Database(settings.database_url).url.database or "").absolute()
    fresh = target.with_name(f"{target.name}.restoring")
    aside = target.with_name(f"{target.name}.replaced_{mark}") if mark else None
    sqlite_copies.write_whole(fresh, backup.pieces())
    runtime = open_runtime(settings.model_copy(update={"database_url": f"sqlite:///{fresh}"}), any_keys=True)
    try:
        _require_whole(runtime.db, backup.manifest())
        migrations.upgrade(runtime.db)
        safe = make_safe(runtime, made_at, known)
    except BaseException:
        runtime.db.dispose()
        for suffix in ("", "-wal", "-shm"):
            Path(f"{fresh}{suffix}").unlink(missing_ok=True)
        raise
    runtime.db.dispose()
    sqlite_copies.put_in_place(fresh, target, aside)
    return safe, str(aside) if aside and aside.exists() else None


def _into_postgres(
    settings: Settings, backup: SealedBackup, made_at: datetime, known: Protections, mark: str | None
) -> tuple[MadeSafe, str | None]:
    """The tables come first, then the lock that keeps everybody from sending, then the rows."""
    runtime = open_runtime(settings, any_keys=True)
    aside = f"{postgres_copies.REPLACED}{mark}" if mark else None

    def lock() -> None:
        with runtime.db.snapshot() as session:
            known_here = has_restoration(session)
        if known_here:
            with runtime.db.transaction(durable=True) as tx:
                lock_site(tx, made_at, runtime.clock.real_now())
        runtime.db.dispose()

    def settle() -> MadeSafe:
        try:
            _require_whole(runtime.db, backup.manifest())
            migrations.upgrade(runtime.db)
            return make_safe(runtime, made_at, known)
        finally:
            runtime.db.dispose()  # nobody may look on when the schema is taken back

    return postgres_copies.load(runtime.db.url, backup.pieces, aside, lock=lock, settle=settle), aside


def _require_whole(database: Database, manifest: dict[str, Any]) -> None:
    """What was loaded has as many rows as what was backed up. Raises BackupError."""
    with database.snapshot() as session:
        counts = count_rows(session)
    wrong = sorted(name for name, count in manifest["counts"].items() if counts.get(name) != count)
    if wrong:
        raise BackupError("restore_counts", tables=", ".join(wrong))
