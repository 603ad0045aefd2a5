"""The controls of the rehearsal under /_rehearsal/: ledger, faults, personas, phones, console and idleness."""

from __future__ import annotations

from aiohttp import web

from outreach.rehearsal import console as consoles
from outreach.rehearsal.carrier import Carrier
from outreach.rehearsal.console import Console
from outreach.rehearsal.control_requests import (
    bad_request,
    e164,
    json_lines,
    json_object,
    pins_of,
    weights_of,
    whole_number,
)
from outreach.rehearsal.personas import BY_NAME
from outreach.rehearsal.voice.control import CallControl
from outreach.rehearsal.voice.exchange import Exchange


class Control:
    """Looks into a carrier and turns its knobs."""

    def __init__(self, carrier: Carrier, exchange: Exchange, console: Console) -> None:
        self.carrier = carrier
        self.console = console
        self.exchange = exchange
        self.calls = CallControl(exchange)

    def routes(self) -> list[web.RouteDef]:
        return [
            web.get("/_rehearsal/ledger", self.ledger),
            web.get("/_rehearsal/idle", self.idle),
            web.get("/_rehearsal/faults", self.faults),
            web.put("/_rehearsal/faults", self.change_faults),
            web.get("/_rehearsal/personas", self.personas),
            web.put("/_rehearsal/personas", self.change_personas),
            web.put("/_rehearsal/console", self.change_console),
            web.get("/_rehearsal/phones", self.phones),
            web.get("/_rehearsal/phones/{number}", self.phone),
            web.post("/_rehearsal/phones/{number}/reply", self.reply),
            *self.calls.routes(),
        ]

    async def ledger(self, request: web.Request) -> web.StreamResponse:
        """Rows in order as JSON lines; ``since`` leaves out the rows up to that seq."""
        since = whole_number(request, "since", default=0)
        return await json_lines(request, (row.as_json() for row in self.carrier.ledger.rows[since:]))

    async def idle(self, _: web.Request) -> web.StreamResponse:
        """Whether nothing is scheduled or in flight and no call is live, and the totals so far."""
        carrier = self.carrier
        scheduled = len(carrier.delivery.agenda)
        in_flight = carrier.delivery.in_flight + carrier.desk.under_way
        calls = self.exchange.live
        idle = not scheduled and not in_flight and not calls
        state = {"idle": idle, "scheduled": scheduled, "in_flight": in_flight, "calls": calls}
        return web.json_response({**state, **carrier.ledger.summary()})

    async def faults(self, _: web.Request) -> web.StreamResponse:
        return web.json_response(self.carrier.faults.as_json())

    async def change_faults(self, request: web.Request) -> web.StreamResponse:
        given = await json_object(request)
        try:
            self.carrier.faults.change(given)
        except ValueError as problem:
            raise bad_request(str(problem)) from None
        return await self.faults(request)

    async def personas(self, _: web.Request) -> web.StreamResponse:
        phones = self.carrier.phones
        return web.json_response(
            {"weights": phones.weights, "numbers": phones.pinned, "calls": self.calls.casts_json()}
        )

    async def change_personas(self, request: web.Request) -> web.StreamResponse:
        """Weights, as ``{"weights": {...}}`` or bare, and personas pinned to numbers; ``calls`` has those of calls."""
        given = dict(await json_object(request))
        calls = given.pop("calls", {})
        pinned = pins_of(given.pop("numbers", {}), BY_NAME)
        weights = weights_of(given.pop("weights", given or None), BY_NAME)
        self.calls.change_casts(calls)
        self.carrier.phones.change(weights, pinned)
        return await self.personas(request)

    async def change_console(self, request: web.Request) -> web.StreamResponse:
        """Set up parts of the account by hand, as somebody in the carrier's console does."""
        try:
            consoles.change(self.console, await json_object(request))
        except (TypeError, ValueError) as problem:
            raise bad_request(str(problem)) from None
        return web.json_response({"numbers": sorted(self.console.numbers)})

    async def phones(self, request: web.Request) -> web.StreamResponse:
        """Phones with a thread, newest activity first; ``limit`` (50) of them."""
        newest = self.carrier.phones.newest(whole_number(request, "limit", default=50))
        return web.json_response({"phones": [{**each.as_json(), "touched": each.touched} for each in newest]})

    async def phone(self, request: web.Request) -> web.StreamResponse:
        number = e164(request)
        return web.json_response({**self.carrier.phones.get(number).as_json(), "call": self.calls.call_json(number)})

    async def reply(self, request: web.Request) -> web.StreamResponse:
        """Text us from a phone, as a person with that phone in hand would."""
        number = e164(request)
        body = (await json_object(request)).get("body")
        if not isinstance(body, str) or len(body) > 1600:
            raise bad_request("body must be a text of at most 1600 characters")
        message = self.carrier.replies.text(number, body)
        return web.json_response({"sid": message.sid}, status=202)
