"""The doctor on a whole site: well when all is well, each fault found and named, webhooks set and nothing else."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import requests
from pydantic import SecretStr
from sqlalchemy import func, select

from config.settings import Settings
from outreach.accounts.models import Group
from outreach.backups.backup import LAST
from outreach.core.clock import Clock
from outreach.core.leases import Bookmark, Lease
from outreach.core.runtime import Runtime, open_runtime
from outreach.doctor import address, clocks, database, keeping, redis, registration, running, senders
from outreach.doctor import twilio_account as accounts
from outreach.doctor.examine import LOOKS, take
from outreach.doctor.examined import Examined
from outreach.doctor.findings import Finding, counted
from outreach.doctor.webhooks import look_at_webhooks
from outreach.messaging.models import Reply
from outreach.stage.ports import free_port
from outreach.stage.processes import Processes
from outreach.stage.site import start_site
from outreach.tallies.fold import LEASE
from outreach.web.app import create_app
from tests.commands import outreach_command
from tests.conftest import NOON_TUESDAY
from tests.factories import make_group
from tests.twilio_forms import signed

MACHINES = {"database.storage", "database.files", "clock.zones"}
"""What a machine that runs tests may lack: room on its disk, a young table of zones."""
FREE = "+18335550100"
ELSEWHERE = "https://user:secret@else.example/sms?token=secret"


@dataclass
class Running:
    """A whole site, and the way to its carrier's console."""

    settings: Settings
    data_dir: Path

    def set_up(self, **console: Any) -> None:
        url = f"{self.settings.twilio_base_url}/_rehearsal/console"
        assert requests.put(url, json=console, timeout=5).status_code == 200

    def doctor(self, *words: str) -> tuple[int, str, str]:
        done = outreach_command({}, ("--data-dir", str(self.data_dir), "doctor", *words))
        assert "Traceback" not in done.stderr
        return done.returncode, done.stdout, done.stderr

    def answer(self, *words: str) -> tuple[int, dict[str, Any]]:
        code, stdout, _ = self.doctor("--json", *words)
        (line,) = stdout.splitlines()
        return code, json.loads(line)


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    data_dir = tmp_path_factory.mktemp("doctor")
    clock = str(Clock(time.time(), NOON_TUESDAY, 1.0))
    with Processes(data_dir) as processes:
        started = start_site(processes, data_dir, port=free_port(), clock=clock, seed=1, environ={})
        runtime = open_runtime(started.settings)
        make_group(runtime)
        with closing(Examined(runtime)) as held:
            for check, look in (
                ("running.upkeep", running.look_at_upkeep),
                ("running.workers", running.look_at_workers),
            ):
                while any(each.status != "ok" for each in take(held, check, look)):
                    processes.check()
        yield Running(started.settings, data_dir)


@pytest.fixture
def held(site: Running) -> Iterator[Examined]:
    with closing(Examined(open_runtime(site.settings))) as examined:
        yield examined


def other(held: Examined, **changes: Any) -> Examined:
    """The same site by other settings."""
    settings = held.settings.model_copy(update=changes)
    return Examined(Runtime(settings, held.runtime.db, held.runtime.vault, held.runtime.clock), {})


def test_all_is_well(site: Running) -> None:
    code, said = site.answer()
    amiss = {each["check"]: each for each in said["findings"] if each["status"] in ("warning", "problem")}
    assert set(amiss) <= MACHINES, amiss
    assert {each["check"] for each in said["findings"] if each["status"] == "unknown"} - MACHINES == {"keeping.backups"}
    assert (code, said["ready"], said["problems"], said["changes"]) == (0, True, 0, [])
    assert said["mode"] == "rehearsal"
    assert {each["check"].partition(".")[0] for each in said["findings"]} == {
        check.partition(".")[0] for check, _ in LOOKS
    }
    code, stdout, _ = site.doctor()
    last = stdout.splitlines()[-1]
    assert (code, last.startswith("Doctor: ready, for a rehearsal only: no real phone")) == (0, True), last
    for secret in ("twilio_auth_token", "secret_key"):
        assert getattr(site.settings, secret).get_secret_value() not in stdout
    assert str(site.settings.twilio_from_number) not in stdout


FAULTS: tuple[tuple[dict[str, Any], dict[str, Any], Any, str], ...] = (
    ({"status": "suspended"}, {"status": "active"}, accounts.look_at_account, "carrier.account"),
    ({"kind": "Trial"}, {"kind": "Full"}, accounts.look_at_account, "carrier.account"),
    ({"texts": False}, {"texts": True}, accounts.look_at_permissions, "carrier.texts"),
    ({"calls": {"low_risk": False}}, {"calls": {"low_risk": True}}, accounts.look_at_permissions, "carrier.calls"),
    ({"campaign": "IN_PROGRESS"}, {"campaign": "VERIFIED"}, registration.look_at_campaign, "registration.local"),
    ({"campaign": None}, {"campaign": "VERIFIED"}, registration.look_at_campaign, "registration.local"),
    ({"brand": "IN_REVIEW"}, {"brand": "APPROVED"}, registration.look_at_campaign, "registration.local"),
    ({"numbers": {FREE: {}}}, {"numbers": {FREE: None}}, registration.look_at_toll_free, "registration.toll_free"),
    (
        {"numbers": {FREE: {"capabilities": {"sms": False}}}},
        {"numbers": {FREE: None}},
        senders.look_at_numbers,
        "sender.number",
    ),
    (
        {"numbers": {FREE: {"voice_url": ELSEWHERE}}},
        {"numbers": {FREE: None}},
        look_at_webhooks,
        "webhooks.number",
    ),
)


@pytest.mark.parametrize(("fault", "mended", "look", "check"), FAULTS)
def test_each_fault_at_the_carrier_is_found(
    site: Running, held: Examined, fault: Any, mended: Any, look: Any, check: str
) -> None:
    site.set_up(**fault)
    try:
        (found,) = [each for each in take(held, check, look) if each.status == "problem"]
    finally:
        site.set_up(**mended)
    assert (found.check, "secret" in found.message) == (check, False)
    assert found.mend
    held.look_again_at_carrier()
    assert [each for each in take(held, check, look) if each.status != "ok"] == []


def test_fix_sets_the_webhooks_and_nothing_else(site: Running, held: Examined) -> None:
    ours = site.settings.twilio_from_number
    site.set_up(
        service={"inbound_request_url": ELSEWHERE, "use_inbound_webhook_on_number": True, "smart_encoding": True,
                 "friendly_name": "Ours", "area_code_geomatch": True},
        numbers={ours: {"voice_application_sid": "AP" + "1" * 32, "sms_url": "https://left.example"}},
    )  # fmt: skip
    code, said = site.answer()
    wrong = {each["check"] for each in said["findings"] if each["status"] == "problem"}
    assert (code, wrong) == (1, {"webhooks.service", "webhooks.number"})
    assert site.doctor("--fix", "--json")[0] == 2  # asks nobody, so it needs --yes
    code, stdout, _ = site.doctor("--fix")
    assert (code, "-> " in stdout, "secret" in stdout) == (130, True, False)  # nobody said yes
    assert site.answer()[0] == 1
    code, said = site.answer("--fix", "--yes")
    assert code == 0, said
    base = site.settings.public_base_url
    assert {(each["field"], each["before"], each["after"]) for each in said["changes"]} == {
        ("inbound_request_url", "https://else.example/sms?...", f"{base}/twilio/sms"),
        ("use_inbound_webhook_on_number", True, False),
        ("smart_encoding", True, False),
        ("voice_application_sid", "AP" + "1" * 32, ""),
    }
    assert site.answer("--fix", "--yes")[1]["changes"] == []
    client = held.account._client
    service = client.messaging.v1.services(site.settings.twilio_messaging_service_sid).fetch()
    number = held.numbers[0]
    assert (service.friendly_name, service.area_code_geomatch) == ("Ours", True)
    assert number.fields["sms_url"] == "https://left.example"  # the service takes its texts


def test_a_probe_is_taken_as_a_text_would_be_and_leaves_nothing(held: Examined) -> None:
    with held.snapshot() as session:
        before = session.execute(select(func.count()).select_from(Reply)).scalar_one()
    assert [each.status for each in take(held, "", address.look_at_signature)] == ["ok"]
    with held.snapshot() as session:
        assert session.execute(select(func.count()).select_from(Reply)).scalar_one() == before
    token, key = {"twilio_auth_token": SecretStr("0" * 32)}, {"secret_key": SecretStr("x" * 48)}
    refused, strange, nowhere = (
        take(other(held, **changes), "", address.look_at_signature).pop()
        for changes in (token, key, {"public_base_url": "http://127.0.0.1:9"})
    )
    assert ["refused (403)" in refused.message, "Somebody else" in strange.message, nowhere.status] == [
        True, True, "problem",
    ]  # fmt: skip


def test_a_strange_site_at_our_address_is_noticed(held: Examined) -> None:
    carrier = other(held, public_base_url=held.settings.twilio_base_url)  # answers HTTP, and is not us
    (found,) = take(carrier, "", address.look_from_outside)
    assert found.status == "problem"
    (pages,) = take(carrier, "", address.look_at_pages)
    assert (pages.status, "404" in pages.message) == ("problem", True)
    (strange,) = take(other(held, secret_key=SecretStr("x" * 48)), "", address.look_from_outside)
    assert "Another site answers" in strange.message
    with closing(other(held, mode="production")) as production:
        (private,) = take(production, "", address.look_from_outside)
        rate, opt_out = look(production, "", senders.look_at_rate, registration.look_at_opt_outs)
    assert "private network" in private.message
    assert (rate.status, opt_out.status) == ("warning", "unknown")


def test_what_does_not_answer_hides_nothing_else(held: Examined) -> None:
    away = other(held, twilio_base_url="http://127.0.0.1:9", redis_url="unix:///nonexistent/redis.sock")
    found = [each for check, look in LOOKS for each in take(away, check, look)]
    by_check = {each.check: each.status for each in found}
    assert (by_check["redis.reachable"], by_check["running.queues"]) == ("problem", "unknown")
    away_too = ("carrier.balance", "carrier.calls", "webhooks.service", "registration.local", "clock.carrier")
    assert {by_check[name] for name in away_too} == {"unknown"}
    assert (by_check["carrier.account"], counted(found)["ready"]) == ("problem", False)
    assert (by_check["database.schema"], by_check["address.signature"]) == ("ok", "ok")
    with closing(other(held, twilio_auth_token=SecretStr("0" * 32))) as wrong:
        assert [each.status for each in take(wrong, "", accounts.look_at_account)] == ["problem"]


def look(held: Examined, check: str, *looks: Any) -> list[Finding]:
    return [each for one in looks for each in take(held, check, one)]


def test_a_site_that_has_never_been_backed_up_is_a_problem_in_the_end(runtime: Runtime) -> None:
    held = other(Examined(runtime, {}), mode="production")
    said = []
    for age in (None, timedelta(hours=1), timedelta(days=3)):
        if age is not None:
            group = make_group(runtime, f"Testers {age}")
            with runtime.db.transaction() as tx:
                tx.get_one(Group, group).created_at = runtime.clock.real_now() - age
        said += [each.status for each in look(held, "keeping", keeping.look_at_backups)]
    assert said == ["warning", "warning", "problem"]


def test_both_databases_are_looked_at(runtime: Runtime) -> None:
    held = Examined(runtime, {})
    looks = (database.look_whether_it_answers, database.look_at_schema, database.look_at_storage)
    found = look(held, "database", *looks, clocks.look_at_database)
    assert {each.status for each in found if each.check not in MACHINES} == {"ok"}, found
    assert [each.status for each in look(held, "redis", redis.look_whether_it_answers, redis.look_who_may_write)] == [
        "ok"
    ] * 4
    (upkeep,) = look(held, "running", running.look_at_upkeep)
    (backup,) = look(held, "keeping", keeping.look_at_backups)
    (admins,) = look(held, "keeping", keeping.look_at_admins)
    assert (upkeep.status, backup.status, admins.status) == ("problem", "unknown", "problem")
    make_group(runtime)
    now = runtime.clock.real_now()
    with runtime.db.transaction() as tx:
        tx.add_all([Lease(name=LEASE, token="x", until=now), Bookmark(name=LAST, at=now)])
    found = look(
        held, "", running.look_at_upkeep, keeping.look_at_backups, keeping.look_at_admins, keeping.look_at_keys
    )
    assert [each.status for each in found] == ["ok"] * 4
    with runtime.db.transaction() as tx:
        tx.connection().exec_driver_sql("UPDATE alembic_version SET version_num = 'of the future'")
    (ahead,) = look(held, "database", database.look_at_schema)
    assert "newer" in ahead.message


@pytest.mark.parametrize("schema", ["empty", "behind"])
def test_a_schema_that_is_not_there_yet_is_said_once(runtime: Runtime, schema: str) -> None:
    """The first thing that whoever goes live sees; before it was a line for whoever maintains the code at each look."""
    held = Examined(runtime, {})
    with runtime.db.transaction() as tx:
        drop = "DROP TABLE IF EXISTS {}" if runtime.db.is_sqlite else "DROP TABLE IF EXISTS {} CASCADE"
        if runtime.db.is_sqlite:
            tx.connection().exec_driver_sql("PRAGMA defer_foreign_keys = ON")
        names = ["lease", "bookmark", "users", "authenticator", "reply", "upload", "message"]
        if schema == "empty":
            names += ["alembic_version"]
        else:
            tx.connection().exec_driver_sql("UPDATE alembic_version SET version_num = '0024'")
        for name in names:
            tx.connection().exec_driver_sql(drop.format(name))
    looks = [one for one in LOOKS if one[0].startswith(("database.", "keeping.", "opt_out.")) or "upkeep" in one[0]]
    found = [each for check, one in looks for each in take(held, check, one)]
    assert [each.check for each in found if each.status == "problem"] == ["database.schema"]
    unknown = {each.check: each.mend for each in found if each.status == "unknown"}
    assert set(unknown) == {"running.upkeep", "keeping.backups", "keeping.keys", "keeping.admins"}
    assert set(unknown.values()) == {"Mend the line on the schema first."}


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_a_database_that_is_away_is_said_once(settings: Settings) -> None:
    elsewhere = settings.model_copy(update={"database_url": "sqlite:////nonexistent/outreach.db"})
    held = Examined(open_runtime(elsewhere), {})
    looks = [(check, each) for check, each in LOOKS if check.startswith(("database.", "keeping."))]
    found = [each for check, one in looks for each in take(held, check, one) if each.check != "database.files"]
    assert [each.status for each in found] == ["problem", *["unknown"] * (len(found) - 1)]


def test_all_that_is_wrong_with_the_settings_is_said_at_once() -> None:
    done = outreach_command({"TWILIO_ACCOUNT_SID": "AC1", "OUTREACH_MODE": "production"}, ("doctor", "--json"))
    said = json.loads(done.stdout)
    problems = [each["message"] for each in said["findings"]]
    assert (done.returncode, said["ready"], said["mode"], said["problems"]) == (1, False, None, len(problems))
    for name in ("DATABASE_URL", "REDIS_URL", "TWILIO_ACCOUNT_SID", "SECRET_KEY", "PUBLIC_BASE_URL"):
        assert any(name in problem for problem in problems), name


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_the_probe_takes_only_what_is_signed(runtime: Runtime) -> None:
    client = create_app(runtime.settings, runtime).test_client()
    form = address.probe_form(runtime.settings, "0" * 32)
    headers = signed(runtime.settings, address.PROBE, form)
    assert client.post(address.PROBE, data=form, headers=headers).status_code == 200
    assert client.post(address.PROBE, data={**form, "Body": "x"}, headers=headers).status_code == 403
    assert client.get("/healthz").json == {"status": "ok"}
    assert client.get("/healthz?nonce=<b>").json == {"status": "ok"}
    assert set(client.get(f"/healthz?nonce={'0' * 32}").json or {}) == {"status", "proof"}
