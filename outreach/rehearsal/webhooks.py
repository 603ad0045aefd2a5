"""Calls the application as Twilio does: form-encoded, signed, 15 seconds, one retry where no connection was made."""

from __future__ import annotations

import asyncio
import base64
import hashlib
import hmac
import logging
import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final
from urllib.parse import urlencode, urlsplit

import aiohttp
from yarl import URL

log = logging.getLogger(__name__)

CONNECT_SECONDS: Final = 5.0
TOTAL_SECONDS: Final = 15.0
AT_ONCE: Final = 64
KEPT_SECONDS: Final = 1.0
"""Idle connections are dropped well before any server drops them, so that a retry is never needed for that."""
HTTP_FAILED: Final = 11200
NO_ANSWER: Final = 11205
NO_SUCH_HOST: Final = 11210


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back. ``status`` is None when nothing did."""

    status: int | None
    content_type: str = ""
    text: str = ""
    host_known: bool = True
    """False when the name of the host has no address."""

    @property
    def ok(self) -> bool:
        return self.status is not None and 200 <= self.status < 300

    @property
    def error_code(self) -> int | None:
        """Twilio's code for a webhook that failed."""
        if self.status is None:
            return NO_ANSWER if self.host_known else NO_SUCH_HOST
        return None if self.ok else HTTP_FAILED


def signature(token: str, url: str, parameters: Mapping[str, str]) -> str:
    """X-Twilio-Signature: base64 HMAC-SHA1 over the URL and the sorted parameters, without delimiters."""
    signed = url + "".join(name + parameters[name] for name in sorted(parameters))
    return base64.b64encode(hmac.new(token.encode(), signed.encode(), hashlib.sha1).digest()).decode()


class Caller:
    """Posts webhooks over pooled connections. Make and close it inside the running event loop."""

    def __init__(self, token: str) -> None:
        self._token = token
        self._turns = asyncio.Semaphore(AT_ONCE)
        self._session = aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(limit=AT_ONCE, keepalive_timeout=KEPT_SECONDS),
            timeout=aiohttp.ClientTimeout(total=TOTAL_SECONDS, sock_connect=CONNECT_SECONDS),
            cookie_jar=aiohttp.DummyCookieJar(),
            auto_decompress=True,
        )

    async def close(self) -> None:
        await self._session.close()

    async def post(self, url: str, parameters: Mapping[str, str]) -> Answer:
        """Deliver one webhook. Never raises for what the other side does; the answer says what came of it."""
        return await self._deliver("POST", url, parameters)

    async def send(self, method: str, url: str, parameters: Mapping[str, str]) -> Answer:
        """The same by POST, or by GET with the parameters in the URL, which then is signed whole."""
        if method == "POST":
            return await self.post(url, parameters)
        mark = "&" if urlsplit(url).query else "?"
        return await self._deliver("GET", f"{url}{mark}{urlencode(parameters)}", {})

    async def _deliver(self, method: str, url: str, parameters: Mapping[str, str]) -> Answer:
        try:
            target = URL(url, encoded=True)
        except ValueError:
            return Answer(None)
        headers = {
            "User-Agent": "TwilioProxy/1.1",
            "X-Twilio-Signature": signature(self._token, url, parameters),
            "I-Twilio-Idempotency-Token": str(uuid.uuid4()),
        }
        body = None
        if method == "POST":
            body = urlencode(parameters).encode()
            headers["Content-Type"] = "application/x-www-form-urlencoded; charset=utf-8"
        host_known = True
        # Waiting for a turn is ours and does not eat the 15 seconds.
        async with self._turns:
            for last in (False, True):
                try:
                    return await self._once(method, target, body, headers)
                except (aiohttp.ClientConnectorError, aiohttp.ConnectionTimeoutError) as problem:
                    host_known = not isinstance(problem, aiohttp.ClientConnectorDNSError)
                    if last:
                        log.info("no connection to the webhook at %s", target.path)
                except (aiohttp.ClientError, TimeoutError) as problem:
                    # The request may have arrived: Twilio does not repeat it.
                    log.info("the webhook at %s gave no answer: %s", target.path, type(problem).__name__)
                    break
        return Answer(None, host_known=host_known)

    async def _once(self, method: str, target: URL, body: bytes | None, headers: Mapping[str, str]) -> Answer:
        sent = self._session.request(method, target, data=body, headers=headers, allow_redirects=False)
        async with sent as response:
            text = await response.text(errors="replace")
            return Answer(response.status, response.content_type, text)
