"""Signing in by a one-time link, and out."""

from __future__ import annotations

from flask import Blueprint, Flask, abort, redirect, render_template, url_for
from flask_babel import gettext
from flask_login import LoginManager, UserMixin, current_user, login_user, logout_user
from werkzeug.wrappers import Response

from outreach.accounts.links import Identity, find_user, use_login_link
from outreach.core.runtime import Runtime
from outreach.serving import runtime
from outreach.web.roles import PUBLIC, allow

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
    app.jinja_env.globals["typed_by"] = _for_whom
    manager.session_protection = "basic"  # phones change their network in the middle of a page

    @manager.user_loader  # type: ignore[untyped-decorator]
    def load(user_id: str) -> SignedIn | None:
        held: Runtime = app.extensions["outreach"]
        with held.db.snapshot() as session:
            identity = find_user(session, int(user_id)) if user_id.isdigit() else None
        return SignedIn(identity) if identity else None


def _for_whom() -> str | None:
    """The id of who is signed in: every form carries it."""
    found: str | None = current_user.get_id()
    return found


@pages.get("/sign-in")
@allow(PUBLIC)
def sign_in() -> str:
    """How to get a link."""
    return render_template("accounts/sign_in.html")


@pages.get("/enter/<token>")
@allow(PUBLIC)
def enter(token: str) -> str:
    """A page with one button: a link that a mail scanner or preview fetches must not be spent by that."""
    return render_template("accounts/enter.html", token=token)


@pages.post("/enter/<token>")
@allow(PUBLIC)
def spend(token: str) -> Response:
    """Sign in, once."""
    held = runtime()
    with held.db.transaction() as tx:
        identity = use_login_link(tx, token, held.clock.real_now())
    if identity is None:
        abort(403, gettext("This link was used already or is too old. Ask for a new one."))
    login_user(SignedIn(identity))
    return redirect(url_for("home.index"))


@pages.post("/leave")
@allow("staff")
def leave() -> Response:
    """Sign out."""
    logout_user()
    return redirect(url_for("accounts.sign_in"))
