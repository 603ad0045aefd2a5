"""One's own account: password, authenticator app, recovery codes, and where one is signed in."""

from __future__ import annotations

from datetime import datetime

from flask import Blueprint, abort, flash, make_response, redirect, render_template, url_for
from flask_babel import gettext, ngettext
from flask_login import current_user
from sqlalchemy.exc import IntegrityError
from werkzeug.wrappers import Response

from outreach.accounts import authenticators, entering, sign_ins
from outreach.accounts.audit import record_audit
from outreach.accounts.passwords import check_password, check_sign_in_name
from outreach.accounts.role_rules import CODE, CODE_FROM, PASSWORD
from outreach.core.db import Transaction
from outreach.core.errors import BadInputError, NotFoundError, OutreachError
from outreach.serving import runtime
from outreach.web.account_forms import EnrolForm, FirstPasswordForm, NewPasswordForm
from outreach.web.account_words import SHORT, qr_code, refuse, status_of
from outreach.web.campaign_words import day_and_time
from outreach.web.known_browser import remember
from outreach.web.roles import allow, ranks
from outreach.web.signed_in import become, passwords

pages = Blueprint("account", __name__, url_prefix="/account")

Page = Response | tuple[str, int] | str


@pages.get("/")
@allow("staff")
def show() -> str:
    """Everything about it on one page."""
    held = runtime()
    now, comes_back = held.clock.real_now(), current_user.has_password or held.settings.mode != "rehearsal"
    with held.db.snapshot() as session:
        mine = sign_ins.sign_ins_of(session, current_user.id, now, comes_back=comes_back)
        left = authenticators.recovery_codes_left(session, current_user.id)
    return render_template(
        "account/show.html", sessions=mine, left=left, role=SHORT[current_user.role], when=day_and_time
    )


def settle() -> Response:
    """Where somebody is led who must set something up before anything else."""
    return redirect(url_for(f"account.{'password' if current_user.owes == PASSWORD else 'app'}"), code=303)


@pages.route("/password", methods=["GET", "POST"])
@allow("staff", fresh=True, settling=True)
def password() -> Page:
    """Set it, or another one; every other session of this account ends."""
    form = NewPasswordForm() if current_user.sign_in_name else FirstPasswordForm()
    if not form.is_submitted():
        return _password_page(form)
    if not form.validate() or not form.is_same():
        return _password_page(form), 422
    try:
        _set_password(form)
    except OutreachError as error:
        refuse(form, error)
        return _password_page(form), status_of(error)
    flash(gettext("Your password is set."))
    answer: Response = make_response(redirect(url_for("account.show"), code=303))
    remember(answer, current_user.id)
    return answer


def _set_password(form: NewPasswordForm) -> None:
    held, now = runtime(), runtime().clock.real_now()
    entry = current_user.sign_in_name or check_sign_in_name(form.data["sign_in_name"])
    kept = check_password(form.password.data, entry, current_user.name)
    with passwords().turn():
        hashed = passwords().hash(kept)
    try:
        with held.db.transaction() as tx:
            token = _keep_password(tx, entry, hashed, now)
    except IntegrityError:  # somebody took the name between our look and our write
        raise BadInputError("sign_in_name_taken") from None
    become(token)


def _keep_password(tx: Transaction, entry: str, hashed: str, now: datetime) -> str:
    if not current_user.sign_in_name and entering.is_taken(tx, entry):
        raise BadInputError("sign_in_name_taken")
    entering.set_password(tx, current_user.id, hashed, now, sign_in_name=entry)
    record_audit(
        tx, group_id=current_user.group_id, actor=current_user.name, action="password_set",
        subject=f"users:{current_user.id}", at=now,
    )  # fmt: skip
    if current_user.owes == PASSWORD:
        then = CODE if ranks(current_user.role, CODE_FROM) else None
        sign_ins.settle(tx, current_user.id, current_user.sign_in_id, then)
    sign_ins.end_all(tx, current_user.id, now, but=current_user.sign_in_id)
    return sign_ins.confirm(tx, current_user.id, current_user.sign_in_id, now)


@pages.route("/app", methods=["GET", "POST"])
@allow("staff", fresh=True, settling=True)
def app() -> Page:
    """An authenticator app, in place of any other; its first code confirms it."""
    if current_user.owes == PASSWORD or not current_user.sign_in_name:
        return redirect(url_for("account.password"), code=303)
    held, now, form = runtime(), runtime().clock.real_now(), EnrolForm()
    if not form.is_submitted():
        return _app_page(form, None)
    secret = authenticators.open_offer(held.vault, form.offer.data or "", current_user.id, now)
    if secret is None:
        form.form_errors = [gettext("This page was open for too long. Scan the new code.")]
        return _app_page(form, None), 422
    if not form.validate():
        return _app_page(form, secret), 422
    try:
        with held.db.transaction() as tx:
            codes = authenticators.enrol(tx, held.vault, current_user.id, secret, form.code.data, now)
            sign_ins.settle(tx, current_user.id, current_user.sign_in_id, None)
            sign_ins.end_all(tx, current_user.id, now, but=current_user.sign_in_id)
    except BadInputError as error:
        refuse(form, error)
        return _app_page(form, secret), 422
    return render_template("account/recovery.html", codes=codes)


@pages.post("/recovery-codes")
@allow("staff", fresh=True)
def recovery_codes() -> str:
    """Ten new ones, shown once."""
    held, now = runtime(), runtime().clock.real_now()
    if not current_user.has_code:
        abort(404)
    with held.db.transaction() as tx:
        codes = authenticators.new_recovery_codes(tx, held.vault, current_user.id, now)
    return render_template("account/recovery.html", codes=codes)


@pages.post("/sessions/<int:sign_in_id>/end")
@allow("staff")
def end_session(sign_in_id: int) -> Response:
    """Sign out on another browser."""
    held = runtime()
    try:
        with held.db.transaction() as tx:
            sign_ins.end_one(tx, current_user.id, sign_in_id, held.clock.real_now())
    except NotFoundError:
        abort(404)
    flash(gettext("Signed out there."))
    return redirect(url_for("account.show"), code=303)


@pages.post("/sessions/end-others")
@allow("staff")
def end_others() -> Response:
    """Sign out everywhere but here."""
    with runtime().db.transaction() as tx:
        count = _end_others(tx)
    flash(ngettext("Signed out in %(num)s other place.", "Signed out in %(num)s other places.", count))
    return redirect(url_for("account.show"), code=303)


def _end_others(tx: Transaction) -> int:
    return sign_ins.end_all(tx, current_user.id, runtime().clock.real_now(), but=current_user.sign_in_id)


def _password_page(form: NewPasswordForm) -> str:
    return render_template("account/password.html", form=form)


def _app_page(form: EnrolForm, secret: str | None) -> str:
    """The page with a secret to scan: a new one, or the one whose code was wrong."""
    held = runtime()
    offer = authenticators.make_offer(held.vault, current_user.id, held.clock.real_now(), secret)
    form.offer.data, form.code.data = offer.sealed, ""
    address = authenticators.address_for_app(offer.secret, current_user.sign_in_name, "outreach")
    groups = " ".join(offer.secret[start : start + 4] for start in range(0, len(offer.secret), 4))
    return render_template("account/app.html", form=form, secret=groups, code=qr_code(address))
