"""Webhooks as Twilio sends them: forms and signatures, computed apart from the code under test."""

from __future__ import annotations

import base64
import hashlib
import hmac
import secrets
from collections.abc import Mapping

from config.settings import Settings


def sign(token: str, url: str, form: Mapping[str, str]) -> str:
    """Base64 of HMAC-SHA1 over the URL and the sorted names and values, as Twilio's security page describes it."""
    text = url + "".join(f"{key}{form[key]}" for key in sorted(form))
    return base64.b64encode(hmac.new(token.encode(), text.encode(), hashlib.sha1).digest()).decode()


def signed(settings: Settings, path: str, form: Mapping[str, str]) -> dict[str, str]:
    """The headers of a signed webhook to one of our paths."""
    token = settings.twilio_auth_token.get_secret_value()
    return {"X-Twilio-Signature": sign(token, settings.public_base_url + path, form)}


def inbound(settings: Settings, sender: str, body: str, **more: str) -> dict[str, str]:
    """A text from a person."""
    sid = f"SM{secrets.token_hex(16)}"
    return {
        "ToCountry": "US", "SmsMessageSid": sid, "NumMedia": "0", "SmsSid": sid, "SmsStatus": "received", "Body": body,
        "To": settings.twilio_from_number or "+14805550100", "NumSegments": "1", "MessageSid": sid, "From": sender,
        "AccountSid": settings.twilio_account_sid, "ApiVersion": "2010-04-01", **more,
    }  # fmt: skip


def report(settings: Settings, sid: str, status: str, **more: str) -> dict[str, str]:
    """A status callback."""
    return {
        "MessageSid": sid, "SmsSid": sid, "MessageStatus": status, "SmsStatus": status, "ApiVersion": "2010-04-01",
        "AccountSid": settings.twilio_account_sid, "From": settings.twilio_from_number or "+14805550100", **more,
    }  # fmt: skip


def call_form(settings: Settings, sid: str, person: str, **more: str) -> dict[str, str]:
    """What Twilio asks of us during a call that we placed."""
    ours = settings.twilio_from_number or "+14805550100"
    return {
        "CallSid": sid, "AccountSid": settings.twilio_account_sid, "ApiVersion": "2010-04-01", "From": ours,
        "To": person, "Caller": ours, "Called": person, "CallStatus": "in-progress", "Direction": "outbound-api",
        "CalledCity": "PHOENIX", "CalledState": "AZ", "CalledZip": "85004", "CalledCountry": "US", **more,
    }  # fmt: skip
