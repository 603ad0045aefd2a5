"""Launch, pause, resume, cancel: the organizer's four levers. Each acts at once and can be pulled twice."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from sqlalchemy import select, update

from config import table
from outreach.accounts.audit import record_audit
from outreach.accounts.safety import check_alone
from outreach.core.db import Job, Transaction
from outreach.core.errors import BadInputError, ConflictError
from outreach.core.runtime import Runtime
from outreach.escalations.drafts import get_campaign, text_values
from outreach.escalations.ladder_facts import known_of_campaign
from outreach.escalations.lint import fold
from outreach.escalations.models import BEFORE_LAUNCH, STOOD_DOWN, Campaign, Wave
from outreach.escalations.occasion import event_at, missing, occasion_of
from outreach.escalations.pacing import begin_pacing
from outreach.escalations.segments import freeze
from outreach.messaging.gates import (
    ORGANIZER,
    cancel_messages,
    close_gate,
    gate_state,
    open_gate,
    pause_gate,
    resume_gate,
)
from outreach.messaging.models import Gate
from outreach.messaging.render import render
from outreach.messaging.spend_halts import check_resumable

LANGUAGE_NAMES = {"en": "English", "es": "Spanish"}
STOP_WORDS = {"en": ("STOP",), "es": ("ALTO", "STOP")}
PLAN_WAVE = "workers.campaigns.plan_wave"


def launch_campaign(
    tx: Transaction, runtime: Runtime, group_id: int, campaign_id: int, *, approved: bool = False
) -> Wave:
    """Freeze the audience and start planning. Of many at once one wins, the others get ConflictError; so does whoever
    is alone where the group asks for two, unless a second person has ``approved``.
    """
    if not approved:
        check_alone(tx, group_id)
    campaign = get_campaign(tx, group_id, campaign_id)
    won = tx.execute(
        update(Campaign)
        .where(Campaign.id == campaign_id, Campaign.group_id == group_id, Campaign.state.in_(BEFORE_LAUNCH))
        .values(state="launched", launch_at=None, launch_problem=None)
        .returning(Campaign.id)
    ).first()
    if won is None:
        raise ConflictError("campaign_not_draft", state=campaign.state)
    values = check_launch(tx, campaign, runtime.clock.now())
    gate = open_gate(
        tx, group_id=group_id, kind="wave", texts=texts_of(campaign), second=second_texts_of(campaign), values=values,
        clock=runtime.clock, tactic=campaign.tactic, event_at=event_of(campaign),
    )  # fmt: skip
    begin_pacing(tx, campaign, gate, runtime.clock.now())
    record_audit(tx, group_id=group_id, action="campaign_launched", subject=f"campaign:{campaign_id}")
    return open_wave(tx, runtime, campaign, 1, gate, freeze(tx, group_id, campaign.audience))


def open_wave(
    tx: Transaction, runtime: Runtime, campaign: Campaign, number: int, gate: Gate, audience: dict[str, Any]
) -> Wave:
    """A wave behind its gate, and the job that plans it."""
    wave = Wave(
        group_id=campaign.group_id,
        campaign_id=campaign.id,
        number=number,
        gate_id=gate.id,
        audience=audience,
        planned_through=0,
        woken_at=runtime.clock.real_now(),
        launched_at=runtime.clock.now(),
    )
    tx.add(wave)
    tx.flush()
    tx.enqueue(Job("campaigns", PLAN_WAVE, (wave.id,)))
    return wave


def check_launch(tx: Transaction, campaign: Campaign, at: datetime) -> dict[str, dict[str, str]]:
    """What would keep a campaign from being launched at a domain time raises BadInputError; returns the values of its
    texts.
    """
    if not (campaign.audience.get("lists") or campaign.audience.get("segments")):
        raise BadInputError("campaign_no_audience")
    values = text_values(tx, campaign)
    check_tactic(tx, campaign, at)
    second = second_texts_of(campaign)
    if second and set(second) != set(texts_of(campaign)):
        raise BadInputError("second_text_in_one_language")
    for texts in (texts_of(campaign), second):
        check_texts(texts, values)
    return values


def check_tactic(tx: Transaction, campaign: Campaign, at: datetime) -> None:
    """Everything that its tactic needs is known, and an event is still to come. Raises BadInputError."""
    for field, code in missing(campaign.tactic, known_of_campaign(tx, campaign), at).items():
        raise BadInputError(code, field=field)


def event_of(campaign: Campaign) -> datetime | None:
    """When the event begins that people are asked to come to; None for every tactic that has none."""
    rules = table("ladder")["tactics"].get(campaign.tactic, {})
    return event_at(occasion_of(campaign)) if rules.get("event") else None


def check_texts(texts: Mapping[str, str], values: Mapping[str, Mapping[str, str]]) -> None:
    """Each language's text can be rendered, names the group and says how to stop. Raises BadInputError."""
    for language, template in texts.items():
        check_first_text(render(template, values[language], {}, language), language, values[language]["group"])


def texts_of(campaign: Campaign) -> dict[str, str]:
    """Its text per language."""
    return {"en": campaign.text_en, "es": campaign.text_es}


def second_texts_of(campaign: Campaign) -> dict[str, str]:
    """The text that is tried against the first, per language; empty when none is."""
    texts = {"en": campaign.text_b_en, "es": campaign.text_b_es}
    return {language: text for language, text in texts.items() if text}


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
    if not sum(pause_gate(tx, gate_id, ORGANIZER) for gate_id in _gates(tx, campaign_id)):
        raise ConflictError("campaign_not_running")
    record_audit(tx, group_id=group_id, action="campaign_paused", subject=f"campaign:{campaign_id}")


def resume_campaign(tx: Transaction, group_id: int, campaign_id: int) -> None:
    """Go on after a pause or a halt, with every wave that stands still. Raises ConflictError when none does.

    One that was stopped for good, as a phone tree's may be, keeps nobody from going on with the others.
    """
    campaign = get_campaign(tx, group_id, campaign_id)
    if campaign.state != "launched":
        raise ConflictError("campaign_not_running")
    paused = [gate_id for gate_id in _gates(tx, campaign_id) if gate_state(tx, gate_id) == "paused"]
    if not paused:
        raise ConflictError("gate_not_paused")
    for gate_id in paused:
        resume_gate(tx, gate_id)
    record_audit(tx, group_id=group_id, action="campaign_resumed", subject=f"campaign:{campaign_id}")


def resume_checked(
    tx: Transaction, runtime: Runtime, group_id: int, campaign_id: int, *, by: str, is_admin: bool
) -> None:  # fmt: skip
    """``resume_campaign``, where it is not in vain and theirs to decide: ConflictError spend_cap_reached,
    unusual_needs_admin. Going on after either of these stands in the book.
    """
    get_campaign(tx, group_id, campaign_id)
    gates = _gates(tx, campaign_id)
    why = check_resumable(tx, runtime, group_id, gates, is_admin=is_admin)
    resume_campaign(tx, group_id, campaign_id)
    if why:
        record_audit(
            tx, group_id=group_id, actor=by, action="halt_resumed", subject=f"campaign:{campaign_id}",
            at=runtime.clock.real_now(), reasons=sorted(why),
        )  # fmt: skip


def cancel_campaign(runtime: Runtime, group_id: int, campaign_id: int) -> int:
    """Stop for good; returns how many texts were canceled. What was posted already is still reported on.

    Raises ConflictError (campaign_stood_down) where that has stopped it, and may be undone.
    """
    with runtime.db.transaction(durable=True) as tx:
        get_campaign(tx, group_id, campaign_id)
        # Of a stand-down and this at once, one is first: the campaign is held, and read anew.
        campaign = tx.get_one(Campaign, campaign_id, with_for_update={"key_share": True}, populate_existing=True)
        if campaign.state == STOOD_DOWN:
            raise ConflictError("campaign_stood_down")
        if campaign.state != "canceled":
            record_audit(
                tx, group_id=group_id, action="campaign_canceled", subject=f"campaign:{campaign_id}", was=campaign.state
            )
        campaign.state, campaign.launch_at = "canceled", None
        gates = _gates(tx, campaign_id)
        for gate_id in gates:
            close_gate(tx, gate_id, ORGANIZER)
    return sum(cancel_messages(runtime.db, gate_id, runtime.clock) for gate_id in gates)


def _gates(tx: Transaction, campaign_id: int) -> list[int]:
    """In the order in which whoever locks several locks them."""
    query = select(Wave.gate_id).where(Wave.campaign_id == campaign_id).order_by(Wave.gate_id)
    return list(tx.execute(query).scalars())
