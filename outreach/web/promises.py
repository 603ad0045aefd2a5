"""Promises: all of them, one with its history, what was heard of it, and files for calendars and spreadsheets."""

from __future__ import annotations

from datetime import date
from urllib.parse import urlsplit

from flask import Blueprint, Response, abort, flash, redirect, render_template, request, url_for
from flask_babel import gettext
from flask_login import current_user
from werkzeug.wrappers import Response as Redirect

from outreach.core.calendar import MIME_TYPE, Entry, events_file
from outreach.core.clock import PHOENIX
from outreach.core.db import Transaction
from outreach.core.errors import NotFoundError, OutreachError
from outreach.core.runtime import Runtime
from outreach.core.xlsx_out import MIME, to_xlsx
from outreach.escalations.promise_drafts import draft_again, hear_of_promise
from outreach.officials.promise_rules import BROKEN, MAY_FOLLOW, WAITED_FOR, days_overdue, urgency
from outreach.officials.promises import Details, Row, add_promise, change_promise, promises_of, undo
from outreach.people.members import get_member, named
from outreach.privacy.promise_files import HEADER, SHEET, promise_file
from outreach.serving import runtime
from outreach.web.campaign_calls import CallsForm
from outreach.web.campaigns import LABELS
from outreach.web.meetings_reads import meeting_page
from outreach.web.privacy import XLSX
from outreach.web.promise_forms import HeardForm, PromiseForm
from outreach.web.promise_reads import PromisePage, promise_page, watchers_to_choose
from outreach.web.promise_words import COLOURS, ENTRIES, REASONS, STATES, lateness, promise_error
from outreach.web.roles import allow

pages = Blueprint("promises", __name__, url_prefix="/promises")

pages.add_app_template_filter(lambda state: STATES.get(state, state), "promise_state")
pages.add_app_template_global(lambda state: COLOURS.get(state, "text-bg-light border"), "promise_colour")
pages.add_app_template_global(lateness, "lateness")
pages.add_app_template_global(REASONS.__getitem__, "promise_reason")
pages.add_app_template_global(lambda: _today(runtime()), "group_today")

Page = str | Redirect | tuple[str, int]
WORDS = {"labels": LABELS}
"""What the templates say states with."""


@pages.get("/")
@allow("staff")
def index() -> str:
    """All promises: overdue first, then those due soon, by official."""
    held, today = runtime(), _today(runtime())
    with held.db.snapshot() as session:
        rows = promises_of(session, current_user.group_id, today)
        watchers = named(session, held.vault, current_user.group_id, [row.watcher_id for row in rows if row.watcher_id])
    parts = [[row for row in rows if urgency(row.state, row.due_on, today) == part] for part in range(4)]
    return render_template("promises/index.html", parts=parts, watchers=watchers, today=today, **WORDS)


@pages.get("/<int:promise_id>")
@allow("staff")
def show(promise_id: int) -> Page:
    """One promise, its history, and the form to note what was heard."""
    form = HeardForm(formdata=None, said_on=_today(runtime()))
    return _show(promise_id, form)


@pages.post("/<int:promise_id>")
@allow("organizer")
def note(promise_id: int) -> Page:
    """Note that it was kept, broken or extended; a broken one opens its draft."""
    held = runtime()
    _find(promise_id)
    form = HeardForm()  # pressed twice, the same is no mistake: what cannot follow is refused below
    if form.validate_on_submit():
        try:
            with held.db.transaction() as tx:
                draft = hear_of_promise(
                    tx, held, current_user.group_id, promise_id, form.given(), seen=_seen(), by=current_user.name
                )
        except OutreachError as error:
            form.refuse(error)
        else:
            flash(gettext("Noted, and a campaign is drafted from it.") if draft else gettext("Noted."))
            return redirect(url_for("promises.show", promise_id=promise_id), code=303)
    return _show(promise_id, form)


@pages.post("/<int:promise_id>/undo")
@allow("organizer")
def take_back(promise_id: int) -> Redirect:
    """Take the last entry back, by a further one."""
    try:
        with runtime().db.transaction() as tx:
            undo(tx, runtime(), current_user.group_id, promise_id, seen=_seen(), by=current_user.name)
    except NotFoundError:
        abort(404)
    except OutreachError as error:
        flash(promise_error(error), "error")
    else:
        flash(gettext("Taken back. What was noted stays in the history."))
    return redirect(url_for("promises.show", promise_id=promise_id), code=303)


@pages.post("/<int:promise_id>/draft")
@allow("organizer")
def draft(promise_id: int) -> Redirect:
    """Open a campaign for a promise that was not kept; a second press finds the first one's."""
    try:
        with runtime().db.transaction() as tx:
            campaign_id = draft_again(tx, runtime(), current_user.group_id, promise_id, by=current_user.name)
    except NotFoundError:
        abort(404)
    except OutreachError as error:
        flash(promise_error(error), "error")
        return redirect(url_for("promises.show", promise_id=promise_id), code=303)
    return redirect(url_for("campaigns.show", campaign_id=campaign_id), code=303)


@pages.route("/new/<int:meeting_id>", methods=["GET", "POST"])
@allow("organizer")
def add(meeting_id: int) -> Page:
    """Add a promise to a meeting, also long after it."""
    held = runtime()
    with held.db.snapshot() as session:
        known = meeting_page(session, current_user.group_id, meeting_id)
        members = watchers_to_choose(session, held, current_user.group_id, None)
    if known is None:
        abort(404)
    form = PromiseForm()
    form.offer(members)
    if form.validate_on_submit():
        try:
            with held.db.transaction() as tx:
                made = add_promise(
                    tx, held, current_user.group_id, meeting_id, _watched(tx, held, form.given()), by=current_user.name
                )
        except OutreachError as error:
            form.refuse(error)
        else:
            flash(gettext("The promise is on the list."))
            return redirect(url_for("promises.show", promise_id=made.id), code=303)
    page = render_template(
        "promises/edit.html", form=form, official=known.official, meeting=known.meeting, promise=None, members=members
    )
    return page, 422 if form.errors else 200


@pages.route("/<int:promise_id>/change", methods=["GET", "POST"])
@allow("organizer")
def change(promise_id: int) -> Page:
    """Describe a promise anew; its history stays."""
    held = runtime()
    known = _find(promise_id)
    promise = known.promise
    with held.db.snapshot() as session:
        members = watchers_to_choose(session, held, current_user.group_id, promise.watcher_id)
    form = PromiseForm(obj=promise, watcher=promise.watcher_id or 0)
    form.offer(members)
    if form.validate_on_submit():
        try:
            with held.db.transaction() as tx:
                given = _watched(tx, held, form.given(), promise.watcher_id)
                change_promise(tx, held, current_user.group_id, promise_id, given, by=current_user.name)
        except OutreachError as error:
            form.refuse(error)
        else:
            flash(gettext("Saved."))
            return redirect(url_for("promises.show", promise_id=promise_id), code=303)
    page = render_template(
        "promises/edit.html", form=form, official=known.official, meeting=known.meeting, promise=promise,
        members=members,
    )  # fmt: skip
    return page, 422 if form.errors else 200


@pages.route("/export", methods=["GET", "POST"])
@allow("staff", fresh=True)
def export() -> Response | tuple[str, int]:
    """The promises as a file, once there is a reason for it. No constituent is in it, so staff may have it."""
    form = CallsForm()
    if not form.validate_on_submit():
        return render_template("promises/export.html", form=form), 422 if form.errors else 200
    file = promise_file(runtime(), current_user.group_id, reason=form.because.data, actor=current_user.name)
    if form.kind.data == XLSX:
        answer = Response(to_xlsx(HEADER, file.rows(), SHEET), mimetype=MIME)
    else:
        answer = Response(file.as_csv(), mimetype="text/csv")
    answer.headers["Content-Disposition"] = f'attachment; filename="promises.{form.kind.data}"'
    return answer


@pages.get("/calendar.ics")
@allow("staff")
def calendar() -> Response:
    """Every promise that is waited for, on its day."""
    held = runtime()
    with held.db.snapshot() as session:
        rows = promises_of(session, current_user.group_id, _today(held))
    return _calendar([row for row in rows if row.state in WAITED_FOR], "promises")


@pages.get("/<int:promise_id>/calendar.ics")
@allow("staff")
def calendar_of_one(promise_id: int) -> Response:
    """One promise, on its day; where it is settled the entry says that it is over."""
    held = runtime()
    _find(promise_id)
    with held.db.snapshot() as session:
        rows = promises_of(session, current_user.group_id, _today(held))
    return _calendar([row for row in rows if row.id == promise_id], f"promise-{promise_id}")


def _calendar(rows: list[Row], name: str) -> Response:
    held = runtime()
    entries = [
        Entry(
            key=f"promise-{row.id}",
            title=gettext("Promise due: %(official)s", official=row.official),
            starts=row.due_on,
            text="\n".join(part for part in (row.text, row.approver, row.staff_contact) if part),
            url=f"{held.settings.public_base_url}{url_for('promises.show', promise_id=row.id)}",
            canceled=row.state not in WAITED_FOR,
        )
        for row in rows
        if row.due_on is not None
    ]
    host = urlsplit(held.settings.public_base_url).hostname or "outreach"
    answer = Response(events_file(entries, held.clock.now(), host), mimetype=MIME_TYPE)
    answer.headers["Content-Disposition"] = f'attachment; filename="{name}.ics"'
    return answer


def _show(promise_id: int, form: HeardForm) -> tuple[str, int]:
    known, today = _find(promise_id), _today(runtime())
    form.offer(known.standing.state)
    standing = known.standing
    failed = standing.state == BROKEN or days_overdue(standing.state, standing.due_on, today) > 0
    page = render_template(
        "promises/show.html", known=known, form=form, today=today, entries=ENTRIES, next=MAY_FOLLOW[standing.state],
        may_draft=failed and (known.campaign is None or known.campaign.state == "canceled"), **WORDS,
    )  # fmt: skip
    return page, 422 if form.errors else 200


def _find(promise_id: int) -> PromisePage:
    try:
        with runtime().db.snapshot() as session:
            return promise_page(session, runtime(), current_user.group_id, promise_id)
    except NotFoundError:
        abort(404)


def _watched(tx: Transaction, held: Runtime, given: Details, now: int | None = None) -> Details:
    """What was given, once its watcher is known to be a member; whoever watches over it already may stay."""
    if given.watcher_id is not None and given.watcher_id != now:
        get_member(tx, held.vault, current_user.group_id, given.watcher_id)
    return given


def _seen() -> int:
    """The last entry that the page knew of; what is no number knew of none."""
    given = request.form.get("seen", "")
    return int(given) if given.isascii() and given.isdecimal() and len(given) <= 18 else 0


def _today(held: Runtime) -> date:
    return held.clock.now().astimezone(PHOENIX).date()
