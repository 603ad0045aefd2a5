"""Signing in by a one-time link, and out."""

from __future__ import annotations

from flask import Blueprint, Flask, Response, abort, current_app, make_response, redirect, render_template, url_for
from flask_login import LoginManager, UserMixin, login_user, logout_user
from werkzeug.wrappers import Response as WerkzeugResponse

from outreach.accounts.links import Identity, find_user, use_login_link
from outreach.core.runtime import Runtime

pages = Blueprint("accounts", __name__)


class SignedIn(UserMixin):  # type: ignore[misc]
    """The user of a session."""

    def __init__(self, identity: Identity) -> None:
        self.id = identity.user_id
        self.group_id = identity.group_id
        self.name = identity.name
        self.role = identity.role


def set_up_login(app: Flask) -> None:
    """Sessions are looked up in the database on every request, so a removed user is out at once."""
    manager = LoginManager(app)
    manager.session_protection = "strong"

    @manager.user_loader  # type: ignore[untyped-decorator]
    def load(user_id: str) -> SignedIn | None:
        runtime: Runtime = app.extensions["outreach"]
        with runtime.db.snapshot() as session:
            identity = find_user(session, int(user_id)) if user_id.isdigit() else None
        return SignedIn(identity) if identity else None


def ask_to_sign_in() -> Response:
    """What somebody without a session gets."""
    return make_response(render_template("sign_in.html"), 401)


@pages.get("/sign-in")
def sign_in() -> str:
    """How to get a link."""
    return render_template("sign_in.html")


@pages.get("/enter/<token>")
def enter(token: str) -> str:
    """A page with one button: a link that a mail scanner or preview fetches must not be spent by that."""
    return render_template("enter.html", token=token)


@pages.post("/enter/<token>")
def spend(token: str) -> WerkzeugResponse:
    """Sign in, once."""
    runtime: Runtime = current_app.extensions["outreach"]
    with runtime.db.transaction() as tx:
        identity = use_login_link(tx, token, runtime.clock.real_now())
    if identity is None:
        abort(403, "This link was used already or is too old. Ask for a new one.")
    login_user(SignedIn(identity))
    return redirect(url_for("campaigns.overview"))


@pages.post("/leave")
def leave() -> WerkzeugResponse:
    """Sign out."""
    logout_user()
    return redirect(url_for("accounts.sign_in"))
