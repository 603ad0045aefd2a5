"""The review queue: texts of which nobody knows whether they were sent, each with its three choices."""

from __future__ import annotations

from typing import Final

from flask import Blueprint, abort, flash, redirect, render_template, request, url_for
from flask_babel import lazy_gettext
from flask_login import current_user
from werkzeug.wrappers import Response

from outreach.core.clock import PHOENIX
from outreach.core.errors import NotFoundError, OutreachError
from outreach.messaging.review import decide_message
from outreach.serving import runtime
from outreach.web.inbox import actor
from outreach.web.inbox_words import in_words
from outreach.web.people_words import short_time
from outreach.web.review_reads import doubts, doubts_waiting
from outreach.web.roles import allow

pages = Blueprint("review", __name__, url_prefix="/review")

DONE: Final = {
    "sent": lazy_gettext("Noted: it was sent."),
    "again": lazy_gettext("It is sent again, as soon as hours and limits allow."),
    "left": lazy_gettext("Left as it is. Nobody sends it again."),
}


@pages.get("/")
@allow("staff")
def index() -> str:
    """Texts in doubt, oldest first."""
    held = runtime()
    with held.db.snapshot() as session:
        total = doubts_waiting(session, current_user.group_id)
        rows = doubts(session, held, current_user.group_id)
    now = held.clock.now()
    return render_template("review/index.html", rows=rows, total=total, when=lambda at: short_time(at, now, PHOENIX))


@pages.post("/<int:message_id>")
@allow("organizer")
def decide(message_id: int) -> Response:
    """One of the three choices, once."""
    choice = request.form.get("choice", "")
    try:
        with runtime().db.transaction(durable=True) as tx:
            decide_message(tx, runtime(), actor(), message_id, choice)
    except NotFoundError:
        abort(404)
    except OutreachError as error:
        flash(in_words(error), "error")
    else:
        flash(str(DONE[choice]))
    return redirect(url_for("review.index"), code=303)
