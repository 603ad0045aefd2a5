"""Launch, pause, resume, cancel: the organizer's four levers. Each acts at once and can be pulled twice."""

from __future__ import annotations

import re

from sqlalchemy import select, update

from outreach.core.db import Job, Transaction
from outreach.core.errors import BadInputError, ConflictError
from outreach.core.runtime import Runtime
from outreach.escalations.drafts import get_campaign, text_values
from outreach.escalations.lint import fold
from outreach.escalations.models import Campaign, Wave
from outreach.messaging.gates import cancel_messages, close_gate, open_gate, pause_gate, resume_gate
from outreach.messaging.render import render

LANGUAGE_NAMES = {"en": "English", "es": "Spanish"}
STOP_WORDS = {"en": ("STOP",), "es": ("ALTO", "STOP")}
PLAN_WAVE = "workers.campaigns.plan_wave"


def launch_campaign(tx: Transaction, runtime: Runtime, group_id: int, campaign_id: int) -> Wave:
    """Freeze the audience and start planning. Of many at once one wins, the others get ConflictError."""
    campaign = get_campaign(tx, group_id, campaign_id)
    won = tx.execute(
        update(Campaign)
        .where(Campaign.id == campaign_id, Campaign.group_id == group_id, Campaign.state == "draft")
        .values(state="launched")
        .returning(Campaign.id)
    ).first()
    if won is None:
        raise ConflictError("campaign_not_draft", state=campaign.state)
    if not campaign.audience.get("lists"):
        raise BadInputError("campaign_no_audience")
    values = text_values(tx, campaign)
    if not values["en"]["office_phone"]:
        raise BadInputError("campaign_no_office_phone")
    texts = {"en": campaign.text_en, "es": campaign.text_es}
    for language, template in texts.items():
        check_first_text(render(template, values[language], {}, language), language, values[language]["group"])
    gate = open_gate(tx, group_id=group_id, kind="wave", texts=texts, values=values, clock=runtime.clock)
    wave = Wave(
        group_id=group_id,
        campaign_id=campaign_id,
        number=1,
        gate_id=gate.id,
        audience=campaign.audience,
        planned_through=0,
        woken_at=runtime.clock.real_now(),
        launched_at=runtime.clock.now(),
    )
    tx.add(wave)
    tx.flush()
    tx.enqueue(Job("campaigns", PLAN_WAVE, (wave.id,)))
    return wave


def check_first_text(text: str, language: str, group: str) -> None:
    """Every first text names the group and how to stop (COMPLIANCE.md). Raises BadInputError."""
    if fold(group) not in fold(text):
        raise BadInputError("text_without_group", language=LANGUAGE_NAMES[language], group=group)
    if not any(re.search(rf"\b{word}\b", text, re.IGNORECASE) for word in STOP_WORDS[language]):
        raise BadInputError(
            "text_without_stop", language=LANGUAGE_NAMES[language], words=" / ".join(STOP_WORDS[language])
        )


def pause_campaign(tx: Transaction, group_id: int, campaign_id: int) -> None:
    """No slice passes after this has committed. Raises ConflictError when nothing was open."""
    get_campaign(tx, group_id, campaign_id)
    if not sum(pause_gate(tx, gate_id, "organizer") for gate_id in _gates(tx, campaign_id)):
        raise ConflictError("campaign_not_running")


def resume_campaign(tx: Transaction, group_id: int, campaign_id: int) -> None:
    """Go on after a pause or a halt. Raises ConflictError for a campaign that is not paused."""
    campaign = get_campaign(tx, group_id, campaign_id)
    if campaign.state != "launched":
        raise ConflictError("campaign_not_running")
    for gate_id in _gates(tx, campaign_id):
        resume_gate(tx, gate_id)


def cancel_campaign(runtime: Runtime, group_id: int, campaign_id: int) -> int:
    """Stop for good; returns how many texts were canceled. What was posted already is still reported on."""
    with runtime.db.transaction(durable=True) as tx:
        campaign = get_campaign(tx, group_id, campaign_id)
        campaign.state = "canceled"
        gates = _gates(tx, campaign_id)
        for gate_id in gates:
            close_gate(tx, gate_id, "organizer")
    return sum(cancel_messages(runtime.db, gate_id, runtime.clock) for gate_id in gates)


def _gates(tx: Transaction, campaign_id: int) -> list[int]:
    return list(tx.execute(select(Wave.gate_id).where(Wave.campaign_id == campaign_id)).scalars())
