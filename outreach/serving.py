"""What every view and webhook reaches for."""

from __future__ import annotations

import re

from flask import Response, current_app, request
from werkzeug.routing import IntegerConverter, Map

from outreach.core.runtime import Runtime

HOST = re.compile(
    r"(?:(?:[A-Za-z0-9-]{1,63}\.){0,10}[A-Za-z0-9-]{1,63}\.?|\[[0-9A-Fa-f:.]{2,45}\])(?::[0-9]{1,5})?", re.ASCII
)
"""What can be a host's name."""


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
    return None if HOST.fullmatch(request.host) else Response("Bad Request", status=400, mimetype="text/plain")
