"""The groups of this instance, for who runs it: making one, and inviting its first admin. Nothing else of them."""

from __future__ import annotations

from flask import Blueprint, abort, flash, redirect, render_template, url_for
from flask_babel import gettext
from werkzeug.wrappers import Response

from outreach.accounts import colleagues as use_cases
from outreach.core.errors import NotFoundError, OutreachError
from outreach.serving import runtime
from outreach.web.account_forms import GroupForm
from outreach.web.account_words import account_error, refuse
from outreach.web.campaign_words import day_and_time
from outreach.web.colleagues import link_page, me
from outreach.web.roles import allow

pages = Blueprint("groups", __name__, url_prefix="/administration/groups")

Page = Response | tuple[str, int] | str


@pages.get("/")
@allow("instance")
def index() -> str:
    """Their names, and whether an admin of theirs can sign in."""
    return _index(GroupForm(formdata=None))


@pages.post("/")
@allow("instance", fresh=True)
def add() -> Page:
    """Make a group."""
    form, held = GroupForm(), runtime()
    if not form.validate_on_submit():
        return _index(form), 422
    try:
        with held.db.transaction() as tx:
            use_cases.add_group(tx, me(), form.group_name.data, held.clock.now(), held.clock.real_now())
    except OutreachError as error:
        refuse(form, error)
        return _index(form), 422
    flash(gettext("The group is there. Invite its first admin."))
    return redirect(url_for("groups.index"), code=303)


@pages.post("/<int:group_id>/invite")
@allow("instance", fresh=True)
def invite(group_id: int) -> Page:
    """A link for the first admin of a group."""
    held = runtime()
    try:
        with held.db.transaction() as tx:
            token = use_cases.invite_first_admin(tx, me(), group_id, held.clock.real_now())
    except NotFoundError:
        abort(404)
    except OutreachError as error:
        flash(account_error(error), "error")
        return redirect(url_for("groups.index"), code=303)
    return link_page(token, gettext("the group's first admin"))


def _index(form: GroupForm) -> str:
    with runtime().db.snapshot() as session:
        groups = use_cases.groups_of(session)
    return render_template("groups/index.html", form=form, groups=groups, when=day_and_time)
