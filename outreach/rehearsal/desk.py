"""How the REST API answers, whatever is asked for: keys, forms, errors in Twilio's shape, and answers that get lost."""

from __future__ import annotations

import asyncio
import base64
import hmac
import json
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Protocol
from urllib.parse import parse_qsl

from aiohttp import web

from outreach.rehearsal import faults as faulty
from outreach.rehearsal.account import API_VERSION, Account
from outreach.rehearsal.draws import fraction
from outreach.rehearsal.errors import Refusal
from outreach.rehearsal.faults import Faults

REFUSED_FIRST = {faulty.THROTTLED: 20429, faulty.ERROR_BEFORE: 20500}
"""Faults that leave nothing behind."""


class Noted(Protocol):
    """What is noted of a request in a ledger."""

    acknowledged: bool


class Answered(web.Response):
    """An answer that marks its ledger row once it is on the wire."""

    row: Noted | None = None

    async def write_eof(self, data: bytes = b"") -> None:
        await super().write_eof(data)
        if self.row is not None:
            self.row.acknowledged = True


class Desk:
    """Checks keys, and carries out the faults that befall creates."""

    def __init__(self, account: Account, faults: Faults) -> None:
        self.faults = faults
        self.under_way = 0
        """Creates that are not answered yet."""
        self._sid = account.sid
        self._authorization = "Basic " + base64.b64encode(f"{account.sid}:{account.token}".encode()).decode()

    def authorize(self, request: web.Request) -> None:
        """Raises Refusal unless the request bears our keys, and is about our account where its path names one."""
        given = request.headers.get("Authorization", "")
        fits = hmac.compare_digest(given.encode("utf-8", "replace"), self._authorization.encode())
        if not fits or request.match_info.get("account", self._sid) != self._sid:
            raise Refusal(20003)

    @contextmanager
    def receiving(self) -> Iterator[None]:
        """Around a create, from its first byte to its answer."""
        self.under_way += 1
        try:
            yield
        finally:
            self.under_way -= 1

    async def next_fault(self) -> str | None:
        """Wait as long as a create has to, and say what befalls it. Raises Refusal when that leaves nothing behind."""
        ordinal = self.faults.ordinal
        fault = self.faults.take()
        settings = self.faults.settings
        delay = settings.latency_ms + settings.jitter_ms * fraction(self.faults.seed, "jitter", ordinal)
        if delay:
            await asyncio.sleep(delay / 1000)
        if fault in REFUSED_FIRST:
            raise Refusal(REFUSED_FIRST[fault])
        return fault

    async def answer_create(
        self, request: web.Request, first: dict[str, Any], row: Noted, fault: str | None
    ) -> web.StreamResponse:
        """Answer a create that was accepted, as far as its fault lets us. ``first`` is the resource as it began."""
        match fault:
            case faulty.ERROR_AFTER:
                return answer(500, Refusal(20500).as_json())
            case faulty.TRUNCATED:
                text = json.dumps(first)
                return web.Response(status=201, text=text[: len(text) // 2], content_type="application/json")
            case faulty.LOST_ANSWER | faulty.HANG:
                if fault == faulty.HANG:
                    await asyncio.sleep(self.faults.settings.hang_seconds)
                if request.transport is not None:
                    request.transport.close()
                return web.Response(status=201)  # has nowhere to go
            case _:
                return answer(201, first, row)


@web.middleware
async def in_twilios_shape(request: web.Request, handler: Any) -> web.StreamResponse:
    """Turn refusals, and paths and methods that do not exist, into Twilio's JSON errors."""
    try:
        response: web.StreamResponse = await handler(request)
        return response
    except Refusal as refusal:
        return answer(refusal.status, refusal.as_json())
    except (web.HTTPNotFound, web.HTTPMethodNotAllowed) as problem:
        if not request.path.startswith((f"/{API_VERSION}/", "/v1/")):
            raise
        unknown = Refusal(20404 if problem.status == 404 else 20004)
        return answer(unknown.status, unknown.as_json())


def answer(status: int, content: dict[str, Any], row: Noted | None = None) -> Answered:
    """A JSON answer; ``row`` is marked as acknowledged when it is on the wire."""
    headers = {"Twilio-Request-Id": f"RQ{uuid.uuid4().hex}"}
    answered = Answered(status=status, text=json.dumps(content), content_type="application/json", headers=headers)
    answered.row = row
    return answered


async def read_fields(request: web.Request) -> list[tuple[str, str]]:
    """The form's fields in order; some may be there more than once. Raises Refusal for what is no form."""
    body = await request.read()
    try:
        return parse_qsl(body.decode("utf-8", "replace"), keep_blank_values=True, max_num_fields=100)
    except ValueError:
        raise Refusal(20001) from None
