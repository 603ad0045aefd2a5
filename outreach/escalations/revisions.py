"""Editing a draft that somebody else may be editing too: what was read has a version, which is checked on writing."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any, Final

from sqlalchemy import select

from outreach.core.db import Transaction
from outreach.core.errors import BadInputError, ConflictError
from outreach.core.runtime import Runtime
from outreach.escalations.drafts import SECOND_TEXTS, TEXTS, edit_draft, get_campaign, templates_of, text_values
from outreach.escalations.launch import launch_campaign
from outreach.escalations.models import Campaign, Wave
from outreach.escalations.preview import preview, stops
from outreach.escalations.schedule import schedule_launch
from outreach.escalations.spoken import SPOKEN

ABOUT: Final = ("name", "policy", "office_id", "pacing")
AUDIENCE: Final = ("audience",)
EVERYTHING: Final = (*ABOUT, *AUDIENCE, *TEXTS, *SECOND_TEXTS, *SPOKEN, "tactic", "tone", "occasion")
"""The fields of a draft that are edited, and may clash, together."""


def draft_version(campaign: Campaign, fields: Iterable[str]) -> str:
    """A token of the content of these fields: equal content, equal token."""
    content = {field: getattr(campaign, field) for field in fields}
    return hashlib.sha256(json.dumps(content, sort_keys=True).encode("utf-8", "surrogatepass")).hexdigest()[:24]


def revise_draft(
    tx: Transaction,
    group_id: int,
    campaign_id: int,
    *,
    version: str,
    fields: Sequence[str],
    lists: Sequence[str] | None = None,
    segments: Sequence[Any] | None = None,
    **changes: object,
) -> Campaign:
    """``edit_draft``, unless these fields were changed since ``version`` was read: ConflictError draft_changed.

    Saving what stands there already is no conflict, so a form that is sent twice is harmless.
    """
    campaign = lock_draft(tx, group_id, campaign_id)
    before = draft_version(campaign, fields)
    edit_draft(tx, group_id, campaign_id, lists=lists, segments=segments, **changes)
    if before not in {version, draft_version(campaign, fields)}:
        raise ConflictError("draft_changed")  # the transaction ends here, and with it the edit
    return campaign


def lock_draft(tx: Transaction, group_id: int, campaign_id: int) -> Campaign:
    """The campaign, with its row locked until the transaction ends. Raises NotFoundError."""
    tx.execute(select(Campaign.id).where(Campaign.id == campaign_id).with_for_update())
    return get_campaign(tx, group_id, campaign_id)


def launch_draft(tx: Transaction, runtime: Runtime, group_id: int, campaign_id: int, *, version: str) -> Wave:
    """``launch_campaign`` for exactly the draft that somebody has read, when nothing in its texts must be mended.

    Raises ConflictError draft_changed or campaign_not_draft, BadInputError draft_not_ready, and what launching raises.
    """
    check_read(tx, group_id, campaign_id, version)
    return launch_campaign(tx, runtime, group_id, campaign_id)


def schedule_draft(
    tx: Transaction, runtime: Runtime, group_id: int, campaign_id: int, *, version: str, at: datetime
) -> None:
    """``schedule_launch``, at a domain time, for exactly the draft that somebody has read, as ``launch_draft``."""
    check_read(tx, group_id, campaign_id, version)
    schedule_launch(tx, runtime, group_id, campaign_id, at)


def check_read(tx: Transaction, group_id: int, campaign_id: int, version: str) -> Campaign:
    """The draft, locked, if it is the one that somebody has read and nothing in its texts must be mended. Raises
    ConflictError draft_changed or campaign_not_draft, BadInputError draft_not_ready.
    """
    campaign = lock_draft(tx, group_id, campaign_id)
    if campaign.state != "draft":
        raise ConflictError("campaign_not_draft", state=campaign.state)
    if draft_version(campaign, EVERYTHING) != version:
        raise ConflictError("draft_changed")
    wrong = stops(preview(templates_of(campaign), text_values(tx, campaign), tactic=campaign.tactic))
    if wrong:
        raise BadInputError("draft_not_ready", count=wrong)
    return campaign
