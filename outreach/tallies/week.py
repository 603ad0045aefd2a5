"""What this week has brought of each official: who got through to the office, what is overdue, how often evaded."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any, Final

from sqlalchemy import bindparam, exists, func, select
from sqlalchemy.orm import Session, aliased

from outreach.core.clock import Clock
from outreach.escalations.models import Campaign, Wave
from outreach.messaging.models import Reply
from outreach.messaging.tactics import CALLS
from outreach.officials.models import Official, Promise, Stance
from outreach.officials.promises import is_overdue
from outreach.people.models import Constituent
from outreach.people.segment_models import District
from outreach.tallies.periods import day_of, since_of

NOT_THROUGH: Final = frozenset({"mailbox_full", "no_answer", "busy"})
"""Outcomes after which the office knows nothing of it."""
Later = aliased(Stance)
_WORD = re.compile(r"[^\W_]+")
_REPORTED: Any = (
    select(Campaign.official_id, Campaign.tactic, Reply.number_hash, Constituent.zip)
    .select_from(Reply)
    .join(Wave, Wave.gate_id == Reply.gate_id)
    .join(Campaign, Campaign.id == Wave.campaign_id)
    .outerjoin(
        Constituent, (Constituent.group_id == Reply.group_id) & (Constituent.number_hash == Reply.number_hash)
    )
    .where(
        Reply.group_id == bindparam("group"), Reply.received_at >= bindparam("since", type_=Reply.received_at.type),
        Reply.outcome.is_not(None), Reply.superseded.is_(False), Reply.outcome.not_in(NOT_THROUGH),
    )
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Reached:
    """``callers`` are different people whose call reached the office, ``others`` those who wrote or came;
    ``neighbors``: of both who live in the official's own district, None where the group has not entered it.
    """

    callers: int = 0
    others: int = 0
    neighbors: int | None = None


@dataclass(frozen=True, slots=True)
class Week:
    """An official's week: who got through, promises overdue now, and evasions in all meetings so far."""

    official_id: int
    name: str
    role: str
    reached: Reached
    overdue: int
    evaded: int

    @property
    def heard(self) -> int:
        """Callers, and those who wrote or came; somebody who did both is in both."""
        return self.reached.callers + self.reached.others

    @property
    def is_news(self) -> bool:
        """Whether it is for everybody to see: an evasion of old is none."""
        return bool(self.heard or self.overdue)


NOBODY: Final = Reached()


def weeks(
    session: Session, group_id: int, clock: Clock, reached: Mapping[int, Reached], official_id: int | None = None
) -> list[Week]:
    """Of one official or of all of whom there is news, who heard most first. ``reached``: as ``count_reached`` says."""
    overdue = overdue_promises(session, group_id, day_of(clock.now()))
    evaded = evasions(session, group_id)
    officials = select(Official.id, Official.name, Official.role).where(Official.group_id == group_id)
    chosen = sorted(set(reached) | set(overdue)) if official_id is None else [official_id]
    found = [
        Week(row.id, row.name, row.role, reached.get(row.id, NOBODY), overdue.get(row.id, 0),
             evaded.get(row.id, 0))
        for row in session.execute(officials.where(Official.id.in_(chosen)))
    ]  # fmt: skip
    return sorted(found, key=lambda week: (-week.heard, -week.overdue, -week.evaded, week.name))


def count_reached(session: Session, group_id: int, clock: Clock) -> dict[int, Reached]:
    """Who got through this week, by official, where anybody did. It reads each of the week's reports."""
    since = since_of("week", clock.now())
    assert since is not None  # noqa: S101  a week has a beginning
    told: dict[int, list[Any]] = {}
    for row in session.execute(_REPORTED, {"group": group_id, "since": clock.real_at(since)}):
        told.setdefault(row.official_id, []).append(row)
    officials = select(Official.id, Official.district, Official.jurisdiction).where(Official.id.in_(sorted(told)))
    districts = session.execute(select(District.name, District.zips).where(District.group_id == group_id)).all()
    found = {}
    for official in session.execute(officials):
        entered = ((one.name, one.zips) for one in districts)
        found[official.id] = _reached(told[official.id], own_zips(official.district, official.jurisdiction, entered))
    return found


def _reached(told: Sequence[Any], zips: frozenset[str] | None) -> Reached:
    callers = {row.number_hash for row in told if row.tactic == CALLS}
    others = {row.number_hash for row in told if row.tactic != CALLS}
    neighbors = None if zips is None else len({row.number_hash for row in told if row.zip in zips})
    return Reached(len(callers), len(others), neighbors)


def overdue_promises(session: Session, group_id: int, today: date) -> dict[int, int]:
    """How many promises of each official are overdue: their day has passed, and nobody has kept or broken them."""
    rows = select(Promise.official_id, func.count()).where(Promise.group_id == group_id, is_overdue(today))
    return {row[0]: int(row[1]) for row in session.execute(rows.group_by(Promise.official_id))}


def evasions(session: Session, group_id: int) -> dict[int, int]:
    """How many of each official's answers were evasions; what was corrected since is none."""
    corrected = exists().where(Later.corrects_id == Stance.id)
    rows = select(Stance.official_id, func.count()).where(
        Stance.group_id == group_id, Stance.answer == "evaded", ~corrected
    )
    return {row[0]: int(row[1]) for row in session.execute(rows.group_by(Stance.official_id))}


def own_zips(
    district: str | None, jurisdiction: str | None, districts: Iterable[tuple[str, Sequence[str]]]
) -> frozenset[str] | None:
    """The ZIPs of an official's district among those that the group has entered; None where it is not there. Pure.

    A district is known by its name: "3", "District 3", "Mesa 3" or "Mesa, District 3" for district 3 of Mesa; and for
    somebody without a district, a mayor for one, by the place: "Mesa". The fullest name wins.
    """
    place = _words(jurisdiction)
    own = [word for word in _words(district) if word not in {"district", "ward"}]
    if own:
        wanted = [[*place, *own], own]
    elif place:
        wanted = [place]
    else:
        return None
    named = {
        tuple(word for word in _words(name) if not own or word not in {"district", "ward"}): zips
        for name, zips in districts
    }
    found = next((named[tuple(words)] for words in wanted if tuple(words) in named), None)
    return None if found is None else frozenset(found)


def _words(text: str | None) -> list[str]:
    return _WORD.findall((text or "").casefold())
