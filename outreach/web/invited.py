"""The page behind an invitation's link: choose a name and a password, once."""

from __future__ import annotations

from flask import Blueprint, abort, make_response, redirect, render_template, url_for
from werkzeug.wrappers import Response

from outreach.accounts import invitations
from outreach.accounts.invitations import Offered
from outreach.core.errors import OutreachError
from outreach.serving import runtime
from outreach.web.account_forms import AcceptForm, NewPasswordForm
from outreach.web.account_words import SHORT, refuse, status_of, too_old
from outreach.web.known_browser import remember
from outreach.web.public_limits import may_look
from outreach.web.roles import PUBLIC, allow
from outreach.web.signed_in import become, passwords, this_device

pages = Blueprint("invited", __name__, url_prefix="/invitation")

Page = Response | tuple[str, int] | str


@pages.get("/<token>")
@allow(PUBLIC)
def show(token: str) -> Page:
    """What the invitation is for, and the form. Looking spends nothing."""
    offer = _offer(token)
    if offer.sign_in_name:
        return _shown(token, offer, NewPasswordForm(formdata=None))
    form = AcceptForm(formdata=None)
    form.name.data = offer.meant_for
    return _shown(token, offer, form)


@pages.post("/<token>")
@allow(PUBLIC)
def accept(token: str) -> Page:
    """Make the account and sign in; an authenticator app is asked for next where the role wants one."""
    offer = _offer(token)
    form = NewPasswordForm() if offer.sign_in_name else AcceptForm()
    if not form.validate_on_submit() or not form.is_same():
        return _shown(token, offer, form), 422
    given = form.data
    try:
        entered = invitations.accept(
            runtime(), passwords(), token, name=given.get("name") or "", sign_in_name=given.get("sign_in_name") or "",
            password=form.password.data, device=this_device(),
        )  # fmt: skip
    except OutreachError as error:
        refuse(form, error)
        return _shown(token, offer, form), status_of(error)
    become(entered.token)
    answer: Response = make_response(redirect(url_for("home.index"), code=303))
    remember(answer, entered.user_id)
    return answer


def _offer(token: str) -> Offered:
    """What the token offers; 429 for whoever tries many, 404 for one that opens nothing."""
    if not may_look():
        abort(429)
    with runtime().db.snapshot() as session:
        found = invitations.offered(session, token, runtime().clock.real_now())
    if found is None:
        abort(404, too_old())
    return found


def _shown(token: str, offer: Offered, form: NewPasswordForm) -> str:
    return render_template("accounts/invitation.html", token=token, offer=offer, form=form, role=SHORT[offer.role])
