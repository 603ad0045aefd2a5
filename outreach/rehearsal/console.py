"""What whoever owns the account has set up in the carrier's console: numbers, Messaging Service, registrations.

It begins as it should be for the application behind ``--webhook-url``; ``PUT /_rehearsal/console`` sets up anything
else. What is set here is told to whoever asks, and changes nothing about how the rehearsal plays texts and calls.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from hashlib import sha256
from typing import Any, Final

from outreach.rehearsal.account import E164, Account
from outreach.rehearsal.errors import Refusal

Value = str | bool | int | None

TOLL_FREE: Final = frozenset(("800", "833", "844", "855", "866", "877", "888"))
METHODS: Final = ("GET", "POST")
LONGEST_VALIDITY: Final = 36_000
ACCOUNT_STATUSES: Final = ("active", "suspended", "closed")
ACCOUNT_KINDS: Final = ("Full", "Trial")
BRAND_STATUSES: Final = (
    "PENDING", "APPROVED", "FAILED", "IN_REVIEW", "DELETION_PENDING", "DELETION_FAILED", "SUSPENDED",
)  # fmt: skip
VERIFICATION_STATUSES: Final = ("PENDING_REVIEW", "IN_REVIEW", "TWILIO_APPROVED", "TWILIO_REJECTED")


@dataclass(slots=True)
class Number:
    """A number of the account. ``settings`` has Twilio's names for where its texts and calls go."""

    number: str
    settings: dict[str, Value]
    capabilities: dict[str, bool] = field(
        default_factory=lambda: {"voice": True, "sms": True, "mms": True, "fax": False}
    )
    in_service: bool = True
    verification: str | None = None
    """A toll-free number's; None: never asked for."""

    @property
    def sid(self) -> str:
        return sid_of("PN", self.number)

    @property
    def toll_free(self) -> bool:
        return self.number[:2] == "+1" and self.number[2:5] in TOLL_FREE


@dataclass(slots=True)
class Console:
    """Everything that is set up. Times are real seconds since 1970."""

    account: Account
    status: str = "active"
    kind: str = "Full"
    balance: str = "250.00"
    service: dict[str, Value] = field(default_factory=dict)
    numbers: dict[str, Number] = field(default_factory=dict)
    campaign: str | None = "VERIFIED"
    """Status of the service's 10DLC campaign; None: there is none."""
    brand: str = "APPROVED"
    calls: dict[str, bool] = field(default_factory=lambda: {"low_risk": True, "special": False, "toll_fraud": False})
    texts: bool = True
    """Whether texts to the United States are allowed."""
    begun: float = field(default_factory=time.time)

    def __post_init__(self) -> None:
        self.service = {
            "inbound_request_url": self.account.inbound_url, "inbound_method": "POST", "fallback_url": "",
            "fallback_method": "POST", "status_callback": "", "sticky_sender": True, "mms_converter": True,
            "smart_encoding": False, "scan_message_content": "inherit", "fallback_to_long_code": False,
            "area_code_geomatch": False, "validity_period": LONGEST_VALIDITY, "synchronous_validation": False,
            "usecase": "polling_voting", "use_inbound_webhook_on_number": False,
            "friendly_name": "Escalation campaigns",
        }  # fmt: skip
        self.numbers = {self.account.number: self.new_number(self.account.number)}

    def new_number(self, number: str) -> Number:
        """A number set up as it should be."""
        base = self.account.webhook_url
        return Number(number, {
            "sms_url": "", "sms_method": "POST", "sms_fallback_url": "", "sms_fallback_method": "POST",
            "sms_application_sid": "", "voice_url": f"{base}/twilio/voice", "voice_method": "POST",
            "voice_fallback_url": "", "voice_fallback_method": "POST", "voice_application_sid": "", "trunk_sid": "",
            "status_callback": "", "status_callback_method": "POST", "voice_caller_id_lookup": False,
            "friendly_name": number,
        })  # fmt: skip


def sid_of(prefix: str, of: str) -> str:
    """A sid that is the same each time."""
    return prefix + sha256(of.encode()).hexdigest()[:32]


def updated(settings: Mapping[str, Value], form: Mapping[str, str]) -> dict[str, Value]:
    """Settings after an update by Twilio's form. Raises Refusal for a parameter or value that cannot be used."""
    changed = dict(settings)
    for parameter, text in form.items():
        name = "".join(f"_{letter.lower()}" if letter.isupper() else letter for letter in parameter).lstrip("_")
        if name not in settings:
            raise Refusal(20001)
        changed[name] = _value(name, text, settings[name])
    if changed.get("voice_application_sid") and "VoiceApplicationSid" in form:
        changed["trunk_sid"] = ""
    if changed.get("trunk_sid") and "TrunkSid" in form:
        changed["voice_application_sid"] = ""
    return changed


def _value(name: str, text: str, before: Value) -> Value:
    if isinstance(before, bool):
        if text.lower() not in ("true", "false"):
            raise Refusal(20001)
        return text.lower() == "true"
    if isinstance(before, int):
        if not (text.isascii() and text.isdigit() and 1 <= int(text) <= LONGEST_VALIDITY):
            raise Refusal(20001)
        return int(text)
    if name.endswith("_method") and text not in METHODS:
        raise Refusal(20001)
    if name.endswith(("_url", "_callback")) and text and not text.startswith(("http://", "https://")):
        raise Refusal(20001)
    return text


def change(console: Console, given: Mapping[str, Any]) -> None:
    """Set up parts of it by hand. Raises ValueError with a sentence for what cannot be.

    ``numbers`` has settings by number; a number that is not there yet is bought, null gives one back.
    """
    choices: dict[str, tuple[Any, ...]] = {
        "status": ACCOUNT_STATUSES, "kind": ACCOUNT_KINDS, "brand": BRAND_STATUSES, "texts": (True, False),
    }  # fmt: skip
    for name, value in given.items():
        if name in choices:
            if value not in choices[name]:
                raise ValueError(f"{name} must be one of {', '.join(map(str, choices[name]))}")
            setattr(console, name, value)
        elif name == "balance" and isinstance(value, str):
            console.balance = value
        elif name == "campaign" and (value is None or isinstance(value, str)):
            console.campaign = value
        elif name == "calls":
            console.calls = _merged(name, console.calls, value)
        elif name == "service":
            console.service = _merged(name, console.service, value)
        elif name == "numbers" and isinstance(value, Mapping):
            for number, settings in value.items():
                _change_number(console, number, settings)
        else:
            raise ValueError(f"{name} cannot be set up like that")


def _change_number(console: Console, number: str, given: Any) -> None:
    if not E164.fullmatch(number):
        raise ValueError("numbers must be in E.164")
    if given is None:
        console.numbers.pop(number, None)
        return
    its = console.numbers.setdefault(number, console.new_number(number))
    rest = dict(given)
    its.in_service = bool(rest.pop("in_service", its.in_service))
    its.verification = rest.pop("verification", its.verification)
    if its.verification not in (None, *VERIFICATION_STATUSES):
        raise ValueError(f"verification must be null or one of {', '.join(VERIFICATION_STATUSES)}")
    its.capabilities = _merged("capabilities", its.capabilities, rest.pop("capabilities", {}))
    its.settings = _merged("numbers", its.settings, rest)


def _merged(name: str, before: dict[str, Any], given: Any) -> dict[str, Any]:
    if not isinstance(given, Mapping) or not set(given) <= set(before):
        raise ValueError(f"{name} must be an object with some of {', '.join(sorted(before))}")
    return {**before, **given}
