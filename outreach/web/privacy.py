"""What a person may ask of the group: all that it keeps about them, or to be forgotten. And lists as files."""

from __future__ import annotations

import json
from typing import Any

from flask import Blueprint, Response, abort, flash, redirect, render_template, request, url_for
from flask_babel import gettext, lazy_gettext, ngettext
from flask_login import current_user
from flask_wtf import FlaskForm
from werkzeug.wrappers import Response as WerkzeugResponse
from wtforms import BooleanField, RadioField, SelectChoice, SelectField, StringField
from wtforms.validators import DataRequired

from outreach.core.errors import NotFoundError
from outreach.core.xlsx_out import MIME, to_xlsx
from outreach.privacy.disclosure import disclose
from outreach.privacy.erasure import Erased, erase_number, number_of_person
from outreach.privacy.people_files import HEADER, PeopleFile, people_file
from outreach.privacy.reasons import REASON_LENGTH
from outreach.serving import runtime
from outreach.web.entry_forms import at_most, clean
from outreach.web.people_forms import EVERYBODY, chosen_list
from outreach.web.people_reads import lists_of
from outreach.web.person_reads import PersonPage, person_page
from outreach.web.roles import allow

pages = Blueprint("privacy", __name__, url_prefix="/people")

CSV, XLSX = "csv", "xlsx"


class ReasonForm(FlaskForm):  # type: ignore[misc]
    """Why somebody does it."""

    because = StringField(
        lazy_gettext("Why"),
        filters=[clean],
        validators=[DataRequired(lazy_gettext("Say why. It is noted with your name.")), at_most(REASON_LENGTH)],
        render_kw={"autocomplete": "off"},
    )


class ExportForm(ReasonForm):
    """Whom, for what, and with or without numbers."""

    list = SelectField(lazy_gettext("List"), coerce=chosen_list, validate_choice=False, default=EVERYBODY)
    numbers = BooleanField(lazy_gettext("With phone numbers and e-mail addresses"))
    kind = RadioField(
        lazy_gettext("Kind of file"),
        choices=[SelectChoice(CSV, lazy_gettext("CSV")), SelectChoice(XLSX, lazy_gettext("Excel"))],
        default=CSV,
    )

    def offer(self, lists: Any) -> None:
        """The lists to choose from: rows of id and name."""
        self.list.choices = [(EVERYBODY, lazy_gettext("Everybody")), *((row.id, row.name) for row in lists)]


@pages.get("/export")
@allow("organizer")
def export_form() -> str:
    """Whom, and what for."""
    form = ExportForm(formdata=None)
    form.list.data = request.args.get("list", EVERYBODY, type=int)
    return _export_page(form)


@pages.post("/export")
@allow("organizer", fresh=True)
def export() -> Response | tuple[str, int]:
    """The file, once there is a reason for it."""
    form = ExportForm()
    if not form.validate_on_submit():
        return _export_page(form), 422
    try:
        file = people_file(
            runtime(), current_user.group_id, list_name=_chosen_name(form.list.data), reason=form.because.data,
            actor=current_user.name, with_numbers=form.numbers.data,
        )  # fmt: skip
    except NotFoundError:
        abort(404)
    return _download(file, form.kind.data)


@pages.get("/<int:person_id>/data")
@allow("organizer")
def data_form(person_id: int) -> str:
    """What is kept of a person, as a file for them; and the way to forget them."""
    return render_template("people/data.html", person=_person(person_id), form=ReasonForm(formdata=None))


@pages.post("/<int:person_id>/data")
@allow("organizer", fresh=True)
def data(person_id: int) -> Response | tuple[str, int]:
    """Everything that is kept, as JSON."""
    form, person = ReasonForm(), _person(person_id)
    if not form.validate_on_submit():
        return render_template("people/data.html", person=person, form=form), 422
    found = disclose(
        runtime(), current_user.group_id, _number(person_id) or b"", reason=form.because.data, actor=current_user.name
    )
    answer = Response(json.dumps(found, indent=2, ensure_ascii=False) + "\n", mimetype="application/json")
    answer.headers["Content-Disposition"] = f'attachment; filename="person-{person_id}.json"'
    return answer


@pages.get("/<int:person_id>/erase")
@allow("organizer")
def erase_form(person_id: int) -> str:
    """Asks once more before somebody is forgotten."""
    return render_template("people/erase.html", person=_person(person_id), form=ReasonForm(formdata=None))


@pages.post("/<int:person_id>/erase")
@allow("organizer", fresh=True)
def erase(person_id: int) -> tuple[str, int] | WerkzeugResponse:
    """Forget the person, once; whoever presses again hears that it is done."""
    form, hashed = ReasonForm(), _number(person_id)
    if hashed is None:
        flash(gettext("This person was deleted before."))
        return redirect(url_for("people.overview"), code=303)
    if not form.validate_on_submit():
        return render_template("people/erase.html", person=_person(person_id), form=form), 422
    erased = erase_number(runtime(), current_user.group_id, hashed, reason=form.because.data, actor=current_user.name)
    flash(_told(erased))
    return redirect(url_for("people.overview"), code=303)


def _told(erased: Erased) -> str:
    said = [gettext("The person was deleted.")]
    if erased.canceled:
        count = erased.canceled
        said.append(ngettext("%(num)s waiting text was canceled.", "%(num)s waiting texts were canceled.", count))
    if erased.in_doubt:
        said.append(gettext("A text that may be under way keeps its words until that is known."))
    return " ".join(said)


def _number(person_id: int) -> bytes | None:
    """The person's hash, None for one who was erased; another group's is a 404."""
    try:
        return number_of_person(runtime(), current_user.group_id, person_id)
    except NotFoundError:
        abort(404)


def _person(person_id: int) -> PersonPage:
    held = runtime()
    try:
        with held.db.snapshot() as session:
            return person_page(session, held, current_user.group_id, person_id)
    except NotFoundError:
        abort(404)


def _export_page(form: ExportForm) -> str:
    with runtime().db.snapshot() as session:
        form.offer(lists_of(session, current_user.group_id))
    return render_template("people/export.html", form=form)


def _chosen_name(list_id: int) -> str | None:
    """The name of the chosen list, None for everybody; another group's is a 404."""
    if list_id == EVERYBODY:
        return None
    with runtime().db.snapshot() as session:
        names = {row.id: row.name for row in lists_of(session, current_user.group_id)}
    if list_id not in names:
        abort(404)
    return str(names[list_id])


def _download(file: PeopleFile, kind: str) -> Response:
    """The file as it is written; nothing of it is kept here."""
    if kind == XLSX:
        answer = Response(to_xlsx(HEADER, file.rows()), mimetype=MIME)
    else:
        answer = Response(file.as_csv(), mimetype="text/csv")
    answer.headers["Content-Disposition"] = f'attachment; filename="people.{kind}"'
    return answer
