"""The constituents: finding them, and everything that is known of one. ``people_import`` brings them in."""

from __future__ import annotations

from datetime import datetime

from flask import Blueprint, abort, redirect, render_template, request, url_for
from flask_babel import gettext
from flask_login import current_user
from werkzeug.wrappers import Response

from outreach.core.errors import NotFoundError
from outreach.core.phone import check_phone
from outreach.serving import runtime
from outreach.web.campaigns import LABELS
from outreach.web.people_forms import EVERYBODY, SearchForm, chosen_list
from outreach.web.people_reads import SEARCHED, find_by_number, list_people, lists_of
from outreach.web.people_words import (
    BADGES,
    CONSENT,
    KINDS,
    LANGUAGES,
    ROW_ERRORS,
    SOURCES,
    clock_of,
    local_time,
    place,
    reason_in_words,
    short_time,
)  # fmt: skip
from outreach.web.person_reads import TEXTS_SHOWN, person_page
from outreach.web.roles import allow

pages = Blueprint("people", __name__, url_prefix="/people")

DIGITS_OF_A_NUMBER = 7
"""So many digits in a search mean a phone number: it must be whole, and goes into no address."""


@pages.get("/")
@allow("staff")
def overview() -> str:
    """The group's people, newest first; of one list, or with a name."""
    form = SearchForm(formdata=None)
    form.sought.data = request.args.get("name", "")[:100].replace("\0", "")
    form.list.data = chosen_list(request.args.get("list", EVERYBODY))
    return _listed(form)


@pages.post("/find")
@allow("staff")
def find() -> str | tuple[str, int] | Response:
    """A whole number leads to its person, a name to a list of people."""
    held, form = runtime(), SearchForm()
    if not form.validate_on_submit():
        return _listed(form), 422
    sought = form.sought.data
    if sum(char.isdecimal() for char in sought) < DIGITS_OF_A_NUMBER:
        kept = {"name": sought or None, "list": form.list.data or None}
        return redirect(url_for("people.overview", **kept), code=303)
    verdict = check_phone(sought)
    if verdict.e164 is None:
        form.sought.errors = [ROW_ERRORS.get(verdict.reason or "", ROW_ERRORS["not_a_number"])]
        return _listed(form), 422
    with held.db.snapshot() as session:
        person_id = find_by_number(session, held.vault, current_user.group_id, verdict.e164)
    if person_id is None:
        form.sought.errors = [gettext("Your group knows nobody with this number.")]
        return _listed(form), 422
    return redirect(url_for("people.show", person_id=person_id), code=303)


@pages.get("/<int:person_id>")
@allow("staff")
def show(person_id: int) -> str:
    """One person, and why they are not texted now."""
    held = runtime()
    try:
        with held.db.snapshot() as session:
            person = person_page(session, held, current_user.group_id, person_id)
    except NotFoundError:
        abort(404)

    def real(at: datetime) -> str:
        """The ledger is in real time, the rest of the page in domain time."""
        return local_time(held.clock.at(at.timestamp()), person.zone)

    def short(at: datetime) -> str:
        return short_time(at, person.now, person.zone)

    return render_template(
        "people/show.html",
        person=person,
        reasons=[reason_in_words(reason, person.zone) for reason in person.reasons],
        clocks=[clock_of(zone, person.now) for zone in person.zones],
        here=place(person.zone),
        short=short,
        real=real,
        consent_words=CONSENT,
        sources=SOURCES,
        states=LABELS,
        kinds=KINDS,
        languages_in_words=LANGUAGES,
        texts_shown=TEXTS_SHOWN,
    )


def _listed(form: SearchForm) -> str:
    """The list page. After a refused search it shows everybody, with what was typed above."""
    held, refused = runtime(), bool(form.errors)
    list_id = None if refused or form.list.data == EVERYBODY else form.list.data
    name = "" if refused else form.sought.data
    try:
        with held.db.snapshot() as session:
            lists = lists_of(session, current_user.group_id)
            listing = list_people(
                session, held, current_user.group_id, name=name, list_id=list_id,
                page=request.args.get("page", 1, type=int),
            )  # fmt: skip
    except NotFoundError:
        abort(404)
    form.offer(lists)
    return render_template(
        "people/overview.html", form=form, listing=listing, name=name, list_id=list_id, badges=BADGES,
        searched=SEARCHED, list_name=next((row.name for row in lists if row.id == list_id), None),
    )  # fmt: skip
