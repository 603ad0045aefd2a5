"""Who may see what. Every view declares its role; a view that declares none is refused, and a test finds it.

staff read; organizers write; admins run their group; instance admins run the site for all its groups, and see no more
of another group than they did before. Each may do what those before it may.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final, TypeVar

from flask import Flask, Response, abort, request
from flask_login import current_user

RANKS: Final = {"staff": 1, "organizer": 2, "admin": 3, "instance": 4}
PUBLIC: Final = "public"

View = TypeVar("View", bound=Callable[..., object])


def allow(role: str) -> Callable[[View], View]:
    """Declare the least role that may call a view; ``public`` needs no login. Put it below the route."""
    assert role == PUBLIC or role in RANKS, role  # noqa: S101  a typing mistake of ours

    def declare(view: View) -> View:
        view.role = role  # type: ignore[attr-defined]
        return view

    return declare


def ranks(role: str, least: str) -> bool:
    """Whether somebody of this role may do what asks for ``least``; an unknown role may nothing."""
    return RANKS.get(role, 0) >= RANKS[least]


def declared_role(app: Flask, endpoint: str) -> str | None:
    """The role that an endpoint's view declares; None when it forgot to."""
    role: str | None = getattr(app.view_functions[endpoint], "role", None)
    return role


def guard(app: Flask, sign_in: Callable[[], Response]) -> None:
    """Refuse every request whose view does not allow it: 401 without a login, 403 with too small a role."""

    @app.before_request
    def check() -> Response | None:
        if request.endpoint is None:  # no such route: the 404 tells nothing
            return None
        role = declared_role(app, request.endpoint)
        if role == PUBLIC:
            return None
        if not current_user.is_authenticated:
            return sign_in()
        if role is None or not ranks(current_user.role, role):
            abort(403)
        return None
