"""Reads behind the pages of trees: a tree as an indented list with names, and one person's place in it."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from typing import Any, Final

from sqlalchemy.orm import Session

from outreach.core.errors import NotFoundError
from outreach.core.runtime import Runtime
from outreach.phone_tree.branches import Placed, Problem, indented, problems_of
from outreach.phone_tree.editing import get_tree, nodes_of
from outreach.phone_tree.listing import Known, RunRow, people_in, runs_of_tree
from outreach.phone_tree.models import PhoneTree, TreeNode
from outreach.web.people_reads import name_of, opened
from outreach.web.people_words import masked

BRANCHES_SHOWN: Final = 20


@dataclass(frozen=True, slots=True)
class Row:
    """Somebody in a tree. ``leads``: how many are right below them; ``backup``: the name of who stands in for them.

    ``why``: a reason why they cannot be texted now. ``problems``: codes of what is wrong at their place.
    """

    node: Placed
    level: int
    name: str
    number: str  # masked
    why: str | None
    led: bool
    leads: int
    is_backup: bool
    backup: str
    backup_why: str | None
    problems: Sequence[str]
    is_erased: bool


@dataclass(frozen=True)
class Whole:
    """A tree with everybody in it, as of one snapshot; names are opened when they are asked for."""

    tree: PhoneTree
    nodes: Sequence[Placed]
    people: Mapping[int, Known]
    runs: Sequence[RunRow]
    vault: Any

    @cached_property
    def below(self) -> Counter[int | None]:
        """How many are right below each node."""
        return Counter(node.parent for node in self.nodes)

    @cached_property
    def problems(self) -> Sequence[Problem]:
        """What keeps it from being started."""
        return problems_of(self.nodes)

    @cached_property
    def wrong(self) -> Mapping[int | None, Sequence[str]]:
        """The codes of what is wrong, by node."""
        found: dict[int | None, list[str]] = defaultdict(list)
        for one in self.problems:
            found[one.node_id].append(one.code)
        return found

    @cached_property
    def node_of(self) -> Mapping[int, Placed]:
        """The nodes by id."""
        return {node.id: node for node in self.nodes}

    @property
    def textable(self) -> int:
        """How many of its people may be texted now."""
        return sum(self.people[node.person].may_be_texted for node in self.nodes)

    @property
    def out(self) -> Counter[str]:
        """Why the others may not."""
        people = (self.people[node.person] for node in self.nodes)
        return Counter(one.why for one in people if not one.may_be_texted)

    @property
    def runs_now(self) -> RunRow | None:
        """The run that is under way."""
        return next((run for run in self.runs if run.is_on), None)

    def document(self, person: int | None) -> dict[str, Any]:
        """What is known of somebody."""
        known = self.people.get(person or 0)
        return opened(self.vault, known.sealed, "constituent") if known else {}

    def name(self, person: int | None) -> str:
        """First and last name, or the masked number of somebody whose name nobody knows."""
        document = self.document(person)
        return name_of(document) or masked(str(document.get("phone") or ""))

    def label(self, person: int | None) -> str:
        """A name with the masked number: people are called alike."""
        document = self.document(person)
        return ", ".join(part for part in (name_of(document), masked(str(document.get("phone") or ""))) if part)

    def row(self, node: Placed, level: int = 0) -> Row:
        """A node as pages show it."""
        known, document = self.people[node.person], self.document(node.person)
        above = self.node_of.get(node.parent or 0)
        stands_in = self.people.get(node.backup or 0)
        return Row(
            node=node,
            level=level,
            name=name_of(document),
            number=masked(str(document.get("phone") or "")),
            why=None if known.may_be_texted else known.why,
            led=known.led,
            leads=self.below[node.id],
            is_backup=above is not None and above.backup == node.person,
            backup=self.name(node.backup) if stands_in else "",
            backup_why=None if stands_in is None or stands_in.may_be_texted else stands_in.why,
            problems=self.wrong.get(node.id, ()),
            is_erased=known.is_erased,
        )

    def branches(self, page: int) -> list[list[Row]]:
        """A page of branches, each from its captain at the top down; one more than are shown, where there are more."""
        tops = [node.id for node in self.nodes if node.parent is None]
        first = (page - 1) * BRANCHES_SHOWN
        shown = set(tops[first : first + BRANCHES_SHOWN + 1])
        found: list[list[Row]] = []
        inside = False
        for level, node in indented(self.nodes):
            if level == 0:
                inside = node.id in shown
                if inside:
                    found.append([])
            if inside:
                found[-1].append(self.row(node, level))
        return found

    def page_of(self, node_id: int) -> int:
        """The page on which a node is shown."""
        tops = 0
        for level, node in indented(self.nodes):
            tops += level == 0
            if node.id == node_id:
                return (tops - 1) // BRANCHES_SHOWN + 1
        return 1

    def under(self, node_id: int) -> list[Placed]:
        """The people right below a node."""
        return [node for node in self.nodes if node.parent == node_id]

    def places_for(self, node_id: int) -> dict[int, str]:
        """Captains under whom somebody could be put, with names: not themselves, nor anybody below them."""
        own = self._within(node_id)
        leads = (node for node in self.nodes if node.parent is None or self.below[node.id])
        return {node.id: self.label(node.person) for node in leads if node.id not in own}

    def _within(self, node_id: int) -> set[int]:
        children: dict[int | None, list[int]] = defaultdict(list)
        for node in self.nodes:
            children[node.parent].append(node.id)
        own, stack = {node_id}, [node_id]
        while stack:
            more = children.pop(stack.pop(), [])
            own.update(more)
            stack += more
        return own


def whole_tree(session: Session, runtime: Runtime, group_id: int, tree_id: int, now: datetime) -> Whole:
    """A tree of this group. Raises NotFoundError."""
    tree = get_tree(session, group_id, tree_id)
    return Whole(
        tree,
        nodes_of(session, tree.id),
        people_in(session, group_id, tree.id, now),
        runs_of_tree(session, group_id, tree.id),
        runtime.vault,
    )


def tree_of_node(session: Session, group_id: int, node_id: int) -> int:
    """The id of the tree in which a node is. Raises NotFoundError."""
    node = session.get(TreeNode, node_id)
    if node is None:
        raise NotFoundError("tree_node_unknown", node_id=node_id)
    return get_tree(session, group_id, node.tree_id).id
