"""The Twilio adapter: the only importer of the REST SDK.

Production, rehearsal and tests all come through here; only the base URL differs. A POST is never repeated
by anything below the use case that asked for it.
"""

from __future__ import annotations

import ipaddress
import json
import re
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlsplit, urlunsplit

import urllib3
from twilio.base.exceptions import TwilioException
from twilio.http import HttpClient
from twilio.http.response import Response
from twilio.rest import Client
from urllib3.exceptions import ConnectTimeoutError, HTTPError, NameResolutionError, NewConnectionError
from urllib3.util import Timeout

from config.settings import Settings
from outreach.carrier.base import Ambiguous, CarrierMessage, Rejected, Unreachable, error_for

CONNECT_SECONDS = 3.05
READ_SECONDS = 10.0
PAGE_SIZE = 100
SID = re.compile(r"[A-Z]{2}[0-9a-zA-Z]{1,32}", re.ASCII)
UNREADABLE = (TwilioException, ValueError, KeyError, TypeError, AttributeError)
"""What the SDK raises on a success whose body is not what it should be."""


class PooledHttpClient(HttpClient):  # type: ignore[misc]  # the SDK is untyped
    """Sends the SDK's requests over one pool, as wide as the thread count, to the configured host.

    The SDK's own client logs request parameters, numbers included; this one logs nothing.
    """

    def __init__(self, base_url: str, width: int) -> None:
        super().__init__(None, False, None)
        self._base = urlsplit(base_url)
        self._pool = urllib3.PoolManager(
            num_pools=2,
            maxsize=width,
            block=False,
            retries=False,
            timeout=Timeout(connect=CONNECT_SECONDS, read=READ_SECONDS),
        )

    def request(
        self,
        method: str,
        url: str,
        params: dict[str, Any] | None = None,
        data: dict[str, Any] | None = None,
        headers: dict[str, str] | None = None,
        auth: tuple[str, str] | None = None,
        timeout: float | None = None,  # the pool's own timeouts hold for every call
        allow_redirects: bool = False,
    ) -> Response:
        """One request, one try. Raises the CarrierError that fits when the answer is no success, or there is none."""
        wire = dict(headers or {})
        if auth:
            wire.update(urllib3.make_headers(basic_auth=f"{auth[0]}:{auth[1]}"))
        fields = dict((data if method == "POST" else params) or {})
        try:
            if method == "POST":
                answer = self._pool.request_encode_body(
                    method,
                    self._target(url),
                    fields,
                    wire,
                    encode_multipart=False,
                    redirect=allow_redirects,  # type: ignore[arg-type]  # its ** is typed as str
                )
            else:
                answer = self._pool.request_encode_url(
                    method,
                    self._target(url),
                    fields,
                    wire,
                    redirect=allow_redirects,  # type: ignore[arg-type]  # its ** is typed as str
                )
        except (NewConnectionError, ConnectTimeoutError, NameResolutionError) as error:
            raise Unreachable(reason=type(error).__name__) from None
        except HTTPError as error:
            raise Ambiguous(reason=type(error).__name__) from None
        text = answer.data.decode("utf-8", "replace")
        if not 200 <= answer.status < 300:
            raise error_for(answer.status, _code(text))
        return Response(answer.status, text, answer.headers)

    def _target(self, url: str) -> str:
        parts = urlsplit(url)
        return urlunsplit((self._base.scheme, self._base.netloc, parts.path, parts.query, ""))


def _code(text: str) -> int:
    """The carrier's own code in an error's body; 0 where a proxy or a broken server wrote it."""
    try:
        return int(json.loads(text)["code"])
    except (ValueError, KeyError, TypeError):
        return 0


class TwilioCarrier:
    """Twilio, or whatever speaks its REST API at ``TWILIO_BASE_URL``."""

    def __init__(self, settings: Settings, width: int = 32) -> None:
        base_url = settings.twilio_base_url
        self._loopback = is_loopback(base_url)
        self._service = settings.twilio_messaging_service_sid
        self._from = settings.twilio_from_number
        account, token = settings.twilio_account_sid, settings.twilio_auth_token.get_secret_value()
        client = Client(account, token, http_client=PooledHttpClient(base_url, width))
        self._messages = client.api.v2010.accounts(account).messages

    def create_message(self, *, to: str, body: str, status_callback: str, validity_seconds: int) -> str:
        """See ``Carrier``. Numbers of the 555 exchange never leave this machine."""
        if not self._loopback and to.startswith("+1") and to[5:8] == "555":
            raise Rejected(21211, "reserved for fiction and rehearsals")
        sender = {"messaging_service_sid": self._service} if self._service else {"from_": self._from}
        try:
            message = self._messages.create(
                to=to, body=body, status_callback=status_callback, validity_period=validity_seconds, **sender
            )
        except UNREADABLE as error:
            # A success whose body cannot be read: the carrier may well have taken it.
            raise Ambiguous(reason=type(error).__name__) from None
        if not SID.fullmatch(str(message.sid)):
            raise Ambiguous(reason="no sid")
        return str(message.sid)

    def fetch_message(self, sid: str) -> CarrierMessage:
        """See ``Carrier``."""
        try:
            return _heard(self._messages(sid).fetch())
        except UNREADABLE as error:
            raise Ambiguous(reason=type(error).__name__) from None

    def list_to(self, number: str, since: datetime) -> Iterator[CarrierMessage]:
        """See ``Carrier``. Pages until the first message older than ``since``; never filters on a date or sender."""
        try:
            for message in self._messages.stream(to=number, page_size=PAGE_SIZE):
                heard = _heard(message)
                if heard.created_at < since:
                    return
                yield heard
        except UNREADABLE as error:
            raise Ambiguous(reason=type(error).__name__) from None


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
        created_at=created.astimezone(UTC) if created.tzinfo else created.replace(tzinfo=UTC),
    )


def is_loopback(url: str) -> bool:
    """Whether a URL's host is this machine."""
    host = urlsplit(url).hostname or ""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
