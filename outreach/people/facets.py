"""Tags and city as they can be asked for: sealed in the constituent's document, and beside it as keyed hashes.

The import writes them with ``city_hash``, ``tag_ids`` and ``write_tags``; ``index_facets`` does it for people who were
stored before that. All hashes are bound to the group: the same tag of two groups has two hashes.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any, Final, NamedTuple

import structlog
from sqlalchemy import BigInteger, bindparam, delete, exists, func, select, update
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Session

from outreach.core.crypto import Vault
from outreach.core.db import Transaction
from outreach.core.errors import OutreachError
from outreach.core.runtime import Runtime
from outreach.people.facet_hashes import city_hash, folded, tag_hash
from outreach.people.lists import insert_if_absent
from outreach.people.models import Constituent
from outreach.people.segment_models import ConstituentTag, Tag

log = structlog.get_logger(__name__)

CHUNK: Final = 500

_OLD = (
    select(Constituent.id, Constituent.group_id, Constituent.sealed)
    .where(Constituent.id > bindparam("after"), Constituent.city_hash.is_(None))
    .order_by(Constituent.id)
    .limit(CHUNK)
)
_IDS = postgresql.ARRAY(BigInteger)
_TAGGED_LITE = sqlite.insert(ConstituentTag).on_conflict_do_nothing()
_TAGGED = (
    postgresql.insert(ConstituentTag)
    .from_select(
        ["tag_id", "constituent_id"],
        select(func.unnest(bindparam("tags", type_=_IDS)), func.unnest(bindparam("people", type_=_IDS))),
    )
    .on_conflict_do_nothing()
)
"""Two arrays instead of a statement for each row, of which an import has many."""


def tag_ids(tx: Transaction, vault: Vault, group_id: int, names: Iterable[str], at: datetime) -> dict[str, int]:
    """The ids of a group's tags by name, as spelled here; new ones are made. ``at``: domain time.

    Two statements, whatever the number of names. Names that are one tag's have one id; a blank name has none.
    """
    hashes = {name: tag_hash(vault, group_id, name) for name in names if folded(name)}
    if not hashes:
        return {}
    fresh = {hashed: name for name, hashed in reversed(hashes.items())}
    known = _tags_by_hash(tx, group_id, list(fresh))
    new = sorted(hashed for hashed in fresh if hashed not in known)  # in one order: imports never wait for each other
    values = [
        {
            "group_id": group_id,
            "name_hash": hashed,
            "sealed": vault.seal({"name": " ".join(fresh[hashed].split())}, "tag"),
            "created_at": at,
        }
        for hashed in new
    ]
    if values:
        tx.execute(insert_if_absent(tx, Tag), values)
        known |= _tags_by_hash(tx, group_id, new)
    return {name: known[hashed] for name, hashed in hashes.items()}


def write_tags(tx: Transaction, pairs: Iterable[tuple[int, int]]) -> None:
    """Give people tags: pairs of a tag's id and a constituent's id. A tag that somebody has already is no mistake."""
    tx.flush()  # a plain statement does not do it by itself
    rows = sorted(set(pairs))
    if rows and tx.is_sqlite:
        tx.connection().execute(_TAGGED_LITE, [{"tag_id": tag, "constituent_id": person} for tag, person in rows])
    elif rows:
        tags, people = zip(*rows, strict=True)
        tx.connection().execute(_TAGGED, {"tags": list(tags), "people": list(people)})


def add_tags(tx: Transaction, vault: Vault, group_id: int, tagged: Mapping[int, Sequence[str]], at: datetime) -> None:
    """Give people tags by name: constituent's id -> names. ``at``: domain time, kept for new tags."""
    ids = tag_ids(tx, vault, group_id, sorted({name for names in tagged.values() for name in names}), at)
    write_tags(tx, [(ids[name], person) for person, names in tagged.items() for name in names if name in ids])


def take_tags(tx: Transaction, people: Sequence[int]) -> None:
    """Take all tags from these people."""
    tx.execute(delete(ConstituentTag).where(ConstituentTag.constituent_id.in_(people)))


class TagName(NamedTuple):
    """A tag as a page shows it."""

    id: int
    name: str


def tags_of(session: Session, vault: Vault, group_id: int) -> list[TagName]:
    """The group's tags by name. One that does not open is left out, and logged."""
    found = []
    for row in session.execute(select(Tag.id, Tag.sealed).where(Tag.group_id == group_id)):
        try:
            found.append(TagName(row.id, str(vault.open(row.sealed, "tag").get("name", ""))))
        except OutreachError as error:
            log.error("tag_not_opened", tag=row.id, error=error.code)
    return sorted(found, key=lambda tag: (folded(tag.name), tag.id))


def find_tag(session: Session, vault: Vault, group_id: int, name: str) -> int | None:
    """The id of the group's tag of this name; None where nobody has had it."""
    hashed = tag_hash(vault, group_id, name)
    return _tags_by_hash(session, group_id, [hashed]).get(hashed)


def _tags_by_hash(session: Session, group_id: int, hashes: Sequence[bytes]) -> dict[bytes, int]:
    rows = session.execute(select(Tag.name_hash, Tag.id).where(Tag.group_id == group_id, Tag.name_hash.in_(hashes)))
    return {row.name_hash: row.id for row in rows}


def is_indexed(session: Session, group_id: int) -> bool:
    """Whether everybody of the group can be asked for by tag and city."""
    old = exists().where(Constituent.group_id == group_id, Constituent.city_hash.is_(None))
    return not session.execute(select(old)).scalar_one()


class Indexed(NamedTuple):
    """How many people were indexed, and how many could not be opened."""

    people: int
    damaged: int


def index_facets(runtime: Runtime) -> Indexed:
    """Index everybody of every group who is not indexed yet, a chunk a transaction. May be killed and run again."""
    after, people, damaged = 0, 0, 0
    while True:
        with runtime.db.snapshot() as session:
            rows = session.execute(_OLD, {"after": after}).all()
        if not rows:
            return Indexed(people, damaged)
        opened = {row.id: document for row in rows if (document := _opened(runtime.vault, row)) is not None}
        people += _index(runtime, rows, opened)
        damaged += len(rows) - len(opened)
        after = rows[-1].id


def _opened(vault: Vault, row: Any) -> dict[str, Any] | None:
    """One damaged row must not keep the others from being found."""
    try:
        return vault.open(row.sealed, "constituent")
    except (OutreachError, ValueError, IndexError) as error:
        log.error("person_not_indexed", person=row.id, error=getattr(error, "code", "damaged"))
        return None


def _index(runtime: Runtime, rows: Sequence[Any], opened: dict[int, dict[str, Any]]) -> int:
    """One chunk. Whom an import has written since they were read is left to that import."""
    vault, now = runtime.vault, runtime.clock.now()
    with runtime.db.transaction() as tx:
        locked = (
            select(Constituent.id, Constituent.sealed)
            .where(Constituent.id.in_(opened), Constituent.city_hash.is_(None))
            .order_by(Constituent.number_hash, Constituent.id)  # as every transaction locks people
            .with_for_update()
        )
        now_sealed = {row.id: row.sealed for row in tx.execute(locked)}
        ours = [row for row in rows if now_sealed.get(row.id) == row.sealed]
        changes = [
            {"row": row.id, "hash": city_hash(vault, row.group_id, str(opened[row.id].get("city") or ""))}
            for row in ours
        ]
        pairs: list[tuple[int, int]] = []
        for group_id in {row.group_id for row in ours}:
            tagged = {row.id: opened[row.id].get("tags") or () for row in ours if row.group_id == group_id}
            ids = tag_ids(tx, vault, group_id, sorted({tag for tags in tagged.values() for tag in tags}), now)
            pairs += [(ids[tag], person) for person, tags in tagged.items() for tag in tags if tag in ids]
        write_tags(tx, pairs)
        if changes:
            table: Any = Constituent.__table__
            statement = update(table).where(table.c.id == bindparam("row")).values(city_hash=bindparam("hash"))
            tx.connection().execute(statement, changes)
    return len(changes)
