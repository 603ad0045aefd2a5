"""The shape of a tree: how people are put into branches, and what can be wrong with it. Pure."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby, pairwise
from typing import NamedTuple

from config import table


class Placed(NamedTuple):
    """A node of a tree; ``person``, ``parent`` and ``backup`` are ids (of people, a node, and people)."""

    id: int
    person: int
    parent: int | None
    backup: int | None
    area: str | None


class Problem(NamedTuple):
    """What keeps a tree from running, and at which node."""

    code: str
    node_id: int | None


@dataclass(frozen=True, slots=True)
class Candidate:
    """Somebody who may be put into a branch. ``area``: where they live, empty when nobody knows.

    ``merit``: how likely they are to answer as a captain; the highest leads.
    """

    person: int
    area: str
    merit: int = 0


class Branch(NamedTuple):
    """A captain, who stands in for them, and the branch's people, the backup among them."""

    captain: int
    backup: int | None
    members: tuple[int, ...]
    area: str


def put_in_branches(people: Sequence[Candidate], size: int) -> list[Branch]:
    """Branches of about ``size`` members each, of people who live near each other; each person once.

    No branch is smaller than the least that is allowed where neighbours can fill it, and none is larger than the most.
    The most deserving lead; of equals the one who comes first.
    """
    branches = []
    for neighbours in _neighbourhoods(people):
        for part in _parts(neighbours, size):
            led = sorted(part, key=lambda one: -one.merit)
            members = tuple(one.person for one in led[1:])
            named = Counter(one.area for one in part).most_common(1)[0][0]
            branches.append(Branch(led[0].person, members[0] if members else None, members, named))
    return branches


def _neighbourhoods(people: Sequence[Candidate]) -> list[list[Candidate]]:
    """Areas in order, too small ones together with the next; whoever lives nobody knows where comes last."""
    least = table("phone_tree")["branch_least"] + 1
    ordered = sorted(people, key=lambda one: (not one.area, one.area))
    found: list[list[Candidate]] = []
    for _, group in groupby(ordered, key=lambda one: one.area):
        living = list(group)
        if found and len(found[-1]) < least:
            found[-1].extend(living)
        else:
            found.append(living)
    if len(found) > 1 and len(found[-1]) < least:
        found[-2].extend(found.pop())
    return found


def _parts(people: Sequence[Candidate], size: int) -> list[Sequence[Candidate]]:
    """As many parts as there are captains, of the same size or one more."""
    least = table("phone_tree")["branch_least"] + 1
    count = max(1, min(-(-len(people) // (size + 1)), len(people) // least))
    share, rest = divmod(len(people), count)
    ends = [share * number + min(number, rest) for number in range(count + 1)]
    return [people[start:end] for start, end in pairwise(ends)]


def top_down(nodes: Sequence[Placed]) -> Iterator[list[Placed]]:
    """The nodes level by level, from those at the top; what hangs from nowhere is left out."""
    below: dict[int | None, list[Placed]] = defaultdict(list)
    for node in nodes:
        below[node.parent].append(node)
    level = below.pop(None, [])
    while level:
        yield level
        level = [child for node in level for child in below.pop(node.id, ())]


def indented(nodes: Sequence[Placed]) -> Iterator[tuple[int, Placed]]:
    """The nodes as an indented list shows them, each with its level; what hangs from nowhere is left out."""
    below: dict[int | None, list[Placed]] = defaultdict(list)
    for node in nodes:
        below[node.parent].append(node)
    stack = [(0, node) for node in reversed(below.pop(None, []))]
    while stack:
        level, node = stack.pop()
        yield level, node
        stack += [(level + 1, child) for child in reversed(below.pop(node.id, []))]


def problems_of(nodes: Sequence[Placed]) -> list[Problem]:
    """What keeps a tree from running: nobody in it, somebody twice, a branch that hangs from itself or nowhere, a
    captain of nobody or of too many, a backup who is the captain."""
    if not nodes:
        return [Problem("tree_empty", None)]
    problems = []
    people = Counter(node.person for node in nodes)
    reached = {node.id for level in top_down(nodes) for node in level}
    sizes = Counter(node.parent for node in nodes if node.parent)
    most = table("phone_tree")["branch_most"]
    for node in nodes:
        if people[node.person] > 1:
            problems.append(Problem("tree_person_twice", node.id))
        if node.id not in reached:
            problems.append(Problem("tree_branch_unreachable", node.id))
        if node.parent is None and not sizes[node.id]:
            problems.append(Problem("tree_captain_of_nobody", node.id))
        if sizes[node.id] > most:
            problems.append(Problem("tree_branch_too_large", node.id))
        if node.backup == node.person:
            problems.append(Problem("tree_backup_is_captain", node.id))
    return problems
