"""The official has committed: stand their campaigns down in two steps, and take it back for a minute."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from flask import Blueprint, abort, flash, redirect, render_template, request, url_for
from flask_babel import gettext
from flask_login import current_user
from sqlalchemy import func, select
from werkzeug.wrappers import Response

from outreach.core.errors import BadInputError, ConflictError, NotFoundError
from outreach.escalations.drafts import get_campaign, policy_name
from outreach.escalations.models import Campaign
from outreach.escalations.stand_down import (
    Running,
    can_undo,
    get_stand_down,
    running_of,
    stand_down,
    stood_by,
    undo_stand_down,
    usual_thanks,
)
from outreach.messaging.models import Message
from outreach.officials.models import Official
from outreach.serving import runtime
from outreach.web.campaign_words import to_the_second
from outreach.web.campaigns import LABELS
from outreach.web.official_words import language
from outreach.web.roles import allow
from outreach.web.stand_down_form import StandDownForm
from outreach.web.stand_down_words import stand_down_error

pages = Blueprint("stand_downs", __name__)

Page = str | Response | tuple[str, int]


@pages.route("/officials/<int:official_id>/stand-down", methods=["GET", "POST"])
@allow("organizer")
def begin(official_id: int) -> Page:
    """Look at what would stop, then stop it. Sent twice, it stops once."""
    return _begin(official_id, None)


@pages.route("/campaigns/<int:campaign_id>/stand-down", methods=["GET", "POST"])
@allow("organizer")
def begin_here(campaign_id: int) -> Page:
    """The same from a campaign's page: what asks for its policy is ticked."""
    try:
        with runtime().db.snapshot() as reading:
            official_id = get_campaign(reading, current_user.group_id, campaign_id).official_id
    except NotFoundError:
        abort(404)
    return _begin(official_id, campaign_id)


def _begin(official_id: int, campaign_id: int | None) -> Page:
    official, running = _running(official_id)
    form = StandDownForm() if request.method == "POST" else StandDownForm(formdata=None)
    form.offer(running)
    if request.method == "GET":
        form.why.data = gettext("%(official)s committed", official=official.name)
        form.campaigns.data = _meant(running, campaign_id)
        usual = usual_thanks()
        form.text_en.data, form.text_es.data = usual["en"], usual["es"]
    elif form.validate_on_submit():
        try:
            return _done(official_id, form)
        except (BadInputError, ConflictError) as error:
            form.form_errors.append(stand_down_error(error))
    page = render_template("stand_downs/begin.html", official=official, running=running, form=form, labels=LABELS)
    return page, 422 if form.errors else 200


def _running(official_id: int) -> tuple[Official, list[Running]]:
    try:
        with runtime().db.snapshot() as reading:
            running = running_of(reading, current_user.group_id, official_id)
            return reading.get_one(Official, official_id), running
    except NotFoundError:
        abort(404)


def _meant(running: Sequence[Running], campaign_id: int | None) -> list[int]:
    """Everything about the official; from a campaign's page, what asks for the same policy."""
    policies = {one.policy for one in running if one.id == campaign_id} or {one.policy for one in running}
    return [one.id for one in running if one.policy in policies]


def _done(official_id: int, form: StandDownForm) -> Response:
    held = runtime()
    with held.db.transaction(durable=True) as tx:
        made = stand_down(
            tx, held, current_user.group_id, official_id, by=current_user.name, why=form.why.data,
            campaign_ids=form.campaigns.data, texts=form.texts(),
        )  # fmt: skip
    flash(gettext("Stood down. No more texts leave."))
    return redirect(url_for("stand_downs.show", stand_down_id=made.id), code=303)


@pages.get("/stand-downs/<int:stand_down_id>")
@allow("staff")
def show(stand_down_id: int) -> str:
    """What stopped, until when that can be undone, and how many are thanked."""
    held = runtime()
    try:
        with held.db.snapshot() as reading:
            row = get_stand_down(reading, current_user.group_id, stand_down_id)
            campaigns = [reading.get_one(Campaign, one.campaign_id) for one in stood_by(reading, row.id)]
            thanked = select(func.count()).where(Message.gate_id == row.gate_id)
            count = reading.execute(thanked).scalar_one() if row.gate_id else 0
            official = reading.get_one(Official, row.official_id)
    except NotFoundError:
        abort(404)
    return render_template(
        "stand_downs/show.html", row=row, campaigns=campaigns, official=official, thanked=count, labels=LABELS,
        undoable=can_undo(row, held.clock.real_now()), until=to_the_second(row.final_at),
        policies=_policies(campaigns),
    )  # fmt: skip


def _policies(campaigns: Sequence[Any]) -> list[str]:
    return [policy_name(number, language()) for number in sorted({one.policy for one in campaigns})]


@pages.post("/stand-downs/<int:stand_down_id>/undo")
@allow("organizer")
def undo(stand_down_id: int) -> Response:
    """Put everything back as it was. Pressed twice, it is undone once."""
    held = runtime()
    try:
        with held.db.transaction(durable=True) as tx:
            undo_stand_down(tx, held, current_user.group_id, stand_down_id, by=current_user.name)
    except NotFoundError:
        abort(404)
    except ConflictError as error:
        flash(stand_down_error(error), "error")
    else:
        flash(gettext("Undone. Everything goes on as before."))
    return redirect(url_for("stand_downs.show", stand_down_id=stand_down_id), code=303)
