"""Imports of a group are written one after the other, each to its end: undo takes them back in this order."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select, update

from outreach.core.csv_rows import open_csv
from outreach.core.errors import ConflictError
from outreach.core.leases import Lease, acquire
from outreach.core.runtime import Runtime
from outreach.messaging.optout import cancel_waiting
from outreach.people import importing, pacing, upload_work, uploads
from outreach.people.models import ConsentEvent, Upload, UploadPart
from outreach.people.sealed_files import SealedSpool
from outreach.people.upload_files import KEPT_FOR
from outreach.people.upload_purge import UNDOABLE_FOR, purge_uploads
from outreach.people.upload_work import work_uploads
from outreach.people.uploads import Received, confirm_upload, keep_upload, undo_upload
from tests.factories import make_group
from tests.integration.test_import_kill_undo import KilledError, consents, everything, killed_after, load

pytestmark = pytest.mark.usefixtures("small_chunks")

PEOPLE = "name,phone,zip\n" + "".join(f"Somebody,480-555-01{line:02d},85004\n" for line in range(30))
ELSEWHERE = PEOPLE.replace("85004", "10001")


@pytest.fixture
def cut_off(monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    def after_one_chunk(do: Callable[..., object], *args: Any, **options: Any) -> None:
        with monkeypatch.context() as patch:
            killed_after(1, patch)
            with pytest.raises(KilledError):
                do(*args, **options)

    return after_one_chunk


def states(runtime: Runtime) -> dict[str, str]:
    with runtime.db.snapshot() as session:
        return {row.list_name: row.state for row in session.execute(select(Upload.list_name, Upload.state))}


def id_of(runtime: Runtime, name: str) -> int:
    with runtime.db.snapshot() as session:
        return max(session.execute(select(Upload.id).where(Upload.list_name == name)).scalars())


def uploaded(runtime: Runtime, group: int, text: str, name: str, consent: str | None = None) -> int:
    spool = SealedSpool(runtime.vault)
    spool.write(text.encode())
    return keep_upload(runtime, group, Received(spool, "people.csv", name, consent), by="ana")


def texted_without_a_word(runtime: Runtime, group: int) -> set[bytes]:
    """Who would be texted although the ledger says nothing."""
    with runtime.db.snapshot() as session:
        said = session.execute(select(ConsentEvent.number_hash).where(ConsentEvent.voided_at.is_(None))).scalars()
        return {number for number, at in consents(runtime, group) if at} - set(said)


def test_a_command_that_was_cut_off_is_ended_by_the_next_import_and_can_be_undone(
    runtime: Runtime, group: int, cut_off: Callable[..., None]
) -> None:
    cut_off(load, runtime, group, PEOPLE, name="One")
    load(runtime, group, ELSEWHERE, name="Two", consent=None)
    load(runtime, group, PEOPLE, name="One")
    assert states(runtime) == {"One": "imported", "Two": "imported"}
    for name in ("One", "Two"):
        undo_upload(runtime, group, id_of(runtime, name), cancel_waiting)
        assert texted_without_a_word(runtime, group) == set()
    with runtime.db.snapshot() as session:
        first = min(session.execute(select(Upload.id)).scalars())
    assert len(everything(runtime, group)["people"]) == 20, "what the first had come to"
    undo_upload(runtime, group, first, cancel_waiting)
    assert not any(everything(runtime, group).values())


def test_a_command_that_was_cut_off_can_be_undone_at_once_or_stops_waiting_after_a_day(
    runtime: Runtime, group: int, cut_off: Callable[..., None]
) -> None:
    cut_off(load, runtime, group, PEOPLE, name="One")
    assert acquire(runtime.db, importing.lease_of(group), "living", runtime.clock.real_now(), 30)
    with pytest.raises(ConflictError, match="under way"):
        undo_upload(runtime, group, id_of(runtime, "One"), cancel_waiting)
    assert acquire(runtime.db, importing.lease_of(group), "living", runtime.clock.real_now(), 0)
    undo_upload(runtime, group, id_of(runtime, "One"), cancel_waiting)
    assert not any(everything(runtime, group).values())
    cut_off(load, runtime, group, PEOPLE, name="Two")
    purge_uploads(runtime)
    assert states(runtime)["Two"] == "importing"
    with runtime.db.transaction() as tx:
        tx.execute(update(Upload).values(changed_at=runtime.clock.real_now() - KEPT_FOR))
    purge_uploads(runtime)
    assert states(runtime)["Two"] == "imported"


def test_an_import_waits_for_one_that_is_half_written(
    runtime: Runtime, group: int, cut_off: Callable[..., None]
) -> None:
    cut_off(confirm_upload, runtime, group, uploaded(runtime, group, PEOPLE, "One", "at the fair"), by="ana")
    with pytest.raises(ConflictError, match="under way"):
        load(runtime, group, ELSEWHERE, name="Two", consent=None)
    confirm_upload(runtime, group, uploaded(runtime, group, ELSEWHERE, "Three"), by="ana")
    assert states(runtime) == {"One": "imported", "Three": "imported"}, "the first went on first"
    with pytest.raises(ConflictError, match="Three"):
        undo_upload(runtime, group, id_of(runtime, "One"), cancel_waiting)
    for name in ("Three", "One"):
        undo_upload(runtime, group, id_of(runtime, name), cancel_waiting)
    assert not any(everything(runtime, group).values())


def test_an_import_waits_for_an_undo_that_is_under_way(
    runtime: Runtime, group: int, cut_off: Callable[..., None]
) -> None:
    load(runtime, group, PEOPLE, name="One")
    cut_off(undo_upload, runtime, group, id_of(runtime, "One"), cancel_waiting)
    confirm_upload(runtime, group, uploaded(runtime, group, ELSEWHERE, "Two"), by="ana")
    assert states(runtime) == {"One": "undoing", "Two": "importing"}
    assert work_uploads(runtime, lambda: False, cancel_waiting, 0) == 2
    assert states(runtime) == {"One": "undone", "Two": "imported"}
    assert texted_without_a_word(runtime, group) == set()
    assert len(everything(runtime, group)["people"]) == 30


def test_what_an_undo_needs_stays_until_it_has_ended(
    runtime: Runtime, group: int, cut_off: Callable[..., None]
) -> None:
    load(runtime, group, PEOPLE, name="One")
    was = everything(runtime, group)
    load(runtime, group, ELSEWHERE, name="Two")
    cut_off(undo_upload, runtime, group, id_of(runtime, "Two"), cancel_waiting)
    with runtime.db.transaction() as tx:
        tx.execute(update(Upload).values(imported_at=runtime.clock.real_now() - UNDOABLE_FOR))
    purge_uploads(runtime)
    work_uploads(runtime, lambda: False, cancel_waiting, 0)
    assert everything(runtime, group) == was


def test_the_same_file_read_otherwise_is_another_import(
    runtime: Runtime, group: int, tmp_path: Path, cut_off: Callable[..., None]
) -> None:
    text = PEOPLE.replace("name,", "what,")
    cut_off(load, runtime, group, text, name="One")
    importing.import_constituents(
        runtime, group, text.encode(), list_name="One", consent="at the fair", recorded_by="ana",
        choices={"0": "whole_name"},
    )  # fmt: skip
    assert all("Somebody" in document for _, document, *_ in everything(runtime, group)["people"])


def test_a_file_that_takes_longer_to_open_than_the_lease_lasts(
    runtime: Runtime, group: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    upload_id, opened = uploaded(runtime, group, PEOPLE, "One", "at the fair"), open_csv

    @contextmanager
    def slowly(*args: Any) -> Iterator[Any]:
        with opened(*args) as table, runtime.db.transaction() as tx:
            tx.execute(update(Lease).values(until=runtime.clock.real_now()))
            tx.commit()
            yield table

    monkeypatch.setattr("outreach.people.imports.open_csv", slowly)
    confirm_upload(runtime, group, upload_id, by="ana")
    assert states(runtime) == {"One": "imported"}


def test_many_tags_are_many_transactions(runtime: Runtime, group: int, monkeypatch: pytest.MonkeyPatch) -> None:
    chunks: list[float] = []
    monkeypatch.setattr(pacing.Pacing, "BUSY", 500)
    monkeypatch.setattr(pacing.Pacing, "wait", lambda _self, seconds: chunks.append(seconds))
    rows = [f"480-555-01{line:02d}," + ";".join(f"{line}-{tag}" for tag in range(60)) for line in range(25)]
    report = load(runtime, group, "phone,tags\n" + "\n".join(rows))
    assert (report["new"], {found["code"] for found in report["problems"]}) == (25, {"tags_many"})
    assert len(everything(runtime, group)["tags"]) == 25 * 50
    assert len(chunks) == 3


def test_a_file_that_cannot_be_opened_keeps_no_others_waiting(
    runtime: Runtime, group: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(uploads, "SMALL", 10)
    monkeypatch.setattr(upload_work, "SMALL", 10)
    damaged = uploaded(runtime, group, PEOPLE, "One")
    uploaded(runtime, make_group(runtime, "Others"), PEOPLE, "Two")
    with runtime.db.transaction() as tx:
        tx.execute(update(UploadPart).where(UploadPart.upload_id == damaged).values(sealed=b"nothing"))
    work_uploads(runtime, lambda: False, cancel_waiting, 0)
    assert states(runtime) == {"One": "reading", "Two": "waiting"}


def test_an_import_that_nobody_goes_on_with_gives_way_and_its_file_goes_after_a_day(
    runtime: Runtime, group: int, cut_off: Callable[..., None], monkeypatch: pytest.MonkeyPatch
) -> None:
    cut_off(confirm_upload, runtime, group, uploaded(runtime, group, PEOPLE, "One", "at the fair"), by="ana")
    monkeypatch.setattr(uploads, "SMALL", 10)
    monkeypatch.setattr(upload_work, "SMALL", 10)
    waits = uploaded(runtime, group, ELSEWHERE, "Two")
    with runtime.db.transaction() as tx:
        tx.execute(update(Upload).where(Upload.id == waits).values(state="importing", confirmed_by="ana"))
        tx.execute(update(Upload).values(changed_at=runtime.clock.real_now() - KEPT_FOR))
    purge_uploads(runtime)
    assert states(runtime) == {"One": "imported", "Two": "canceled"}
    with runtime.db.snapshot() as session:
        assert session.execute(select(UploadPart.id)).all() == []
    undo_upload(runtime, group, id_of(runtime, "One"), cancel_waiting)
    assert not any(everything(runtime, group).values())
