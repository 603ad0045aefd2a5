"""Home: what waits for the organizer, and what to do first when nothing does."""

from __future__ import annotations

from flask import Blueprint, render_template
from flask_login import current_user

from outreach.serving import runtime
from outreach.web.roles import allow
from outreach.web.waiting import what_waits

pages = Blueprint("home", __name__)


@pages.get("/")
@allow("staff")
def index() -> str:
    """Meetings without a follow-up, promises due, drafts and running campaigns."""
    held = runtime()
    with held.db.snapshot() as session:
        waiting = what_waits(session, current_user.group_id, held.clock.now())
    return render_template("home.html", waiting=waiting)
