"""Choosing a draft's tactic and tone, and the next rung of a campaign. Nobody's own words are lost by it."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, Final, Literal

from sqlalchemy import func, select

from outreach.accounts.audit import record_audit
from outreach.core.db import Transaction
from outreach.core.errors import BadInputError, ConflictError, NotFoundError
from outreach.core.runtime import Runtime
from outreach.escalations.drafts import NAME_LENGTH, SECOND_TEXTS, draft_from_meeting
from outreach.escalations.ladder import Suggestion
from outreach.escalations.ladder_facts import suggestions_for
from outreach.escalations.models import Campaign
from outreach.escalations.occasion import check_occasion
from outreach.escalations.revisions import draft_version, lock_draft
from outreach.escalations.wording import TACTICS, TONES, WORDS, edited_fields, tone_of, words_for
from outreach.officials.models import Meeting

CHOICE: Final = ("tactic", "tone", *WORDS, *SECOND_TEXTS)
"""The fields of a draft that choosing a tactic reads and may change."""
OCCASION: Final = ("tactic", "occasion")
MOST_KEPT: Final = 10
NUMBERED: Final = re.compile(r" \(\d+\)$")
"""How the name of a next rung ends."""
Edited = Literal["ask", "keep", "replace"]
"""What becomes of words that somebody has edited: nothing without asking; they stay; they are kept aside."""


def choose_tactic(
    tx: Transaction,
    runtime: Runtime,
    group_id: int,
    campaign_id: int,
    *,
    tactic: str,
    tone: str,
    by: str,
    edited: Edited = "ask",
    version: str | None = None,
) -> Campaign:
    """Give a draft another tactic or tone; the usual words of it stand wherever nobody has written their own.

    ``version``: of ``CHOICE`` as it was read; None: whatever it is. Raises NotFoundError, ConflictError
    (campaign_not_draft, draft_changed, words_edited where ``edited`` is ask), BadInputError (tactic_unknown,
    tone_unknown).
    """
    if tactic not in TACTICS:
        raise BadInputError("tactic_unknown", known=", ".join(TACTICS))
    if tone not in TONES:
        raise BadInputError("tone_unknown", known=", ".join(TONES))
    campaign = _draft(tx, group_id, campaign_id)
    if (campaign.tactic, tone_of(campaign.tone)) == (tactic, tone):
        return campaign
    if version is not None and draft_version(campaign, CHOICE) != version:
        raise ConflictError("draft_changed")
    outcome = tx.get_one(Meeting, campaign.meeting_id).outcome
    own = own_words(campaign, outcome)
    if own and edited == "ask":
        raise ConflictError("words_edited", fields=", ".join(own))
    if own and edited == "replace":
        _keep(campaign, own, by, runtime)
    usual = words_for(tactic, tone, outcome)
    for field in WORDS:
        if edited == "replace" or field not in own:
            setattr(campaign, field, usual[field])
    if edited == "replace":
        campaign.text_b_en = campaign.text_b_es = None
    campaign.tactic, campaign.tone = tactic, tone
    _note(tx, runtime, campaign, by, "tactic_chosen", tactic=tactic, tone=tone)
    return campaign


def bring_back(
    tx: Transaction, runtime: Runtime, group_id: int, campaign_id: int, number: int, *, by: str, version: str
) -> Campaign:
    """Put kept words back, with the tactic and tone they were for; words that somebody has edited since are kept.

    ``number``: their place in ``kept_words``. Raises NotFoundError, ConflictError.
    """
    campaign = _draft(tx, group_id, campaign_id)
    if draft_version(campaign, CHOICE) != version:
        raise ConflictError("draft_changed")
    kept = list(campaign.kept_words or ())
    if not 0 <= number < len(kept):
        raise NotFoundError("kept_words_unknown")
    wanted = kept.pop(number)
    campaign.kept_words = kept
    outcome = tx.get_one(Meeting, campaign.meeting_id).outcome
    own = own_words(campaign, outcome)
    if own:
        _keep(campaign, own, by, runtime)
    words: Mapping[str, str | None] = {**words_for(wanted["tactic"], wanted["tone"], outcome), **wanted["words"]}
    for field in (*WORDS, *SECOND_TEXTS):
        setattr(campaign, field, words.get(field))
    campaign.tactic, campaign.tone = wanted["tactic"], wanted["tone"]
    _note(tx, runtime, campaign, by, "words_brought_back", tactic=campaign.tactic, tone=campaign.tone)
    return campaign


def own_words(campaign: Campaign, outcome: str) -> tuple[str, ...]:
    """The fields of a draft in which somebody's own words stand, a second text among them."""
    words = {field: getattr(campaign, field) for field in WORDS}
    second = tuple(field for field in SECOND_TEXTS if getattr(campaign, field))
    return (*edited_fields(words, campaign.tactic, campaign.tone, outcome), *second)


def set_occasion(
    tx: Transaction,
    runtime: Runtime,
    group_id: int,
    campaign_id: int,
    given: Mapping[str, Any],
    *,
    version: str | None = None,
) -> Campaign:
    """Note what people must know to take part (``check_occasion``).

    Raises its BadInputErrors, NotFoundError, ConflictError (campaign_not_draft, draft_changed).
    """
    campaign = _draft(tx, group_id, campaign_id)
    kept = check_occasion(campaign.tactic, given, runtime.clock.now())
    before = draft_version(campaign, OCCASION)
    campaign.occasion = kept or None
    if version is not None and before not in {version, draft_version(campaign, OCCASION)}:
        raise ConflictError("draft_changed")  # the transaction ends here, and with it the edit
    return campaign


def next_suggestion(tx: Transaction, runtime: Runtime, campaign: Campaign) -> Suggestion | None:
    """The first suggestion that is another tactic than the campaign's; None: there is none but its own."""
    outcome = tx.get_one(Meeting, campaign.meeting_id).outcome
    found = suggestions_for(tx, campaign, outcome, runtime.clock.now())
    return next((one for one in found if one.tactic != campaign.tactic), None)


def draft_next(
    tx: Transaction, runtime: Runtime, group_id: int, campaign_id: int, *, by: str, tactic: str | None = None
) -> Campaign:
    """A draft of the next rung out of the same meeting, with the same audience; pressed twice, the first one's.

    ``tactic``: another one than is suggested. Raises NotFoundError, ConflictError (campaign_not_launched,
    no_next_rung), BadInputError (tactic_unknown).
    """
    campaign = lock_draft(tx, group_id, campaign_id)
    if campaign.state not in {"launched", "canceled"}:
        raise ConflictError("campaign_not_launched")
    waiting = select(Campaign).where(Campaign.predecessor_id == campaign_id, Campaign.state == "draft")
    found = tx.execute(waiting.order_by(Campaign.id)).scalars().first()
    if found is not None:
        return found
    if tactic is not None and tactic not in TACTICS:
        raise BadInputError("tactic_unknown", known=", ".join(TACTICS))
    chosen = next_suggestion(tx, runtime, campaign)
    if tactic is not None:
        chosen = Suggestion(tactic, chosen.tone if chosen else tone_of(campaign.tone), ())
    if chosen is None:
        raise ConflictError("no_next_rung")
    draft = draft_from_meeting(tx, runtime, tx.get_one(Meeting, campaign.meeting_id), chosen=chosen)
    if draft is None:
        raise ConflictError("no_next_rung")
    draft.predecessor_id, draft.policy, draft.office_id = campaign.id, campaign.policy, campaign.office_id
    draft.audience, draft.created_by, draft.name = _audience(campaign), by, _next_name(tx, campaign)
    tx.flush()
    _note(tx, runtime, draft, by, "next_rung_drafted", tactic=draft.tactic, after=campaign.id)
    return draft


def _next_name(tx: Transaction, campaign: Campaign) -> str:
    """The name of the rung below, and which campaign of its meeting this is: lists show names alone."""
    of_meeting = select(func.count()).where(Campaign.meeting_id == campaign.meeting_id)
    which = f" ({tx.execute(of_meeting).scalar_one()})"
    return NUMBERED.sub("", campaign.name)[: NAME_LENGTH - len(which)] + which


def _audience(campaign: Campaign) -> dict[str, Any]:
    """The lists and segments of a draft; what was frozen at the launch is frozen anew."""
    chosen = {"segments": campaign.audience["segments"]} if campaign.audience.get("segments") else {}
    return {"lists": list(campaign.audience.get("lists", [])), **chosen}


def _draft(tx: Transaction, group_id: int, campaign_id: int) -> Campaign:
    campaign = lock_draft(tx, group_id, campaign_id)
    if campaign.state != "draft":
        raise ConflictError("campaign_not_draft", state=campaign.state)
    return campaign


def _keep(campaign: Campaign, fields: tuple[str, ...], by: str, runtime: Runtime) -> None:
    aside = {
        "tactic": campaign.tactic, "tone": tone_of(campaign.tone), "by": by, "at": runtime.clock.now().isoformat(),
        "words": {field: getattr(campaign, field) for field in fields},
    }  # fmt: skip
    campaign.kept_words = [*(campaign.kept_words or ()), aside][-MOST_KEPT:]


def _note(tx: Transaction, runtime: Runtime, campaign: Campaign, by: str, action: str, **details: object) -> None:
    record_audit(
        tx, group_id=campaign.group_id, actor=by, action=action, subject=f"campaign:{campaign.id}",
        at=runtime.clock.real_now(), **details,
    )  # fmt: skip
