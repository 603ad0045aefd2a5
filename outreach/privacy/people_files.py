"""A list of people as a file for another program: no numbers unless asked for, and never without a reason.

The file is written as it is read, 500 people at a time, each in a short snapshot: it never stands whole in memory or on
a disk of ours, and a slow reader holds up nobody. Who is in it is settled, counted and noted in the book first;
whoever is erased while it is written is left out.
"""

from __future__ import annotations

import csv
import io
from array import array
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

import structlog
from sqlalchemy import bindparam, select
from sqlalchemy.orm import Session

from outreach.accounts.audit import record_audit
from outreach.core.csv_out import BOM, safe_cell
from outreach.core.errors import NotFoundError, OutreachError
from outreach.core.phone import mask
from outreach.core.runtime import Runtime
from outreach.people.consent import is_consent_valid, suppressed_among
from outreach.people.models import Constituent, ContactList, ListMembership
from outreach.privacy.reasons import valid_reason

log = structlog.get_logger(__name__)

TOGETHER: Final = 500
ACTION: Final = "export"
HEADER: Final = ("first_name", "last_name", "phone", "email", "zip", "city", "language", "external_id", "tags", "texts")
"""The import's own names of fields, so that a file comes back in without a click. ``texts`` is for reading (yes, no
agreement, stopped, bad number), and no import takes it for consent."""
_SOME = (
    select(
        Constituent.id, Constituent.number_hash, Constituent.sealed, Constituent.zip, Constituent.language,
        Constituent.consented_at, Constituent.number_bad_at,
    )
    .where(
        Constituent.group_id == bindparam("group"), Constituent.erased_at.is_(None),
        Constituent.id.in_(bindparam("ids", expanding=True)),
    )
    .order_by(Constituent.id)
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class PeopleFile:
    """A file that is yet to be written. ``people``: how many it was noted for."""

    runtime: Runtime
    group_id: int
    ids: Sequence[int]
    with_numbers: bool

    @property
    def people(self) -> int:
        """How many it was noted for."""
        return len(self.ids)

    def rows(self) -> Iterator[list[object]]:
        """The people, in the order in which they came."""
        for first in range(0, len(self.ids), TOGETHER):
            with self.runtime.db.snapshot() as session:
                some = _read(session, self.runtime, self.group_id, self.ids[first : first + TOGETHER])
            yield from (self._row(*one) for one in some)

    def as_csv(self) -> Iterator[bytes]:
        """CSV in UTF-8 with its mark, every cell made safe for spreadsheets; in pieces."""
        text = io.StringIO(newline="")
        writer = csv.writer(text)
        text.write(BOM)
        writer.writerow(HEADER)
        for index, row in enumerate(self.rows(), start=1):
            writer.writerow([safe_cell(cell) for cell in row])
            if index % TOGETHER == 0:
                yield _taken(text)
        yield _taken(text)

    def _row(self, person: Any, document: dict[str, Any], texts: str) -> list[object]:
        phone = str(document.get("phone") or "")
        return [
            document.get("first_name"),
            document.get("last_name"),
            # Without the plus a spreadsheet takes no number for a formula.
            (phone if self.with_numbers else mask(phone)).removeprefix("+1"),
            document.get("email") if self.with_numbers else None,
            person.zip,
            document.get("city"),
            person.language,
            document.get("external_id"),
            "; ".join(str(tag) for tag in document.get("tags") or ()),
            texts,
        ]


def people_file(
    runtime: Runtime, group_id: int, *, list_name: str | None, reason: str, actor: str, with_numbers: bool = False
) -> PeopleFile:
    """Settle who is in the file (a list's people, or with None everybody) and note who takes it and why.

    Raises BadInputError without a reason, NotFoundError for a list that the group does not have.
    """
    because = valid_reason(reason)
    query = select(Constituent.id).where(Constituent.group_id == group_id, Constituent.erased_at.is_(None))
    with runtime.db.snapshot() as session:
        list_id = None if list_name is None else _list_id(session, group_id, list_name)
        if list_id is not None:
            query = query.where(
                Constituent.id.in_(select(ListMembership.constituent_id).where(ListMembership.list_id == list_id))
            )
        # Fetched some at a time: all rows at once would take far more room than the ids in them.
        found = session.execute(query.order_by(Constituent.id), execution_options={"yield_per": TOGETHER})
        ids = array("q", found.scalars())
    with runtime.db.transaction() as tx:
        record_audit(
            tx, group_id=group_id, actor=actor, action=ACTION,
            subject="people" if list_id is None else f"contact_list:{list_id}", at=runtime.clock.real_now(),
            what="constituents", people=len(ids), with_numbers=with_numbers, because=because,
        )  # fmt: skip
    return PeopleFile(runtime, group_id, ids, with_numbers)


def _list_id(session: Session, group_id: int, name: str) -> int:
    query = select(ContactList.id).where(ContactList.group_id == group_id, ContactList.name == name)
    found = session.execute(query).scalar()
    if found is None:
        raise NotFoundError("list_unknown", name=name)
    return found


def _read(session: Session, runtime: Runtime, group_id: int, ids: Sequence[int]) -> list[tuple[Any, Any, str]]:
    rows = session.execute(_SOME, {"group": group_id, "ids": list(ids)}).all()
    stopped = suppressed_among(session, [row.number_hash for row in rows], group_id)
    now = runtime.clock.real_now()
    return [(row, _opened(runtime, row), _texts(row, stopped, now)) for row in rows]


def _texts(row: Any, stopped: set[bytes], now: datetime) -> str:
    if row.number_hash in stopped:
        return "stopped"
    if row.number_bad_at is not None:
        return "bad number"
    return "yes" if is_consent_valid(row.consented_at, now) else "no agreement"


def _opened(runtime: Runtime, row: Any) -> dict[str, Any]:
    """One damaged row must not hide the others."""
    try:
        return runtime.vault.open(row.sealed, "constituent")
    except (OutreachError, IndexError) as error:
        log.error("document_not_opened", id=row.id, error=str(getattr(error, "code", error)))
        return {}


def _taken(text: io.StringIO) -> bytes:
    """What was written so far; the buffer is empty again."""
    written = text.getvalue().encode("utf-8", "replace")
    text.seek(0)
    text.truncate()
    return written
