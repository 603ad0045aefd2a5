"""Manuals: documents of departments, how far they are read, and their comparison with the nine model policies."""

from __future__ import annotations

from flask import Blueprint, abort, flash, redirect, render_template, request, url_for
from flask_babel import gettext
from flask_login import current_user
from werkzeug.wrappers import Response

from config import table
from outreach.core.errors import NotFoundError, OutreachError
from outreach.officials.manuals import add_document, add_passage, edit_document
from outreach.serving import runtime
from outreach.web.manual_forms import NOBODY, DocumentForm, PassageForm, values_of
from outreach.web.manual_words import MARKS
from outreach.web.manuals_reads import document_page, find_document, list_documents, offered_officials
from outreach.web.official_words import policies
from outreach.web.roles import allow

pages = Blueprint("manuals", __name__, url_prefix="/manuals")

Page = str | Response | tuple[str, int]


@pages.get("/")
@allow("staff")
def index() -> str:
    """The documents, and how far they are read."""
    with runtime().db.snapshot() as session:
        page = list_documents(session, current_user.group_id, request.args.get("page", 1, type=int))
    return render_template("manuals/index.html", page=page)


@pages.route("/new", methods=["GET", "POST"])
@allow("organizer")
def add() -> Page:
    """Add a document; ``official`` in the query is who answers for it."""
    held = runtime()
    now = held.clock.now()
    given = request.args.get("official", type=int)
    asked = given if given and 0 < given < 2**63 else None
    with held.db.snapshot() as session:
        officials = offered_officials(session, current_user.group_id, asked)
    places = {row.id: row.jurisdiction for row in officials}
    known = asked if asked in places else NOBODY
    form = DocumentForm(officials, official_id=known, jurisdiction=places.get(known))
    if form.validate_on_submit():
        try:
            with held.db.transaction() as tx:
                document_id = add_document(
                    tx, held, current_user.group_id, form.given(), current_user.name, form.opened_at(now)
                ).id
        except OutreachError as error:
            form.refuse(error)
        else:
            flash(gettext("The document is there. Now paste its first passage."))
            return redirect(url_for("manuals.paste", document_id=document_id), code=303)
    if not form.opened.data:
        form.open(now)
    return render_template("manuals/edit.html", form=form, document=None), 422 if form.errors else 200


@pages.get("/<int:document_id>")
@allow("staff")
def show(document_id: int) -> str:
    """One document: its passages, who reads them, and what was found."""
    with runtime().db.snapshot() as session:
        known = document_page(session, current_user.group_id, document_id)
    if known is None:
        abort(404)
    return render_template("manuals/show.html", known=known, marks=MARKS, policies=policies())


@pages.route("/<int:document_id>/edit", methods=["GET", "POST"])
@allow("organizer")
def edit(document_id: int) -> Page:
    """Describe a document anew."""
    held = runtime()
    with held.db.snapshot() as session:
        document = find_document(session, current_user.group_id, document_id)
        if document is None:
            abort(404)
        officials = offered_officials(session, current_user.group_id, document.official_id)
    form = DocumentForm(officials, data=values_of(document))
    if form.validate_on_submit():
        try:
            with held.db.transaction() as tx:
                edit_document(tx, current_user.group_id, document_id, form.given())
        except OutreachError as error:
            form.refuse(error)
        else:
            flash(gettext("Saved."))
            return redirect(url_for("manuals.show", document_id=document_id), code=303)
    return render_template("manuals/edit.html", form=form, document=document), 422 if form.errors else 200


@pages.route("/<int:document_id>/paste", methods=["GET", "POST"])
@allow("organizer")
def paste(document_id: int) -> Page:
    """Paste a passage; afterwards it is opened, to be marked."""
    held = runtime()
    with held.db.snapshot() as session:
        document = find_document(session, current_user.group_id, document_id)
    if document is None:
        abort(404)
    form = PassageForm()
    if form.validate_on_submit():
        try:
            with held.db.transaction() as tx:
                passage_id = add_passage(
                    tx, held, current_user.group_id, document_id, section=form.section.data, text=form.text.data,
                    reader=form.reader.data, by=current_user.name,
                ).id  # fmt: skip
        except NotFoundError:
            abort(404)
        except OutreachError as error:
            form.refuse(error)
        else:
            return redirect(url_for("passages.show", passage_id=passage_id), code=303)
    return render_template("manuals/paste.html", form=form, document=document), 422 if form.errors else 200


@pages.get("/<int:document_id>/comparison")
@allow("staff")
def comparison(document_id: int) -> str:
    """The document beside the model policies, to print: as a whole, or the passages of one policy."""
    with runtime().db.snapshot() as session:
        known = document_page(session, current_user.group_id, document_id)
    if known is None:
        abort(404)
    asked = request.args.get("policy", type=int)
    shown = [one for one in policies() if asked in {None, one.number}]
    return render_template(
        "manuals/comparison.html", known=known, policies=policies(), shown=shown, asked=asked, marks=MARKS,
        text_at=table("policies")["text_at"],
    )  # fmt: skip
