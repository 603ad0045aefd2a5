"""The REST API of what is set up: account, numbers, Messaging Service, registrations and permissions.

Twilio spreads them over four hosts; their paths do not meet, so one host serves them all here.
"""

from __future__ import annotations

from typing import Any

from aiohttp import web

from outreach.rehearsal import console_json as written
from outreach.rehearsal.account import API_VERSION
from outreach.rehearsal.console import Console, Number, updated
from outreach.rehearsal.desk import Desk, answer, read_fields
from outreach.rehearsal.errors import Refusal
from outreach.rehearsal.listing import Page, Query
from outreach.rehearsal.resources import envelope


class ConsoleApi:
    """One account's set-up."""

    def __init__(self, console: Console, desk: Desk) -> None:
        self.console = console
        self._desk = desk

    def routes(self) -> list[web.RouteDef]:
        account = f"/{API_VERSION}/Accounts/{{account}}"
        service = "/v1/Services/{service}"
        return [
            web.get(f"{account}.json", self.account),
            web.get(f"{account}/Balance.json", self.balance),
            web.get(f"{account}/IncomingPhoneNumbers.json", self.numbers),
            web.get(f"{account}/IncomingPhoneNumbers/{{sid}}.json", self.number),
            web.post(f"{account}/IncomingPhoneNumbers/{{sid}}.json", self.update_number),
            web.get(service, self.service),
            web.post(service, self.update_service),
            web.get(f"{service}/PhoneNumbers", self.pool),
            web.get(f"{service}/ShortCodes", self.short_codes),
            web.get(f"{service}/Compliance/Usa2p", self.campaigns),
            web.get("/v1/a2p/BrandRegistrations/{sid}", self.brand),
            web.get("/v1/Tollfree/Verifications", self.verifications),
            web.get("/v1/DialingPermissions/Countries/{country}", self.country),
            web.get("/v1/Messaging/GeoPermissions", self.regions),
        ]

    async def account(self, request: web.Request) -> web.StreamResponse:
        self._desk.authorize(request)
        return answer(200, written.account_json(self.console))

    async def balance(self, request: web.Request) -> web.StreamResponse:
        self._desk.authorize(request)
        return answer(200, written.balance_json(self.console))

    async def numbers(self, request: web.Request) -> web.StreamResponse:
        self._desk.authorize(request)
        wanted = request.query.get("PhoneNumber")
        found = [each for each in self.console.numbers.values() if wanted in (None, "", each.number)]
        entries = [written.number_json(each, self.console) for each in found]
        path = f"/{API_VERSION}/Accounts/{self.console.account.sid}/IncomingPhoneNumbers"
        page: Page[Any] = Page([], None, None)
        query = Query(filters=[("PhoneNumber", wanted)] if wanted else [])
        return answer(200, envelope(path, "incoming_phone_numbers", entries, query, page))

    async def number(self, request: web.Request) -> web.StreamResponse:
        self._desk.authorize(request)
        return answer(200, written.number_json(self._number(request), self.console))

    async def update_number(self, request: web.Request) -> web.StreamResponse:
        self._desk.authorize(request)
        number = self._number(request)
        number.settings = updated(number.settings, dict(await read_fields(request)))
        return answer(200, written.number_json(number, self.console))

    async def service(self, request: web.Request) -> web.StreamResponse:
        self._our_service(request)
        return answer(200, written.service_json(self.console))

    async def update_service(self, request: web.Request) -> web.StreamResponse:
        self._our_service(request)
        self.console.service = updated(self.console.service, dict(await read_fields(request)))
        return answer(200, written.service_json(self.console))

    async def pool(self, request: web.Request) -> web.StreamResponse:
        sid = self._our_service(request)
        pooled = [each for each in self.console.numbers.values() if each.in_service]
        entries = [written.pooled_json(each, self.console) for each in pooled]
        return answer(200, written.listed(f"Services/{sid}/PhoneNumbers", "phone_numbers", entries))

    async def short_codes(self, request: web.Request) -> web.StreamResponse:
        sid = self._our_service(request)
        return answer(200, written.listed(f"Services/{sid}/ShortCodes", "short_codes", []))

    async def campaigns(self, request: web.Request) -> web.StreamResponse:
        sid = self._our_service(request)
        entries = [] if self.console.campaign is None else [written.campaign_json(self.console)]
        return answer(200, written.listed(f"Services/{sid}/Compliance/Usa2p", "compliance", entries))

    async def brand(self, request: web.Request) -> web.StreamResponse:
        self._desk.authorize(request)
        if request.match_info["sid"] != written.brand_sid(self.console):
            raise Refusal(20404)
        return answer(200, written.brand_json(self.console))

    async def verifications(self, request: web.Request) -> web.StreamResponse:
        self._desk.authorize(request)
        asked_for = [each for each in self.console.numbers.values() if each.verification is not None]
        entries = [written.verification_json(each, self.console) for each in asked_for]
        return answer(200, written.listed("Tollfree/Verifications", "verifications", entries))

    async def country(self, request: web.Request) -> web.StreamResponse:
        self._desk.authorize(request)
        if request.match_info["country"] != "US":
            raise Refusal(20404)
        return answer(200, written.country_json(self.console))

    async def regions(self, request: web.Request) -> web.StreamResponse:
        """Only the United States; ``CountryCode`` must name it."""
        self._desk.authorize(request)
        if request.query.get("CountryCode") != "US":
            raise Refusal(20001)
        enabled = {"country_code": "US", "type": "country", "enabled": self.console.texts}
        return answer(200, {"permissions": [{**enabled, "error_code": 0, "error_messages": []}]})

    def _number(self, request: web.Request) -> Number:
        sid = request.match_info["sid"]
        found = next((each for each in self.console.numbers.values() if each.sid == sid), None)
        if found is None:
            raise Refusal(20404)
        return found

    def _our_service(self, request: web.Request) -> str:
        self._desk.authorize(request)
        sid = request.match_info["service"]
        if sid != self.console.account.service_sid:
            raise Refusal(20404)
        return sid
