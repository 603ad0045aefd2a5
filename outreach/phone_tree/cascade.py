"""A run at work: each step is decided by itself, under its row's lock, however often and by whomever it is looked at.

Whoever commits first texts a branch: the captain's word, the backup's, or the silence of both. Members get one text in
a run because they are recipients once.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any, Final

import structlog
from sqlalchemy import and_, case, func, or_, select, text, update
from sqlalchemy.orm import Session

from outreach.calls.models import CallSession
from outreach.core.db import Job, Transaction
from outreach.core.runtime import Runtime
from outreach.messaging.models import Gate, Message
from outreach.people.consent import is_suppressed_clause, lock_owner
from outreach.phone_tree.calling import CALL, NOBODY_CALLED, NOT_CONNECTED, ask_by_call, state_of_call
from outreach.phone_tree.models import IS_LIVE, LIVE, TreeRun, TreeSeat, TreeStep
from outreach.phone_tree.rules import Ask, Facts, Move, Waits, decide
from outreach.phone_tree.texting import ask, hours_of, people_of, text_members

log = structlog.get_logger(__name__)

TICK: Final = Job("phone_tree", "workers.phone_tree.tick_trees")
CHUNK: Final = 200
SWEEP_SECONDS: Final = 0.05
"""Real seconds that upkeep gives to trees at a turn; it has to fold."""
LOST: Final = ("failed", "undelivered", "suppressed", "canceled", "needs_review")
UNDER_WAY: Final = ("planned", "claimed", "posting", "unknown")

LIVE_STEP: Final = text(f"tree_step.{IS_LIVE}")
"""Word for word what the index says: without it a query reads every step of every run."""
ASKED_HASH = case((TreeStep.state == "backup_asked", TreeStep.backup_hash), else_=TreeStep.number_hash)
FAILED_CALL = and_(
    TreeStep.state == "asked", TreeStep.ask_id.is_(None), Gate.state == "open",
    or_(CallSession.state.in_(NOBODY_CALLED), CallSession.ending.in_(NOT_CONNECTED)),
)  # fmt: skip
"""A captain whom the call did not reach is asked by text at once."""
ASKED_BY = case((TreeStep.state == "backup_asked", TreeStep.backup_ask_id), else_=TreeStep.ask_id)


def due_steps(session: Session, now: datetime) -> list[int]:
    """Steps that may have a move to make: their time has come, or whoever was asked cannot answer any more."""
    stopped = and_(TreeStep.state != "waiting", is_suppressed_clause(ASKED_HASH, TreeRun.group_id))
    query = (
        select(TreeStep.id)
        .join(TreeRun, TreeRun.id == TreeStep.run_id)
        .join(Gate, Gate.id == TreeRun.gate_id)
        .outerjoin(Message, Message.id == ASKED_BY)
        .outerjoin(CallSession, CallSession.id == TreeStep.ask_call_id)
        .where(TreeRun.state == "running", LIVE_STEP)
        .where(or_(TreeStep.deadline_at <= now, Gate.state == "closed", Message.state.in_(LOST), FAILED_CALL, stopped))
        .order_by(TreeStep.deadline_at, TreeStep.id)
        .limit(CHUNK)
    )
    return list(session.execute(query).scalars())


def tick(runtime: Runtime, seconds: float, stopping: Callable[[], bool] = lambda: False) -> int:
    """Move what is due for some real seconds, one step at least; how many steps were looked at."""
    deadline, looked_at = time.monotonic() + seconds, 0
    with runtime.db.snapshot() as session:
        due = due_steps(session, runtime.clock.now())
    for step_id in due:
        if (looked_at and time.monotonic() > deadline) or stopping():
            break  # one at least, or a slow machine would never come to any
        with runtime.db.transaction() as tx:
            take_step(tx, runtime, step_id)
        looked_at += 1
    return looked_at


def sweep_trees(runtime: Runtime) -> int:
    """A step of upkeep: the same, shortly; where much is due, a worker is asked as well."""
    with runtime.db.snapshot() as session:
        if session.execute(select(TreeRun.id).where(TreeRun.state == "running").limit(1)).first() is None:
            return 0
    looked_at = tick(runtime, SWEEP_SECONDS)
    _finish(runtime)
    return looked_at


def take_step(tx: Transaction, runtime: Runtime, step_id: int) -> None:
    """Decide one step and do what that asks for. One that is decided, or not due, stays as it is."""
    by_call = (
        select(TreeStep.number_hash)
        .join(TreeRun, TreeRun.id == TreeStep.run_id)
        .where(TreeStep.id == step_id, TreeStep.state == "waiting", TreeRun.channel == CALL)
    )
    captain = tx.execute(by_call).scalar()
    if captain is not None:  # nobody else may begin a call to them meanwhile; people before what is theirs
        lock_owner(tx, captain)
    step = tx.execute(select(TreeStep).where(TreeStep.id == step_id).with_for_update()).scalar()
    if step is None or step.state not in LIVE:
        return
    run, now = tx.get_one(TreeRun, step.run_id), runtime.clock.now()
    move = decide(facts_of(tx, run, step, now), waits_of(run), now)
    if move is not None:
        apply(tx, runtime, run, step, move)


def decline(tx: Transaction, runtime: Runtime, run: TreeRun, step: TreeStep) -> None:
    """Whoever is asked says that they cannot; the step must be locked."""
    now = runtime.clock.now()
    facts = facts_of(tx, run, step, now, declined=True)
    move = decide(facts, waits_of(run), now)
    if move is not None:
        apply(tx, runtime, run, step, move)


def apply(tx: Transaction, runtime: Runtime, run: TreeRun, step: TreeStep, move: Move) -> None:
    """Write a move down, with the texts that belong to it."""
    log.info("tree_step", step_id=step.id, before=step.state, state=move.state, act=move.act, reason=move.reason)
    step.state, step.deadline_at = move.state, move.deadline_at
    step.reason = move.reason or step.reason
    if move.act == "release":
        release(tx, runtime, run, step)
    elif move.act != "nothing":
        _ask(tx, runtime, run, step, move.act)


def release(tx: Transaction, runtime: Runtime, run: TreeRun, step: TreeStep) -> None:
    """Text a branch's members, and let the captains among them be asked. Once, however it came to it."""
    if step.released_at is not None:
        return
    now = runtime.clock.now()
    step.released_at = now
    below = tx.execute(
        select(TreeSeat.id, TreeSeat.constituent_id, TreeSeat.message_id, TreeStep.id.label("step_id"))
        .outerjoin(TreeStep, TreeStep.seat_id == TreeSeat.id)
        .where(TreeSeat.parent_id == step.seat_id)
        .order_by(TreeSeat.id)
    ).all()
    members = [row.constituent_id for row in below if row.step_id is None and row.message_id is None]
    texts = text_members(tx, runtime, run, members)
    seats = {row.constituent_id: row.id for row in below}
    for constituent_id, message_id in texts.items():
        tx.execute(update(TreeSeat).where(TreeSeat.id == seats[constituent_id]).values(message_id=message_id))
    captains = [row.step_id for row in below if row.step_id is not None]
    if captains:
        tx.execute(update(TreeStep).where(TreeStep.id.in_(captains)).values(deadline_at=now))
        tx.enqueue(TICK)


def _ask(tx: Transaction, runtime: Runtime, run: TreeRun, step: TreeStep, act: str) -> None:
    seat = tx.get_one(TreeSeat, step.seat_id)
    people = tx.execute(select(func.count()).where(TreeSeat.parent_id == seat.id)).scalar_one()
    if act == "ask_backup":
        assert step.backup_id is not None  # noqa: S101  the rule asks for nobody else
        step.backup_ask_id, own = ask(tx, runtime, run, step.backup_id, "backup", people)
        mine = TreeSeat.run_id == run.id, TreeSeat.constituent_id == step.backup_id, TreeSeat.message_id.is_(None)
        if own is not None:  # as a member they would be texted twice for one thing
            tx.execute(update(TreeSeat).where(*mine).values(message_id=own))
        asked = step.backup_ask_id
    elif act == "nudge" and step.ask_id is not None:
        ask(tx, runtime, run, seat.constituent_id, "nudge", people)
        return
    elif (
        act == "ask"
        and run.channel == CALL
        and step.ask_call_id is None
        and (call_id := ask_by_call(tx, runtime, run, seat.constituent_id, people))
    ):
        step.ask_call_id = call_id
        return
    else:  # the nudge after a call is their first text
        asked, own = ask(tx, runtime, run, seat.constituent_id, "ask", people)
        step.ask_id, seat.message_id = asked, own or seat.message_id
        step.ask_call_id = step.ask_call_id if asked else None
    if asked is None:  # an opt-out came between
        step.deadline_at = runtime.clock.now()


def facts_of(tx: Transaction, run: TreeRun, step: TreeStep, now: datetime, *, declined: bool = False) -> Facts:
    """What decides a step now."""
    captain = tx.get_one(TreeSeat, step.seat_id).constituent_id
    people = people_of(tx, [captain, step.backup_id] if step.backup_id else [captain], now)
    able = {one.id for one in people.values() if not one.suppressed}
    asked_id = step.backup_id if step.state == "backup_asked" else captain
    asked, posted_at = _how_asked(tx, step)
    gate = tx.execute(select(Gate.state).where(Gate.id == run.gate_id)).scalar_one()
    zones = people[asked_id].zones if asked_id in people else ""
    hours = hours_of(zones, now)
    return Facts(
        state=step.state,  # type: ignore[arg-type]  # one of them, by its column
        deadline_at=step.deadline_at,
        ask="lost" if asked_id not in able else asked,
        posted_at=posted_at,
        may_ask=captain in able,
        may_ask_backup=step.backup_id in able,
        opens_at=None if hours.open else hours.opens_at,
        declined=declined,
        paused=gate == "paused",
        closed=gate == "closed",
    )


def _how_asked(tx: Transaction, step: TreeStep) -> tuple[Ask, datetime | None]:
    """How the text or call stands that is waited upon, and when it went out or was over."""
    message_id = step.backup_ask_id if step.state == "backup_asked" else step.ask_id
    if message_id is None and step.state != "backup_asked" and step.ask_call_id is not None:
        call = tx.execute(
            select(CallSession.state, CallSession.ending, CallSession.ended_at).where(
                CallSession.id == step.ask_call_id
            )
        ).one()
        return state_of_call(call), call.ended_at
    text_of = select(Message.state, Message.posted_at).where(Message.id == message_id)
    asked = tx.execute(text_of).first() if message_id is not None else None
    return _ask_state(asked), asked.posted_at if asked else None


def _ask_state(asked: Any) -> Ask:
    if asked is None or asked.state in LOST:
        return "lost"
    if asked.state == "held":
        return "held"
    return "under_way" if asked.state in UNDER_WAY else "posted"


def waits_of(run: TreeRun) -> Waits:
    """How long this run waits for anybody."""
    return Waits(timedelta(minutes=run.nudge_minutes), timedelta(minutes=run.backup_minutes))


def _finish(runtime: Runtime) -> None:
    """Runs of which every step is decided are done; late captains may still join."""
    live = select(TreeStep.id).where(TreeStep.run_id == TreeRun.id, LIVE_STEP)
    with runtime.db.snapshot() as session:
        done = list(session.execute(select(TreeRun.id).where(TreeRun.state == "running", ~live.exists())).scalars())
    if done:
        with runtime.db.transaction() as tx:
            tx.execute(
                update(TreeRun)
                .where(TreeRun.id.in_(done), TreeRun.state == "running", ~live.exists())
                .values(state="done", finished_at=runtime.clock.now())
            )
