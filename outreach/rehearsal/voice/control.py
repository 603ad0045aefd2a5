"""The controls of calls under /_rehearsal/: the ledger of legs, who is at the other end, and phones played by hand."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, Final

from aiohttp import web

from outreach.rehearsal.control_requests import (
    bad_request,
    conflict,
    e164,
    json_lines,
    json_object,
    pins_of,
    weights_of,
    whole_number,
)
from outreach.rehearsal.voice.exchange import Exchange
from outreach.rehearsal.voice.parties import Cast
from outreach.rehearsal.voice.reactions import Live
from outreach.rehearsal.voice.states import PARENT, Gathering

KEYS: Final = re.compile(r"[0-9*#]{1,32}")


class CallControl:
    """Looks into an exchange and plays its phones."""

    def __init__(self, exchange: Exchange) -> None:
        self._exchange = exchange

    def routes(self) -> list[web.RouteDef]:
        phone = "/_rehearsal/phones/{number}"
        return [
            web.get("/_rehearsal/calls", self.calls),
            web.post(f"{phone}/call", self.call),
            web.post(f"{phone}/answer", self.answer),
            web.post(f"{phone}/press", self.press),
            web.post(f"{phone}/hangup", self.hang_up),
        ]

    async def calls(self, request: web.Request) -> web.StreamResponse:
        """Legs in order as JSON lines; ``since`` leaves out those up to that seq."""
        since = whole_number(request, "since", default=0)
        return await json_lines(request, (leg.as_json() for leg in self._exchange.legs.everything[since:]))

    async def call(self, request: web.Request) -> web.StreamResponse:
        """Call our number from a phone. 409 while that phone is in a call."""
        number = e164(request)
        if number == self._exchange.account.number:
            raise bad_request("our own number cannot call us")
        if self._exchange.at_phone(number) is not None:
            raise conflict("the phone is in a call")
        return web.json_response({"sid": self._exchange.ring_us(number).sid}, status=202)

    async def answer(self, request: web.Request) -> web.StreamResponse:
        """Pick a ringing phone up. 409 when it does not ring."""
        live, leg = self._at(request)
        if live.state.leg(leg).status != "ringing" or live.legs[leg].direction == "inbound":
            raise conflict("the phone does not ring")
        self._exchange.pick_up(live, leg)
        return self._now(request)

    async def press(self, request: web.Request) -> web.StreamResponse:
        """Press keys, ``{"digits": "1"}``. 409 for a phone that is in no call, or was dialled by a document."""
        live, leg = self._at(request)
        digits = (await json_object(request)).get("digits")
        if not isinstance(digits, str) or not KEYS.fullmatch(digits):
            raise bad_request("digits must be 1 to 32 of 0-9, * and #")
        if leg != PARENT or not live.state.leg(PARENT).answered:
            raise conflict("nobody listens to the keys of this phone")
        self._exchange.press(live, digits)
        return self._now(request)

    async def hang_up(self, request: web.Request) -> web.StreamResponse:
        """Hang up, or decline a call that rings. 409 for a phone that is in no call."""
        self._exchange.hang_up(*self._at(request))
        return self._now(request)

    def call_json(self, number: str) -> dict[str, Any] | None:
        """The live call at a phone: its state, what was said so far, and whether it waits for keys."""
        found = self._exchange.at_phone(number)
        if found is None:
            return None
        live, leg = found
        return {
            "sid": live.legs[leg].sid,
            "direction": live.legs[leg].direction,
            "state": live.legs[leg].call_status,
            "other": live.legs[leg].to if live.legs[leg].direction == "inbound" else live.legs[leg].sender,
            "said": [{"words": say.words, "language": say.language} for say in live.said] if leg == PARENT else [],
            "waits_for_keys": leg == PARENT and isinstance(live.state.doing, Gathering),
        }

    def casts_json(self) -> dict[str, Any]:
        return {cast.part: cast.as_json() for cast in self._casts()}

    def change_casts(self, given: object) -> None:
        """Weights and pinned numbers of people and offices, all or none. Raises HTTPBadRequest."""
        casts = {cast.part: cast for cast in self._casts()}
        if not isinstance(given, Mapping) or not set(given) <= set(casts):
            raise bad_request("calls must be an object of people and offices")
        changes = [(casts[part], *_read_part(casts[part], value)) for part, value in given.items()]
        for cast, weights, pinned in changes:
            cast.weights = cast.weights if weights is None else weights
            cast.pinned.update(pinned)

    def _casts(self) -> tuple[Cast, Cast]:
        return self._exchange.people, self._exchange.offices

    def _at(self, request: web.Request) -> tuple[Live, int]:
        found = self._exchange.at_phone(e164(request))
        if found is None:
            raise conflict("the phone is in no call")
        return found

    def _now(self, request: web.Request) -> web.Response:
        return web.json_response({"call": self.call_json(e164(request))})


def _read_part(cast: Cast, given: object) -> tuple[dict[str, float] | None, dict[str, str]]:
    if not isinstance(given, Mapping) or not set(given) <= {"weights", "numbers"}:
        raise bad_request(f"{cast.part} must be an object of weights and numbers")
    return weights_of(given.get("weights"), cast.parties), pins_of(given.get("numbers", {}), cast.parties)
