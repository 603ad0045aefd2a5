"""The agenda of a meeting with its talking points; a group begins with the words of ``config/meeting_words.toml``."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, NamedTuple

from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from config import table
from outreach.accounts.audit import record_audit
from outreach.core.db import Transaction
from outreach.core.errors import BadInputError, ConflictError
from outreach.officials.plan_models import PlanLine
from outreach.officials.plans import LONGEST, OPEN, get_plan

AUDIENCES: Final = ("elected", "police", "allies")
LAW: Final = 0
"""The "policy" of the talking point on state law: what to say to "we cannot"."""
WORDS_LENGTH: Final = 2_000
MOST_LINES: Final = 12
POLICE: Final = ("police", "sheriff", "marshal", "constable", "public safety", "jail")


class Line(NamedTuple):
    """A line of the agenda, or with ``policy`` a talking point."""

    words: str
    minutes: int | None = None
    constituent_id: int | None = None
    policy: int | None = None


def audience_for(role: str) -> str:
    """Whose introduction fits an official of this role. Pure."""
    return "police" if any(word in role.casefold() for word in POLICE) else "elected"


def first_agenda(language: str) -> list[Line]:
    """What a group begins with. Pure."""
    return [Line(row[language], row["minutes"]) for row in table("meeting_words")["agenda"]]


def first_points(language: str) -> dict[int, str]:
    """Talking points to begin with: each policy's summary, and what to say about the law. Pure."""
    points = {policy["number"]: policy["summary"][language] for policy in table("policies")["policies"]}
    return {LAW: table("meeting_words")["law"][language], **points}


def introduction(audience: str, language: str, group: str) -> str:
    """How a group introduces itself, as volunteers. Pure."""
    said: str = table("meeting_words")["introductions"][audience][language]
    return said.format(group=group)


def lines_of(session: Session, plan_id: int) -> Sequence[PlanLine]:
    """A plan's agenda and talking points, in their order."""
    query = select(PlanLine).where(PlanLine.plan_id == plan_id)
    return session.execute(query.order_by(PlanLine.place)).scalars().all()


def minutes_of(lines: Sequence[Line | PlanLine]) -> int:
    """How long the agenda takes. Pure."""
    return sum(line.minutes or 0 for line in lines if line.policy is None)


def set_lines(tx: Transaction, group_id: int, plan_id: int, version: int, lines: Sequence[Line]) -> None:
    """Put these in place of what was there. Raises NotFoundError, BadInputError, ConflictError (plan_changed)."""
    known = {LAW, *(policy["number"] for policy in table("policies")["policies"])}
    for line in lines:
        if not line.words.strip() or len(line.words) > WORDS_LENGTH:
            raise BadInputError("agenda_words", most=WORDS_LENGTH)
        if line.minutes is not None and not 0 <= line.minutes <= LONGEST:
            raise BadInputError("plan_minutes", least=0, most=LONGEST)
        if line.policy is not None and line.policy not in known:
            raise BadInputError("policy_unknown", policy=line.policy)
    if sum(line.policy is None for line in lines) > MOST_LINES:
        raise BadInputError("agenda_long", most=MOST_LINES)
    plan = get_plan(tx, group_id, plan_id, lock=True)
    if plan.state not in OPEN:
        raise ConflictError("plan_closed")
    if plan.version != version:
        raise ConflictError("plan_changed")
    plan.version += 1
    tx.execute(delete(PlanLine).where(PlanLine.plan_id == plan_id))
    tx.add_all(
        PlanLine(
            plan_id=plan_id, place=place, policy=line.policy, words=line.words.strip(), minutes=line.minutes,
            constituent_id=line.constituent_id,
        )
        for place, line in enumerate(lines)
    )  # fmt: skip
    tx.flush()
    record_audit(tx, group_id=group_id, action="agenda_changed", subject=f"meeting_plan:{plan_id}", lines=len(lines))
