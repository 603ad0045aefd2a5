"""The call script of the campaign that a person was texted for."""

from __future__ import annotations

from collections.abc import Mapping

from sqlalchemy import select

from outreach.core.db import Transaction
from outreach.escalations.models import Campaign, Wave
from outreach.messaging.models import GateText
from outreach.messaging.render import render


def script_text(tx: Transaction, gate_id: int, person: Mapping[str, str], language: str) -> str | None:
    """The script in one language with what is known of the person; None when the gate is no campaign's, or it ended."""
    campaign = tx.execute(
        select(Campaign)
        .join(Wave, Wave.campaign_id == Campaign.id)
        .where(Wave.gate_id == gate_id, Campaign.state == "launched")
    ).scalar()
    values = tx.execute(
        select(GateText.values).where(GateText.gate_id == gate_id, GateText.language == language)
    ).scalar()
    if campaign is None or values is None:
        return None
    template = campaign.script_es if language == "es" else campaign.script_en
    return render(template, values, person, language, kind="script")
