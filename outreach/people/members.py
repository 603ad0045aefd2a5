"""The group's own members: constituents in a list that is marked as the members' list.

They take on tasks of a campaign and are reminded of them. Marking a list changes nothing else: who may be texted is
decided as for everybody.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final, NamedTuple

import structlog
from sqlalchemy import ColumnElement, exists, func, select
from sqlalchemy.orm import Session

from outreach.accounts.audit import record_audit
from outreach.core.crypto import Vault
from outreach.core.db import Transaction
from outreach.core.errors import BadInputError, NotFoundError, OutreachError
from outreach.core.runtime import Runtime
from outreach.people.lists import list_size
from outreach.people.models import Constituent, ContactList, ListMembership

log = structlog.get_logger(__name__)

MOST: Final = 300
"""Members of one group: they are chosen from a list, and a name is opened for each."""


class Member(NamedTuple):
    """Somebody who can take on a task. ``stays``: whether they are in a members' list now."""

    id: int
    name: str
    stays: bool = True


class ListRow(NamedTuple):
    """A list of the group, and how many people are in it."""

    id: int
    name: str
    is_members: bool
    people: int


def lists_with_sizes(session: Session, group_id: int) -> list[ListRow]:
    """The group's lists by name."""
    people = (
        select(func.count())
        .select_from(ListMembership)
        .where(ListMembership.list_id == ContactList.id)
        .scalar_subquery()
    )
    rows = session.execute(
        select(ContactList.id, ContactList.name, ContactList.is_members, people.label("people"))
        .where(ContactList.group_id == group_id)
        .order_by(ContactList.name)
    )
    return [ListRow(*row) for row in rows]


def mark_members(
    tx: Transaction, runtime: Runtime, group_id: int, list_id: int, *, is_members: bool, actor: str
) -> ContactList:
    """Say whether a list holds the group's members; who said so goes into the book. Twice is once.

    Raises NotFoundError (list_unknown), BadInputError (members_list_large).
    """
    found = tx.execute(
        select(ContactList).where(ContactList.id == list_id, ContactList.group_id == group_id).with_for_update()
    ).scalar()
    if found is None:
        raise NotFoundError("list_unknown", name=list_id)
    if found.is_members == is_members:
        return found
    people = list_size(tx, group_id, list_id)
    if is_members and people > MOST:
        raise BadInputError("members_list_large", people=people, most=MOST)
    found.is_members = is_members
    record_audit(
        tx, group_id=group_id, actor=actor, action="members_list", subject=f"contact_list:{list_id}",
        at=runtime.clock.real_now(), is_members=is_members, people=people,
    )  # fmt: skip
    return found


def members_of(session: Session, vault: Vault, group_id: int) -> list[Member]:
    """The group's members by name, 300 at most: a marked list may have grown since."""
    rows = session.execute(_known(group_id).where(_is_member(group_id)).order_by(Constituent.id).limit(MOST)).all()
    names = _names(vault, rows)
    return sorted((Member(row.id, names[row.id]) for row in rows), key=lambda one: (one.name.casefold(), one.id))


def get_member(session: Session, vault: Vault, group_id: int, constituent_id: int) -> Member:
    """One member. Raises NotFoundError (member_unknown) for anybody else, of this group or of another."""
    query = _known(group_id).where(Constituent.id == constituent_id, _is_member(group_id))
    row = session.execute(query).first()
    if row is None:
        raise NotFoundError("member_unknown")
    return Member(row.id, _names(vault, [row])[row.id])


def named(session: Session, vault: Vault, group_id: int, ids: Iterable[int]) -> dict[int, Member]:
    """People who took on a task, by id, whether or not they are members still. An erased one is left out."""
    wanted = sorted(set(ids))
    if not wanted:
        return {}
    query = _known(group_id).add_columns(_is_member(group_id).label("stays")).where(Constituent.id.in_(wanted))
    rows = session.execute(query).all()
    names = _names(vault, rows)
    return {row.id: Member(row.id, names[row.id], bool(row.stays)) for row in rows}


def short_name(document: Mapping[str, Any]) -> str:
    """First name and last initial, as in "Ana T."; empty when neither is known. Pure."""
    first, last = (str(document.get(key) or "").strip() for key in ("first_name", "last_name"))
    return " ".join(part for part in (first, f"{last[0]}." if last and first else last) if part)


def _known(group_id: int) -> Any:
    return select(Constituent.id, Constituent.sealed, Constituent.zip).where(
        Constituent.group_id == group_id, Constituent.erased_at.is_(None)
    )


def _is_member(group_id: int) -> ColumnElement[bool]:
    return exists().where(
        ListMembership.constituent_id == Constituent.id, ListMembership.list_id == ContactList.id,
        ContactList.group_id == group_id, ContactList.is_members,
    )  # fmt: skip


def _names(vault: Vault, rows: Sequence[Any]) -> dict[int, str]:
    """Whoever shares a short name with somebody of these rows is told apart by the whole one, then by the ZIP."""
    documents = {row.id: _opened(vault, row.sealed) for row in rows}
    names = {one: short_name(document) for one, document in documents.items()}
    for row in _shared(rows, names):
        parts = (documents[row.id].get(key) for key in ("first_name", "last_name"))
        names[row.id] = " ".join(str(part).strip() for part in parts if part)
    for row in _shared(rows, names):
        names[row.id] = f"{names[row.id]}, {row.zip}" if row.zip and names[row.id] else names[row.id]
    return {one: name or f"#{one}" for one, name in names.items()}


def _shared(rows: Sequence[Any], names: Mapping[int, str]) -> list[Any]:
    counts = Counter(names.values())
    return [row for row in rows if counts[names[row.id]] > 1]


def _opened(vault: Vault, sealed: bytes) -> dict[str, Any]:
    """One damaged document must not hide the others."""
    try:
        return vault.open(sealed, "constituent")
    except (OutreachError, IndexError) as error:
        log.error("person_not_opened", error=str(getattr(error, "code", error)))
        return {}
