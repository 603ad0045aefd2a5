"""Start, pause, resume and stop a run. A run is a wave of its campaign: who is texted by it, what they answer and what
they do is counted like any other wave's.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Final, Literal

from sqlalchemy import select, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from config import table
from outreach.accounts.audit import record_audit
from outreach.accounts.safety import check_alone
from outreach.core.db import Transaction
from outreach.core.errors import BadInputError, ConflictError, NotFoundError
from outreach.core.runtime import Runtime
from outreach.escalations.drafts import get_campaign, text_values
from outreach.escalations.launch import check_tactic, check_texts, event_of, texts_of
from outreach.escalations.models import BEFORE_LAUNCH, Campaign, Wave
from outreach.escalations.revisions import lock_draft
from outreach.escalations.waves import TREE, waves_of
from outreach.messaging.gates import ORGANIZER, cancel_messages, close_gate, open_gate, pause_gate, resume_gate
from outreach.messaging.spend_halts import check_resumable
from outreach.people.models import Constituent
from outreach.phone_tree.branches import Placed, problems_of, top_down
from outreach.phone_tree.cascade import TICK
from outreach.phone_tree.editing import get_tree, nodes_of
from outreach.phone_tree.models import LIVE, TreeRun, TreeSeat, TreeStep
from outreach.phone_tree.rules import Waits

LONGEST: Final = 4 * 60
"""Minutes. Whoever may be anywhere has six hours a day in which to answer: a longer wait would never be over."""


MINUTE: Final = timedelta(minutes=1)


def default_waits() -> Waits:
    """How long is waited where nobody says otherwise."""
    rules = table("phone_tree")
    return Waits(rules["nudge_minutes"] * MINUTE, rules["backup_minutes"] * MINUTE)


def check_waits(nudge: int, backup: int) -> Waits:
    """The waits of so many minutes. Raises BadInputError (tree_waits_wrong)."""
    if not 1 <= nudge < backup <= LONGEST:
        raise BadInputError("tree_waits_wrong", longest=LONGEST)
    return Waits(nudge * MINUTE, backup * MINUTE)


def start_run(
    tx: Transaction,
    runtime: Runtime,
    group_id: int,
    tree_id: int,
    campaign_id: int,
    *,
    by: str,
    nudge_minutes: int | None = None,
    backup_minutes: int | None = None,
    channel: Literal["text", "call"] = "text",
    approved: bool = False,
) -> TreeRun:
    """Ask the captains at the top of a tree, for a campaign; a draft is launched by it. Of many at once one wins.

    ``channel``: how captains are asked first; a backup is asked by text either way.

    Raises NotFoundError, ConflictError (tree_runs_already, campaign_not_running), BadInputError (tree_wrong,
    tree_waits_wrong, and what a launch can have wrong).
    """
    if not approved:
        check_alone(tx, group_id)
    tree = get_tree(tx, group_id, tree_id, lock=True)
    nodes = nodes_of(tx, tree_id)
    wrong = problems_of(nodes)
    if wrong:
        raise BadInputError("tree_wrong", problem=wrong[0].code)
    usual = default_waits()
    nudge = nudge_minutes if nudge_minutes is not None else usual.nudge // MINUTE
    backup = backup_minutes if backup_minutes is not None else usual.backup // MINUTE
    check_waits(nudge, backup)
    if tx.execute(select(TreeRun.id).where(TreeRun.tree_id == tree_id, TreeRun.state == "running")).first():
        raise ConflictError("tree_runs_already")
    campaign = _launched(tx, group_id, campaign_id, runtime.clock.now())
    wave = _wave(tx, runtime, campaign)
    run = TreeRun(
        group_id=group_id, tree_id=tree_id, tree_version=tree.version, campaign_id=campaign_id, wave_id=wave.id,
        gate_id=wave.gate_id, state="running", channel=channel, nudge_minutes=nudge, backup_minutes=backup,
        started_by=by, started_at=runtime.clock.now(),
    )  # fmt: skip
    tx.add(run)
    try:
        tx.flush()
    except IntegrityError:
        raise ConflictError("tree_runs_already") from None
    _seat(tx, run, nodes)
    record_audit(
        tx,
        group_id=group_id,
        action="tree_started",
        subject=f"tree_run:{run.id}",
        actor=by,
        campaign=campaign_id,
        people=len(nodes),
    )
    tx.enqueue(TICK)
    return run


def _launched(tx: Transaction, group_id: int, campaign_id: int, now: datetime) -> Campaign:
    """The campaign, launched by this if it was a draft; its texts must stand either way."""
    campaign = lock_draft(tx, group_id, campaign_id)
    if campaign.state in BEFORE_LAUNCH:
        campaign.state, campaign.launch_at, campaign.launch_problem = "launched", None, None
    elif campaign.state != "launched":
        raise ConflictError("campaign_not_running")
    check_tactic(tx, campaign, now)
    check_texts(texts_of(campaign), text_values(tx, campaign))
    return campaign


def _wave(tx: Transaction, runtime: Runtime, campaign: Campaign) -> Wave:
    """A wave of nobody: whoever the run texts becomes its recipient then."""
    gate = open_gate(
        tx, group_id=campaign.group_id, kind="wave", texts=texts_of(campaign), values=text_values(tx, campaign),
        clock=runtime.clock, tactic=campaign.tactic, event_at=event_of(campaign),
    )  # fmt: skip
    now = runtime.clock.now()
    wave = Wave(
        group_id=campaign.group_id, campaign_id=campaign.id, number=len(waves_of(tx, campaign.id)) + 1,
        gate_id=gate.id, audience={"lists": [], "who": TREE}, planned_through=0, planned_at=now,
        woken_at=runtime.clock.real_now(), launched_at=now,
    )  # fmt: skip
    tx.add(wave)
    tx.flush()
    return wave


def _seat(tx: Transaction, run: TreeRun, nodes: Sequence[Placed]) -> None:
    """Freeze the tree: a seat for everybody, level by level, and a step for each captain."""
    hashes = {
        row.id: row.number_hash
        for row in tx.execute(
            select(Constituent.id, Constituent.number_hash).where(
                Constituent.id.in_([one for node in nodes for one in (node.person, node.backup) if one])
            )
        )
    }
    seats: dict[int, TreeSeat] = {}
    for level in top_down(nodes):
        for node in level:
            seats[node.id] = TreeSeat(
                run_id=run.id, constituent_id=node.person, number_hash=hashes[node.person],
                parent_id=seats[node.parent].id if node.parent else None,
                level=seats[node.parent].level + 1 if node.parent else 0, area=node.area,
            )  # fmt: skip
        tx.add_all(seats[node.id] for node in level)
        tx.flush()
    captains = {node.parent for node in nodes if node.parent}
    tx.add_all(
        TreeStep(
            run_id=run.id, seat_id=seats[node.id].id, number_hash=hashes[node.person], backup_id=node.backup,
            backup_hash=hashes[node.backup] if node.backup else None, state="waiting",
            deadline_at=None if node.parent else run.started_at,
        )
        for node in nodes
        if node.id in captains
    )  # fmt: skip
    tx.flush()


def get_run(session: Session, group_id: int, run_id: int) -> TreeRun:
    """A run of this group. Raises NotFoundError."""
    run = session.get(TreeRun, run_id)
    if run is None or run.group_id != group_id:
        raise NotFoundError("tree_run_unknown", run_id=run_id)
    return run


def pause_run(tx: Transaction, group_id: int, run_id: int) -> None:
    """Nobody is asked or texted any more after this has committed. Raises ConflictError when it was not running."""
    run = get_run(tx, group_id, run_id)
    if run.state == "stopped" or not pause_gate(tx, run.gate_id, ORGANIZER):
        raise ConflictError("tree_not_running")
    record_audit(tx, group_id=group_id, action="tree_paused", subject=f"tree_run:{run_id}")


def resume_run(tx: Transaction, runtime: Runtime, group_id: int, run_id: int, *, is_admin: bool = True) -> None:
    """Go on after a pause or a halt. Raises ConflictError unless it was paused; and where that is in vain, or for an
    admin to decide (spend_cap_reached, unusual_needs_admin)."""
    run = get_run(tx, group_id, run_id)
    check_resumable(tx, runtime, group_id, [run.gate_id], is_admin=is_admin)
    if get_campaign(tx, group_id, run.campaign_id).state != "launched":
        raise ConflictError("campaign_not_running")
    resume_gate(tx, run.gate_id)
    record_audit(tx, group_id=group_id, action="tree_resumed", subject=f"tree_run:{run_id}")
    tx.enqueue(TICK)


def stop_run(runtime: Runtime, group_id: int, run_id: int) -> int:
    """Stop for good; how many texts were canceled. What was posted already is still reported on."""
    with runtime.db.transaction(durable=True) as tx:
        run = get_run(tx, group_id, run_id)
        if run.state == "stopped":
            raise ConflictError("tree_not_running")
        close_gate(tx, run.gate_id, ORGANIZER)
        live = TreeStep.run_id == run_id, TreeStep.state.in_(LIVE)
        tx.execute(update(TreeStep).where(*live).values(state="stopped", deadline_at=None))
        run.state, run.finished_at = "stopped", runtime.clock.now()
        record_audit(tx, group_id=group_id, action="tree_stopped", subject=f"tree_run:{run_id}")
    return cancel_messages(runtime.db, run.gate_id, runtime.clock)
