"""SQL for ``silence_reads``: a row for each person whom a wave concerns, with the facts that decide their reason.

Looked up by the recipients of one wave, so that the campaigns beside it cost nothing. What only few people need
(their stops, zones, replies) stands inside a CASE and is looked up for those alone; yes and no are bits of one number,
because a hundred thousand rows are grouped by these columns.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from enum import IntFlag
from functools import reduce
from operator import add
from typing import Any, Final

from sqlalchemy import (
    ColumnElement,
    CompoundSelect,
    Integer,
    Select,
    String,
    and_,
    case,
    cast,
    exists,
    func,
    literal,
    not_,
    null,
    or_,
    select,
    union_all,
)
from sqlalchemy.orm import aliased

from outreach.escalations.audience import REACHED, UNWELCOME
from outreach.escalations.models import Recipient, Wave
from outreach.escalations.segments_sql import clause
from outreach.escalations.silence import OPTED_OUT_ELSEWHERE, STOPS
from outreach.messaging.models import Message, Reply
from outreach.people.consent import has_consent_clause
from outreach.people.models import ConsentEvent, Constituent, ListMembership, Suppression
from outreach.people.why_not import SUPPRESSION_CODES

NO_STOP: Final = len(STOPS)
ENDED_BADLY: Final = ("failed", "undelivered", "suppressed")
FLAGGED: Final = (*ENDED_BADLY, "canceled", "needs_review")


class Flag(IntFlag):
    """The facts that are yes or no (``silence.Facts``)."""

    AGAIN = 1
    LEFT = 2
    TAKEN = 4
    REPLIED = 8
    NUMBER_BAD = 16
    PASSED = 32
    NOT_REACHED = 64
    WELCOME = 128
    UNWELCOME = 256
    NO_CONSENT = 512
    CONSENT_OLD = 1024


def concerned(
    group_id: int, wave: Wave | None, audience: Mapping[str, Any], unless_replied: Sequence[int], now: datetime
) -> CompoundSelect[Any]:
    """Columns person, state (empty without a message), error_code, flags, stop (a place in STOPS), zones, not_before.

    The last two are told of what is held. ``now``: domain time.
    """
    outside = _outside(group_id, wave, audience, now)
    if wave is None:
        return union_all(outside)
    return union_all(*_with_message(group_id, wave, unless_replied), outside)


def _with_message(group_id: int, wave: Wave, unless_replied: Sequence[int]) -> tuple[Select[Any], Select[Any]]:
    """The newest message of each recipient: their first, or the one that was sent after it."""
    # "> 0" is "not null", said so that SQLite goes by the index of it: second messages are few among all.
    older = select(Message.retry_of).where(Message.retry_of > 0).correlate(None)
    first = (
        select(*_facts_of_message(group_id, unless_replied, again=False))
        .select_from(Recipient)
        # An outer join, so that SQLite goes from the wave's recipients to their messages and never the other way.
        .outerjoin(Message, and_(Message.recipient_id == Recipient.id, Message.retry_of.is_(None)))
        .where(Recipient.wave_id == wave.id, Message.id.not_in(older))
    )
    again = select(*_facts_of_message(group_id, unless_replied, again=True)).where(
        Message.retry_of > 0, Message.gate_id == wave.gate_id, Message.id.not_in(older)
    )
    return first, again


def _facts_of_message(group_id: int, unless_replied: Sequence[int], *, again: bool) -> list[ColumnElement[Any]]:
    held = Message.state == "held"
    zones = select(Constituent.zones).where(Constituent.id == Message.constituent_id).scalar_subquery()
    bad = exists().where(Constituent.id == Message.constituent_id, Constituent.number_bad_at.is_not(None))
    answered = exists().where(Reply.number_hash == Message.number_hash, Reply.gate_id.in_(unless_replied))
    bits = [
        (Flag.TAKEN, Message.carrier_sid.is_not(None)),
        (Flag.LEFT, and_(Message.state == "needs_review", Message.decision == "left")),
        (Flag.NUMBER_BAD, and_(Message.state.in_(("failed", "suppressed")), bad)),
    ]
    if unless_replied:
        bits.append((Flag.REPLIED, and_(Message.state == "canceled", answered)))
    flagged = case((Message.state.in_(FLAGGED), _bits(bits)), else_=0)
    return [
        Message.constituent_id.label("person"),
        Message.state.label("state"),
        case((Message.state.in_(ENDED_BADLY), func.coalesce(Message.error_code, 0)), else_=0).label("error_code"),
        (flagged + int(Flag.AGAIN) if again else flagged).label("flags"),
        case((Message.state == "suppressed", stop_of(Message.number_hash, group_id)), else_=NO_STOP).label("stop"),
        case((held, func.coalesce(zones, "")), else_="").label("zones"),
        case((held, Message.not_before), else_=_never()).label("not_before"),
    ]


def _outside(group_id: int, wave: Wave | None, audience: Mapping[str, Any], now: datetime) -> Select[Any]:
    """Whoever the wave could have had, and has no message of it."""
    if "waves" in audience:
        ids: Any = select(Recipient.constituent_id).where(Recipient.wave_id.in_(audience["waves"]))
    else:
        ids = _members(group_id, audience)
    agreed = Constituent.consented_at.is_not(None)
    bits = [
        (Flag.NUMBER_BAD, Constituent.number_bad_at.is_not(None)),
        (Flag.NO_CONSENT, not_(agreed)),
        (Flag.CONSENT_OLD, and_(agreed, not_(has_consent_clause(now)))),
        *_earlier(audience),
    ]
    if wave is not None:
        bits.append((Flag.PASSED, Constituent.id <= wave.planned_through))
        ids = ids.except_(select(Recipient.constituent_id).where(Recipient.wave_id == wave.id))
    return select(
        Constituent.id.label("person"),
        literal("", String).label("state"),
        cast(0, Integer).label("error_code"),
        _bits(bits).label("flags"),
        stop_of(Constituent.number_hash, group_id).label("stop"),
        literal("", String).label("zones"),
        _never().label("not_before"),
    ).where(Constituent.group_id == group_id, Constituent.erased_at.is_(None), Constituent.id.in_(ids))


def _members(group_id: int, audience: Mapping[str, Any]) -> Any:
    """The ids of everybody in the lists and frozen segments."""
    listed = select(ListMembership.constituent_id).where(ListMembership.list_id.in_(audience.get("lists", ())))
    found = []
    for tree in audience.get("trees", ()):
        person = aliased(Constituent)
        found.append(select(person.id).where(person.group_id == group_id, clause(tree, group_id, person)))
    if not found:
        return listed
    everybody = listed.union(*found).subquery()
    return select(everybody.c.constituent_id)


def _earlier(audience: Mapping[str, Any]) -> list[tuple[Flag, ColumnElement[bool]]]:
    """Whether an earlier wave reached them, and what they made of it (``audience.in_wave``)."""
    if "waves" not in audience:
        return []
    reached = exists().where(
        Recipient.constituent_id == Constituent.id,
        Recipient.wave_id.in_(audience["waves"]),
        Message.recipient_id == Recipient.id,
        Message.state.in_(REACHED),
    )
    said = and_(Reply.number_hash == Constituent.number_hash, Reply.gate_id.in_(audience["gates"]))
    welcome = exists().where(said, Reply.intent.not_in(UNWELCOME))
    return [
        (Flag.NOT_REACHED, not_(reached)),
        (Flag.WELCOME, welcome),
        (Flag.UNWELCOME, and_(exists().where(said), not_(welcome))),
    ]


def stop_of(number_hash: Any, group_id: int) -> ColumnElement[int]:
    """The place in STOPS of what suppresses a number for a group, NO_STOP where nothing does.

    In force is what ``consent.is_suppressed_clause`` says; a test holds the two together.
    """
    stop, start, said = aliased(Suppression), aliased(ConsentEvent), aliased(ConsentEvent)
    mine = start.group_id == group_id, start.number_hash == stop.number_hash
    started_later = exists().where(*mine, start.kind == "opt_in", start.at > stop.at)
    heard_here = exists().where(
        said.group_id == group_id, said.number_hash == stop.number_hash, said.kind == "opt_out", said.source == "reply"
    )
    own = case((heard_here, 0), else_=STOPS.index(OPTED_OUT_ELSEWHERE))
    others = [(stop.source == source, STOPS.index(code)) for source, code in SUPPRESSION_CODES.items()]
    place = select(func.min(case((stop.source == "person", own), *others, else_=NO_STOP))).where(
        stop.number_hash == number_hash,
        or_(stop.group_id.is_(None), stop.group_id == group_id),
        stop.lifted_at.is_(None),
        not_(and_(stop.source == "person", started_later)),
    )
    return func.coalesce(place.scalar_subquery(), NO_STOP)


def _bits(bits: Sequence[tuple[Flag, ColumnElement[bool]]]) -> ColumnElement[int]:
    return reduce(add, (case((condition, int(flag)), else_=0) for flag, condition in bits))


def _never() -> ColumnElement[Any]:
    return cast(null(), Message.not_before.type)
