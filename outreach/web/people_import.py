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
from outreach.messaging.optout import cancel_waiting
from outreach.people.cells import problem
from outreach.people.columns import ColumnMap, chosen_fields, map_columns
from outreach.people.models import ContactList, Upload
from outreach.people.upload_files import UNDECIDED, find_upload
from outreach.people.uploads import (
    MOST_BYTES,
    Received,
    cancel_upload,
    confirm_upload,
    correct_columns,
    is_undoable,
    keep_upload,
    list_uploads,
    undo_upload,
)  # fmt: skip
from outreach.serving import runtime
from outreach.web.people import pages
from outreach.web.people_forms import UploadForm
from outreach.web.people_reads import lists_of
from outreach.web.people_words import (
    CHOICES,
    ERRORS,
    FATES,
    FIELDS,
    TEMPLATE,
    WHOLE_NAME,
    error_in_words,
    problem_in_words,
)
from outreach.web.roles import allow, ranks
from outreach.web.samples import as_download, people_file

__all__ = ("pages",)

UNDER_WAY = ("receiving", "reading", "importing", "undoing")
FORM_BYTES = 1024 * 1024
"""What may stand in a form beside its file."""


@pages.url_value_preprocessor
def take_large_files(endpoint: str | None, _values: dict[str, Any] | None) -> None:
    """This one view takes files, from people who may import. Here, because the check for CSRF reads the form next."""
    may_import = current_user.is_authenticated and ranks(current_user.role, "organizer")
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
    received = Received(file.stream, file.filename.replace("\0", ""), form.list_name.data, form.consent.data or None)
    try:
        upload_id = keep_upload(held, current_user.group_id, received, by=current_user.name)
    except BadInputError as error:
        form.refuse(error)
        return _form(form), 422
    return redirect(url_for("people.preview", upload_id=upload_id), code=303)


@pages.get("/import/<int:upload_id>")
@allow("organizer")
def preview(upload_id: int) -> str:
    """What an import would do, how far it has come, or what it did."""
    found = _upload(upload_id)
    if found.state in UNDER_WAY:
        return render_template("people/under_way.html", upload=found)
    if found.state != "waiting":
        return _ended(found)
    header = found.header or []
    columns = None if found.error else map_columns(header, found.choices)
    return render_template(
        "people/preview.html",
        upload=found,
        error=_in_words(found.error),
        columns=[(index, cell.strip(), field) for index, (cell, field) in enumerate(_fields(found))],
        choices=CHOICES,
        mapping=_mapping(columns) if columns else [],
        refusals=[columns.header[one.column].strip() for one in columns.refusals] if columns else [],
        fates=FATES,
        problems=[(one, problem_in_words(one)) for one in (problem(*kept) for kept in found.problems or [])],
    )


@pages.post("/import/<int:upload_id>/columns")
@allow("organizer")
def columns(upload_id: int) -> WerkzeugResponse:
    """Read the file anew, with a person's word on which column is which."""
    found = _upload(upload_id)
    said = {
        str(index): choice
        for index, (_, field) in enumerate(_fields(found))
        if (choice := request.form.get(f"column-{index}")) in CHOICES and choice != field
    }
    try:
        correct_columns(runtime(), current_user.group_id, upload_id, {**(found.choices or {}), **said})
    except NotFoundError:
        abort(404)
    except BadInputError as error:
        flash(error_in_words(error), "error")
    except ConflictError:
        pass  # the page of the upload says what became of it
    return redirect(url_for("people.preview", upload_id=upload_id), code=303)


@pages.post("/import/<int:upload_id>/confirm")
@allow("organizer")
def confirm(upload_id: int) -> WerkzeugResponse:
    """Import, once; whoever presses again is shown what the first press did."""
    try:
        confirm_upload(runtime(), current_user.group_id, upload_id, by=current_user.name)
    except NotFoundError:
        abort(404)
    except ConflictError:
        pass  # the page of the upload says what became of it
    return redirect(url_for("people.preview", upload_id=upload_id), code=303)


@pages.post("/import/<int:upload_id>/undo")
@allow("organizer")
def undo(upload_id: int) -> WerkzeugResponse:
    """Take the import back."""
    try:
        undo_upload(runtime(), current_user.group_id, upload_id, cancel_waiting)
    except NotFoundError:
        abort(404)
    except ConflictError as error:
        if error.code in ERRORS:
            flash(error_in_words(error), "error")
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
        uploads = list_uploads(session, current_user.group_id, held.clock.real_now())
    return render_template(
        "people/import.html",
        form=form,
        lists=lists,
        waiting=[one for one in uploads if one.state in UNDECIDED],
        past=[one for one in uploads if one.imported_at or one.state == "importing"],
        megabytes=MOST_BYTES // 1024 // 1024,
    )


def _ended(found: Upload) -> str:
    held = runtime()
    with held.db.snapshot() as session:
        own = (ContactList.group_id == found.group_id, ContactList.name == found.list_name)
        list_id = session.execute(select(ContactList.id).where(*own)).scalar()
    return render_template(
        "people/ended.html",
        upload=found,
        error=_in_words(found.error),
        fates=FATES,
        list_id=list_id,
        undoable=is_undoable(found.state, found.imported_at, held.clock.real_now()),
    )


def _in_words(error: dict[str, Any] | None) -> str | None:
    return error_in_words(BadInputError(error["code"], **error["details"])) if error else None


def _fields(found: Upload) -> list[tuple[str, str]]:
    """Each column of the file with the field that it is read as, or nothing."""
    header = found.header or []
    fields = chosen_fields(header, found.choices)
    return [(cell, fields.get(index, "")) for index, cell in enumerate(header)]


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
