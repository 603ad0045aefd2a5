"""Log lines, error reports, latencies and alert rules: what they tell, and what they must not."""

from __future__ import annotations

import json
import logging
import re
import sys
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import structlog
import yaml
from flask import Flask, abort
from hypothesis import given, settings
from hypothesis import strategies as st

from config.settings import Settings
from outreach.access import note_ids, note_requests
from outreach.carrier.twilio import operation
from outreach.core import error_reports
from outreach.core.errors import SettingsError
from outreach.core.latencies import BOUNDS, Latencies, parse_latencies
from outreach.core.logs import NUMBER, TIME_OR_ID, access_log, error_listeners, mask, mask_event
from outreach.core.request_ids import HEADER, request_id_from
from outreach.messaging.breakers import FILTERED, OPT_OUTS, PAIR
from outreach.messaging.gates import UNUSUAL
from outreach.messaging.restored import RESTORED
from outreach.messaging.spend_halts import SPEND_CAP
from outreach.watch.checks import next_check_in
from outreach.watch.metrics import of_latencies
from outreach.watch.queues import last_line
from tests.unit.test_settings import REHEARSAL
from workers import run

ROOT = Path(__file__).parents[2]
NUMBERS = ("+16025550123", "602-555-0123", "(602) 555-0123")


class Lines(logging.Handler):
    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.found.append(record.getMessage())


@pytest.fixture
def lines() -> Iterator[list[str]]:
    handler, level = Lines(), access_log.level
    access_log.addHandler(handler)
    access_log.setLevel(logging.INFO)
    yield handler.found
    access_log.removeHandler(handler)
    access_log.setLevel(level)


def app() -> Flask:
    made = Flask(__name__)
    note_requests(made, "page", Latencies())

    @made.get("/people/<int:person_id>/<word>")
    def person(person_id: int, word: str) -> dict[str, Any]:
        note_ids(message_sid="SM" + "a" * 32)
        return structlog.contextvars.get_contextvars()

    @made.get("/refused")
    def refused() -> str:
        abort(403)

    @made.get("/broken")
    def broken() -> str:
        raise ValueError(NUMBERS[0])

    return made


def test_a_request_has_one_line_without_anything_that_was_typed(lines: list[str]) -> None:
    answer = app().test_client().get("/people/7/16025550123?q=6025550123", headers={"User-Agent": "6025550123"})
    line = json.loads(lines[0])
    assert (len(lines), line["route"], line["status"]) == (1, "/people/<int:person_id>/<word>", 200)
    assert (line["person_id"], line["message_sid"], line["method"]) == (7, "SM" + "a" * 32, "GET")
    assert line["request_id"] == answer.headers[HEADER] == answer.get_json()["request_id"]
    assert "6025550123" not in lines[0]
    assert "request_id" not in structlog.contextvars.get_contextvars()


def test_what_fails_and_what_is_nowhere_have_their_line_too(lines: list[str]) -> None:
    client = app().test_client()
    for path in ("/refused", "/broken", "/nowhere/6025550123"):
        client.open(path, method="GET")
    client.open("/people/1/a", method="BREW")
    told = [(each["method"], each["route"], each["status"]) for each in map(json.loads, lines)]
    assert told == [("GET", "/refused", 403), ("GET", "/broken", 500), ("GET", "-", 404), ("other", "-", 405)]


@given(st.text(max_size=80) | st.from_regex(r"[0-9a-f]{32}", fullmatch=True) | st.uuids().map(str))
def test_a_request_id_is_of_our_shape_and_never_a_number(given_id: str) -> None:
    taken = request_id_from(given_id)
    assert re.fullmatch(r"[0-9a-f-]{32,36}|[a-z]{20}", taken)
    assert not NUMBER.search(taken)
    assert taken == given_id or re.fullmatch(r"[a-z]{20}", taken)


def test_a_proxys_id_is_kept() -> None:
    known = "a1b2c3d4e5f6a7b8c9d0e1f2a3b4c5d6"
    assert request_id_from(known) == known
    assert request_id_from("0" * 32) != "0" * 32


def test_latencies_add_up_and_what_cannot_be_read_is_left_out() -> None:
    fields = {
        "page|home|2xx|0": 3,
        "page|home|2xx|10": 1,
        "page|home|2xx|sum": 4_500_000,
        "page|home|2xx|99": 7,
        "x": 1,
    }
    series = parse_latencies(fields)["page"]["home", "2xx"]
    assert (sum(series.counts), series.seconds) == (4, 4.5)
    samples = {
        (each.name, each.labels.get("le")): each.value
        for each in of_latencies("page", {("home", "2xx"): series}).samples
    }
    assert samples["outreach_request_duration_seconds_bucket", str(BOUNDS[0])] == 3
    assert samples["outreach_request_duration_seconds_bucket", "+Inf"] == 4
    assert samples["outreach_request_duration_seconds_count", None] == 4


def test_what_stands_in_a_list_is_masked_as_well() -> None:
    line = mask_event(
        None, "", {"event": "x", "to": list(NUMBERS), "known": {"by": ({"phone": NUMBERS[0]},)}, "ids": [7]}
    )
    assert "555" not in str(line)
    assert line["ids"] == [7]


PLAIN = (
    "2026-11-28", "1999-12-31", "2026-11-28T12:42:17", "2026-11-28T12:42:17.123456+00:00", "2026-11-28 12:42:17Z",
    "2026-11-28T12:42-07:00", "f47ac10b-58cc-4372-a567-0e02b2c3d479",
)  # fmt: skip
SPELLINGS = (
    "+1{}{}{}", "{}{}{}", "1{}{}{}", "{}-{}-{}", "{}.{}.{}", "{} {} {}", "({}) {}-{}", "({}){}-{}", "+1 {} {} {}",
    "1-{}-{}-{}", "+1 ({}) {}-{}", "+1-{}-{}-{}", "{}{}-{}", "{} {}{}", "1 ({}) {} {}",
)  # fmt: skip
BETWEEN = ("", " ", "  ", "-", ".", ":", "/", "T", "T12:", "+", "(", ")", ", ", "=", "\n", "|", "x", ".5", " 1 ")


def test_times_and_ids_stay_in_logs() -> None:
    for one in PLAIN:
        for form in ("{}", "at={}", '"at": "{}"', "({})", "made at {}.", "rq:job:{}:", "{}, 7 rows"):
            said = form.format(one)
            assert mask(said) == said
    for one in ("6025550101", "602-555-0101", "2026-555-0101", "2026-11-280101", "2026-11-28-0101", "2026-11-28 01",
                "2026-13-01-01", "5552026-11-28", "602 2026-11-28", "+2026-11-28",
                "f47ac10b-58cc-4372-a567-016025550101", "16025550-1010-4372-1567-0e02b2c3d479"):  # fmt: skip
        assert "<number" in mask(one), one


@given(
    st.integers(200, 999), st.integers(100, 199), st.sampled_from(SPELLINGS), st.sampled_from(("", *PLAIN)),
    st.sampled_from(BETWEEN), st.sampled_from(BETWEEN), st.sampled_from(("", *PLAIN)),
)  # fmt: skip
@settings(max_examples=2_000)
def test_no_number_passes_beside_a_time_or_an_id(
    area: int, line: int, spelling: str, before: str, left: str, right: str, after: str
) -> None:
    number = spelling.format(area, 555, f"0{line}")
    masked = mask(f"{before}{left}{number}{right}{after}")
    assert f"{area}5550{line}" not in re.sub(r"\D", "", masked), masked


@given(st.text(alphabet="0123456789-+ ().:TZ,af\n", max_size=80))
@settings(max_examples=2_000)
def test_what_is_left_of_digits_is_a_time_or_an_id(text: str) -> None:
    assert not NUMBER.search(re.sub(TIME_OR_ID, "x", mask(text)))


@pytest.mark.parametrize(
    ("method", "path", "word"),
    [
        ("POST", "/2010-04-01/Accounts/AC/Messages.json", "create_message"),
        ("POST", "/2010-04-01/Accounts/AC/Calls.json", "create_call"),
        ("GET", "/2010-04-01/Accounts/AC/Messages.json?To=%2B16025550123", "list"),
        ("GET", "/2010-04-01/Accounts/AC/Messages/SM1.json", "fetch"),
    ],
)
def test_operations_name_nobody(method: str, path: str, word: str) -> None:
    assert operation(method, path) == word


def test_a_failed_jobs_reason_is_its_last_line_masked() -> None:
    assert last_line(f"Traceback\n  File\nValueError: {NUMBERS[0]} is bad\n\n") == "ValueError: <number ..23> is bad"
    assert last_line("") == ""


@pytest.fixture
def sent() -> Iterator[list[Any]]:
    sentry_sdk = pytest.importorskip("sentry_sdk")

    class Kept(sentry_sdk.Transport):  # type: ignore[misc,name-defined]
        def capture_envelope(self, envelope: Any) -> None:
            found.append(envelope)

        def flush(self, timeout: float, callback: Any = None) -> None:
            found.append("on its way")

    found: list[Any] = []
    settings = Settings.from_mapping(REHEARSAL | {"SENTRY_DSN": "https://key@errors.example.org/1"})
    assert error_reports.report_errors(settings, "web", Kept)
    yield found
    error_listeners.clear()
    sentry_sdk.init()


def test_an_error_report_holds_the_error_and_nobody(sent: list[Any]) -> None:
    log = structlog.wrap_logger(structlog.PrintLogger(sys.stderr), processors=[
        structlog.stdlib.add_log_level, _listening, structlog.processors.format_exc_info,
        structlog.processors.JSONRenderer(),
    ])  # fmt: skip
    secret = NUMBERS[0]
    try:
        raise ValueError(f"cannot text {secret} of /enter/abcdefghijklmnop")
    except ValueError:
        log.exception("post_failed", attempt_id=7, asked="602-555-0123", request_id="abc")
    log.info("nothing", number=secret)
    assert len(sent) == 1
    event = sent[0].get_event()
    told = json.dumps(event)
    assert event["exception"]["values"][0]["type"] == "ValueError"
    assert event["exception"]["values"][0]["stacktrace"]["frames"][-1]["function"] == (
        "test_an_error_report_holds_the_error_and_nobody"
    )
    assert (event["tags"]["attempt_id"], event["tags"]["request_id"]) == ("7", "abc")
    assert "post_failed" in told
    for frame in event["exception"]["values"][0]["stacktrace"]["frames"]:
        frame.pop("context_line", None), frame.pop("pre_context", None), frame.pop("post_context", None)
    assert not [each for each in (*NUMBERS, "abcdefghijklmnop") if each in json.dumps(event)]
    assert not {"request", "user", "breadcrumbs", "server_name", "modules"} & event.keys()
    assert '"vars"' not in told


def test_a_work_horse_hands_its_reports_over_before_it_ends(sent: list[Any], monkeypatch: pytest.MonkeyPatch) -> None:
    """It ends by ``os._exit``: what a thread had still to send of a job that failed was lost."""

    def fails(*_: Any) -> bool:
        error_reports._report({"event": "job failed", "level": "error"})
        return False

    monkeypatch.setattr("workers.run.RoundRobinWorker.perform_job", fails)
    monkeypatch.setattr(run, "why_refused", lambda *_: None)
    worker: Any = object.__new__(run.AllowListWorker)
    worker.connection = SimpleNamespace(delete=lambda *_: None)
    assert not worker.perform_job(SimpleNamespace(id="1", func_name="f", args=()), None, None)
    assert [type(each).__name__ for each in sent] == ["Envelope", "str"]


def test_the_books_are_late_only_when_a_large_database_would_not_explain_it() -> None:
    groups = yaml.safe_load((ROOT / "config/alerts.yaml").read_text())["groups"]
    late = next(each["expr"] for one in groups for each in one["rules"] if each["alert"] == "OutreachChecksLate")
    times = int(re.findall(r"(\d+) \* outreach_checks_duration_seconds", late)[0])
    for took in (1.0, 72.0, 600.0):  # from the beginning of a run to the end of the next one
        assert max(3600.0, times * took) > took + next_check_in(took) + took


def _listening(logger: Any, name: str, event: Any) -> Any:
    from outreach.core.logs import tell_listeners

    return tell_listeners(logger, name, event)


def test_scrubbing_takes_out_what_integrations_would_put_in() -> None:
    event = {
        "request": {"url": "/", "data": NUMBERS[0]}, "user": {"id": 1}, "breadcrumbs": {"values": [NUMBERS[0]]},
        "exception": {"values": [{"value": NUMBERS[1], "stacktrace": {"frames": [{"vars": {"to": NUMBERS[0]}}]}}]},
        "extra": {"sys.argv": ["x"], "deep": [{"a": NUMBERS[2]}]},
    }  # fmt: skip
    scrubbed = json.dumps(error_reports.scrub(event))
    assert not [each for each in NUMBERS if each in scrubbed]
    assert not [word for word in ("request", "user", "breadcrumbs", "vars", "sys.argv") if word in scrubbed]


def test_a_dsn_without_the_package_stops_the_boot(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "sentry_sdk", None)
    settings = Settings.from_mapping(REHEARSAL | {"SENTRY_DSN": "https://key@errors.example.org/1"})
    with pytest.raises(SettingsError, match="outreach\\[sentry\\]"):
        error_reports.report_errors(settings, "web")
    assert not error_reports.report_errors(Settings.from_mapping(REHEARSAL), "web")


def test_a_dsn_that_is_none_stops_the_boot() -> None:
    settings = Settings.from_mapping(REHEARSAL | {"SENTRY_DSN": "nonsense"})
    with pytest.raises(SettingsError) as refused:
        error_reports.report_errors(settings, "web")
    assert (refused.value.code, "nonsense" in str(refused.value)) == ("sentry_dsn_wrong", False)


def documented() -> dict[str, tuple[str, set[str]]]:
    """Name -> kind and labels, as docs/metrics.md tells them."""
    page = (ROOT / "docs/metrics.md").read_text()
    rows = re.findall(r"^\| `(outreach_\w+)` \| (\w+) \|([^|]*)\|", page, re.MULTILINE)
    return {name: (kind, {each.strip() for each in labels.split(",") if each.strip()}) for name, kind, labels in rows}


def test_every_alert_asks_for_metrics_that_there_are_and_leads_somewhere() -> None:
    groups = yaml.safe_load((ROOT / "config/alerts.yaml").read_text())["groups"]
    rules = [rule for group in groups for rule in group["rules"]]
    known = documented()
    assert len(rules) >= 12
    assert len({rule["alert"] for rule in rules}) == len(rules)
    for rule in rules:
        asked = {re.sub(r"_(bucket|count|sum)$", "", name) for name in re.findall(r"\boutreach_\w+", rule["expr"])}
        assert asked, rule["alert"]
        assert asked <= known.keys(), rule["alert"]
        assert rule["labels"]["severity"] in {"page", "ticket"}
        assert rule["annotations"]["summary"].strip()
        kebab = re.sub(r"(?<=[a-z])(?=[A-Z])", "-", rule["alert"]).lower()
        assert rule["annotations"]["runbook"] == f"docs/operations.md#{kebab}"


def test_a_changed_token_wakes_somebody_though_no_campaign_runs() -> None:
    """It is answered with 401: an error of ours by its class, as each number is that the carrier refuses."""
    groups = yaml.safe_load((ROOT / "config/alerts.yaml").read_text())["groups"]
    fails = next(each["expr"] for one in groups for each in one["rules"] if each["alert"] == "OutreachCarrierFails")
    refused = re.findall(r"or sum\(rate\(\w+\{(.+?)\}", fails)
    assert dict(re.findall(r'(\w+)="(\w+)"', refused[0])) == {
        "operation": operation("GET", "/2010-04-01/Accounts/AC/Messages.json?To=%2B16025550123"), "outcome": "4xx",
    }  # fmt: skip


def test_a_campaign_that_leaves_at_its_senders_rate_wakes_nobody() -> None:
    """Ten thousand texts at four a second are due for most of an hour: that is a page only while none leaves."""
    groups = yaml.safe_load((ROOT / "config/alerts.yaml").read_text())["groups"]
    overdue = next(each["expr"] for one in groups for each in one["rules"] if each["alert"] == "OutreachTextsOverdue")
    soon, *others = re.findall(
        r"outreach_oldest_due_seconds > (\d+)( unless on\(\)\s+sum\(increase\(\w+\{(.+?)\})?", overdue
    )
    asked = dict(re.findall(r'(\w+)="(\w+)"', soon[2]))
    assert asked == {"operation": operation("POST", "/2010-04-01/Accounts/AC/Messages.json"), "outcome": "2xx"}
    assert [int(seconds) for seconds, _, _ in others] == [6 * 3600]


def told_of_alerts(page: str) -> dict[str, str]:
    """Anchor -> what the runbook says there, for each heading below "Alerts"."""
    parts = re.split(r"^### (.+)$", page.partition("\n## Alerts\n")[2].partition("\n## ")[0], flags=re.MULTILINE)[1:]
    return {heading.lower().replace(" ", "-"): text for heading, text in zip(parts[::2], parts[1::2], strict=True)}


def alerts() -> dict[str, str]:
    """Anchor -> severity, by the rules."""
    groups = yaml.safe_load((ROOT / "config/alerts.yaml").read_text())["groups"]
    rules = [rule for group in groups for rule in group["rules"]]
    return {rule["annotations"]["runbook"].partition("#")[2]: rule["labels"]["severity"] for rule in rules}


def test_every_alert_finds_what_to_do_in_the_runbook() -> None:
    page = (ROOT / "docs/operations.md").read_text()
    told = told_of_alerts(page)
    assert {anchor: text.split(".")[0].strip().lower() for anchor, text in told.items()} == alerts()
    assert all(len(text.split()) > 25 for text in told.values()), "an alert wants more than its name"
    assert "outreach-fold-late" not in told_of_alerts(page.replace("### Outreach fold late", "### Fold late"))


def test_the_runbook_knows_why_a_campaign_halts() -> None:
    halted = told_of_alerts((ROOT / "docs/operations.md").read_text())["outreach-gate-halted"]
    told = re.findall(r"^\| `(.+?)` \|", halted, re.MULTILINE)
    assert sorted(told) == sorted(
        {PAIR, FILTERED, OPT_OUTS, SPEND_CAP, UNUSUAL, RESTORED, "carrier:<code>", "settings:keys"}
    )
