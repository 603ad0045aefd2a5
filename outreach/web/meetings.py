"""Meetings: logging one, which opens a draft campaign unless they committed, and reading what was said."""

from __future__ import annotations

from datetime import date

from flask import Blueprint, abort, flash, redirect, render_template, request, url_for
from flask_babel import gettext
from flask_login import current_user
from werkzeug.wrappers import Response

from outreach.core.clock import PHOENIX
from outreach.core.errors import NotFoundError, OutreachError
from outreach.serving import runtime
from outreach.web.campaigns import LABELS
from outreach.web.meetings_entry import Logged, draft_again, log_meeting
from outreach.web.meetings_forms import PROMISES, MeetingForm
from outreach.web.meetings_reads import meeting_page
from outreach.web.official_words import ANSWERS, BASES, OUTCOMES, policies
from outreach.web.officials_reads import find_official
from outreach.web.plan_entry import Begun, begun_from
from outreach.web.plan_reads import checklist_of
from outreach.web.roles import allow

pages = Blueprint("meetings", __name__, url_prefix="/meetings")


@pages.get("/<int:meeting_id>")
@allow("staff")
def show(meeting_id: int) -> str:
    """What was said in one meeting."""
    held = runtime()
    with held.db.snapshot() as session:
        known = meeting_page(session, current_user.group_id, meeting_id)
        commitment = checklist_of(session, held, current_user.group_id, meeting_id=meeting_id)
    if known is None:
        abort(404)
    return render_template(
        "meetings/show.html", known=known, policies=policies(), answers=ANSWERS, bases=BASES, outcomes=OUTCOMES,
        states=LABELS, may_draft=known.may_draft, commitment=commitment,
    )  # fmt: skip


@pages.route("/new/<int:official_id>", methods=["GET", "POST"])
@allow("organizer")
def log(official_id: int) -> str | Response | tuple[str, int]:
    """Log a meeting with this official."""
    held = runtime()
    now = held.clock.now()
    with held.db.snapshot() as session:
        official = find_official(session, current_user.group_id, official_id)
    if official is None:
        abort(404)
    # Today where the groups are: in the evening there, UTC's day is tomorrow already.
    today = now.astimezone(PHOENIX).date()
    begun = _begun(official_id, today)
    form = MeetingForm(**{"held_on": today, **begun.values})
    if form.validate_on_submit():
        try:
            with held.db.transaction() as tx:
                logged = log_meeting(
                    tx, held, current_user.group_id, official_id=official_id, recorded_by=current_user.name,
                    opened_at=form.opened_at(now), plan_id=begun.plan_id, **form.given(),
                )  # fmt: skip
        except OutreachError as error:
            form.refuse(error)
            if error.code == "meeting_logged_already":
                form.open(now)  # saving again says that it is another meeting
        else:
            return _onward(logged, official_id)
    if not form.opened.data:
        form.open(now)
    page = render_template(
        "meetings/new.html", form=form, official=official, policies=policies(), places=PROMISES, outcomes=OUTCOMES
    )
    return page, 422 if form.errors else 200


@pages.post("/<int:meeting_id>/draft")
@allow("organizer")
def draft(meeting_id: int) -> Response:
    """Draft a campaign from a meeting that has none; a second press finds the first one's."""
    held = runtime()
    try:
        with held.db.transaction() as tx:
            campaign_id = draft_again(tx, held, current_user.group_id, meeting_id)
    except NotFoundError:
        abort(404)
    if campaign_id is None:  # they committed: the page offers no such button
        return redirect(url_for("meetings.show", meeting_id=meeting_id), code=303)
    return redirect(url_for("campaigns.show", campaign_id=campaign_id), code=303)


def _begun(official_id: int, today: date) -> Begun:
    """The plan from which the log is begun, if the address names one; 404 for one that is not this official's."""
    try:
        with runtime().db.snapshot() as session:
            return begun_from(session, runtime(), current_user.group_id, official_id, request.args, today)
    except NotFoundError:
        abort(404)


def _onward(logged: Logged, official_id: int) -> Response:
    if logged.campaign_id is None:
        flash(gettext("The meeting is logged. Congratulations on the commitment!"))
        return redirect(url_for("officials.show", official_id=official_id), code=303)
    flash(gettext("The meeting is logged, and a campaign is drafted from it."))
    return redirect(url_for("campaigns.show", campaign_id=logged.campaign_id), code=303)
