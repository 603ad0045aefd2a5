"""A contact file between its upload and a person's yes or no: kept sealed, and at most for a day.

States: ``receiving -> reading -> waiting -> importing -> imported -> undoing -> undone``; ``reading -> refused`` for a
file that cannot be used, ``waiting -> canceled``. The file itself goes when somebody has decided; what stays are its
name, the counts and the marks by which the import can be undone.

A small file is read and imported while the browser waits; a large one by a worker, whose work goes on where it was
when somebody kills it. All times here are real time.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Mapping
from datetime import datetime, timedelta
from io import BytesIO
from typing import Any, Final, NamedTuple

import structlog
from sqlalchemy import delete, insert, or_, select, update
from sqlalchemy.orm import Session

from outreach.core.csv_rows import open_csv
from outreach.core.db import Job
from outreach.core.errors import BadInputError, ConflictError, NotFoundError
from outreach.core.leases import acquire, new_token, release, wait_for
from outreach.core.runtime import Runtime
from outreach.people.columns import map_columns
from outreach.people.importing import (
    HAS_FILE,
    LEASE_SECONDS,
    PROBLEMS_KEPT,
    close_cut_off,
    first_problems,
    group_lease,
    lease_of,
    never_busy,
    write_import,
)
from outreach.people.imports import FATES, ImportReport, foresee, read_file
from outreach.people.lists import valid_list_name
from outreach.people.models import ImportChange, Upload, UploadPart
from outreach.people.sealed_files import SealedFile, SealedSpool
from outreach.people.undo import Withdraw, undo_import

log = structlog.get_logger(__name__)

MOST_BYTES: Final = 150 * 1024 * 1024
SMALL: Final = 512 * 1024
"""Up to so many bytes a file is read and imported while the browser waits."""
KEPT_FOR: Final = timedelta(hours=24)
UNDOABLE_FOR: Final = timedelta(days=30)
PURGED_AT_ONCE: Final = 20
FILE_NAME_LENGTH: Final = 200
TOLD_EVERY: Final = 1.0
CORRECTABLE: Final = ("no_phone_column", "column_twice")
"""What is wrong with a file that a person can mend by saying which column is which."""
WORKED_ON: Final = ("reading", "importing", "undoing")
UNDECIDED: Final = ("receiving", "reading", "waiting")
JOB: Final = Job("people", "workers.people.work_uploads")


class Received(NamedTuple):
    """What somebody gave us, with the words beside it."""

    file: SealedSpool
    file_name: str
    list_name: str
    consent: str | None


def is_expired(state: str, created_at: datetime, now: datetime) -> bool:
    """Whether an upload that nobody decided on has been kept for its time."""
    return state in (*UNDECIDED, "canceled", "refused") and created_at <= now - KEPT_FOR


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
        values |= {**_look(runtime, group_id, file, name, consent, None), "state": "waiting"}
        if values["rows"] == 0 and not values.get("error"):
            raise BadInputError("upload_no_rows")
    elif not _is_spreadsheet(file):
        values |= {"header": _header(file), "state": "reading"}
    else:
        values["state"] = "reading"
    upload_id = _store(runtime, values, file.parts())
    if values["state"] == "reading":
        runtime.db.send(JOB)
    return upload_id


def correct_columns(runtime: Runtime, group_id: int, upload_id: int, choices: Mapping[str, str]) -> None:
    """Read a waiting file anew with a person's word on which column is which.

    Raises NotFoundError, ConflictError when it waits no more, and BadInputError without a column of phone numbers.
    """
    upload = _found(runtime, group_id, upload_id)
    map_columns(upload.header or (), choices)
    if upload.size > SMALL:
        if not _move(runtime, upload_id, "waiting", state="reading", choices=dict(choices), rows_done=0):
            raise ConflictError("upload_ended")
        runtime.db.send(JOB)
        return
    look = _look(runtime, group_id, _file(runtime, upload), upload.list_name, upload.consent, choices)
    if not _move(runtime, upload_id, "waiting", choices=dict(choices), **look):
        raise ConflictError("upload_ended")


def confirm_upload(runtime: Runtime, group_id: int, upload_id: int, *, by: str) -> None:
    """Import an upload once, and forget the file; a large one is left to a worker.

    Raises NotFoundError, or ConflictError when somebody has imported or canceled it, or it cannot be imported so.
    """
    upload = _found(runtime, group_id, upload_id)
    if upload.error or not _move(runtime, upload_id, "waiting", state="importing", confirmed_by=by, rows_done=0):
        raise ConflictError("upload_ended")
    if upload.size > SMALL:
        runtime.db.send(JOB)
        return
    try:
        for one in (*_cut_off(runtime, group_id), upload_id):
            _import(runtime, one, never_busy, patience=5.0)
    except ConflictError:  # another import of the group is under way; a worker takes this one up
        runtime.db.send(JOB)


def cancel_upload(runtime: Runtime, group_id: int, upload_id: int) -> None:
    """Forget a file that waits or is read. Raises NotFoundError, ConflictError once somebody has decided on it."""
    _found(runtime, group_id, upload_id)
    if not any(_move(runtime, upload_id, state, state="canceled") for state in ("waiting", "reading", "receiving")):
        raise ConflictError("upload_ended")
    _forget(runtime, upload_id)


def undo_upload(runtime: Runtime, group_id: int, upload_id: int, withdraw: Withdraw, *, here: bool = False) -> None:
    """Take an import back, as a whole; a large one by a worker unless it is to be done here.

    Raises NotFoundError, ConflictError import_not_undoable or import_newer_exists. Only the newest import of a group
    can be undone, for it found what the earlier ones had left.
    """
    upload = _found(runtime, group_id, upload_id)
    if upload.state == "importing":
        with group_lease(runtime, group_id, 0.0), runtime.db.transaction() as tx:
            close_cut_off(tx, group_id, runtime.clock.real_now())
        upload = _found(runtime, group_id, upload_id)
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
    if upload.rows > LARGE_ROWS and not here:
        runtime.db.send(JOB)
        return
    try:
        with group_lease(runtime, group_id, 5.0) as token:
            undo_import(runtime, upload_id, token, withdraw)
    except ConflictError:
        runtime.db.send(JOB)


LARGE_ROWS: Final = 5_000


def work_uploads(
    runtime: Runtime, is_busy: Callable[[], bool], withdraw: Withdraw, processes: int | None = None
) -> int:
    """Do what uploads wait for, until nothing is left that another process is not at; how many were worked on."""
    done, tried = 0, set[int]()
    while True:
        with runtime.db.snapshot() as session:
            waiting = select(Upload.id, Upload.group_id, Upload.state).where(Upload.state.in_(WORKED_ON))
            # What is half done goes first: the others of its group wait for it.
            waiting = waiting.order_by(Upload.list_id.is_(None), Upload.changed_at)
            rows = [row for row in session.execute(waiting) if row.id not in tried]
        if not rows:
            return done
        for row in rows:
            tried.add(row.id)
            try:
                if row.state == "reading":
                    done += _read(runtime, row.id, processes)
                elif row.state == "importing":
                    done += _import(runtime, row.id, is_busy, patience=0.0, processes=processes)
                else:
                    with group_lease(runtime, row.group_id, 0.0) as token:
                        undo_import(runtime, row.id, token, withdraw, is_busy)
                    done += 1
            except ConflictError as error:
                log.info("upload_left_alone", upload_id=row.id, reason=error.code)
            except Exception:  # it stays as it is, and must not keep the others waiting for ever
                log.exception("upload_failed", upload_id=row.id)


def wake_importer(runtime: Runtime) -> int:
    """Ask again for work that waits: its job was lost or its worker killed. How many uploads wait."""
    with runtime.db.snapshot() as session:
        waiting = len(session.execute(select(Upload.id).where(Upload.state.in_(WORKED_ON)).limit(20)).all())
    if waiting:
        runtime.db.send(JOB)
    return waiting


def find_upload(session: Session, group_id: int, upload_id: int, now: datetime) -> Upload:
    """An upload of this group, detached. Raises NotFoundError, also for one that only waits for the purge."""
    found = session.execute(select(Upload).where(Upload.id == upload_id, Upload.group_id == group_id)).scalar()
    if found is None or is_expired(found.state, found.created_at, now):
        raise NotFoundError("upload_unknown")
    session.expunge(found)
    return found


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


def purge_uploads(runtime: Runtime) -> int:
    """Delete what was kept for its time: files and rows nobody decided on, and what undoing needs. How many uploads.

    An import that was cut off and that nobody went on with for a day is ended as it stands, so that it can be undone.
    """
    now = runtime.clock.real_now()
    _close_cut_off(runtime, now - KEPT_FOR)
    gone = 0
    while True:
        with runtime.db.snapshot() as session:
            old = select(Upload.id).where(
                Upload.created_at <= now - KEPT_FOR, Upload.state.in_((*UNDECIDED, "canceled", "refused"))
            )
            ids = list(session.execute(old.order_by(Upload.created_at).limit(PURGED_AT_ONCE)).scalars())
        for upload_id in ids:
            _forget(runtime, upload_id)
        with runtime.db.transaction() as tx:
            tx.execute(delete(Upload).where(Upload.id.in_(ids)))
        gone += len(ids)
        if len(ids) < PURGED_AT_ONCE:
            break
    with runtime.db.snapshot() as session:
        # While an import is undone, what it found before is needed, however long ago that was.
        ended = select(Upload.id).where(Upload.imported_at <= now - UNDOABLE_FOR, Upload.state != "undoing")
        ids = list(
            session.execute(
                select(ImportChange.import_id).where(ImportChange.import_id.in_(ended)).distinct()
            ).scalars()
        )
    for upload_id in ids:
        _delete_some(runtime, ImportChange, ImportChange.import_id == upload_id)
    return gone


def _close_cut_off(runtime: Runtime, since: datetime) -> None:
    with runtime.db.snapshot() as session:
        old = (Upload.state == "importing", Upload.changed_at <= since)
        groups = session.execute(select(Upload.group_id).where(*old).distinct()).scalars().all()
    for group_id in groups:
        try:
            with group_lease(runtime, group_id, 0.0), runtime.db.transaction() as tx:
                closed = close_cut_off(tx, group_id, runtime.clock.real_now(), since=since)
        except ConflictError:  # an import of the group is under way: the next purge looks again
            continue
        for upload_id in closed:
            _forget(runtime, upload_id)


def _look(
    runtime: Runtime, group_id: int, file: SealedFile, name: str, consent: str | None, choices: Mapping[str, str] | None
) -> dict[str, Any]:
    """What a small file would do: an upload's columns. Raises BadInputError where no choice of columns helps."""
    data = BytesIO(_whole(file))
    header = _header(data)
    try:
        with read_file(
            data, runtime.vault, group_id=group_id, list_name=name, consent=consent, choices=choices, seals=False,
            most_problems=PROBLEMS_KEPT,
        ) as reading:  # fmt: skip
            report = foresee(reading, runtime, group_id)
    except BadInputError as error:
        if error.code not in CORRECTABLE:
            raise
        return {"header": header, "error": {"code": error.code, "details": error.details}}
    return {"header": header, "error": None, **_foreseen(report)}


def _foreseen(report: ImportReport) -> dict[str, Any]:
    counts = {fate: report.counts[fate] for fate in FATES}
    return {"rows": report.rows, "rows_done": report.rows, "counts": counts, **first_problems(report)}


def _read(runtime: Runtime, upload_id: int, processes: int | None) -> bool:
    """Read a large file, and say what an import of it would do. False when another process is at it."""
    name, token = f"upload:{upload_id}", new_token()
    if not acquire(runtime.db, name, token, runtime.clock.real_now(), LEASE_SECONDS):
        return False
    told = 0.0

    def progress(rows: int, of: int | None = None) -> None:
        nonlocal told
        if time.monotonic() - told < TOLD_EVERY:
            return
        told = time.monotonic()
        held = acquire(runtime.db, name, token, runtime.clock.real_now(), LEASE_SECONDS)
        with runtime.db.transaction() as tx:
            still = update(Upload).where(Upload.id == upload_id, Upload.state == "reading").values(rows_done=rows)
            if not held or not tx.execute(still).rowcount:  # type: ignore[attr-defined]
                raise ConflictError("upload_ended")

    with runtime.db.snapshot() as session:
        upload = session.get_one(Upload, upload_id)
        session.expunge(upload)
    values: dict[str, Any] = {"state": "waiting", "error": None}
    try:
        file = _file(runtime, upload)
        values["header"] = _header(file)
        with read_file(
            file, runtime.vault, group_id=upload.group_id, list_name=upload.list_name, consent=upload.consent,
            choices=upload.choices, seals=False, progress=progress, processes=processes, most_problems=PROBLEMS_KEPT,
        ) as reading:  # fmt: skip
            values |= _foreseen(foresee(reading, runtime, upload.group_id))
        if not values["rows"]:
            raise BadInputError("upload_no_rows")
    except BadInputError as error:
        correctable = error.code in CORRECTABLE
        values |= {"state": "waiting" if correctable else "refused"}
        values |= {"error": {"code": error.code, "details": error.details}}
    finally:
        release(runtime.db, name, token, runtime.clock.real_now())
    _move(runtime, upload_id, "reading", **values)
    if values["state"] == "refused":
        _forget(runtime, upload_id)
    return True


def _cut_off(runtime: Runtime, group_id: int) -> list[int]:
    """Small uploads whose import was begun and is not ended: whoever confirmed them was cut off. Oldest first."""
    begun = (Upload.group_id == group_id, Upload.state == "importing", Upload.list_id.is_not(None))
    with runtime.db.snapshot() as session:
        found = select(Upload.id).where(*begun, Upload.size <= SMALL, HAS_FILE).order_by(Upload.changed_at)
        return list(session.execute(found).scalars())


def _import(
    runtime: Runtime, upload_id: int, is_busy: Callable[[], bool], *, patience: float, processes: int | None = None
) -> bool:
    """Import a confirmed upload. False for one of the command's, whose file is not here. Raises ConflictError."""
    with runtime.db.snapshot() as session:
        upload = session.get_one(Upload, upload_id)
        session.expunge(upload)
        if session.execute(select(UploadPart.id).where(UploadPart.upload_id == upload_id).limit(1)).first() is None:
            return False
    with group_lease(runtime, upload.group_id, patience) as token:
        holding = _Holding(runtime, upload.group_id, token)
        with read_file(
            _file(runtime, upload), runtime.vault, group_id=upload.group_id, list_name=upload.list_name,
            consent=upload.consent, choices=upload.choices, progress=holding, processes=processes,
            most_problems=PROBLEMS_KEPT,
        ) as reading:  # fmt: skip
            holding.keep()
            write_import(runtime, upload_id, reading, token, is_busy)
    _forget(runtime, upload_id)
    return True


class _Holding:
    """Keeps a group's lease while a file is read: also one that ran out meanwhile, if nobody else has taken it.

    A large spreadsheet is opened for longer than the lease lasts, and nothing can be told of it meanwhile.
    """

    def __init__(self, runtime: Runtime, group_id: int, token: str) -> None:
        self._runtime, self._name, self._token = runtime, lease_of(group_id), token
        self._told = time.monotonic()

    def __call__(self, rows: int, of: int | None = None) -> None:
        if time.monotonic() - self._told > LEASE_SECONDS / 3:
            self.keep()

    def keep(self) -> None:
        """Raises ConflictError import_taken_over."""
        self._told = time.monotonic()
        if not acquire(self._runtime.db, self._name, self._token, self._runtime.clock.real_now(), LEASE_SECONDS):
            raise ConflictError("import_taken_over")


def _found(runtime: Runtime, group_id: int, upload_id: int) -> Upload:
    with runtime.db.snapshot() as session:
        return find_upload(session, group_id, upload_id, runtime.clock.real_now())


def _store(runtime: Runtime, values: dict[str, Any], parts: Iterable[bytes]) -> int:
    """The row first, then part by part: a large file must not hold the write lock."""
    with runtime.db.transaction() as tx:
        new = insert(Upload).values(**{**values, "state": "receiving"}).returning(Upload.id)
        upload_id = tx.execute(new).scalar_one()
    for number, sealed in enumerate(parts):
        with runtime.db.transaction() as tx:
            tx.execute(insert(UploadPart).values(upload_id=upload_id, number=number, sealed=sealed))
    _move(runtime, upload_id, "receiving", state=values["state"])
    return upload_id


def _file(runtime: Runtime, upload: Upload) -> SealedFile:
    def part(number: int) -> bytes:
        with runtime.db.snapshot() as session:
            which = (UploadPart.upload_id == upload.id, UploadPart.number == number)
            found = session.execute(select(UploadPart.sealed).where(*which)).scalar()
        if found is None:
            raise ConflictError("upload_ended")
        return found

    return SealedFile(runtime.vault, upload.size, part)


def _whole(file: SealedFile) -> bytes:
    file.seek(0)
    return file.read()


def _header(file: Any) -> list[str]:
    with open_csv(file) as table:
        return list(table.header)


def _is_spreadsheet(file: SealedFile) -> bool:
    file.seek(0)
    return file.read(4) == b"PK\x03\x04"


def _move(runtime: Runtime, upload_id: int, source: str, **values: object) -> bool:
    with runtime.db.transaction() as tx:
        where = update(Upload).where(Upload.id == upload_id, Upload.state == source)
        values = {**values, "changed_at": runtime.clock.real_now()}
        return bool(tx.execute(where.values(values)).rowcount)  # type: ignore[attr-defined]


def _forget(runtime: Runtime, upload_id: int) -> None:
    """Delete the file of an upload."""
    _delete_some(runtime, UploadPart, UploadPart.upload_id == upload_id)


def _delete_some(runtime: Runtime, model: Any, where: Any) -> None:
    """Delete rows, a few in each transaction: they are large."""
    while True:
        with runtime.db.transaction() as tx:
            ids = list(tx.execute(select(model.id).where(where).limit(PURGED_AT_ONCE)).scalars())
            tx.execute(delete(model).where(model.id.in_(ids)))
        if len(ids) < PURGED_AT_ONCE:
            return
