"""Uploads and what undoing needs go after their time. All times here are real time."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Final

from sqlalchemy import delete, select

from outreach.core.errors import ConflictError
from outreach.core.runtime import Runtime
from outreach.people.importing import (
    close_cut_off,
    group_lease,
)
from outreach.people.models import ImportChange, Upload
from outreach.people.upload_files import KEPT_FOR, PURGED_AT_ONCE, UNDECIDED, delete_some, forget

UNDOABLE_FOR: Final = timedelta(days=30)


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
            forget(runtime, upload_id)
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
        delete_some(runtime, ImportChange, ImportChange.import_id == upload_id)
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
            forget(runtime, upload_id)
