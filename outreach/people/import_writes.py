"""One chunk of an import, written in one short transaction with set-based statements.

What an import does is marked with its id: the people it wrote, whom it put into the list, what it told the ledger,
and, of people who were known, how they were before. ``undo`` reads these marks.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final, NamedTuple

from sqlalchemy import bindparam, func, insert, select, text, update

from outreach.core.bulk import driver_time, insert_absent, insert_all
from outreach.core.db import Transaction
from outreach.core.runtime import Runtime
from outreach.people.consent import lock_people, suppress
from outreach.people.facet_hashes import city_hash
from outreach.people.facets import add_tags
from outreach.people.import_rules import (
    BECAME,
    NOTHING,
    Became,
    Decision,
    Known,
    decide,
    load_known,
    merged,
    touched,
)
from outreach.people.lists import insert_if_absent
from outreach.people.models import ConsentEvent, Constituent, ImportChange, ListMembership
from outreach.people.row_blocks import CONTEXT, PersonRow
from outreach.people.zones import zones_key_for

PEOPLE: Final = (
    "group_id", "number_hash", "sealed", "zip", "city_hash", "language", "zones", "consented_at", "created_at",
    "updated_at", "import_id",
)  # fmt: skip
EVENTS: Final = ("group_id", "number_hash", "import_id", "kind", "source", "wording", "recorded_by", "at")

_LAST_ID = select(func.coalesce(func.max(Constituent.id), 0))
_JOIN_NEW = text(
    "INSERT INTO list_membership (list_id, constituent_id, import_id) "
    "SELECT :list_id, id, import_id FROM constituent WHERE id > :last AND import_id = :import_id"
)


class Entry(NamedTuple):
    """A number of the file: its first row, and a later one that refuses what the first did not."""

    row: PersonRow
    refusal: PersonRow | None


class OvertakenError(Exception):
    """Somebody else stored a person of this chunk while it was written: nothing was, and it is to be written again."""


@dataclass(frozen=True, slots=True)
class ChunkWriter:
    """Writes chunks of one import."""

    runtime: Runtime
    group_id: int
    list_id: int
    import_id: int
    recorded_by: str

    def write(self, tx: Transaction, entries: Sequence[Entry]) -> Counter[str]:
        """Store a chunk, which is in the order of the hashes; how many numbers met which fate.

        Raises OvertakenError, which must roll the transaction back.
        """
        now, real_now = self.runtime.clock.now(), self.runtime.clock.real_now()
        hashes = touched(tx, self.group_id, [entry.row.number_hash for entry in entries])
        lock_people(tx, hashes)
        known = load_known(tx, self.group_id, hashes)
        unknown = {consent: decide(consent, NOTHING, None, real_now) for consent in ("granted", "refused", "none")}
        decided = [
            (entry.row, was, decide(entry.row.consent, was, entry.row.wording, real_now))
            if (was := known.get(entry.row.number_hash)) is not None
            else (entry.row, NOTHING, unknown[entry.row.consent])
            for entry in entries
        ]
        self._insert(tx, [one for one in decided if one[1].id is None and one[2].is_stored], now)
        self._update(tx, [one for one in decided if one[1].id is not None and one[2].is_stored], now)
        self._record(tx, decided, real_now)
        self._refuse(tx, entries, known, real_now)
        return Counter(decision.fate for _, _, decision in decided)

    def _insert(self, tx: Transaction, fresh: Sequence[tuple[PersonRow, Known, Decision]], now: datetime) -> None:
        if not fresh:
            return
        at = driver_time(tx, now)
        times = {when: driver_time(tx, when) for when in {decision.consented_at for _, _, decision in fresh}}
        last = tx.execute(_LAST_ID).scalar_one()
        insert_absent(
            tx,
            Constituent.__table__,  # type: ignore[arg-type]  # a Table, which its annotation hides
            PEOPLE,
            [
                (
                    self.group_id, row.number_hash, row.sealed, row.zip, row.city_hash, row.language or "en", row.zones,
                    times[decision.consented_at], at, at, self.import_id,
                )
                for row, _, decision in fresh
            ],
        )  # fmt: skip
        marks = {"list_id": self.list_id, "last": last, "import_id": self.import_id}
        joined = tx.connection().execute(_JOIN_NEW, marks)
        if joined.rowcount != len(fresh):
            raise OvertakenError
        with_tags = {row.number_hash: row for row, _, _ in fresh if row.tags}
        if with_tags:
            own = (Constituent.group_id == self.group_id, Constituent.number_hash.in_(with_tags))
            open_ = self.runtime.vault.open
            tagged = {
                one.id: open_(with_tags[one.number_hash].sealed, CONTEXT)["tags"]
                for one in tx.execute(select(Constituent.id, Constituent.number_hash).where(*own))
            }
            add_tags(tx, self.runtime.vault, self.group_id, tagged, now)

    def _update(self, tx: Transaction, old: Sequence[tuple[PersonRow, Known, Decision]], now: datetime) -> None:
        if not old:
            return
        changes, befores, tagged = [], [], {}
        for row, was, decision in old:
            found = self.runtime.vault.open(was.sealed, CONTEXT)
            document = merged(found, self.runtime.vault.open(row.sealed, CONTEXT))
            change = self._change(row, was, decision, found, document)
            if change:
                changes.append({"row_id": was.id, **change, "updated_at": now, "import_id": self.import_id})
                befores.append(self._before(was, found, Became(document, change["zip"], change["language"])))
                tagged[was.id or 0] = document["tags"]
        if changes:
            table: Any = Constituent.__table__
            columns: dict[str, Any] = {name: bindparam(name) for name in changes[0] if name != "row_id"}
            tx.connection().execute(update(table).where(table.c.id == bindparam("row_id")).values(columns), changes)
            tx.execute(insert_if_absent(tx, ImportChange), befores)
            add_tags(tx, self.runtime.vault, self.group_id, tagged, now)
        members = [
            {"list_id": self.list_id, "constituent_id": was.id, "import_id": self.import_id} for _, was, _ in old
        ]
        tx.execute(insert_if_absent(tx, ListMembership), members)

    def _change(
        self, row: PersonRow, was: Known, decision: Decision, found: dict[str, Any], document: dict[str, Any]
    ) -> dict[str, Any] | None:
        """What changes of somebody whose document was ``found``, and who has ``document`` with the row laid over it."""
        vault = self.runtime.vault
        zip_code, language = row.zip or was.zip, row.language or was.language
        standing = (found, was.zip, was.language, was.row_consent)
        if (document, zip_code, language, decision.consented_at) == standing:
            return None
        return {
            "sealed": vault.seal(document, CONTEXT),
            "zip": zip_code,
            "city_hash": city_hash(vault, self.group_id, document.get("city") or ""),
            "language": language,
            "zones": zones_key_for(document["phone"][:8], zip_code),
            "consented_at": decision.consented_at,
        }

    def _before(self, was: Known, found: dict[str, Any], became: Became) -> dict[str, Any]:
        return {
            "import_id": self.import_id, "constituent_id": was.id,
            "sealed": self.runtime.vault.seal({**found, BECAME: became._asdict()}, CONTEXT), "zip": was.zip,
            "language": was.language, "zones": was.zones, "consented_at": was.row_consent, "before": was.import_id,
        }  # fmt: skip

    def _record(
        self, tx: Transaction, decided: Sequence[tuple[PersonRow, Known, Decision]], real_now: datetime
    ) -> None:
        at = driver_time(tx, real_now)
        insert_all(
            tx,
            ConsentEvent.__table__,  # type: ignore[arg-type]  # as above
            EVENTS,
            [
                (
                    self.group_id, row.number_hash, self.import_id, decision.event, "import", row.wording,
                    self.recorded_by, at,
                )
                for row, _, decision in decided
                if decision.event
            ],
        )  # fmt: skip

    def _refuse(
        self, tx: Transaction, entries: Sequence[Entry], known: Mapping[bytes, Known], real_now: datetime
    ) -> None:
        """Whoever says no is suppressed; the no of a later row is noted unless an import noted the same before."""
        for row, refusal in entries:
            if row.consent == "refused" or refusal:
                suppress(tx, row.number_hash, "import", self.group_id, at=real_now, import_id=self.import_id)
            if refusal and ("refused", refusal.wording) not in known.get(row.number_hash, NOTHING).import_events:
                tx.execute(
                    insert(ConsentEvent).values(
                        group_id=self.group_id, number_hash=row.number_hash, import_id=self.import_id, kind="refused",
                        source="import", wording=refusal.wording, recorded_by=self.recorded_by, at=real_now,
                    )
                )  # fmt: skip
