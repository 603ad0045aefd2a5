"""A group's trees and their runs, and who is in a tree: the reads behind pages and commands."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final, NamedTuple

from sqlalchemy import and_, exists, func, or_, select
from sqlalchemy.orm import Session, aliased

from outreach.core.errors import NotFoundError
from outreach.escalations.audience import IN, reason_clause
from outreach.escalations.models import Campaign, Wave
from outreach.messaging.models import Gate
from outreach.people.models import Constituent
from outreach.phone_tree.editing import get_tree, has_led
from outreach.phone_tree.models import PhoneTree, TreeNode, TreeRun, TreeSeat, TreeStep

ID_DIGITS: Final = 18
RUNS_SHOWN: Final = 20


class RunRow(NamedTuple):
    """A run in a list. ``state``: running, paused, done or stopped."""

    id: int
    tree_id: int
    tree: str
    campaign_id: int
    campaign: str
    state: str
    started_at: datetime
    finished_at: datetime | None

    @property
    def is_on(self) -> bool:
        """Whether it asks and texts by itself, or would if nobody had paused it."""
        return self.state in {"running", "paused"}


@dataclass(frozen=True, slots=True)
class TreeRow:
    """A tree in a list: how many people, branches at the top, and its newest run."""

    id: int
    name: str
    people: int
    branches: int
    last: RunRow | None


@dataclass(frozen=True, slots=True)
class Known:
    """Somebody of a tree, as of now. ``why``: IN, or a reason of ``audience.REASONS``. ``led``: they did so before."""

    id: int
    sealed: bytes
    zones: str
    why: str
    led: bool
    is_erased: bool

    @property
    def may_be_texted(self) -> bool:
        """Whether nothing keeps them from getting a text."""
        return self.why == IN


def trees_of(session: Session, group_id: int) -> list[TreeRow]:
    """The group's trees by name."""
    people = func.count(TreeNode.id)
    counted = (
        select(TreeNode.tree_id, people.label("people"), (people - func.count(TreeNode.parent_id)).label("branches"))
        .group_by(TreeNode.tree_id)
        .subquery()
    )
    rows = session.execute(
        select(PhoneTree.id, PhoneTree.name, counted.c.people, counted.c.branches)
        .outerjoin(counted, counted.c.tree_id == PhoneTree.id)
        .where(PhoneTree.group_id == group_id)
        .order_by(PhoneTree.name)
    ).all()
    newest = select(func.max(TreeRun.id)).where(TreeRun.group_id == group_id).group_by(TreeRun.tree_id)
    last = {run.tree_id: run for run in _runs(session, _RUNS.where(TreeRun.id.in_(newest)))}
    return [TreeRow(row.id, row.name, row.people or 0, row.branches or 0, last.get(row.id)) for row in rows]


_RUNS: Any = (
    select(
        TreeRun.id, TreeRun.tree_id, PhoneTree.name.label("tree"), TreeRun.campaign_id,
        Campaign.name.label("campaign"), TreeRun.state, TreeRun.started_at, TreeRun.finished_at,
        Gate.state.label("gate"),
    )
    .join(PhoneTree, PhoneTree.id == TreeRun.tree_id)
    .join(Campaign, Campaign.id == TreeRun.campaign_id)
    .join(Gate, Gate.id == TreeRun.gate_id)
    .order_by(TreeRun.id.desc())
)  # fmt: skip


def _runs(session: Session, query: Any) -> list[RunRow]:
    return [
        RunRow(
            row.id, row.tree_id, row.tree, row.campaign_id, row.campaign,
            "paused" if row.state == "running" and row.gate == "paused" else row.state,
            row.started_at, row.finished_at,
        )
        for row in session.execute(query)
    ]  # fmt: skip


def runs_of_tree(session: Session, group_id: int, tree_id: int) -> list[RunRow]:
    """A tree's newest runs, the last one first."""
    mine = and_(TreeRun.group_id == group_id, TreeRun.tree_id == tree_id)
    return _runs(session, _RUNS.where(mine).limit(RUNS_SHOWN))


def runs_of_campaign(session: Session, campaign_id: int) -> dict[int, RunRow]:
    """The runs that are waves of a campaign, by the wave's number."""
    waves = select(TreeRun.id, Wave.number).join(Wave, Wave.id == TreeRun.wave_id)
    numbers = dict(session.execute(waves.where(TreeRun.campaign_id == campaign_id)).all())
    if not numbers:
        return {}
    return {numbers[run.id]: run for run in _runs(session, _RUNS.where(TreeRun.campaign_id == campaign_id))}


def find_tree(session: Session, group_id: int, text: str) -> PhoneTree:
    """By its number where the text is digits alone, by its name otherwise. Raises NotFoundError."""
    if text.isascii() and text.isdecimal() and len(text) <= ID_DIGITS:
        return get_tree(session, group_id, int(text))
    tree = session.execute(select(PhoneTree).where(PhoneTree.group_id == group_id, PhoneTree.name == text)).scalar()
    if tree is None:
        raise NotFoundError("tree_unknown", tree_id=f"“{text}”")
    return tree


def people_in(session: Session, group_id: int, tree_id: int, now: datetime) -> dict[int, Known]:
    """Everybody in a tree, and the backups who are not in it, at a domain time; by id."""
    placed = select(TreeNode.constituent_id).where(TreeNode.tree_id == tree_id)
    stand_in = select(TreeNode.backup_id).where(TreeNode.tree_id == tree_id, TreeNode.backup_id.is_not(None))
    rows = session.execute(
        select(
            Constituent.id, Constituent.sealed, Constituent.zones, reason_clause(now).label("why"),
            has_led(group_id).label("led"), Constituent.erased_at.is_not(None).label("is_erased"),
        ).where(Constituent.id.in_(placed.union(stand_in)))
    )  # fmt: skip
    return {row.id: Known(row.id, row.sealed, row.zones, row.why, bool(row.led), bool(row.is_erased)) for row in rows}


def zones_of(people: Sequence[Known]) -> dict[int, str]:
    """The zones of those who may be texted, for ``forecast.foresee``."""
    return {one.id: one.zones for one in people if one.may_be_texted}


def trees_of_person(session: Session, group_id: int, number_hash: bytes) -> list[dict[str, Any]]:
    """In which trees a number's person is, and in which runs it was, for the person whose it is: they may ask."""
    person = select(Constituent.id).where(Constituent.group_id == group_id, Constituent.number_hash == number_hash)
    below = aliased(TreeNode)
    leads = or_(TreeNode.parent_id.is_(None), exists().where(below.parent_id == TreeNode.id))
    mine = select(PhoneTree.name, leads.label("leads")).join(TreeNode, TreeNode.tree_id == PhoneTree.id)
    placed = session.execute(mine.where(TreeNode.constituent_id.in_(person)).order_by(PhoneTree.name))
    found = [{"tree": row.name, "as": "captain" if row.leads else "member"} for row in placed]
    stands_in = session.execute(mine.where(TreeNode.backup_id.in_(person)).order_by(PhoneTree.name))
    found += [{"tree": row.name, "as": "backup"} for row in stands_in]
    return found + _runs_of_person(session, group_id, number_hash)


def _runs_of_person(session: Session, group_id: int, number_hash: bytes) -> list[dict[str, Any]]:
    own, branch = aliased(TreeStep), aliased(TreeStep)
    columns = (PhoneTree.name, TreeRun.id, TreeRun.started_at)
    runs = select(*columns, own.state, own.confirmed_by).join(TreeRun, TreeRun.tree_id == PhoneTree.id)
    seats = runs.join(TreeSeat, TreeSeat.run_id == TreeRun.id).outerjoin(own, own.seat_id == TreeSeat.id)
    seats = seats.where(TreeRun.group_id == group_id, TreeSeat.number_hash == number_hash)
    stood_in = select(*columns, branch.state, branch.confirmed_by).join(TreeRun, TreeRun.tree_id == PhoneTree.id)
    stood_in = stood_in.join(branch, branch.run_id == TreeRun.id)
    stood_in = stood_in.where(TreeRun.group_id == group_id, branch.backup_hash == number_hash)
    found = [("captain" if row.state else "member", row) for row in session.execute(seats.order_by(TreeRun.id))]
    found += [("backup", row) for row in session.execute(stood_in.order_by(TreeRun.id, branch.id))]
    return [
        {
            "tree": row.name, "as": role, "run_id": row.id,
            "run_started_at": row.started_at.isoformat(timespec="seconds"),
            "branch": row.state, "confirmed_by": row.confirmed_by,
        }
        for role, row in found
    ]  # fmt: skip
