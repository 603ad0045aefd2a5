"""What the wizard's pages show of a draft: the reads behind them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from outreach.core.crypto import Vault
from outreach.escalations.drafts import get_campaign, spoken_phone, templates_of, text_values
from outreach.escalations.launch import second_texts_of
from outreach.escalations.models import Campaign, Wave
from outreach.escalations.occasion import known_for, occasion_of
from outreach.escalations.preview import Preview, preview
from outreach.escalations.segments import Saved, segments_of
from outreach.messaging.tactics import CALLS
from outreach.officials.models import STANDS, Meeting, Office, Official
from outreach.people.caps import day_of
from outreach.people.models import ContactList, ListMembership
from outreach.web.campaign_words import GROUP_ZONE
from outreach.web.tactic_words import SCRIPT_PARTS
from outreach.web.wizard_words import OFFICES, PARTS


@dataclass(frozen=True, slots=True)
class Draft:
    """A draft with what it stands on. ``values``: per language, what its texts say the same to everybody."""

    campaign: Campaign
    official: Official
    meeting: Meeting
    offices: Sequence[Office]
    values: dict[str, dict[str, str]]
    lists: Sequence[Any]  # the chosen ones: id, name
    segments: Sequence[Saved]  # the chosen ones

    @property
    def office_phone(self) -> str:
        """As people dial it; empty when there is none."""
        return self.values["en"]["office_phone"]

    @property
    def office(self) -> Office | None:
        """The one that people will call."""
        return next((one for one in self.offices if one.id == self.campaign.office_id), None)

    @property
    def known(self) -> dict[str, Any]:
        """What is known of what people need to take part."""
        return known_for(occasion_of(self.campaign), self.official, self.office)

    @property
    def chosen(self) -> list[str]:
        """The names of the chosen lists and segments."""
        return [one.name for one in (*self.lists, *self.segments)]

    def templates(self) -> dict[str, str]:
        """The saved texts and scripts."""
        return templates_of(self.campaign)

    @property
    def speaks(self) -> bool:
        """Whether people call through us, and hear words read aloud before."""
        return self.campaign.tactic == CALLS

    @property
    def parts(self) -> dict[str, Any]:
        """What its texts are called."""
        return PARTS if self.speaks else {**PARTS, **SCRIPT_PARTS}

    @property
    def tries_two(self) -> bool:
        """Whether half of the people get a second text."""
        return len(second_texts_of(self.campaign)) > 0

    def previews(self, sample: str = "known") -> tuple[Preview, ...]:
        """The saved texts as a sample person would get them."""
        return preview(self.templates(), self.values, sample, self.campaign.tactic)


def read_draft(session: Session, vault: Vault, group_id: int, campaign_id: int) -> Draft:
    """A campaign of this group, draft or not, for the wizard. Raises NotFoundError."""
    campaign = get_campaign(session, group_id, campaign_id)
    chosen = session.execute(
        select(ContactList.id, ContactList.name)
        .where(ContactList.group_id == group_id, ContactList.id.in_(campaign.audience.get("lists", [])))
        .order_by(ContactList.name)
    ).all()
    ticked = campaign.audience.get("segments", [])
    offices = session.execute(
        select(Office)
        .where(Office.official_id == campaign.official_id, STANDS)
        .order_by(Office.phone.is_(None), Office.id)
    )
    return Draft(
        campaign=campaign,
        official=session.get_one(Official, campaign.official_id),
        meeting=session.get_one(Meeting, campaign.meeting_id),
        offices=offices.scalars().all(),
        values=text_values(session, campaign),
        lists=chosen,
        segments=[one for one in segments_of(session, vault, group_id) if one.id in ticked] if ticked else [],
    )


def lists_of(session: Session, group_id: int) -> Sequence[Any]:
    """The group's lists, newest first, with how many people each holds: id, name, people."""
    return session.execute(
        select(ContactList.id, ContactList.name, func.count(ListMembership.constituent_id).label("people"))
        .outerjoin(ListMembership, ListMembership.list_id == ContactList.id)
        .where(ContactList.group_id == group_id)
        .group_by(ContactList.id, ContactList.name)
        .order_by(ContactList.id.desc())
    ).all()


def texted_today(session: Session, group_id: int, now: datetime) -> dict[str, set[int]]:
    """``lists`` and ``segments`` of what was launched on the group's present day: most people have had their text."""
    began, _ = day_of((GROUP_ZONE.key,), now)
    waves = select(Wave.audience).where(Wave.group_id == group_id, Wave.launched_at >= began)
    audiences = session.execute(waves).scalars().all()
    return {kind: {one for found in audiences for one in found.get(kind, ())} for kind in ("lists", "segments")}


def office_words(office: Office) -> str:
    """An office in one line: its number as people dial it, kind and address."""
    kind = str(OFFICES.get(office.classification.lower(), office.classification))
    return ", ".join(part for part in (spoken_phone(office), kind, office.address) if part)
