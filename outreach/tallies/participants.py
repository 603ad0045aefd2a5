"""Who took part in campaigns: reported, called or asked to be called, promised, or led a branch of a phone tree."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

from sqlalchemy import Select, or_, select, union

from outreach.calls.models import CAPTAIN, TEST, CallSession
from outreach.core.runtime import Runtime
from outreach.escalations.stand_down_end import finish_stand_downs
from outreach.messaging.models import Reply
from outreach.phone_tree.models import TreeRun, TreeStep

ACTED: Final = ("call", "pledge")
"""What somebody says who acts, beside a report."""


def took_part(gate_ids: Sequence[int]) -> Select[Any]:
    """A statement for their number hashes."""
    replied = select(Reply.number_hash).where(
        Reply.gate_id.in_(gate_ids), or_(Reply.outcome.is_not(None), Reply.intent.in_(ACTED))
    )
    called = select(CallSession.number_hash).where(
        CallSession.gate_id.in_(gate_ids), CallSession.source.not_in((TEST, CAPTAIN))
    )
    steps = select(TreeStep.number_hash).join(TreeRun, TreeRun.id == TreeStep.run_id)
    led = steps.where(TreeRun.gate_id.in_(gate_ids))
    captains = led.where(TreeStep.confirmed_by == "captain")
    backups = led.with_only_columns(TreeStep.backup_hash).where(TreeStep.confirmed_by == "backup")
    joined = (
        select(Reply.number_hash)
        .join(TreeRun, TreeRun.gate_id == Reply.gate_id)
        .join(TreeStep, TreeStep.run_id == TreeRun.id)
        .where(Reply.gate_id.in_(gate_ids), Reply.intent == "confirm", TreeStep.joined_at.is_not(None))
        .where(or_(TreeStep.number_hash == Reply.number_hash, TreeStep.backup_hash == Reply.number_hash))
    )
    acted = union(replied, called, captains, backups, joined).subquery()
    return select(acted.c.number_hash)


def end_stand_downs(runtime: Runtime) -> int:
    """A step of upkeep: what follows from stand-downs whose minute is over."""
    return finish_stand_downs(runtime, took_part)
