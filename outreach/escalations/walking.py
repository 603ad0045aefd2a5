"""How planning walks a frozen audience: from place to place along indexes, so a chunk costs the same wherever it is.

The cursor is a constituent's id; for earlier waves it is a recipient's. A segment is walked by the lists and tags that
hold all of its people; where there are none, everybody is walked and asked.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from sqlalchemy import Select, and_, func, or_, select, union
from sqlalchemy.orm import aliased

from outreach.core.db import Transaction
from outreach.escalations.models import Recipient, Wave
from outreach.escalations.segments_sql import clause
from outreach.people.models import Constituent, ListMembership
from outreach.people.segment_models import ConstituentTag
from outreach.people.segments import Anchor, Expression, anchors

INDEXED: Mapping[str, Any] = {"list": ListMembership.list_id, "tag_id": ConstituentTag.tag_id}
"""Kinds of rules whose people can be walked in order of id, with the column that the rule's value stands in."""


def chunk_end(tx: Transaction, wave: Wave, size: int) -> int | None:
    """The cursor's next place, about ``size`` candidates on; None at the end. It walks indexes, whatever it passes."""
    if "waves" in wave.audience:
        after = Recipient.id > wave.planned_through
        walked = select(Recipient.id.label("place")).where(Recipient.wave_id.in_(wave.audience["waves"]), after)
        return tx.execute(select(func.max(walked.order_by(Recipient.id).limit(size).subquery().c.place))).scalar()
    ends: list[tuple[int, int]] = []
    for walked in _walks(wave.audience, wave.planned_through):
        part = walked.limit(size).subquery()
        last, count = tx.execute(select(func.max(part.c.place), func.count()).select_from(part)).one()
        if last is not None:
            ends.append((last, count))
    # No further than the first walk that goes on: beyond that, its people would be passed over.
    return min((last for last, count in ends if count == size), default=max((last for last, _ in ends), default=None))


def candidates(wave: Wave, start: int, end: int) -> Any:
    """The ids of constituents between two places of the cursor, whether or not they may be texted: a select."""
    if "waves" in wave.audience:
        return select(Recipient.constituent_id).where(
            Recipient.wave_id.in_(wave.audience["waves"]), Recipient.id > start, Recipient.id <= end
        )
    member = ListMembership.constituent_id
    listed = select(member).where(ListMembership.list_id.in_(wave.audience["lists"]), member > start, member <= end)
    found = [_of_segment(tree, wave.group_id, start, end) for tree in wave.audience.get("trees", ())]
    return union(listed, *found) if found else listed


def _walks(audience: Mapping[str, Any], after: int) -> list[Select[int]]:
    """A walk for each list and tag that the audience rests on, and one of everybody where a segment rests on none."""
    held = [_held_by(tree) for tree in audience.get("trees", ())]
    rests = {("list", list_id) for list_id in audience["lists"]}.union(*(found for found in held if found is not None))
    walks = [_walk(INDEXED[kind].class_.constituent_id, INDEXED[kind] == value, after) for kind, value in sorted(rests)]
    if None in held:
        walks.append(_walk(Constituent.id, Constituent.id > after, after))
    return walks


def _walk(place: Any, which: Any, after: int) -> Select[int]:
    return select(place.label("place")).where(which, place > after).order_by(place)


def _held_by(tree: Expression) -> Sequence[Anchor] | None:
    return anchors(tree, INDEXED)


def _of_segment(tree: Expression, group_id: int, start: int, end: int) -> Select[int]:
    person = aliased(Constituent)
    held = _held_by(tree)
    if held is None:
        within = and_(person.id > start, person.id <= end)
    else:
        within = or_(*(person.id.in_(part) for part in _parts(held, start, end)))
    # The sum keeps the database from walking the whole group by its index.
    return select(person.id).where(within, person.group_id + 0 == group_id, clause(tree, group_id, person))


def _parts(held: Iterable[Anchor], start: int, end: int) -> list[Select[int]]:
    parts = []
    for kind, value in held:
        member = INDEXED[kind].class_.constituent_id
        parts.append(select(member).where(INDEXED[kind] == value, member > start, member <= end))
    return parts
