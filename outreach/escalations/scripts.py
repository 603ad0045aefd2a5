"""The call script of the campaign that a person was texted for."""

from __future__ import annotations

from collections.abc import Mapping

from sqlalchemy import bindparam, select

from outreach.core.db import Transaction
from outreach.core.hot import Hot
from outreach.escalations.models import Campaign, Wave
from outreach.messaging.models import GateText
from outreach.messaging.render import render

SCRIPT = Hot(
    select(Campaign.script_en, Campaign.script_es, GateText.values)
    .join(Wave, Wave.campaign_id == Campaign.id)
    .join(GateText, GateText.gate_id == Wave.gate_id)
    .where(Wave.gate_id == bindparam("gate"), Campaign.state == "launched", GateText.language == bindparam("language"))
    .order_by(GateText.variant)
    .limit(1)
)
"""Made once: a person waits for it. The values of two texts that are tried are the same."""


def script_text(tx: Transaction, gate_id: int, person: Mapping[str, str], language: str) -> str | None:
    """The script in one language with what is known of the person; None when the gate is no campaign's, or it ended."""
    found = SCRIPT.first(tx, {"gate": gate_id, "language": language})
    if found is None:
        return None
    template = found.script_es if language == "es" else found.script_en
    return render(template, found.values, person, language, kind="script")
