"""What was won: the words for whoever answers, calls or looks after the official has committed."""

from __future__ import annotations

from collections.abc import Mapping

from sqlalchemy import bindparam, select
from sqlalchemy.orm import Session

from outreach.core.hot import Hot
from outreach.escalations.models import STOOD_DOWN, Campaign, Wave
from outreach.messaging.models import GateText

WON = Hot(
    select(GateText.language, GateText.values)
    .join(Wave, Wave.gate_id == GateText.gate_id)
    .join(Campaign, Campaign.id == Wave.campaign_id)
    .where(Wave.gate_id == bindparam("gate"), Campaign.state == STOOD_DOWN, GateText.variant == "a")
)


def what_was_won(session: Session, gate_id: int | None) -> dict[str, Mapping[str, str]] | None:
    """Per language who committed to what (group, official, policy); None unless the campaign was stood down."""
    rows = WON.all(session, {"gate": gate_id}) if gate_id is not None else ()
    return {row.language: row.values for row in rows} or None
