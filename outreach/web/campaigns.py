"""The campaigns: their list, and each one's live tally."""

from __future__ import annotations

import hashlib
from typing import Any

from flask import Blueprint, Response, abort, make_response, redirect, render_template, request, url_for
from flask_babel import get_locale, lazy_gettext
from flask_login import current_user
from sqlalchemy import select
from werkzeug.wrappers import Response as WerkzeugResponse

from outreach.core.errors import NotFoundError
from outreach.escalations.models import Campaign
from outreach.serving import runtime
from outreach.tallies.charts import bars, running, stacked
from outreach.tallies.live import live_tally
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


PROGRESS = ("delivered", "sent", "accepted", "undelivered", "failed", "suppressed", "canceled", "needs_review",
            "unknown", "held", "planned")  # fmt: skip
"""The order in which the progress bar shows the states: what has arrived first, what waits last."""
SERIES_LABELS = {
    "delivered": lazy_gettext("delivered"),
    "replies": lazy_gettext("replies"),
    "reports": lazy_gettext("calls reported"),
    "opted_out": lazy_gettext("opted out"),
}


@pages.get("/<int:campaign_id>")
@allow("staff")
def show(campaign_id: int) -> str | WerkzeugResponse:
    """A campaign's page; its live part is the same that polling fetches. A draft has its task list instead."""
    found = _live(campaign_id)
    if found["tally"].state == "draft" and current_user.role != "staff":
        return redirect(url_for("wizard.tasks", campaign_id=campaign_id))
    return render_template("campaigns/show.html", **found)


@pages.get("/<int:campaign_id>/live")
@allow("staff")
def live(campaign_id: int) -> Response:
    """The live part alone, or 304 while no number has changed."""
    held = _live(campaign_id)
    answer = make_response(render_template("campaigns/live.html", **held))
    seen = held["live"]
    told = repr((seen.tally.states, seen.tally.replies, seen.tally.reports, seen.tally.state, str(get_locale())))
    answer.set_etag(hashlib.sha256(told.encode()).hexdigest()[:32])
    answer.headers["Cache-Control"] = "private, no-cache"
    answer.make_conditional(request)
    return answer


def _live(campaign_id: int) -> dict[str, Any]:
    held = runtime()
    try:
        with held.db.snapshot() as session:
            found = live_tally(session, current_user.group_id, campaign_id, held.clock)
    except NotFoundError:
        abort(404)
    states = found.tally.states
    return {
        "live": found,
        "tally": found.tally,
        "labels": LABELS,
        "series_labels": SERIES_LABELS,
        "progress": stacked({state: states[state] for state in PROGRESS}),
        "outcomes": bars(found.tally.reports),
        "lines": running(found.series),
        "texted": found.tally.recipients - states["planned"] - states["held"] - states["suppressed"],
        "called": sum(found.tally.reports.values()),
    }
