"""What the pages of officials show: the list with its search, and everything known of one official."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final, NamedTuple

from sqlalchemy import func, or_, select
from sqlalchemy.orm import Session, selectinload

from outreach.escalations.models import Campaign
from outreach.officials.models import Meeting, Official, Promise, Stance
from outreach.web.promise_reads import LINE

ON_A_PAGE: Final = 25
LAST_PAGE: Final = 100_000
MOST_WORDS: Final = 8
SHOWN: Final = 50


class Page(NamedTuple):
    """A page of a list, as the pager takes it. ``number`` begins with 1."""

    number: int
    more: bool
    rows: Sequence[Any]


@dataclass(frozen=True, slots=True)
class OfficialPage:
    """What a group knows of one official. ``stances``: policy -> what was heard, newest first, as are the lists."""

    official: Official
    stances: dict[int, list[Any]]
    meetings: Sequence[Any]
    promises: Sequence[Any]
    campaigns: Sequence[Any]


def find_official(session: Session, group_id: int, official_id: int) -> Official | None:
    """An official of this group with the offices, or None."""
    query = select(Official).where(Official.id == official_id, Official.group_id == group_id)
    return session.execute(query.options(selectinload(Official.offices))).scalar_one_or_none()


def list_officials(session: Session, group_id: int, wanted: str, number: int) -> Page:
    """A page of the group's officials; each word of ``wanted`` stands in the name, the role or the jurisdiction.

    Rows: id, name, role, jurisdiction, district, and the day of the last meeting.
    """
    number = min(max(number, 1), LAST_PAGE)
    last_met = select(func.max(Meeting.held_on)).where(
        Meeting.official_id == Official.id, Meeting.outcome != "no_meeting"
    )
    query = (
        select(
            Official.id, Official.name, Official.role, Official.jurisdiction, Official.district,
            last_met.scalar_subquery().label("last_met"),
        )
        .where(Official.group_id == group_id)
        .order_by(func.lower(Official.name), Official.id)
        .offset((number - 1) * ON_A_PAGE)
        .limit(ON_A_PAGE + 1)
    )  # fmt: skip
    for word in wanted.split()[:MOST_WORDS]:
        places = (Official.name, Official.role, Official.jurisdiction)
        query = query.where(or_(*(place.icontains(word, autoescape=True) for place in places)))
    rows = session.execute(query).all()
    return Page(number, len(rows) > ON_A_PAGE, rows[:ON_A_PAGE])


def official_page(session: Session, group_id: int, official_id: int) -> OfficialPage | None:
    """Everything for one official's page, or None when this group has no such official."""
    official = find_official(session, group_id, official_id)
    if official is None:
        return None
    meetings = session.execute(
        select(Meeting.id, Meeting.held_on, Meeting.outcome, Meeting.attendees)
        .where(Meeting.group_id == group_id, Meeting.official_id == official_id)
        .order_by(Meeting.held_on.desc(), Meeting.id.desc())
        .limit(SHOWN)
    ).all()
    promises = session.execute(
        select(*LINE, Promise.meeting_id, Meeting.held_on)
        .join(Meeting, Meeting.id == Promise.meeting_id)
        .where(Promise.group_id == group_id, Promise.official_id == official_id)
        .order_by(Meeting.held_on.desc(), Promise.id.desc())
        .limit(SHOWN)
    ).all()
    campaigns = session.execute(
        select(Campaign.id, Campaign.name, Campaign.state)
        .where(Campaign.group_id == group_id, Campaign.official_id == official_id)
        .order_by(Campaign.id.desc())
        .limit(SHOWN)
    ).all()
    return OfficialPage(official, _stances(session, group_id, official_id), meetings, promises, campaigns)


def _stances(session: Session, group_id: int, official_id: int) -> dict[int, list[Any]]:
    """By the day it was said, not the day it was typed in: a meeting logged late does not become the newest."""
    said = session.execute(
        select(Stance.policy, Stance.answer, Stance.basis, Stance.meeting_id, Meeting.held_on)
        .join(Meeting, Meeting.id == Stance.meeting_id)
        .where(Stance.group_id == group_id, Stance.official_id == official_id)
        .order_by(Meeting.held_on.desc(), Stance.id.desc())
    ).all()
    by_policy: dict[int, list[Any]] = {}
    for stance in said:
        by_policy.setdefault(stance.policy, []).append(stance)
    return by_policy
