"""Lists of constituents: found by name within a group, made when an import first names them."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Session

from outreach.core.db import Base, Transaction
from outreach.core.errors import BadInputError, NotFoundError
from outreach.people.models import ContactList, ListMembership, Upload

NAME_LENGTH = 120


def insert_if_absent(tx: Transaction, model: type[Base]) -> Any:
    """``INSERT ... ON CONFLICT DO NOTHING`` in the dialect of this database."""
    dialect = postgresql if tx.get_bind().dialect.name == "postgresql" else sqlite
    return dialect.insert(model).on_conflict_do_nothing()


def valid_list_name(text: str) -> str:
    """A list's name without spare white space. Raises BadInputError."""
    name = " ".join(text.split())
    if not name or len(name) > NAME_LENGTH:
        raise BadInputError("list_name_length", most=NAME_LENGTH)
    return name


def get_or_create_list(tx: Transaction, group_id: int, name: str, at: datetime, *, import_id: int | None = None) -> int:
    """The id of the group's list of that name. ``at``: domain time, kept if the list is new, as is the import.

    An id is never given twice: drafts and segments go on naming a list that was taken back. SQLite by itself would
    give it to the next list.
    """
    wanted = valid_list_name(name)
    own = (ContactList.group_id == group_id, ContactList.name == wanted)
    found = tx.execute(select(ContactList.id).where(*own)).scalar()
    if found is not None:
        return found
    new = {"group_id": group_id, "name": wanted, "created_at": at, "import_id": import_id}
    if tx.is_sqlite:
        new["id"] = 1 + max(tx.execute(select(func.max(one))).scalar() or 0 for one in (ContactList.id, Upload.list_id))
    tx.execute(insert_if_absent(tx, ContactList).values(new))
    return tx.execute(select(ContactList.id).where(*own)).scalar_one()


def list_ids(session: Session, group_id: int, names: Sequence[str]) -> list[int]:
    """The ids of the group's lists, in the order of the names. Raises NotFoundError for one that does not exist."""
    wanted = [valid_list_name(name) for name in names]
    rows = session.execute(
        select(ContactList.name, ContactList.id).where(ContactList.group_id == group_id, ContactList.name.in_(wanted))
    )
    found = {row.name: row.id for row in rows}
    for name in wanted:
        if name not in found:
            raise NotFoundError("list_unknown", name=name)
    return [found[name] for name in wanted]


def list_size(session: Session, group_id: int, list_id: int) -> int:
    """How many people are in a list of this group; another group's list is as empty as one that does not exist."""
    members = (
        select(func.count()).select_from(ListMembership).join(ContactList, ContactList.id == ListMembership.list_id)
    )
    return session.execute(members.where(ContactList.group_id == group_id, ContactList.id == list_id)).scalar_one()
