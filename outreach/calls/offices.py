"""Offices changed or removed by hand, with an eye on the campaigns that call them."""

from __future__ import annotations

from sqlalchemy import select

from outreach.core.db import Transaction
from outreach.core.errors import ConflictError
from outreach.core.runtime import Runtime
from outreach.escalations.drafts import spoken_phone
from outreach.escalations.models import Campaign, Wave
from outreach.messaging.models import GateText
from outreach.officials.models import Office
from outreach.officials.offices import Given, edit_office, empty_office, get_office

CALLING = ("scheduled", "launched")


def change_office(tx: Transaction, runtime: Runtime, group_id: int, office_id: int, given: Given) -> Office:
    """Describe an office anew. Without a number nobody can call it, which is refused as removing it is. What campaigns
    that run still send and answer names the new number.

    Raises NotFoundError (office_unknown), ConflictError (office_in_campaign), and what ``office_values`` raises.
    """
    campaigns = _campaigns(tx, group_id, office_id)
    if not given.phone.strip():
        _check_not_called(campaigns)
    office = get_office(tx, group_id, office_id)
    edit_office(tx, runtime, office, given)
    _tell_number(tx, campaigns, office)
    return office


def remove_office(tx: Transaction, group_id: int, office_id: int) -> int:
    """Take an office off its official; drafts that were to call it must choose another. Returns the official's id.

    Raises NotFoundError (office_unknown) and ConflictError (office_in_campaign).
    """
    campaigns = _campaigns(tx, group_id, office_id)
    office = get_office(tx, group_id, office_id)
    _check_not_called(campaigns)
    for campaign in campaigns:
        if campaign.state == "draft":
            campaign.office_id = None
    empty_office(tx, office)
    return office.official_id


def _campaigns(tx: Transaction, group_id: int, office_id: int) -> list[Campaign]:
    """The campaigns that name an office, locked: whoever edits a draft locks it before its office, too."""
    query = select(Campaign).where(Campaign.group_id == group_id, Campaign.office_id == office_id)
    return list(tx.execute(query.order_by(Campaign.id).with_for_update()).scalars())


def _tell_number(tx: Transaction, campaigns: list[Campaign], office: Office) -> None:
    """Of what was frozen at the launch this alone is made anew: a wrong number in a script calls a stranger."""
    running = [campaign.id for campaign in campaigns if campaign.state == "launched"]
    texts = select(GateText).join(Wave, Wave.gate_id == GateText.gate_id).where(Wave.campaign_id.in_(running))
    for text in tx.execute(texts).scalars() if running else ():
        text.values = {**text.values, "office_phone": spoken_phone(office)}


def _check_not_called(campaigns: list[Campaign]) -> None:
    for campaign in campaigns:
        if campaign.state in CALLING:
            raise ConflictError("office_in_campaign", campaign=campaign.name)
