"""The rehearsal carrier as a process: how it starts, refuses to start and ends. Its harness serves the other tests."""

from __future__ import annotations

import json
import os
import re
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl

import pytest
import requests

ROOT = Path(__file__).resolve().parents[2]
ACCOUNT_SID = "AC" + "0123456789abcdef" * 2
TOKEN = "rehearsal0token0rehearsal0token0"
SERVICE_SID = "MG" + "0123456789abcdef" * 2
OURS = "+14805550100"
ENVIRONMENT = {
    "TWILIO_ACCOUNT_SID": ACCOUNT_SID,
    "TWILIO_AUTH_TOKEN": TOKEN,
    "TWILIO_MESSAGING_SERVICE_SID": SERVICE_SID,
    "TWILIO_FROM_NUMBER": OURS,
    "PYTHONPATH": str(ROOT),
}
AT_ONCE = {"sent_after": [0, 0], "final_after": [0.02, 0.02], "late_after": [0.3, 0.3], "reply_after": [0, 0]}
PATIENCE = 15.0


@dataclass(frozen=True)
class Call:
    """A webhook as the application got it."""

    path: str
    url: str
    form: dict[str, str]
    headers: dict[str, str]


Answer = tuple[int, str, str]
SILENT: Answer = (200, "text/xml", "<Response/>")


class Application:
    """The other end of the webhooks: notes every call and answers as ``answer`` says."""

    def __init__(self) -> None:
        self.calls: list[Call] = []
        self.answer: Callable[[Call], Answer | None] = lambda call: SILENT
        """What to answer; None drops the connection."""
        self._news = threading.Condition()
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        self.url = f"http://127.0.0.1:{self._server.server_port}"
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.02,))
        self._thread.start()

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    def await_calls(self, path: str, count: int) -> list[Call]:
        """The calls to a path, as soon as there are so many."""
        with self._news:
            came = self._news.wait_for(lambda: len(self.calls_to(path)) >= count, PATIENCE)
        assert came, f"{len(self.calls_to(path))} calls to {path}, not {count}"
        return self.calls_to(path)

    def calls_to(self, path: str) -> list[Call]:
        return [call for call in self.calls if call.path == path]

    def statuses(self, path: str) -> list[str]:
        return [call.form["MessageStatus"] for call in self.calls_to(path)]

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        application = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"
            timeout = 5

            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"])).decode()
                self._take(dict(parse_qsl(body, keep_blank_values=True, strict_parsing=True)))

            def do_GET(self) -> None:
                self._take({})

            def _take(self, form: dict[str, str]) -> None:
                call = Call(self.path, application.url + self.path, form, dict(self.headers))
                with application._news:
                    application.calls.append(call)
                    application._news.notify_all()
                answer = application.answer(call)
                if answer is None:
                    self.close_connection = True
                    return
                status, content_type, text = answer
                self.send_response(status)
                self.send_header("Content-Type", content_type)
                self.send_header("Content-Length", str(len(text.encode())))
                self.end_headers()
                self.wfile.write(text.encode())

            def log_message(self, format: str, *args: Any) -> None:
                pass

        return Handler


class Rehearsal:
    """A running carrier, and the ways to talk to it."""

    def __init__(self, process: subprocess.Popen[str], base: str, http: requests.Session) -> None:
        self.process = process
        self.base = base
        self.http = http
        self.messages = f"{base}/2010-04-01/Accounts/{ACCOUNT_SID}/Messages"
        self.calls = f"{base}/2010-04-01/Accounts/{ACCOUNT_SID}/Calls"

    def create(self, to: str, body: str = "Hello", **more: str) -> requests.Response:
        form = {"To": to, "Body": body, "MessagingServiceSid": SERVICE_SID, **more}
        return self.http.post(f"{self.messages}.json", data=form, timeout=PATIENCE)

    def fetch(self, sid: str) -> dict[str, Any]:
        answer = self.http.get(f"{self.messages}/{sid}.json", timeout=PATIENCE)
        assert answer.status_code == 200
        return dict(answer.json())

    def put(self, what: str, value: dict[str, Any]) -> dict[str, Any]:
        answer = self.http.put(f"{self.base}/_rehearsal/{what}", json=value, timeout=PATIENCE)
        assert answer.status_code == 200, answer.text
        return dict(answer.json())

    def reply(self, number: str, body: str) -> str:
        answer = self.http.post(f"{self.base}/_rehearsal/phones/{number}/reply", json={"body": body}, timeout=PATIENCE)
        assert answer.status_code == 202
        return str(answer.json()["sid"])

    def place(self, to: str, url: str, **more: str | list[str]) -> requests.Response:
        form = {"To": to, "From": OURS, "Url": url, **more}
        return self.http.post(f"{self.calls}.json", data=form, timeout=PATIENCE)

    def call(self, sid: str) -> dict[str, Any]:
        answer = self.http.get(f"{self.calls}/{sid}.json", timeout=PATIENCE)
        assert answer.status_code == 200
        return dict(answer.json())

    def legs(self, sid: str) -> list[dict[str, Any]]:
        """The legs of a call in the ledger, the first one first."""
        return [leg for leg in self.every_leg() if sid in (leg["sid"], leg["parent_sid"])]

    def every_leg(self) -> list[dict[str, Any]]:
        answer = self.http.get(f"{self.base}/_rehearsal/calls", timeout=PATIENCE)
        return [json.loads(line) for line in answer.text.splitlines()]

    def by_hand(self, number: str, act: str, **body: str) -> requests.Response:
        """Do something with the phone: call, answer, press or hangup."""
        return self.http.post(f"{self.base}/_rehearsal/phones/{number}/{act}", json=body, timeout=PATIENCE)

    def phone(self, number: str) -> dict[str, Any]:
        return dict(self.http.get(f"{self.base}/_rehearsal/phones/{number}", timeout=PATIENCE).json())

    def idle(self) -> dict[str, Any]:
        return dict(self.http.get(f"{self.base}/_rehearsal/idle", timeout=PATIENCE).json())

    def settle(self) -> dict[str, Any]:
        """Wait until nothing is scheduled or in flight."""
        pause = threading.Event()
        for _ in range(int(PATIENCE / 0.02)):
            state = self.idle()
            if state["idle"]:
                return state
            pause.wait(0.02)
        raise AssertionError(f"the carrier does not come to rest: {state}")

    def ledger(self) -> list[dict[str, Any]]:
        answer = self.http.get(f"{self.base}/_rehearsal/ledger", timeout=PATIENCE)
        return [json.loads(line) for line in answer.text.splitlines()]

    def row(self, sid: str) -> dict[str, Any]:
        (row,) = [row for row in self.ledger() if row["sid"] == sid]
        return row


def start(*options: str, **environment: str) -> subprocess.Popen[str]:
    """Start the carrier's process, with nothing of this process's environment."""
    command = [sys.executable, "-m", "outreach.rehearsal", *options]
    return subprocess.Popen(command, env={**ENVIRONMENT, **environment}, stderr=subprocess.PIPE, text=True, cwd=ROOT)


def end(process: subprocess.Popen[str]) -> str:
    """Stop a process and return what it still said."""
    process.terminate()
    _, said = process.communicate(timeout=PATIENCE)
    return said


@contextmanager
def running(webhook_url: str, *options: str, **environment: str) -> Iterator[Rehearsal]:
    """A carrier on a free port; whatever it complains of on stderr fails the test."""
    defaults = ("--faults", "none", "--personas", "none", "--seed", "7")
    process = start("--port", "0", "--webhook-url", webhook_url, *defaults, *options, **environment)
    assert process.stderr is not None
    line = process.stderr.readline()
    found = re.fullmatch(r"rehearsal carrier on (http://127\.0\.0\.1:\d+)\n", line)
    try:
        assert found, line + end(process)
        with requests.Session() as http:
            http.auth = (ACCOUNT_SID, TOKEN)
            rehearsal = Rehearsal(process, found[1], http)
            rehearsal.put("faults", AT_ONCE)
            yield rehearsal
    finally:
        said = end(process)
    assert said == ""
    assert process.returncode == 0


@contextmanager
def application() -> Iterator[Application]:
    """An application that listens for webhooks."""
    listening = Application()
    try:
        yield listening
    finally:
        listening.close()


def test_it_tells_its_address_and_ends_on_sigterm_with_work_left() -> None:
    with running("http://127.0.0.1:9") as carrier:
        carrier.put("faults", {"final_after": [60, 60]})
        assert carrier.create("+16025550101").status_code == 201
        assert carrier.idle()["scheduled"] == 1


def test_it_ends_on_sigint_too() -> None:
    process = start("--port", "0", "--webhook-url", "http://127.0.0.1:9")
    assert process.stderr is not None
    assert process.stderr.readline().startswith("rehearsal carrier on ")
    process.send_signal(signal.SIGINT)
    _, said = process.communicate(timeout=PATIENCE)
    assert (process.returncode, said) == (0, "")


def test_a_busy_port_is_one_line_and_exit_2() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        process = start("--port", str(port), "--webhook-url", "http://127.0.0.1:9")
        _, said = process.communicate(timeout=PATIENCE)
    assert process.returncode == 2
    assert said.startswith(f"rehearsal carrier: cannot listen on 127.0.0.1:{port}: ")
    assert said.count("\n") == 1


@pytest.mark.parametrize(
    ("environment", "named"),
    [
        ({"TWILIO_ACCOUNT_SID": ""}, "TWILIO_ACCOUNT_SID"),
        ({"TWILIO_FROM_NUMBER": "4805550100"}, "TWILIO_FROM_NUMBER"),
        ({"TWILIO_OPT_OUT": "maybe"}, "TWILIO_OPT_OUT"),
        ({"REHEARSAL_CLOCK": "noon"}, "REHEARSAL_CLOCK"),
    ],
)
def test_a_wrong_setting_is_one_line_and_exit_2(environment: dict[str, str], named: str) -> None:
    process = start("--port", "0", "--webhook-url", "http://127.0.0.1:9", **environment)
    _, said = process.communicate(timeout=PATIENCE)
    assert process.returncode == 2
    assert named in said
    assert said.count("\n") == 1


def test_it_imports_nothing_of_outreach_but_core() -> None:
    script = (
        "import outreach.rehearsal.__main__, sys;"
        "print(*(name for name in sys.modules if name.startswith(('outreach.', 'workers'))))"
    )
    loaded = subprocess.run(
        [sys.executable, "-c", script],
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=True,
    )
    strangers = [name for name in loaded.stdout.split() if not name.startswith(("outreach.core", "outreach.rehearsal"))]
    assert strangers == []
    assert "outreach.core.segments" in loaded.stdout
