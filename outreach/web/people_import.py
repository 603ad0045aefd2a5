"""Bringing a file of people: upload, a look at what would happen, and a person's yes or no.

The address of an upload shows it in whatever state it is, so the back button and a second press find out what the
first press did.
"""

from __future__ import annotations

import csv
import io
from typing import Any

from flask import Response, abort, flash, redirect, render_template, request, url_for
from flask_babel import gettext
from flask_login import current_user
from sqlalchemy import select
from werkzeug.wrappers import Response as WerkzeugResponse

from outreach.core.errors import BadInputError, ConflictError, NotFoundError
from outreach.people.columns import ColumnMap
from outreach.people.models import ContactList, Upload
from outreach.people.uploads import (
    MOST_BYTES,
    MOST_ROWS,
    cancel_upload,
    confirm_upload,
    find_upload,
    is_importable,
    is_undecided,
    keep_upload,
    preview_upload,
    waiting_uploads,
)  # fmt: skip
from outreach.serving import runtime
from outreach.web.people import pages
from outreach.web.people_forms import UploadForm
from outreach.web.people_reads import lists_of
from outreach.web.people_words import FATES, FIELDS, TEMPLATE, WHOLE_NAME, error_in_words, problem_in_words
from outreach.web.roles import RANKS, allow
from outreach.web.samples import as_download, people_file

__all__ = ("pages",)

PROBLEMS_SHOWN = 200
FORM_BYTES = 1024 * 1024
"""What may stand in a form beside its file."""


@pages.url_value_preprocessor
def take_large_files(endpoint: str | None, _values: dict[str, Any] | None) -> None:
    """This one view takes files, from people who may import. Here, because the check for CSRF reads the form next."""
    may_import = current_user.is_authenticated and RANKS.get(current_user.role, 0) >= RANKS["organizer"]
    if endpoint == "people.upload" and may_import:
        request.max_content_length = MOST_BYTES + FORM_BYTES


@pages.get("/import")
@allow("organizer")
def import_form() -> str:
    """The form, and the files that nobody has decided on."""
    return _form(UploadForm(formdata=None))


@pages.get("/import/template.csv")
@allow("organizer")
def template() -> Response:
    """An empty file with the columns that we read."""
    text = io.StringIO()
    csv.writer(text).writerow([str(column) for column in TEMPLATE])
    return as_download(text.getvalue().encode(), "template.csv")


@pages.get("/import/sample.csv")
@allow("organizer")
def sample() -> Response:
    """Invented people, to try the import with."""
    return people_file()


@pages.post("/import")
@allow("organizer")
def upload() -> str | tuple[str, int] | WerkzeugResponse:
    """Keep a file that can be imported; nobody in it is stored yet."""
    form, held = UploadForm(), runtime()
    if not form.validate_on_submit():
        return _form(form), 422
    file = form.file.data
    try:
        upload_id = keep_upload(
            held, current_user.group_id, file.read(MOST_BYTES + 1), file_name=file.filename.replace("\0", ""),
            list_name=form.list_name.data, consent=form.consent.data or None, by=current_user.name,
        )  # fmt: skip
    except BadInputError as error:
        form.refuse(error)
        return _form(form), 422
    return redirect(url_for("people.preview", upload_id=upload_id), code=303)


@pages.get("/import/<int:upload_id>")
@allow("organizer")
def preview(upload_id: int) -> str:
    """What an import would do, or what it did."""
    held = runtime()
    found = _upload(upload_id)
    if not is_undecided(found.state, found.changed_at, held.clock.real_now()):
        with held.db.snapshot() as session:
            own = (ContactList.group_id == found.group_id, ContactList.name == found.list_name)
            list_id = session.execute(select(ContactList.id).where(*own)).scalar()
        return render_template("people/ended.html", upload=found, fates=FATES, list_id=list_id)
    foreseen = preview_upload(held, found)
    report = foreseen.report
    return render_template(
        "people/preview.html",
        upload=found,
        mapping=_mapping(foreseen.columns),
        refusals=[foreseen.columns.header[one.column].strip() for one in foreseen.columns.refusals],
        unused=_unused(foreseen.columns),
        rows=report.rows,
        counts=report.counts,
        fates=FATES,
        problems=[(one, problem_in_words(one)) for one in report.problems[:PROBLEMS_SHOWN]],
        problem_count=len(report.problems),
        too_many=None if is_importable(found.rows) else _too_many(found),
    )


@pages.post("/import/<int:upload_id>/confirm")
@allow("organizer")
def confirm(upload_id: int) -> WerkzeugResponse:
    """Import, once; whoever presses again is shown what the first press did."""
    try:
        confirm_upload(runtime(), current_user.group_id, upload_id, by=current_user.name)
    except NotFoundError:
        abort(404)
    except BadInputError as error:
        flash(error_in_words(error), "error")
    except ConflictError:
        pass  # the page of the upload says what became of it
    return redirect(url_for("people.preview", upload_id=upload_id), code=303)


@pages.post("/import/<int:upload_id>/cancel")
@allow("organizer")
def cancel(upload_id: int) -> WerkzeugResponse:
    """Forget the file."""
    try:
        cancel_upload(runtime(), current_user.group_id, upload_id)
    except NotFoundError:
        abort(404)
    except ConflictError:
        return redirect(url_for("people.preview", upload_id=upload_id), code=303)
    flash(gettext("The file was thrown away. Nobody was imported."))
    return redirect(url_for("people.import_form"), code=303)


def _form(form: UploadForm) -> str:
    held = runtime()
    with held.db.snapshot() as session:
        lists = lists_of(session, current_user.group_id)
        waiting = waiting_uploads(session, current_user.group_id, held.clock.real_now())
    return render_template(
        "people/import.html", form=form, lists=lists, waiting=waiting, megabytes=MOST_BYTES // 1024 // 1024
    )


def _upload(upload_id: int) -> Upload:
    held = runtime()
    try:
        with held.db.snapshot() as session:
            return find_upload(session, current_user.group_id, upload_id, held.clock.real_now())
    except NotFoundError:
        abort(404)


def _mapping(columns: ColumnMap) -> list[tuple[str, str]]:
    """Their column and our field; several columns of one field stand in the order in which they are tried."""
    pairs = []
    for field, indexes in columns.columns.items():
        words = WHOLE_NAME if field == "first_name" and columns.whole_name else FIELDS[field]
        pairs += [(columns.header[index].strip(), str(words)) for index in indexes]
    return pairs


def _unused(columns: ColumnMap) -> list[str]:
    """Columns that nothing reads."""
    used = {index for indexes in columns.columns.values() for index in indexes}
    used |= {refusal.column for refusal in columns.refusals}
    return [cell.strip() for index, cell in enumerate(columns.header) if index not in used and cell.strip()]


def _too_many(found: Upload) -> str:
    return error_in_words(BadInputError("upload_too_many_rows", rows=found.rows, most=MOST_ROWS))
