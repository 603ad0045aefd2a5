"""The Twilio adapter against a server that answers in each way of CARRIER.md's table, and against the rehearsal."""

from __future__ import annotations

import json
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qsl

import pytest

from config.settings import Settings
from outreach.carrier import twilio as adapter
from outreach.carrier.base import Ambiguous, CarrierError, Misconfigured, Rejected, Throttled, Unreachable
from outreach.carrier.twilio import TwilioCarrier
from outreach.core.clock import Clock
from outreach.stage.ports import free_port
from tests.fixtures.twilio_message import check_create
from tests.integration.test_rehearsal_process import (
    ACCOUNT_SID,
    OURS,
    SERVICE_SID,
    TOKEN,
    application,
    running,
)

TO = "+16025550123"


def settings_for(url: str, **changes: str) -> Settings:
    key = "A" * 43 + "="
    return Settings.from_mapping({
        "OUTREACH_MODE": "rehearsal", "DATABASE_URL": "sqlite:///unused.db", "REDIS_URL": "unix:///unused",
        "TWILIO_ACCOUNT_SID": ACCOUNT_SID, "TWILIO_AUTH_TOKEN": TOKEN, "TWILIO_MESSAGING_SERVICE_SID": SERVICE_SID,
        "TWILIO_FROM_NUMBER": OURS, "TWILIO_BASE_URL": url, "PUBLIC_BASE_URL": "http://127.0.0.1:1",
        "SECRET_KEY": "x" * 40, "FIELD_ENCRYPTION_KEYS": f"one:{key}", "BLIND_INDEX_KEY": key, **changes,
    })  # fmt: skip


@contextmanager
def answering(status: int, body: str, *, drop: bool = False, cut: bool = False) -> Iterator[tuple[str, list[Any]]]:
    """A server that gives one answer to everything; yields its address and the requests it got."""
    got: list[Any] = []

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            raw = self.rfile.read(int(self.headers["Content-Length"])).decode()
            got.append((self.path, dict(parse_qsl(raw, keep_blank_values=True)), self.headers))
            if drop:
                self.connection.shutdown(socket.SHUT_RDWR)
                return
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body) + (50 if cut else 0)))
            self.end_headers()
            self.wfile.write(body.encode())

        def log_message(self, format: str, *args: Any) -> None:
            """Quiet."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, args=(0.02,))
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}", got
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def create(url: str, to: str = TO, **changes: str) -> str:
    carrier = TwilioCarrier(settings_for(url, **changes))
    callback = "http://127.0.0.1:1/twilio/status/7"
    return carrier.create_message(to=to, body="Hola, ¿qué tal?", status_callback=callback, validity_seconds=3600)


def error(code: int) -> str:
    return json.dumps({"code": code, "message": "no", "more_info": "", "status": 400})


@pytest.mark.parametrize(
    ("status", "body", "kind", "code"),
    [
        (429, error(20429), Throttled, 20429),
        (400, error(21611), Throttled, 21611),
        (400, error(21610), Rejected, 21610),
        (400, error(21211), Rejected, 21211),
        (400, error(21612), Rejected, 21612),
        (400, error(21606), Misconfigured, 21606),
        (401, error(20003), Misconfigured, 20003),
        (403, "<html>", Misconfigured, 20003),
        (500, error(20500), Ambiguous, 20500),
        (503, "<html>bad gateway</html>", Ambiguous, 0),
        (201, '{"sid": "SM', Ambiguous, 0),
        (201, "", Ambiguous, 0),
        (201, "[]", Ambiguous, 0),
        (200, "{}", Ambiguous, 0),
        (302, "", Ambiguous, 0),
        (404, "<html>not found</html>", Misconfigured, 404),
        (407, "", Misconfigured, 407),
        (408, "", Ambiguous, 0),
        (201, '{"sid": "' + "S" * 40 + '"}', Ambiguous, 0),
    ],
)
def test_every_answer_has_its_kind(status: int, body: str, kind: type[CarrierError], code: int) -> None:
    with answering(status, body) as (url, got), pytest.raises(CarrierError) as caught:
        create(url)
    assert (type(caught.value), caught.value.code) == (kind, code)
    assert len(got) == 1, "a POST is never repeated"
    assert TO not in str(caught.value)


def test_a_broken_connection_is_ambiguous_and_a_refused_one_is_not() -> None:
    with answering(201, "", drop=True) as (url, got), pytest.raises(Ambiguous):
        create(url)
    assert len(got) == 1
    with answering(201, "{}", cut=True) as (url, _), pytest.raises(Ambiguous):
        create(url)
    with pytest.raises(Unreachable):
        create(f"http://127.0.0.1:{free_port()}")


def test_a_connection_that_was_closed_meanwhile_is_opened_anew() -> None:
    with answering(200, '{"sid": "SM1"}') as (url, got):
        carrier = TwilioCarrier(settings_for(url))
        for number in range(3):
            carrier.create_message(to=TO, body=str(number), status_callback=url, validity_seconds=60)
    assert [form["Body"] for _, form, _ in got] == ["0", "1", "2"]


def test_where_no_secure_connection_comes_about_nothing_was_sent() -> None:
    with answering(201, "{}") as (url, got), pytest.raises(Unreachable):
        create(url.replace("http:", "https:"))
    assert got == []


def test_a_server_that_never_answers_is_ambiguous(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(adapter, "READ_SECONDS", 0.2)
    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))
        silent.listen()
        with pytest.raises(Ambiguous):
            create(f"http://127.0.0.1:{silent.getsockname()[1]}")


def test_the_request_is_a_create_by_twilios_description() -> None:
    with answering(500, "") as (url, got), pytest.raises(Ambiguous):
        create(url)
    path, form, headers = got[0]
    check_create(form)
    assert path == f"/2010-04-01/Accounts/{ACCOUNT_SID}/Messages.json"
    assert headers["Content-Type"] == "application/x-www-form-urlencoded"
    assert form == {
        "To": TO, "MessagingServiceSid": SERVICE_SID, "Body": "Hola, ¿qué tal?", "ValidityPeriod": "3600",
        "StatusCallback": "http://127.0.0.1:1/twilio/status/7",
    }  # fmt: skip


def test_without_a_service_our_number_sends() -> None:
    with answering(500, "") as (url, got), pytest.raises(Ambiguous):
        create(url, TWILIO_MESSAGING_SERVICE_SID="")
    check_create(got[0][1])
    assert got[0][1]["From"] == OURS


def test_a_number_of_the_555_exchange_never_leaves_this_machine() -> None:
    carrier = TwilioCarrier(settings_for("http://127.0.0.1:1"))
    carrier._loopback = False
    with pytest.raises(Rejected):
        carrier.create_message(to=TO, body="x", status_callback="http://127.0.0.1:1/", validity_seconds=60)


def test_what_the_rehearsal_accepts_can_be_fetched_and_listed_in_both_directions() -> None:
    with application() as app, running(app.url) as rehearsal:
        carrier = TwilioCarrier(settings_for(rehearsal.base))
        before = Clock.real_now() - timedelta(seconds=5)
        sid = carrier.create_message(to=TO, body="one", status_callback=f"{app.url}/twilio/status/1",
                                     validity_seconds=3600)  # fmt: skip
        app.await_calls("/twilio/status/1", 2)
        assert carrier.fetch_message(sid).status == "delivered"
        (found,) = carrier.list_to(TO, before)
        assert (found.sid, found.body, found.inbound) == (sid, "one", False)
        assert abs((found.created_at - before).total_seconds()) < 30
        assert list(carrier.list_to(TO, Clock.real_now() + timedelta(minutes=1))) == []
        with pytest.raises(CarrierError):
            carrier.fetch_message("SM" + "0" * 32)
