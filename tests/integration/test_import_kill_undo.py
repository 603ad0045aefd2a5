"""An import that is killed comes to the same end as one that is not, and undoing it leaves what was there before."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select, update

from outreach.core.errors import BadInputError, ConflictError, NotFoundError
from outreach.core.leases import acquire
from outreach.core.runtime import Runtime
from outreach.messaging.models import Message
from outreach.messaging.optout import cancel_waiting
from outreach.people import importing, pacing
from outreach.people.consent import is_suppressed, record_opt_in, record_opt_out
from outreach.people.facet_hashes import city_hash
from outreach.people.importing import import_constituents
from outreach.people.models import (
    ConsentEvent,
    Constituent,
    ContactList,
    ImportChange,
    ListMembership,
    Suppression,
    Upload,
)
from outreach.people.segment_models import ConstituentTag, Tag
from outreach.people.upload_purge import UNDOABLE_FOR, purge_uploads
from outreach.people.upload_work import work_uploads
from outreach.people.uploads import list_uploads, undo_upload
from tests.factories import make_group, make_world, plan_messages

pytestmark = pytest.mark.usefixtures("small_chunks")

AREAS = (480, 520, 602, 623, 928, 505, 702)
BEFORE = "name,phone,zip,tags,sms opt in\n" + "".join(
    f"Old {line},{area}-555-01{line:02d},85004,west,{'no' if line == 3 else 'yes'}\n"
    for area in AREAS
    for line in range(8)
)
SECOND = (
    "name,phone,zip,language,tags,sms opt in\n"
    + "".join(
        f"New {line},{area}-555-01{line:02d},10001,es,east,{'no' if line in (2, 9) else 'yes' if line % 2 else ''}\n"
        for area in AREAS
        for line in range(12)
    )
    + "Twice,480-555-0101,,,,no\nBad,12,,,,\n"
)


def load(
    runtime: Runtime, group: int, text: str, name: str = "Fair", consent: str | None = "at the fair"
) -> dict[str, Any]:
    return import_constituents(
        runtime, group, text.encode(), list_name=name, consent=consent, recorded_by="ana"
    ).as_dict()


def everything(runtime: Runtime, group: int, *, rows: bool = True) -> dict[str, Any]:
    """Lists, people and consent of a group, without ids and times of writing."""
    vault = runtime.vault
    with runtime.db.snapshot() as session:
        people = session.execute(select(Constituent).where(Constituent.group_id == group)).scalars().all()
        known = {one.id: one.number_hash for one in people}
        found: dict[str, Any] = {
            "people": sorted(
                (one.number_hash, str(vault.open(one.sealed, "constituent")), one.zip, one.language, one.zones,
                 one.consented_at is not None, one.city_hash == city_hash(vault, group, ""))
                for one in people if one.erased_at is None
            ),
            "members": sorted(
                (name, known[member])
                for name, member in session.execute(
                    select(ContactList.name, ListMembership.constituent_id).join(ContactList)
                    .where(ContactList.group_id == group)
                )
            ),
            "ledger": sorted(
                (row.number_hash, row.kind, row.wording or "")
                for row in session.execute(
                    select(ConsentEvent).where(ConsentEvent.group_id == group, ConsentEvent.voided_at.is_(None))
                ).scalars()
            ),
            "tags": sorted(
                (known[row.constituent_id], vault.open(row.sealed, "tag")["name"])
                for row in session.execute(
                    select(ConstituentTag.constituent_id, Tag.sealed).join(Tag).where(Tag.group_id == group)
                )
            ),
            "lists": sorted(session.execute(select(ContactList.name).where(ContactList.group_id == group)).scalars()),
            "suppressed": sorted(
                session.execute(select(Suppression.number_hash).where(Suppression.lifted_at.is_(None))).scalars()
            ),
        }  # fmt: skip
    return found


def consents(runtime: Runtime, group: int) -> list[Any]:
    with runtime.db.snapshot() as session:
        query = select(Constituent.number_hash, Constituent.consented_at).where(
            Constituent.group_id == group, Constituent.erased_at.is_(None)
        )
        return sorted(tuple(row) for row in session.execute(query.order_by(Constituent.number_hash)))


class KilledError(BaseException):
    """As if the process had been killed: nothing below catches it."""


def killed_after(chunks: int, patch: pytest.MonkeyPatch) -> None:
    left = iter(range(chunks))

    def wait(self: Any, seconds: float) -> None:
        if next(left, None) is None:
            raise KilledError

    patch.setattr(pacing.Pacing, "wait", wait)


@pytest.mark.parametrize("chunks", [0, 1, 4, 7])
def test_a_killed_import_comes_to_the_same_end(
    runtime: Runtime, group: int, monkeypatch: pytest.MonkeyPatch, chunks: int
) -> None:
    other = make_group(runtime, "Others")
    for one in (group, other):
        load(runtime, one, BEFORE)
    whole = load(runtime, other, SECOND)
    with monkeypatch.context() as patch:
        killed_after(chunks, patch)
        with pytest.raises(KilledError):
            load(runtime, group, SECOND)
    with runtime.db.snapshot() as session:
        assert session.execute(select(Upload.state).order_by(Upload.id.desc())).scalars().first() == "importing"
    assert load(runtime, group, SECOND) == whole
    assert everything(runtime, group) == everything(runtime, other)
    with runtime.db.snapshot() as session:
        states = session.execute(select(Upload.state).where(Upload.group_id == group)).scalars().all()
    assert states == ["imported", "imported"], "it went on with the import that was begun"


@pytest.mark.parametrize("chunks", [None, 0, 2, 5])
def test_undo_leaves_lists_and_consent_as_they_were(
    runtime: Runtime, group: int, monkeypatch: pytest.MonkeyPatch, chunks: int | None
) -> None:
    load(runtime, group, BEFORE)
    was, said = everything(runtime, group), consents(runtime, group)
    load(runtime, group, SECOND, consent="by card")
    assert everything(runtime, group) != was
    second = newest(runtime, group)
    if chunks is None:
        undo_upload(runtime, group, second, cancel_waiting)
    else:
        with monkeypatch.context() as patch:
            killed_after(chunks, patch)
            with pytest.raises(KilledError):
                undo_upload(runtime, group, second, cancel_waiting)
        assert work_uploads(runtime, lambda: False, cancel_waiting, 0) == 1
    assert everything(runtime, group) == was
    assert consents(runtime, group) == said
    with runtime.db.snapshot() as session:
        assert session.execute(select(ImportChange.id).where(ImportChange.import_id == second)).first() is None
    undo_upload(runtime, group, newest(runtime, group, "imported"), cancel_waiting)
    assert not any(everything(runtime, group).values())


def newest(runtime: Runtime, group: int, state: str | None = None) -> int:
    with runtime.db.snapshot() as session:
        rows = list_uploads(session, group, runtime.clock.real_now())
    return next(int(row.id) for row in rows if state in (None, row.state))


def test_what_people_said_since_survives_the_undo(runtime: Runtime, group: int) -> None:
    load(runtime, group, "name,phone\nAna,4805550101\nBo,4805550102\nCy,4805550103\n")
    ana, bo, cy = (runtime.vault.number_hash(f"+1480555010{digit}") for digit in (1, 2, 3))
    now = runtime.clock.real_now()
    with runtime.db.transaction() as tx:
        record_opt_in(tx, runtime.vault, group, ana, wording="JOIN", source="reply", at=now)
        record_opt_out(tx, runtime.vault, group, bo, wording="STOP", source="reply", at=now)
    undo_upload(runtime, group, newest(runtime, group), cancel_waiting)
    assert consents(runtime, group) == [(ana, now)]
    with runtime.db.snapshot() as session:
        assert [is_suppressed(session, number, group) for number in (ana, bo, cy)] == [False, True, False]


def test_a_text_that_waits_does_not_go_to_whom_the_undo_takes_out(runtime: Runtime) -> None:
    world = make_world(runtime, 3)
    with runtime.db.transaction() as tx:  # as if an import had brought the first two
        upload = Upload(
            group_id=world.group_id, digest=b"d" * 16, size=1, file_name="a.csv", list_name="Fair", rows=2, rows_done=2,
            list_id=world.list_id, state="imported", problem_count=0, created_by="ana", confirmed_by="ana",
            created_at=runtime.clock.real_now(), changed_at=runtime.clock.real_now(),
            imported_at=runtime.clock.real_now(),
        )  # fmt: skip
        tx.add(upload)
        tx.flush()
        brought = Constituent.id.in_(world.people[:2])
        tx.execute(update(Constituent).where(brought).values(import_id=upload.id))
        tx.execute(update(ListMembership).values(import_id=upload.id))
    plan_messages(runtime, world)
    undo_upload(runtime, world.group_id, upload.id, cancel_waiting)
    with runtime.db.snapshot() as session:
        states = session.execute(select(Message.state).order_by(Message.constituent_id)).scalars().all()
    assert states == ["canceled", "canceled", "planned"]


def test_who_is_in_another_list_by_now_is_kept_without_consent(runtime: Runtime, group: int) -> None:
    load(runtime, group, "name,phone\nAna,4805550101\n")
    with runtime.db.transaction() as tx:
        at = runtime.clock.now()
        made = ContactList(group_id=group, name="By hand", created_at=at)
        tx.add(made)
        tx.flush()
        person = tx.execute(select(Constituent.id)).scalar_one()
        tx.add(ListMembership(list_id=made.id, constituent_id=person))
    undo_upload(runtime, group, newest(runtime, group), cancel_waiting)
    assert [consented for _, consented in consents(runtime, group)] == [None]


def test_only_the_newest_can_be_undone_and_only_for_a_month(runtime: Runtime, group: int) -> None:
    load(runtime, group, "name,phone\nAna,4805550101\n")
    first = newest(runtime, group)
    load(runtime, group, "name,phone\nBo,4805550102\n", name="Other")
    with pytest.raises(ConflictError, match="Other"):
        undo_upload(runtime, group, first, cancel_waiting)
    with pytest.raises(NotFoundError):
        undo_upload(runtime, make_group(runtime, "Others"), first, cancel_waiting)
    second = newest(runtime, group)
    with runtime.db.transaction() as tx:
        long_ago = runtime.clock.real_now() - UNDOABLE_FOR
        tx.execute(update(Upload).where(Upload.id == second).values(imported_at=long_ago, created_at=long_ago))
    with pytest.raises(ConflictError, match="no longer"):
        undo_upload(runtime, group, second, cancel_waiting)


def test_what_undoing_needs_goes_after_a_month(runtime: Runtime, group: int) -> None:
    load(runtime, group, "name,phone\nAna,4805550101\n")
    load(runtime, group, "name,phone,city\nAna,4805550101,Mesa\n")
    assert purge_uploads(runtime) == 0
    with runtime.db.snapshot() as session:
        assert len(session.execute(select(ImportChange.id)).all()) == 1
    with runtime.db.transaction() as tx:
        tx.execute(update(Upload).values(imported_at=runtime.clock.real_now() - UNDOABLE_FOR))
    assert purge_uploads(runtime) == 0
    with runtime.db.snapshot() as session:
        assert session.execute(select(ImportChange.id)).all() == []
        assert len(session.execute(select(Upload.id)).all()) == 2, "that there was an import is remembered"


def test_one_import_at_a_time_in_a_group(runtime: Runtime, group: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(importing, "LEASE_WAIT", 0.0)
    name = importing.lease_of(group)
    assert acquire(runtime.db, name, "another", runtime.clock.real_now(), 30)
    with pytest.raises(ConflictError, match="under way"):
        load(runtime, group, "name,phone\nAna,4805550101\n")
    assert load(runtime, make_group(runtime, "Others"), "name,phone\nAna,4805550101\n")["new"] == 1


def test_an_import_whose_lease_was_lost_writes_no_more(
    runtime: Runtime, group: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    def taken(self: Any, seconds: float) -> None:
        later = runtime.clock.real_now() + timedelta(seconds=31)
        assert acquire(runtime.db, importing.lease_of(group), "another", later, 30)

    monkeypatch.setattr(pacing.Pacing, "wait", taken)
    with pytest.raises(ConflictError, match="taken this import over"):
        load(runtime, group, BEFORE)
    assert len(everything(runtime, group)["people"]) == 10


def test_a_file_that_changes_while_it_is_read(runtime: Runtime, group: int, tmp_path: Path) -> None:
    path = tmp_path / "people.csv"
    path.write_text("name,phone\nAna,4805550101\n")

    def change(rows: int, of: int | None = None) -> None:
        path.write_text("name,phone\nBo,4805550102\n")

    with pytest.raises(BadInputError, match="changed while it was read"):
        import_constituents(runtime, group, path, list_name="Fair", consent=None, recorded_by="ana", progress=change)
    assert everything(runtime, group)["lists"] == []


def test_processes_read_a_long_file_to_the_same_end(
    runtime: Runtime, group: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("outreach.people.row_blocks.FEW_BLOCKS", 1)
    monkeypatch.setattr("outreach.people.row_blocks.BLOCK", 20)
    whole = load(runtime, group, SECOND)
    other = make_group(runtime, "Others")
    report = import_constituents(
        runtime, other, SECOND.encode(), list_name="Fair", consent="at the fair", recorded_by="ana", processes=2
    )
    assert report.as_dict() == whole
    assert everything(runtime, group)["people"] == everything(runtime, other)["people"]
