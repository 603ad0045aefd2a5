"""What uploads wait for: to be read, imported, taken back. Work goes on where it was when somebody killed it."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from io import BytesIO
from typing import Any, Final

import structlog
from sqlalchemy import select, update

from outreach.core.errors import BadInputError, ConflictError
from outreach.core.leases import acquire, new_token, release
from outreach.core.runtime import Runtime
from outreach.people.importing import (
    HAS_FILE,
    LEASE_SECONDS,
    PROBLEMS_KEPT,
    first_problems,
    group_lease,
    lease_of,
    write_import,
)
from outreach.people.imports import FATES, ImportReport, foresee, read_file
from outreach.people.models import Upload, UploadPart
from outreach.people.sealed_files import SealedFile
from outreach.people.undo import Withdraw, undo_import
from outreach.people.upload_files import JOB, SMALL, WORKED_ON, file_of, forget, header_of, move, whole

log = structlog.get_logger(__name__)

TOLD_EVERY: Final = 1.0
CORRECTABLE: Final = ("no_phone_column", "column_twice")
"""What is wrong with a file that a person can mend by saying which column is which."""


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
                    done += import_file(runtime, row.id, is_busy, patience=0.0, processes=processes)
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


def look(
    runtime: Runtime, group_id: int, file: SealedFile, name: str, consent: str | None, choices: Mapping[str, str] | None
) -> dict[str, Any]:
    """What a small file would do: an upload's columns. Raises BadInputError where no choice of columns helps."""
    data = BytesIO(whole(file))
    header = header_of(data)
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
        file = file_of(runtime, upload)
        values["header"] = header_of(file)
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
    move(runtime, upload_id, "reading", **values)
    if values["state"] == "refused":
        forget(runtime, upload_id)
    return True


def cut_off(runtime: Runtime, group_id: int) -> list[int]:
    """Small uploads whose import was begun and is not ended: whoever confirmed them was cut off. Oldest first."""
    begun = (Upload.group_id == group_id, Upload.state == "importing", Upload.list_id.is_not(None))
    with runtime.db.snapshot() as session:
        found = select(Upload.id).where(*begun, Upload.size <= SMALL, HAS_FILE).order_by(Upload.changed_at)
        return list(session.execute(found).scalars())


def import_file(
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
            file_of(runtime, upload), runtime.vault, group_id=upload.group_id, list_name=upload.list_name,
            consent=upload.consent, choices=upload.choices, progress=holding, processes=processes,
            most_problems=PROBLEMS_KEPT,
        ) as reading:  # fmt: skip
            holding.keep()
            write_import(runtime, upload_id, reading, token, is_busy)
    forget(runtime, upload_id)
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
