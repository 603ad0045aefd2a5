"""Coalition partners: the list, and one organization with whom we talk to there."""

from __future__ import annotations

from collections.abc import Callable
from typing import ClassVar

from flask import Blueprint, abort, flash, redirect, render_template, url_for
from flask_babel import gettext, lazy_gettext
from flask_login import current_user
from werkzeug.wrappers import Response
from wtforms import StringField, TextAreaField

from outreach.core.db import Transaction
from outreach.core.errors import NotFoundError, OutreachError
from outreach.officials.partners import (
    NAME_LENGTH,
    Given,
    change_partner,
    contact_of,
    get_partner,
    make_partner,
    partners_of,
)  # fmt: skip
from outreach.officials.plan_models import Partner
from outreach.serving import runtime
from outreach.web.entry_forms import at_most, clean
from outreach.web.plan_forms import CONTACT_LENGTH, NOTE_LENGTH, WordsForm
from outreach.web.roles import allow

pages = Blueprint("partners", __name__, url_prefix="/meetings/partners")

Page = str | Response | tuple[str, int]


class PartnerForm(WordsForm):
    """An organization that we work with."""

    field_of: ClassVar = {"partner_name": "organization", "partner_taken": "organization"}

    organization = StringField(lazy_gettext("Organization"), filters=[clean], validators=[at_most(NAME_LENGTH)])
    does = TextAreaField(
        lazy_gettext("What they do"), filters=[clean], validators=[at_most(NOTE_LENGTH)], render_kw={"rows": 2}
    )
    together = TextAreaField(
        lazy_gettext("Where we can work together"), filters=[clean], validators=[at_most(NOTE_LENGTH)],
        render_kw={"rows": 2},
    )  # fmt: skip
    contact_name = StringField(lazy_gettext("Whom we talk to"), filters=[clean], validators=[at_most(NAME_LENGTH)])
    email = StringField(lazy_gettext("Their e-mail"), filters=[clean], validators=[at_most(CONTACT_LENGTH)])
    phone = StringField(lazy_gettext("Their phone"), filters=[clean], validators=[at_most(40)])

    def given(self) -> Given:
        """What the use cases take."""
        same = ("does", "together", "contact_name", "email", "phone")
        return Given(self.organization.data, **{name: self[name].data for name in same})


@pages.get("/")
@allow("staff")
def index() -> str:
    """The group's partners."""
    with runtime().db.snapshot() as session:
        partners = [(one, contact_of(runtime().vault, one)) for one in partners_of(session, current_user.group_id)]
    return render_template("plans/partners.html", partners=partners)


@pages.route("/new", methods=["GET", "POST"])
@allow("organizer")
def new() -> Page:
    """A new partner."""
    form = PartnerForm()
    return _save(
        form, None,
        lambda tx: make_partner(tx, runtime(), current_user.group_id, form.given(), by=current_user.name),
    )  # fmt: skip


@pages.route("/<int:partner_id>", methods=["GET", "POST"])
@allow("organizer")
def edit(partner_id: int) -> Page:
    """Describe a partner anew."""
    try:
        with runtime().db.snapshot() as session:
            row = get_partner(session, current_user.group_id, partner_id)
    except NotFoundError:
        abort(404)
    contact = contact_of(runtime().vault, row)
    values = {"organization": row.name, "does": row.does, "together": row.together}
    values |= {"contact_name": contact.get("name", "")} | {key: contact.get(key, "") for key in ("email", "phone")}
    form = PartnerForm(data=values)
    return _save(form, row, lambda tx: change_partner(tx, runtime(), current_user.group_id, partner_id, form.given()))


def _save(form: PartnerForm, row: Partner | None, act: Callable[[Transaction], Partner]) -> Page:
    if form.validate_on_submit():
        try:
            with runtime().db.transaction() as tx:
                act(tx)
        except OutreachError as error:
            form.refuse(error)
        else:
            flash(gettext("Saved."))
            return redirect(url_for("partners.index"), code=303)
    return render_template("plans/partner.html", form=form, row=row), 422 if form.errors else 200
