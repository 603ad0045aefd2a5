"""What protects people, as a small copy of its own: who must not be texted, and who was erased.

A STOP by text can be had again from the carrier's list. One by a page, by a key in a call or by staff, and an erasure,
can not; so this is written often, and a restored backup takes the newest one along. It holds keyed hashes and row
numbers only.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any, NamedTuple

from sqlalchemy import insert, select, update
from sqlalchemy.orm import Session

from outreach.accounts.models import Group
from outreach.core.db import Transaction
from outreach.people.models import Constituent, Suppression

CHUNK = 1_000


class Protections(NamedTuple):
    """``stops``: rows of suppression as plain values. ``erased``: (group, constituent, when they were first entered) of
    everybody who was erased: in a database of another history an id is another person's.
    """

    stops: list[dict[str, Any]]
    erased: list[tuple[int, int, str]]

    def as_json(self) -> dict[str, Any]:
        """For the file."""
        return {"stops": self.stops, "erased": self.erased}

    @classmethod
    def from_json(cls, told: dict[str, Any]) -> Protections:
        """From the file."""
        return cls(list(told["stops"]), [(int(group), int(person), at) for group, person, at in told["erased"]])


NOTHING = Protections([], [])


def together(older: Protections, newer: Protections) -> Protections:
    """What either knows; of an opt-out that both know, whether it was lifted is the newer's to say. Pure."""
    stops = {_key(stop): stop for stop in (*older.stops, *newer.stops)}
    return Protections(list(stops.values()), sorted({*older.erased, *newer.erased}))


def read_protections(session: Session) -> Protections:
    """Everything, not only what is new: any one of these files is enough."""
    stops = session.execute(
        select(
            Suppression.number_hash, Suppression.group_id, Suppression.source, Suppression.at, Suppression.lifted_at,
            Suppression.lifted_reason,
        ).order_by(Suppression.id)
    )  # fmt: skip
    erased = session.execute(
        select(Constituent.group_id, Constituent.id, Constituent.created_at)
        .where(Constituent.erased_at.is_not(None))
        .order_by(Constituent.id)
    )
    return Protections(
        [_plain(row) for row in stops], [(row.group_id, row.id, told_time(row.created_at)) for row in erased]
    )


def add_stops(tx: Transaction, known: Protections) -> int:
    """Insert the suppressions that this database does not have, lift what was lifted; how many were new."""
    ids = {
        (row.number_hash.hex(), row.group_id, row.source, told_time(row.at)): (row.id, row.lifted_at)
        for row in tx.execute(
            select(
                Suppression.id, Suppression.number_hash, Suppression.group_id, Suppression.source, Suppression.at,
                Suppression.lifted_at,
            )
        )
    }  # fmt: skip
    groups = {None, *tx.execute(select(Group.id)).scalars()}
    fresh = []
    for stop in known.stops:
        if stop["group"] not in groups:  # made after the backup: it is gone, with all its people
            continue
        key = _key(stop)
        if key not in ids:
            fresh.append(_row(stop))
        elif stop["lifted_at"] and ids[key][1] is None:
            lifted = {"lifted_at": _read(stop["lifted_at"]), "lifted_reason": stop["lifted_reason"]}
            tx.execute(update(Suppression).where(Suppression.id == ids[key][0]).values(lifted))
    for some in _chunks(fresh):
        tx.execute(insert(Suppression), some)
    return len(fresh)


def _chunks(rows: list[dict[str, Any]]) -> Iterator[list[dict[str, Any]]]:
    for start in range(0, len(rows), CHUNK):
        yield rows[start : start + CHUNK]


def _key(stop: dict[str, Any]) -> tuple[Any, ...]:
    """What makes an opt-out the same one in two databases, whose ids differ."""
    return (stop["number"], stop["group"], stop["source"], stop["at"])


def _plain(row: Any) -> dict[str, Any]:
    return {
        "number": row.number_hash.hex(), "group": row.group_id, "source": row.source, "at": told_time(row.at),
        "lifted_at": told_time(row.lifted_at) if row.lifted_at else None, "lifted_reason": row.lifted_reason,
    }  # fmt: skip


def _row(stop: dict[str, Any]) -> dict[str, Any]:
    return {
        "number_hash": bytes.fromhex(stop["number"]), "group_id": stop["group"], "source": stop["source"],
        "at": _read(stop["at"]), "lifted_at": _read(stop["lifted_at"]) if stop["lifted_at"] else None,
        "lifted_reason": stop["lifted_reason"],
    }  # fmt: skip


def told_time(at: datetime) -> str:
    """As the file has it, whichever database it came from."""
    return at.astimezone(UTC).isoformat()


def _read(text: str) -> datetime:
    return datetime.fromisoformat(text)
