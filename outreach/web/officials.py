"""Officials: the list, one official, adding by hand, bringing a file."""

from __future__ import annotations

from flask import Blueprint, abort, flash, redirect, render_template, request, url_for
from flask_babel import gettext
from flask_login import current_user
from werkzeug.wrappers import Response

from outreach.core.clock import PHOENIX
from outreach.core.errors import OutreachError
from outreach.serving import runtime
from outreach.tallies.kept_sheets import shown_weeks
from outreach.web.campaigns import LABELS
from outreach.web.ledger_words import ledger_words
from outreach.web.office_words import office_line
from outreach.web.official_words import ANSWERS, BASES, OUTCOMES, in_words, policies, problem_in_words
from outreach.web.officials_entry import add_once, import_upload
from outreach.web.officials_forms import OfficialForm, OfficialsFileForm
from outreach.web.officials_reads import list_officials, official_page
from outreach.web.plan_reads import official_ahead
from outreach.web.roles import allow
from outreach.web.rungs import rungs_of
from outreach.web.samples import officials_file
from outreach.web.tally_words import week_words

pages = Blueprint("officials", __name__, url_prefix="/officials")

SEARCH_LENGTH = 100


@pages.get("/")
@allow("staff")
def index() -> str:
    """The group's officials, searched and paged."""
    wanted = request.args.get("q", "").replace("\0", "").strip()[:SEARCH_LENGTH]
    with runtime().db.snapshot() as session:
        page = list_officials(session, current_user.group_id, wanted, request.args.get("page", 1, type=int))
    return render_template("officials/index.html", page=page, wanted=wanted)


@pages.get("/<int:official_id>")
@allow("staff")
def show(official_id: int) -> str:
    """One official: offices, answers on the nine policies, meetings, promises, campaigns."""
    held = runtime()
    now = held.clock.now()
    with held.db.snapshot() as session:
        known = official_page(session, current_user.group_id, official_id)
        ahead = official_ahead(session, held, current_user.group_id, official_id)
        rungs = rungs_of(session, current_user.group_id, official_id, now)
    if known is None:
        abort(404)
    week_line = " ".join(map(week_words, shown_weeks(held, current_user.group_id, official_id)))
    offices = [office_line(office, now) for office in known.official.offices if office.stands]
    return render_template(
        "officials/show.html", known=known, policies=policies(), answers=ANSWERS, bases=BASES, outcomes=OUTCOMES,
        states=LABELS, offices=offices, today=now.astimezone(PHOENIX).date(), ahead=ahead, rungs=rungs,
        week_line=week_line, **ledger_words(),
    )  # fmt: skip


@pages.route("/new", methods=["GET", "POST"])
@allow("organizer")
def add() -> str | Response | tuple[str, int]:
    """Add one official by hand."""
    held = runtime()
    form = OfficialForm()
    now = held.clock.now()
    if form.validate_on_submit():
        try:
            with held.db.transaction() as tx:
                official_id = add_once(tx, held, current_user.group_id, form.given(), form.opened_at(now))
        except OutreachError as error:
            form.refuse(error)
        else:
            flash(gettext("The official is on your list."))
            return redirect(url_for("officials.show", official_id=official_id), code=303)
    if not form.opened.data:
        form.open(now)
    return render_template("officials/new.html", form=form), 422 if form.errors else 200


@pages.get("/import/sample.csv")
@allow("organizer")
def sample() -> Response:
    """Invented officials, to try the import with."""
    return officials_file()


@pages.route("/import", methods=["GET", "POST"])
@allow("organizer")
def bring() -> str | tuple[str, int]:
    """Import a file and show what became of each row.

    The report is the answer to the POST itself: the file again changes nothing, so a reload does no harm, and a
    report of any length needs no place to be kept.
    """
    held = runtime()
    form = OfficialsFileForm()
    if form.validate_on_submit():
        today = held.clock.now().astimezone(PHOENIX).date()
        try:
            report = import_upload(held, current_user.group_id, form.file.data, today)
        except OutreachError as error:
            form.file.errors = [in_words(error)]
        else:
            problems = [(found.row, problem_in_words(found)) for found in report.problems]
            return render_template("officials/imported.html", report=report, problems=problems)
    return render_template("officials/import.html", form=form), 422 if form.errors else 200
