"""Writing an import down: one at a time in a group, chunk by chunk, so that it can be killed and go on.

A lease of the group keeps a second import waiting; every chunk's transaction holds on to it, and commits together with
how far the import has come.
"""

from __future__ import annotations

import hashlib
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import Any, Final

from sqlalchemy import JSON, BigInteger, LargeBinary, and_, bindparam, exists, insert, or_, select, update

from outreach.accounts.audit import record_audit
from outreach.core.db import Transaction, UtcDateTime
from outreach.core.errors import BadInputError, ConflictError
from outreach.core.leases import acquire, new_token, release, renew
from outreach.core.runtime import Runtime
from outreach.people.import_writes import ChunkWriter, Entry, OvertakenError
from outreach.people.imports import FATES, FileReading, ImportReport, Progress, declaration, read_file
from outreach.people.lists import get_or_create_list, valid_list_name
from outreach.people.models import Upload, UploadPart
from outreach.people.pacing import Pacing

LEASE_SECONDS: Final = 30.0
LEASE_WAIT: Final = 600.0
TRIES: Final = 5
FEW_TAGS: Final = 5

HAS_FILE: Final = exists().where(UploadPart.upload_id == Upload.id)
"""Whether an upload's file is here; that of a command's import is not."""

_table: Any = Upload.__table__
_CAME_SO_FAR = (
    update(_table)
    .where(_table.c.id == bindparam("its_id"), _table.c.state == "importing")
    .values(
        through=bindparam("last", type_=LargeBinary),
        rows_done=bindparam("done", type_=BigInteger),
        counts=bindparam("so_far", type_=JSON),
        changed_at=bindparam("now", type_=UtcDateTime),
    )
)


def never_busy() -> bool:
    """For an import that has the database to itself."""
    return False


def import_constituents(
    runtime: Runtime,
    group_id: int,
    source: bytes | Path,
    *,
    list_name: str,
    consent: str | None,
    recorded_by: str,
    choices: dict[str, str] | None = None,
    is_busy: Callable[[], bool] = never_busy,
    progress: Progress | None = None,
    processes: int | None = None,
) -> ImportReport:
    """Read a file into a list of the group, now. Where the same call was killed before, it goes on.

    ``consent``: what the file's owner declares about everybody in it, word for word; None stores people who cannot
    be texted. Raises BadInputError when the file as a whole cannot be read, or changes meanwhile; nothing is stored
    then. ConflictError import_busy: another import of the group took too long.
    """
    digest, size = _digest(runtime, source)
    options = {
        "group_id": group_id,
        "list_name": list_name,
        "consent": consent,
        "choices": choices,
        "progress": progress,
    }
    with read_file(source, runtime.vault, processes=processes, **options) as reading:  # type: ignore[arg-type]  # mixed
        if _digest(runtime, source) != (digest, size):
            raise BadInputError("file_changed")
        with group_lease(runtime, group_id, LEASE_WAIT) as token:
            upload_id = _begun(
                runtime, group_id, digest, size, reading,
                file_name=source.name if isinstance(source, Path) else "import",
                list_name=valid_list_name(list_name), consent=declaration(consent), choices=choices,
                by=recorded_by, token=token,
            )  # fmt: skip
            return write_import(runtime, upload_id, reading, token, is_busy, progress)


@contextmanager
def group_lease(runtime: Runtime, group_id: int, patience: float) -> Iterator[str]:
    """Be the only one who imports into a group. Raises ConflictError import_busy after so many seconds."""
    name, token, until = lease_of(group_id), new_token(), time.monotonic() + patience
    while not acquire(runtime.db, name, token, runtime.clock.real_now(), LEASE_SECONDS):
        if time.monotonic() >= until:
            raise ConflictError("import_busy")
        time.sleep(0.1)
    try:
        yield token
    finally:
        release(runtime.db, name, token, runtime.clock.real_now())


def lease_of(group_id: int) -> str:
    """The name of a group's lease."""
    return f"import:{group_id}"


def write_import(
    runtime: Runtime,
    upload_id: int,
    reading: FileReading,
    token: str,
    is_busy: Callable[[], bool] = never_busy,
    progress: Progress | None = None,
) -> ImportReport:
    """Write what was read, from where an earlier try has come to. Needs the group's lease under ``token``.

    Raises ConflictError import_taken_over when the lease was lost, or the import was ended by somebody else, and
    import_busy while another import of the group is half written, or half undone.
    """
    with runtime.db.transaction() as tx:
        upload = tx.get_one(Upload, upload_id)
        _take_turn(tx, upload.group_id, token, runtime.clock.real_now(), but=upload.id)
        if upload.list_id is None:
            upload.list_id = get_or_create_list(
                tx, upload.group_id, upload.list_name, runtime.clock.now(), import_id=upload.id
            )
        writer = ChunkWriter(runtime, upload.group_id, upload.list_id, upload_id, upload.confirmed_by or "")
        through = upload.through or b""
        counts = Counter({fate: (upload.counts or {}).get(fate, 0) for fate in FATES} if through else {})
    for fate in ("duplicate", "invalid"):  # these are counted anew by whoever reads the file
        del counts[fate]
    report, pacing, done = reading.report, Pacing(is_busy, is_sqlite=runtime.db.is_sqlite), 0
    entries = reading.entries()
    while some := _some(entries, pacing.size):
        done += len(some)
        fresh = [entry for entry in some if entry.row.number_hash > through]
        if fresh:
            begun = time.perf_counter()
            rows_done = done + report.counts["duplicate"] + report.counts["invalid"]
            counts += _chunk(runtime, writer, fresh, token, {"done": rows_done, "counts": counts})
            if progress:
                progress(rows_done, report.rows)
            pacing.wait(time.perf_counter() - begun)
    report.counts += counts
    with runtime.db.transaction() as tx:
        if not renew(tx, lease_of(writer.group_id), token, runtime.clock.real_now(), LEASE_SECONDS):
            raise ConflictError("import_taken_over")
        now = runtime.clock.real_now()
        ended = update(Upload).where(Upload.id == upload_id, Upload.state == "importing")
        tx.execute(
            ended.values(
                state="imported", imported_at=now, changed_at=now, rows=report.rows, rows_done=report.rows,
                counts=_counted(report.counts), **first_problems(report),
            )
        )  # fmt: skip
        record_audit(
            tx, group_id=writer.group_id, actor=upload.confirmed_by or None, action="people_imported",
            subject=f"upload:{upload_id}", rows=report.rows, **_counted(report.counts),
        )  # fmt: skip
    return report


def close_cut_off(
    tx: Transaction, group_id: int, now: datetime, but: int | None = None, since: datetime | None = None
) -> list[int]:
    """End the group's imports by command that were cut off: what they wrote can be undone, like any import. Their ids.

    Needs the group's lease, so that none of them is being written. The same command then begins anew. ``since``: also
    those of an upload that nothing has moved from then on.
    """
    query = select(Upload).where(Upload.group_id == group_id, Upload.state == "importing", Upload.id != (but or 0))
    ended = ~HAS_FILE if since is None else or_(~HAS_FILE, Upload.changed_at <= since)
    closed = tx.execute(query.where(ended)).scalars().all()
    for upload in closed:
        if upload.list_id is None:
            upload.state = "canceled"  # it has written nothing
        else:
            upload.state, upload.imported_at = "imported", upload.changed_at
            upload.counts = _counted(Counter(upload.counts or {}))
        upload.changed_at = now
    tx.flush()
    return [upload.id for upload in closed]


def first_problems(report: ImportReport) -> dict[str, Any]:
    """What an upload keeps of a report's problems: how many, and the first as row, column and code."""
    first = [(one.row, one.column, one.code) for one in report.problems[:PROBLEMS_KEPT]]
    return {"problem_count": report.problem_count, "problems": first}


PROBLEMS_KEPT: Final = 200


def _take_turn(tx: Transaction, group_id: int, token: str, now: datetime, but: int | None) -> None:
    """Imports of a group are written one after the other, each to its end: undo takes them back in this order."""
    if not renew(tx, lease_of(group_id), token, now, LEASE_SECONDS):
        raise ConflictError("import_taken_over")
    close_cut_off(tx, group_id, now, but)
    half = or_(Upload.state == "undoing", and_(Upload.state == "importing", Upload.list_id.is_not(None)))
    others = select(Upload.id).where(Upload.group_id == group_id, Upload.id != (but or 0), half)
    if tx.execute(others.limit(1)).first() is not None:
        raise ConflictError("import_busy")


def _some(entries: Iterator[Entry], size: int) -> list[Entry]:
    """So many entries, or fewer where they have many tags: each may be a new row of its own."""
    some, work = list[Entry](), 0
    for entry in entries:
        some.append(entry)
        work += 1 + max(0, entry.row.tags - FEW_TAGS)
        if work >= size:
            break
    return some


def _counted(counts: Counter[str]) -> dict[str, Any]:
    return {fate: counts[fate] for fate in FATES}


def _chunk(
    runtime: Runtime, writer: ChunkWriter, entries: list[Entry], token: str, so_far: dict[str, Any]
) -> Counter[str]:
    refuses = any(row.consent == "refused" or refusal for row, refusal in entries)
    for _ in range(TRIES):
        now = runtime.clock.real_now()
        try:
            with runtime.db.transaction(durable=refuses) as tx:
                if not renew(tx, lease_of(writer.group_id), token, now, LEASE_SECONDS):
                    raise ConflictError("import_taken_over")
                fates = writer.write(tx, entries)
                moved = tx.connection().execute(
                    _CAME_SO_FAR,
                    {
                        "its_id": writer.import_id, "last": entries[-1].row.number_hash, "done": so_far["done"],
                        "so_far": _counted(so_far["counts"] + fates), "now": now,
                    },
                )  # fmt: skip
                if not moved.rowcount:
                    raise ConflictError("import_taken_over")
                return fates
        except OvertakenError:
            continue
    raise ConflictError("import_busy")


def _begun(
    runtime: Runtime, group_id: int, digest: bytes, size: int, reading: FileReading, *, file_name: str, list_name: str,
    consent: str | None, choices: dict[str, str] | None, by: str, token: str,
) -> int:  # fmt: skip
    """The import of this very file that was begun before and cut off, else a new one; its id. Needs the lease."""
    now = runtime.clock.real_now()
    same = select(Upload.id, Upload.choices).where(
        Upload.group_id == group_id, Upload.state == "importing", Upload.digest == digest,
        Upload.list_name == list_name, Upload.consent.is_not_distinct_from(consent), Upload.confirmed_by == by,
        ~HAS_FILE,
    )  # fmt: skip
    with runtime.db.transaction() as tx:
        found = next((row.id for row in tx.execute(same.order_by(Upload.id)) if row.choices == choices), None)
        _take_turn(tx, group_id, token, now, but=found)
        if found is not None:
            return int(found)
        begun = insert(Upload).values(
            group_id=group_id, digest=digest, size=size, file_name=file_name[-200:], list_name=list_name,
            consent=consent, choices=choices, rows=reading.report.rows, rows_done=0, state="importing",
            problem_count=0, created_by=by, confirmed_by=by, created_at=now, changed_at=now,
        )  # fmt: skip
        return tx.execute(begun.returning(Upload.id)).scalar_one()


def _digest(runtime: Runtime, source: bytes | Path) -> tuple[bytes, int]:
    """A keyed hash of a file and its size."""
    sha256, size = hashlib.sha256(), 0
    if isinstance(source, bytes):
        return runtime.vault.text_hash(hashlib.sha256(source).hexdigest()), len(source)
    try:
        with source.open("rb") as file:
            while data := file.read(1024 * 1024):
                sha256.update(data)
                size += len(data)
    except OSError as error:
        raise BadInputError("file_unreadable", file=source.name, reason=error.strerror or "") from None
    return runtime.vault.text_hash(sha256.hexdigest()), size
