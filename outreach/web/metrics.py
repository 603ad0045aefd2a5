"""``GET /metrics``, for a Prometheus that shows the token; without METRICS_TOKEN there is no such page."""

from __future__ import annotations

from hmac import compare_digest

from flask import Blueprint, Response, abort, request

from outreach.serving import runtime
from outreach.watch.metrics import CONTENT_TYPE, expose
from outreach.web.roles import PUBLIC, allow

pages = Blueprint("metrics", __name__)


@pages.get("/metrics")
@allow(PUBLIC)
def show() -> Response:
    """What stands where, for machines; 401 without ``Authorization: Bearer <token>``."""
    token = runtime().settings.metrics_token
    if token is None:
        abort(404)
    wanted = f"Bearer {token.get_secret_value()}".encode()
    if not compare_digest(request.headers.get("Authorization", "").encode("utf-8", "replace"), wanted):
        return Response("Unauthorized\n", 401, {"WWW-Authenticate": 'Bearer realm="metrics"'}, mimetype="text/plain")
    return Response(expose(runtime()), content_type=CONTENT_TYPE)
