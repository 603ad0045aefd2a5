"""What the pages of officials show: the list with its search, and everything known of one official."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final, NamedTuple

from sqlalchemy import func, or_, select
from sqlalchemy.orm import Session, selectinload

from outreach.escalations.models import Campaign
from outreach.officials.hostility import hostility_history
from outreach.officials.hostility_models import HostilityEvent
from outreach.officials.manual_models import ManualDocument
from outreach.officials.models import Meeting, Official, Promise
from outreach.officials.stances import Standing, standings_of
from outreach.web.promise_reads import LINE

ON_A_PAGE: Final = 25
LAST_PAGE: Final = 100_000
MOST_WORDS: Final = 8
SHOWN: Final = 50
MET: Final = ("id", "held_on", "outcome", "attendees", "staff_name", "staff_role")


class Page(NamedTuple):
    """A page of a list, as the pager takes it. ``number`` begins with 1."""

    number: int
    more: bool
    rows: Sequence[Any]


@dataclass(frozen=True, slots=True)
class OfficialPage:
    """What a group knows of one official. ``stances``: policy -> where they stand on it; lists: newest first."""

    official: Official
    stances: dict[int, Standing]
    hostility: HostilityEvent | None
    meetings: Sequence[Any]
    promises: Sequence[Any]
    campaigns: Sequence[Any]
    documents: Sequence[Any]


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
        select(*(getattr(Meeting, name) for name in MET))
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
    documents = session.execute(
        select(ManualDocument.id, ManualDocument.title)
        .where(ManualDocument.group_id == group_id, ManualDocument.official_id == official_id)
        .order_by(ManualDocument.id.desc())
        .limit(SHOWN)
    ).all()
    stances = standings_of(session, group_id, official_id)
    judged = hostility_history(session, group_id, official_id, most=1)
    hostility = judged[0] if judged else None
    return OfficialPage(official, stances, hostility, meetings, promises, campaigns, documents)
