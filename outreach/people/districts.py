"""Districts: named sets of ZIPs that a group keeps, pasted from wherever they come from."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Final

from sqlalchemy import select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from outreach.accounts.audit import record_audit
from outreach.core.db import Transaction
from outreach.core.errors import BadInputError, ConflictError, NotFoundError
from outreach.core.runtime import Runtime
from outreach.people.lists import insert_if_absent
from outreach.people.segment_models import District, Segment
from outreach.people.segments import LARGEST_ID, MOST_ZIPS, QUOTED, values_of

NAME_LENGTH: Final = 120
_BETWEEN = re.compile(r"[\s,;|\"']+")
_ZIP = re.compile(r"([0-9]{5})(?:-[0-9]{4})?", re.ASCII)
_HEADER: Final = frozenset({"zip", "zips", "zipcode", "code", "codes", "postal", "zcta", "zcta5"})


def zips_in(text: str) -> list[str]:
    """The ZIPs of a pasted text, sorted, each once; ZIP+4 is cut, and a column's name above them is passed over.

    Raises BadInputError: district_no_zips, district_zip (with the first thing that is no ZIP), segment_zips.
    """
    found = set()
    for word in _BETWEEN.split(text):
        match = _ZIP.fullmatch(word)
        if match:
            found.add(match[1])
        elif word and (found or word.casefold() not in _HEADER):
            raise BadInputError("district_zip", zip=word[:QUOTED])
    if not found:
        raise BadInputError("district_no_zips")
    if len(found) > MOST_ZIPS:
        raise BadInputError("segment_zips", most=MOST_ZIPS)
    return sorted(found)


def districts_of(session: Session, group_id: int) -> Sequence[District]:
    """The group's districts by name."""
    own = select(District).where(District.group_id == group_id).order_by(District.name, District.id)
    return session.execute(own).scalars().all()


def find_district(session: Session, group_id: int, district_id: int) -> District:
    """A district of this group. Raises NotFoundError."""
    found = session.get(District, district_id) if 0 < district_id <= LARGEST_ID else None
    if found is None or found.group_id != group_id:
        raise NotFoundError("district_unknown")
    return found


def create_district(tx: Transaction, runtime: Runtime, group_id: int, name: str, zips: Sequence[str]) -> District:
    """A new district; one of the same name and ZIPs is there already and is the answer.

    Raises BadInputError district_name, ConflictError district_name_taken.
    """
    wanted = _valid_name(name)
    values = {"group_id": group_id, "name": wanted, "zips": list(zips), "created_at": runtime.clock.now()}
    new = tx.execute(insert_if_absent(tx, District).values(values).returning(District.id)).scalar()
    found = tx.execute(select(District).where(District.group_id == group_id, District.name == wanted)).scalar_one()
    if found.zips != list(zips):
        raise ConflictError("district_name_taken", name=wanted)
    if new is not None:
        record_audit(
            tx, group_id=group_id, action="district_saved", subject=f"district:{found.id}", zips=len(found.zips)
        )
    return found


def change_district(tx: Transaction, group_id: int, district_id: int, name: str, zips: Sequence[str]) -> District:
    """Another name, other ZIPs; campaigns that were launched keep those that they were launched with.

    Raises NotFoundError, BadInputError district_name, ConflictError district_name_taken.
    """
    found, wanted = find_district(tx, group_id, district_id), _valid_name(name)
    found.name, found.zips = wanted, list(zips)
    try:
        tx.flush()
    except IntegrityError:
        raise ConflictError("district_name_taken", name=wanted) from None
    record_audit(
        tx, group_id=group_id, action="district_changed", subject=f"district:{district_id}", zips=len(found.zips)
    )
    return found


def delete_district(tx: Transaction, group_id: int, district_id: int) -> None:
    """Forget a district that no saved segment asks for. Raises NotFoundError, ConflictError district_in_use."""
    locked = select(District.id).where(District.id == district_id, District.group_id == group_id).with_for_update()
    tx.execute(locked)
    found = find_district(tx, group_id, district_id)
    trees = tx.execute(select(Segment.expression).where(Segment.group_id == group_id)).scalars()
    used = sum(district_id in values_of(tree, "district") for tree in trees)
    if used:
        raise ConflictError("district_in_use", name=found.name, segments=used)
    tx.delete(found)
    record_audit(tx, group_id=group_id, action="district_deleted", subject=f"district:{district_id}")


def _valid_name(name: str) -> str:
    wanted = " ".join(name.split())
    if not wanted or len(wanted) > NAME_LENGTH:
        raise BadInputError("district_name", most=NAME_LENGTH)
    return wanted
