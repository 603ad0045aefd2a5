"""The REST API of calls: Calls of one account under /2010-04-01/, with the faults that befall creates."""

from __future__ import annotations

from aiohttp import web

from outreach.rehearsal import faults as faulty
from outreach.rehearsal.account import API_VERSION, Account
from outreach.rehearsal.desk import Desk, answer, read_fields
from outreach.rehearsal.errors import Refusal
from outreach.rehearsal.listing import read_page, read_query
from outreach.rehearsal.voice.creates import read_call, read_change
from outreach.rehearsal.voice.exchange import Exchange
from outreach.rehearsal.voice.legs import Leg
from outreach.rehearsal.voice.resources import STATUSES, call_json, calls_json
from outreach.rehearsal.voice.states import PARENT


class Calls:
    """One account's calls."""

    def __init__(self, account: Account, desk: Desk, exchange: Exchange) -> None:
        self._account = account
        self._desk = desk
        self._exchange = exchange

    def routes(self) -> list[web.RouteDef]:
        calls = f"/{API_VERSION}/Accounts/{{account}}/Calls"
        return [
            web.post(f"{calls}.json", self.create),
            web.get(f"{calls}.json", self.list_calls),
            web.get(f"{calls}/{{sid}}.json", self.fetch),
            web.post(f"{calls}/{{sid}}.json", self.update),
        ]

    async def create(self, request: web.Request) -> web.StreamResponse:
        with self._desk.receiving():
            self._desk.authorize(request)
            create = read_call(await read_fields(request), self._account)
            fault = await self._desk.next_fault()
            live = self._exchange.place(create, fault)
            leg = live.legs[PARENT]
            first = call_json(leg, self._account)
            if fault == faulty.EARLY:
                await self._exchange.begin_early(live)
            else:
                self._exchange.begin(live)
            return await self._desk.answer_create(request, first, leg, fault)

    async def list_calls(self, request: web.Request) -> web.StreamResponse:
        self._desk.authorize(request)
        query = read_query(request.query, "StartTime", STATUSES)
        if any(name.startswith("EndTime") for name in request.query):
            raise Refusal(20001)  # is not played, and a filter read over would give wrong answers
        parent = request.query.get("ParentCallSid")
        legs = self._exchange.legs.dialled_by(parent) if parent else self._exchange.legs
        return answer(200, calls_json(read_page(legs, query), query, self._account))

    async def fetch(self, request: web.Request) -> web.StreamResponse:
        self._desk.authorize(request)
        return answer(200, call_json(self._leg(request), self._account))

    async def update(self, request: web.Request) -> web.StreamResponse:
        self._desk.authorize(request)
        leg = self._leg(request)
        self._exchange.change(leg, read_change(await read_fields(request)))
        return answer(200, call_json(leg, self._account))

    def _leg(self, request: web.Request) -> Leg:
        leg = self._exchange.legs.by_sid.get(request.match_info["sid"])
        if leg is None:
            raise Refusal(20404)
        return leg
