"""Who may see what. Every view declares its role; a view that declares none is refused, and a test finds it.

staff read; organizers write; admins run their group; instance admins run the site for all its groups, and see no more
of another group than they did before. Each may do what those before it may. What sends or spends, or takes people's
data out of the site, also wants a password or code that was given in the last ten minutes (``fresh``).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final, TypeVar

from flask import Flask, abort, request
from flask_login import current_user
from werkzeug.wrappers import Response

from outreach.accounts.role_rules import PASSWORD, RANKS, ranks

__all__ = ["PUBLIC", "allow", "declared_role", "guard", "ranks", "wants_fresh"]

PUBLIC: Final = "public"

View = TypeVar("View", bound=Callable[..., object])


def allow(role: str, *, fresh: bool = False, settling: bool = False) -> Callable[[View], View]:
    """Declare the least role that may call a view; ``public`` needs no login. Put it below the route.

    ``fresh``: only shortly after a password or code. ``settling``: also open to who must still set up their account.
    """
    assert role == PUBLIC or role in RANKS, role  # noqa: S101  a typing mistake of ours

    def declare(view: View) -> View:
        view.role, view.fresh, view.settling = role, fresh, settling  # type: ignore[attr-defined]
        return view

    return declare


def declared_role(app: Flask, endpoint: str) -> str | None:
    """The role that an endpoint's view declares; None when it forgot to."""
    role: str | None = getattr(app.view_functions[endpoint], "role", None)
    return role


def wants_fresh(app: Flask, endpoint: str) -> bool:
    """Whether an endpoint's view asks for a password or code anew."""
    return bool(getattr(app.view_functions[endpoint], "fresh", False))


def guard(
    app: Flask, sign_in: Callable[[], Response], settle: Callable[[], Response], confirm: Callable[[], Response | None]
) -> None:
    """Refuse every request whose view does not allow it: 401 without a login, 403 with too small a role.

    Who must set something up first is led there (``settle``); ``confirm`` asks for a password, or has been given
    it: also before an app is set up, or whoever finds a browser in the middle of that would set up theirs.
    """

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
        if current_user.owes and not getattr(app.view_functions[request.endpoint], "settling", False):
            return settle()
        if current_user.owes == PASSWORD:  # nothing to confirm by yet
            return None
        if wants_fresh(app, request.endpoint) and not current_user.is_fresh():
            return confirm()
        return None
