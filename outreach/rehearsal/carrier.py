"""The REST API: Messages of one account under /2010-04-01/, and the faults that befall its creates."""

from __future__ import annotations

import time

from aiohttp import web

from outreach.rehearsal import faults as faulty
from outreach.rehearsal.account import API_VERSION, Account
from outreach.rehearsal.creates import Create, read_create
from outreach.rehearsal.delivery import Delivery
from outreach.rehearsal.desk import Desk, answer, read_fields
from outreach.rehearsal.errors import Refusal
from outreach.rehearsal.faults import Faults
from outreach.rehearsal.ledger import Ledger, Message, Row
from outreach.rehearsal.listing import read_page, read_query
from outreach.rehearsal.phones import Phones
from outreach.rehearsal.replies import Replies
from outreach.rehearsal.resources import message_json, page_json


class Carrier:
    """One account's messages. Make it inside the running event loop; ``delivery.close()`` ends it."""

    def __init__(self, account: Account, faults: Faults, phones: Phones) -> None:
        self.account = account
        self.faults = faults
        self.phones = phones
        self.ledger = Ledger()
        self.delivery = Delivery(account, phones, faults)
        self.replies = Replies(account, self.ledger, phones, self.delivery)
        self.desk = Desk(account, faults)

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
        with self.desk.receiving():
            self.desk.authorize(request)
            form = dict(await read_fields(request))
            return await self._create(request, form, received_at)

    async def list_messages(self, request: web.Request) -> web.StreamResponse:
        self.desk.authorize(request)
        query = read_query(request.query)
        page = read_page(self.ledger, query)
        now = time.time()
        for message in page.entries:
            message.look(now, self.account.number)
        return answer(200, page_json(page, query, self.account))

    async def fetch(self, request: web.Request) -> web.StreamResponse:
        self.desk.authorize(request)
        return self._resource(200, self._message(request))

    async def update(self, request: web.Request) -> web.StreamResponse:
        self.desk.authorize(request)
        message = self._message(request)
        form = dict(await read_fields(request))
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
            fault = await self.desk.next_fault()
            if (code := self.phones.get(create.to).refusal) is not None:
                raise Refusal(code)
        except Refusal as refusal:
            return self._refuse(refusal, form, received_at)
        message, row = self._accept(create, received_at)
        first = message_json(message, self.account)
        if fault == faulty.EARLY and create.send_at is None:
            await self.delivery.run_early(message)
        elif create.send_at is not None:
            self.delivery.begin_at(message, create.send_at.timestamp())
        else:
            self.delivery.begin(message, fault)
        return await self.desk.answer_create(request, first, row, fault)

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

    def _refuse(self, refusal: Refusal, form: dict[str, str], received_at: float) -> web.StreamResponse:
        row = self.ledger.refuse(
            received_at, refusal.code, to=form.get("To"), sender=form.get("From"), body=form.get("Body")
        )
        return answer(refusal.status, refusal.as_json(), row)

    def _message(self, request: web.Request) -> Message:
        message = self.ledger.by_sid.get(request.match_info["sid"])
        if message is None:
            raise Refusal(20404)
        return message

    def _resource(self, status: int, message: Message) -> web.StreamResponse:
        message.look(time.time(), self.account.number)
        return answer(status, message_json(message, self.account))
