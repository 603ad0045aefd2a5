"""What a captain's word does: their branch is texted at once, or goes to somebody else. Nobody is texted twice for it.

A word counts for every branch that its sender was asked for and that is not decided, in the campaign that is answered.
"""

from __future__ import annotations

from typing import Literal, NamedTuple

from sqlalchemy import and_, func, or_, select

from outreach.core.db import Transaction
from outreach.core.runtime import Runtime
from outreach.phone_tree.cascade import apply, decline
from outreach.phone_tree.models import TreeRun, TreeSeat, TreeStep
from outreach.phone_tree.rules import NEXT, Move


class Told(NamedTuple):
    """What to tell somebody: which words of ``config/phone_tree.toml``, how many people it is about, whose step.

    ``backup``: they stand in for the step's captain.
    """

    words: Literal["started", "joined", "declined", "over"]
    people: int
    step_id: int
    backup: bool = False


def _asked_of(tx: Transaction, gate_id: int, number_hash: bytes) -> list[TreeStep]:
    """The steps that somebody was asked about in a gate's run, locked. Lock the person first."""
    has_asked = or_(TreeStep.ask_id.is_not(None), TreeStep.ask_call_id.is_not(None))
    captain = and_(TreeStep.number_hash == number_hash, has_asked)
    backup = and_(TreeStep.backup_hash == number_hash, TreeStep.backup_ask_id.is_not(None))
    query = (
        select(TreeStep)
        .join(TreeRun, TreeRun.id == TreeStep.run_id)
        .where(TreeRun.gate_id == gate_id, or_(captain, backup))
        .order_by(TreeStep.id)
        .with_for_update(of=TreeStep)
    )
    return list(tx.execute(query).scalars())


def confirm(tx: Transaction, runtime: Runtime, gate_id: int, number_hash: bytes) -> Told | None:
    """Somebody says that they do it; None where they were asked for nothing."""
    steps = _asked_of(tx, gate_id, number_hash)
    if not steps:
        return None
    run, now = tx.get_one(TreeRun, steps[0].run_id), runtime.clock.now()
    started = joined = 0
    for step in steps:
        people = tx.execute(select(func.count()).where(TreeSeat.parent_id == step.seat_id)).scalar_one()
        if "confirmed" in NEXT[step.state]:
            step.confirmed_by = "captain" if step.number_hash == number_hash else "backup"
            apply(tx, runtime, run, step, Move("confirmed", None, "release"))
            started += people
        elif step.state == "confirmed" and _holds(step, number_hash):
            started += people  # said again: told again
        elif step.state != "stopped":
            step.joined_at = step.joined_at or now
            joined += people
    if started:
        return _told("started", started, next(one for one in steps if _holds(one, number_hash)), number_hash)
    if joined:
        return _told("joined", joined, next(one for one in steps if one.joined_at is not None), number_hash)
    return Told("over", 0, steps[0].id)


def _told(words: Literal["started", "joined"], people: int, step: TreeStep, number_hash: bytes) -> Told:
    return Told(words, people, step.id, backup=step.number_hash != number_hash)


def refuse(tx: Transaction, runtime: Runtime, gate_id: int, number_hash: bytes) -> Told | None:
    """Somebody says that they cannot: whoever is next is asked at once. None where nobody waits for their word."""
    steps = [one for one in _asked_of(tx, gate_id, number_hash) if _is_waited_for(one, number_hash)]
    for step in steps:
        decline(tx, runtime, tx.get_one(TreeRun, step.run_id), step)
    return Told("declined", 0, steps[0].id) if steps else None


def _holds(step: TreeStep, number_hash: bytes) -> bool:
    """Whether the branch is theirs now."""
    return step.confirmed_by == ("captain" if step.number_hash == number_hash else "backup")


def _is_waited_for(step: TreeStep, number_hash: bytes) -> bool:
    asked = step.backup_hash if step.state == "backup_asked" else step.number_hash
    return "confirmed" in NEXT[step.state] and asked == number_hash
