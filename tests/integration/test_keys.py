"""Changing the field key: everything sealed anew beside live traffic, nothing lost, and nothing hidden."""

from __future__ import annotations

from dataclasses import replace

import pytest
from sqlalchemy import LargeBinary, select, update

from outreach.core.crypto import Vault
from outreach.core.errors import OutreachError
from outreach.core.runtime import Runtime
from outreach.messaging.models import Message
from outreach.migrations import metadata
from outreach.people.consent import record_opt_out
from outreach.people.models import Constituent
from outreach.privacy import keys
from outreach.privacy.keys import SHELVES, keys_in_use, rotate
from tests.factories import World, make_world, plan_messages, upload_file

OLD, NEW, INDEX = bytes(32), bytes(range(32)), b"i" * 32
UPLOAD = b"First name,Cell\nAna,480-555-0101\n"


@pytest.fixture
def before(runtime: Runtime) -> Runtime:
    return replace(runtime, vault=Vault({"old": OLD}, INDEX))


@pytest.fixture
def world(before: Runtime) -> World:
    world = make_world(before, 5)
    ids, now = plan_messages(before, world), before.clock.real_now()
    with before.db.transaction() as tx:  # one of them was rendered
        tx.execute(update(Message).where(Message.id == ids[0]).values(sealed=before.vault.seal({"to": "x"}, "message")))
        record_opt_out(tx, before.vault, world.group_id, b"0" * 16, wording="STOP", source="reply", at=now)
    upload_file(before, world.group_id, UPLOAD)
    return world


def test_everything_is_sealed_anew_and_the_old_key_can_go(before: Runtime, world: World) -> None:
    both = replace(before, vault=Vault({"new": NEW, "old": OLD}, INDEX))
    assert keys_in_use(both)["constituent"] == {"new": 0, "old": 5, "unknown": 0}
    done = rotate(both)
    assert (done.key_id, dict(done.sealed)) == (
        "new",
        {"constituent": 5, "consent_event": 1, "message": 1, "upload_part": 1},
    )
    assert sum(done.left.values()) == 0
    after = replace(before, vault=Vault({"new": NEW}, INDEX))
    assert all(counts["unknown"] == 0 for counts in keys_in_use(after).values())
    with after.db.snapshot() as session:
        phones = {
            after.vault.open(sealed, "constituent")["phone"] for sealed in session.scalars(select(Constituent.sealed))
        }
    assert len(phones) == 5
    assert sum(rotate(both).sealed.values()) == 0


def test_a_document_that_cannot_be_opened_is_counted_and_left(before: Runtime, world: World) -> None:
    lost = b"\x04lost" + b"?" * 40
    with before.db.transaction() as tx:
        first = tx.execute(select(Constituent.id).order_by(Constituent.id)).scalars().first()
        tx.execute(update(Constituent).where(Constituent.id == first).values(sealed=lost))
    both = replace(before, vault=Vault({"new": NEW, "old": OLD}, INDEX))
    done = rotate(both)
    assert (done.sealed["constituent"], done.left["constituent"]) == (4, 1)
    assert keys_in_use(both)["constituent"] == {"new": 4, "old": 0, "unknown": 1}
    with both.db.snapshot() as session:
        assert session.get_one(Constituent, first).sealed == lost


def test_what_somebody_writes_meanwhile_is_not_overwritten(
    before: Runtime, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    both = replace(before, vault=Vault({"new": NEW, "old": OLD}, INDEX))
    written = before.vault.seal({"phone": "+14805550199", "city": "Mesa"}, "constituent")
    proper, left = keys._old, [1]

    def meanwhile(runtime: Runtime, shelf: keys.Shelf) -> object:
        for rows in proper(runtime, shelf):
            if shelf.name == "constituent" and left:  # another process writes between the read and the write
                left.pop()
                with runtime.db.transaction() as tx:
                    tx.execute(update(Constituent).where(Constituent.id == rows[0].id).values(sealed=written))
            yield rows

    monkeypatch.setattr(keys, "_old", meanwhile)
    rotate(both)
    with both.db.snapshot() as session:
        documents = [both.vault.open(sealed, "constituent") for sealed in session.scalars(select(Constituent.sealed))]
    assert {"phone": "+14805550199", "city": "Mesa"} in documents
    assert keys_in_use(both)["constituent"] == {"new": 5, "old": 0, "unknown": 0}


def test_every_table_with_sealed_documents_is_rotated() -> None:
    sealed = {
        table.name
        for table in metadata().tables.values()
        if any(column.name == "sealed" and isinstance(column.type, LargeBinary) for column in table.columns)
    }
    assert sealed == {shelf.name for shelf in SHELVES}


def test_without_its_key_nothing_opens(before: Runtime, world: World) -> None:
    after = replace(before, vault=Vault({"new": NEW}, INDEX))
    with after.db.snapshot() as session, pytest.raises(OutreachError, match="old"):
        after.vault.open(session.scalars(select(Constituent.sealed)).first() or b"", "constituent")
