"""Reads the form of a create as Twilio does, and says with its codes what is wrong with it. Pure."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from urllib.parse import urlsplit

from outreach.rehearsal.account import E164, SERVICE_SID, Account
from outreach.rehearsal.errors import Refusal

MAX_BODY = 1600
DEFAULT_VALIDITY = 36_000
SOONEST = timedelta(minutes=15)
LATEST = timedelta(days=35)
AMERICAN = re.compile(r"\+1(?!555)(?![2-9]11)[2-9]\d{2}(?![2-9]11)[2-9]\d{6}")
HOST = re.compile(r"[a-z0-9.:\-]+")
"""Names and addresses; Twilio takes no underscore."""


@dataclass(frozen=True, slots=True)
class Create:
    """A create request that may be carried out."""

    to: str
    body: str
    sender: str | None
    service_sid: str | None
    callback: str | None
    validity: int
    """Domain seconds that it may wait before it leaves."""
    send_at: datetime | None


def read_create(form: Mapping[str, str], account: Account, now: datetime) -> Create:
    """Check a create; ``now`` is domain time. Raises Refusal with the first thing that is wrong."""
    to = form.get("To", "").strip()
    if not to:
        raise Refusal(21604)
    sender, service_sid = _sender(form, account)
    body = form.get("Body", "")
    if not body.strip():
        raise Refusal(21602)
    if len(body) > MAX_BODY:
        raise Refusal(21617)
    check_recipient(to)
    if to in (sender, account.number):
        raise Refusal(21266)
    return Create(
        to=to,
        body=body,
        sender=sender,
        service_sid=service_sid,
        callback=_callback(form.get("StatusCallback", "")),
        validity=_validity(form.get("ValidityPeriod", "")),
        send_at=_send_at(form, now) if service_sid else None,
    )


def _sender(form: Mapping[str, str], account: Account) -> tuple[str | None, str | None]:
    sender = form.get("From", "").strip() or None
    service_sid = form.get("MessagingServiceSid", "").strip() or None
    if sender is None and service_sid is None:
        raise Refusal(21603)
    if service_sid is not None and not SERVICE_SID.fullmatch(service_sid):
        raise Refusal(21705)
    if service_sid is not None and service_sid != account.service_sid:
        raise Refusal(21701)
    if sender is not None and not E164.fullmatch(sender):
        raise Refusal(21212)
    if sender is not None and sender != account.number:
        raise Refusal(21606)
    return sender, service_sid


def check_recipient(to: str) -> None:
    """Raises Refusal unless this account may text the number."""
    if not E164.fullmatch(to):
        raise Refusal(21211)
    if not to.startswith("+1"):
        raise Refusal(21408)
    if not AMERICAN.fullmatch(to):
        raise Refusal(21211)


def _callback(url: str) -> str | None:
    return web_address(url, 21609) if url else None


def web_address(url: str, code: int) -> str:
    """The URL as it is. Raises Refusal with the code unless a webhook may be sent to it."""
    try:
        parts = urlsplit(url)
        port_fits = parts.port != 0
    except ValueError:
        raise Refusal(code) from None
    host_fits = HOST.fullmatch(parts.hostname or "")
    if parts.scheme not in ("http", "https") or not host_fits or not port_fits or len(url) > 4000:
        raise Refusal(code)
    return url


def _validity(given: str) -> int:
    if not given:
        return DEFAULT_VALIDITY
    if not (given.isascii() and given.isdigit() and len(given) <= 5 and 1 <= int(given) <= DEFAULT_VALIDITY):
        raise Refusal(21624)
    return int(given)


def _send_at(form: Mapping[str, str], now: datetime) -> datetime | None:
    """Scheduling needs a Messaging Service; without one Twilio drops these parameters and sends at once."""
    kind = form.get("ScheduleType", "")
    given = form.get("SendAt", "")
    if not kind:
        return None
    if kind != "fixed":
        raise Refusal(20001)
    if not given:
        raise Refusal(35111)
    try:
        when = datetime.fromisoformat(given)
    except ValueError:
        raise Refusal(35114) from None
    when = when if when.tzinfo else when.replace(tzinfo=UTC)
    if not now + SOONEST <= when <= now + LATEST:
        raise Refusal(35114)
    return when
