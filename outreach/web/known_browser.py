"""A signed cookie of a browser that has signed in before: it counts its failed tries by itself, whoever else fails.

It holds a random id and the ids of the users, and signs nobody in.
"""

from __future__ import annotations

import secrets
from datetime import timedelta
from typing import Final

from flask import current_app, request
from itsdangerous import BadSignature, URLSafeTimedSerializer
from werkzeug.wrappers import Response

from outreach.accounts.attempts import Origin
from outreach.messaging.sign_up_rules import network_of
from outreach.serving import runtime
from outreach.web.public_limits import address

LASTS: Final = timedelta(days=365)
MOST_USERS: Final = 8
"""Users of one browser that are remembered, the latest."""


def origin() -> Origin:
    """Where this request comes from."""
    device, users = _read()
    return Origin(network_of(address()), device or None, frozenset(users))


def remember(response: Response, user_id: int) -> None:
    """This browser has signed this user in."""
    device, users = _read()
    latest = [user_id, *(one for one in users if one != user_id)][:MOST_USERS]
    response.set_cookie(
        _name(), _signer().dumps([device or secrets.token_urlsafe(16), latest]), max_age=LASTS, httponly=True,
        secure=bool(current_app.config["SESSION_COOKIE_SECURE"]), samesite="Lax",
    )  # fmt: skip


def _read() -> tuple[str, list[int]]:
    try:
        device, users = _signer().loads(request.cookies.get(_name(), ""), max_age=int(LASTS.total_seconds()))
    except BadSignature:
        return "", []
    return device, users


def _signer() -> URLSafeTimedSerializer:
    return URLSafeTimedSerializer(current_app.config["SECRET_KEY"], salt="known-browser")


def _name() -> str:
    """Cookies know no ports: two rehearsals on one machine share them otherwise."""
    settings = runtime().settings
    return f"browser-{settings.port}" if settings.mode == "rehearsal" else "browser"
