"""Meetings that are to come: the list, one plan, its form, tries to get it, and what ends it."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, Response, abort, flash, redirect, render_template, url_for
from flask_babel import gettext
from flask_login import current_user
from werkzeug.wrappers import Response as Answer

from outreach.core.errors import ConflictError, NotFoundError, OutreachError
from outreach.officials.agenda import audience_for, minutes_of
from outreach.officials.models import Official
from outreach.officials.plan_models import MeetingPlan
from outreach.officials.plans import (
    add_contact,
    call_off,
    change_plan,
    contact_of,
    gathers_at,
    get_plan,
    make_plan,
    reopen,
)  # fmt: skip
from outreach.serving import runtime
from outreach.web.officials_reads import find_official
from outreach.web.plan_entry import check_given, choices_for
from outreach.web.plan_files import plan_calendar
from outreach.web.plan_forms import PlanForm, TryForm, values_of
from outreach.web.plan_reads import MOST_SHOWN, list_plans, plan_page, today_of, users_of, what_is_ahead
from outreach.web.plan_words import (
    AUDIENCES,
    CONDITIONS,
    RECORDS,
    ROLES,
    STAFF_ROLES,
    STATES,
    WAYS,
    clock_words,
    dollars,
    when_words,
)  # fmt: skip
from outreach.web.roles import allow

pages = Blueprint("plans", __name__, url_prefix="/meetings/plans")

Page = str | Answer | tuple[str, int]
WORDS = {
    "states": STATES, "conditions": CONDITIONS, "audiences": AUDIENCES, "roles": ROLES, "staff_roles": STAFF_ROLES,
    "records": RECORDS, "ways": WAYS, "when": when_words, "clock": clock_words, "dollars": dollars,
}  # fmt: skip


@pages.app_context_processor
def words() -> dict[str, Any]:
    """The words of plans, for every page that includes a part of theirs."""
    return {"plan_words": WORDS}


@pages.get("/")
@allow("staff")
def index() -> str:
    """Meetings that are agreed or asked for, then those that are past."""
    with runtime().db.snapshot() as session:
        ahead = list_plans(session, runtime(), current_user.group_id, is_open=True)
        soon = what_is_ahead(session, runtime(), current_user.group_id, MOST_SHOWN)
        past = list_plans(session, runtime(), current_user.group_id, is_open=False)
    return render_template("plans/index.html", ahead=ahead, soon=soon, past=past)


@pages.get("/<int:plan_id>")
@allow("staff")
def show(plan_id: int) -> str:
    """One plan with everything that belongs to it."""
    return _shown(plan_id, None)


@pages.route("/new/<int:official_id>", methods=["GET", "POST"])
@allow("organizer")
def new(official_id: int) -> Page:
    """Plan a meeting with this official."""
    held = runtime()
    now = held.clock.now()
    with held.db.snapshot() as session:
        official = find_official(session, current_user.group_id, official_id)
        choices = choices_for(session, held, current_user.group_id, None)
    if official is None:
        abort(404)
    form = PlanForm(data={"audience": audience_for(official.role)})
    form.offer(choices.members, choices.partners, form.meeting_zone.default)
    if form.validate_on_submit():
        try:
            with held.db.transaction() as tx:
                given = form.given()
                check_given(tx, held, current_user.group_id, given, None)
                plan_id = make_plan(
                    tx, held, current_user.group_id, official_id, given, by=current_user.name,
                    opened_at=form.opened_at(now),
                ).id  # fmt: skip
        except OutreachError as error:
            form.refuse(error)
        else:
            flash(gettext("The meeting is planned. Its checklist says what comes next."))
            return redirect(url_for("plans.show", plan_id=plan_id), code=303)
    if not form.opened.data:
        form.open(now)
    return _form(form, official, None)


@pages.route("/<int:plan_id>/edit", methods=["GET", "POST"])
@allow("organizer")
def edit(plan_id: int) -> Page:
    """Describe a plan anew."""
    held = runtime()
    plan, official = _find(plan_id)
    with held.db.snapshot() as session:
        choices = choices_for(session, held, current_user.group_id, plan)
    values = values_of(plan, contact_of(held.vault, plan), choices.attendees, choices.invited)
    form = PlanForm(data=values)
    form.offer(choices.members, choices.partners, plan.zone)
    if form.validate_on_submit():
        try:
            with held.db.transaction() as tx:
                given = form.given()
                check_given(tx, held, current_user.group_id, given, plan_id)
                change_plan(tx, held, current_user.group_id, plan_id, form.seen_version(), given)
        except OutreachError as error:
            form.refuse(error)
            if error.code == "plan_changed":
                form.version.data = str(_find(plan_id)[0].version)  # saving again says: mine, knowing of theirs
                return _form(form, official, plan, 409)
        else:
            flash(gettext("Saved."))
            return redirect(url_for("plans.show", plan_id=plan_id), code=303)
    return _form(form, official, plan)


@pages.post("/<int:plan_id>/tries")
@allow("organizer")
def add_try(plan_id: int) -> Page:
    """Note a try to get the meeting."""
    form = TryForm()
    _find(plan_id)
    if form.validate_on_submit():
        try:
            with runtime().db.transaction() as tx:
                add_contact(
                    tx, runtime(), current_user.group_id, plan_id, on_day=form.on_day.data, whom=form.whom.data,
                    said=form.said.data, by=current_user.name,
                )  # fmt: skip
        except OutreachError as error:
            form.refuse(error)
        else:
            flash(gettext("Noted."))
            return redirect(url_for("plans.show", plan_id=plan_id, _anchor="tries"), code=303)
    return _shown(plan_id, form), 422


@pages.post("/<int:plan_id>/call-off")
@allow("organizer")
def end(plan_id: int) -> Answer:
    """There will be no meeting, for now."""
    return _turned(plan_id, call_off, gettext("The meeting is called off. Nobody is reminded of it any more."))


@pages.post("/<int:plan_id>/reopen")
@allow("organizer")
def again(plan_id: int) -> Answer:
    """It is planned after all."""
    return _turned(plan_id, reopen, gettext("The meeting is planned again."))


@pages.get("/<int:plan_id>/calendar.ics")
@allow("staff")
def calendar(plan_id: int) -> Response:
    """The meeting, the gathering before it and what is due, for a calendar."""
    try:
        with runtime().db.snapshot() as session:
            known = plan_page(session, runtime(), current_user.group_id, plan_id)
    except NotFoundError:
        abort(404)
    return plan_calendar(known)


def _turned(plan_id: int, act: Any, sentence: str) -> Answer:
    try:
        with runtime().db.transaction() as tx:
            act(tx, runtime(), current_user.group_id, plan_id, by=current_user.name)
    except NotFoundError:
        abort(404)
    except ConflictError:
        flash(gettext("This plan is closed: the meeting was logged or called off."), "error")
    else:
        flash(sentence)
    return redirect(url_for("plans.show", plan_id=plan_id), code=303)


def _find(plan_id: int) -> tuple[MeetingPlan, Official]:
    """A plan of the person's group with its official; 404 otherwise."""
    try:
        with runtime().db.snapshot() as session:
            plan = get_plan(session, current_user.group_id, plan_id)
            return plan, session.get_one(Official, plan.official_id)
    except NotFoundError:
        abort(404)


def _form(form: PlanForm, official: Official, plan: MeetingPlan | None, refused: int = 422) -> Page:
    page = render_template("plans/edit.html", form=form, official=official, plan=plan)
    return page, refused if form.errors else 200


def _shown(plan_id: int, form: TryForm | None) -> str:
    held = runtime()
    today = today_of(held)
    try:
        with held.db.snapshot() as session:
            known = plan_page(session, held, current_user.group_id, plan_id)
            users = users_of(session, current_user.group_id)
    except NotFoundError:
        abort(404)
    return render_template(
        "plans/show.html", known=known, plan=known.plan, form=form or TryForm(formdata=None, on_day=today),
        gathers=gathers_at(known.plan), users=users, today=today, agenda_minutes=minutes_of(known.lines),
    )  # fmt: skip
