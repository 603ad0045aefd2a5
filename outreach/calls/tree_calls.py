"""The calls of a phone tree: a captain is asked to lead, or is put through to somebody of their branch.

Of that somebody a session keeps which person it is and nothing else. Number and first name are read when a turn is
taken, from the person's own row; where the turn is kept for a request that comes twice, signs stand in their place.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, Final, NamedTuple
from xml.sax.saxutils import escape

import structlog
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from config import table
from outreach.calls.asking import CONTEXT, PLACE, opened
from outreach.calls.flow import EMPTY, Facts, Line, Status
from outreach.calls.models import MEMBER, CallLeg, CallSession
from outreach.calls.subject import CAMPAIGN, is_open
from outreach.core.db import Transaction
from outreach.core.errors import OutreachError
from outreach.core.runtime import Runtime
from outreach.escalations.audience import IN, reason_clause
from outreach.people.models import Constituent
from outreach.people.quiet_hours import window_anywhere
from outreach.people.zones import parse_zones_key

log = structlog.get_logger(__name__)

MOST_TO_MEMBER: Final = 3
"""So often in a day somebody's phone is rung by captains, of all trees together."""
MOST_BY_CAPTAIN: Final = 20
DAY: Final = timedelta(days=1)
NAME: Final = "%first name%"
NUMBER: Final = "%number%"
"""What stands in a kept turn for what is not kept."""


class Member(NamedTuple):
    """Somebody of a branch; ``first_name`` may be empty. ``why``: IN, or why they may not be called."""

    id: int
    first_name: str
    phone: str
    zones: tuple[str, ...]
    why: str


class Leader(NamedTuple):
    """A captain, or who stands in for one, as a call to them needs it. ``id``: of the constituent."""

    id: int
    group_id: int
    number_hash: bytes
    language: str
    phone: str


def begin(
    tx: Transaction, runtime: Runtime, leader: Leader, gate_id: int, source: str, about: Mapping[str, Any] | int
) -> int:
    """Note that a captain is to be called now; the session. Lock them first, and see that no call of theirs is live.

    ``about``: with source captain what they are asked, with source member who it is that they want to talk with.
    """
    now = runtime.clock.now()
    own = {"to": leader.phone, "known": {}, source: about}
    session = CallSession(
        group_id=leader.group_id, gate_id=gate_id, constituent_id=leader.id, number_hash=leader.number_hash,
        sealed=runtime.vault.seal(own, CONTEXT), language=leader.language, source=source, state="waiting",
        stage="greeting", office_ids=[], asked_at=now, not_before=now,
    )  # fmt: skip
    tx.add(session)
    tx.flush()
    tx.enqueue(PLACE)
    return session.id


def facts_of_captain(said: Mapping[str, Any], language: str) -> Facts:
    """The facts of a call that asks a captain, from the words that are sealed with it."""
    return Facts(
        said["group"], said["official"][language], said["policy"], dict(EMPTY), (), greeting="captain",
        people=said["count"],
    )  # fmt: skip


def facts_of_member(tx: Transaction, runtime: Runtime, session: CallSession, member_id: int) -> Facts:
    """The facts of a call to somebody of a branch: one line, theirs, as it is now, with signs for name and number.

    ``revealed`` puts in what the signs stand for. Lock the member as well (``others_of``): a STOP of theirs that has
    committed is seen.
    """
    campaign = CAMPAIGN.first(tx, {"gate": session.gate_id})
    status = _status_of(tx, session, member_of(tx, runtime, member_id), runtime.clock.now())
    line = Line(member_id, NAME, NUMBER, None, status)
    return Facts(campaign.name if campaign else "", "", dict(EMPTY), dict(EMPTY), (line,), greeting="member")


def revealed(
    tx: Transaction, runtime: Runtime, session: CallSession, member_id: int, said: str, language: str
) -> str | None:
    """A turn of such a call as it is said: with first name and number. None where nobody may be dialled any more."""
    member = member_of(tx, runtime, member_id)
    if NUMBER in said:
        if member is None or _status_of(tx, session, member, runtime.clock.now()) != "open":
            return None
        said = said.replace(NUMBER, member.phone)
    name = member.first_name if member else ""
    return said.replace(NAME, escape(name or table("call_words")["somebody"][language]))


def others_of(tx: Transaction, runtime: Runtime, session_id: int) -> list[bytes]:
    """Of a call to somebody of a branch: that person's number hash, to lock them beside the captain."""
    member_id = opened(runtime, tx.get_one(CallSession, session_id)).get(MEMBER)
    return list(tx.execute(select(Constituent.number_hash).where(Constituent.id == member_id)).scalars())


def member_of(session: Session, runtime: Runtime, member_id: int) -> Member | None:
    """Somebody of a branch as they are now; None for one who was erased."""
    why = reason_clause(runtime.clock.now()).label("why")
    query = select(Constituent.sealed, Constituent.zones, why)
    row = session.execute(query.where(Constituent.id == member_id, Constituent.erased_at.is_(None))).first()
    if row is None:
        return None
    try:
        known = runtime.vault.open(row.sealed, "constituent")
        name = " ".join(str(known.get("first_name") or "").split())
        return Member(member_id, name, known["phone"], parse_zones_key(row.zones), row.why)
    except (OutreachError, KeyError) as error:  # one person's bad row must not end the call without a word
        log.error("member_not_opened", error=getattr(error, "code", type(error).__name__))
        return None


def _status_of(tx: Session, session: CallSession, member: Member | None, now: datetime) -> Status:
    if member is None or member.why != IN or not is_open(tx, session.gate_id):
        return "gone"
    if rung_today(tx, [member.id], now, but=session.id)[member.id] >= MOST_TO_MEMBER:
        return "all_busy"
    return "open" if window_anywhere(member.zones, now).open else "closed"


def rung_today(session: Session, member_ids: Sequence[int], now: datetime, *, but: int = 0) -> Counter[int | None]:
    """How often these people were rung by captains within a day. ``but``: a session that does not count."""
    rung = select(CallLeg.member_id).where(
        CallLeg.member_id.in_(member_ids), CallLeg.begun_at > now - DAY, CallLeg.session_id != but
    )
    return Counter(session.execute(rung).scalars())


def asked_today(session: Session, number_hash: bytes, now: datetime) -> int:
    """How many calls to their people a captain has asked for within a day."""
    query = select(func.count()).where(
        CallSession.number_hash == number_hash, CallSession.source == MEMBER, CallSession.asked_at > now - DAY
    )
    return session.execute(query).scalar_one()
