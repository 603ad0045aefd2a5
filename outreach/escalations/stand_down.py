"""The official has committed: every campaign about them stops at once, and for a minute that can be undone.

In that minute the gates are paused by a reason of their own, so nothing is lost that undo would have to make again:
rows stay planned and held, steps of phone trees and follow-ups wait as behind any pause. After it, upkeep closes them
(``stand_down_end``). Calls and trees see what happened by the campaign's state.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Final, NamedTuple

from babel.lists import format_list
from sqlalchemy import select
from sqlalchemy.orm import Session

from config import table
from outreach.accounts.audit import record_audit
from outreach.accounts.safety import needs_two
from outreach.core.db import Transaction
from outreach.core.errors import BadInputError, ConflictError, NotFoundError
from outreach.core.runtime import Runtime
from outreach.escalations.drafts import policy_name, text_values
from outreach.escalations.launch import check_texts
from outreach.escalations.models import BEFORE_LAUNCH, STOOD_DOWN, Campaign, Wave
from outreach.escalations.stand_down_models import StandDown, StoodDown
from outreach.escalations.stand_down_rules import MINUTE, after
from outreach.messaging.gates import stand_gates_down, stand_gates_up
from outreach.messaging.render import check_template, printable
from outreach.officials.models import Official

STANDS: Final = (*BEFORE_LAUNCH, "launched")
"""States of campaigns that can be stood down."""
WHY_LENGTH: Final = 200


class Running(NamedTuple):
    """A campaign that would be stood down."""

    id: int
    name: str
    state: str
    policy: int


def usual_thanks() -> dict[str, str]:
    """The thank-you per language, where nobody writes another one."""
    return dict(table("message_templates/thanks")["text"])


def running_of(session: Session, group_id: int, official_id: int) -> list[Running]:
    """What a stand-down of an official would stop. Raises NotFoundError."""
    official = session.get(Official, official_id)
    if official is None or official.group_id != group_id:
        raise NotFoundError("official_unknown")
    rows = session.execute(
        select(Campaign.id, Campaign.name, Campaign.state, Campaign.policy)
        .where(Campaign.group_id == group_id, Campaign.official_id == official_id, Campaign.state.in_(STANDS))
        .order_by(Campaign.id)
    )
    return [Running(*row) for row in rows]


def stand_down(
    tx: Transaction,
    runtime: Runtime,
    group_id: int,
    official_id: int,
    *,
    by: str,
    why: str,
    campaign_ids: Sequence[int] | None = None,
    texts: Mapping[str, str] | None = None,
) -> StandDown:
    """Stop an official's campaigns, all of them or these; no slice passes after this has committed.

    ``texts``: the thank-you per language; None: nobody gets one. The transaction must be durable.

    Stopping never waits for a second person. Where a group wants two, nobody's own words leave with it: the usual
    thank-you does, or none.

    Raises NotFoundError (official_unknown), ConflictError (nothing_to_stand_down, thanks_need_two), BadInputError
    (stand_down_why, and what a text can have wrong).
    """
    why = printable(why)
    if not 1 <= len(why) <= WHY_LENGTH:
        raise BadInputError("stand_down_why", most=WHY_LENGTH)
    campaigns = _locked_campaigns(tx, group_id, official_id, campaign_ids)
    if texts is not None:
        if dict(texts) != usual_thanks() and needs_two(tx, group_id):
            raise ConflictError("thanks_need_two")
        check_thanks(tx, campaigns, texts)
    at = runtime.clock.real_now()
    made = StandDown(
        group_id=group_id, official_id=official_id, state="standing", why=why, begun_by=by[:120], begun_at=at,
        final_at=at + MINUTE, text_en=texts["en"] if texts else None, text_es=texts["es"] if texts else None,
    )  # fmt: skip
    tx.add(made)
    tx.flush()
    waves = select(Wave.gate_id, Wave.campaign_id).where(Wave.campaign_id.in_([one.id for one in campaigns]))
    of = dict(tx.execute(waves).all())
    before = stand_gates_down(tx, list(of))  # all of them at once: whoever locks several does it in one order
    for campaign in campaigns:
        mine = {str(gate_id): list(stood) for gate_id, stood in before.items() if of[gate_id] == campaign.id}
        tx.add(
            StoodDown(
                stand_down_id=made.id, campaign_id=campaign.id, state=campaign.state, launch_at=campaign.launch_at,
                gates=mine,
            )
        )  # fmt: skip
        campaign.state, campaign.launch_at = STOOD_DOWN, None
    record_audit(
        tx, group_id=group_id, actor=by, action="campaigns_stood_down", subject=f"stand_down:{made.id}", at=at,
        campaigns=[campaign.id for campaign in campaigns], why=why,
    )  # fmt: skip
    return made


def _locked_campaigns(
    tx: Transaction, group_id: int, official_id: int, campaign_ids: Sequence[int] | None
) -> list[Campaign]:
    """Whoever launches one, or sends a further text of one, has done so before this, or sees that it stands down."""
    wanted = {one.id for one in running_of(tx, group_id, official_id)}
    if campaign_ids is not None:
        wanted &= set(campaign_ids)
    rows = (
        select(Campaign)
        .where(Campaign.id.in_(wanted), Campaign.state.in_(STANDS))
        .order_by(Campaign.id)
        .with_for_update(key_share=True)
        .execution_options(populate_existing=True)
    )
    campaigns = list(tx.execute(rows).scalars())
    if not campaigns:
        raise ConflictError("nothing_to_stand_down")
    return campaigns


def check_thanks(session: Session, campaigns: Sequence[Campaign], texts: Mapping[str, str]) -> None:
    """Each language's text can be rendered, names the group and says how to stop. Raises BadInputError."""
    for template in texts.values():
        check_template(template)
    check_texts(texts, thanks_values(session, campaigns))


def thanks_values(session: Session, campaigns: Sequence[Campaign]) -> dict[str, dict[str, str]]:
    """What a thank-you says the same to everybody: of several campaigns every policy is named."""
    policies = sorted({campaign.policy for campaign in campaigns})
    return {
        language: {
            **values,
            "policy": format_list([policy_name(one, language, "text_name") for one in policies], locale=language),
        }
        for language, values in text_values(session, campaigns[0]).items()
    }


def undo_stand_down(tx: Transaction, runtime: Runtime, group_id: int, stand_down_id: int, *, by: str) -> StandDown:
    """Put every campaign and gate back as it was. The transaction must be durable.

    Raises NotFoundError, ConflictError (stand_down_final once its minute is over, stand_down_undone).
    """
    row = locked(tx, stand_down_id)
    if row is None or row.group_id != group_id:
        raise NotFoundError("stand_down_unknown")
    at = runtime.clock.real_now()
    target = after(row.state, "undo", at, row.final_at)
    if target is None:
        raise ConflictError("stand_down_undone" if row.state == "undone" else "stand_down_final")
    row.state, row.undone_by, row.ended_at = target, by[:120], at
    before: dict[int, tuple[str, str | None]] = {}
    for stood in stood_by(tx, stand_down_id):
        campaign = tx.get_one(Campaign, stood.campaign_id, with_for_update={"key_share": True}, populate_existing=True)
        if campaign.state == STOOD_DOWN:
            campaign.state, campaign.launch_at = stood.state, stood.launch_at
            before |= {int(gate_id): (str(one[0]), one[1]) for gate_id, one in stood.gates.items()}
    stand_gates_up(tx, before)
    record_audit(
        tx, group_id=group_id, actor=by, action="stand_down_undone", subject=f"stand_down:{row.id}", at=at
    )  # fmt: skip
    return row


def locked(tx: Transaction, stand_down_id: int) -> StandDown | None:
    """The row, held until the transaction ends."""
    query = select(StandDown).where(StandDown.id == stand_down_id).with_for_update(key_share=True)
    return tx.execute(query.execution_options(populate_existing=True)).scalar()


def stood_by(session: Session, stand_down_id: int) -> Sequence[StoodDown]:
    """The campaigns of a stand-down, in the order in which they are locked."""
    query = select(StoodDown).where(StoodDown.stand_down_id == stand_down_id).order_by(StoodDown.campaign_id)
    return session.execute(query).scalars().all()


def get_stand_down(session: Session, group_id: int, stand_down_id: int) -> StandDown:
    """A stand-down of this group. Raises NotFoundError."""
    row = session.get(StandDown, stand_down_id)
    if row is None or row.group_id != group_id:
        raise NotFoundError("stand_down_unknown")
    return row


def stand_down_of(session: Session, group_id: int, campaign_id: int) -> StandDown | None:
    """The newest stand-down of a campaign, undone or not."""
    query = (
        select(StandDown)
        .join(StoodDown, StoodDown.stand_down_id == StandDown.id)
        .where(StoodDown.campaign_id == campaign_id, StandDown.group_id == group_id)
        .order_by(StandDown.id.desc())
        .limit(1)
    )
    return session.execute(query).scalar()


def can_undo(row: StandDown, real_now: datetime) -> bool:
    """Whether its minute is not over yet."""
    return after(row.state, "undo", real_now, row.final_at) is not None
