"""An official's offices by hand: add one, describe one anew, remove one."""

from __future__ import annotations

from flask import Blueprint, abort, flash, redirect, render_template, url_for
from flask_babel import gettext
from flask_login import current_user
from flask_wtf import FlaskForm
from sqlalchemy import select
from sqlalchemy.orm import joinedload
from werkzeug.wrappers import Response

from outreach.calls.offices import change_office, remove_office
from outreach.core.errors import NotFoundError, OutreachError
from outreach.officials.models import Office
from outreach.officials.offices import add_office
from outreach.serving import runtime
from outreach.web.office_forms import OfficeForm, values_of
from outreach.web.official_words import in_words
from outreach.web.officials_reads import find_official
from outreach.web.roles import allow

pages = Blueprint("offices", __name__, url_prefix="/officials")

Page = str | Response | tuple[str, int]


@pages.route("/<int:official_id>/offices/new", methods=["GET", "POST"])
@allow("organizer")
def add(official_id: int) -> Page:
    """Add an office to an official."""
    held = runtime()
    with held.db.snapshot() as session:
        official = find_official(session, current_user.group_id, official_id)
    if official is None:
        abort(404)
    form = OfficeForm()
    if form.validate_on_submit():
        try:
            with held.db.transaction() as tx:
                add_office(tx, held, current_user.group_id, official_id, form.given())
        except OutreachError as error:
            form.refuse(error)
        else:
            flash(gettext("The office was added."))
            return _to_official(official_id)
    return render_template("officials/office.html", form=form, official=official), 422 if form.errors else 200


@pages.route("/offices/<int:office_id>", methods=["GET", "POST"])
@allow("organizer")
def edit(office_id: int) -> Page:
    """Describe an office anew."""
    held = runtime()
    office = _find(office_id)
    form = OfficeForm(office.zone, data=values_of(office))
    if form.validate_on_submit():
        try:
            with held.db.transaction() as tx:
                change_office(tx, held, current_user.group_id, office_id, form.given())
        except NotFoundError:
            abort(404)
        except OutreachError as error:
            form.refuse(error)
        else:
            flash(gettext("Saved."))
            return _to_official(office.official_id)
    return _show(form, office)


@pages.post("/offices/<int:office_id>/remove")
@allow("organizer")
def remove(office_id: int) -> Page:
    """Take an office off its official. Pressed twice, it is gone once."""
    held = runtime()
    office = _find(office_id, gone=True)
    try:
        with held.db.transaction() as tx:
            remove_office(tx, current_user.group_id, office_id)
    except NotFoundError:
        pass
    except OutreachError as error:
        form = OfficeForm(office.zone, formdata=None, data=values_of(office))
        form.form_errors = [in_words(error)]
        return _show(form, office)
    flash(gettext("The office is removed."))
    return _to_official(office.official_id)


def _find(office_id: int, *, gone: bool = False) -> Office:
    """An office of the person's group, with its official; 404 otherwise, and unless ``gone`` for a removed one."""
    query = select(Office).where(Office.id == office_id, Office.group_id == current_user.group_id)
    with runtime().db.snapshot() as session:
        office = session.execute(query.options(joinedload(Office.official))).scalar()
    if office is None or not (office.stands or gone):
        abort(404)
    return office


def _show(form: FlaskForm, office: Office) -> Page:
    page = render_template("officials/office.html", form=form, official=office.official, office=office)
    return page, 422 if form.errors else 200


def _to_official(official_id: int) -> Response:
    return redirect(url_for("officials.show", official_id=official_id, _anchor="offices"), code=303)
