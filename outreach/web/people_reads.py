"""Reads behind the pages of constituents: a list of them, one by number, and one with all that is known.

Names are sealed, so a search by name opens the newest ``SEARCHED`` people only, and says so.
"""

from __future__ import annotations

import unicodedata
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import structlog
from sqlalchemy import Select, func, or_, select
from sqlalchemy.orm import Session

from outreach.core.crypto import Vault
from outreach.core.errors import NotFoundError, OutreachError
from outreach.core.runtime import Runtime
from outreach.people.models import ConsentEvent, Constituent, ContactList, ListMembership, Suppression
from outreach.people.why_not import Facts, Reason, Suppressed, standing_reasons
from outreach.web.people_words import masked

log = structlog.get_logger(__name__)

SEARCHED = 5_000
ON_A_PAGE = 50
MOST_PAGES = 100_000


@dataclass(frozen=True, slots=True)
class Entry:
    """A person in the list. ``reason``: the first standing reason why they are not texted."""

    id: int
    name: str
    number: str  # masked
    zip: str | None
    reason: Reason | None


@dataclass(frozen=True, slots=True)
class Listing:
    """A page of people, newest first. ``cut``: only the newest of ``total`` people were searched."""

    entries: Sequence[Entry]
    number: int
    more: bool
    total: int
    cut: bool


def lists_of(session: Session, group_id: int) -> Sequence[Any]:
    """The group's lists by name: id, name."""
    return session.execute(
        select(ContactList.id, ContactList.name).where(ContactList.group_id == group_id).order_by(ContactList.name)
    ).all()


def list_people(
    session: Session, runtime: Runtime, group_id: int, *, name: str = "", list_id: int | None = None, page: int = 1
) -> Listing:
    """A page of the group's people, of one list and with a name where these are given.

    Raises NotFoundError for a list that is not the group's.
    """
    known = (Constituent.group_id == group_id, Constituent.erased_at.is_(None))
    people = select(Constituent).where(*known)
    counted: Select[int] = select(func.count()).select_from(Constituent).where(*known)
    if list_id is not None:
        if not _is_own_list(session, group_id, list_id):
            raise NotFoundError("list_unknown", name=list_id)
        people = people.where(Constituent.id.in_(_members(list_id)))
        counted = select(func.count()).select_from(ListMembership).where(ListMembership.list_id == list_id)
    total = session.execute(counted).scalar_one()
    people = people.order_by(Constituent.id.desc())
    number = min(max(page, 1), MOST_PAGES)
    first = (number - 1) * ON_A_PAGE
    if name:
        newest = session.execute(people.limit(SEARCHED)).scalars().all()
        found = [row for row in newest if is_called(name, name_of(opened(runtime.vault, row.sealed, "constituent")))]
        rows, more = found[first : first + ON_A_PAGE], len(found) > first + ON_A_PAGE
    else:
        some = session.execute(people.offset(first).limit(ON_A_PAGE + 1)).scalars().all()
        rows, more = list(some[:ON_A_PAGE]), len(some) > ON_A_PAGE
    entries = _entries(session, runtime, group_id, rows)
    return Listing(entries, number, more, total, cut=bool(name) and total > SEARCHED)


def find_by_number(session: Session, vault: Vault, group_id: int, e164: str) -> int | None:
    """The id of the group's person with exactly this number."""
    query = select(Constituent.id).where(
        Constituent.group_id == group_id, Constituent.number_hash == vault.number_hash(e164)
    )
    return session.execute(query).scalar()


def is_called(sought: str, name: str) -> bool:
    """Whether each word of a search begins a word of the name, whatever case and accents."""
    parts = _plain(name).split()
    return all(any(part.startswith(word) for part in parts) for word in _plain(sought).split())


def name_of(document: dict[str, Any]) -> str:
    """First and last name; empty when neither is known."""
    return " ".join(part for key in ("first_name", "last_name") if (part := str(document.get(key) or "")))


def opened(vault: Vault, sealed: bytes | None, context: str) -> dict[str, Any]:
    """A sealed document; empty when there is none or it does not open: one damaged row must not hide the others."""
    if sealed is None:
        return {}
    try:
        return vault.open(sealed, context)
    except (OutreachError, IndexError) as error:
        log.error("document_not_opened", context=context, error=str(getattr(error, "code", error)))
        return {}


def standing_of(
    session: Session, group_id: int, number_hashes: Sequence[bytes]
) -> dict[bytes, tuple[list[Suppressed], list[datetime]]]:
    """Number hash -> suppressions that concern the group, and the times of STARTs to the group."""
    found: dict[bytes, tuple[list[Suppressed], list[datetime]]] = defaultdict(lambda: ([], []))
    for row in session.execute(
        select(Suppression.number_hash, Suppression.source, Suppression.at, Suppression.lifted_at).where(
            Suppression.number_hash.in_(number_hashes),
            or_(Suppression.group_id.is_(None), Suppression.group_id == group_id),
        )
    ):
        found[row.number_hash][0].append(Suppressed(row.source, row.at, row.lifted_at))
    for start in session.execute(
        select(ConsentEvent.number_hash, ConsentEvent.at).where(
            ConsentEvent.group_id == group_id,
            ConsentEvent.number_hash.in_(number_hashes),
            ConsentEvent.kind == "opt_in",
        )
    ):
        found[start.number_hash][1].append(start.at)
    return found


def _entries(session: Session, runtime: Runtime, group_id: int, rows: Sequence[Constituent]) -> list[Entry]:
    standing, now = standing_of(session, group_id, [row.number_hash for row in rows]), runtime.clock.now()
    entries = []
    for row in rows:
        document = opened(runtime.vault, row.sealed, "constituent")
        suppressions, starts = standing[row.number_hash]
        facts = Facts(suppressions, starts, row.consented_at, row.number_bad_at is not None)
        reason = next(iter(standing_reasons(facts, now)), None)
        entries.append(Entry(row.id, name_of(document), masked(str(document.get("phone", ""))), row.zip, reason))
    return entries


def _is_own_list(session: Session, group_id: int, list_id: int) -> bool:
    own = select(ContactList.id).where(ContactList.group_id == group_id, ContactList.id == list_id)
    return session.execute(own).first() is not None


def _members(list_id: int) -> Select[int]:
    return select(ListMembership.constituent_id).where(ListMembership.list_id == list_id)


def _plain(text: str) -> str:
    decomposed = unicodedata.normalize("NFKD", text)
    return "".join(char for char in decomposed if not unicodedata.combining(char)).casefold()
