"""Webhooks as Twilio sends them, signed: the parameters of its pages, and the whole request in bytes. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import urlencode, urlsplit

from twilio.request_validator import RequestValidator

from config.settings import Settings

API_VERSION = "2010-04-01"


@dataclass(frozen=True, slots=True)
class Signer:
    """Makes requests of one account to the site at ``base``."""

    base: str
    account: str
    token: str
    ours: str

    @classmethod
    def of(cls, settings: Settings) -> Signer:
        """The one that this site believes."""
        return cls(
            settings.public_base_url,
            settings.twilio_account_sid,
            settings.twilio_auth_token.get_secret_value(),
            settings.twilio_from_number or "",
        )

    def status(self, attempt_id: int, sid: str, to: str, word: str) -> bytes:
        """A status callback."""
        form = {
            "AccountSid": self.account,
            "ApiVersion": API_VERSION,
            "From": self.ours,
            "MessageSid": sid,
            "MessageStatus": word,
            "SmsSid": sid,
            "SmsStatus": word,
            "To": to,
        }
        return self.request(f"/twilio/status/{attempt_id}", form)

    def text(self, sid: str, sender: str, body: str) -> bytes:
        """A text from a person."""
        form = {
            "AccountSid": self.account,
            "ApiVersion": API_VERSION,
            "Body": body,
            "From": sender,
            "FromCountry": "US",
            "MessageSid": sid,
            "NumMedia": "0",
            "NumSegments": "1",
            "SmsMessageSid": sid,
            "SmsSid": sid,
            "SmsStatus": "received",
            "To": self.ours,
            "ToCountry": "US",
        }
        return self.request("/twilio/sms", form)

    def call(self, where: str, sid: str, to: str, **more: str) -> bytes:
        """What is asked during a call of ours; ``where``: session and step."""
        form = {
            "AccountSid": self.account,
            "ApiVersion": API_VERSION,
            "CallSid": sid,
            "CallStatus": "in-progress",
            "Called": to,
            "Caller": self.ours,
            "Direction": "outbound-api",
            "From": self.ours,
            "To": to,
            **more,
        }
        return self.request(f"/twilio/voice/{where}", form)

    def request(self, path: str, form: Mapping[str, str]) -> bytes:
        """One HTTP/1.1 request, kept alive."""
        signature = RequestValidator(self.token).compute_signature(self.base + path, dict(form))
        body = urlencode(form).encode()
        head = (
            f"POST {path} HTTP/1.1\r\nHost: {urlsplit(self.base).netloc}\r\nUser-Agent: TwilioProxy/1.1\r\n"
            "Content-Type: application/x-www-form-urlencoded; charset=utf-8\r\n"
            f"X-Twilio-Signature: {signature}\r\nContent-Length: {len(body)}\r\n\r\n"
        )
        return head.encode() + body
