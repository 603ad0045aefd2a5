"""An upload's row and its sealed file, part by part. All times here are real time."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Any, Final

from sqlalchemy import delete, insert, select, update
from sqlalchemy.orm import Session

from outreach.core.csv_rows import open_csv
from outreach.core.db import Job
from outreach.core.errors import ConflictError, NotFoundError
from outreach.core.runtime import Runtime
from outreach.people.models import Upload, UploadPart
from outreach.people.sealed_files import SealedFile

SMALL: Final = 512 * 1024
"""Up to so many bytes a file is read and imported while the browser waits."""
KEPT_FOR: Final = timedelta(hours=24)
UNDECIDED: Final = ("receiving", "reading", "waiting")
WORKED_ON: Final = ("reading", "importing", "undoing")
JOB: Final = Job("people", "workers.people.work_uploads")
PURGED_AT_ONCE: Final = 20


def is_expired(state: str, created_at: datetime, now: datetime) -> bool:
    """Whether an upload that nobody decided on has been kept for its time."""
    return state in (*UNDECIDED, "canceled", "refused") and created_at <= now - KEPT_FOR


def find_upload(session: Session, group_id: int, upload_id: int, now: datetime) -> Upload:
    """An upload of this group, detached. Raises NotFoundError, also for one that only waits for the purge."""
    found = session.execute(select(Upload).where(Upload.id == upload_id, Upload.group_id == group_id)).scalar()
    if found is None or is_expired(found.state, found.created_at, now):
        raise NotFoundError("upload_unknown")
    session.expunge(found)
    return found


def found_upload(runtime: Runtime, group_id: int, upload_id: int) -> Upload:
    """The same in a snapshot of its own."""
    with runtime.db.snapshot() as session:
        return find_upload(session, group_id, upload_id, runtime.clock.real_now())


def store(runtime: Runtime, values: dict[str, Any], parts: Iterable[bytes]) -> int:
    """The row first, then part by part: a large file must not hold the write lock."""
    with runtime.db.transaction() as tx:
        new = insert(Upload).values(**{**values, "state": "receiving"}).returning(Upload.id)
        upload_id = tx.execute(new).scalar_one()
    for number, sealed in enumerate(parts):
        with runtime.db.transaction() as tx:
            tx.execute(insert(UploadPart).values(upload_id=upload_id, number=number, sealed=sealed))
    move(runtime, upload_id, "receiving", state=values["state"])
    return upload_id


def file_of(runtime: Runtime, upload: Upload) -> SealedFile:
    """The file as it was sealed; reading it raises ConflictError once somebody has deleted it."""

    def part(number: int) -> bytes:
        with runtime.db.snapshot() as session:
            which = (UploadPart.upload_id == upload.id, UploadPart.number == number)
            found = session.execute(select(UploadPart.sealed).where(*which)).scalar()
        if found is None:
            raise ConflictError("upload_ended")
        return found

    return SealedFile(runtime.vault, upload.size, part)


def whole(file: SealedFile) -> bytes:
    """All its bytes; for a small one."""
    file.seek(0)
    return file.read()


def header_of(file: Any) -> list[str]:
    """The cells of its first row. Raises BadInputError."""
    with open_csv(file) as table:
        return list(table.header)


def is_spreadsheet(file: SealedFile) -> bool:
    """Whether it is a ZIP archive, as XLSX files are."""
    file.seek(0)
    return file.read(4) == b"PK\x03\x04"


def move(runtime: Runtime, upload_id: int, source: str, **values: object) -> bool:
    """Compare and swap: False when the upload is not in the state ``source``."""
    with runtime.db.transaction() as tx:
        where = update(Upload).where(Upload.id == upload_id, Upload.state == source)
        values = {**values, "changed_at": runtime.clock.real_now()}
        return bool(tx.execute(where.values(values)).rowcount)  # type: ignore[attr-defined]


def forget(runtime: Runtime, upload_id: int) -> None:
    """Delete the file of an upload."""
    delete_some(runtime, UploadPart, UploadPart.upload_id == upload_id)


def delete_some(runtime: Runtime, model: Any, where: Any) -> None:
    """Delete rows, a few in each transaction: they are large."""
    while True:
        with runtime.db.transaction() as tx:
            ids = list(tx.execute(select(model.id).where(where).limit(PURGED_AT_ONCE)).scalars())
            tx.execute(delete(model).where(model.id.in_(ids)))
        if len(ids) < PURGED_AT_ONCE:
            return
