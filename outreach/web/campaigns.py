"""The campaign page: the tally in plain numbers. The next pages come with the site."""

from __future__ import annotations

from flask import Blueprint, abort, current_app, render_template
from flask_login import current_user
from sqlalchemy import select

from outreach.core.errors import NotFoundError
from outreach.core.runtime import Runtime
from outreach.escalations.models import Campaign
from outreach.tallies.campaign import campaign_tally

pages = Blueprint("campaigns", __name__)


@pages.get("/")
def overview() -> str:
    """The group's campaigns, newest first."""
    runtime: Runtime = current_app.extensions["outreach"]
    with runtime.db.snapshot() as session:
        campaigns = session.execute(
            select(Campaign.id, Campaign.name, Campaign.state)
            .where(Campaign.group_id == current_user.group_id)
            .order_by(Campaign.id.desc())
            .limit(100)
        ).all()
    return render_template("overview.html", campaigns=campaigns)


@pages.get("/campaigns/<int:campaign_id>")
def show(campaign_id: int) -> str:
    """One campaign's numbers."""
    runtime: Runtime = current_app.extensions["outreach"]
    try:
        with runtime.db.snapshot() as session:
            tally = campaign_tally(session, current_user.group_id, campaign_id, runtime.clock)
    except NotFoundError:
        abort(404)
    return render_template("campaign.html", tally=tally)
