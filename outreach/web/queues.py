"""The queue page: for whoever runs the site, what waits where, who works on it, and what to do about it."""

from __future__ import annotations

import hashlib
from typing import Any

import structlog
from flask import Blueprint, Response, flash, make_response, redirect, render_template, request, url_for
from flask_babel import get_locale, gettext
from flask_login import current_user
from redis.exceptions import RedisError

from outreach.core.errors import NotFoundError
from outreach.core.queue import connect
from outreach.core.runtime import Runtime
from outreach.serving import runtime
from outreach.watch.alarms import close_alarm, open_alarms
from outreach.watch.facts import read_facts
from outreach.watch.queues import Queues, read_queues
from outreach.web.queue_words import alarm_words, queue_words, span, state_of
from outreach.web.roles import allow

log = structlog.get_logger(__name__)
pages = Blueprint("queues", __name__, url_prefix="/administration/queues")


@pages.get("/")
@allow("instance")
def index() -> str:
    """Everything that waits, in words."""
    with runtime().db.snapshot() as session:
        alarms = open_alarms(session)
    return render_template("administration/queues.html", alarms=alarms, alarm_words=alarm_words, **_now())


@pages.get("/live")
@allow("instance")
def live() -> Response:
    """The same, for polling; 304 while nothing has changed."""
    text = render_template("administration/queues_live.html", **_now())
    answer = make_response(text)
    answer.set_etag(hashlib.sha256(f"{get_locale()}{text}".encode()).hexdigest()[:32])
    answer.make_conditional(request)
    return answer


@pages.post("/alarms/<int:alarm_id>/close")
@allow("instance")
def close(alarm_id: int) -> Any:
    """Somebody has looked at an alarm."""
    held = runtime()
    try:
        with held.db.transaction() as tx:
            at = held.clock.real_now()
            close_alarm(tx, alarm_id, group_id=current_user.group_id, by=current_user.name, at=at)
        flash(gettext("The alarm is closed. Found again, it comes back."))
    except NotFoundError:
        flash(gettext("That alarm was closed before."))
    return redirect(url_for("queues.index"), 303)


def _now() -> dict[str, Any]:
    held = runtime()
    facts, queues = read_facts(held), _queues(held)
    problems = state_of(facts, queues)
    return {"facts": facts, "queues": queues, "problems": problems, "span": span, "queue_words": queue_words}


def _queues(held: Runtime) -> Queues | None:
    try:
        return read_queues(connect(held.settings.redis_url), with_failures=True)
    except RedisError as error:
        log.warning("queue_page_without_redis", error=type(error).__name__)
        return None
