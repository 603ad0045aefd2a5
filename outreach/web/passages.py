"""One passage of a manual: mark its words, say what should stand there, note it in the ledger."""

from __future__ import annotations

from flask import Blueprint, abort, flash, redirect, render_template, request, url_for
from flask_babel import gettext
from flask_login import current_user
from werkzeug.wrappers import Response

from outreach.core.clock import PHOENIX
from outreach.core.errors import NotFoundError, OutreachError
from outreach.officials.manuals import (
    mark_passage,
    note_passage,
    remove_passage,
    review_passage,
    unmark,
    version_of,
)
from outreach.serving import runtime
from outreach.web.ledger_words import LedgerForm
from outreach.web.manual_forms import MarkForm, ReviewForm, review_of
from outreach.web.manual_words import MARKS
from outreach.web.manuals_reads import DocumentPage, passage_page
from outreach.web.official_words import policies
from outreach.web.roles import allow

pages = Blueprint("passages", __name__, url_prefix="/manuals")

Page = str | Response | tuple[str, int]


@pages.get("/passages/<int:passage_id>")
@allow("staff")
def show(passage_id: int) -> Page:
    """The passage with its marks, and for organizers what they can do with it."""
    return _show(_find(passage_id))


@pages.post("/passages/<int:passage_id>")
@allow("organizer")
def review(passage_id: int) -> Page:
    """Say which model policy should stand there, and that it is read."""
    held = runtime()
    form = ReviewForm()
    if form.validate_on_submit():
        try:
            with held.db.transaction() as tx:
                review_passage(
                    tx, held, current_user.group_id, passage_id, form.given(), current_user.name,
                    form.version.data or "",
                )  # fmt: skip
        except NotFoundError:
            abort(404)
        except OutreachError as error:
            form.refuse(error)
            known = _find(passage_id)
            form.version.data = version_of(known.passages[0].row)  # saving again is meant
            return _show(known, reviewing=form, clash=error.code == "passage_changed")
        flash(gettext("Saved."))
        return _to_passage(passage_id)
    return _show(_find(passage_id), reviewing=form)


@pages.post("/passages/<int:passage_id>/mark")
@allow("organizer")
def mark(passage_id: int) -> Page:
    """Mark words of the passage."""
    held = runtime()
    form = MarkForm()
    if form.validate_on_submit():
        try:
            with held.db.transaction() as tx:
                mark_passage(
                    tx, held, current_user.group_id, passage_id, kind=form.kind.data, words=form.words.data,
                    by=current_user.name,
                )  # fmt: skip
        except NotFoundError:
            abort(404)
        except OutreachError as error:
            form.refuse(error)
        else:
            return _to_passage(passage_id)
    return _show(_find(passage_id), marking=form)


@pages.post("/marks/<int:mark_id>/remove")
@allow("organizer")
def remove_mark(mark_id: int) -> Page:
    """Take a mark away."""
    try:
        with runtime().db.transaction() as tx:
            passage_id = unmark(tx, current_user.group_id, mark_id)
    except NotFoundError:
        abort(404)
    return _to_passage(passage_id)


@pages.post("/passages/<int:passage_id>/note")
@allow("organizer")
def note(passage_id: int) -> Page:
    """Note in the ledger what the passage says, with the document as its citation."""
    held = runtime()
    answer = request.form.get("answer", "")
    known = _find(passage_id)
    if answer not in {"yes", "no"}:
        abort(400)
    try:
        with held.db.transaction() as tx:
            note_passage(
                tx, held, current_user.group_id, passage_id, answer=answer,
                today=held.clock.now().astimezone(PHOENIX).date(), by=current_user.name,
            )  # fmt: skip
    except OutreachError as error:
        return _refused(known, error)
    flash(gettext("It is in the ledger, with this document as its citation."))
    return _to_passage(passage_id)


@pages.post("/passages/<int:passage_id>/remove")
@allow("organizer")
def remove(passage_id: int) -> Page:
    """Take the passage out of its document."""
    held = runtime()
    known = _find(passage_id)
    try:
        with held.db.transaction() as tx:
            remove_passage(tx, held, current_user.group_id, passage_id, current_user.name)
    except NotFoundError:
        abort(404)
    except OutreachError as error:
        return _refused(known, error)
    flash(gettext("The passage is removed."))
    return redirect(url_for("manuals.show", document_id=known.document.id), code=303)


def _find(passage_id: int) -> DocumentPage:
    with runtime().db.snapshot() as session:
        known = passage_page(session, current_user.group_id, passage_id)
    if known is None:
        abort(404)
    return known


def _refused(known: DocumentPage, error: OutreachError) -> Page:
    """The page with what was refused; the forms as they are."""
    form = _review_form(known)
    form.refuse(error)
    return _show(known, reviewing=form)


def _review_form(known: DocumentPage) -> ReviewForm:
    return ReviewForm(formdata=None, data=review_of(known.passages[0].row))


def _show(
    known: DocumentPage, *, reviewing: ReviewForm | None = None, marking: MarkForm | None = None, clash: bool = False
) -> Page:
    """The page; ``clash``: somebody else has changed the passage while this form was open."""
    forms: tuple[LedgerForm, ...] = (reviewing or _review_form(known), marking or MarkForm(formdata=None))
    wrong = any(form.errors for form in forms)
    page = render_template(
        "manuals/passage.html", known=known, passage=known.passages[0], reviewing=forms[0], marking=forms[1],
        marks=MARKS, policies=policies(), clash=clash,
    )  # fmt: skip
    return page, 409 if clash else 422 if wrong else 200


def _to_passage(passage_id: int) -> Response:
    return redirect(url_for("passages.show", passage_id=passage_id), code=303)
