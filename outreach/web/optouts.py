"""Bringing a file of numbers that must get no texts."""

from __future__ import annotations

from typing import Any, Final

from flask import Blueprint, flash, redirect, render_template, request, session, url_for
from flask_babel import gettext, lazy_gettext
from flask_login import current_user
from flask_wtf import FlaskForm
from flask_wtf.file import FileField, FileRequired
from werkzeug.wrappers import Response
from wtforms import RadioField, SelectChoice, TextAreaField
from wtforms.validators import DataRequired

from outreach.core.errors import BadInputError
from outreach.people.cells import Problem
from outreach.people.optouts import REASON_LENGTH, OptOutReport, import_opt_outs
from outreach.serving import runtime
from outreach.web.entry_forms import at_most, clean
from outreach.web.people_words import FILE_ERRORS, error_in_words, problem_in_words
from outreach.web.roles import allow, ranks

pages = Blueprint("optouts", __name__, url_prefix="/people/opt-outs")

MOST_BYTES: Final = 20 * 1024 * 1024
MOST_ROWS: Final = 20_000
"""More than that takes longer than a browser should wait; the command has no limit."""
FORM_BYTES: Final = 1024 * 1024
"""What may stand in the form beside its file."""
PROBLEMS_SHOWN: Final = 20
DONE: Final = "opt_outs_done"
"""Where a session keeps what the last file did: rows and codes, no numbers. It goes into a cookie, so it is short."""
ERRORS: Final = {
    "optout_too_many_rows": lazy_gettext(
        "The file has %(rows)s rows; up to %(most)s can be read here. Ask the person who runs this site to bring it "
        "with the command: outreach optouts import"
    ),
    "optout_no_rows": FILE_ERRORS["upload_no_rows"],
    "upload_too_large": FILE_ERRORS["upload_too_large"],
}


class OptOutForm(FlaskForm):  # type: ignore[misc]
    """A file of numbers, why they must get no texts, and for whom that holds."""

    file = FileField(
        lazy_gettext("File of numbers"), validators=[FileRequired(lazy_gettext("Please choose a file first."))],
        render_kw={"accept": ".csv,.tsv,.txt,.xlsx,text/csv"},
    )  # fmt: skip
    reason = TextAreaField(
        lazy_gettext("Why must these numbers get no texts?"),
        filters=[clean],
        validators=[DataRequired(lazy_gettext("Please say where the list comes from.")), at_most(REASON_LENGTH)],
        render_kw={"rows": 2},
    )
    scope = RadioField(
        lazy_gettext("Who must not text them?"),
        choices=[
            SelectChoice("all", lazy_gettext("No group of this site may text or call them")),
            SelectChoice("group", lazy_gettext("Only my group may not")),
        ],
        default="all",
    )


@pages.url_value_preprocessor
def take_large_files(endpoint: str | None, _values: dict[str, Any] | None) -> None:
    """This view takes files, from people who may bring them. Here, because the check for CSRF reads the form next."""
    may_bring = current_user.is_authenticated and ranks(current_user.role, "organizer")
    if endpoint == "optouts.bring" and request.method == "POST" and may_bring:
        request.max_content_length = MOST_BYTES + FORM_BYTES


@pages.get("")
@allow("organizer")
def form() -> str:
    """The form, and once what the last file did."""
    done = session.pop(DONE, None)
    problems = [(row, problem_in_words(Problem(row, None, code, code))) for row, code in done["some"]] if done else []
    return render_template("people/optouts.html", form=OptOutForm(formdata=None), done=done, problems=problems)


@pages.post("")
@allow("organizer")
def bring() -> Response | tuple[str, int]:
    """Suppress every number in the file. The same file again changes nothing, so a second press does no harm."""
    given = OptOutForm()
    if not given.validate_on_submit():
        return _refused(given)
    try:
        report = _read(given)
    except BadInputError as error:
        words = ERRORS[error.code] % error.details if error.code in ERRORS else error_in_words(error)
        given.file.errors = [*given.file.errors, words]
        return _refused(given)
    flash(gettext("The file was read."))
    some = [(one.row, one.code) for one in report.problems[:PROBLEMS_SHOWN]]
    counts = {"suppressed": report.suppressed, "known": report.known, "invalid": report.invalid, "rows": report.rows}
    session[DONE] = {"counts": counts, "some": some, "problems": len(report.problems)}
    return redirect(url_for("optouts.form"), code=303)


def _read(given: OptOutForm) -> OptOutReport:
    data = given.file.data.read(MOST_BYTES + 1)
    if len(data) > MOST_BYTES:
        raise BadInputError("upload_too_large", most=MOST_BYTES // 1024 // 1024)
    return import_opt_outs(
        runtime(), current_user.group_id, data, reason=given.reason.data, recorded_by=current_user.name,
        group_only=given.scope.data == "group", most_rows=MOST_ROWS,
    )  # fmt: skip


def _refused(given: OptOutForm) -> tuple[str, int]:
    return render_template("people/optouts.html", form=given, done=None, problems=[]), 422
