"""Constituents from a file into the database: counts, consent, merging, and the same file twice."""

from __future__ import annotations

import json
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from sqlalchemy import func, insert, select, update

from outreach.accounts.models import Group
from outreach.cli import cli
from outreach.core.errors import BadInputError
from outreach.core.runtime import Runtime
from outreach.people.consent import CONSENT_LASTS, is_suppressed, record_opt_in, record_opt_out
from outreach.people.import_rules import load_known
from outreach.people.importing import import_constituents
from outreach.people.imports import preview_constituents
from outreach.people.lists import get_or_create_list, list_ids, list_size
from outreach.people.models import ConsentEvent, Constituent, ListMembership, Suppression

ROOT = Path(__file__).parents[2]
DECLARED = "signed up for texts at the May fair"
FATES = ("new", "updated", "duplicate", "invalid", "opted_out", "blocked")


@pytest.fixture
def group(runtime: Runtime) -> int:
    with runtime.db.transaction() as tx:
        return tx.execute(
            insert(Group).values(name="Desert Neighbors", created_at=runtime.clock.now()).returning(Group.id)
        ).scalar_one()


def load(runtime: Runtime, group: int, text: str, consent: str | None = DECLARED, name: str = "Fair") -> dict[str, Any]:
    """Preview, then import; the preview must have foretold the report."""
    data = text.encode()
    foretold = preview_constituents(runtime, group, data, list_name=name, consent=consent).as_dict()
    report = import_constituents(runtime, group, data, list_name=name, consent=consent, recorded_by="ana").as_dict()
    assert foretold == report
    assert sum(report[fate] for fate in FATES) == report["rows"]
    return report


def counts(report: dict[str, Any]) -> dict[str, int]:
    return {fate: report[fate] for fate in FATES if report[fate]}


def stored(runtime: Runtime, phone: str) -> tuple[Constituent, dict[str, Any]]:
    with runtime.db.snapshot() as session:
        row = session.execute(
            select(Constituent).where(Constituent.number_hash == runtime.vault.number_hash(phone))
        ).scalar_one()
    return row, runtime.vault.open(row.sealed, "constituent")


def events(runtime: Runtime) -> list[tuple[str, str, str | None, str]]:
    with runtime.db.snapshot() as session:
        query = select(ConsentEvent.kind, ConsentEvent.source, ConsentEvent.wording, ConsentEvent.recorded_by)
        rows = session.execute(query.order_by(ConsentEvent.id)).all()
    return [(row.kind, row.source, row.wording, row.recorded_by) for row in rows]


def how_many(runtime: Runtime, model: Any) -> int:
    with runtime.db.snapshot() as session:
        return session.execute(select(func.count()).select_from(model)).scalar_one()


def test_every_row_has_one_fate(runtime: Runtime, group: int) -> None:
    with runtime.db.transaction() as tx:
        gone = runtime.vault.number_hash("+14805550104")
        record_opt_out(tx, runtime.vault, group, gone, wording="STOP", source="reply", at=runtime.clock.real_now())
    text = (
        "First Name,Cell Phone,Zip,Fax\n"
        "Ana,(480) 555-0101,85004-1234,602-555-0199\n"
        "Bo,602-555-0102,ABC,\n"
        "Ana again,+1 480 555 0101,,\n"
        "Cy,1.5E+10,,602-555-0103\n"
        "Di,480.555.0104,,\n"
    )
    report = load(runtime, group, text)
    assert report["mapping"] == {"first_name": "First Name", "phone": "Cell Phone", "zip": "Zip"}
    assert counts(report) == {"new": 2, "duplicate": 1, "invalid": 1, "opted_out": 1}
    assert [(found["row"], found["column"], found["code"]) for found in report["problems"]] == [
        (3, "Zip", "zip_malformed"),
        (5, "Cell Phone", "scientific_notation"),
    ]
    row, document = stored(runtime, "+14805550101")
    assert document == {
        "phone": "+14805550101", "first_name": "Ana", "last_name": "", "email": "", "city": "", "external_id": "",
        "tags": [],
    }  # fmt: skip
    assert (row.zip, row.language, row.zones) == ("85004", "en", "America/Phoenix")
    assert row.consented_at is not None
    assert b"0101" not in row.sealed and b"Ana" not in row.sealed
    assert events(runtime)[1:] == [("granted", "import", f"list “Fair”: {DECLARED}", "ana")] * 2
    with runtime.db.snapshot() as session:
        assert list_size(session, group, list_ids(session, group, ["Fair"])[0]) == 2
    assert how_many(runtime, Constituent) == 2, "nothing is stored of a person who had opted out"


def test_the_same_file_again_changes_nothing(runtime: Runtime, group: int) -> None:
    text = "name,phone,sms opt in,tags\nAna,4805550101,yes,west\nBo,4805550102,no,\nCy,4805550103,,\n"
    assert counts(load(runtime, group, text)) == {"new": 1, "blocked": 2}
    before = {
        "events": events(runtime), "ana": stored(runtime, "+14805550101")[0].sealed,
        "suppressed": how_many(runtime, Suppression), "members": how_many(runtime, ListMembership),
    }  # fmt: skip
    assert counts(load(runtime, group, text)) == {"updated": 1, "opted_out": 1, "blocked": 1}
    assert before == {
        "events": events(runtime), "ana": stored(runtime, "+14805550101")[0].sealed,
        "suppressed": how_many(runtime, Suppression), "members": how_many(runtime, ListMembership),
    }  # fmt: skip


def test_without_a_declaration_people_are_stored_but_blocked(runtime: Runtime, group: int) -> None:
    text = "name,phone\nAna,4805550101\n"
    assert counts(load(runtime, group, text, consent=None)) == {"blocked": 1}
    assert stored(runtime, "+14805550101")[0].consented_at is None
    assert events(runtime) == []
    assert counts(load(runtime, group, text)) == {"updated": 1}
    granted = stored(runtime, "+14805550101")[0].consented_at
    assert granted is not None
    assert counts(load(runtime, group, text, consent=None)) == {"updated": 1}, "an earlier grant still stands"
    assert stored(runtime, "+14805550101")[0].consented_at == granted


def test_a_consent_column_rules_its_row(runtime: Runtime, group: int) -> None:
    text = "name,phone,can2_sms_status\nAna,4805550101,subscribed\nBo,4805550102,unsubscribed\nCy,4805550103,bouncing\n"
    assert counts(load(runtime, group, text)) == {"new": 1, "blocked": 2}
    hashes = [runtime.vault.number_hash(f"+1480555010{digit}") for digit in (1, 2, 3)]
    with runtime.db.snapshot() as session:
        assert [is_suppressed(session, number_hash, group) for number_hash in hashes] == [False, True, False]
        rows = session.execute(select(Suppression.group_id, Suppression.source)).all()
    assert [tuple(row) for row in rows] == [(group, "import")]
    assert sorted(kind for kind, *_ in events(runtime)) == ["granted", "refused"]
    assert [stored(runtime, f"+1480555010{digit}")[0].consented_at is None for digit in (1, 2, 3)] == [
        False,
        True,
        True,
    ]


def test_a_refusal_in_a_later_row_of_a_number_is_obeyed(runtime: Runtime, group: int) -> None:
    text = "name,phone,sms opt in\nAna,4805550101,yes\nAna,4805550101,no\nAna,4805550101,no\n"
    report = load(runtime, group, text)
    assert counts(report) == {"new": 1, "duplicate": 2}
    assert [found["code"] for found in report["problems"]] == ["duplicate_refuses"]
    with runtime.db.snapshot() as session:
        assert is_suppressed(session, runtime.vault.number_hash("+14805550101"), group)
    assert [kind for kind, *_ in events(runtime)] == ["granted", "refused"]
    assert how_many(runtime, Suppression) == 1


def test_empty_cells_never_erase(runtime: Runtime, group: int) -> None:
    load(runtime, group, "first name,last name,phone,zip,language,tags\nAna,Diaz,4805550101,85004,Español,west\n")
    load(
        runtime,
        group,
        "first name,last name,phone,zip,language,tags,city\nAnita,,4805550101,,,east,Mesa\n",
        name="Other",
    )
    row, document = stored(runtime, "+14805550101")
    assert (row.zip, row.language) == ("85004", "es")
    assert document == {
        "phone": "+14805550101", "first_name": "Anita", "last_name": "Diaz", "email": "", "city": "Mesa",
        "external_id": "", "tags": ["west", "east"],
    }  # fmt: skip
    assert how_many(runtime, ListMembership) == 2


def test_a_new_zip_brings_its_zones(runtime: Runtime, group: int) -> None:
    load(runtime, group, "name,phone,zip\nAna,4805550101,\n")
    load(runtime, group, "name,phone,zip\nAna,4805550101,10001\n")
    assert stored(runtime, "+14805550101")[0].zones == "America/New_York,America/Phoenix"


def test_old_consent_blocks_until_it_is_given_anew(runtime: Runtime, group: int) -> None:
    text = "name,phone\nAna,4805550101\n"
    load(runtime, group, text)
    long_ago = runtime.clock.real_now() - CONSENT_LASTS - timedelta(days=1)
    with runtime.db.transaction() as tx:
        tx.execute(update(Constituent).values(consented_at=long_ago))
        tx.execute(update(ConsentEvent).values(at=long_ago))
    assert counts(load(runtime, group, text)) == {"blocked": 1}, "the same file again is no new consent"
    assert counts(load(runtime, group, text, consent="renewed by card")) == {"updated": 1}


def test_a_start_that_came_before_the_import_counts(runtime: Runtime, group: int) -> None:
    at = datetime(2026, 5, 1, tzinfo=UTC)
    now = runtime.clock.real_now()
    with runtime.db.transaction() as tx:
        number_hash = runtime.vault.number_hash("+14805550101")
        record_opt_in(
            tx, runtime.vault, group, number_hash, wording="JOIN", source="reply", at=max(at, now - timedelta(days=9))
        )
    assert counts(load(runtime, group, "name,phone\nAna,4805550101\n", consent=None)) == {"new": 1}


def test_groups_share_nothing_but_opt_outs(runtime: Runtime, group: int) -> None:
    with runtime.db.transaction() as tx:
        other = tx.execute(
            insert(Group).values(name="Other", created_at=runtime.clock.now()).returning(Group.id)
        ).scalar_one()
    text = "name,phone\nAna,4805550101\n"
    assert counts(load(runtime, group, text)) == {"new": 1}
    assert counts(load(runtime, other, text)) == {"new": 1}
    with runtime.db.snapshot() as session:
        assert list_size(session, other, list_ids(session, group, ["Fair"])[0]) == 0


def test_many_rows_in_many_chunks(runtime: Runtime, group: int) -> None:
    rows = [
        f"P{number},{area}-555-01{number:02d}"
        for area in (480, 520, 602, 623, 928, 505, 702, 619, 801, 719)
        for number in range(100)
    ]
    report = load(runtime, group, "name,phone\n" + "\n".join(rows + rows[:7]))
    assert counts(report) == {"new": 1000, "duplicate": 7}
    assert (
        how_many(runtime, Constituent) == how_many(runtime, ListMembership) == how_many(runtime, ConsentEvent) == 1000
    )
    assert counts(load(runtime, group, "name,phone\n" + "\n".join(rows))) == {"updated": 1000}


def test_two_imports_at_the_same_moment_store_each_person_once(runtime: Runtime, group: int) -> None:
    """A second import that looked before the first committed finds its rows when it inserts."""
    from outreach.people import import_writes

    text = b"name,phone\nAna,4805550101\nBo,4805550102\n"
    import_constituents(runtime, group, text, list_name="Fair", consent=DECLARED, recorded_by="ana")
    seen: list[int] = []
    real = load_known

    def looked_too_early(*args: Any) -> dict[bytes, Any]:
        seen.append(1)
        return {} if len(seen) == 1 else real(*args)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(import_writes, "load_known", looked_too_early)
        report = import_constituents(runtime, group, text, list_name="Fair", consent=DECLARED, recorded_by="ana")
    assert counts(report.as_dict()) == {"updated": 2}
    assert how_many(runtime, Constituent) == how_many(runtime, ConsentEvent) == 2


def test_a_dry_run_needs_nothing_and_compares_within_the_file() -> None:
    text = b"name,phone,sms opt in\nAna,4805550101,yes\nAna,4805550101,yes\nBo,4805550102,no\nCy,480,\nDi,4805550103,\n"
    report = preview_constituents(None, None, text, list_name="Fair", consent=None).as_dict()
    assert report["rows"] == 5
    assert counts(report) == {"new": 1, "duplicate": 1, "invalid": 1, "blocked": 2}


def test_the_command(runtime: Runtime, group: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("outreach.cli.people.runtime", lambda: runtime)
    monkeypatch.setattr("outreach.cli.people.maybe_runtime", lambda: runtime)
    monkeypatch.setattr("outreach.cli.people.group_id", lambda: group)
    path = tmp_path / "people.csv"
    path.write_text("name,phone\nAna,4805550101\nBo,480\n")
    args = ["constituents", "import", str(path), "--list", "Fair", "--consent", DECLARED]
    for extra, fates in ((["--dry-run"], {"new": 1}), ([], {"new": 1}), (["--dry-run"], {"updated": 1})):
        result = CliRunner().invoke(cli, [*args, *extra, "--json"], catch_exceptions=False)
        assert counts(json.loads(result.stdout.splitlines()[-1])) == {**fates, "invalid": 1}
    shown = CliRunner().invoke(cli, args, catch_exceptions=False).stdout
    assert "row 3, phone: The number has too few digits." in shown


def test_a_dry_run_of_the_command_in_an_empty_environment(tmp_path: Path) -> None:
    path = tmp_path / "people.csv"
    path.write_text("name,phone\nAna,4805550101\nAna,480-555-0101\n")
    command = "import sys; from outreach.cli import main; sys.argv[0] = 'outreach'; main()"
    args = [
        "--data-dir",
        str(tmp_path / "none"),
        "constituents",
        "import",
        str(path),
        "--list",
        "L",
        "--dry-run",
        "--json",
    ]
    done = subprocess.run([sys.executable, "-c", command, *args], cwd=ROOT, env={}, capture_output=True, check=True)
    assert counts(json.loads(done.stdout.splitlines()[-1])) == {"blocked": 1, "duplicate": 1}
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize(
    ("text", "name", "consent", "code"),
    [
        ("", "Fair", DECLARED, "csv_empty"),
        ("name,email\nAna,a@example.org\n", "Fair", DECLARED, "no_phone_column"),
        ("phone\n4805550101\n", " ", DECLARED, "list_name_length"),
        ("phone\n4805550101\n", "Fair", " ", "consent_blank"),
    ],
)
def test_nothing_is_stored_of_a_file_that_cannot_be_read(
    runtime: Runtime, group: int, text: str, name: str, consent: str, code: str
) -> None:
    with pytest.raises(BadInputError) as caught:
        import_constituents(runtime, group, text.encode(), list_name=name, consent=consent, recorded_by="ana")
    assert caught.value.code == code
    with runtime.db.transaction() as tx:
        assert get_or_create_list(tx, group, "First", runtime.clock.now()) == 1, "no list was made"


def test_no_number_stands_in_the_database_file(runtime: Runtime, group: int, tmp_path: Path) -> None:
    load(runtime, group, "name,phone\nAna,4805550101\n")
    if not runtime.db.is_sqlite:
        with runtime.db.snapshot() as session:
            rows = session.execute(select(Constituent.__table__)).all()
        assert "5550101" not in repr(rows)
        return
    runtime.db.dispose()
    files = [path.read_bytes() for path in Path(str(runtime.db.url.database)).parent.glob("*") if path.is_file()]
    assert files and not any(b"5550101" in content for content in files)
