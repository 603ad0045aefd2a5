"""The REST API: Messages of one account under /2010-04-01/, and the faults that befall its creates."""

from __future__ import annotations

import asyncio
import base64
import hmac
import json
import time
import uuid
from typing import Any
from urllib.parse import parse_qsl

from aiohttp import web

from outreach.rehearsal import faults as faulty
from outreach.rehearsal.account import API_VERSION, Account
from outreach.rehearsal.creates import Create, read_create
from outreach.rehearsal.delivery import Delivery
from outreach.rehearsal.draws import fraction
from outreach.rehearsal.errors import Refusal
from outreach.rehearsal.faults import Faults
from outreach.rehearsal.ledger import Ledger, Message, Row
from outreach.rehearsal.listing import read_page, read_query
from outreach.rehearsal.phones import Phones
from outreach.rehearsal.replies import Replies
from outreach.rehearsal.resources import message_json, page_json

REFUSED_FIRST = {faulty.THROTTLED: 20429, faulty.ERROR_BEFORE: 20500}
"""Faults that leave no message behind."""


class Answered(web.Response):
    """An answer that marks its ledger row once it is on the wire."""

    row: Row | None = None

    async def write_eof(self, data: bytes = b"") -> None:
        await super().write_eof(data)
        if self.row is not None:
            self.row.acknowledged = True


class Carrier:
    """One account's messages. Make it inside the running event loop; ``delivery.close()`` ends it."""

    def __init__(self, account: Account, faults: Faults, phones: Phones) -> None:
        self.account = account
        self.faults = faults
        self.phones = phones
        self.ledger = Ledger()
        self.delivery = Delivery(account, phones, faults)
        self.replies = Replies(account, self.ledger, phones, self.delivery)
        self.under_way = 0
        """Creates that are not answered yet."""
        self._authorization = "Basic " + base64.b64encode(f"{account.sid}:{account.token}".encode()).decode()

    def routes(self) -> list[web.RouteDef]:
        messages = f"/{API_VERSION}/Accounts/{{account}}/Messages"
        return [
            web.post(f"{messages}.json", self.create),
            web.get(f"{messages}.json", self.list_messages),
            web.get(f"{messages}/{{sid}}.json", self.fetch),
            web.post(f"{messages}/{{sid}}.json", self.update),
        ]

    async def create(self, request: web.Request) -> web.StreamResponse:
        received_at = time.time()
        self.under_way += 1
        try:
            self._authorize(request)
            form = await _form(request)
            return await self._create(request, form, received_at)
        finally:
            self.under_way -= 1

    async def list_messages(self, request: web.Request) -> web.StreamResponse:
        self._authorize(request)
        query = read_query(request.query)
        page = read_page(self.ledger, query)
        now = time.time()
        for message in page.messages:
            message.look(now, self.account.number)
        envelope = page_json(
            page.messages,
            self.account,
            query=query.filters,
            page=query.page,
            page_size=query.page_size,
            newer=page.newer,
            older=page.older,
        )
        return _answer(200, envelope)

    async def fetch(self, request: web.Request) -> web.StreamResponse:
        self._authorize(request)
        return self._resource(200, self._message(request))

    async def update(self, request: web.Request) -> web.StreamResponse:
        self._authorize(request)
        message = self._message(request)
        form = await _form(request)
        status = form.get("Status")
        if status is not None:
            if status != "canceled":
                raise Refusal(20001)
            if message.status != "scheduled":
                raise Refusal(30409)
            self.delivery.cancel(message)
        if "Body" in form:
            if form["Body"]:
                raise Refusal(20001)
            message.body = ""
            message.segments = message.segments or 1
        return self._resource(200, message)

    async def _create(self, request: web.Request, form: dict[str, str], received_at: float) -> web.StreamResponse:
        try:
            create = read_create(form, self.account, self.account.clock.now())
        except Refusal as refusal:
            return self._refuse(refusal, form, received_at)
        ordinal = self.faults.ordinal
        fault = self.faults.take()
        await self._wait(ordinal)
        code = REFUSED_FIRST.get(fault or "") or self.phones.get(create.to).refusal
        if code is not None:
            return self._refuse(Refusal(code), form, received_at)
        message, row = self._accept(create, received_at)
        first = message_json(message, self.account)
        if fault == faulty.EARLY and create.send_at is None:
            await self.delivery.run_early(message)
        elif create.send_at is not None:
            self.delivery.begin_at(message, create.send_at.timestamp())
        else:
            self.delivery.begin(message, fault)
        return await self._answer_create(request, first, row, fault)

    def _accept(self, create: Create, received_at: float) -> tuple[Message, Row]:
        now = time.time()
        by_service = create.service_sid is not None and create.sender is None
        start = self.account.clock.now() if create.send_at is None else create.send_at
        message = self.ledger.add_message(
            direction="outbound-api",
            to=create.to,
            sender=create.sender,
            service_sid=create.service_sid,
            body=create.body,
            status="scheduled" if create.send_at else "accepted" if by_service else "queued",
            now=now,
            callback=create.callback,
            expires=start.timestamp() + create.validity,
        )
        row = self.ledger.record("create", message, received_at)
        self.phones.note(create.to, message, now)
        return message, row

    async def _answer_create(
        self, request: web.Request, first: dict[str, Any], row: Row, fault: str | None
    ) -> web.StreamResponse:
        match fault:
            case faulty.ERROR_AFTER:
                return _answer(500, Refusal(20500).as_json())
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
                return _answer(201, first, row)

    def _refuse(self, refusal: Refusal, form: dict[str, str], received_at: float) -> web.StreamResponse:
        row = self.ledger.refuse(
            received_at, refusal.code, to=form.get("To"), sender=form.get("From"), body=form.get("Body")
        )
        return _answer(refusal.status, refusal.as_json(), row)

    async def _wait(self, ordinal: int) -> None:
        settings = self.faults.settings
        delay = settings.latency_ms + settings.jitter_ms * fraction(self.faults.seed, "jitter", ordinal)
        if delay:
            await asyncio.sleep(delay / 1000)

    def _authorize(self, request: web.Request) -> None:
        given = request.headers.get("Authorization", "")
        fits = hmac.compare_digest(given.encode("utf-8", "replace"), self._authorization.encode())
        if not fits or request.match_info["account"] != self.account.sid:
            raise Refusal(20003)

    def _message(self, request: web.Request) -> Message:
        message = self.ledger.by_sid.get(request.match_info["sid"])
        if message is None:
            raise Refusal(20404)
        return message

    def _resource(self, status: int, message: Message) -> web.StreamResponse:
        message.look(time.time(), self.account.number)
        return _answer(status, message_json(message, self.account))


@web.middleware
async def in_twilios_shape(request: web.Request, handler: Any) -> web.StreamResponse:
    """Turn refusals, and paths and methods that do not exist, into Twilio's JSON errors."""
    try:
        answer: web.StreamResponse = await handler(request)
        return answer
    except Refusal as refusal:
        return _answer(refusal.status, refusal.as_json())
    except (web.HTTPNotFound, web.HTTPMethodNotAllowed) as problem:
        if not request.path.startswith(f"/{API_VERSION}/"):
            raise
        unknown = Refusal(20404 if problem.status == 404 else 20004)
        return _answer(unknown.status, unknown.as_json())


def _answer(status: int, content: dict[str, Any], row: Row | None = None) -> Answered:
    headers = {"Twilio-Request-Id": f"RQ{uuid.uuid4().hex}"}
    answer = Answered(status=status, text=json.dumps(content), content_type="application/json", headers=headers)
    answer.row = row
    return answer


async def _form(request: web.Request) -> dict[str, str]:
    """The form's fields, each once; of a repeated one the last counts."""
    body = await request.read()
    try:
        return dict(parse_qsl(body.decode("utf-8", "replace"), keep_blank_values=True, max_num_fields=100))
    except ValueError:
        raise Refusal(20001) from None
