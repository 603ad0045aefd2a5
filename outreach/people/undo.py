"""Taking an import back: lists and consent are as they were before it, but for what people did since.

Only a group's newest import can be undone, so what it found is what stood before. What was changed since stays, field
by field. People whom it brought are emptied, not deleted: texts that went to them go on counting. Whoever opted out
stays opted out.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Sequence
from datetime import datetime
from functools import partial
from typing import Any, Final

from sqlalchemy import bindparam, delete, exists, select, update

from outreach.core.crypto import HASH_BYTES, Vault
from outreach.core.db import Transaction
from outreach.core.errors import ConflictError
from outreach.core.leases import renew
from outreach.core.runtime import Runtime
from outreach.people.consent import lock_people
from outreach.people.facet_hashes import NO_CITY, city_hash
from outreach.people.facets import add_tags, take_tags
from outreach.people.import_rules import BECAME, Became, given_back
from outreach.people.importing import LEASE_SECONDS, lease_of, never_busy
from outreach.people.models import (
    ConsentEvent,
    Constituent,
    ContactList,
    ImportChange,
    ListMembership,
    Suppression,
    Upload,
)
from outreach.people.pacing import Pacing
from outreach.people.row_blocks import CONTEXT
from outreach.people.zones import zones_key_for

CHUNK: Final = 500
Withdraw = Callable[[Transaction, int, Sequence[bytes], datetime], object]
"""Cancels what a group has not sent to these numbers, by hash and sorted, at a real time."""
REASON: Final = "the import was undone"


_people_table: Any = Constituent.__table__
_this = _people_table.c.id == bindparam("its_id")
_RESTORE = (
    update(_people_table)
    .where(_this)
    .values(
        sealed=bindparam("sealed_then"), zip=bindparam("zip_then"), language=bindparam("language_then"),
        zones=bindparam("zones_then"), consented_at=bindparam("consented_then"), import_id=bindparam("import_then"),
        updated_at=bindparam("now"), city_hash=bindparam("city_then"),
    )
)  # fmt: skip
_KEEP = update(_people_table).where(_this).values(consented_at=bindparam("consented_then"), import_id=None)
_EMPTY = (
    update(_people_table)
    .where(_this)
    .values(
        number_hash=bindparam("hash_then"), sealed=bindparam("sealed_then"), zip=None, language="en", zones="",
        consented_at=None, import_id=None, updated_at=bindparam("now"), erased_at=bindparam("now"),
        number_bad_at=bindparam("now"), city_hash=NO_CITY,
    )
)  # fmt: skip


def undo_import(
    runtime: Runtime, upload_id: int, token: str, withdraw: Withdraw, is_busy: Callable[[], bool] = never_busy
) -> None:
    """Undo an import in state ``undoing``, in chunks that can be killed. Needs the group's lease under ``token``.

    Whoever has no consent afterwards gets no text that waits: ``withdraw`` cancels it.

    Raises ConflictError import_taken_over when the lease was lost.
    """
    with runtime.db.snapshot() as session:
        upload = session.get_one(Upload, upload_id)
        session.expunge(upload)
    if upload.state != "undoing":
        return
    pacing = Pacing(is_busy, is_sqlite=runtime.db.is_sqlite)
    for step in (_ledger, _suppressions, partial(_people, withdraw), _befores):
        after: Any = 0
        while True:
            begun = time.perf_counter()
            with runtime.db.transaction(durable=True) as tx:
                if not renew(tx, lease_of(upload.group_id), token, runtime.clock.real_now(), LEASE_SECONDS):
                    raise ConflictError("import_taken_over")
                after = step(tx, upload, after, runtime)
            if after is None:
                break
            pacing.wait(time.perf_counter() - begun)
    with runtime.db.transaction() as tx:
        _drop_list(tx, upload)
        tx.execute(
            update(Upload)
            .where(Upload.id == upload_id, Upload.state == "undoing")
            .values(state="undone", changed_at=runtime.clock.real_now())
        )


def _ledger(tx: Transaction, upload: Upload, after: int, runtime: Runtime) -> int | None:
    """What it told the ledger counts no more."""
    rows = tx.execute(
        select(ConsentEvent.id, ConsentEvent.number_hash)
        .where(ConsentEvent.import_id == upload.id, ConsentEvent.id > after)
        .order_by(ConsentEvent.id)
        .limit(CHUNK)
    ).all()
    ids = [row.id for row in rows]
    lock_people(tx, sorted({row.number_hash for row in rows}))
    tx.execute(update(ConsentEvent).where(ConsentEvent.id.in_(ids)).values(voided_at=runtime.clock.real_now()))
    return ids[-1] if len(ids) == CHUNK else None


def _suppressions(tx: Transaction, upload: Upload, after: int, runtime: Runtime) -> int | None:
    """The noes that it brought are lifted."""
    rows = select(Suppression.id).where(Suppression.import_id == upload.id, Suppression.id > after)
    ids = list(tx.execute(rows.order_by(Suppression.id).limit(CHUNK)).scalars())
    lifted = update(Suppression).where(Suppression.id.in_(ids), Suppression.lifted_at.is_(None))
    tx.execute(lifted.values(lifted_at=runtime.clock.real_now(), lifted_reason=REASON))
    return ids[-1] if len(ids) == CHUNK else None


def _people(withdraw: Withdraw, tx: Transaction, upload: Upload, after: int, runtime: Runtime) -> int | None:
    """The members of its list, by id: those it brought are emptied, those it changed are as before."""
    rows = tx.execute(
        select(Constituent.id, Constituent.number_hash, Constituent.import_id, ListMembership.import_id.label("joined"))
        .join(ListMembership, ListMembership.constituent_id == Constituent.id)
        .where(ListMembership.list_id == upload.list_id, Constituent.id > after)
        .order_by(Constituent.id)
        .limit(CHUNK)
    ).all()
    if not rows:
        return None
    ids, written = [row.id for row in rows], [row for row in rows if row.import_id == upload.id]
    lock_people(tx, sorted(row.number_hash for row in written))
    without = _restore(tx, upload, written, runtime)
    if without:
        withdraw(tx, upload.group_id, without, runtime.clock.real_now())
    joined = [row.id for row in rows if row.joined == upload.id]
    tx.execute(
        delete(ListMembership).where(
            ListMembership.list_id == upload.list_id, ListMembership.constituent_id.in_(joined)
        )
    )
    return ids[-1] if len(ids) == CHUNK else None


def _befores(tx: Transaction, upload: Upload, after: int, runtime: Runtime) -> int | None:
    """What it needed to know of how people were is forgotten."""
    rows = select(ImportChange.id).where(ImportChange.import_id == upload.id)
    ids = list(tx.execute(rows.order_by(ImportChange.id).limit(CHUNK)).scalars())
    tx.execute(delete(ImportChange).where(ImportChange.id.in_(ids)))
    return ids[-1] if len(ids) == CHUNK else None


def _restore(tx: Transaction, upload: Upload, written: Sequence[Any], runtime: Runtime) -> list[bytes]:
    """Empty or restore these people; the numbers, by hash, of those who have no consent now."""
    if not written:
        return []
    ids = [row.id for row in written]
    befores = {
        row.constituent_id: row
        for row in tx.execute(
            select(ImportChange).where(ImportChange.import_id == upload.id, ImportChange.constituent_id.in_(ids))
        ).scalars()
    }
    elsewhere = set(
        tx.execute(
            select(ListMembership.constituent_id).where(
                ListMembership.constituent_id.in_(ids), ListMembership.list_id != upload.list_id
            )
        ).scalars()
    )
    said, joined = _last_grants(tx, upload, [row.number_hash for row in written])
    now = runtime.clock.now()
    restored, kept, emptied, without = [], [], [], []
    present = _present(tx, list(befores))
    documents: dict[int, dict[str, Any]] = {}
    for row in written:
        before, since = befores.get(row.id), said.get(row.number_hash)
        stands = before is not None or row.id in elsewhere or row.number_hash in joined
        if not stands or (since is None and (before is None or before.consented_at is None)):
            without.append(row.number_hash)
        if before is not None:
            consented = max((at for at in (before.consented_at, since) if at), default=None)
            back, documents[row.id] = _as_before(runtime.vault, before, present[row.id])
            city = city_hash(runtime.vault, upload.group_id, documents[row.id].get("city") or "")
            restored.append({**back, "consented_then": consented, "now": now, "city_then": city})
        elif stands:  # what they said or joined since stands by itself
            kept.append({"its_id": row.id, "consented_then": since})
        else:
            emptied.append({"its_id": row.id, "hash_then": os.urandom(HASH_BYTES)})
    connection = tx.connection()
    take_tags(tx, [*documents, *(row["its_id"] for row in emptied)])
    if restored:
        connection.execute(_RESTORE, restored)
        tagged = {person: document.get("tags") or () for person, document in documents.items()}
        add_tags(tx, runtime.vault, upload.group_id, tagged, now)
    if kept:
        connection.execute(_KEEP, kept)
    if emptied:
        nothing = {"sealed_then": runtime.vault.seal({}, CONTEXT), "now": now}
        connection.execute(_EMPTY, [{**row, **nothing} for row in emptied])
    return sorted(without)


def _present(tx: Transaction, ids: Sequence[int]) -> dict[int, Any]:
    """How these people are now, under their locks."""
    which = select(Constituent.id, Constituent.sealed, Constituent.zip, Constituent.language)
    return {row.id: row for row in tx.execute(which.where(Constituent.id.in_(ids)))}


def _as_before(vault: Vault, before: ImportChange, row: Any) -> tuple[dict[str, Any], dict[str, Any]]:
    """A person's columns and document as they were before the import, but for what was changed since."""
    then, now = vault.open(before.sealed, CONTEXT), vault.open(row.sealed, CONTEXT)
    said = then.pop(BECAME, None)  # imports of earlier versions have not kept it
    became = Became(**said) if said else Became(now, row.zip, row.language)
    document = given_back(then, became.document, now)
    zip_code = before.zip if row.zip == became.zip else row.zip
    return {
        "its_id": before.constituent_id,
        "sealed_then": vault.seal(document, CONTEXT),
        "zip_then": zip_code,
        "language_then": before.language if row.language == became.language else row.language,
        "zones_then": before.zones if zip_code == before.zip else zones_key_for(document["phone"][:8], zip_code),
        "import_then": before.before,
    }, document


def _drop_list(tx: Transaction, upload: Upload) -> None:
    """The list that it made stays when somebody is in it, or when it may be named elsewhere: then it is empty."""
    members = exists().where(ListMembership.list_id == upload.list_id)
    tx.execute(
        delete(ContactList).where(ContactList.id == upload.list_id, ContactList.import_id == upload.id, ~members)
    )


def _last_grants(tx: Transaction, upload: Upload, hashes: Sequence[bytes]) -> tuple[dict[bytes, datetime], set[bytes]]:
    """What the ledger still says: the newest yes of each number to this group, and who said so since the import.

    A yes from before it stands in the ledger, but makes nobody a person of the group who was none: they were erased.
    """
    rows = tx.execute(
        select(ConsentEvent.number_hash, ConsentEvent.at, ConsentEvent.kind).where(
            ConsentEvent.group_id == upload.group_id, ConsentEvent.number_hash.in_(hashes),
            ConsentEvent.kind.in_(("granted", "opt_in")), ConsentEvent.voided_at.is_(None),
        ).order_by(ConsentEvent.at)
    ).all()  # fmt: skip
    since = {row.number_hash for row in rows if row.kind == "opt_in" and row.at > upload.created_at}
    return {row.number_hash: row.at for row in rows}, since
