"""Officials brought in through the site: one by hand, once; or an uploaded file."""

from __future__ import annotations

import tempfile
from datetime import date, datetime
from pathlib import Path

import structlog
from sqlalchemy import func, select
from sqlalchemy.exc import DataError, IntegrityError
from werkzeug.datastructures import FileStorage

from outreach.accounts.models import Group
from outreach.core.db import Transaction
from outreach.core.errors import BadInputError, ConflictError
from outreach.core.runtime import Runtime
from outreach.officials.imports import OfficialsReport, add_official, import_officials
from outreach.officials.models import Official
from outreach.officials.openstates import YAML_SUFFIXES

log = structlog.get_logger(__name__)


def add_once(tx: Transaction, runtime: Runtime, group_id: int, given: dict[str, str], opened_at: datetime) -> int:
    """Add an official and return the id; the same form again returns the id of the first time.

    Raises BadInputError as ``add_official`` does, and ConflictError (official_on_list) when the group had somebody of
    this name, role and jurisdiction before the form was opened.
    """
    # Two equal forms at once: the second waits here until the first is stored. Not FOR UPDATE, which would also
    # hold up everything else that this group stores.
    tx.execute(select(Group.id).where(Group.id == group_id).with_for_update(key_share=True))
    known = tx.execute(
        select(Official.id, Official.created_at)
        .where(
            Official.group_id == group_id,
            func.lower(Official.name) == func.lower(given["name"]),
            func.lower(Official.role) == func.lower(given["role"]),
            func.lower(func.coalesce(Official.jurisdiction, "")) == func.lower(given["jurisdiction"]),
        )
        .order_by(Official.id)
    ).first()
    if known is None:
        return add_official(tx, runtime, group_id, **given).id
    if known.created_at < opened_at:
        raise ConflictError("official_on_list")
    return int(known.id)


def import_upload(runtime: Runtime, group_id: int, upload: FileStorage, today: date) -> OfficialsReport:
    """Import an uploaded file; it lies in a private directory only while it is read. Raises BadInputError."""
    suffix = Path(upload.filename or "").suffix.lower()
    with tempfile.TemporaryDirectory(prefix="outreach-officials-") as directory:
        path = Path(directory) / ("officials.yaml" if suffix in YAML_SUFFIXES else "officials.csv")
        upload.save(path)
        try:
            try:
                return import_officials(runtime, group_id, path, today)
            except IntegrityError:
                # The same file came twice at once and the other was first. What it stored is known by now, so this
                # one only updates.
                return import_officials(runtime, group_id, path, today)
        except (ValueError, TypeError, AttributeError, RecursionError, DataError) as error:
            # The reader takes the shape of a document on trust; a file is somebody's input, never our mistake.
            log.warning("officials_file_unreadable", error=type(error).__name__)
            raise BadInputError("officials_format_unknown") from None
