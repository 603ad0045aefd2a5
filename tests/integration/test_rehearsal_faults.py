"""Each fault as a client meets it, personas at work, and the controls that set both."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

import pytest
import requests

from outreach.rehearsal.personas import BY_NAME
from tests.fixtures.twilio_message import check_error
from tests.integration.test_rehearsal_process import AT_ONCE, OURS, SILENT, Application, Rehearsal, application, running

SMS = "/twilio/sms"
STATUS = "/twilio/status/1"


@pytest.fixture(scope="module")
def listener() -> Iterator[Application]:
    with application() as listening:
        yield listening


@pytest.fixture
def app(listener: Application) -> Application:
    listener.calls.clear()
    listener.answer = lambda call: SILENT
    return listener


@pytest.fixture
def carrier(app: Application) -> Iterator[Rehearsal]:
    with running(app.url) as running_carrier:
        yield running_carrier


def test_throttled_and_500_before_leave_no_message(carrier: Rehearsal) -> None:
    carrier.put("faults", {"next": ["throttled", "error_before"]})
    throttled, failed, retried = (carrier.create("+16025550101") for _ in range(3))
    assert (throttled.status_code, throttled.json()["code"]) == (429, 20429)
    assert (failed.status_code, failed.json()["code"]) == (500, 20500)
    check_error(throttled.json())
    check_error(failed.json())
    assert retried.status_code == 201
    assert [row["kind"] for row in carrier.ledger()] == ["refused", "refused", "create"]
    assert carrier.settle()["messages"] == 1


@pytest.mark.parametrize("fault", ["error_after", "lost_answer", "truncated", "hang"])
def test_what_was_accepted_is_delivered_though_the_answer_says_nothing(
    app: Application, carrier: Rehearsal, fault: str
) -> None:
    carrier.put("faults", {"next": [fault], "hang_seconds": 0.5})
    if fault in ("lost_answer", "hang"):
        with pytest.raises(requests.ConnectionError):
            carrier.create("+16025550102", StatusCallback=app.url + STATUS)
    else:
        answer = carrier.create("+16025550102", StatusCallback=app.url + STATUS)
        assert answer.status_code == (500 if fault == "error_after" else 201)
        if fault == "truncated":
            with pytest.raises(requests.JSONDecodeError):
                answer.json()
    assert carrier.settle()["messages"] == 1
    assert app.statuses(STATUS) == ["sent", "delivered"]
    (row,) = carrier.ledger()
    assert (row["kind"], row["status"], row["acknowledged"]) == ("create", "delivered", False)
    again = carrier.create("+16025550102")
    assert carrier.row(again.json()["sid"])["duplicate"] is True
    assert carrier.settle()["duplicates"] == 1


def test_a_hang_outlasts_the_client(carrier: Rehearsal) -> None:
    carrier.put("faults", {"next": ["hang"], "hang_seconds": 1})
    form = {"To": "+16025550102", "Body": "Hello", "From": "+14805550100"}
    with pytest.raises(requests.ReadTimeout):
        carrier.http.post(f"{carrier.messages}.json", data=form, timeout=0.2)
    assert carrier.settle()["messages"] == 1
    assert carrier.ledger()[0]["acknowledged"] is False


@pytest.mark.parametrize(
    ("fault", "statuses"),
    [
        ("doubled", ["delivered", "delivered", "sent", "sent"]),
        ("reordered", ["delivered", "sent"]),
        ("late", ["delivered", "sent"]),
    ],
)
def test_callbacks_doubled_reordered_and_late(
    app: Application, carrier: Rehearsal, fault: str, statuses: list[str]
) -> None:
    carrier.put("faults", {"next": [fault], "late_after": [0.6, 0.6], "final_after": [0.2, 0.2]})
    sid = carrier.create("+16025550103", StatusCallback=app.url + STATUS).json()["sid"]
    if fault == "late":
        app.await_calls(STATUS, 1)
        assert carrier.fetch(sid)["status"] == "delivered"
    carrier.settle()
    told = app.statuses(STATUS)
    assert (told if fault == "reordered" else sorted(told)) == statuses


def test_early_callbacks_beat_the_answer(app: Application, carrier: Rehearsal) -> None:
    carrier.put("faults", {"next": ["early"], "sent_after": [5, 5]})
    answer = carrier.create("+16025550104", StatusCallback=app.url + STATUS)
    assert sorted(app.statuses(STATUS)) == ["delivered", "sent"], "both came before the answer"
    assert answer.json()["status"] == "accepted"
    assert carrier.fetch(answer.json()["sid"])["status"] == "delivered"


def test_latency_is_added(carrier: Rehearsal) -> None:
    carrier.put("faults", {"latency_ms": 150})
    assert carrier.create("+16025550105").elapsed.total_seconds() >= 0.15


def test_default_faults_and_personas_repeat_by_seed(app: Application) -> None:
    """Creates at the default settings, twice: the same answers, the same endings, the same replies."""
    outcomes = [play(app, 199) for _ in range(2)]
    assert outcomes[0] == outcomes[1]
    answers, endings, replies = outcomes[0]
    assert {429, 500, None} <= set(answers)
    assert {"delivered", "undelivered", "refused"} <= {status for _, status, _ in endings}
    assert len(replies) >= 30


def play(app: Application, count: int) -> tuple[list[int | None], list[tuple[str, str, int | None]], list[str]]:
    app.calls.clear()
    numbers = [f"+1{area}5550{line}" for area in (480, 520) for line in range(100, 200)]
    numbers.remove(OURS)
    answers: list[int | None] = []
    with running(app.url, "--faults", "default", "--personas", "default", "--seed", "11") as carrier:
        carrier.put("faults", AT_ONCE)
        for number in numbers[:count]:
            try:
                answers.append(carrier.create(number).status_code)
            except requests.ConnectionError:
                answers.append(None)
        carrier.settle()
        endings = [(row["to"], row["status"], row["error_code"]) for row in carrier.ledger() if row["kind"] == "create"]
        endings += [(row["to"], row["status"], None) for row in carrier.ledger() if row["kind"] == "refused"]
    replies = sorted(f"{call.form['From']} {call.form['Body']}" for call in app.calls_to(SMS))
    return answers, endings, replies


def test_pinned_personas_behave_as_named(app: Application, carrier: Rehearsal) -> None:
    numbers = {f"+1801555{n + 100:04d}": name for n, name in enumerate(BY_NAME)}
    assert carrier.put("personas", {"numbers": numbers})["numbers"] == numbers
    app.answer = lambda call: (200, "text/xml", "<Response><Message>Script</Message></Response>")
    answers = {name: carrier.create(number) for number, name in numbers.items()}
    carrier.settle()
    endings = {name: carrier.phone(number)["thread"] for number, name in numbers.items()}
    for name, persona in BY_NAME.items():
        assert answers[name].status_code == (400 if persona.refusal else 201)
        texts = [each["body"] for each in endings[name] if each["side"] == "phone"]
        reports = () if persona.waits else persona.reports
        expected = [choices for choices in (persona.replies, reports) if choices]
        assert len(texts) == len(expected), name
        assert all(text in choices for text, choices in zip(texts, expected, strict=True))
        if persona.undelivered:
            assert carrier.fetch(answers[name].json()["sid"])["error_code"] == persona.undelivered
        if persona.refusal:
            assert answers[name].json()["code"] == persona.refusal
    carrier.create("+18015550101", "A second campaign")
    before = Counter(call.form["From"] for call in app.calls_to(SMS))
    carrier.settle()
    assert Counter(call.form["From"] for call in app.calls_to(SMS)) == before, "a person replies once"


def test_phones_are_listed_newest_first(carrier: Rehearsal) -> None:
    for line in (1, 2, 3):
        carrier.create(f"+1719555010{line}")
        carrier.settle()
    url = f"{carrier.base}/_rehearsal/phones?limit=2"
    listed = carrier.http.get(url, timeout=10).json()["phones"]
    assert [each["number"] for each in listed] == ["+17195550103", "+17195550102"]
    assert listed[0]["persona"] == "delivered"
    assert listed[0]["thread"][0]["side"] == "ours"


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("PUT", "faults", '{"flood": 1}'),
        ("PUT", "faults", "{"),
        ("PUT", "personas", '{"nobody": 1}'),
        ("PUT", "personas", '{"numbers": {"1": "stop"}}'),
        ("PUT", "personas", '{"weights": 3}'),
        ("POST", "phones/12/reply", '{"body": "x"}'),
        ("POST", "phones/+17195550101/reply", '{"text": "x"}'),
        ("GET", "phones?limit=many", ""),
        ("GET", "ledger?since=-1", ""),
    ],
)
def test_controls_refuse_what_makes_no_sense(carrier: Rehearsal, method: str, path: str, body: str) -> None:
    answer = carrier.http.request(method, f"{carrier.base}/_rehearsal/{path}", data=body, timeout=10)
    assert answer.status_code == 400
    assert answer.json()["error"]["message"]


def test_weights_can_be_changed_while_it_runs(carrier: Rehearsal) -> None:
    assert carrier.put("personas", {"undelivered_30003": 1})["weights"] == {"undelivered_30003": 1.0}
    sid = carrier.create("+16025550109").json()["sid"]
    carrier.settle()
    assert carrier.fetch(sid)["error_code"] == 30003
    again = carrier.create("+16025550109").json()["sid"]
    assert carrier.row(again)["duplicate"] is False
    carrier.settle()
    ledger = carrier.http.get(f"{carrier.base}/_rehearsal/ledger?since=1", timeout=10).text
    assert ledger.count("\n") == 1
