"""Saved segments: made, changed, deleted; and the form in which the database, and a wave, are asked with them.

As written, a rule names a tag, a city, a district. Stored are the tag's id and the city's hash, so that a stolen
database does not tell them; the names are in the sealed document. Frozen, a district is its ZIPs of that moment, and
nothing that somebody edits later changes the audience of a wave.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import structlog
from sqlalchemy import select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from outreach.accounts.audit import record_audit
from outreach.core.crypto import Vault
from outreach.core.db import Transaction
from outreach.core.errors import BadInputError, ConflictError, NotFoundError, OutreachError
from outreach.core.runtime import Runtime
from outreach.escalations.models import BEFORE_LAUNCH, Campaign
from outreach.people.facet_hashes import city_hash, folded
from outreach.people.facets import find_tag
from outreach.people.lists import insert_if_absent
from outreach.people.models import ContactList
from outreach.people.segment_models import District, Segment
from outreach.people.segments import LARGEST_ID, Expression, read, rewritten, values_of

log = structlog.get_logger(__name__)

NAME_LENGTH: Final = 120


@dataclass(frozen=True, slots=True)
class Saved:
    """A saved segment: ``written`` names its tags and cities, ``stored`` has their ids and hashes."""

    id: int
    name: str
    written: Expression
    stored: Expression

    @property
    def version(self) -> str:
        """A token of the content: equal content, equal token."""
        content = json.dumps([self.name, self.written], sort_keys=True)
        return hashlib.sha256(content.encode("utf-8", "surrogatepass")).hexdigest()[:24]


def name_hash(vault: Vault, group_id: int, name: str) -> bytes:
    """What a segment of a group is found by, 16 bytes."""
    return vault.text_hash(f"segment\0{group_id}\0{folded(name)}")


def segments_of(session: Session, vault: Vault, group_id: int) -> list[Saved]:
    """The group's segments by name. One that does not open is left out, and logged."""
    found = []
    for row in session.execute(select(Segment).where(Segment.group_id == group_id)).scalars():
        try:
            found.append(_opened(vault, row))
        except OutreachError as error:
            log.error("segment_not_opened", segment=row.id, error=error.code)
    return sorted(found, key=lambda one: (folded(one.name), one.id))


def find_segment(session: Session, vault: Vault, group_id: int, segment_id: int) -> Saved:
    """A segment of this group. Raises NotFoundError."""
    return _opened(vault, _row(session, group_id, segment_id))


def find_by_name(session: Session, vault: Vault, group_id: int, name: str) -> Saved:
    """The same by its name. Raises NotFoundError."""
    hashed = name_hash(vault, group_id, name)
    own = select(Segment).where(Segment.group_id == group_id, Segment.name_hash == hashed)
    row = session.execute(own).scalar()
    if row is None:
        raise NotFoundError("segment_unknown")
    return _opened(vault, row)


def create_segment(tx: Transaction, runtime: Runtime, group_id: int, name: str, written: object, *, by: str) -> Saved:
    """Save a new segment; one of the same name and rules is there already and is the answer.

    Raises BadInputError (segment_name, what ``stored`` refuses), ConflictError segment_name_taken.
    """
    wanted, tree = _valid_name(name), read(written)
    made = {"group_id": group_id, "created_by": by, "created_at": runtime.clock.now()}
    columns = _columns(tx, runtime.vault, group_id, wanted, tree)
    new = tx.execute(insert_if_absent(tx, Segment).values(**made, **columns).returning(Segment.id)).scalar()
    found = find_by_name(tx, runtime.vault, group_id, wanted)
    if found.written != tree:
        raise ConflictError("segment_name_taken", name=wanted)
    if new is not None:
        record_audit(tx, group_id=group_id, action="segment_saved", subject=f"segment:{found.id}", actor=by)
    return found


def change_segment(
    tx: Transaction, runtime: Runtime, group_id: int, segment_id: int, *, name: str, written: object, version: str
) -> Saved:
    """Rename a segment or change its rules, unless somebody else did since ``version`` was read.

    Drafts that use it text whom it holds at their launch; what was launched is left as it is. Raises NotFoundError,
    ConflictError (segment_changed, segment_name_taken), and what ``create_segment`` raises.
    """
    row = _row(tx, group_id, segment_id, lock=True)
    before, wanted, tree = _opened(runtime.vault, row), _valid_name(name), read(written)
    if (before.name, before.written) == (wanted, tree):
        return before
    if before.version != version:
        raise ConflictError("segment_changed")
    for column, value in _columns(tx, runtime.vault, group_id, wanted, tree).items():
        setattr(row, column, value)
    try:
        tx.flush()
    except IntegrityError:
        raise ConflictError("segment_name_taken", name=wanted) from None
    record_audit(tx, group_id=group_id, action="segment_changed", subject=f"segment:{segment_id}")
    return Saved(row.id, wanted, tree, row.expression)


def delete_segment(tx: Transaction, group_id: int, segment_id: int) -> None:
    """Forget a segment that no draft is going to text. Raises NotFoundError, ConflictError segment_in_use."""
    row = _row(tx, group_id, segment_id, lock=True)
    waiting = tx.execute(
        select(Campaign.name, Campaign.audience).where(Campaign.group_id == group_id, Campaign.state.in_(BEFORE_LAUNCH))
    )
    used = [draft.name for draft in waiting if segment_id in draft.audience.get("segments", ())]
    if used:
        raise ConflictError("segment_in_use", campaigns=", ".join(f"“{name}”" for name in used[:3]))
    tx.delete(row)
    record_audit(tx, group_id=group_id, action="segment_deleted", subject=f"segment:{segment_id}")


def hold_segments(tx: Transaction, group_id: int, segment_ids: Sequence[int]) -> None:
    """Keep these from being deleted until the transaction ends. Raises NotFoundError for one that is not there."""
    for segment_id in segment_ids:
        _row(tx, group_id, segment_id, lock=True)


def hold_audience(tx: Transaction, group_id: int, audience: Mapping[str, Any]) -> None:
    """Keep a draft's segments, and their districts, as they are until the transaction ends: who has read them launches
    them.
    """
    own = select(Segment).where(Segment.group_id == group_id, Segment.id.in_(audience.get("segments") or ()))
    rows = tx.execute(own.order_by(Segment.id).with_for_update(read=True)).scalars()
    named = {district for row in rows for district in values_of(row.expression, "district")}
    theirs = select(District.id).where(District.group_id == group_id, District.id.in_(named))
    tx.execute(theirs.order_by(District.id).with_for_update(read=True))


def stored(session: Session, vault: Vault, group_id: int, tree: Expression, *, hold: bool = False) -> Expression:
    """A tree that was read, with ids and hashes for names. ``hold``: keep its districts from being deleted meanwhile.

    Raises BadInputError: segment_tag_unknown, list_unknown, district_unknown for what is not the group's.
    """
    for kind, model in (("list", ContactList), ("district", District)):
        wanted = values_of(tree, kind)
        own = select(model.id).where(model.group_id == group_id, model.id.in_(wanted))
        known = set(session.execute(own.with_for_update(read=True) if hold else own).scalars()) if wanted else set()
        for one in wanted:
            if one not in known:
                raise BadInputError(f"{kind}_unknown", name=one)

    def rule(kind: str, value: Any) -> Expression:
        if kind == "tag":
            tag = find_tag(session, vault, group_id, value)
            if tag is None:
                raise BadInputError("segment_tag_unknown", tag=value)
            return {"tag_id": tag}
        return {"city_hash": city_hash(vault, group_id, value).hex()} if kind == "city" else {kind: value}

    return rewritten(tree, rule)


def frozen(session: Session, group_id: int, tree: Expression) -> Expression:
    """A stored tree with the ZIPs of its districts as of now: what ``segments_sql.clause`` takes, and a wave keeps."""
    wanted = values_of(tree, "district")
    own = select(District.id, District.zips).where(District.group_id == group_id, District.id.in_(wanted))
    zips = {row.id: row.zips for row in session.execute(own)} if wanted else {}

    def rule(kind: str, value: Any) -> Expression:
        return {"zip": zips.get(value, [])} if kind == "district" else {kind: value}

    return rewritten(tree, rule)


def freeze(session: Session, group_id: int, audience: Mapping[str, Any], *, all_there: bool = True) -> dict[str, Any]:
    """A draft's audience with the frozen trees of its segments beside their ids, under ``trees``.

    Raises NotFoundError for a segment that is not there, unless ``all_there`` is not asked for.
    """
    chosen = audience.get("segments") or ()
    if not chosen:
        return dict(audience)
    own = select(Segment.id, Segment.expression).where(Segment.group_id == group_id, Segment.id.in_(chosen))
    rows = {row.id: row.expression for row in session.execute(own)}
    if all_there and len(rows) < len(set(chosen)):
        raise NotFoundError("segment_unknown")
    return {**audience, "trees": [frozen(session, group_id, rows[one]) for one in chosen if one in rows]}


def _columns(tx: Transaction, vault: Vault, group_id: int, name: str, tree: Expression) -> dict[str, Any]:
    return {
        "expression": stored(tx, vault, group_id, tree, hold=True),
        "name_hash": name_hash(vault, group_id, name),
        "sealed": vault.seal({"name": name, "expression": tree}, "segment"),
    }


def _opened(vault: Vault, row: Segment) -> Saved:
    document = vault.open(row.sealed, "segment")
    return Saved(row.id, document["name"], document["expression"], row.expression)


def _row(session: Session, group_id: int, segment_id: int, *, lock: bool = False) -> Segment:
    own = select(Segment).where(Segment.id == segment_id, Segment.group_id == group_id)
    found = None
    if 0 < segment_id <= LARGEST_ID:
        found = session.execute(own.with_for_update() if lock else own).scalar()
    if found is None:
        raise NotFoundError("segment_unknown")
    return found


def _valid_name(name: str) -> str:
    wanted = " ".join(name.split())
    if not wanted or len(wanted) > NAME_LENGTH or "\0" in wanted:
        raise BadInputError("segment_name", most=NAME_LENGTH)
    return wanted
