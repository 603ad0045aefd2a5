"""Signing in: by name, password and code, or by a one-time link; and out."""

from __future__ import annotations

from typing import Final

from flask import Blueprint, abort, make_response, redirect, render_template, request, session, url_for
from flask_login import current_user
from werkzeug.wrappers import Response

from outreach.accounts import entering, sign_ins
from outreach.accounts.entering import HalfIn
from outreach.accounts.links import use_login_link
from outreach.accounts.role_rules import PASSWORD
from outreach.core.errors import ConflictError
from outreach.serving import runtime
from outreach.web.account_forms import CodeForm, SignInForm
from outreach.web.account_words import CODE_WRONG, WRONG, own_path, refuse, status_of, too_old
from outreach.web.known_browser import origin, remember
from outreach.web.roles import PUBLIC, allow
from outreach.web.signed_in import become, forget, passwords, this_device

pages = Blueprint("accounts", __name__)

HALF_IN: Final = "half_in"
"""In the cookie, between password and code: who, which password, and when. It opens nothing without a code."""
Page = Response | tuple[str, int] | str


@pages.get("/sign-in")
@allow(PUBLIC)
def sign_in() -> str:
    """The form."""
    return render_template("accounts/sign_in.html", form=SignInForm(formdata=None))


@pages.post("/sign-in")
@allow(PUBLIC)
def give_password() -> Page:
    """Name and password; then the code, where the account has an app for it."""
    form, held, where = SignInForm(), runtime(), origin()
    if not form.validate_on_submit():
        return render_template("accounts/sign_in.html", form=form), 422
    try:
        half = entering.check_password(held, passwords(), form.sign_in_name.data, form.password.data, where)
    except ConflictError as error:
        return _refused(form, error)
    if half is None:
        form.form_errors.append(WRONG)
        return render_template("accounts/sign_in.html", form=form), 422
    with held.db.snapshot() as reader:
        with_code = entering.needs_code(reader, half.user_id)
    if with_code:
        session[HALF_IN] = list(half)
        return redirect(url_for("accounts.ask_code", next=form.next.data or None), code=303)
    token = entering.finish(held, half, where, this_device(), None)
    return _enter(token, half, form.next.data) if token else redirect(url_for("accounts.sign_in"), code=303)


@pages.get("/sign-in/code")
@allow(PUBLIC)
def ask_code() -> Page:
    """The second step; without the first one, back to that."""
    if _half() is None:
        return redirect(url_for("accounts.sign_in"), code=303)
    form = CodeForm(formdata=None)
    form.next.data = request.args.get("next", "")
    return render_template("accounts/code.html", form=form)


@pages.post("/sign-in/code")
@allow(PUBLIC)
def give_code() -> Page:
    """Sign in by a code of the app, or by a recovery code."""
    form, half = CodeForm(), _half()
    if half is None:
        return redirect(url_for("accounts.sign_in"), code=303)
    if not form.validate_on_submit():
        return render_template("accounts/code.html", form=form), 422
    try:
        token = entering.finish(runtime(), half, origin(), this_device(), form.code.data)
    except ConflictError as error:
        refuse(form, error)
        return render_template("accounts/code.html", form=form), status_of(error)
    if token is None:
        form.code.errors = [CODE_WRONG]
        return render_template("accounts/code.html", form=form), 422
    return _enter(token, half, form.next.data)


@pages.get("/enter/<token>")
@allow(PUBLIC)
def enter(token: str) -> str:
    """A page with one button: a link that a mail scanner or preview fetches must not be spent by that."""
    return render_template("accounts/enter.html", token=token)


@pages.post("/enter/<token>")
@allow(PUBLIC)
def spend(token: str) -> Response:
    """Sign in, once. Outside a rehearsal this leads to a new password, and to nothing before that."""
    held, now = runtime(), runtime().clock.real_now()
    owes = None if held.settings.mode == "rehearsal" else PASSWORD
    with held.db.transaction() as tx:
        identity = use_login_link(tx, token, now)
        if identity is not None:
            entered = sign_ins.start(
                tx, identity.user_id, now, device=this_device(), confirmed=False, how="link", owes=owes
            )
    if identity is None:
        abort(403, too_old())
    _end_earlier()
    become(entered)
    return redirect(url_for("home.index"))


@pages.post("/leave")
@allow("staff", settling=True)
def leave() -> Response:
    """Sign out: the session is deleted, so its cookie opens nothing wherever it went."""
    with runtime().db.transaction() as tx:
        sign_ins.end(tx, current_user.id, current_user.sign_in_id)
    forget()
    return redirect(url_for("accounts.sign_in"))


def _enter(token: str, half: HalfIn, leads_to: str | None) -> Response:
    """They are in: a new session, and a browser that is known from now on."""
    _end_earlier()
    become(token)
    answer: Response = make_response(redirect(own_path(leads_to), code=303))
    remember(answer, half.user_id)
    return answer


def _end_earlier() -> None:
    """Whoever was signed in on this browser is so no more, not only in its cookie."""
    if current_user.is_authenticated:
        with runtime().db.transaction() as tx:
            sign_ins.end(tx, current_user.id, current_user.sign_in_id)


def _half() -> HalfIn | None:
    """What the first step left in the signed cookie."""
    found = session.get(HALF_IN)
    return HalfIn(*found) if isinstance(found, list) and len(found) == len(HalfIn._fields) else None


def _refused(form: SignInForm, error: ConflictError) -> Page:
    refuse(form, error)
    answer = make_response(render_template("accounts/sign_in.html", form=form), status_of(error))
    if answer.status_code == 503:
        answer.headers["Retry-After"] = "1"
    return answer
