"""What the wizard's pages show of a draft: the reads behind them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from config import table
from outreach.core.runtime import Runtime
from outreach.escalations.audience import Audience, count_audience, sample_people
from outreach.escalations.drafts import LANGUAGES, TEXTS, get_campaign, spoken_phone, text_values
from outreach.escalations.forecast import Forecast, forecast
from outreach.escalations.models import Campaign
from outreach.escalations.preview import Preview, preview
from outreach.officials.models import Meeting, Office, Official
from outreach.people.models import ContactList, ListMembership
from outreach.web.wizard_words import OFFICES


@dataclass(frozen=True, slots=True)
class Draft:
    """A draft with what it stands on. ``values``: per language, what its texts say the same to everybody."""

    campaign: Campaign
    official: Official
    meeting: Meeting
    offices: Sequence[Office]
    values: dict[str, dict[str, str]]
    lists: Sequence[Any]  # the chosen ones: id, name

    @property
    def office_phone(self) -> str:
        """As people dial it; empty when there is none."""
        return self.values["en"]["office_phone"]

    @property
    def list_ids(self) -> list[int]:
        """The chosen lists."""
        return [chosen.id for chosen in self.lists]

    def templates(self) -> dict[str, str]:
        """The saved texts and scripts."""
        return {field: getattr(self.campaign, field) for field in TEXTS}

    def previews(self, sample: str = "known") -> tuple[Preview, ...]:
        """The saved texts as a sample person would get them."""
        return preview(self.templates(), self.values, sample)


def read_draft(session: Session, group_id: int, campaign_id: int) -> Draft:
    """A campaign of this group, draft or not, for the wizard. Raises NotFoundError."""
    campaign = get_campaign(session, group_id, campaign_id)
    chosen = session.execute(
        select(ContactList.id, ContactList.name)
        .where(ContactList.group_id == group_id, ContactList.id.in_(campaign.audience.get("lists", [])))
        .order_by(ContactList.name)
    ).all()
    offices = session.execute(
        select(Office).where(Office.official_id == campaign.official_id).order_by(Office.phone.is_(None), Office.id)
    )
    return Draft(
        campaign=campaign,
        official=session.get_one(Official, campaign.official_id),
        meeting=session.get_one(Meeting, campaign.meeting_id),
        offices=offices.scalars().all(),
        values=text_values(session, campaign),
        lists=chosen,
    )


def lists_of(session: Session, group_id: int) -> Sequence[Any]:
    """The group's lists by name, with how many people each holds: id, name, people."""
    return session.execute(
        select(ContactList.id, ContactList.name, func.count(ListMembership.constituent_id).label("people"))
        .outerjoin(ListMembership, ListMembership.list_id == ContactList.id)
        .where(ContactList.group_id == group_id)
        .group_by(ContactList.id, ContactList.name)
        .order_by(ContactList.name)
    ).all()


def expect(session: Session, held: Runtime, draft: Draft) -> tuple[Audience, Forecast]:
    """Who will be texted now, and what that would take."""
    group_id, now = draft.campaign.group_id, held.clock.now()
    audience = count_audience(session, group_id, draft.list_ids, now)
    most = table("forecast")["sample"]
    people = {
        language: sample_people(session, held.vault, group_id, draft.list_ids, now, language=language, most=most)
        for language in audience.by_language()
    }
    texts = {language: getattr(draft.campaign, f"text_{language}") for language in LANGUAGES}
    return audience, forecast(audience.cohorts, texts, draft.values, people, now)


def office_words(office: Office) -> str:
    """An office in one line: its number as people dial it, kind and address."""
    kind = str(OFFICES.get(office.classification.lower(), office.classification))
    return ", ".join(part for part in (spoken_phone(office), kind, office.address) if part)
