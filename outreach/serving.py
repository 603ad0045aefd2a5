"""What every view and webhook reaches for."""

from __future__ import annotations

import re
from typing import Final
from urllib.parse import urlsplit

import structlog
from flask import Response, current_app, request
from werkzeug.routing import IntegerConverter, Map

from config.settings import HOST, Settings
from outreach.core.runtime import Runtime
from outreach.messaging.sign_up_rules import is_ours

log = structlog.get_logger(__name__)

PROBES: Final = frozenset({"/healthz", "/readyz", "/metrics"})
"""Asked for by machines, by the address of a container or the number of a host."""
OWN: Final = re.compile(r"/(?![/\\])[^\x00-\x1f\x7f\\]*")
"""A path on this site: one slash, then no other, nothing that a browser would leave out or turn round."""
_STANDARD_PORTS: Final = (":443", ":80")


class DatabaseId(IntegerConverter):
    """An id that a database can hold; a longer number is no address at all."""

    def __init__(self, map: Map) -> None:
        super().__init__(map, max=2**63 - 1)


def runtime() -> Runtime:
    """The runtime of the app that serves this request."""
    held: Runtime = current_app.extensions["outreach"]
    return held


def refuse_strange_hosts() -> Response | None:
    """A host name that cannot be one breaks every address we would write; so no page can be drawn either."""
    return None if HOST.fullmatch(request.host) else _refused("Bad Request", 400)


def refuse_other_hosts() -> Response | None:
    """The same; and once the site is published, a name that is not its own.

    Whoever points a name of theirs here could otherwise have our pages, and what they read there, under it. Health
    checks come from this machine or its network, by whatever name it has for us.
    """
    strange = refuse_strange_hosts()
    settings = runtime().settings
    if strange or not settings.is_published or is_served(settings, request.host):
        return strange
    if request.path in PROBES and is_ours(request.remote_addr):
        return None
    log.warning("host_refused", host=request.host)
    return _refused("This site is not served under this name. Whoever runs it: see ALLOWED_HOSTS.", 421)


def is_served(settings: Settings, host: str) -> bool:
    """Whether pages are served under this name. Case, a full stop at the end and a usual port make no other name."""
    names = {urlsplit(settings.public_base_url).netloc, *settings.allowed_hosts}
    return _plain(host) in {_plain(name) for name in names}


def own_address(given: str, usual: str = "/") -> str:
    """An address of ours to go back to, as a form or a browser names it; ``usual`` for any other.

    Browsers leave control characters out and take a backslash for a slash, so ``/<tab>/example.org`` is another site.
    """
    return given if OWN.fullmatch(given) else usual


def _plain(host: str) -> str:
    name = host.lower()
    for port in _STANDARD_PORTS:
        name = name.removesuffix(port)
    return name.removesuffix(".")


def _refused(words: str, status: int) -> Response:
    return Response(words, status=status, mimetype="text/plain")
