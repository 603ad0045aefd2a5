"""A segment as a clause: every rule is true or false of a person, never unknown, so that ``not`` means what it says."""

from __future__ import annotations

from collections import defaultdict
from typing import Any

from sqlalchemy import ColumnElement, String, and_, bindparam, exists, false, func, not_, or_

from outreach.messaging.past import did
from outreach.people.models import Constituent, ListMembership
from outreach.people.segment_models import ConstituentTag
from outreach.people.segments import Expression, fold

WHOLE = 5
"""Digits of a ZIP."""


def clause(frozen: Expression, group_id: int, who: Any = Constituent) -> ColumnElement[bool]:
    """Whether a person is in a frozen segment (``segments.frozen``). ``who``: constituents of the query around it.

    It does not say whose constituents these must be: the group is the audience's to ask for.
    """

    def rule(kind: str, value: Any) -> ColumnElement[bool]:
        return _rule(kind, value, group_id, who)

    return fold(frozen, rule, lambda parts: and_(*parts), lambda parts: or_(*parts), not_)


def _rule(kind: str, value: Any, group_id: int, who: Any) -> ColumnElement[bool]:
    if kind == "tag_id":
        has = exists().where(ConstituentTag.tag_id == value, ConstituentTag.constituent_id == who.id)
        return has.correlate_except(ConstituentTag)
    if kind == "list":
        member = exists().where(ListMembership.list_id == value, ListMembership.constituent_id == who.id)
        return member.correlate_except(ListMembership)
    if kind == "zip":
        return and_(who.zip.is_not(None), _begins(who.zip, value))
    if kind == "city_hash":
        return and_(who.city_hash.is_not(None), who.city_hash == bytes.fromhex(value))
    if kind == "language":
        spoken: ColumnElement[bool] = who.language == value
        return spoken
    assert kind == "did", kind  # noqa: S101  a tree that was not frozen is a mistake of ours
    return did(value, who.number_hash, group_id)


def _begins(column: Any, prefixes: list[str]) -> ColumnElement[bool]:
    by_length = defaultdict(list)
    for prefix in prefixes:
        by_length[len(prefix)].append(prefix)
    ways = []
    for length, same in sorted(by_length.items()):
        # Digits alone, so they may stand in the statement itself, which takes only so many values beside it.
        listed = bindparam(None, same, type_=String(), expanding=True, literal_execute=True)
        ways.append((column if length == WHOLE else func.substr(column, 1, length)).in_(listed))
    return or_(*ways) if ways else false()
