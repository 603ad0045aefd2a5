"""The doctor's verdicts: pure over what was read; and its sentences, each said by some verdict."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from config import table
from config.settings import Settings
from outreach.cli.doctor import _show
from outreach.core.errors import SettingsError
from outreach.core.proof import proof
from outreach.core.queue import FILES, QUEUES
from outreach.doctor import clocks, database, environment, keeping, redis, running
from outreach.doctor.address import Reached, judge_address, judge_certificate, judge_pages, judge_signature
from outreach.doctor.examine import LOOKS
from outreach.doctor.findings import EVERY, STATUSES, Finding, counted, finding

ROOT = Path(__file__).parents[2]
NOW = datetime(2026, 12, 1, 19, tzinfo=UTC)
SITE = "https://campaign.example.org"


def outcomes() -> Iterator[tuple[str, str]]:
    """Check and outcome of every sentence."""
    for section, subjects in table("doctor").items():
        for subject, said in subjects.items():
            if isinstance(said, dict) and section != EVERY:
                yield from ((f"{section}.{subject}", outcome) for outcome in said)


def calls_of_finding() -> Iterator[tuple[str, set[str]]]:
    """Each ``finding(check, outcome)`` in the code: the check, and the texts in its outcome."""
    for path in sorted((ROOT / "outreach" / "doctor").glob("*.py")):
        tree = ast.parse(path.read_text(encoding="utf-8"))
        for function in ast.walk(tree):
            if not isinstance(function, ast.FunctionDef):
                continue
            texts = {node.value for node in ast.walk(function) if isinstance(node, ast.Constant)}
            for node in ast.walk(function):
                if isinstance(node, ast.Call) and getattr(node.func, "id", "") == "finding":
                    check = node.args[0]
                    if isinstance(check, ast.Constant):
                        yield str(check.value), {text for text in texts if isinstance(text, str)}


def test_every_sentence_has_a_status_and_every_trouble_a_way_to_mend_it() -> None:
    for section, subjects in table("doctor").items():
        assert section == EVERY or subjects["title"]
        for said in (s for s in subjects.values() if isinstance(s, dict)):
            for outcome in [said] if section == EVERY else said.values():
                assert outcome["status"] in STATUSES
                assert bool(outcome.get("mend")) == (outcome["status"] != "ok"), outcome


COUNTS = re.compile(r"\{(?:count|jobs|workers|days|numbers|codes|minutes)\} (?:more )?[a-z]")
"""How a sentence begins to go wrong when there is one of a thing: the count before what it counts."""


def test_no_sentence_counts_one_of_a_thing_as_many(capsys: pytest.CaptureFixture[str]) -> None:
    said = [one["message"] for rows in table("doctor").values() for row in rows.values() if isinstance(row, dict)
            for one in row.values() if isinstance(one, dict)]  # fmt: skip
    assert len(said) > 100
    assert [message for message in said if COUNTS.search(message.replace("} min:", "}:"))] == []
    _show([finding("running.upkeep", "never"), finding("running.queues", "long", jobs=1)], "production")
    assert capsys.readouterr().out.endswith("Doctor: not ready (problems: 1, warnings: 1)\n")
    _show([finding("running.upkeep", "ok")], "production")
    assert capsys.readouterr().out.endswith("Doctor: ready\n")


def test_every_sentence_is_said_and_every_check_has_sentences() -> None:
    said: dict[str, set[str]] = {}
    for check, texts in calls_of_finding():
        said.setdefault(check, set()).update(texts)
    # What is named by a value: the mode of the settings, where a schema stands, webhooks and clocks by their check.
    by_value = {
        "settings.values": {"production", "rehearsal"},
        "database.schema": {"current", "empty", "behind", "ahead"},
        "opt_out.mode": {"look_default", "look_advanced", "look_none"},
        "sender.number": {"no_voice", "no_mms"},
        "webhooks.service": {"ok", "comfort", "wrong"},
        "webhooks.number": {"ok", "comfort", "wrong"},
        "keeping.keys": {"keys_other_index", "keys_other_field"},
        "clock.carrier": {"ok", "off", "far_off"},
        "clock.database": {"ok", "off", "far_off"},
    }
    for check, texts in by_value.items():
        said.setdefault(check, set()).update(texts)
    silent = {(check, outcome) for check, outcome in outcomes() if outcome not in said.get(check, set())}
    assert silent == set()
    assert set(said) == {check for check, _ in outcomes()}
    assert {check for check, _ in LOOKS} <= set(said)


def status(found: Finding) -> str:
    return found.status


def test_settings_are_refused_one_by_one() -> None:
    with pytest.raises(SettingsError) as caught:
        Settings.from_mapping({"TWILIO_ACCOUNT_SID": "AC1", "DATABASE_URL": "mysql://x", "SECRET_KEY": "short"})
    found = environment.refused(caught.value)
    assert {each.status for each in found} == {"problem"}
    for name in ("TWILIO_ACCOUNT_SID", "DATABASE_URL", "SECRET_KEY", "REDIS_URL", "PUBLIC_BASE_URL"):
        assert sum(each.message.startswith(name) for each in found) == 1, name
    levels = {"": "ok", "info": "ok", "DEBUG": "warning", "ERROR": "warning", "LOUD": "warning"}
    assert {level: environment.judge_level({"OUTREACH_LOG_LEVEL": level}).status for level in levels} == levels


def test_databases() -> None:
    judge = database.judge_server
    server = database.Server
    assert [each.status for each in judge(server("postgresql", (16, 2), "UTF8"))] == ["ok"]
    assert [each.status for each in judge(server("sqlite", (3, 45), "UTF-8"))] == ["ok"]
    assert [each.status for each in judge(server("postgresql", (13, 9), "UTF8"))] == ["warning"]
    assert [each.status for each in judge(server("postgresql", (16, 0), "SQL_ASCII"))] == ["problem"]
    well = database.Disk("wal", 0o600, True, 50_000_000_000)
    for disk, expected in (
        (well, "ok"), (database.Disk("delete", 0o600, True, 10**12), "problem"),
        (database.Disk("wal", 0o644, True, 10**12), "warning"), (database.Disk("wal", 0o600, False, 10**12), "problem"),
        (database.Disk("wal", 0o600, True, 10**8 - 1), "problem"),
        (database.Disk("wal", 0o600, True, 10**9 - 1), "warning"),
    ):  # fmt: skip
        assert [each.status for each in database.judge_disk(disk)] == [expected], disk
    need = database.needed(2)
    assert [each.status for each in database.judge_wire(database.Wire(need, False, True), 2)] == ["ok"]
    assert [each.status for each in database.judge_wire(database.Wire(need - 1, True, False), 2)] == ["warning"]
    assert [each.status for each in database.judge_wire(database.Wire(97, False, False), 2)] == ["ok", "warning"]


def test_redis() -> None:
    well = {
        "redis_version": "7.2.4", "aof_enabled": 1, "maxmemory_policy": "noeviction", "maxmemory": 0, "used_memory": 1,
    }  # fmt: skip

    def statuses(**changes: Any) -> list[str]:
        return [each.status for each in redis.judge_info({**well, **changes})]

    assert statuses() == ["ok", "ok", "ok"]
    assert statuses(redis_version="5.0.1") == ["warning", "ok", "ok"]
    assert statuses(aof_enabled=0) == ["ok", "warning", "ok"]
    assert statuses(aof_last_write_status="err") == ["ok", "problem", "ok"]
    assert statuses(maxmemory_policy="allkeys-lru") == ["ok", "ok", "problem"]
    assert statuses(maxmemory=100, used_memory=81) == ["ok", "ok", "warning"]
    urls = {
        "redis://:pw@redis:6379/0": "ok", "redis://redis:6379/0": "warning", "redis://127.0.0.1/0": "warning",
        "redis://:pw@redis.example.com/0": "problem", "rediss://redis.example.com/0": "problem",
        "rediss://u:pw@redis.example.com/0": "ok",
    }  # fmt: skip
    assert {url: redis.judge_access(redis.read_access(url)).status for url in urls} == urls
    assert redis.judge_access(redis.Access("unix", False, True, open_socket=True)).status == "warning"
    assert redis.judge_access(redis.Access("unix", False, True)).status == "ok"


def test_processes() -> None:
    assert running.judge_upkeep(None, NOW).status == "problem"
    assert running.judge_upkeep(NOW + timedelta(seconds=3), NOW).status == "ok"
    assert running.judge_upkeep(NOW - timedelta(seconds=3), NOW).status == "ok"
    assert "60 min:" in running.judge_upkeep(NOW - timedelta(hours=1), NOW).message
    everything = [QUEUES, FILES]
    assert [each.status for each in running.judge_workers(everything)] == ["ok", "ok"]
    assert [each.status for each in running.judge_workers([QUEUES])] == ["ok", "problem"]
    missing, importer = running.judge_workers([[*QUEUES[1:], *FILES]])
    assert (missing.status, QUEUES[0] in missing.message, importer.status) == ("problem", True, "ok")
    waiting = running.Waiting
    assert [status(running.judge_queues(each)) for each in (waiting(3, 0), waiting(1001, 0), waiting(0, 1))] == [
        "ok", "warning", "warning",
    ]  # fmt: skip


def test_pages_that_a_proxy_asks_for_by_its_own_name() -> None:
    assert judge_pages(200, SITE).status == "ok"
    renamed, broken = judge_pages(421, SITE), judge_pages(502, SITE)
    assert [each.status for each in (renamed, broken)] == ["problem"] * 2
    assert SITE.removeprefix("https://") in renamed.message
    assert "Host" in renamed.mend


def test_the_public_address() -> None:
    ours = Reached(200, proved=True)
    assert judge_address(ours, SITE, rehearsal=False).status == "ok"
    for reached in (
        Reached(200), Reached(502), Reached(301, location="https://www.example.org/x?token=1"),
        Reached(reason="timed out", trouble="connection"), Reached(reason="expired", trouble="certificate"),
    ):  # fmt: skip
        for verdict in (judge_address(reached, SITE, rehearsal=False), judge_signature(reached)):
            assert (verdict.status, "token" in verdict.message) == ("problem", False), reached
    assert judge_address(ours, "https://localhost", rehearsal=False).status == "problem"
    assert judge_address(ours, "http://127.0.0.1:8000", rehearsal=True).status == "ok"
    assert (judge_signature(ours).status, judge_signature(Reached(403)).status) == ("ok", "problem")
    days = {-1: "problem", 2: "problem", 3: "warning", 13: "warning", 14: "ok"}
    assert {day: judge_certificate(NOW + timedelta(days=day, hours=1), NOW).status for day in days} == days


@given(
    st.text(min_size=32), st.from_regex(r"[0-9a-f]{32}", fullmatch=True), st.from_regex(r"[0-9a-f]{32}", fullmatch=True)
)
def test_a_proof_is_of_one_key_and_one_nonce(key: str, nonce: str, another: str) -> None:
    assert proof(key, nonce) == proof(key, nonce)
    assert (proof(key, nonce) == proof(key, another)) == (nonce == another)
    assert proof(key, nonce) != proof(f"{key}x", nonce)


def test_clocks_and_zones() -> None:
    seconds = {0.4: "ok", -5.1: "warning", 61.0: "problem", -61.0: "problem"}
    assert {ahead: clocks.judge_clock("clock.carrier", ahead).status for ahead in seconds} == seconds
    assert "behind" in clocks.judge_clock("clock.carrier", -9.0).message
    releases = {"2026a": "ok", "2025b": "ok", "2024b": "warning", "": "unknown", "2026.1": "ok"}
    assert {release: clocks.judge_zones(release, 2026).status for release in releases} == releases
    assert clocks.judge_zones(clocks.zone_release(), 2026).check == "clock.zones"


def test_what_is_kept() -> None:
    ages = {1: "ok", 27: "warning", 169: "problem"}
    assert {hours: keeping.judge_backup(NOW - timedelta(hours=hours), NOW).status for hours in ages} == ages
    without = {0: "warning", 47: "warning", 49: "problem", 24 * 90: "problem"}
    hours_old = {hours: NOW - timedelta(hours=hours) for hours in without}
    assert {
        hours: keeping.judge_no_backup(since, NOW, rehearsal=False).status for hours, since in hours_old.items()
    } == without
    assert keeping.judge_no_backup(None, NOW, rehearsal=False).status == "warning"
    assert keeping.judge_no_backup(hours_old[49], NOW, rehearsal=True).status == "unknown"
    keys = [
        ({"message": {"new": 5, "unknown": 0}}, "ok"), ({"message": {"new": 5, "old": 1, "unknown": 0}}, "warning"),
        ({"message": {"new": 5, "old": 0, "unknown": 0}}, "warning"),
        ({"message": {"new": 5, "unknown": 0}, "reply": {"new": 0, "unknown": 2}}, "problem"),
    ]  # fmt: skip
    assert [keeping.judge_keys("new", found).status for found, _ in keys] == [expected for _, expected in keys]
    admins = keeping.Admins
    judged = [keeping.judge_admins(admins(*each)).status for each in ((0, None), (2, None), (2, 1), (2, 2))]
    assert judged == ["problem", "ok", "problem", "ok"]


def test_ready_is_what_has_no_problem() -> None:
    well, unsure = finding("running.upkeep", "ok"), finding("keeping.backups", "rehearsed")
    assert counted([well, unsure]) == {"ready": True, "problems": 0, "warnings": 0, "unknown": 1}
    assert counted([well, finding("running.upkeep", "never")])["ready"] is False
