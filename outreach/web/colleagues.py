"""The people of one's group, for its admins: who there is, inviting, roles, resetting, taking out."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from flask import Blueprint, abort, flash, redirect, render_template, url_for
from flask_babel import gettext
from flask_login import current_user
from werkzeug.wrappers import Response

from outreach.accounts import colleagues as use_cases
from outreach.accounts import invitations
from outreach.accounts.invitations import Actor
from outreach.accounts.role_rules import may_act_on, roles_to_give
from outreach.core.db import Transaction
from outreach.core.errors import NotFoundError, OutreachError
from outreach.serving import runtime
from outreach.web.account_forms import InviteForm, RoleForm
from outreach.web.account_words import SHORT, account_error, qr_code, refuse
from outreach.web.campaign_words import day_and_time
from outreach.web.roles import allow

pages = Blueprint("colleagues", __name__, url_prefix="/administration/people")

Page = Response | tuple[str, int] | str


@pages.get("/")
@allow("admin")
def index() -> str:
    """Everybody, open invitations, and the form for another."""
    form = InviteForm(formdata=None)
    form.role.data = "staff"
    return _index(form)


@pages.post("/invite")
@allow("admin", fresh=True)
def invite() -> Page:
    """Make an invitation; its link is on the answer, and nowhere else ever."""
    form = InviteForm().offer(roles_to_give(current_user.role))
    if not form.validate_on_submit():
        return _index(form), 422
    now = runtime().clock.real_now()
    try:
        with runtime().db.transaction() as tx:
            token = invitations.invite(tx, me(), role=form.role.data, meant_for=form.meant_for.data, now=now)
    except OutreachError as error:
        refuse(form, error)
        return _index(form), 422
    return link_page(token, form.meant_for.data)


@pages.post("/invitations/<int:invitation_id>/revoke")
@allow("admin")
def revoke(invitation_id: int) -> Response:
    """Take an invitation back. Pressed twice, it is taken back once."""
    try:
        with runtime().db.transaction() as tx:
            invitations.revoke(tx, me(), invitation_id, runtime().clock.real_now())
    except NotFoundError:
        abort(404)
    flash(gettext("Taken back. The link opens nothing any more."))
    return redirect(url_for("colleagues.index"), code=303)


@pages.get("/<int:user_id>")
@allow("admin")
def show(user_id: int) -> str:
    """One colleague, and what can be done."""
    user = _user(user_id)
    form = RoleForm(formdata=None).offer(roles_to_give(current_user.role))
    form.role.data = user.role
    return _shown(user, form)


@pages.post("/<int:user_id>/role")
@allow("admin", fresh=True)
def change_role(user_id: int) -> Page:
    """Another role; it ends their sessions."""
    form = RoleForm().offer(roles_to_give(current_user.role))
    if not form.validate_on_submit():
        return _shown(_user(user_id), form), 422
    rehearsal = runtime().settings.mode == "rehearsal"
    told = _done(lambda tx, now: use_cases.change_role(
        tx, me(), user_id, form.role.data, now, rehearsal=rehearsal
    ))  # fmt: skip
    return _back(user_id, told, gettext("The role is changed. They sign in again."))


@pages.post("/<int:user_id>/deactivate")
@allow("admin", fresh=True)
def deactivate(user_id: int) -> Page:
    """They get in no more."""
    rehearsal = runtime().settings.mode == "rehearsal"
    told = _done(lambda tx, now: use_cases.deactivate(tx, me(), user_id, now, rehearsal=rehearsal))
    if told is None:
        flash(gettext("Deactivated. They are signed out everywhere and get in no more."))
        return redirect(url_for("colleagues.index"), code=303)
    return _back(user_id, told, "")


@pages.post("/<int:user_id>/reset")
@allow("admin", fresh=True)
def reset(user_id: int) -> Page:
    """A new link for somebody who has lost their phone or password."""
    user, token = _user(user_id), ""
    if user_id == current_user.id:
        return _back(user_id, gettext("For yourself there is your own account's page."), "")

    def act(tx: Transaction, now: Any) -> None:
        nonlocal token
        token = use_cases.reset(tx, me(), user_id, now)

    told = _done(act)
    return link_page(token, user.name) if told is None else _back(user_id, told, "")


def me() -> Actor:
    """Who does it."""
    return Actor(current_user.group_id, current_user.name, current_user.role)


def link_page(token: str, meant_for: str) -> str:
    """An invitation's link, once."""
    address = f"{runtime().settings.public_base_url}{url_for('invited.show', token=token)}"
    days = invitations.VALID_FOR.days
    return render_template(
        "colleagues/link.html", address=address, code=qr_code(address), meant_for=meant_for, days=days
    )


def _done(act: Callable[[Transaction, Any], None]) -> str | None:
    """None when it was done, else why not; 404 for who is none of the group's."""
    try:
        with runtime().db.transaction() as tx:
            act(tx, runtime().clock.real_now())
    except NotFoundError:
        abort(404)
    except OutreachError as error:
        return account_error(error)
    return None


def _back(user_id: int, told: str | None, done: str) -> Response:
    flash(told or done, "error" if told else "message")
    # Whoever has taken their own role is signed out, and may not see this page any more.
    return redirect(url_for("colleagues.show", user_id=user_id), code=303)


def _user(user_id: int) -> Any:
    with runtime().db.snapshot() as session:
        rows = use_cases.users_of(session, current_user.group_id)
    found = next((row for row in rows if row.id == user_id), None)
    if found is None:
        abort(404)
    return found


def _index(form: InviteForm) -> str:
    now = runtime().clock.real_now()
    form.offer(roles_to_give(current_user.role))
    with runtime().db.snapshot() as session:
        users = use_cases.users_of(session, current_user.group_id)
        invited = invitations.open_invitations(session, current_user.group_id, now)
    return render_template(
        "colleagues/index.html", form=form, users=users, invited=invited, roles=SHORT, when=day_and_time
    )


def _shown(user: Any, form: RoleForm) -> str:
    may = user.deactivated_at is None and may_act_on(current_user.role, user.role)
    return render_template(
        "colleagues/show.html", user=user, form=form, may=may, roles=SHORT, when=day_and_time,
        myself=user.id == current_user.id,
    )  # fmt: skip
