"""Making a tree, out of a list or by hand, and changing it. A run that is under way keeps the tree it began with."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final, Literal

from sqlalchemy import ColumnElement, and_, case, delete, exists, func, or_, select, update
from sqlalchemy.orm import Session

from config import table
from outreach.accounts.audit import record_audit
from outreach.core.crypto import Vault
from outreach.core.db import Transaction
from outreach.core.errors import BadInputError, ConflictError, NotFoundError
from outreach.core.runtime import Runtime
from outreach.escalations.audience import in_audience
from outreach.messaging.past import did
from outreach.people.consent import has_consent_clause, is_suppressed_clause
from outreach.people.models import Constituent
from outreach.phone_tree.branches import Branch, Candidate, Placed, put_in_branches, top_down
from outreach.phone_tree.models import PhoneTree, TreeNode, TreeRun, TreeStep

NAME_LENGTH: Final = 120
AREA_LENGTH: Final = 80
LEAST_PEOPLE: Final = 2
"""A captain, and somebody to lead."""
MOST_PEOPLE: Final = 5_000
Area = Literal["zip", "city"]


def make_tree(tx: Transaction, runtime: Runtime, group_id: int, name: str, *, by: str) -> PhoneTree:
    """An empty tree. Raises BadInputError (tree_name), ConflictError (tree_name_taken)."""
    name = " ".join(name.split())
    if not 1 <= len(name) <= NAME_LENGTH:
        raise BadInputError("tree_name", longest=NAME_LENGTH)
    if tx.execute(select(PhoneTree.id).where(PhoneTree.group_id == group_id, PhoneTree.name == name)).first():
        raise ConflictError("tree_name_taken", name=name)
    tree = PhoneTree(group_id=group_id, name=name, version=1, created_by=by, created_at=runtime.clock.now())
    tx.add(tree)
    tx.flush()
    record_audit(tx, group_id=group_id, action="tree_made", subject=f"phone_tree:{tree.id}", actor=by)
    return tree


def grow_tree(
    tx: Transaction, runtime: Runtime, group_id: int, name: str, *, lists: Sequence[int], area: Area = "zip",
    size: int | None = None, by: str,
) -> PhoneTree:  # fmt: skip
    """A tree of everybody in some lists who may be texted, in branches by ZIP or city.

    Captains are those who led a branch before, then those who have called, then those who have replied. Raises what
    ``make_tree`` raises, and BadInputError (branch_size, tree_nobody, tree_too_large).
    """
    rules = table("phone_tree")
    size = size if size is not None else (rules["branch_least"] + rules["branch_most"]) // 2
    if not rules["branch_least"] <= size <= rules["branch_most"]:
        raise BadInputError("branch_size", least=rules["branch_least"], most=rules["branch_most"])
    people = candidates_of(tx, runtime, group_id, lists, area)
    if len(people) < LEAST_PEOPLE:
        raise BadInputError("tree_nobody")
    if len(people) > MOST_PEOPLE:
        raise BadInputError("tree_too_large", most=MOST_PEOPLE)
    tree = make_tree(tx, runtime, group_id, name, by=by)
    _plant(tx, tree.id, put_in_branches(people, size))
    return tree


def candidates_of(
    tx: Transaction, runtime: Runtime, group_id: int, lists: Sequence[int], area: Area
) -> list[Candidate]:
    """Everybody in these lists who may be texted, with their area and merit, in an order that favours nobody."""
    merit = (
        case((has_led(group_id), 4), else_=0)
        + case((did("called", Constituent.number_hash, group_id), 2), else_=0)
        + case((did("replied", Constituent.number_hash, group_id), 1), else_=0)
    )
    rows = tx.execute(
        select(Constituent.id, Constituent.zip, Constituent.sealed, merit.label("merit"))
        .where(in_audience(group_id, lists, runtime.clock.now()))
        .where(~is_suppressed_clause(Constituent.number_hash, Constituent.group_id))
        .order_by(Constituent.number_hash)
        .limit(MOST_PEOPLE + 1)
    )
    return [Candidate(row.id, _area(runtime.vault, row, area), row.merit) for row in rows]


def has_led(group_id: int) -> ColumnElement[bool]:
    """Somebody (of ``Constituent``) who has said yes to leading a branch in a run of this group's."""
    mine = TreeStep.number_hash == Constituent.number_hash, TreeStep.confirmed_by == "captain"
    led = exists().where(*mine, TreeRun.id == TreeStep.run_id, TreeRun.group_id == group_id)
    return led.correlate_except(TreeStep, TreeRun)


def _area(vault: Vault, row: Any, area: Area) -> str:
    if area == "zip":
        return row.zip or ""
    return str(vault.open(row.sealed, "constituent").get("city") or "")[:AREA_LENGTH]


def _plant(tx: Transaction, tree_id: int, branches: Sequence[Branch]) -> None:
    captains = [
        TreeNode(tree_id=tree_id, constituent_id=one.captain, backup_id=one.backup, area=one.area or None)
        for one in branches
    ]
    tx.add_all(captains)
    tx.flush()
    for captain, branch in zip(captains, branches, strict=True):
        tx.add_all(TreeNode(tree_id=tree_id, constituent_id=one, parent_id=captain.id) for one in branch.members)
    tx.flush()


def get_tree(session: Session, group_id: int, tree_id: int, *, lock: bool = False) -> PhoneTree:
    """A tree of this group. Raises NotFoundError."""
    query = select(PhoneTree).where(PhoneTree.id == tree_id, PhoneTree.group_id == group_id)
    tree = session.execute(query.with_for_update() if lock else query).scalar()
    if tree is None:
        raise NotFoundError("tree_unknown", tree_id=tree_id)
    return tree


def nodes_of(session: Session, tree_id: int) -> list[Placed]:
    """A tree's nodes, in the order in which they were put there."""
    rows = session.execute(
        select(TreeNode.id, TreeNode.constituent_id, TreeNode.parent_id, TreeNode.backup_id, TreeNode.area)
        .where(TreeNode.tree_id == tree_id)
        .order_by(TreeNode.id)
    )
    return [Placed(*row) for row in rows]


def edit(tx: Transaction, group_id: int, tree_id: int, version: int) -> PhoneTree:
    """The tree, locked for a change. Raises ConflictError (tree_changed) when somebody was there before."""
    tree = get_tree(tx, group_id, tree_id, lock=True)
    if tree.version != version:
        raise ConflictError("tree_changed")
    tree.version += 1
    record_audit(tx, group_id=group_id, action="tree_changed", subject=f"phone_tree:{tree.id}")
    return tree


def add_person(
    tx: Transaction, runtime: Runtime, tree: PhoneTree, constituent_id: int, parent_id: int | None,
    area: str | None = None,
) -> TreeNode:  # fmt: skip
    """Put somebody into a branch, or at the top as a captain. The tree must be locked by ``edit``.

    Raises BadInputError (person_unknown, person_not_textable, tree_person_twice, tree_branch_too_large), NotFoundError.
    """
    _check_person(tx, runtime, tree, constituent_id)
    if tx.execute(
        select(TreeNode.id).where(TreeNode.tree_id == tree.id, TreeNode.constituent_id == constituent_id)
    ).first():
        raise BadInputError("tree_person_twice")
    if parent_id is not None:
        _check_room(tx, tree, parent_id)
    node = TreeNode(
        tree_id=tree.id, constituent_id=constituent_id, parent_id=parent_id,
        area=" ".join((area or "").split())[:AREA_LENGTH] or None,
    )  # fmt: skip
    tx.add(node)
    tx.flush()
    return node


def move_node(tx: Transaction, tree: PhoneTree, node_id: int, parent_id: int | None) -> None:
    """Hang a person, with everybody below, under somebody else, or at the top.

    Raises NotFoundError, BadInputError (tree_cycle, tree_branch_too_large).
    """
    node = _node(tx, tree, node_id)
    if parent_id == node.parent_id:
        return
    if parent_id is not None:
        above = {one.id: one.parent for one in nodes_of(tx, tree.id)}
        at: int | None = parent_id
        while at is not None:
            if at == node_id:
                raise BadInputError("tree_cycle")
            at = above.get(at)
        _check_room(tx, tree, parent_id)
    node.parent_id = parent_id


def set_backup(tx: Transaction, runtime: Runtime, tree: PhoneTree, node_id: int, constituent_id: int | None) -> None:
    """Who stands in for a captain; None: nobody. Raises NotFoundError, BadInputError (tree_backup_is_captain, and what
    ``add_person`` says of people)."""
    node = _node(tx, tree, node_id)
    if constituent_id is not None:
        if constituent_id == node.constituent_id:
            raise BadInputError("tree_backup_is_captain")
        _check_person(tx, runtime, tree, constituent_id)
    node.backup_id = constituent_id


def remove_node(tx: Transaction, tree: PhoneTree, node_id: int) -> None:
    """Take somebody out. A captain's place goes to the backup if they are of the branch, else to its first member."""
    node = _node(tx, tree, node_id)
    below = list(
        tx.execute(
            select(TreeNode).where(TreeNode.parent_id == node_id)
            .order_by((TreeNode.constituent_id == node.backup_id).desc(), TreeNode.id)
        ).scalars()
    )  # fmt: skip
    if below:
        heir = below[0]
        heir.parent_id, heir.area = node.parent_id, heir.area or node.area
        heir.backup_id = heir.backup_id or (below[1].constituent_id if len(below) > 1 else None)
        for one in below[1:]:
            one.parent_id = heir.id
        tx.flush()
    tx.execute(delete(TreeNode).where(TreeNode.id == node.id))
    backups = TreeNode.tree_id == tree.id, TreeNode.backup_id == node.constituent_id
    tx.execute(update(TreeNode).where(*backups).values(backup_id=None))


def leave_trees(tx: Transaction, constituent_ids: Sequence[int]) -> None:
    """Take people who are erased out of every tree, and from where they stood in for a captain.

    Runs keep their seats, as campaigns keep their recipients: nobody is texted by them who has no consent.
    """
    placed = TreeNode.constituent_id.in_(constituent_ids)
    found = tx.execute(select(TreeNode.tree_id).where(or_(placed, TreeNode.backup_id.in_(constituent_ids))).distinct())
    for tree_id in sorted(found.scalars()):
        tree = tx.execute(select(PhoneTree).where(PhoneTree.id == tree_id).with_for_update()).scalar_one()
        tree.version += 1
        for node_id in tx.execute(select(TreeNode.id).where(TreeNode.tree_id == tree_id, placed)).scalars().all():
            remove_node(tx, tree, node_id)
        backups = TreeNode.tree_id == tree_id, TreeNode.backup_id.in_(constituent_ids)
        tx.execute(update(TreeNode).where(*backups).values(backup_id=None))


def delete_tree(tx: Transaction, group_id: int, tree_id: int) -> None:
    """Take a tree away that has never run. Raises NotFoundError, ConflictError (tree_has_runs)."""
    get_tree(tx, group_id, tree_id, lock=True)
    if tx.execute(select(TreeRun.id).where(TreeRun.tree_id == tree_id).limit(1)).first():
        raise ConflictError("tree_has_runs")
    levels = list(top_down(nodes_of(tx, tree_id)))
    for level in reversed(levels):  # whoever is below first
        tx.execute(delete(TreeNode).where(TreeNode.id.in_([node.id for node in level])))
    tx.execute(delete(PhoneTree).where(PhoneTree.id == tree_id))
    record_audit(tx, group_id=group_id, action="tree_deleted", subject=f"phone_tree:{tree_id}")


def _node(tx: Transaction, tree: PhoneTree, node_id: int) -> TreeNode:
    node = tx.get(TreeNode, node_id)
    if node is None or node.tree_id != tree.id:
        raise NotFoundError("tree_node_unknown", node_id=node_id)
    return node


def _check_person(tx: Transaction, runtime: Runtime, tree: PhoneTree, constituent_id: int) -> None:
    """Somebody of the group who may be texted."""
    there = and_(
        Constituent.id == constituent_id, Constituent.group_id == tree.group_id, Constituent.erased_at.is_(None)
    )
    textable = and_(
        has_consent_clause(runtime.clock.now()), Constituent.number_bad_at.is_(None),
        ~is_suppressed_clause(Constituent.number_hash, Constituent.group_id),
    )  # fmt: skip
    found = tx.execute(select(textable).where(there)).first()
    if found is None:
        raise BadInputError("person_unknown")
    if not found[0]:
        raise BadInputError("person_not_textable")


def _check_room(tx: Transaction, tree: PhoneTree, parent_id: int) -> None:
    _node(tx, tree, parent_id)
    most = table("phone_tree")["branch_most"]
    if tx.execute(select(func.count()).where(TreeNode.parent_id == parent_id)).scalar_one() >= most:
        raise BadInputError("tree_branch_too_large", most=most)
