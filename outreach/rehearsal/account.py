"""The one account that the rehearsal carrier serves: its keys and numbers, out of the environment."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

from outreach.core.clock import Clock

OPT_OUT_MODES = ("default", "advanced", "none")
ACCOUNT_SID = re.compile(r"AC[0-9a-fA-F]{32}")
SERVICE_SID = re.compile(r"MG[0-9a-fA-F]{32}")
E164 = re.compile(r"\+[1-9]\d{6,14}")
API_VERSION = "2010-04-01"


@dataclass(frozen=True, slots=True)
class Account:
    """Keys and numbers of the account, and where its webhooks go."""

    sid: str
    token: str
    service_sid: str
    number: str
    """Our sender, E.164: the only one in the Messaging Service's pool."""
    opt_out: str
    """default, advanced or none: who handles opt-out words."""
    clock: Clock
    webhook_url: str
    """Base URL, without a slash at the end."""

    @property
    def inbound_url(self) -> str:
        return f"{self.webhook_url}/twilio/sms"


def account_from(environment: Mapping[str, str], webhook_url: str) -> Account:
    """Read the account. Raises ValueError with one sentence, or the clock's SettingsError."""
    opt_out = environment.get("TWILIO_OPT_OUT", "") or "default"
    if opt_out not in OPT_OUT_MODES:
        raise ValueError(f"TWILIO_OPT_OUT must be {', '.join(OPT_OUT_MODES[:-1])} or {OPT_OUT_MODES[-1]}")
    if not webhook_url.startswith(("http://", "https://")):
        raise ValueError("--webhook-url must begin with http:// or https://")
    return Account(
        sid=_setting(environment, "TWILIO_ACCOUNT_SID", ACCOUNT_SID, "AC and 32 hex digits"),
        token=_setting(environment, "TWILIO_AUTH_TOKEN", re.compile(r"\S+"), "a token without spaces"),
        service_sid=_setting(environment, "TWILIO_MESSAGING_SERVICE_SID", SERVICE_SID, "MG and 32 hex digits"),
        number=_setting(environment, "TWILIO_FROM_NUMBER", E164, "a number in E.164"),
        opt_out=opt_out,
        clock=Clock.parse(environment.get("REHEARSAL_CLOCK")),
        webhook_url=webhook_url.rstrip("/"),
    )


def _setting(environment: Mapping[str, str], name: str, form: re.Pattern[str], expected: str) -> str:
    value = environment.get(name, "")
    if not form.fullmatch(value):
        raise ValueError(f"{name} must be set to {expected}")
    return value
