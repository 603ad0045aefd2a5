"""The account at the carrier, as whoever sets it up sees it: what stands there, and the few fields that we may set.

Sources: Twilio's OpenAPI descriptions of api/2010-04-01 (Account, Balance, IncomingPhoneNumber), messaging/v1 (Service
with PhoneNumbers, ShortCodes and Usa2p; BrandRegistration, TollfreeVerification), voice/v1 (dialing permissions) and
accounts/v1 (messaging geo permissions). Of each resource only named fields are kept: an Account has its token in it.
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC
from email.utils import parsedate_to_datetime
from typing import Any
from urllib.parse import urlsplit

from config.settings import TWILIO, Settings
from outreach.carrier.base import Ambiguous, CarrierError, Misconfigured, Unreachable
from outreach.carrier.twilio import UNREADABLE, OneTryHttpClient, sdk_client

MOST = 1_000
"""Numbers, campaigns or verifications that are read of one account."""
NUMBER_FIELDS = (
    "sms_url", "sms_method", "sms_fallback_url", "sms_application_sid", "voice_url", "voice_method",
    "voice_fallback_url", "voice_application_sid", "trunk_sid", "status_callback",
)  # fmt: skip
SERVICE_FIELDS = (
    "inbound_request_url", "inbound_method", "use_inbound_webhook_on_number", "fallback_url", "status_callback",
    "sticky_sender", "smart_encoding", "validity_period",
)  # fmt: skip

Fields = Mapping[str, str | bool | int]
"""Settings of a resource at the carrier by its own names; what is not set is an empty text."""


@dataclass(frozen=True, slots=True)
class AccountState:
    """``status`` active, suspended or closed; ``kind`` Full or Trial."""

    status: str
    kind: str


@dataclass(frozen=True, slots=True)
class OwnNumber:
    """A number of the account, E.164, what it can do, and where its texts and calls go."""

    sid: str
    number: str
    can: frozenset[str]
    """Of sms, mms and voice."""
    fields: Fields


@dataclass(frozen=True, slots=True)
class Service:
    """A Messaging Service: its settings, the numbers of its pool, and how many short codes are in it."""

    sid: str
    fields: Fields
    numbers: tuple[str, ...]
    short_codes: int


@dataclass(frozen=True, slots=True)
class Campaign:
    """A 10DLC campaign of a service and its brand, with the statuses that the carrier gives them ("" unknown)."""

    status: str
    brand: str


class EveryHost:
    """The SDK's requests to whichever host they are for, or all to one where ``TWILIO_BASE_URL`` is another carrier.

    A host that did not answer is not asked again, so that a check after a failed one costs nothing. ``ahead``: by how
    many seconds our clock was ahead of the carrier's, as seen in each answer.
    """

    def __init__(self, base_url: str) -> None:
        self.ahead: list[float] = []
        self._base = base_url
        self._clients: dict[str, OneTryHttpClient] = {}
        self._away: dict[str, CarrierError] = {}

    def request(self, method: str, url: str, **rest: Any) -> Any:
        """One request, one try. Raises CarrierError."""
        host = host_for(self._base, url)
        if host in self._away:
            raise self._away[host]
        client = self._clients.setdefault(host, OneTryHttpClient(host))
        begun = time.time()
        try:
            response = client.request(method, url, **rest)
        except (Unreachable, Ambiguous) as error:
            self._away[host] = error
            raise
        self._look_at_clock(response.headers.get("Date"), begun)
        return response

    def close(self) -> None:
        """Close this thread's connections."""
        for client in self._clients.values():
            client.close()

    def _look_at_clock(self, date: str | None, begun: float) -> None:
        try:
            theirs = parsedate_to_datetime(date or "")
        except ValueError:
            return
        theirs = theirs if theirs.tzinfo else theirs.replace(tzinfo=UTC)
        # Their date has no fractions: it is half a second behind on average.
        self.ahead.append((begun + time.time()) / 2 - theirs.timestamp() - 0.5)


def host_for(base_url: str, url: str) -> str:
    """Where a request of the SDK goes: to its own host, or whole to another carrier."""
    asked = urlsplit(url)
    return f"{asked.scheme}://{asked.netloc}" if base_url == TWILIO else base_url


@dataclass
class TwilioAccount:
    """The account of the settings. Every method asks the carrier and raises CarrierError."""

    settings: Settings
    http: EveryHost = field(init=False)

    def __post_init__(self) -> None:
        self.http = EveryHost(self.settings.twilio_base_url)
        self._client = sdk_client(self.settings, self.http)
        self._account = self._client.api.v2010.accounts(self.settings.twilio_account_sid)

    def close(self) -> None:
        """Close the connections to the carrier."""
        self.http.close()

    def state(self) -> AccountState:
        """How the account stands."""
        found = _read(self._account.fetch)
        return AccountState(str(found.status), str(found.type))

    def balance(self) -> tuple[float, str]:
        """What is left, and in which currency."""
        found = _read(self._account.balance.fetch)
        return float(found.balance), str(found.currency)

    def numbers(self) -> list[OwnNumber]:
        """Every number of the account."""
        return [_own(each) for each in _read(lambda: self._account.incoming_phone_numbers.list(limit=MOST))]

    def service(self, sid: str) -> Service | None:
        """A Messaging Service; None where the account has none of this sid."""
        service = self._client.messaging.v1.services(sid)
        try:
            found = _read(service.fetch)
        except Misconfigured as error:
            if error.code == 20404:
                return None
            raise
        numbers = _read(lambda: service.phone_numbers.list(limit=MOST))
        codes = _read(lambda: service.short_codes.list(limit=MOST))
        return Service(
            sid, _fields(found, SERVICE_FIELDS), tuple(sorted(str(each.phone_number) for each in numbers)), len(codes)
        )

    def campaigns(self, service_sid: str) -> list[Campaign]:
        """The 10DLC campaigns of a Messaging Service."""
        found = _read(lambda: self._client.messaging.v1.services(service_sid).us_app_to_person.list(limit=MOST))
        return [Campaign(str(each.campaign_status or ""), self._brand(each.brand_registration_sid)) for each in found]

    def _brand(self, sid: str | None) -> str:
        if not sid:  # registered elsewhere
            return ""
        return str(_read(self._client.messaging.v1.brand_registrations(sid).fetch).status or "")

    def toll_free_verifications(self) -> dict[str, str]:
        """Sid of a toll-free number -> the status of its newest verification."""
        found = _read(lambda: self._client.messaging.v1.tollfree_verifications.list(limit=MOST))
        oldest_first = sorted(found, key=lambda each: str(each.date_created))
        return {str(each.tollfree_phone_number_sid): str(each.status) for each in oldest_first}

    def may_call(self, country: str) -> tuple[bool, bool]:
        """Whether calls to ordinary numbers of a country (ISO code) are allowed, and whether to costly ones as well."""
        found = _read(self._client.voice.v1.dialing_permissions.countries(country).fetch)
        costly = found.high_risk_special_numbers_enabled or found.high_risk_tollfraud_numbers_enabled
        return bool(found.low_risk_numbers_enabled), bool(costly)

    def may_text(self, country: str) -> bool:
        """Whether texts to a country (ISO code) are allowed."""
        found = _read(lambda: self._client.accounts.v1.messaging_geopermissions.fetch(country_code=country))
        return any(each.get("country_code") == country and each.get("enabled") for each in found.permissions or ())

    def set_service(self, sid: str, fields: Fields) -> None:
        """Set these fields of a Messaging Service, and no other."""
        _read(lambda: self._client.messaging.v1.services(sid).update(**fields))

    def set_number(self, sid: str, fields: Fields) -> None:
        """Set these fields of a number, and no other."""
        _read(lambda: self._account.incoming_phone_numbers(sid).update(**fields))


def _read(ask: Any) -> Any:
    """What the carrier says. Raises CarrierError, also for a success that cannot be read."""
    try:
        return ask()
    except UNREADABLE as error:
        raise Ambiguous(reason=type(error).__name__) from None


def _own(found: Any) -> OwnNumber:
    can = frozenset(name for name in ("sms", "mms", "voice") if (found.capabilities or {}).get(name))
    return OwnNumber(str(found.sid), str(found.phone_number), can, _fields(found, NUMBER_FIELDS))


def _fields(found: Any, names: Iterable[str]) -> dict[str, str | bool | int]:
    values = {name: getattr(found, name) for name in names}
    return {name: "" if value is None else value for name, value in values.items()}
