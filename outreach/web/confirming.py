"""Asking once more for a password or code, before what sends, spends, or takes people's data out of the site.

A page that was asked for is led on to. A form is shown again as ``kept`` does, with the password's field: its button
sends the same form to its own page, and the guard reads the password on the way. Nothing is stored in between, and
nothing is done twice. What decides about texts (``LOOK_AGAIN``) is never sent from here: its page is shown anew.
"""

from __future__ import annotations

from typing import Final

from flask import Blueprint, Response, make_response, redirect, render_template, request, url_for
from flask_babel import lazy_gettext
from flask_login import current_user
from werkzeug.wrappers import Response as AnyResponse

from outreach.accounts import entering
from outreach.core.clock import Clock
from outreach.core.errors import ConflictError, NotFoundError
from outreach.serving import runtime
from outreach.web import kept
from outreach.web.account_words import account_error, asked_for, own_path, status_of
from outreach.web.kept_words import CONFIRM
from outreach.web.roles import allow
from outreach.web.signed_in import become, passwords

pages = Blueprint("confirming", __name__, url_prefix="/account/confirm")

ASKED: Final = 401
NOT_RIGHT: Final = lazy_gettext("This is not right. Look at capital letters, or wait for the next code.")


@pages.get("")
@allow("staff")
def show() -> AnyResponse:
    """Nothing was asked for: one's own account."""
    return redirect(url_for("account.show"))


@pages.post("")
@allow("staff", settling=True)
def give() -> AnyResponse:
    """A password or code; then on to the page that wanted it."""
    refused = _take()
    leads_to = own_path(request.form.get("next"))
    return _asked(leads_to, *refused) if refused else redirect(leads_to, code=303)


def ask_to_confirm() -> Response | None:
    """What somebody gets who must confirm first; None when this very form brought the password, and it is right."""
    refused: tuple[str, int] | None = ("", ASKED)
    if request.method == "POST" and CONFIRM in request.form:
        refused = _take()
    if refused is None:
        return None
    return _asked(asked_for() if request.method == "GET" else kept.page_before(), *refused)


def _take() -> tuple[str, int] | None:
    """Read the password or code of this form; None when it was right, else why not, and the answer's status."""
    typed = request.form.get(CONFIRM, "")
    try:
        token = entering.confirm(runtime(), passwords(), current_user.id, current_user.sign_in_id, typed)
    except (ConflictError, NotFoundError) as error:
        return account_error(error), status_of(error)
    if token is None:
        return str(NOT_RIGHT), 422
    become(token)
    current_user.confirmed_at = Clock.real_now()
    return None


def _asked(leads_to: str, problem: str, status: int) -> Response:
    form = kept.keep() if request.endpoint != "confirming.give" else None
    page = render_template(
        "accounts/confirm.html", kept=form, leads_to=leads_to, problem=problem, field=CONFIRM,
        pressed=request.method == "POST" and request.endpoint != "confirming.give" and form is None,
    )  # fmt: skip
    return make_response(page, status)
