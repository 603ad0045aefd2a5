"""Districts under People: named sets of ZIPs that segments ask for."""

from __future__ import annotations

from flask import Blueprint, abort, flash, redirect, render_template, url_for
from flask_babel import gettext
from flask_login import current_user
from werkzeug.wrappers import Response

from outreach.core.errors import ConflictError, NotFoundError, OutreachError
from outreach.people.districts import (
    change_district,
    create_district,
    delete_district,
    districts_of,
    find_district,
    zips_in,
)  # fmt: skip
from outreach.people.segment_models import District
from outreach.serving import runtime
from outreach.web.roles import allow
from outreach.web.segment_forms import DistrictForm
from outreach.web.segment_words import error_in_words

pages = Blueprint("districts", __name__, url_prefix="/people/districts")

Page = str | Response | tuple[str, int]


@pages.get("/")
@allow("staff")
def index() -> str:
    """The group's districts by name."""
    with runtime().db.snapshot() as session:
        districts = districts_of(session, current_user.group_id)
    return render_template("segments/districts.html", districts=districts)


@pages.route("/new", methods=["GET", "POST"])
@allow("organizer")
def new() -> Page:
    """A name and ZIPs. Sent twice, it makes one district."""
    form = DistrictForm()
    if form.validate_on_submit():
        try:
            zips = zips_in(form.zips.data)
            with runtime().db.transaction() as tx:
                create_district(tx, runtime(), current_user.group_id, form.name.data, zips)
        except OutreachError as error:
            form.refuse(error)
        else:
            return _saved()
    return _show(form)


@pages.route("/<int:district_id>", methods=["GET", "POST"])
@allow("organizer")
def edit(district_id: int) -> Page:
    """Another name, other ZIPs. What was launched with it keeps those that it had."""
    district = _find(district_id)
    form = DistrictForm(data={"name": district.name, "zips": " ".join(district.zips)})
    if form.validate_on_submit():
        try:
            zips = zips_in(form.zips.data)
            with runtime().db.transaction() as tx:
                change_district(tx, current_user.group_id, district_id, form.name.data, zips)
        except OutreachError as error:
            form.refuse(error)
        else:
            return _saved()
    return _show(form, district)


@pages.post("/<int:district_id>/delete")
@allow("organizer")
def delete(district_id: int) -> Response:
    """Forget a district; one that a segment asks for stays."""
    try:
        with runtime().db.transaction() as tx:
            delete_district(tx, current_user.group_id, district_id)
    except NotFoundError:
        abort(404)
    except ConflictError as error:
        flash(error_in_words(error), "error")
        return redirect(url_for("districts.edit", district_id=district_id), code=303)
    flash(gettext("The district is deleted."))
    return redirect(url_for("districts.index"), code=303)


def _find(district_id: int) -> District:
    try:
        with runtime().db.snapshot() as session:
            return find_district(session, current_user.group_id, district_id)
    except NotFoundError:
        abort(404)


def _saved() -> Response:
    flash(gettext("The district is saved."))
    return redirect(url_for("districts.index"), code=303)


def _show(form: DistrictForm, district: District | None = None) -> Page:
    return render_template("segments/district.html", form=form, district=district), 422 if form.errors else 200
