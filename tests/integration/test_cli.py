"""The command as people type it: exit codes, one line of JSON, sentences instead of tracebacks."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from config.settings import SETTING_NAMES
from outreach.cli import cli, context
from outreach.core.errors import BadInputError
from outreach.core.runtime import Runtime
from outreach.stage import StageError
from outreach.stage.instance import write_instance
from outreach.stage.processes import Processes
from outreach.stage.site import Keeper
from tests.commands import outreach_command


def outreach(env: dict[str, str], *words: str) -> tuple[int, dict[str, Any] | None, str]:
    """Exit code, the last line of stdout as JSON if it is that, and stderr."""
    done = outreach_command(env, words)
    assert "Traceback" not in done.stderr
    lines = done.stdout.splitlines()
    if "--json" not in words:
        return done.returncode, None, done.stderr
    assert len(lines) == 1, done.stdout
    return done.returncode, json.loads(lines[0]), done.stderr


@pytest.fixture
def env(settings_env: dict[str, str]) -> dict[str, str]:
    assert outreach(settings_env, "group", "add", "Testers")[0] == 0
    return settings_env


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)  # the use cases are tested on both
def test_from_an_official_to_a_launched_and_canceled_campaign(env: dict[str, str], tmp_path: Path) -> None:
    people = tmp_path / "people.csv"
    people.write_text("First Name,Mobile Phone,ZIP\nAna,(602) 555-0101,85003\nLuz,602-555-0102,85003\n")
    _, report, _ = outreach(
        env, "constituents", "import", str(people), "--list", "all", "--consent", "signed", "--json"
    )
    assert report is not None
    assert report["new"] == 2
    words = ("officials", "add", "--name", "Dana Whitfield", "--role", "Police chief", "--phone", "602-555-0142")
    code, official, _ = outreach(env, *words, "--json")
    assert code == 0
    assert official is not None
    held = ("--official", str(official["id"]), "--outcome", "declined", "--answer", "5=no:writing")
    code, meeting, stderr = outreach(env, "meeting", "record", *held, "--json")
    assert code == 0, stderr
    assert meeting is not None
    campaign = str(meeting["campaign_id"])
    assert outreach(env, "campaign", "edit", campaign, "--list", "all", "--json")[1] == {
        "id": int(campaign), "changed": ["lists"],
    }  # fmt: skip
    expected = outreach(env, "forecast", campaign, "--json")[1]
    assert expected is not None
    assert (expected["people"], expected["by_language"], expected["exact"]) == (2, {"en": 2}, True)
    assert expected["parts"] >= 2
    assert expected["cost"] == pytest.approx(expected["parts"] * 0.0115, abs=0.01)
    assert expected["finish_at"] is not None
    assert outreach(env, "campaign", "launch", campaign, "--json")[0] == 0
    code, error, _ = outreach(env, "campaign", "launch", campaign, "--json")
    assert (code, error and error["error"]["code"]) == (2, "campaign_not_draft")
    assert outreach(env, "campaign", "pause", campaign, "--json")[1] == {"id": int(campaign), "state": "paused"}
    assert outreach(env, "campaign", "resume", campaign, "--json")[1] == {"id": int(campaign), "state": "launched"}
    assert outreach(env, "campaign", "cancel", campaign, "--json")[0] == 0
    code, tally, _ = outreach(env, "campaign", "tally", campaign, "--json")
    assert code == 0
    assert tally is not None
    assert (tally["state"], tally["recipients"]) == ("canceled", sum(tally["states"].values()))
    assert tally["calls"]["asked"] == 0
    out = tmp_path / "calls.xlsx"
    code, file, _ = outreach(env, "export", "calls", campaign, "--reason", "the board", "--out", str(out), "--json")
    assert (code, file) == (
        0,
        {"campaign_id": int(campaign), "file": str(out), "calls": 0, "bytes": out.stat().st_size},
    )


@pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)  # the use cases are tested on both
def test_a_launch_time_a_second_text_and_a_further_text(env: dict[str, str], tmp_path: Path) -> None:
    people = tmp_path / "people.csv"
    people.write_text("First Name,Mobile Phone,ZIP\nAna,(602) 555-0101,85003\n")
    assert (
        outreach(env, "constituents", "import", str(people), "--list", "all", "--consent", "signed", "--json")[0] == 0
    )
    words = ("officials", "add", "--name", "Dana Whitfield", "--role", "Police chief", "--phone", "602-555-0142")
    official = outreach(env, *words, "--json")[1] or {}
    held = ("--official", str(official["id"]), "--outcome", "declined")
    meeting = outreach(env, "meeting", "record", *held, "--json")[1] or {}
    campaign = str(meeting["campaign_id"])

    def run(*words: str) -> dict[str, Any]:
        return outreach(env, "campaign", words[0], campaign, *words[1:], "--json")[1] or {}

    second = ("--text-b-en", "{{ group }}: call! STOP", "--text-b-es", "{{ group }}: llame. ALTO")
    assert run("edit", "--list", "all", *second)["changed"] == ["lists", "text_b_en", "text_b_es"]
    spoken = ("--spoken-en", "Say hello.", "--spoken-es", "")
    changed = ["spoken_en", "spoken_es", "text_b_en", "text_b_es"]
    assert run("edit", "--text-b-en", "", "--text-b-es", "", *spoken)["changed"] == changed
    shown = run("show")
    assert (shown["text_b_en"], shown["spoken_en"], shown["spoken_es"]) == (None, "Say hello.", None)
    for wrong, code in (
        ("soon", "launch_time_form"),
        ("2020-01-01", "launch_time_past"),
        ("9999-12-31T23:59", "launch_time_form"),
    ):
        assert run("launch", "--at", wrong)["error"]["code"] == code
    scheduled = {"id": int(campaign), "state": "scheduled", "launch_at": "2026-12-02T16:00:00+00:00"}
    assert run("launch", "--at", "2026-12-02T09:00") == scheduled
    assert run("tally")["launch_at"] == run("show")["launch_at"] == scheduled["launch_at"]
    assert run("unschedule") == {"id": int(campaign), "state": "draft"}
    assert run("unschedule")["error"]["code"] == "campaign_not_scheduled"
    assert run("launch")["wave"] == 1
    texts = ("--text-en", "{{ group }}: call! STOP", "--text-es", "{{ group }}: llame. ALTO")
    assert run("wave", "--who", "silent", *texts)["error"]["code"] == "wave_too_soon"
    assert run("wave", "--who", "everybody", *texts)["error"]["code"] == "usage"
    assert run("wave", "--who", "replied", "--text-en", "", "--text-es", "x")["error"]["code"] == "text_empty"
    (wave,) = run("tally")["waves"]
    assert (wave["number"], wave["who"], wave["reached"]["delivered"]) == (1, "lists", 0)


@pytest.mark.parametrize(
    ("words", "code"),
    [
        (("campaign", "edit", "1", "--text-en", "@nofile"), "text_file_unreadable"),
        (("campaign", "show", "1"), "campaign_unknown"),
        (("campaign", "show", "99999999999999999999"), "usage"),
        (("campaign", "show"), "usage"),
        (("--group", "Nope", "campaign", "list"), "group_unknown"),
        (("nonsense",), "usage"),
    ],
)
def test_what_cannot_be_done_is_said_in_one_line_with_exit_code_2(
    env: dict[str, str], words: tuple[str, ...], code: str
) -> None:
    exit_code, error, stderr = outreach(env, *words, "--json")
    assert (exit_code, error and error["error"]["code"]) == (2, code)
    assert stderr.strip()


@pytest.mark.parametrize("name", ["", "   ", "x" * 121])
def test_a_group_needs_a_name(env: dict[str, str], name: str) -> None:
    assert outreach(env, "group", "add", name)[0] == 2
    assert outreach(env, "campaign", "list", "--json")[0] == 0


def test_without_settings_a_command_says_how_to_get_them(tmp_path: Path) -> None:
    code, error, _ = outreach({}, "--data-dir", str(tmp_path / "none"), "campaign", "list", "--json")
    assert (code, error and error["error"]["code"]) == (2, "no_instance")


@pytest.mark.parametrize("lies", ["here", "at the root", "nowhere"])
def test_settings_that_nobody_has_read_are_said_beside_the_rehearsals_answer(
    env: dict[str, str], runtime: Runtime, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, lies: str
) -> None:
    """A new shell, cron, a unit without its environment: the rehearsal answers then, and nothing else says so."""
    here, root, var = (
        tmp_path / name for name in ("here", "root", "keys")
    )  # the last one with the database's own keys
    here.mkdir()
    root.mkdir()
    write_instance(var, env)
    monkeypatch.chdir(here)
    monkeypatch.setattr(context, "DEFAULT_DATA_DIR", root / "var")
    monkeypatch.setattr(context, "open_runtime", lambda _settings: runtime)
    if lies != "nowhere":
        ({"here": here, "at the root": root}[lies] / ".env").touch()
    nothing: dict[str, str | None] = dict.fromkeys(SETTING_NAMES)
    words = ["--data-dir", str(var), "db", "check", "--json"]
    done = CliRunner().invoke(cli, words, env=nothing)
    assert (done.exit_code, len(done.stdout.splitlines())) == (0, 1), done.output
    assert len(done.stderr.splitlines()) == (0 if lies == "nowhere" else 1)
    assert ("set -a; . ./.env; set +a" in done.stderr, str(var) in done.stderr) == ((lies != "nowhere",) * 2)
    read = CliRunner().invoke(cli, words, env=env)
    assert (read.exit_code, read.stderr) == (0, "")


def test_a_full_disk_ends_a_run_with_a_sentence(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with Processes(tmp_path) as processes:
        keeper = Keeper(processes)
        keeper.check()
        full = shutil.disk_usage(tmp_path)._replace(free=1000)
        monkeypatch.setattr("outreach.stage.site.shutil.disk_usage", lambda _path: full)
        with pytest.raises(StageError, match=r"disk of .* is full"):
            keeper.check()


def test_errors_without_a_sentence_still_say_their_code() -> None:
    assert str(BadInputError("never_heard_of", row=3)) == "never_heard_of: {'row': 3}"


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)  # the use cases are tested on both
def test_a_person_is_shown_exported_and_erased(env: dict[str, str], tmp_path: Path) -> None:
    people, out = tmp_path / "people.csv", tmp_path / "out.csv"
    people.write_text("First Name,Mobile Phone\nAna,(602) 555-0101\nLuz,602-555-0102\n")
    assert outreach(env, "constituents", "import", str(people), "--list", "all", "--json")[0] == 0
    why = ("--reason", "asked for it", "--json")
    code, shown, _ = outreach(env, "constituents", "show", "(602) 555-0101", *why)
    assert code == 0
    assert shown is not None
    assert (shown["person"]["phone"], shown["person"]["lists"]) == ("+16025550101", ["all"])
    code, file, _ = outreach(env, "export", "constituents", "--list", "all", "--numbers", "--out", str(out), *why)
    assert (code, file) == (0, {"file": str(out), "people": 2, "numbers": True, "bytes": out.stat().st_size})
    assert "6025550101" in out.read_text()
    assert out.stat().st_mode & 0o077 == 0
    sheet = tmp_path / "out.xlsx"
    assert outreach(env, "export", "constituents", "--out", str(sheet), *why)[0] == 0
    assert sheet.read_bytes().startswith(b"PK")
    erased = {"people": 1, "canceled": 0, "texts": 0, "replies": 0, "in_doubt": 0}
    assert outreach(env, "constituents", "erase", str(shown["person"]["id"]), *why)[:2] == (0, erased)
    for who in (f"#{shown['person']['id']}", "+16025550101"):
        assert outreach(env, "constituents", "erase", who, *why)[:2] == (0, {**erased, "people": 0})
    wrong = {
        ("constituents", "show", "555-0101", *why): "number_or_id",
        ("constituents", "erase", "999", *why): "person_unknown",
        ("constituents", "erase", "1", "--reason", " ", "--json"): "reason_blank",
        ("constituents", "show", "1", "--json"): "usage",
        ("export", "constituents", "--list", "nobody", "--out", str(out), *why): "list_unknown",
        ("export", "constituents", "--out", str(tmp_path / "no" / "where.csv"), *why): "export_not_written",
    }
    for words, error in wrong.items():
        code, said, _ = outreach(env, *words)
        assert (code, (said or {})["error"]["code"]) == (2, error), words
    assert [path.name for path in tmp_path.glob(".out*")] == []
