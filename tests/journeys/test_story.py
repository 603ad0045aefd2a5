"""The main job, whole: real web, worker, upkeep, Redis and carrier processes, on both databases."""

from __future__ import annotations

import csv
import io
import json
import os
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select

from config.settings import Settings
from outreach.accounts.models import Group
from outreach.core.clock import Clock, coming_tuesday_ten
from outreach.core.runtime import open_runtime
from outreach.stage import commands
from outreach.stage.instance import read_instance
from outreach.stage.keys import ensure_env
from outreach.stage.ports import free_port
from outreach.stage.processes import Processes
from outreach.stage.site import lock_directory
from outreach.tallies.reads import PUBLIC_STATES
from tests.commands import outreach_command
from tests.conftest import ENGINES
from tests.integration.test_live import sign_in
from tests.integration.test_tallies import of_xlsx

ROOT = Path(__file__).parent.parent.parent
SPEED = 240  # thirty domain minutes, after which an unknown goes to a person, pass in 7.5 s
KEYS = {"recipients", *PUBLIC_STATES, "replies", "opted_out", "reports", "carrier", "reconciles", "seconds"}


def run_story(data_dir: Path, *options: str, env: dict[str, str] | None = None) -> tuple[int, dict[str, Any], str]:
    """Exit code, the JSON of the last line, and stderr; stdout holds nothing else."""
    clock = coming_tuesday_ten(Clock.real_now(), SPEED)
    done = subprocess.run(
        [sys.executable, "-m", "outreach.story", "--once", "--json", "--data-dir", str(data_dir), *options],
        env={**os.environ, "REHEARSAL_CLOCK": str(clock), **(env or {})},
        cwd=ROOT, capture_output=True, text=True, timeout=240, check=False,
    )  # fmt: skip
    lines = done.stdout.splitlines()
    assert len(lines) == 1, done.stdout + done.stderr
    return done.returncode, json.loads(lines[0]), done.stderr


def reachable(report: dict[str, Any]) -> float:
    refused = report["failed"] + report["suppressed"]
    accepted = report["accepted"] + report["sent"] + report["delivered"] + report["undelivered"]
    return float(accepted / (report["recipients"] - refused))


def every_form_has_its_figures(data_dir: Path, report: dict[str, Any]) -> None:
    """The command's JSON, the page's, CSV and XLSX are the campaign's tally, which reconciled with the ledger."""
    instance = read_instance(data_dir)
    assert instance is not None
    done = outreach_command(instance, ("export", "tallies", "--by", "wave", "--json"))
    assert done.returncode == 0, done.stderr
    told = json.loads(done.stdout)
    (row,) = told["rows"]
    taken = sum(report[state] for state in ("accepted", "sent", "delivered", "undelivered"))
    reports = {f"reports_{outcome}": count for outcome, count in report["reports"].items()}
    figures = {"texts_sent": taken, "people_asked": taken, "texts_delivered": report["delivered"],
               "people_reached": report["delivered"], "replies": report["replies"], "opt_outs": report["opted_out"],
               "reports": sum(reports.values()), "people_acted": sum(reports.values()), **reports}  # fmt: skip
    assert {name: row[name] for name in figures} == figures
    assert {name: told["total"][name] for name in figures} == figures
    runtime = open_runtime(Settings.from_mapping(instance))
    try:
        with runtime.db.snapshot() as session:
            group_id = session.execute(select(Group.id).order_by(Group.id)).scalars().first()
        assert group_id is not None
        client = sign_in(runtime, group_id, "staff")
        page = client.get("/tallies/data.json?by=wave").get_json()
        assert (page["rows"], page["total"]) == (told["rows"], told["total"])
        asked = {"by": "wave", "period": "all", "because": "a test"}
        lines = list(csv.reader(io.StringIO(client.post("/tallies/file", data=asked).data.decode("utf-8-sig"))))
        assert dict(zip(lines[0], lines[1], strict=True)).items() >= {name: str(row[name]) for name in figures}.items()
        assert of_xlsx(client.post("/tallies/file", data={**asked, "kind": "xlsx"}).data) == lines
        shown = client.get("/tallies/?by=wave").text
        assert f'{row["people_acted"]:,}<span class="quiet">{row["reports"]:,}</span>' in shown
    finally:
        runtime.db.dispose()


@pytest.mark.parametrize("engine", ENGINES)
def test_the_story_reconciles_to_the_last_text(engine: str, tmp_path: Path, request: pytest.FixtureRequest) -> None:
    env: dict[str, str] = {}
    if engine == "postgresql":
        make: Callable[[str], str] = request.getfixturevalue("new_postgres")
        env["DATABASE_URL"] = make("story")
    code, report, _ = run_story(tmp_path / "data", "--recipients", "300", env=env)
    assert code == 0, report
    assert set(report) == KEYS
    assert report["reconciles"] is True
    assert report["recipients"] == 300 == sum(report[state] for state in PUBLIC_STATES)
    assert report["carrier"]["duplicates"] == 0
    assert report["needs_review"] <= 3
    assert report["opted_out"] > 0
    assert sum(report["reports"].values()) > 0
    assert reachable(report) >= 0.95
    every_form_has_its_figures(tmp_path / "data", report)
    if engine == "sqlite":  # a second one in the same place texts other people
        code, report, _ = run_story(tmp_path / "data", "--recipients", "60")
        assert (code, report["reconciles"], report["recipients"]) == (0, True, 60)
        assert report["held"] <= 1


def test_with_a_carrier_of_ones_own_it_ends_by_itself(tmp_path: Path) -> None:
    port, web = free_port(), free_port()
    theirs = ensure_env(tmp_path / "theirs")
    account = {name: value for name, value in theirs.items() if name.startswith("TWILIO_")}
    with Processes(tmp_path / "carrier") as processes:
        processes.start(commands.carrier(port, 5, f"http://127.0.0.1:{web}", {**os.environ, **theirs}))
        env = {**account, "TWILIO_BASE_URL": f"http://127.0.0.1:{port}"}
        code, report, _ = run_story(
            tmp_path / "data", "--recipients", "80", "--port", str(web), "--settle", "3", env=env
        )
    assert code == 0, report
    assert report["carrier"] is None
    assert report["recipients"] == 80 == sum(report[state] for state in PUBLIC_STATES)
    assert report["delivered"] > 60


@pytest.mark.parametrize(
    ("options", "env", "code"),
    [
        (["--officials", "nowhere.csv"], {}, None),
        (["--port", "{busy}"], {}, "stage_port_busy"),
        (["--recipients", "0"], {}, "usage"),
        ([], {"REHEARSAL_CLOCK": "yesterday"}, "settings_wrong"),
        ([], {"TWILIO_BASE_URL": "http://127.0.0.1:9"}, "story_carrier_unreachable"),
        ([], {"DATABASE_URL": "mysql://localhost/x"}, "settings_wrong"),
    ],
)
def test_what_cannot_be_set_up_is_said_in_one_object_with_exit_code_2(
    tmp_path: Path, options: list[str], env: dict[str, str], code: str | None
) -> None:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen()
        filled = [option.format(busy=listener.getsockname()[1]) for option in options]
        exit_code, report, stderr = run_story(tmp_path / "data", *filled, env=env)
    assert exit_code == 2
    assert set(report) == {"error"}
    assert set(report["error"]) == {"code", "message"}
    assert code is None or report["error"]["code"] == code
    assert "Traceback" not in stderr


def test_two_runs_in_one_directory_are_told_apart(tmp_path: Path) -> None:
    with lock_directory(tmp_path / "data"):
        began = time.monotonic()
        code, report, _ = run_story(tmp_path / "data", "--recipients", "10")
    assert (code, report["error"]["code"]) == (2, "stage_directory_busy")
    assert time.monotonic() - began < 30
