"""What an import does with one person, given what is known about their number. Pure, but for reading what is known."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, Final, Literal, NamedTuple

from sqlalchemy import select
from sqlalchemy.orm import Session

from outreach.people.consent import is_consent_valid, suppressed_among
from outreach.people.models import ConsentEvent, Constituent

Fate = Literal["new", "updated", "opted_out", "blocked"]


@dataclass(frozen=True, slots=True)
class Known:
    """What a group's tables say about one number; the default is: nothing."""

    id: int | None = None
    sealed: bytes = b""
    zip: str | None = None
    language: str = "en"
    row_consent: datetime | None = None  # what the constituent's row has
    zones: str = ""
    import_id: int | None = None  # the import that wrote the row
    consented_at: datetime | None = None  # the newest grant, of the row or of the ledger
    import_events: frozenset[tuple[str, str | None]] = frozenset()  # (kind, wording)
    is_suppressed: bool = False


NOTHING = Known()


class Decision(NamedTuple):
    """How a row counts, what is stored of it, and what the ledger gains."""

    fate: Fate
    is_stored: bool
    event: Literal["granted", "refused"] | None
    consented_at: datetime | None


def decide(consent: str, known: Known, wording: str | None, now: datetime) -> Decision:
    """Judge one row by what it says of consent (granted, refused, none). ``now``: real time.

    Nothing is stored of a person who had opted out, but a refusal in the row still counts. An import never repeats
    a ledger entry of its own with the same wording, so reading the same file again renews nothing.
    """
    if consent == "refused":
        event: Literal["refused"] | None = None if ("refused", wording) in known.import_events else "refused"
        fate: Fate = "opted_out" if known.is_suppressed else "blocked"
        return Decision(fate, not known.is_suppressed, event, known.consented_at)
    if known.is_suppressed:
        return Decision("opted_out", False, None, known.consented_at)
    is_grant = consent == "granted" and ("granted", wording) not in known.import_events
    consented_at = now if is_grant else known.consented_at
    stored: Fate = "new" if known.id is None else "updated"
    fate = stored if is_consent_valid(consented_at, now) else "blocked"
    return Decision(fate, True, "granted" if is_grant else None, consented_at)


def merged(document: Mapping[str, Any], row: Mapping[str, Any]) -> dict[str, Any]:
    """A stored document with that of a row laid over it: empty cells erase nothing, tags are added."""
    fresh = {field: value for field, value in row.items() if value and field != "tags"}
    tags = list(dict.fromkeys([*document.get("tags", []), *row.get("tags", [])]))
    return {**document, **fresh, "tags": tags}


BECAME: Final = "became"
"""Where the document of a person as they were before an import keeps what the import made of them."""


class Became(NamedTuple):
    """What an import made of a person who was known."""

    document: dict[str, Any]
    zip: str | None
    language: str


def given_back(then: Mapping[str, Any], became: Mapping[str, Any], now: Mapping[str, Any]) -> dict[str, Any]:
    """Field by field what was before an import, unless the field was changed since: that stands. Tags one by one."""
    kept = {field: value for field, value in now.items() if field != "tags" and value != became.get(field)}
    ours = set(became.get("tags") or ())
    tags = [tag for tag in then.get("tags") or () if tag in (now.get("tags") or ())]
    tags += [tag for tag in now.get("tags") or () if tag not in ours]
    return {**then, **kept, **({"tags": tags} if "tags" in then else {})}


_ASKED_AT_ONCE: Final = 500
# By the driver itself: what renders and binds a list of 500 takes longer than the database to answer it.
_AMONG: Final = f"IN ({', '.join(f'?{place + 2}' for place in range(_ASKED_AT_ONCE))})"
_TOUCHED_SQLITE: Final = f"""
    SELECT number_hash FROM constituent WHERE group_id = ?1 AND number_hash {_AMONG}
    UNION SELECT number_hash FROM consent_event WHERE group_id = ?1 AND number_hash {_AMONG}
    UNION SELECT number_hash FROM suppression WHERE number_hash {_AMONG}
"""  # noqa: S608  only numbered places are put in
# Number by number through the index: of a table that an import has just filled there are no statistics, and PostgreSQL
# would read it whole.
_TOUCHED_POSTGRESQL: Final = """
    SELECT asked.number_hash FROM unnest(%(numbers)s::bytea[]) AS asked (number_hash)
    CROSS JOIN LATERAL (
        (SELECT 1 FROM constituent one WHERE one.group_id = %(group)s AND one.number_hash = asked.number_hash LIMIT 1)
        UNION ALL
        (SELECT 1 FROM consent_event one WHERE one.group_id = %(group)s AND one.number_hash = asked.number_hash LIMIT 1)
        UNION ALL
        (SELECT 1 FROM suppression one WHERE one.number_hash = asked.number_hash LIMIT 1)
    ) AS found
    GROUP BY asked.number_hash
"""


def touched(session: Session, group_id: int, number_hashes: Sequence[bytes]) -> list[bytes]:
    """Those numbers of which any table of this group may know something; most of a new list's are not among them."""
    connection, found = session.connection(), list[bytes]()
    for begin in range(0, len(number_hashes), _ASKED_AT_ONCE):
        some = list(number_hashes[begin : begin + _ASKED_AT_ONCE])
        if connection.dialect.name == "sqlite":
            padded = (group_id, *some, *[some[-1]] * (_ASKED_AT_ONCE - len(some)))
            rows = connection.exec_driver_sql(_TOUCHED_SQLITE, padded)
        else:
            rows = connection.exec_driver_sql(_TOUCHED_POSTGRESQL, {"group": group_id, "numbers": some})
        found += [bytes(row[0]) for row in rows]
    return found


def load_known(session: Session, group_id: int, number_hashes: Sequence[bytes]) -> dict[bytes, Known]:
    """What this group's tables know about these numbers; numbers that nothing is known about are absent."""
    number_hashes = touched(session, group_id, number_hashes)
    if not number_hashes:
        return {}
    suppressed = suppressed_among(session, number_hashes, group_id)
    events: dict[bytes, set[tuple[str, str | None]]] = defaultdict(set)
    granted: dict[bytes, datetime] = {}
    for number_hash, kind, source, wording, at in session.execute(
        select(
            ConsentEvent.number_hash, ConsentEvent.kind, ConsentEvent.source, ConsentEvent.wording, ConsentEvent.at
        ).where(
            ConsentEvent.group_id == group_id,
            ConsentEvent.number_hash.in_(number_hashes),
            ConsentEvent.voided_at.is_(None),
        )
    ):
        if source == "import":
            events[number_hash].add((kind, wording))
        if kind in ("granted", "opt_in"):
            granted[number_hash] = max(at, granted.get(number_hash, at))
    rows = {
        row.number_hash: row
        for row in session.execute(
            select(
                Constituent.number_hash, Constituent.id, Constituent.sealed, Constituent.zip, Constituent.language,
                Constituent.consented_at, Constituent.zones, Constituent.import_id,
            ).where(Constituent.group_id == group_id, Constituent.number_hash.in_(number_hashes))
        )
    }  # fmt: skip
    found: dict[bytes, Known] = {}
    for number_hash in {*rows, *suppressed, *events, *granted}:
        row = rows.get(number_hash)
        grants = [at for at in (row.consented_at if row else None, granted.get(number_hash)) if at]
        known = Known(
            consented_at=max(grants, default=None),
            import_events=frozenset(events.get(number_hash, ())),
            is_suppressed=number_hash in suppressed,
        )
        found[number_hash] = (
            known
            if row is None
            else replace(
                known,
                id=row.id,
                sealed=row.sealed,
                zip=row.zip,
                language=row.language,
                row_consent=row.consented_at,
                zones=row.zones,
                import_id=row.import_id,
            )
        )
    return found
