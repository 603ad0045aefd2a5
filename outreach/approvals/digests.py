"""What an approver reads, as a digest: whatever is changed afterwards has not been approved."""

from __future__ import annotations

import hashlib
import json
from typing import Any

from sqlalchemy.orm import Session

from outreach.approvals.models import ApprovalRequest
from outreach.core.runtime import Runtime
from outreach.escalations.audience import count_draft, count_wave
from outreach.escalations.drafts import text_values
from outreach.escalations.models import Campaign
from outreach.escalations.revisions import EVERYTHING, draft_version
from outreach.escalations.segments import freeze
from outreach.escalations.waves import audience_after, waves_of
from outreach.phone_tree.branches import Placed
from outreach.phone_tree.editing import get_tree, nodes_of
from outreach.phone_tree.listing import people_in, zones_of


def digest_of(
    session: Session, group_id: int, kind: str, campaign: Campaign | None, asked_for: dict[str, Any]
) -> bytes:
    """Of the words, what is filled into them, the audience as it is frozen, and the tree. Raises NotFoundError."""
    read: dict[str, Any] = {"kind": kind, "asked_for": asked_for}
    if campaign is not None:
        read |= {"campaign": campaign.id, "draft": draft_version(campaign, EVERYTHING)}
        read["values"] = text_values(session, campaign)
        if kind in {"launch", "schedule"}:
            read["audience"] = freeze(session, group_id, campaign.audience)
        elif kind == "wave":
            read["waves"] = [wave.id for wave in waves_of(session, campaign.id)]
    if kind == "tree":
        read["tree"] = [list(node) for node in tree_of(session, group_id, asked_for)]
    return hashlib.sha256(json.dumps(read, sort_keys=True).encode("utf-8", "surrogatepass")).digest()


def tree_of(session: Session, group_id: int, asked_for: dict[str, Any]) -> list[Placed]:
    """The nodes of the tree that is to be started. Raises NotFoundError."""
    return nodes_of(session, get_tree(session, group_id, asked_for["tree_id"]).id)


def people_of(
    session: Session, runtime: Runtime, group_id: int, kind: str, campaign: Campaign | None, asked_for: dict[str, Any]
) -> int:
    """How many people it reaches, as of now."""
    now = runtime.clock.now()
    if campaign is None:
        return 0
    if kind == "wave":
        audience = audience_after(waves_of(session, campaign.id), asked_for["who"])
        return count_wave(session, group_id, audience, now).people
    if kind == "tree":
        may = zones_of(list(people_in(session, group_id, asked_for["tree_id"], now).values()))
        return sum(node.person in may for node in tree_of(session, group_id, asked_for))
    return count_draft(session, group_id, campaign.audience, now).people


def people_now(session: Session, runtime: Runtime, request: ApprovalRequest, campaign: Campaign | None) -> int:
    """The same for a request."""
    return people_of(session, runtime, request.group_id, request.kind, campaign, request.asked_for)
