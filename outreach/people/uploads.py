"""A contact file between its upload and a person's yes or no: kept sealed, and at most for a day.

States: ``receiving -> reading -> waiting -> importing -> imported -> undoing -> undone``; ``reading -> refused`` for a
file that cannot be used, ``waiting -> canceled``. The file itself goes when somebody has decided; what stays are its
name, the counts and the marks by which the import can be undone.

A small file is read and imported while the browser waits; a large one by a worker, whose work goes on where it was
when somebody kills it. All times here are real time.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final, NamedTuple

from sqlalchemy import or_, select, update
from sqlalchemy.orm import Session

from outreach.accounts.audit import record_audit
from outreach.core.errors import BadInputError, ConflictError
from outreach.core.leases import wait_for
from outreach.core.runtime import Runtime
from outreach.people.columns import map_columns
from outreach.people.importing import (
    close_cut_off,
    group_lease,
    lease_of,
    never_busy,
)
from outreach.people.lists import valid_list_name
from outreach.people.models import Upload
from outreach.people.sealed_files import SealedSpool
from outreach.people.undo import Withdraw, undo_import
from outreach.people.upload_files import (
    JOB,
    KEPT_FOR,
    SMALL,
    UNDECIDED,
    file_of,
    forget,
    found_upload,
    header_of,
    is_spreadsheet,
    move,
    store,
)
from outreach.people.upload_purge import UNDOABLE_FOR
from outreach.people.upload_work import cut_off, import_file, look

MOST_BYTES: Final = 150 * 1024 * 1024
FILE_NAME_LENGTH: Final = 200
LARGE_ROWS: Final = 5_000


class Received(NamedTuple):
    """What somebody gave us, with the words beside it."""

    file: SealedSpool
    file_name: str
    list_name: str
    consent: str | None


def is_undoable(state: str, imported_at: datetime | None, now: datetime) -> bool:
    """Whether an import may still be undone, as far as time goes."""
    return state == "imported" and imported_at is not None and imported_at > now - UNDOABLE_FOR


def keep_upload(runtime: Runtime, group_id: int, received: Received, *, by: str) -> int:
    """Store a file sealed, read already if it is small; its id.

    Raises BadInputError when the file, the list's name or the declaration cannot be used; nothing is stored then. Of a
    large file only the beginning is looked at here.
    """
    file = received.file
    if file.size > MOST_BYTES:
        raise BadInputError("upload_too_large", most=MOST_BYTES // 1024 // 1024)
    name, consent = valid_list_name(received.list_name), received.consent.strip() or None if received.consent else None
    now = runtime.clock.real_now()
    values: dict[str, Any] = {
        "group_id": group_id, "digest": file.digest, "size": file.size, "list_name": name, "consent": consent,
        "file_name": (received.file_name.strip() or "file.csv")[-FILE_NAME_LENGTH:], "rows": 0, "rows_done": 0,
        "problem_count": 0, "created_by": by, "created_at": now, "changed_at": now,
    }  # fmt: skip
    if file.size <= SMALL:
        values |= {**look(runtime, group_id, file, name, consent, None), "state": "waiting"}
        if values["rows"] == 0 and not values.get("error"):
            raise BadInputError("upload_no_rows")
    elif not is_spreadsheet(file):
        values |= {"header": header_of(file), "state": "reading"}
    else:
        values["state"] = "reading"
    upload_id = store(runtime, values, file.parts())
    if values["state"] == "reading":
        runtime.db.send(JOB)
    return upload_id


def correct_columns(runtime: Runtime, group_id: int, upload_id: int, choices: Mapping[str, str]) -> None:
    """Read a waiting file anew with a person's word on which column is which.

    Raises NotFoundError, ConflictError when it waits no more, and BadInputError without a column of phone numbers.
    """
    upload = found_upload(runtime, group_id, upload_id)
    map_columns(upload.header or (), choices)
    if upload.size > SMALL:
        if not move(runtime, upload_id, "waiting", state="reading", choices=dict(choices), rows_done=0):
            raise ConflictError("upload_ended")
        runtime.db.send(JOB)
        return
    found = look(runtime, group_id, file_of(runtime, upload), upload.list_name, upload.consent, choices)
    if not move(runtime, upload_id, "waiting", choices=dict(choices), **found):
        raise ConflictError("upload_ended")


def confirm_upload(runtime: Runtime, group_id: int, upload_id: int, *, by: str) -> None:
    """Import an upload once, and forget the file; a large one is left to a worker.

    Raises NotFoundError, or ConflictError when somebody has imported or canceled it, or it cannot be imported so.
    """
    upload = found_upload(runtime, group_id, upload_id)
    if upload.error or not move(runtime, upload_id, "waiting", state="importing", confirmed_by=by, rows_done=0):
        raise ConflictError("upload_ended")
    if upload.size > SMALL:
        runtime.db.send(JOB)
        return
    try:
        for one in (*cut_off(runtime, group_id), upload_id):
            import_file(runtime, one, never_busy, patience=5.0)
    except ConflictError:  # another import of the group is under way; a worker takes this one up
        runtime.db.send(JOB)


def cancel_upload(runtime: Runtime, group_id: int, upload_id: int) -> None:
    """Forget a file that waits or is read. Raises NotFoundError, ConflictError once somebody has decided on it."""
    found_upload(runtime, group_id, upload_id)
    if not any(move(runtime, upload_id, state, state="canceled") for state in ("waiting", "reading", "receiving")):
        raise ConflictError("upload_ended")
    forget(runtime, upload_id)


def undo_upload(runtime: Runtime, group_id: int, upload_id: int, withdraw: Withdraw, *, here: bool = False) -> None:
    """Take an import back, as a whole; a large one by a worker unless it is to be done here.

    Raises NotFoundError, ConflictError import_not_undoable or import_newer_exists. Only the newest import of a group
    can be undone, for it found what the earlier ones had left.
    """
    upload = found_upload(runtime, group_id, upload_id)
    if upload.state == "importing":
        with group_lease(runtime, group_id, 0.0), runtime.db.transaction() as tx:
            close_cut_off(tx, group_id, runtime.clock.real_now())
        upload = found_upload(runtime, group_id, upload_id)
    if not is_undoable(upload.state, upload.imported_at, runtime.clock.real_now()):
        raise ConflictError("import_not_undoable")
    with runtime.db.transaction() as tx:
        wait_for(tx, lease_of(group_id))  # an import that begins in this moment is seen, or sees this
        later = select(Upload.list_name).where(
            Upload.group_id == group_id, Upload.id != upload_id,
            or_(
                Upload.state.in_(("importing", "undoing")),
                (Upload.state == "imported") & (Upload.imported_at > upload.imported_at),
            ),
        )  # fmt: skip
        newer = tx.execute(later.order_by(Upload.imported_at.desc())).scalars().first()
        if newer is not None:
            raise ConflictError("import_newer_exists", name=newer)
        moved = update(Upload).where(Upload.id == upload_id, Upload.state == "imported")
        if not tx.execute(moved.values(state="undoing", changed_at=runtime.clock.real_now())).rowcount:  # type: ignore[attr-defined]
            raise ConflictError("import_not_undoable")
        record_audit(tx, group_id=group_id, action="import_undone", subject=f"upload:{upload_id}", rows=upload.rows)
    if upload.rows > LARGE_ROWS and not here:
        runtime.db.send(JOB)
        return
    try:
        with group_lease(runtime, group_id, 5.0) as token:
            undo_import(runtime, upload_id, token, withdraw)
    except ConflictError:
        runtime.db.send(JOB)


def list_uploads(session: Session, group_id: int, now: datetime) -> list[Any]:
    """Uploads that nobody has decided on, and the newest imports; newest first."""
    query = (
        select(
            Upload.id, Upload.file_name, Upload.list_name, Upload.created_by, Upload.created_at, Upload.state,
            Upload.imported_at,
        )
        .where(
            Upload.group_id == group_id,
            or_(Upload.state.not_in((*UNDECIDED, "canceled", "refused")), Upload.created_at > now - KEPT_FOR),
        )
        .order_by(Upload.id.desc())
        .limit(20)
    )  # fmt: skip
    return list(session.execute(query))
