"""Officials into the database: aliases in a rehearsal, and the same file twice."""

from __future__ import annotations

import json
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from sqlalchemy import select
from sqlalchemy.orm import selectinload

from outreach.cli import cli
from outreach.core.errors import BadInputError
from outreach.core.runtime import Runtime
from outreach.officials.aliases import is_alias
from outreach.officials.imports import add_official, import_officials
from outreach.officials.models import Office, Official
from outreach.officials.offices import Given, add_office, edit_office

DEMO = Path(__file__).parents[2] / "config" / "demo" / "officials.csv"
TODAY = date(2026, 12, 1)
HEADER = "id,name,role,jurisdiction,voice,address\n"
REAL = "602-555-2345"  # stands for a real office's number: not one of the hundred that belong to nobody


def load(runtime: Runtime, group: int, path: Path) -> dict[str, Any]:
    report = import_officials(runtime, group, path, TODAY).as_dict()
    assert report["new"] + report["updated"] + report["skipped"] == report["rows"]
    return report


def stored(runtime: Runtime) -> list[Official]:
    with runtime.db.snapshot() as session:
        query = select(Official).options(selectinload(Official.offices)).order_by(Official.id)
        return list(session.execute(query).scalars())


def offices(official: Official) -> list[tuple[int, str, str | None, str | None]]:
    return [(office.id, office.classification, office.phone, office.extension) for office in official.offices]


def test_the_demo_file_twice(runtime: Runtime, group: int) -> None:
    report = load(runtime, group, DEMO)
    assert (report["new"], report["without_phone"], report["aliased"]) == (7, 1, True)
    assert [(found["row"], found["code"]) for found in report["problems"]] == [(8, "official_no_phone")]
    before = [(row.id, row.name, offices(row)) for row in stored(runtime)]
    chief = next(row for row in stored(runtime) if row.role == "Police Chief")
    assert [(phone, extension) for _, _, phone, extension in offices(chief)] == [("+16235550120", "120")]
    again = load(runtime, group, DEMO)
    assert (again["new"], again["updated"]) == (0, 7)
    assert [(row.id, row.name, offices(row)) for row in stored(runtime)] == before


def test_a_rehearsal_keeps_no_real_number(runtime: Runtime, group: int, tmp_path: Path) -> None:
    path = tmp_path / "o.csv"
    path.write_text(
        HEADER + f"a,Ana,mayor,Mesa,{REAL} ext. 12,\nb,Bo,sheriff,Mesa,{REAL},\nc,Cy,mayor,Yuma,928-555-2345,\n"
        "d,Di,mayor,Yuma,800-555-0150,\ne,Ed,mayor,Yuma,602-555-0150,\n"
    )
    for _ in range(2):
        load(runtime, group, path)
        phones = [office.phone or "" for row in stored(runtime) for office in row.offices]
        assert len(phones) == 5
        assert all(is_alias(phone) for phone in phones)
        assert phones[0] == phones[1] != phones[3], "one number keeps one alias"
        assert [phone[:5] for phone in phones] == ["+1602", "+1602", "+1928", "+1602", "+1602"]
        assert phones[4] == "+16025550150"
    assert stored(runtime)[0].offices[0].extension == "12"


def test_a_real_deployment_keeps_the_number(runtime: Runtime, group: int, tmp_path: Path) -> None:
    live = Runtime(runtime.settings.model_copy(update={"mode": "production"}), runtime.db, runtime.vault, runtime.clock)
    path = tmp_path / "o.csv"
    path.write_text(HEADER + "a,Ana,mayor,Mesa,(480) 555-0110,\nb,Bo,mayor,Mesa,800-555-0150,\n")
    report = load(live, group, path)
    assert report["aliased"] is False
    assert [office.phone for row in stored(runtime) for office in row.offices] == ["+14805550110", "+18005550150"]


def test_what_changes_in_a_later_file(runtime: Runtime, group: int, tmp_path: Path) -> None:
    path = tmp_path / "o.csv"
    path.write_text(HEADER + "a,Ana,mayor,Mesa,480-555-0110;480-555-0111,City Hall\n")
    load(runtime, group, path)
    first = offices(stored(runtime)[0])
    path.write_text(HEADER + "a,Ana Diaz,mayor,Mesa,480-555-0112,City Hall\n")
    assert load(runtime, group, path)["updated"] == 1
    (ana,) = stored(runtime)
    assert ana.name == "Ana Diaz"
    assert offices(ana) == [
        (first[0][0], "primary", "+14805550112", None),
        (first[1][0], "primary", None, None),
    ], "offices keep their ids, and a number that is gone is not called any more"


def test_what_a_file_says_of_an_offices_telephone_and_what_was_entered_by_hand(
    runtime: Runtime, group: int, tmp_path: Path
) -> None:
    path = tmp_path / "o.csv"
    header = HEADER.strip() + ",hours,time_zone,lines\n"
    row = "a,Ana,mayor,Mesa,480-555-0110 x9,City Hall"
    path.write_text(
        f"{header}{row},Mon-Thu 7am-6pm; Fri 8:00-12:00,Arizona,3\nb,Bo,mayor,Yuma,928-555-0110,,9-5,Berlin,99\n"
    )
    report = load(runtime, group, path)
    assert [(found["row"], found["column"], found["code"]) for found in report["problems"]] == [
        (3, "hours", "office_hours_wrong"), (3, "time_zone", "office_zone_unknown"), (3, "lines", "office_lines_wrong"),
    ]  # fmt: skip
    ana, bo = (official.offices[0] for official in stored(runtime))
    assert ana.hours == [*[[["07:00", "18:00"]]] * 4, [["08:00", "12:00"]], [], []]
    assert (ana.zone, ana.lines) == ("America/Phoenix", 3)
    assert (bo.phone, bo.hours, bo.zone, bo.lines) == ("+19285550110", None, None, None)
    given = Given("district", "480-555-0155", "", "2 Main", lines=4)
    with runtime.db.transaction() as tx:
        edit_office(
            tx, runtime, tx.get_one(Office, bo.id), Given("main", bo.phone or "", "7", "3 Main", zone="Pacific")
        )
        added = add_office(tx, runtime, group, ana.official_id, given)
        assert add_office(tx, runtime, group, ana.official_id, given).id == added.id
        assert added.classification == "local", "no file's kind: a newer file must not take it for its own"
    path.write_text(f"{header}{row},,,5\nb,Bo,mayor,Yuma,928-555-0110,,,,\n")
    load(runtime, group, path)
    (first, second), (bo,) = (official.offices for official in stored(runtime))
    assert (first.id, first.extension, first.zone, first.lines) == (ana.id, "9", "America/Phoenix", 5)
    assert first.hours == ana.hours, "what the file does not say stays"
    assert (second.phone, second.address, second.lines) == ("+14805550155", "2 Main", 4)
    assert (bo.extension, bo.address, bo.zone) == ("7", "3 Main", "America/Los_Angeles")


def test_rows_that_cannot_be_used(runtime: Runtime, group: int, tmp_path: Path) -> None:
    path = tmp_path / "o.csv"
    path.write_text(
        HEADER + "a,,mayor,Mesa,480-555-0110,\nb,Bo,mayor,Mesa,1.5E+10,City Hall\nb,Bo,mayor,Mesa,480-555-0112,\n"
        f"c,{'C' * 201},mayor,Mesa,,\nd,Di,mayor,Mesa,480-555-0113,,too,many\n"
    )
    report = load(runtime, group, path)
    assert [(found["row"], found["code"]) for found in report["problems"]] == [
        (2, "official_no_name"),
        (3, "office_phone_unusable"),
        (3, "official_no_phone"),
        (4, "official_repeated"),
        (5, "official_field_long"),
        (6, "row_long"),
    ]
    assert (report["new"], report["skipped"], report["without_phone"]) == (1, 4, 1)
    (bo,) = stored(runtime)
    assert [(office.address, office.phone) for office in bo.offices] == [("City Hall", None)]


def test_by_hand(runtime: Runtime, group: int) -> None:
    with runtime.db.transaction() as tx:
        official = add_official(
            tx,
            runtime,
            group,
            name=" Office of the Sheriff ",
            role="Sheriff",
            phone=REAL,
            extension="4",
            address="1 Main",
        )
        assert official.name == "Office of the Sheriff"
        assert [(office.phone, office.extension, office.address) for office in official.offices] == [
            ("+16025550100", "4", "1 Main")
        ]
    for values, code in (
        ({"name": "", "role": "Mayor"}, "official_field_blank"),
        ({"name": "A" * 201, "role": "Mayor"}, "official_field_long"),
        ({"name": "Ana", "role": "Mayor", "phone": "555-0101"}, "office_phone_unusable"),
        ({"name": "Ana", "role": "Mayor", "phone": "480-555-0110", "hours": "soon"}, "office_hours_wrong"),
    ):
        with pytest.raises(BadInputError) as caught, runtime.db.transaction() as tx:
            add_official(tx, runtime, group, **values)
        assert caught.value.code == code


def test_the_commands(runtime: Runtime, group: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("outreach.cli.officials.runtime", lambda: runtime)
    monkeypatch.setattr("outreach.cli.officials.group_id", lambda: group)

    def run(*args: str) -> dict[str, Any]:
        result = CliRunner().invoke(cli, [*args, "--json"], catch_exceptions=False)
        assert result.exit_code == 0
        document: dict[str, Any] = json.loads(result.stdout.splitlines()[-1])
        return document

    assert run("officials", "import", str(DEMO))["new"] == 7
    hours = ("--hours", "Mon-Fri 8am-5pm", "--time-zone", "Arizona", "--lines", "3")
    added = run("officials", "add", "--name", "Ana", "--role", "Mayor", "--phone", "480-555-0110", *hours)
    said = {name: added["offices"][0][name] for name in ("hours", "time_zone", "lines")}
    assert said == {"hours": "Mon-Fri 08:00-17:00", "time_zone": "America/Phoenix", "lines": 3}
    listed = run("officials", "list")["officials"]
    assert len(listed) == 8
    assert listed[-1] == added
    shown = CliRunner().invoke(cli, ["officials", "list"], catch_exceptions=False)
    assert "Ximena Copperfield-Rao" in shown.stdout
