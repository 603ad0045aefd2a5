"""The measurements of sending, with few people: rows of the contract, true books, nothing left behind."""

from __future__ import annotations

import json
import os
import sqlite3
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import func, select

from outreach.bench import BenchError, bare_view, contacts, growth, send, texter
from outreach.bench.bare_plan import bare_plan
from outreach.bench.cpu import of_tree
from outreach.bench.crowd import LINES, Crowd, areas, number
from outreach.bench.ground import NoQueue, bare_ground
from outreach.bench.heard_stops import Heard, quantile
from outreach.bench.scene import launch, launch_planned, set_scene, shelve, states
from outreach.carrier.twilio import TwilioCarrier
from outreach.core.runtime import Runtime, open_runtime
from outreach.escalations.models import Recipient
from outreach.messaging.models import Message
from outreach.messaging.send import send_batch
from outreach.people.models import Constituent
from outreach.stage.processes import Processes

ROOT = Path(__file__).parents[2]


@pytest.fixture
def alone(runtime: Runtime) -> Iterator[Runtime]:
    opened = open_runtime(runtime.settings, NoQueue())
    yield opened
    opened.db.dispose()


def test_numbers_belong_to_nobody_and_are_all_different() -> None:
    some = [number(index) for index in (*range(1_000), 999_999, len(LINES) * len(areas()) - 1)]
    assert len(set(some)) == len(some)
    assert all(each.startswith("+1") and each[5:8] == "555" and len(each) == 12 for each in some)
    assert not {"1212", "4334"} & {f"{line:04}" for line in LINES}
    with pytest.raises(BenchError):
        number(len(LINES) * len(areas()))


def test_people_are_planned_in_their_hours_and_can_be_read(alone: Runtime) -> None:
    scene = set_scene(alone)
    crowd = Crowd(alone, scene.group_id)
    crowd.gather(40, "First")
    crowd.gather(25, "Second")
    first, second = (launch_planned(alone, scene, name) for name in ("First", "Second"))
    assert (states(alone, first), states(alone, second)) == ({"planned": 40}, {"planned": 25})
    with alone.db.snapshot() as session:
        rows = session.execute(select(Constituent.sealed, Constituent.number_hash)).all()
    phones = {alone.vault.open(row.sealed, "constituent")["phone"]: row.number_hash for row in rows}
    assert set(phones) == {number(index) for index in range(65)}
    assert all(alone.vault.number_hash(phone) == hashed for phone, hashed in phones.items())


def test_the_bare_inserts_leave_nothing(alone: Runtime) -> None:
    scene = set_scene(alone)
    Crowd(alone, scene.group_id).gather(30, "All")
    launched = launch(alone, scene, "All")
    assert bare_plan(alone, launched) > 0
    with alone.db.snapshot() as session:
        for table in (Recipient, Message):
            assert session.execute(select(func.count()).select_from(table)).scalar_one() == 0


def test_a_shelved_campaign_is_sent_by_nobody(alone: Runtime) -> None:
    scene = set_scene(alone)
    Crowd(alone, scene.group_id).gather(3, "All")
    launched = launch_planned(alone, scene, "All")
    shelve(alone, launched)
    assert send_batch(alone, TwilioCarrier(alone.settings), launched.gate_id, threads=1, seconds=5.0) == 0
    assert states(alone, launched) == {"planned": 3}


def test_cpu_of_a_tree_counts_children_that_have_ended() -> None:
    burn = "import time; end = time.process_time() + 0.3\nwhile time.process_time() < end: pass"
    before = of_tree(os.getpid())
    subprocess.run([sys.executable, "-c", burn], check=True)
    assert of_tree(os.getpid()) - before >= 0.25
    assert of_tree(2**22) == 0.0


def test_stops_that_were_not_taken_are_not_measured() -> None:
    now = time.time()
    heard = Heard([(now, 10.0, 200), (now + 1, 30.0, 200), (now + 9, 1.0, 503)])
    assert heard.stop_times(now, now + 2) == [10.0, 30.0]
    with pytest.raises(BenchError, match="1 of 3 STOPs"):
        heard.stop_times(now, now + 9)
    with pytest.raises(BenchError, match="No STOP"):
        heard.stop_times(now + 20, now + 30)


@pytest.mark.parametrize(("part", "value"), [(0.0, 1.0), (0.5, 6.0), (0.99, 10.0)])
def test_a_quantile_is_one_of_the_values(part: float, value: float) -> None:
    assert quantile([float(n) for n in range(10, 0, -1)], part) == value


def test_sending_is_measured_beside_its_ceiling(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(send, "QUICK", send.Size(1, 128, 64))
    # One of its own, with a name that sockets can bear: other tests make such directories at any time.
    with tempfile.TemporaryDirectory(prefix="own-") as own, monkeypatch.context() as patch:
        patch.setattr(tempfile, "tempdir", own)
        with Processes(tmp_path) as processes:
            rates, costs = send.measure_send(processes, ["sqlite"], lambda _: None, quick=True)
        left = list(Path(own).glob("outreach-*"))
    assert (rates.name, rates.target, costs.name, costs.target) == (
        "send_100ms", "ratio>=0.9", "send_cpu", "value<=700",
    )  # fmt: skip
    assert 0 < rates.value < 128 / 0.1  # no thread can answer before the carrier does
    assert 0 < costs.ceiling < costs.value
    for row in (rates, costs):
        assert {"cores", "load_average", "threads", "carrier_latency_ms", "databases"} <= set(row.conditions)
    assert left == []


def test_the_bare_view_writes_a_row_for_what_is_signed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with Processes(tmp_path) as processes, bare_ground("sqlite", processes) as at:
        where = bare_view.place(at)
        for name, value in {**at.env, "BARE_DATABASE": where}.items():
            monkeypatch.setenv(name, value)
        client = bare_view.make_app().test_client()
        (request, second) = texter.requests(at.alone.settings, 0, 2)
        head, _, body = request.partition(b"\r\n\r\n")
        lines = (line.split(": ", 1) for line in head.decode().split("\r\n")[1:])
        headers = {name: value for name, value in lines if name != "Content-Length"}
        answers = [client.post("/twilio/sms", data=each, headers=headers).status_code for each in (body, body + b"x")]
        with sqlite3.connect(where) as raw:
            rows = raw.execute("SELECT length(sid), length(sealed) FROM bare").fetchall()
    assert request != second
    assert (answers, rows) == ([200, 403], [(34, len(bare_view.SEALED))])


def test_growth_ends_in_one_line_of_json_and_leaves_nothing_behind(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-P", "-m", "outreach.bench", "growth", "--quick", "--database", "sqlite", "--json"],
        cwd=ROOT,
        env={**os.environ, "TMPDIR": str(tmp_path)},
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    (line,) = done.stdout.splitlines()
    rows = json.loads(line)["rows"]
    assert [row["name"] for row in rows] == list(growth.NAMES)
    for row in rows:
        assert row["target"] == "ratio>=0.8"
        assert row["ok"] is (row["ratio"] >= 0.8)
        assert row["conditions"]["messages"] == growth.QUICK.large
    assert list(tmp_path.iterdir()) == []


def test_an_import_is_measured_and_must_come_out_right(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(contacts, "BARE", 500)
    file, found = tmp_path / "people.csv", contacts.Found()
    contacts.write_contacts(file, 0, 2_000)
    with Processes(tmp_path) as processes, bare_ground("sqlite", processes) as at:
        contacts.measure_one(at, file, 2_000, found)
        with pytest.raises(BenchError, match="came out wrong"):
            contacts.measure_one(at, file, 2_001, found)
    assert 0 < found.rates[0] < found.reading[0]
    assert found.rates[0] < found.bare[0]
    assert 50 < found.megabytes[0] < 300
