"""Further waves of a campaign: a reminder to those who have not replied, a follow-up to those who did."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, Final

from sqlalchemy import select
from sqlalchemy.orm import Session

from outreach.accounts.audit import record_audit
from outreach.accounts.safety import check_alone
from outreach.core.db import Transaction
from outreach.core.errors import BadInputError, ConflictError
from outreach.core.runtime import Runtime
from outreach.escalations.drafts import text_values
from outreach.escalations.launch import check_tactic, check_texts, event_of, open_wave
from outreach.escalations.models import Campaign, Wave
from outreach.escalations.pacing import begin_pacing
from outreach.escalations.revisions import lock_draft
from outreach.messaging.gates import open_gate
from outreach.messaging.render import check_template

SILENT: Final = "silent"
REPLIED: Final = "replied"
WHO: Final = (SILENT, REPLIED)
TREE: Final = "tree"
"""Whom the run of a phone tree texts: its own people."""
MOST: Final = 5
"""Waves of one campaign; more of them would be pestering."""
REST: Final = timedelta(days=1)
"""Between the launches of two waves of a campaign (domain time): people need their day to call."""


def launch_wave(
    tx: Transaction, runtime: Runtime, group_id: int, campaign_id: int, *, who: str, texts: Mapping[str, str],
    approved: bool = False,
) -> Wave:  # fmt: skip
    """Text those whom the campaign has reached once more: who is silent, or who has replied.

    The audience is what the earlier waves reached, looked at when the wave is planned, and for the silent again when
    each text goes out. Of several at once one wins. Raises NotFoundError, ConflictError (campaign_not_running,
    wave_too_soon, waves_too_many), BadInputError (wave_who_unknown, and what a text can have wrong).
    """
    if not approved:
        check_alone(tx, group_id)
    if who not in WHO:
        raise BadInputError("wave_who_unknown", who=who)
    campaign = lock_draft(tx, group_id, campaign_id)
    earlier = check_wave(tx, campaign, runtime.clock.now())
    check_tactic(tx, campaign, runtime.clock.now())
    values = check_again(tx, campaign, texts)
    audience = audience_after(earlier, who)
    gate = open_gate(
        tx, group_id=group_id, kind="wave", texts=texts, values=values, clock=runtime.clock,
        unless_replied=audience["gates"] if who == SILENT else (), tactic=campaign.tactic,
        event_at=event_of(campaign),
    )  # fmt: skip
    begin_pacing(tx, campaign, gate, runtime.clock.now())
    record_audit(
        tx,
        group_id=group_id,
        action="wave_launched",
        subject=f"campaign:{campaign_id}",
        who=who,
        number=earlier[-1].number + 1,
    )
    return open_wave(tx, runtime, campaign, earlier[-1].number + 1, gate, audience)


def check_again(tx: Transaction, campaign: Campaign, texts: Mapping[str, str]) -> dict[str, dict[str, str]]:
    """The values of a further wave's texts. Raises BadInputError for what they can have wrong."""
    values = text_values(tx, campaign)
    for template in texts.values():
        check_template(template)
    check_texts(texts, values)
    return values


def check_wave(tx: Session, campaign: Campaign, now: datetime) -> Sequence[Wave]:
    """The waves before a further one. Raises ConflictError when there can be none at this domain time."""
    if campaign.state != "launched":
        raise ConflictError("campaign_not_running")
    earlier = waves_of(tx, campaign.id)
    texts = [wave for wave in earlier if wave.audience.get("who") != TREE]  # whom a tree texts, each person's caps say
    if len(texts) >= MOST:
        raise ConflictError("waves_too_many", most=MOST)
    if texts and now < texts[-1].launched_at + REST:
        raise ConflictError("wave_too_soon", hours=int(REST.total_seconds() // 3600))
    return earlier


def audience_after(earlier: Sequence[Wave], who: str) -> dict[str, Any]:
    """The audience of a wave that follows these: ``in_wave`` makes its people of it."""
    return {"waves": [wave.id for wave in earlier], "gates": [wave.gate_id for wave in earlier], "who": who}


def waves_of(tx: Session, campaign_id: int) -> Sequence[Wave]:
    """A campaign's waves, first to last."""
    return tx.execute(select(Wave).where(Wave.campaign_id == campaign_id).order_by(Wave.number)).scalars().all()
