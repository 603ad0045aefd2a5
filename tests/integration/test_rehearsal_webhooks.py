"""Callbacks, inbound webhooks, TwiML answers and opt-outs, against a real listener on loopback."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator

import pytest
from twilio.request_validator import RequestValidator
from twilio.twiml.messaging_response import MessagingResponse

from tests.fixtures.twilio_message import check_message
from tests.integration.test_rehearsal_process import (
    ACCOUNT_SID,
    OURS,
    SERVICE_SID,
    SILENT,
    TOKEN,
    Answer,
    Application,
    Call,
    Rehearsal,
    application,
    running,
)

SMS = "/twilio/sms"


@pytest.fixture
def app() -> Iterator[Application]:
    with application() as listening:
        yield listening


@pytest.fixture
def carrier(app: Application) -> Iterator[Rehearsal]:
    with running(app.url) as running_carrier:
        yield running_carrier


def saying(*texts: str, callback: str | None = None) -> Answer:
    response = MessagingResponse()
    for text in texts:
        response.message(text, status_callback=callback)
    return 200, "text/xml", str(response)


def assert_signed(call: Call) -> None:
    assert RequestValidator(TOKEN).validate(call.url, call.form, call.headers["X-Twilio-Signature"])
    assert call.headers["I-Twilio-Idempotency-Token"]
    assert call.headers["Content-Type"].startswith("application/x-www-form-urlencoded")


def test_a_text_brings_sent_and_delivered_and_no_callback_for_the_first_status(
    app: Application, carrier: Rehearsal
) -> None:
    path = "/twilio/status/42"
    sid = carrier.create("+16025550101", StatusCallback=f"{app.url}{path}?a=1%2F2").json()["sid"]
    calls = app.await_calls(f"{path}?a=1%2F2", 2)
    carrier.settle()
    by_status = {call.form["MessageStatus"]: call for call in calls}  # on a busy machine one overtakes the other
    assert sorted(app.statuses(f"{path}?a=1%2F2")) == ["delivered", "sent"]
    for call in calls:
        assert_signed(call)
        assert call.form["MessageSid"] == call.form["SmsSid"] == sid
        assert (call.form["To"], call.form["From"]) == ("+16025550101", OURS)
        assert (call.form["AccountSid"], call.form["MessagingServiceSid"]) == (ACCOUNT_SID, SERVICE_SID)
    assert "RawDlrDoneDate" in by_status["delivered"].form
    assert carrier.row(sid)["acknowledged"] is True


def test_an_inbound_text_is_signed_and_complete_and_its_answer_becomes_a_message(
    app: Application, carrier: Rehearsal
) -> None:
    app.answer = lambda call: saying("Gracias", "Two", callback="/twilio/status/9") if call.path == SMS else SILENT
    sid = carrier.reply("+15205550102", "¿Qué hago? 💪")
    (call,) = app.await_calls(SMS, 1)
    carrier.settle()
    assert_signed(call)
    assert call.form["Body"] == "¿Qué hago? 💪"
    assert call.form["MessageSid"] == call.form["SmsSid"] == call.form["SmsMessageSid"] == sid
    assert (call.form["From"], call.form["To"], call.form["SmsStatus"]) == ("+15205550102", OURS, "received")
    assert (call.form["NumMedia"], call.form["NumSegments"], call.form["FromState"]) == ("0", "1", "AZ")
    assert "OptOutType" not in call.form
    answers = [row for row in carrier.ledger() if row["kind"] == "answer"]
    assert [row["in_reply_to"] for row in answers] == [sid, sid]
    for row in answers:
        message = carrier.fetch(row["sid"])
        check_message(message)
        assert (message["direction"], message["status"], message["to"]) == (
            "outbound-reply",
            "delivered",
            "+15205550102",
        )
    assert sorted(app.statuses("/twilio/status/9")) == ["delivered", "delivered", "sent", "sent"]
    inbound = carrier.row(sid)
    assert inbound["acknowledged"] is True
    assert inbound["answered_at"] >= inbound["received_at"]
    thread = carrier.phone("+15205550102")["thread"]
    assert [(each["side"], each["body"]) for each in thread] == [
        ("phone", "¿Qué hago? 💪"),
        ("ours", "Gracias"),
        ("ours", "Two"),
    ]
    assert carrier.idle()["answers"] == 2


@pytest.mark.parametrize(
    ("answer", "code", "acknowledged"),
    [
        (SILENT, None, True),
        ((204, "text/plain", ""), None, True),
        ((200, "text/xml", "<Response/>junk"), 12100, True),
        ((200, "text/xml", "oops"), 12100, True),
        ((200, "text/xml", "<Response><Play/></Response>"), 12200, True),
        ((200, "application/json", "{}"), 12300, True),
        ((403, "text/plain", "no"), 11200, False),
        ((500, "text/plain", "ouch"), 11200, False),
        (None, 11205, False),
    ],
)
def test_what_the_webhook_answers_is_judged_and_never_asked_twice(
    app: Application, carrier: Rehearsal, answer: Answer | None, code: int | None, acknowledged: bool
) -> None:
    app.answer = lambda call: answer
    row_sid = carrier.reply("+15205550103", "Hi")
    totals = carrier.settle()
    row = carrier.row(row_sid)
    assert (row["kind"], row["error_code"], row["acknowledged"]) == ("inbound", code, acknowledged)
    assert (row["answered_at"] is not None) is acknowledged
    assert len(app.calls) == 1
    assert totals["answers"] == 0


def test_a_plain_text_answer_is_sent_as_it_is(app: Application, carrier: Rehearsal) -> None:
    app.answer = lambda call: (200, "text/plain", "Thanks!")
    carrier.reply("+15205550103", "Hi")
    assert carrier.settle()["answers"] == 1
    assert carrier.phone("+15205550103")["thread"][-1]["body"] == "Thanks!"


def test_an_answer_to_a_wrong_number_is_refused(app: Application, carrier: Rehearsal) -> None:
    app.answer = lambda call: (200, "text/xml", '<Response><Message to="+15555550100">Hi</Message></Response>')
    carrier.reply("+15205550103", "Hi")
    carrier.settle()
    assert [(row["kind"], row["error_code"]) for row in carrier.ledger()] == [("inbound", None), ("refused", 21211)]


def test_a_failed_connection_is_tried_once_more() -> None:
    """A TLS handshake that the other side breaks off is a failed connection that can be counted."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        tried = threading.Semaphore(0)

        def break_off() -> None:
            while True:
                connection, _ = listening.accept()
                with connection:
                    if connection.recv(1) == b"!":
                        return
                tried.release()

        breaker = threading.Thread(target=break_off)
        breaker.start()
        port = listening.getsockname()[1]
        try:
            with running(f"https://127.0.0.1:{port}") as carrier:
                sid = carrier.reply("+15205550104", "STOP")
                carrier.settle()
                row = carrier.row(sid)
                assert (row["error_code"], row["acknowledged"], row["answered_at"]) == (11205, False, None)
                assert carrier.phone("+15205550104")["opted_out"] is True
        finally:
            with socket.create_connection(("127.0.0.1", port)) as last:
                last.send(b"!")
            breaker.join()
    attempts = 0
    while tried.acquire(blocking=False):
        attempts += 1
    assert attempts == 2


def test_nobody_listening_is_an_error_in_the_ledger() -> None:
    with socket.create_server(("127.0.0.1", 0)) as closed:
        port = closed.getsockname()[1]
    with running(f"http://127.0.0.1:{port}") as carrier:
        sid = carrier.reply("+15205550104", "Hello")
        carrier.settle()
        assert carrier.row(sid)["error_code"] == 11205


@pytest.mark.parametrize("mode", ["default", "advanced", "none"])
def test_opt_out_words(app: Application, mode: str) -> None:
    number = "+17025550105"
    app.answer = lambda call: saying("As you wish.")
    with running(app.url, TWILIO_OPT_OUT=mode) as carrier:
        carrier.reply(number, " Stop ")
        carrier.settle()
        (call,) = app.await_calls(SMS, 1)
        handled = mode != "none"
        assert call.form.get("OptOutType") == ("STOP" if mode == "advanced" else None)
        assert carrier.phone(number)["opted_out"] is handled
        kinds = [row["kind"] for row in carrier.ledger()]
        assert kinds == (["inbound", "carrier_reply", "refused"] if handled else ["inbound", "answer"])
        refused = carrier.create(number)
        assert refused.status_code == (400 if handled else 201)
        if handled:
            assert refused.json()["code"] == 21610
            dropped = carrier.ledger()[2]
            assert (dropped["error_code"], dropped["in_reply_to"]) == (21610, call.form["MessageSid"])
            assert [each["side"] for each in carrier.phone(number)["thread"]] == ["phone", "carrier"]
        carrier.reply(number, "START")
        carrier.settle()
        assert carrier.phone(number)["opted_out"] is False
        assert carrier.create(number, "Again").status_code == 201
        carrier.reply(number, "Please stop")
        carrier.settle()
        assert carrier.phone(number)["opted_out"] is False, "only a word that stands alone is the carrier's"


def test_help_is_answered_by_the_carrier_in_advanced_mode(app: Application) -> None:
    with running(app.url, TWILIO_OPT_OUT="advanced") as carrier:
        carrier.reply("+17025550106", "info")
        carrier.settle()
        assert app.calls_to(SMS)[0].form["OptOutType"] == "HELP"
        assert [row["kind"] for row in carrier.ledger()] == ["inbound", "carrier_reply"]
