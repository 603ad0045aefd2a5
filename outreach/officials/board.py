"""The board: a group's officials, or those of one jurisdiction, against the nine policies, and its totals.

Page and files are made of the same rows, so they cannot say different things.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, NamedTuple

from sqlalchemy import ColumnElement, func, select
from sqlalchemy.orm import Session

from config import table
from outreach.officials.models import Official
from outreach.officials.stances import Entry, Standing, entries_of, standing_of

KINDS: Final = ("secured", "unsecured", "no", "evaded", "unknown", "not_asked")
"""What a cell can say. A yes is secured when it stands in writing; practice alone, or nothing said of it, is not."""
EXPORTED: Final = (
    "official_id", "official", "role", "jurisdiction", "district", "policy", "policy_name", "kind", "answer", "basis",
    "heard_on", "source", "times_asked", "citation",
)  # fmt: skip
NOTHING: Final = Standing(None, (), (0, 0))


class Cell(NamedTuple):
    """An official's answer on one policy. ``asked``: how often, in vain, since they last said yes or no."""

    policy: int
    kind: str
    entry: Entry | None
    asked: int


@dataclass(frozen=True, slots=True)
class BoardRow:
    """One official: id, name, role, jurisdiction and district, and nine cells in the order of the policies."""

    official: Any
    cells: Sequence[Cell]


@dataclass(frozen=True, slots=True)
class Board:
    """A page of rows; ``officials`` and ``totals`` (policy -> kind -> officials) are those of all pages together."""

    rows: Sequence[BoardRow]
    officials: int
    totals: Mapping[int, Mapping[str, int]]


def kind_of(standing: Standing) -> str:
    """What a cell says of where an official stands."""
    entry = standing.current
    if entry is None:
        return "not_asked"
    if entry.answer == "yes":
        return "secured" if standing.secured else "unsecured"
    return entry.answer


def cell_of(policy: int, standing: Standing) -> Cell:
    """The cell of one policy."""
    return Cell(policy, kind_of(standing), standing.current, standing.evaded[0])


def numbers() -> list[int]:
    """The policies' numbers, in order."""
    return [policy["number"] for policy in table("policies")["policies"]]


def totals_of(standings: Mapping[tuple[int, int], Standing], officials: int) -> dict[int, dict[str, int]]:
    """Policy -> kind -> how many of ``officials``; each column sums to them. Keys: official's id and policy."""
    totals = {}
    for policy in numbers():
        found = Counter(kind_of(standing) for (_, about), standing in standings.items() if about == policy)
        found["not_asked"] += officials - found.total()
        totals[policy] = {kind: found[kind] for kind in KINDS}
    return totals


def jurisdictions(session: Session, group_id: int) -> list[str]:
    """The places of the group's officials, in the order of the alphabet."""
    query = select(Official.jurisdiction).where(Official.group_id == group_id, Official.jurisdiction.is_not(None))
    return sorted({place for place in session.execute(query.distinct()).scalars() if place}, key=str.casefold)


def read_board(
    session: Session, group_id: int, jurisdiction: str | None = None, *, first: int = 0, most: int | None = None
) -> Board:
    """The board of a jurisdiction, or of everybody: ``most`` officials by name, from the ``first`` (0 is the first)."""
    ours = _ours(group_id, jurisdiction)
    entries: dict[tuple[int, int], list[Entry]] = {}
    for entry in entries_of(session, group_id, select(Official.id).where(*ours)):
        entries.setdefault((entry.official_id, entry.policy), []).append(entry)
    standings = {key: standing_of(found) for key, found in entries.items()}
    count = session.execute(select(func.count(Official.id)).where(*ours)).scalar_one()
    page = session.execute(
        select(Official.id, Official.name, Official.role, Official.jurisdiction, Official.district)
        .where(*ours)
        .order_by(func.lower(Official.name), Official.id)
        .offset(first)
        .limit(most)
    ).all()
    rows = [
        BoardRow(official, [cell_of(policy, standings.get((official.id, policy), NOTHING)) for policy in numbers()])
        for official in page
    ]
    return Board(rows, count, totals_of(standings, count))


def _ours(group_id: int, jurisdiction: str | None) -> list[ColumnElement[bool]]:
    place = [] if jurisdiction is None else [Official.jurisdiction == jurisdiction]
    return [Official.group_id == group_id, *place]


def exported(board: Board) -> Iterator[dict[str, Any]]:
    """The cells of a board as a file has them, with ``EXPORTED`` as their names; who heard it stays with us."""
    names = {policy["number"]: policy["name"]["en"] for policy in table("policies")["policies"]}
    for row in board.rows:
        for cell in row.cells:
            entry = cell.entry
            yield {
                "official_id": row.official.id,
                "official": row.official.name,
                "role": row.official.role,
                "jurisdiction": row.official.jurisdiction,
                "district": row.official.district,
                "policy": cell.policy,
                "policy_name": names[cell.policy],
                "kind": cell.kind,
                "answer": entry.answer if entry else None,
                "basis": entry.basis if entry else None,
                "heard_on": entry.heard_on.isoformat() if entry else None,
                "source": entry.source if entry else None,
                "times_asked": cell.asked or None,
                "citation": entry.citation if entry else None,
            }
