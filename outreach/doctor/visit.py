"""One plain request, as a stranger outside would make it: no proxy, no redirect followed, the certificate looked at."""

from __future__ import annotations

import ssl
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from http.client import HTTPConnection, HTTPSConnection
from urllib.parse import urlsplit

SECONDS = 10.0
MOST = 64 * 1024


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back. ``certificate_ends``: None without TLS."""

    status: int
    text: str
    location: str
    certificate_ends: datetime | None


def visit(url: str, *, form: str | None = None, headers: Mapping[str, str] | None = None) -> Answer:
    """GET, or POST of a form. Raises OSError (a certificate that is not valid included) or HTTPException."""
    parts = urlsplit(url)
    connection = _connection(parts.scheme, parts.hostname or "", parts.port)
    try:
        wire = dict(headers or {})
        if form is not None:
            wire["Content-Type"] = "application/x-www-form-urlencoded"
        path = f"{parts.path or '/'}?{parts.query}" if parts.query else parts.path or "/"
        connection.request("GET" if form is None else "POST", path, form, wire)
        ends = _certificate_ends(connection)
        answer = connection.getresponse()
        text = answer.read(MOST).decode("utf-8", "replace")
        return Answer(answer.status, text, answer.headers.get("Location", ""), ends)
    finally:
        connection.close()


def _connection(scheme: str, host: str, port: int | None) -> HTTPConnection:
    if scheme == "https":
        return HTTPSConnection(host, port, timeout=SECONDS, context=ssl.create_default_context())
    return HTTPConnection(host, port, timeout=SECONDS)


def _certificate_ends(connection: HTTPConnection) -> datetime | None:
    if not isinstance(connection.sock, ssl.SSLSocket):
        return None
    certificate = connection.sock.getpeercert() or {}
    return datetime.fromtimestamp(ssl.cert_time_to_seconds(str(certificate["notAfter"])), UTC)
