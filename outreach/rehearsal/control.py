"""The controls of the rehearsal under /_rehearsal/: ledger, faults, personas, phones and idleness."""

from __future__ import annotations

import json
from collections.abc import Mapping
from itertools import islice
from typing import Any

from aiohttp import web

from outreach.rehearsal.account import E164
from outreach.rehearsal.carrier import Carrier
from outreach.rehearsal.personas import BY_NAME, read_weights

ROWS_A_CHUNK = 1000


class Control:
    """Looks into a carrier and turns its knobs."""

    def __init__(self, carrier: Carrier) -> None:
        self.carrier = carrier

    def routes(self) -> list[web.RouteDef]:
        return [
            web.get("/_rehearsal/ledger", self.ledger),
            web.get("/_rehearsal/idle", self.idle),
            web.get("/_rehearsal/faults", self.faults),
            web.put("/_rehearsal/faults", self.change_faults),
            web.get("/_rehearsal/personas", self.personas),
            web.put("/_rehearsal/personas", self.change_personas),
            web.get("/_rehearsal/phones", self.phones),
            web.get("/_rehearsal/phones/{number}", self.phone),
            web.post("/_rehearsal/phones/{number}/reply", self.reply),
        ]

    async def ledger(self, request: web.Request) -> web.StreamResponse:
        """Rows in order as JSON lines; ``since`` leaves out the rows up to that seq."""
        since = _number(request, "since", default=0)
        answer = web.StreamResponse(headers={"Content-Type": "application/x-ndjson"})
        await answer.prepare(request)
        rows = iter(self.carrier.ledger.rows[since:])
        while chunk := list(islice(rows, ROWS_A_CHUNK)):
            await answer.write("".join(json.dumps(row.as_json()) + "\n" for row in chunk).encode())
        await answer.write_eof()
        return answer

    async def idle(self, _: web.Request) -> web.StreamResponse:
        """Whether nothing is scheduled or in flight, and the totals so far."""
        carrier = self.carrier
        scheduled = len(carrier.delivery.agenda)
        in_flight = carrier.delivery.in_flight + carrier.desk.under_way
        state = {"idle": not scheduled and not in_flight, "scheduled": scheduled, "in_flight": in_flight}
        return web.json_response({**state, **carrier.ledger.summary()})

    async def faults(self, _: web.Request) -> web.StreamResponse:
        return web.json_response(self.carrier.faults.as_json())

    async def change_faults(self, request: web.Request) -> web.StreamResponse:
        given = await _object(request)
        try:
            self.carrier.faults.change(given)
        except ValueError as problem:
            raise _bad(str(problem)) from None
        return await self.faults(request)

    async def personas(self, _: web.Request) -> web.StreamResponse:
        phones = self.carrier.phones
        return web.json_response({"weights": phones.weights, "numbers": phones.pinned})

    async def change_personas(self, request: web.Request) -> web.StreamResponse:
        """Weights, as ``{"weights": {...}}`` or bare, and personas pinned to numbers."""
        given = dict(await _object(request))
        pinned = _pins(given.pop("numbers", {}))
        weights = given.pop("weights", given or None)
        if weights is not None and not isinstance(weights, Mapping):
            raise _bad("weights must be an object of persona and share")
        try:
            self.carrier.phones.change(None if weights is None else read_weights(weights), pinned)
        except ValueError as problem:
            raise _bad(str(problem)) from None
        return await self.personas(request)

    async def phones(self, request: web.Request) -> web.StreamResponse:
        """Phones with a thread, newest activity first; ``limit`` (50) of them."""
        newest = self.carrier.phones.newest(_number(request, "limit", default=50))
        return web.json_response({"phones": [{**each.as_json(), "touched": each.touched} for each in newest]})

    async def phone(self, request: web.Request) -> web.StreamResponse:
        return web.json_response(self.carrier.phones.get(_e164(request)).as_json())

    async def reply(self, request: web.Request) -> web.StreamResponse:
        """Text us from a phone, as a person with that phone in hand would."""
        number = _e164(request)
        body = (await _object(request)).get("body")
        if not isinstance(body, str) or len(body) > 1600:
            raise _bad("body must be a text of at most 1600 characters")
        message = self.carrier.replies.text(number, body)
        return web.json_response({"sid": message.sid}, status=202)


def _pins(given: object) -> dict[str, str]:
    if not isinstance(given, Mapping):
        raise _bad("numbers must be an object of number and persona")
    for number, name in given.items():
        if not E164.fullmatch(number) or name not in BY_NAME:
            raise _bad("numbers must pair numbers in E.164 with personas")
    return dict(given)


def _e164(request: web.Request) -> str:
    number = request.match_info["number"]
    if not E164.fullmatch(number):
        raise _bad("the number must be in E.164")
    return number


def _number(request: web.Request, name: str, default: int) -> int:
    text = request.query.get(name, str(default))
    if not (text.isascii() and text.isdigit() and len(text) < 12):
        raise _bad(f"{name} must be a whole number, 0 or more")
    return int(text)


async def _object(request: web.Request) -> Mapping[str, Any]:
    try:
        given = json.loads(await request.read())
    except ValueError:
        given = None
    if not isinstance(given, dict):
        raise _bad("the body must be a JSON object")
    return given


def _bad(sentence: str) -> web.HTTPBadRequest:
    text = json.dumps({"error": {"code": "bad_request", "message": sentence}})
    return web.HTTPBadRequest(text=text, content_type="application/json")
