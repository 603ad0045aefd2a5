"""The Twilio adapter: the only importer of the REST SDK.

Production, rehearsal and tests all come through here; only the base URL differs. A POST is never repeated
by anything below the use case that asked for it.
"""

from __future__ import annotations

import ipaddress
import json
import re
import ssl
import threading
import time
from base64 import b64encode
from collections.abc import Iterator
from datetime import UTC, datetime
from http.client import HTTPConnection, HTTPException, HTTPSConnection
from typing import Any
from urllib.parse import urlencode, urlsplit

from twilio.base.exceptions import TwilioException
from twilio.http import HttpClient
from twilio.http.response import Response
from twilio.rest import Client

from config.settings import Settings
from outreach.carrier.base import Ambiguous, CarrierMessage, Misconfigured, Rejected, Unreachable, error_for
from outreach.core.latencies import LATENCIES
from outreach.core.sockets import is_readable

CONNECT_SECONDS = 3.05
READ_SECONDS = 10.0
PAGE_SIZE = 100
CALL_EVENTS = ["initiated", "ringing", "answered", "completed"]
SID = re.compile(r"[A-Z]{2}[0-9a-zA-Z]{1,32}", re.ASCII)
UNREADABLE = (TwilioException, ValueError, KeyError, TypeError, AttributeError)
"""What the SDK raises on a success whose body is not what it should be."""


class OneTryHttpClient(HttpClient):  # type: ignore[misc]  # the SDK is untyped
    """Sends the SDK's requests to the configured host: one kept connection a thread, one try a request.

    The SDK's own client logs request parameters, numbers included; this one logs nothing. It stands on the standard
    library's, because layers above that cost as much again as the request does (ADR 0010).
    """

    def __init__(self, base_url: str) -> None:
        super().__init__(None, False, None)
        self._base = urlsplit(base_url)
        self._tls = ssl.create_default_context() if self._base.scheme == "https" else None
        self._threads = threading.local()

    def request(
        self,
        method: str,
        url: str,
        params: dict[str, Any] | None = None,
        data: dict[str, Any] | None = None,
        headers: dict[str, str] | None = None,
        auth: tuple[str, str] | None = None,
        timeout: float | None = None,  # ours hold for every call
        allow_redirects: bool = False,  # none is followed
    ) -> Response:
        """One request, one try. Raises the CarrierError that fits when the answer is no success, or there is none."""
        wire = dict(headers or {})
        if auth:
            wire["Authorization"] = "Basic " + b64encode(f"{auth[0]}:{auth[1]}".encode()).decode()
        asked = urlsplit(url)
        path, body = asked.path, None
        fields = urlencode((data if method == "POST" else params) or {}, doseq=True)
        if method == "POST":
            body, wire["Content-Type"] = fields.encode(), "application/x-www-form-urlencoded"
        elif query := "&".join(part for part in (asked.query, fields) if part):
            path = f"{path}?{query}"
        began, outcome = time.perf_counter(), "away"
        connection = None
        try:
            connection = self._connected()
            connection.request(method, path, body, wire)
            answer = connection.getresponse()
            text = answer.read().decode("utf-8", "replace")
            outcome = f"{answer.status // 100}xx"
        except (OSError, HTTPException) as error:
            if connection is not None:
                connection.close()
            outcome = "broken"
            raise Ambiguous(reason=type(error).__name__) from None
        finally:
            LATENCIES.observe("carrier", (operation(method, path), outcome), time.perf_counter() - began)
        if not 200 <= answer.status < 300:
            raise error_for(answer.status, _code(text))
        return Response(answer.status, text, answer.headers)

    def close(self) -> None:
        """Close this thread's connection; others close with their threads."""
        kept: _Kept | None = getattr(self._threads, "kept", None)
        if kept is not None:
            kept.connection.close()

    def _connected(self) -> HTTPConnection:
        """This thread's connection, open. Raises Unreachable."""
        kept: _Kept | None = getattr(self._threads, "kept", None)
        if kept is None:
            kept = self._threads.kept = _Kept(self._new())
        connection = kept.connection
        if connection.sock is not None and is_readable(connection.sock.fileno()):
            connection.close()  # nothing was asked, so what there is to read is its end
        if connection.sock is None:
            _open(connection)
        return connection

    def _new(self) -> HTTPConnection:
        host, port = self._base.hostname or "", self._base.port
        if self._tls is None:
            return HTTPConnection(host, port)
        return HTTPSConnection(host, port, context=self._tls)


class _Kept:
    """A thread's connection, closed when the thread or the client is gone."""

    def __init__(self, connection: HTTPConnection) -> None:
        self.connection = connection

    def __del__(self) -> None:
        self.connection.close()


def _open(connection: HTTPConnection) -> None:
    """Raises Unreachable."""
    connection.timeout = CONNECT_SECONDS
    try:
        connection.connect()
    except OSError as error:
        connection.close()
        raise Unreachable(reason=type(error).__name__) from None
    connection.sock.settimeout(READ_SECONDS)


def operation(method: str, path: str) -> str:
    """What is asked of the carrier, in a word that names nobody: create_message, create_call, fetch or list. Pure."""
    what = path.partition("?")[0]
    if method == "POST":
        return "create_call" if what.endswith("/Calls.json") else "create_message"
    return "list" if what.endswith("/Messages.json") else "fetch"


def _code(text: str) -> int:
    """The carrier's own code in an error's body; 0 where a proxy or a broken server wrote it."""
    try:
        return int(json.loads(text)["code"])
    except (ValueError, KeyError, TypeError):
        return 0


def sdk_client(settings: Settings, http: Any) -> Any:
    """The SDK with this deployment's keys; ``http`` carries its requests as the SDK's ``HttpClient`` would."""
    return Client(settings.twilio_account_sid, settings.twilio_auth_token.get_secret_value(), http_client=http)


class TwilioCarrier:
    """Twilio, or whatever speaks its REST API at ``TWILIO_BASE_URL``."""

    def __init__(self, settings: Settings) -> None:
        base_url = settings.twilio_base_url
        self._loopback = is_loopback(base_url)
        self._service = settings.twilio_messaging_service_sid
        self._from = settings.twilio_from_number
        account = sdk_client(settings, OneTryHttpClient(base_url)).api.v2010.accounts(settings.twilio_account_sid)
        self._messages = account.messages
        self._calls = account.calls

    def create_message(self, *, to: str, body: str, status_callback: str, validity_seconds: int) -> str:
        """See ``Carrier``. Numbers of the 555 exchange never leave this machine."""
        self._refuse_reserved(to)
        sender = {"messaging_service_sid": self._service} if self._service else {"from_": self._from}
        try:
            message = self._messages.create(
                to=to, body=body, status_callback=status_callback, validity_period=validity_seconds, **sender
            )
        except UNREADABLE as error:
            # A success whose body cannot be read: the carrier may well have taken it.
            raise Ambiguous(reason=type(error).__name__) from None
        return _sid(message)

    def create_call(self, *, to: str, url: str, status_callback: str, ring_seconds: int, time_limit: int) -> str:
        """See ``Caller``. Never recorded: nothing asks for it."""
        self._refuse_reserved(to)
        if not self._from:
            raise Misconfigured(reason="no number to call from")
        try:
            call = self._calls.create(
                to=to, from_=self._from, url=url, method="POST", status_callback=status_callback,
                status_callback_method="POST", status_callback_event=CALL_EVENTS, timeout=ring_seconds,
                time_limit=time_limit,
            )  # fmt: skip
        except UNREADABLE as error:
            raise Ambiguous(reason=type(error).__name__) from None
        return _sid(call)

    def _refuse_reserved(self, to: str) -> None:
        if not self._loopback and to.startswith("+1") and to[5:8] == "555":
            raise Rejected(21211, "reserved for fiction and rehearsals")

    def fetch_message(self, sid: str) -> CarrierMessage:
        """See ``Carrier``."""
        try:
            return _heard(self._messages(sid).fetch())
        except UNREADABLE as error:
            raise Ambiguous(reason=type(error).__name__) from None

    def list_to(self, number: str, since: datetime) -> Iterator[CarrierMessage]:
        """See ``Carrier``. Pages until the first message older than ``since``; never filters on a date or sender."""
        return self._list(since, to=number)

    def list_since(self, since: datetime) -> Iterator[CarrierMessage]:
        """See ``CarrierRecord``. The same without a number."""
        return self._list(since)

    def _list(self, since: datetime, **which: str) -> Iterator[CarrierMessage]:
        try:
            for message in self._messages.stream(page_size=PAGE_SIZE, **which):
                heard = _heard(message)
                if heard.created_at < since:
                    return
                yield heard
        except UNREADABLE as error:
            raise Ambiguous(reason=type(error).__name__) from None


def _sid(created: Any) -> str:
    if not SID.fullmatch(str(created.sid)):
        raise Ambiguous(reason="no sid")
    return str(created.sid)


def _heard(message: Any) -> CarrierMessage:
    created = message.date_created
    return CarrierMessage(
        sid=str(message.sid),
        to=str(message.to),
        sender=str(message.from_) if message.from_ else None,
        body=message.body or "",
        status=str(message.status),
        error_code=int(message.error_code) if message.error_code else None,
        inbound=str(message.direction) == "inbound",
        is_answer=str(message.direction) == "outbound-reply",
        created_at=created.astimezone(UTC) if created.tzinfo else created.replace(tzinfo=UTC),
    )


def is_loopback(url: str) -> bool:
    """Whether a URL's host is this machine."""
    host = urlsplit(url).hostname or ""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
