"""People for a measurement: as many as it wants, sealed as the product seals them, with numbers that belong to nobody.

The numbers are NPA-555-XXXX of geographic area codes, for load on loopback only: the carrier adapter refuses every
one of them elsewhere, and a measurement's carrier is its own.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from functools import cache
from typing import Any

from sqlalchemy import func, insert, literal, select

from outreach.bench import BenchError
from outreach.core.phone import check_phone
from outreach.core.runtime import Runtime
from outreach.people.invented import FIRST_NAMES, LAST_NAMES
from outreach.people.models import ConsentEvent, Constituent, ContactList, ListMembership
from outreach.people.quiet_hours import window
from outreach.people.zones import zones_for, zones_key

LINES = tuple(line for line in range(10_000) if line not in {1212, 4334} and not 100 <= line < 200)
"""Directory assistance, a number in use, and those reserved for examples are left out."""
AREAS = 128
BEGINS = datetime(2026, 12, 1, 17, tzinfo=UTC)
"""A Tuesday at ten in Phoenix: so late on such a day every measurement begins (``ground``)."""
CHUNK = 5_000
SPANISH = 3
"""So many of ten people are texted in Spanish."""


@cache
def areas() -> tuple[str, ...]:
    """Area codes whose people may be texted while anything is measured: AREAS of them."""
    found = []
    for code in range(201, 990):
        number = f"+1{code}5550000"
        if not check_phone(number).valid:
            continue
        zones = zones_for(number)
        if window(zones, BEGINS).open and window(zones, BEGINS + timedelta(hours=3)).open:
            found.append(str(code))
    if len(found) < AREAS:
        raise BenchError("bench_no_numbers")
    return tuple(found[:AREAS])


def number(index: int) -> str:
    """The index-th number in E.164; neighbours are of different areas. Raises BenchError when they run out."""
    line, area = divmod(index, AREAS)
    if line >= len(LINES):
        raise BenchError("bench_no_numbers")
    return f"+1{areas()[area]}555{LINES[line]:04}"


class Crowd:
    """Invented people of one group, in the order of their numbers; lists take the next ones."""

    def __init__(self, runtime: Runtime, group_id: int) -> None:
        self._runtime = runtime
        self._group_id = group_id
        self._made = 0

    @property
    def made(self) -> int:
        """How many people there are."""
        return self._made

    def gather(self, people: int, name: str) -> int:
        """Make so many more people and a list of them; the list's id."""
        now = self._runtime.clock.now()
        with self._runtime.db.transaction() as tx:
            before = tx.execute(select(func.max(Constituent.id))).scalar() or 0
            contacts = ContactList(group_id=self._group_id, name=name, created_at=now)
            tx.add(contacts)
            tx.flush()
            list_id = contacts.id
        end = self._made + people
        while self._made < end:
            rows = self._rows(self._made, min(end, self._made + CHUNK), now)
            with self._runtime.db.transaction() as tx:
                connection = tx.connection()
                connection.execute(insert(Constituent.__table__), rows)  # type: ignore[arg-type]  # it is a Table
                connection.execute(insert(ConsentEvent.__table__), [self._granted(row) for row in rows])  # type: ignore[arg-type]
            self._made += len(rows)
        with self._runtime.db.transaction() as tx:
            members = select(literal(list_id), Constituent.id).where(Constituent.id > before)
            tx.execute(insert(ListMembership).from_select(["list_id", "constituent_id"], members))
        return list_id

    def _rows(self, first: int, end: int, now: datetime) -> list[dict[str, Any]]:
        """Sorted by hash, as an import writes a chunk."""
        rows = [self._row(index, now) for index in range(first, end)]
        return sorted(rows, key=lambda row: bytes(row["number_hash"]))

    def _granted(self, row: dict[str, Any]) -> dict[str, Any]:
        """What an import writes into the ledger for them: a STOP looks there."""
        return {
            "group_id": row["group_id"],
            "number_hash": row["number_hash"],
            "kind": "granted",
            "source": "import",
            "wording": "They ticked the box.",
            "recorded_by": "bench",
            "at": self._runtime.clock.real_now(),
        }

    def _row(self, index: int, now: datetime) -> dict[str, Any]:
        vault, e164 = self._runtime.vault, number(index)
        document: dict[str, object] = {
            "phone": e164,
            "first_name": FIRST_NAMES[index % len(FIRST_NAMES)],
            "last_name": LAST_NAMES[index % len(LAST_NAMES)],
            "email": None,
            "city": None,
            "external_id": None,
            "tags": [],
        }
        return {
            "group_id": self._group_id,
            "number_hash": vault.number_hash(e164),
            "sealed": vault.seal(document, "constituent"),
            "zip": None,
            "language": "es" if index % 10 < SPANISH else "en",
            "zones": zones_key(zones_for(e164)),
            "consented_at": now - timedelta(days=1),
            "created_at": now,
            "updated_at": now,
        }
