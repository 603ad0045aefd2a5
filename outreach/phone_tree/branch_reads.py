"""How the people of a branch stand, as their captain sees it: first names, one word each, and who can be called now."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

import structlog
from sqlalchemy import and_, exists, select
from sqlalchemy.orm import Session

from outreach.calls.tree_calls import MOST_TO_MEMBER, rung_today
from outreach.core.errors import OutreachError
from outreach.core.runtime import Runtime
from outreach.escalations.audience import IN, reason_clause
from outreach.messaging.models import Message, Reply
from outreach.people.models import Constituent
from outreach.phone_tree.models import TreeRun, TreeSeat, TreeStep
from outreach.phone_tree.reads import NO_ANSWERS, status_of
from outreach.phone_tree.texting import hours_of

log = structlog.get_logger(__name__)

Standing = Literal["done", "answered", "texted", "asked", "waiting", "unable"]
"""Told how their call went; answered; texted; a captain of their own, whom we call; waits; cannot be texted."""
MemberCall = Literal["may", "asleep", "often", "no"]


@dataclass(frozen=True, slots=True)
class Member:
    """Somebody of a branch. ``first_name`` is empty where nobody knows it; ``call``: whether they can be called now."""

    seat_id: int
    constituent_id: int
    first_name: str
    standing: Standing
    answered: bool
    call: MemberCall


def branch_of(session: Session, runtime: Runtime, run: TreeRun, captains: Sequence[int]) -> list[Member]:
    """The people below these captains' seats, in their order."""
    now = runtime.clock.now()
    theirs = and_(Reply.number_hash == TreeSeat.number_hash, Reply.gate_id == run.gate_id)
    rows = session.execute(
        select(
            TreeSeat.id, TreeSeat.constituent_id, Constituent.sealed, Constituent.zones, Message.state,
            reason_clause(now).label("why"), TreeStep.ask_call_id,
            exists().where(theirs, Reply.intent.not_in(NO_ANSWERS)).label("answered"),
            exists().where(theirs, Reply.outcome.is_not(None), Reply.superseded.is_(False)).label("done"),
        )
        .join(Constituent, Constituent.id == TreeSeat.constituent_id)
        .outerjoin(TreeStep, TreeStep.seat_id == TreeSeat.id)
        .outerjoin(Message, Message.id == TreeSeat.message_id)
        .where(TreeSeat.parent_id.in_(captains))
        .order_by(TreeSeat.parent_id, TreeSeat.id)
    ).all()  # fmt: skip
    rung = rung_today(session, [row.constituent_id for row in rows], now)
    return [
        Member(
            row.id, row.constituent_id, _first_name(runtime, row.sealed), _standing(row), bool(row.answered),
            _can_call(row.why, rung[row.constituent_id], is_open=hours_of(row.zones, now).open),
        )
        for row in rows
    ]  # fmt: skip


def _first_name(runtime: Runtime, sealed: bytes) -> str:
    try:
        return " ".join(str(runtime.vault.open(sealed, "constituent").get("first_name") or "").split())
    except OutreachError as error:  # one damaged document must not hide the others
        log.error("member_not_opened", error=getattr(error, "code", type(error).__name__))
        return ""


def _standing(row: Any) -> Standing:
    """What they did goes before what can be done: why somebody cannot be texted is nobody's business here."""
    if row.done:
        return "done"
    if row.answered:
        return "answered"
    status = status_of(row.state, row.why, answered=False)
    if row.why != IN or status in {"missed", "excluded"}:
        return "unable"
    if status == "waiting":
        return "asked" if row.ask_call_id is not None else "waiting"
    return "texted"


def _can_call(why: str, rung: int, *, is_open: bool) -> MemberCall:
    if why != IN:
        return "no"
    if rung >= MOST_TO_MEMBER:
        return "often"
    return "may" if is_open else "asleep"
