"""The public address: is it ours, is its certificate good, and does what Twilio signs come through unchanged."""

from __future__ import annotations

import json
import secrets
import ssl
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from hmac import compare_digest
from http.client import HTTPException
from typing import Final, Literal
from urllib.parse import urlencode, urlsplit

from twilio.request_validator import RequestValidator

from config.settings import Settings, is_local
from outreach.core.proof import proof
from outreach.doctor.examined import Examined
from outreach.doctor.findings import Finding, finding
from outreach.doctor.visit import Answer, visit

SOON, ENDS = 14, 3
"""Days that a certificate is still good for: renewal is late, renewal does not work."""
BODY: Final = "¡Sí! 100% & más: ¿a qué hora? ñ"
"""Letters that a proxy which re-writes forms does not leave alone."""
PROBE: Final = "/twilio/probe"


@dataclass(frozen=True, slots=True)
class Reached:
    """What became of a request. ``reason`` says why there was no answer; ``proved``: it bears our proof."""

    status: int = 0
    location: str = ""
    reason: str = ""
    trouble: Literal["", "certificate", "connection"] = ""
    proved: bool = False
    certificate_ends: datetime | None = None


def look_from_outside(held: Examined) -> Iterator[Finding]:
    """Visit ``/healthz`` at PUBLIC_BASE_URL, as Twilio would."""
    settings = held.settings
    nonce = secrets.token_hex(16)
    reached = _reach(f"{settings.public_base_url}/healthz?nonce={nonce}", nonce, settings)
    yield judge_address(reached, settings.public_base_url, rehearsal=held.rehearsal)
    if reached.certificate_ends is not None:
        yield judge_certificate(reached.certificate_ends, held.runtime.clock.real_now())


def judge_address(reached: Reached, url: str, *, rehearsal: bool) -> Finding:
    """Whether strangers reach this site there, and no other."""
    details = {"url": url, "host": urlsplit(url).hostname}
    if is_local(url) and not rehearsal:
        return finding("address.public", "private", **details)
    if reached.trouble:
        outcome = "certificate" if reached.trouble == "certificate" else "unreachable"
        return finding("address.public", outcome, reason=reached.reason, **details)
    if 300 <= reached.status < 400:
        return finding("address.public", "redirected", location=_origin(reached.location), **details)
    if reached.status != 200:
        return finding("address.public", "status", status=reached.status, **details)
    return finding("address.public", "ok" if reached.proved else "not_ours", **details)


def judge_certificate(ends: datetime, now: datetime) -> Finding:
    """How long the certificate is still good for, real time."""
    days = (ends - now) // timedelta(days=1)
    outcome = "ends" if days < ENDS else "soon" if days < SOON else "ok"
    return finding("address.certificate", outcome, days=days)


def look_at_signature(held: Examined) -> Iterator[Finding]:
    """Send a text as Twilio would, signed, to an address that keeps nothing of it."""
    settings = held.settings
    nonce = secrets.token_hex(16)
    url = settings.public_base_url + PROBE
    form = probe_form(settings, nonce)
    validator = RequestValidator(settings.twilio_auth_token.get_secret_value())
    signature = {"X-Twilio-Signature": str(validator.compute_signature(url, form))}
    yield judge_signature(_reach(url, nonce, settings, form=urlencode(form), headers=signature))


def probe_form(settings: Settings, nonce: str) -> dict[str, str]:
    """The parameters of an incoming text; its sid carries the nonce. The person's number belongs to nobody."""
    return {
        "AccountSid": settings.twilio_account_sid,
        "ApiVersion": "2010-04-01",
        "Body": BODY,
        "From": "+16025550199",
        "MessageSid": f"SM{nonce}",
        "NumMedia": "0",
        "NumSegments": "1",
        "To": settings.twilio_from_number or "+14805550100",
    }


def judge_signature(reached: Reached) -> Finding:
    """Whether a text that Twilio signs would be taken."""
    if reached.trouble:
        return finding("address.signature", "unreachable", reason=reached.reason)
    if reached.status == 403:
        return finding("address.signature", "refused")
    if 300 <= reached.status < 400:
        return finding("address.signature", "redirected", location=_origin(reached.location))
    if reached.status != 200:
        return finding("address.signature", "status", status=reached.status)
    return finding("address.signature", "ok" if reached.proved else "not_ours")


def look_at_pages(held: Examined) -> Iterator[Finding]:
    """Open the page on which people sign in: pages answer to their own name alone, what Twilio asks for to any."""
    try:
        status = visit(f"{held.settings.public_base_url}/sign-in").status
    except (OSError, HTTPException) as error:
        yield finding("address.pages", "unreachable", reason=type(error).__name__)
        return
    yield judge_pages(status, held.settings.public_base_url)


def judge_pages(status: int, url: str) -> Finding:
    """Whether people can open a page. 421: it was asked for by another name than that of ``url``."""
    outcome = {200: "ok", 421: "another_name"}.get(status, "status")
    return finding("address.pages", outcome, status=status, host=urlsplit(url).netloc)


def look_whether_ready(held: Examined) -> Iterator[Finding]:
    """What ``/readyz`` says of the web process's own database, schema and Redis."""
    try:
        answer = visit(f"{held.settings.public_base_url}/readyz")
        said = json.loads(answer.text)
        away = [name for name in ("database", "migrations", "redis") if not said[name]]
    except (OSError, HTTPException, ValueError, KeyError, TypeError) as error:
        yield finding("address.ready", "unreadable", reason=type(error).__name__)
        return
    yield finding("address.ready", "not_ready" if away else "ok", away=", ".join(away))


def _reach(url: str, nonce: str, settings: Settings, **request: object) -> Reached:
    try:
        answer: Answer = visit(url, **request)  # type: ignore[arg-type]  # passed on as they are
    except ssl.SSLCertVerificationError as error:
        return Reached(reason=error.verify_message, trouble="certificate")
    except (OSError, HTTPException) as error:
        return Reached(reason=getattr(error, "strerror", None) or type(error).__name__, trouble="connection")
    expected = proof(settings.secret_key.get_secret_value(), nonce)
    proved = any(compare_digest(expected.encode(), said.encode()) for said in (answer.text, _proof_in(answer.text)))
    return Reached(answer.status, answer.location, proved=proved, certificate_ends=answer.certificate_ends)


def _proof_in(text: str) -> str:
    try:
        return str(json.loads(text)["proof"])
    except (ValueError, KeyError, TypeError):
        return ""


def _origin(location: str) -> str:
    """Where a redirect leads, without what may stand behind the host."""
    parts = urlsplit(location)
    return f"{parts.scheme}://{parts.hostname}" if parts.hostname else "another path"
