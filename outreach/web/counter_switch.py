"""An organizer shows a campaign's number to the public, or hides it again."""

from __future__ import annotations

from flask import Blueprint, abort, flash, redirect, render_template, url_for
from flask_babel import gettext, lazy_gettext
from flask_login import current_user
from flask_wtf import FlaskForm
from werkzeug.wrappers import Response
from wtforms import BooleanField, IntegerField
from wtforms.validators import Optional

from outreach.core.errors import ConflictError, NotFoundError
from outreach.escalations.drafts import get_campaign
from outreach.serving import runtime
from outreach.tallies.pooling import LEAST
from outreach.tallies.public import MOST_GOAL, PATH, counter_of, counter_token, set_counter
from outreach.web.entry_forms import WholeRange
from outreach.web.roles import allow

pages = Blueprint("counter_switch", __name__, url_prefix="/campaigns/<int:campaign_id>/counter")


class CounterForm(FlaskForm):  # type: ignore[misc]
    """On or off, and what the group hopes for."""

    is_on = BooleanField(lazy_gettext("Show strangers how many people have acted"))
    goal = IntegerField(
        lazy_gettext("Goal, if you have one (people)"),
        validators=[
            Optional(),
            WholeRange(LEAST, MOST_GOAL, lazy_gettext("A whole number from 5 to 1,000,000, please.")),
        ],
        render_kw={"inputmode": "numeric", "autocomplete": "off"},
    )


@pages.get("")
@allow("organizer")
def edit(campaign_id: int) -> str:
    """How it is set."""
    try:
        with runtime().db.snapshot() as session:
            row = counter_of(session, current_user.group_id, campaign_id)
    except NotFoundError:
        abort(404)
    form = CounterForm(formdata=None)
    if row is not None:
        form.is_on.data, form.goal.data = row.is_on, row.goal
    return _shown(campaign_id, form, is_on=row is not None and row.is_on)


@pages.post("")
@allow("organizer")
def save(campaign_id: int) -> Response | tuple[str, int]:
    """Set it, once; again it changes nothing."""
    form = CounterForm()
    if not form.validate_on_submit():
        return _shown(campaign_id, form, is_on=False), 422
    try:
        set_counter(
            runtime(), current_user.group_id, campaign_id, is_on=form.is_on.data, goal=form.goal.data,
            actor=current_user.name,
        )  # fmt: skip
    except NotFoundError:
        abort(404)
    except ConflictError:
        form.form_errors.append(gettext("Nobody was texted for this campaign yet. Launch it first."))
        return _shown(campaign_id, form, is_on=False), 422
    flash(gettext("The number is public.") if form.is_on.data else gettext("The number is not public."))
    return redirect(url_for("counter_switch.edit", campaign_id=campaign_id), code=303)


def _shown(campaign_id: int, form: CounterForm, *, is_on: bool) -> str:
    held = runtime()
    try:
        with held.db.snapshot() as session:
            name = get_campaign(session, current_user.group_id, campaign_id).name
    except NotFoundError:
        abort(404)
    address = f"{held.settings.public_base_url}{PATH}{counter_token(held, campaign_id)}" if is_on else None
    return render_template("counter/edit.html", campaign_id=campaign_id, name=name, form=form, address=address)
