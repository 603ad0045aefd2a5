"""Figures counted from the rows themselves: how many different people, which no counter can know.

Somebody is one person by the keyed hash of their number, which texts, replies and calls keep when their words are
purged and when the person is erased; so these counts stay as they were. Only where somebody lives is looked up in
their row as it is now, and goes with it: who was erased, or gave no ZIP, is in the row without one.

This reads every text of the instance, which takes seconds where there are a million: pages keep what was counted
(``kept_sheets``). States are as of the last fold.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from sqlalchemy import (
    ColumnElement,
    Select,
    Text,
    and_,
    bindparam,
    case,
    cast,
    func,
    literal,
    literal_column,
    null,
    select,
    union_all,
)
from sqlalchemy.orm import Session

from outreach.calls.counts import UNCOUNTED
from outreach.calls.models import MEMBER, TEST, CallLeg, CallSession
from outreach.core.clock import Clock
from outreach.escalations.models import Campaign, Wave
from outreach.messaging.gates import TAKEN
from outreach.messaging.models import Message, Reply
from outreach.officials.models import Official
from outreach.people.models import Constituent
from outreach.tallies.figures import Figures, People, in_order

TOTAL: Final = "*"
"""The key of everybody together."""
Query = Select[*tuple[Any, ...]]
NOT_OURS_TO_ASK: Final = (TEST, MEMBER, "dial_in")
"""Sources of calls that tell nothing of being reached by us: tries, calls of captains to others, calls to us."""
NOTHING: Any = literal_column("''")
COLON: Any = literal_column("':'")
"""Written out: PostgreSQL takes no parameter for the same expression as a parameter of another place."""
_GROUP: Any = bindparam("group")

EVERYBODY: Any = literal_column(f"'{TOTAL}'")

VARIANTS_OF = (
    select(Message.gate_id, Message.number_hash, func.min(Message.variant).label("variant"))
    .where(Message.group_id == _GROUP, Message.variant.is_not(None))
    .group_by(Message.gate_id, Message.number_hash)
    .subquery()
)
"""Which of two texts somebody got, where two were tried."""


@dataclass(frozen=True, slots=True)
class Scope:
    """What is counted: a group's rows, since a moment of domain time (None: ever)."""

    group_id: int
    since: datetime | None = None


def key_of(dimension: str) -> ColumnElement[str]:
    """The text that names a row of a dimension."""
    keys: dict[str, Any] = {
        "official": cast(Official.id, Text),
        "campaign": cast(Campaign.id, Text),
        "wave": cast(Wave.id, Text),
        "tactic": Campaign.tactic,
        "variant": cast(Campaign.id, Text) + COLON + VARIANTS_OF.c.variant,
        "jurisdiction": func.coalesce(Official.jurisdiction, NOTHING),
        "zip": func.coalesce(Constituent.zip, NOTHING),
    }
    found: ColumnElement[str] = keys[dimension]
    return found


def count_rows(session: Session, scope: Scope, dimension: str, clock: Clock) -> dict[str, Figures]:
    """The figures of each row, and of TOTAL, as of this snapshot. A row that has nothing is left out."""
    rows = _Rows()
    for together in (False, True):
        key = EVERYBODY if together else key_of(dimension)
        rows.contacts(session, _contacts(scope, dimension, key), scope)
        rows.replies(session, _replies(scope, dimension, key, clock), scope)
        rows.outcomes(session, _outcomes(scope, dimension, key, clock), scope)
        rows.answers(session, _answers(scope, dimension, key), scope)
    return rows.figures()


class _Rows:
    """Answers of the questions below, by key."""

    def __init__(self) -> None:
        self._found: dict[str, dict[str, Any]] = {}

    def _of(self, key: str) -> dict[str, Any]:
        return self._found.setdefault(str(key), {"reports": {}, "outcomes": {}, "answers": {}})

    def contacts(self, session: Session, query: Query, scope: Scope) -> None:
        """Texts and calls that asked."""
        for key, *counts in session.execute(query, {"group": scope.group_id}):
            self._of(key).update(zip(("texts", "delivered", "asked", "reached"), _whole(counts), strict=True))

    def replies(self, session: Session, query: Query, scope: Scope) -> None:
        """Words that came in."""
        names = ("replies", "opt_outs", "replied", "opted_out", "acted")
        for key, *counts in session.execute(query, {"group": scope.group_id}):
            self._of(key).update(zip(names, _whole(counts), strict=True))

    def outcomes(self, session: Session, query: Query, scope: Scope) -> None:
        """What people did."""
        for key, outcome, reports, people in session.execute(query, {"group": scope.group_id}):
            self._of(key)["reports"][outcome] = int(reports)
            self._of(key)["outcomes"][outcome] = int(people)

    def answers(self, session: Session, query: Query, scope: Scope) -> None:
        """What offices said."""
        for key, answer, count in session.execute(query, {"group": scope.group_id}):
            self._of(key)["answers"][answer] = int(count)

    def figures(self) -> dict[str, Figures]:
        """By key; a total that nobody is in is empty."""
        self._of(TOTAL)
        return {key: _figures(one) for key, one in self._found.items()}


def _whole(counts: Sequence[Any]) -> list[int]:
    return [int(count or 0) for count in counts]


def _figures(found: Mapping[str, Any]) -> Figures:
    def of(name: str) -> int:
        return int(found.get(name, 0))

    people = People(
        of("asked"), of("reached"), of("acted"), of("replied"), of("opted_out"), outcomes=in_order(found["outcomes"])
    )
    return Figures(
        of("texts"), of("delivered"), of("replies"), of("opt_outs"), reports=in_order(found["reports"]),
        answers=dict(sorted(found["answers"].items())), people=people,
    )  # fmt: skip


def _placed(query: Query, gate_id: Any, number_hash: Any, dimension: str) -> Query:
    """Beside each row its wave, campaign and official, and what else the dimension asks for."""
    query = (
        query.join(Wave, Wave.gate_id == gate_id)
        .join(Campaign, Campaign.id == Wave.campaign_id)
        .join(Official, Official.id == Campaign.official_id)
        .where(Wave.group_id == _GROUP)
    )
    if dimension == "variant":
        same = and_(VARIANTS_OF.c.gate_id == gate_id, VARIANTS_OF.c.number_hash == number_hash)
        query = query.join(VARIANTS_OF, same)
    elif dimension == "zip":
        same = and_(Constituent.group_id == _GROUP, Constituent.number_hash == number_hash)
        query = query.outerjoin(Constituent, same)
    return query


def _contacts(scope: Scope, dimension: str, key: ColumnElement[str]) -> Query:
    """key, texts, delivered, people asked, people reached."""
    arrived = case((Message.state == "delivered", 1), else_=0)
    texts = select(Message.gate_id, Message.number_hash, literal(1).label("text"), arrived.label("arrived")).where(
        Message.group_id == _GROUP, Message.state.in_(TAKEN)
    )
    calls = select(CallSession.gate_id, CallSession.number_hash, literal(0), literal(1)).where(
        CallSession.group_id == _GROUP, CallSession.step > 0, CallSession.source.not_in(NOT_OURS_TO_ASK)
    )
    if scope.since is not None:
        texts = texts.where(Message.posted_at >= scope.since)
        calls = calls.where(CallSession.asked_at >= scope.since)
    asked = union_all(texts, calls).subquery()
    told = asked.c
    query: Query = select(
        key, func.sum(told.text), func.sum(told.text * told.arrived), func.count(told.number_hash.distinct()),
        func.count(case((told.arrived == 1, told.number_hash), else_=null()).distinct()),
    ).select_from(asked)  # fmt: skip
    return _by(_placed(query, told.gate_id, told.number_hash, dimension), key)


def _replies(scope: Scope, dimension: str, key: ColumnElement[str], clock: Clock) -> Query:
    """key, replies, opt-outs, people who replied, opted out, acted. A key pressed in a call is no reply."""
    wrote = Reply.channel == "text"
    stopped = and_(wrote, Reply.intent == "opt_out")
    query: Query = select(
        key, _how_often(wrote), _how_often(stopped), _how_many(wrote), _how_many(stopped), _how_many(_told())
    ).select_from(Reply)
    return _by(_placed(_since(query, scope, clock), Reply.gate_id, Reply.number_hash, dimension), key)


def _outcomes(scope: Scope, dimension: str, key: ColumnElement[str], clock: Clock) -> Query:
    """key, outcome, reports, people."""
    query: Query = select(key, Reply.outcome, func.count(), func.count(Reply.number_hash.distinct())).select_from(Reply)
    query = _since(query, scope, clock).where(_told())
    return _by(_placed(query, Reply.gate_id, Reply.number_hash, dimension), key, Reply.outcome)


def _answers(scope: Scope, dimension: str, key: ColumnElement[str]) -> Query:
    """key, what the office said, in how many calls."""
    query: Query = (
        select(key, CallLeg.answer, func.count())
        .select_from(CallLeg)
        .join(CallSession, CallSession.id == CallLeg.session_id)
        .where(CallLeg.answer.is_not(None), CallSession.source.not_in(UNCOUNTED))
    )
    if scope.since is not None:
        query = query.where(CallLeg.begun_at >= scope.since)
    return _by(_placed(query, CallSession.gate_id, CallSession.number_hash, dimension), key, CallLeg.answer)


def _told() -> ColumnElement[bool]:
    """A report that counts: the person's newest in its campaign."""
    return and_(Reply.outcome.is_not(None), Reply.superseded.is_(False))


def _since(query: Query, scope: Scope, clock: Clock) -> Query:
    query = query.where(Reply.group_id == _GROUP)
    return query if scope.since is None else query.where(Reply.received_at >= clock.real_at(scope.since))


def _how_often(which: ColumnElement[bool]) -> ColumnElement[int]:
    return func.sum(case((which, 1), else_=0))


def _how_many(which: ColumnElement[bool]) -> ColumnElement[int]:
    return func.count(case((which, Reply.number_hash), else_=null()).distinct())


def _by(query: Query, key: Any, *more: Any) -> Query:
    """Grouped by what is no constant: a total of no rows is a row of nulls."""
    return query.group_by(*(() if key is EVERYBODY else (key,)), *more)
