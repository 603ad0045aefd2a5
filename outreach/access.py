"""One line in the log for each request, and the ids that join it with the other lines of the same request.

The line is written without the masking processors, which would cost a webhook as much as its signature does: so nothing
that anybody typed may stand in it. It names the route's pattern, never the path, and of its parameters the numeric ids.
"""

from __future__ import annotations

import json
import time
from datetime import UTC, datetime
from typing import Final

from flask import Flask, Response, g, request
from structlog.contextvars import bind_contextvars, unbind_contextvars

from outreach.core.latencies import Latencies
from outreach.core.logs import ACCESS, access_log
from outreach.core.request_ids import HEADER, request_id_from

METHODS: Final = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})
NO_ROUTE: Final = "-"
_CLASSES: Final = {1: "1xx", 2: "2xx", 3: "3xx", 4: "4xx", 5: "5xx"}


def note_requests(app: Flask, kind: str, latencies: Latencies) -> None:
    """Log and time every request of this app; call it before anything else of the app can answer one.

    ``kind``: page or webhook, under which ``latencies`` counts it.
    """

    @app.before_request
    def begin() -> None:
        g.request_began = time.perf_counter()
        g.request_id = request_id_from(request.headers.get(HEADER))
        g.request_ids = {}
        note_ids(request_id=g.request_id, **_row_ids())

    @app.after_request
    def note(response: Response) -> Response:
        if "request_began" not in g:  # it was refused before it began
            return response
        seconds = time.perf_counter() - g.request_began
        response.headers[HEADER] = g.request_id
        status = response.status_code
        counted_as = g.get("request_counted_as") or _CLASSES.get(status // 100, "5xx")
        latencies.observe(kind, (_place(kind), counted_as), seconds)
        if access_log.isEnabledFor(ACCESS):
            access_log.log(ACCESS, _line(kind, status, seconds))
        return response

    @app.teardown_request
    def end(_error: BaseException | None) -> None:
        unbind_contextvars(*g.pop("request_ids", ()))


def note_ids(**ids: str | int) -> None:
    """Put ids into every later line of this request. Of a shape that was checked: the access line masks nothing."""
    g.request_ids.update(ids)
    bind_contextvars(**ids)


def count_as(status: str) -> None:
    """Count this request under a status of its own, one word of ours, instead of its code's class."""
    g.request_counted_as = status


def _row_ids() -> dict[str, int]:
    """The numeric parameters of the route: ids of rows, and steps. A request for records has an id of the same name."""
    given = request.view_args or {}
    return {f"row_{name}" if name == "request_id" else name: each for name, each in given.items() if type(each) is int}


def _place(kind: str) -> str:
    """Where a request went, in one of a few dozen words: a page's blueprint, or a webhook's view."""
    if request.endpoint is None:
        return "none"
    blueprint, _, view = request.endpoint.rpartition(".")
    return view if kind == "webhook" else blueprint or view


def _line(kind: str, status: int, seconds: float) -> str:
    return json.dumps({
        "event": "request", "kind": kind,
        "method": request.method if request.method in METHODS else "other",
        "route": request.url_rule.rule if request.url_rule else NO_ROUTE, **g.request_ids,
        "status": status, "ms": round(seconds * 1000, 2),
        "level": "info", "timestamp": datetime.now(UTC).isoformat(timespec="milliseconds"),
    })  # fmt: skip
