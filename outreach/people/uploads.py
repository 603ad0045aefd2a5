"""A contact file between its upload and a person's yes or no: kept sealed, and at most for a day.

States: ``waiting -> importing -> imported``, ``waiting -> canceled``. The file itself goes when the upload ends; what
stays until the purge are its name and the counts, so that a second press of the button finds out what the first did.
All times here are real time.
"""

from __future__ import annotations

import base64
import zlib
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, and_, delete, or_, select, update
from sqlalchemy.orm import Session

from outreach.core.crypto import Vault
from outreach.core.csv_rows import open_csv
from outreach.core.errors import BadInputError, ConflictError, NotFoundError
from outreach.core.runtime import Runtime
from outreach.people.columns import ColumnMap, map_columns
from outreach.people.imports import ImportReport, import_constituents, preview_constituents
from outreach.people.lists import valid_list_name
from outreach.people.models import Upload

MOST_BYTES = 20 * 1024 * 1024
MOST_ROWS = 20_000
"""More than that takes longer than a browser should wait; the command has no limit."""
KEPT_FOR = timedelta(hours=24)
CLAIM_ENDS = timedelta(minutes=10)
"""An import that is still not over after this was killed with its process; it may be asked for again."""
PURGED_AT_ONCE = 20
CONTEXT = "upload"
FILE_NAME_LENGTH = 200


@dataclass(frozen=True, slots=True)
class Preview:
    """What an import of an upload would do, and how its columns are read."""

    report: ImportReport
    columns: ColumnMap


def is_expired(created_at: datetime, now: datetime) -> bool:
    """Whether an upload has been kept for its time."""
    return created_at <= now - KEPT_FOR


def is_undecided(state: str, changed_at: datetime, now: datetime) -> bool:
    """Whether an upload may be imported or canceled: it waits, or the import of it was killed."""
    return state == "waiting" or (state == "importing" and changed_at <= now - CLAIM_ENDS)


def is_importable(rows: int) -> bool:
    """Whether a file of so many rows may be imported while a browser waits."""
    return rows <= MOST_ROWS


def keep_upload(
    runtime: Runtime, group_id: int, data: bytes, *, file_name: str, list_name: str, consent: str | None, by: str
) -> int:
    """Seal and store a file that can be imported; its id.

    Raises BadInputError when the file, the list's name or the declaration cannot be used; nothing is stored then.
    """
    if len(data) > MOST_BYTES:
        raise BadInputError("upload_too_large", most=MOST_BYTES // 1024 // 1024)
    name = valid_list_name(list_name)
    with open_csv(data) as table:
        map_columns(table.header)
        rows = sum(1 for _ in table)
    if not rows:
        raise BadInputError("upload_no_rows")
    now = runtime.clock.real_now()
    upload = Upload(
        group_id=group_id,
        sealed=_sealed(runtime.vault, data),
        file_name=(file_name.strip() or "file.csv")[-FILE_NAME_LENGTH:],
        list_name=name,
        consent=consent.strip() or None if consent else None,
        rows=rows,
        state="waiting",
        created_by=by,
        created_at=now,
        changed_at=now,
    )
    with runtime.db.transaction() as tx:
        tx.add(upload)
        tx.flush()
        return upload.id


def find_upload(session: Session, group_id: int, upload_id: int, now: datetime) -> Upload:
    """An upload of this group, detached. Raises NotFoundError, also for one that only waits for the purge."""
    found = session.execute(select(Upload).where(Upload.id == upload_id, Upload.group_id == group_id)).scalar()
    if found is None or is_expired(found.created_at, now):
        raise NotFoundError("upload_unknown")
    session.expunge(found)
    return found


def waiting_uploads(session: Session, group_id: int, now: datetime) -> list[Any]:
    """Uploads that nobody has decided on, newest first: id, file_name, list_name, created_by, created_at."""
    query = (
        select(Upload.id, Upload.file_name, Upload.list_name, Upload.created_by, Upload.created_at)
        .where(Upload.group_id == group_id, _undecided(now), Upload.created_at > now - KEPT_FOR)
        .order_by(Upload.id.desc())
        .limit(20)
    )
    return list(session.execute(query))


def preview_upload(runtime: Runtime, upload: Upload) -> Preview:
    """What an import would do now, storing nothing. Raises ConflictError when the upload has ended."""
    data = _opened(runtime.vault, upload.sealed)
    report = preview_constituents(runtime, upload.group_id, data, list_name=upload.list_name, consent=upload.consent)
    with open_csv(data) as table:
        return Preview(report, map_columns(table.header))


def confirm_upload(runtime: Runtime, group_id: int, upload_id: int, *, by: str) -> ImportReport:
    """Import an upload once, and forget the file.

    Raises NotFoundError, BadInputError upload_too_many_rows, or ConflictError when somebody has imported or canceled
    it, or is at it. An import that fails leaves the upload waiting; importing the same rows again changes nothing.
    """
    sealed, list_name, consent = _claim(runtime, group_id, upload_id)
    try:
        report = import_constituents(
            runtime, group_id, _opened(runtime.vault, sealed), list_name=list_name, consent=consent, recorded_by=by
        )
    except BaseException:
        _move(runtime, group_id, upload_id, Upload.state == "importing", state="waiting")
        raise
    counts = {name: count for name, count in report.as_dict().items() if isinstance(count, int)}
    _move(runtime, group_id, upload_id, Upload.state == "importing", state="imported", sealed=None, counts=counts)
    return report


def cancel_upload(runtime: Runtime, group_id: int, upload_id: int) -> None:
    """Forget a file that waits. Raises NotFoundError, and ConflictError once it was imported or canceled."""
    now = runtime.clock.real_now()
    if not _move(runtime, group_id, upload_id, _undecided(now), state="canceled", sealed=None):
        with runtime.db.snapshot() as session:
            find_upload(session, group_id, upload_id, now)
        raise ConflictError("upload_ended")


def purge_uploads(runtime: Runtime) -> int:
    """Delete uploads that were kept for their time, a few in each transaction: the files are large. How many."""
    oldest = runtime.clock.real_now() - KEPT_FOR  # the rule of ``is_expired``
    purged = 0
    while True:
        with runtime.db.transaction() as tx:
            some = select(Upload.id).where(Upload.created_at <= oldest).order_by(Upload.created_at)
            ids = tx.execute(some.limit(PURGED_AT_ONCE)).scalars().all()
            tx.execute(delete(Upload).where(Upload.id.in_(ids)))
        purged += len(ids)
        if len(ids) < PURGED_AT_ONCE:
            return purged


def _undecided(now: datetime) -> ColumnElement[bool]:
    """``is_undecided`` for a query."""
    return or_(Upload.state == "waiting", and_(Upload.state == "importing", Upload.changed_at <= now - CLAIM_ENDS))


def _claim(runtime: Runtime, group_id: int, upload_id: int) -> tuple[bytes | None, str, str | None]:
    """Take a waiting upload, or one whose import was killed: of two at once, one gets it."""
    now = runtime.clock.real_now()
    with runtime.db.snapshot() as session:
        upload = find_upload(session, group_id, upload_id, now)
    if not is_importable(upload.rows):
        raise BadInputError("upload_too_many_rows", rows=upload.rows, most=MOST_ROWS)
    with runtime.db.transaction() as tx:
        taken = tx.execute(
            update(Upload)
            .where(Upload.id == upload_id, Upload.group_id == group_id, _undecided(now))
            .values(state="importing", changed_at=now)
            .returning(Upload.sealed)
        ).first()
    if taken is None:
        raise ConflictError("upload_ended")
    return taken.sealed, upload.list_name, upload.consent


def _move(runtime: Runtime, group_id: int, upload_id: int, source: ColumnElement[bool], **values: object) -> bool:
    with runtime.db.transaction() as tx:
        moved = tx.execute(
            update(Upload)
            .where(Upload.id == upload_id, Upload.group_id == group_id, source)
            .values(**values, changed_at=runtime.clock.real_now())
            .returning(Upload.id)
        )
        return moved.first() is not None


def _sealed(vault: Vault, data: bytes) -> bytes:
    """Packed first: a contact file shrinks to a quarter, and SQLite's write lock is held for that much less."""
    return vault.seal({"csv": base64.b64encode(zlib.compress(data, 6)).decode()}, CONTEXT)


def _opened(vault: Vault, sealed: bytes | None) -> bytes:
    if sealed is None:
        raise ConflictError("upload_ended")
    return zlib.decompress(base64.b64decode(vault.open(sealed, CONTEXT)["csv"]))
