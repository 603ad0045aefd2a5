"""One chunk of an import, written in one short transaction with set-based statements."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, NamedTuple

from sqlalchemy import bindparam, insert, update

from outreach.core.db import Transaction
from outreach.core.runtime import Runtime
from outreach.people.cells import Person
from outreach.people.consent import lock_people, suppress
from outreach.people.import_rules import NOTHING, Decision, Known, decide, load_known, merged
from outreach.people.lists import insert_if_absent
from outreach.people.models import ConsentEvent, Constituent, ListMembership
from outreach.people.zones import zones_for, zones_key

CONTEXT = "constituent"


class Prepared(NamedTuple):
    """A person with everything that can be computed before the write lock is taken."""

    number_hash: bytes
    person: Person
    sealed: bytes
    zones: str


@dataclass(frozen=True, slots=True)
class ChunkWriter:
    """Writes chunks for one import."""

    runtime: Runtime
    group_id: int
    list_id: int
    list_name: str
    recorded_by: str

    def prepare(self, people: Sequence[Person]) -> list[Prepared]:
        """Hash and seal, sorted by hash: the order in which every transaction locks people."""
        vault = self.runtime.vault
        prepared = [
            Prepared(
                vault.number_hash(person.e164),
                person,
                vault.seal(person.document(), CONTEXT),
                zones_key(zones_for(person.e164, person.zip)),
            )
            for person in people
        ]
        return sorted(prepared, key=lambda item: (item.number_hash, item.person.row))

    def write(self, prepared: Sequence[Prepared]) -> Counter[str]:
        """Store a chunk; how many rows met which fate. Durable when somebody in it refuses."""
        rows = [item for item in prepared if not item.person.is_repeat]
        repeats = [item for item in prepared if item.person.is_repeat]
        hashes = [item.number_hash for item in rows]
        now, real_now = self.runtime.clock.now(), self.runtime.clock.real_now()
        with self.runtime.db.transaction(durable=any(item.person.consent == "refused" for item in prepared)) as tx:
            lock_people(tx, [item.number_hash for item in prepared])
            known = load_known(tx, self.group_id, hashes)
            decided = {item.number_hash: self._decide(item, known, real_now) for item in rows}
            ids = self._insert(tx, rows, known, decided, now)
            overtaken = [
                item for item in rows
                if decided[item.number_hash].is_stored and item.number_hash not in ids
                and known.get(item.number_hash, NOTHING).id is None
            ]  # fmt: skip
            if overtaken:  # another import stored them since we looked, and has committed
                known |= load_known(tx, self.group_id, [item.number_hash for item in overtaken])
                decided |= {item.number_hash: self._decide(item, known, real_now) for item in overtaken}
            ids |= self._update(tx, rows, known, decided, now)
            self._join_list(tx, list(ids.values()))
            self._record(tx, rows, decided, real_now)
            self._record_repeats(tx, repeats, real_now)
        return Counter(decision.fate for decision in decided.values())

    def _decide(self, item: Prepared, known: dict[bytes, Known], real_now: datetime) -> Decision:
        wording = item.person.ledger_wording(self.list_name)
        return decide(item.person, known.get(item.number_hash, NOTHING), wording, real_now)

    def _insert(
        self,
        tx: Transaction,
        rows: Sequence[Prepared],
        known: dict[bytes, Known],
        decided: dict[bytes, Decision],
        now: datetime,
    ) -> dict[bytes, int]:
        values = [
            {
                "group_id": self.group_id,
                "number_hash": item.number_hash,
                "sealed": item.sealed,
                "zip": item.person.zip,
                "language": item.person.language or "en",
                "zones": item.zones,
                "consented_at": decided[item.number_hash].consented_at,
                "created_at": now,
                "updated_at": now,
            }
            for item in rows
            if decided[item.number_hash].is_stored and known.get(item.number_hash, NOTHING).id is None
        ]
        if not values:
            return {}
        statement = insert_if_absent(tx, Constituent).returning(Constituent.number_hash, Constituent.id)
        return {row.number_hash: row.id for row in tx.execute(statement, values)}

    def _update(
        self,
        tx: Transaction,
        rows: Sequence[Prepared],
        known: dict[bytes, Known],
        decided: dict[bytes, Decision],
        now: datetime,
    ) -> dict[bytes, int]:
        ids: dict[bytes, int] = {}
        changes = []
        for item in rows:
            was, decision = known.get(item.number_hash, NOTHING), decided[item.number_hash]
            if was.id is None or not decision.is_stored:
                continue
            ids[item.number_hash] = was.id
            change = self._change(item.person, was, decision)
            if change:
                changes.append({"row_id": was.id, **change, "updated_at": now})
        if changes:
            table = Constituent.__table__
            columns: dict[str, Any] = {name: bindparam(name) for name in changes[0] if name != "row_id"}
            tx.connection().execute(
                update(table).where(table.c.id == bindparam("row_id")).values(columns),  # type: ignore[arg-type]  # a Table, which its annotation hides
                changes,
            )
        return ids

    def _change(self, person: Person, was: Known, decision: Decision) -> dict[str, Any] | None:
        vault = self.runtime.vault
        document = vault.open(was.sealed, CONTEXT)
        fresh = merged(document, person)
        zip_code, language = person.zip or was.zip, person.language or was.language
        if (fresh, zip_code, language, decision.consented_at) == (document, was.zip, was.language, was.row_consent):
            return None
        return {
            "sealed": vault.seal(fresh, CONTEXT),
            "zip": zip_code,
            "language": language,
            "zones": zones_key(zones_for(person.e164, zip_code)),
            "consented_at": decision.consented_at,
        }

    def _join_list(self, tx: Transaction, ids: list[int]) -> None:
        members = [{"list_id": self.list_id, "constituent_id": row_id} for row_id in sorted(ids)]
        if members:
            tx.execute(insert_if_absent(tx, ListMembership), members)

    def _record(
        self, tx: Transaction, rows: Sequence[Prepared], decided: dict[bytes, Decision], real_now: datetime
    ) -> None:
        events = [self._event(item, decided[item.number_hash].event, real_now) for item in rows]
        entries = [event for event in events if event["kind"]]
        if entries:
            tx.execute(insert(ConsentEvent), entries)
        for item in rows:
            if item.person.consent == "refused":
                suppress(tx, item.number_hash, "import", self.group_id, at=real_now)

    def _record_repeats(self, tx: Transaction, repeats: Sequence[Prepared], real_now: datetime) -> None:
        """Refusals in later rows of a number: each is noted unless an import noted the same before."""
        known = load_known(tx, self.group_id, [item.number_hash for item in repeats]) if repeats else {}
        for item in repeats:
            if self._decide(item, known, real_now).event:
                tx.execute(insert(ConsentEvent), [self._event(item, "refused", real_now)])
            suppress(tx, item.number_hash, "import", self.group_id, at=real_now)

    def _event(self, item: Prepared, kind: str | None, real_now: datetime) -> dict[str, Any]:
        return {
            "group_id": self.group_id,
            "number_hash": item.number_hash,
            "kind": kind,
            "source": "import",
            "wording": item.person.ledger_wording(self.list_name),
            "recorded_by": self.recorded_by,
            "at": real_now,
        }
