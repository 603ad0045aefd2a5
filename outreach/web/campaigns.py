"""The campaigns: their list, and each one's tally in plain numbers."""

from __future__ import annotations

from flask import Blueprint, abort, render_template
from flask_babel import lazy_gettext
from flask_login import current_user
from sqlalchemy import select

from outreach.core.errors import NotFoundError
from outreach.escalations.models import Campaign
from outreach.serving import runtime
from outreach.tallies.campaign import campaign_tally
from outreach.web.roles import allow

pages = Blueprint("campaigns", __name__, url_prefix="/campaigns")

LABELS = {
    "planned": lazy_gettext("planned"),
    "held": lazy_gettext("held until it is day"),
    "accepted": lazy_gettext("taken by the carrier"),
    "sent": lazy_gettext("on its way"),
    "delivered": lazy_gettext("delivered"),
    "undelivered": lazy_gettext("not delivered"),
    "failed": lazy_gettext("refused by the carrier"),
    "suppressed": lazy_gettext("opted out"),
    "canceled": lazy_gettext("canceled"),
    "unknown": lazy_gettext("unknown, being looked up"),
    "needs_review": lazy_gettext("needs a decision"),
    "draft": lazy_gettext("a draft"),
    "launched": lazy_gettext("running"),
    "paused": lazy_gettext("paused"),
    "spoke": lazy_gettext("spoke with staff"),
    "voicemail": lazy_gettext("left a voicemail"),
    "mailbox_full": lazy_gettext("mailbox full"),
    "no_answer": lazy_gettext("no answer"),
    "busy": lazy_gettext("busy"),
    "refused": lazy_gettext("they refused"),
    "done": lazy_gettext("done"),
}
"""States and outcomes in words."""


@pages.get("/")
@allow("staff")
def overview() -> str:
    """The group's campaigns, newest first."""
    with runtime().db.snapshot() as session:
        campaigns = session.execute(
            select(Campaign.id, Campaign.name, Campaign.state)
            .where(Campaign.group_id == current_user.group_id)
            .order_by(Campaign.id.desc())
            .limit(100)
        ).all()
    return render_template("campaigns/overview.html", campaigns=campaigns, labels=LABELS)


@pages.get("/<int:campaign_id>")
@allow("staff")
def show(campaign_id: int) -> str:
    """One campaign's numbers."""
    held = runtime()
    try:
        with held.db.snapshot() as session:
            tally = campaign_tally(session, current_user.group_id, campaign_id, held.clock)
    except (NotFoundError, OverflowError):
        abort(404)
    return render_template("campaigns/show.html", tally=tally, labels=LABELS)
