"""Numbers are found in every form in which they may lie about, and nothing else is taken for one."""

from __future__ import annotations

import base64
import json
import logging
import os
import random
import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest

from outreach.canaries.experiment import CONTROLS, IN_REDIS, REDIS_DUMP, faults_of, plant, report
from outreach.canaries.flock import broken_file, contact_file, digits
from outreach.canaries.forms import PLANTED, count_forms
from outreach.canaries.hunt import hunt, hunt_rows
from outreach.canaries.rehearsal import Flown
from outreach.core.logs import set_up_logs
from outreach.stage.instance import DATABASE

NUMBERS = [f"{area}555{line:04}" for area in (480, 602, 928) for line in (7, 119, 2_345, 9_998)]
WANTED = frozenset(NUMBERS)
ROOT = Path(__file__).parents[2]
AROUND = (b"", b"a", b"\x00\xff", b'{"k": "', b"id=7&x=")


@pytest.mark.parametrize("name", PLANTED)
@pytest.mark.parametrize("before", AROUND)
def test_each_form_is_found_in_the_middle_of_anything(name: str, before: bytes) -> None:
    form, write = PLANTED[name]
    for number in NUMBERS:
        if form.startswith("hex") and before[-1:].isalnum():
            continue  # a letter before it makes it part of another word
        found = count_forms(before + write(number) + b"\n rest", WANTED)
        assert found[form, number] >= 1, (name, before)
        assert {one for _, one in found} == {number}


def test_base64_is_found_at_every_place_in_a_text() -> None:
    for pad in range(9):
        for encode in (base64.b64encode, base64.urlsafe_b64encode):
            data = encode(("?" * pad + "14805550119" + "é" * pad).encode())
            assert count_forms(b"\x01" + data + b"\x02", WANTED)["base64", "4805550119"] == 1, pad


def test_what_is_no_number_is_not_found() -> None:
    dice = random.Random(5)
    noise = dice.randbytes(200_000) + os.urandom(1_000).hex().encode() + base64.b64encode(dice.randbytes(100_000))
    assert not count_forms(noise, WANTED)
    for other in (b"480555011", b"480-555-011 9", b"4805550118", b"480 1 555 0119", b"+1480*****19"):
        assert not count_forms(other, WANTED), other


def test_files_and_rows_are_looked_through(tmp_path: Path) -> None:
    (tmp_path / "deep").mkdir()
    (tmp_path / "deep" / "a.log").write_text("called 480-555-0119")
    (tmp_path / "outside.log").write_text("+16025550119")
    database = tmp_path / "x.db"
    with sqlite3.connect(database) as connection:
        connection.execute("CREATE TABLE t (a TEXT, b BLOB)")
        connection.execute("INSERT INTO t VALUES (?, ?)", ("x" * 5_000 + "9285552345", b"\x00" + b"4805550007"))
    connection.close()
    catch = hunt(tmp_path, WANTED, left_out=[tmp_path / "outside.log"])
    hunt_rows(catch, database, WANTED)
    places = {(place, number) for place, _, number in catch.found}
    assert catch.files == 2
    assert ("deep/a.log", "4805550119") in places
    assert {("x.db (rows)", "9285552345"), ("x.db (rows)", "4805550007")} <= places
    assert not {number for _, number in places} & {"6025550119"}


def test_a_leak_or_a_missed_control_makes_the_run_fail(tmp_path: Path) -> None:
    controls = dict(zip(CONTROLS, (f"619555{index:04}" for index in range(2_000, 3_000)), strict=False))
    with sqlite3.connect(tmp_path / DATABASE) as connection:
        connection.execute("CREATE TABLE t (a TEXT)")
        plant(tmp_path, controls)
        wanted = WANTED | set(controls.values())
        catch = hunt(tmp_path, wanted)
        hunt_rows(catch, tmp_path / DATABASE, wanted)
    connection.close()
    for place in ("redis (values)", REDIS_DUMP):
        catch.look(place, f"+1{controls[IN_REDIS]}".encode(), wanted)
    flown = Flown(texted=9, delivered=8, replies=3, opted_out=1, tracebacks={})
    good = report(12, catch, controls, flown, [tmp_path / "logs" / "carrier.log"], tmp_path, 1.0)
    assert good["controls"] == dict.fromkeys(CONTROLS, True)
    assert faults_of(good) == []
    del catch.found["controls/hex_upper", "hex_upper", controls["hex_upper"]]
    catch.look("logs/web.log", b"who is (480) 555-0119?", wanted)
    bad = report(12, catch, controls, flown, [], tmp_path, 1.0)
    assert bad["found"] == [{"file": "logs/web.log", "form": "parenthesised", "count": 1}]
    assert faults_of(bad) == ["1 x parenthesised in logs/web.log", "the control hex_upper was not found"]


def test_every_kind_of_file_of_people_has_its_numbers(tmp_path: Path) -> None:
    numbers = digits(12, skip=3)
    assert len(set(numbers)) == 12
    for write in (contact_file, broken_file):
        found = count_forms(write(numbers), frozenset(numbers))
        assert {number for _, number in found} == set(numbers)


def test_the_environment_decides_how_much_is_logged(monkeypatch: pytest.MonkeyPatch) -> None:
    root = logging.getLogger()
    was, handlers = root.level, root.handlers[:]
    try:
        for said, level in (("debug", logging.DEBUG), ("ERROR", logging.ERROR), ("", logging.INFO), ("x", 20)):
            monkeypatch.setenv("OUTREACH_LOG_LEVEL", said)
            set_up_logs("test")
            assert root.level == level
            assert logging.getLogger("twilio").level == logging.WARNING
    finally:
        root.setLevel(was)
        root.handlers[:] = handlers


def test_what_nobody_caught_is_logged_without_numbers() -> None:
    code = (
        "import threading\n"
        "from outreach.core.logs import set_up_logs\n"
        "set_up_logs('test')\n"
        "thread = threading.Thread(target=lambda: {}['+14805550100'])\n"
        "thread.start()\n"
        "thread.join()\n"
        "int('480-555-0100')\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False, cwd=ROOT)
    lines = [json.loads(line) for line in done.stderr.splitlines()]
    assert [line["event"] for line in lines] == ["thread_failed", "process_failed"]
    assert done.returncode == 1
    assert all("Traceback" in line["exception"] for line in lines)
    # The numbers stand in this program's own text, which no traceback of a -c program quotes.
    assert not count_forms(done.stderr.encode(), frozenset(["4805550100"]))
