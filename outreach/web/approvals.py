"""A second person's approval: what is asked for, as an approver reads it, and their three presses."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from flask import Blueprint, abort, flash, redirect, render_template, url_for
from flask_babel import get_locale, gettext, lazy_gettext
from flask_login import current_user
from flask_wtf import FlaskForm
from sqlalchemy.orm import Session
from werkzeug.wrappers import Response
from wtforms import TextAreaField
from wtforms.validators import DataRequired

from outreach.approvals.asking import TREE, WAVE, is_unchanged, withdraw
from outreach.approvals.deciding import REASON_LENGTH, approve, decline, newest
from outreach.approvals.digests import people_now
from outreach.approvals.models import ApprovalRequest
from outreach.core.errors import NotFoundError, OutreachError
from outreach.escalations.drafts import get_campaign, templates_of, text_values
from outreach.escalations.models import Campaign
from outreach.escalations.preview import preview
from outreach.messaging.threads import Actor
from outreach.phone_tree.editing import get_tree
from outreach.serving import runtime
from outreach.web.approval_words import KINDS, STATES, VOID, safety_error
from outreach.web.campaign_words import day_and_time
from outreach.web.entry_forms import at_most, clean
from outreach.web.roles import allow, ranks
from outreach.web.wizard_forms import LaunchForm, refuse
from outreach.web.wizard_words import PARTS, counting, words

pages = Blueprint("approvals", __name__, url_prefix="/campaigns/<int:campaign_id>/approval")

Page = str | Response | tuple[str, int]


class DeclineForm(FlaskForm):  # type: ignore[misc]
    """Why not."""

    reason = TextAreaField(
        lazy_gettext("Why not? Who asked for it reads this."), filters=[clean],
        validators=[DataRequired(lazy_gettext("Say why, so that it can be mended.")), at_most(REASON_LENGTH)],
    )  # fmt: skip


def actor() -> Actor:
    """Who is signed in."""
    return Actor(int(current_user.id), current_user.group_id, current_user.name)


def shown(session: Session, campaign: Campaign | None, campaign_id: int | None) -> dict[str, Any]:
    """The latest request about a campaign, or about the group, for a template: nothing where there is none."""
    held = runtime()
    request = newest(session, current_user.group_id, campaign_id)
    if request is None:
        return {"request_": None}
    state = request.state
    if state == "waiting" and request.expires_at <= held.clock.real_now():
        state = "expired"
    elif state == "waiting" and not is_unchanged(session, request, campaign):
        state = "void"
    mine = request.requested_by == int(current_user.id)
    waits = state == "waiting"
    return {
        "request_": request, "request_state": state, "mine": mine, "kinds": KINDS, "states": STATES,
        "waits": waits, "may_decide": waits and not mine and ranks(current_user.role, "organizer"),
        "people": people_now(session, held, request, campaign) if waits else request.people,
        "when": day_and_time, "at": asked_at(request), "tree": _tree_name(session, request),
        "real_day": lambda real: day_and_time(held.clock.at(real.timestamp())),
    }  # fmt: skip


def asked_at(request: ApprovalRequest) -> str | None:
    """The launch time that is asked for, on the group's clock."""
    at = request.asked_for.get("at")
    return day_and_time(datetime.fromisoformat(at)) if at else None


def _tree_name(session: Session, request: ApprovalRequest) -> str | None:
    if request.kind != TREE:
        return None
    try:
        return get_tree(session, request.group_id, request.asked_for["tree_id"]).name
    except NotFoundError:
        return None


@pages.get("/")
@allow("staff")
def show(campaign_id: int) -> Page:
    """What is asked for and how it stands."""
    return _shown(campaign_id, LaunchForm(formdata=None), DeclineForm(formdata=None))


def _shown(campaign_id: int, form: LaunchForm, declining: DeclineForm) -> Page:
    with runtime().db.snapshot() as session:
        campaign = _campaign(session, campaign_id)
        found = shown(session, campaign, campaign_id)
        if found["request_"] is None:
            abort(404)
        request: ApprovalRequest = found["request_"]
        templates = templates_of(campaign)
        if request.kind == WAVE:
            templates = {f"text_{one}": text for one, text in request.asked_for["texts"].items()}
        previews = preview(templates, text_values(session, campaign), tactic=campaign.tactic)
    status = 422 if form.errors or declining.errors else 200
    page = render_template(
        "approvals/show.html", campaign=campaign, form=form, declining=declining, previews=previews, labels=PARTS,
        language=str(get_locale().language), words=words, counting=counting, **found,
    )  # fmt: skip
    return page, status


def _campaign(session: Session, campaign_id: int) -> Campaign:
    try:
        return get_campaign(session, current_user.group_id, campaign_id)
    except NotFoundError:
        abort(404)


@pages.post("/<int:request_id>/approve")
@allow("organizer", fresh=True)
def say_yes(campaign_id: int, request_id: int) -> Page:
    """Approve, for whoever typed how many people that is: then it happens at once. Sent twice, it happens once."""
    _belongs(campaign_id, request_id)
    form = LaunchForm()
    if not form.validate_on_submit() or form.typed() is None:
        if not form.errors:
            refuse(form.count, gettext("Type the number in digits, for example 250."))
        return _shown(campaign_id, form, DeclineForm(formdata=None))
    held = runtime()
    try:
        with held.db.transaction(durable=True) as tx:
            done = approve(tx, held, actor(), request_id, people=form.typed())
    except OutreachError as error:
        refuse(form.count, safety_error(error))
        return _shown(campaign_id, form, DeclineForm(formdata=None))
    flash(gettext("Approved. It is under way.") if done else str(VOID))
    return redirect(url_for("campaigns.show", campaign_id=campaign_id), code=303)


@pages.post("/<int:request_id>/decline")
@allow("organizer")
def say_no(campaign_id: int, request_id: int) -> Page:
    """Decline, with a reason."""
    _belongs(campaign_id, request_id)
    form = DeclineForm()
    if not form.validate_on_submit():
        return _shown(campaign_id, LaunchForm(formdata=None), form)
    held = runtime()
    try:
        with held.db.transaction() as tx:
            decline(tx, held, actor(), request_id, form.reason.data)
    except OutreachError as error:
        refuse(form.reason, safety_error(error))
        return _shown(campaign_id, LaunchForm(formdata=None), form)
    flash(gettext("Declined. Nothing was launched."))
    return redirect(url_for("approvals.show", campaign_id=campaign_id), code=303)


@pages.post("/<int:request_id>/withdraw")
@allow("organizer")
def take_back(campaign_id: int, request_id: int) -> Page:
    """Whoever asked takes it back."""
    _belongs(campaign_id, request_id)
    held = runtime()
    try:
        with held.db.transaction() as tx:
            withdraw(tx, held, actor(), request_id)
    except OutreachError as error:
        flash(safety_error(error), "error")
    else:
        flash(gettext("Withdrawn. Nobody is asked to approve it any more."))
    return redirect(url_for("approvals.show", campaign_id=campaign_id), code=303)


def _belongs(campaign_id: int, request_id: int) -> None:
    """404 unless it is a request about this campaign, of this group."""
    with runtime().db.snapshot() as session:
        _campaign(session, campaign_id)
        request = session.get(ApprovalRequest, request_id)
        if request is None or request.campaign_id != campaign_id or request.group_id != current_user.group_id:
            abort(404)
