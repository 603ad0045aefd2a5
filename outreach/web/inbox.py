"""The inbox: texts that a person must read, answered by whoever claims them."""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Callable
from datetime import datetime
from typing import Any

from flask import Blueprint, Response, abort, flash, make_response, redirect, render_template, request, url_for
from flask_babel import get_locale, gettext, lazy_gettext
from flask_login import current_user
from flask_wtf import FlaskForm
from werkzeug.wrappers import Response as WerkzeugResponse
from wtforms import HiddenField, TextAreaField
from wtforms.validators import Length

from config import table
from outreach.core.clock import PHOENIX
from outreach.core.db import Transaction
from outreach.core.errors import NotFoundError, OutreachError
from outreach.messaging import inbox
from outreach.serving import runtime
from outreach.web.campaigns import LABELS
from outreach.web.inbox_reads import VIEWS, list_threads, thread_page
from outreach.web.inbox_words import SPECIAL, VIEW_WORDS, WAITS, in_words, meaning, meanings
from outreach.web.official_words import language
from outreach.web.people_words import short_time
from outreach.web.person_reads import TEXTS_SHOWN
from outreach.web.roles import allow

pages = Blueprint("inbox", __name__, url_prefix="/inbox")


class AnswerForm(FlaskForm):  # type: ignore[misc]
    """What the organizer writes; ``once`` tells the same form sent twice."""

    body = TextAreaField(lazy_gettext("Your answer"), render_kw={"rows": 4, "maxlength": 1600})
    once = HiddenField(validators=[Length(max=64)])


def actor() -> inbox.Actor:
    """Who is signed in."""
    return inbox.Actor(int(current_user.id), current_user.group_id, current_user.name)


@pages.get("/")
@allow("staff")
def index() -> str:
    """Threads; those that wait first."""
    return render_template("inbox/index.html", **_listed())


@pages.get("/live")
@allow("staff")
def live() -> Response:
    """The list alone, for polling; 304 while it is the same."""
    return _polled(render_template("inbox/threads.html", **_listed()))


def _listed() -> dict[str, Any]:
    held = runtime()
    view = request.args.get("view", VIEWS[0])
    if view not in VIEWS:
        abort(404)
    with held.db.snapshot() as session:
        threads = list_threads(
            session, held, current_user.group_id, view=view, user_id=int(current_user.id),
            page=request.args.get("page", 1, type=int),
        )  # fmt: skip
    return {"threads": threads, "view": view, "views": VIEW_WORDS, **_words()}


def _words() -> dict[str, Any]:
    now = runtime().clock.now()

    def when(at: datetime) -> str:
        return short_time(at, now, PHOENIX)

    return {"waits": WAITS, "special": SPECIAL, "meaning": meaning, "when": when, "me": int(current_user.id)}


def _polled(text: str) -> Response:
    answer = make_response(text)
    answer.set_etag(hashlib.sha256(f"{get_locale()}{text}".encode()).hexdigest()[:32])
    answer.headers["Cache-Control"] = "private, no-cache"
    answer.make_conditional(request)
    return answer


@pages.get("/<int:conversation_id>")
@allow("staff")
def show(conversation_id: int) -> str:
    """One thread."""
    form = AnswerForm(formdata=None)
    form.once.data = secrets.token_hex(16)
    return _shown(conversation_id, form)


@pages.get("/<int:conversation_id>/live")
@allow("staff")
def thread_live(conversation_id: int) -> Response:
    """The texts alone, for polling."""
    return _polled(render_template("inbox/texts.html", **_thread(conversation_id)))


def _thread(conversation_id: int) -> dict[str, Any]:
    held = runtime()
    try:
        with held.db.snapshot() as session:
            page = thread_page(session, held, current_user.group_id, conversation_id)
    except NotFoundError:
        abort(404)
    return {
        "page": page, "thread": page.thread, "states": LABELS, "meanings": meanings(), "texts_shown": TEXTS_SHOWN,
        **_words(),
    }  # fmt: skip


def _shown(conversation_id: int, form: AnswerForm) -> str:
    starts = [(key, row["name"][language()]) for key, row in table("message_templates/canned").items()]
    return render_template("inbox/show.html", form=form, starts=starts, **_thread(conversation_id))


@pages.post("/<int:conversation_id>/answer")
@allow("organizer")
def answer(conversation_id: int) -> tuple[str, int] | WerkzeugResponse:
    """Send an answer, once; or put a ready answer into the box, behind what was typed, and send nothing."""
    held, form = runtime(), AnswerForm()
    ready = table("message_templates/canned").get(request.form.get("start", ""))
    if ready:
        form.body.data = f"{form.body.data or ''}\n{ready['text'][language()]}".strip()
        return _shown(conversation_id, form), 200
    if not form.validate_on_submit():
        return _shown(conversation_id, form), 422
    try:
        with held.db.transaction(durable=True) as tx:
            inbox.answer_person(
                tx, held, actor(), conversation_id, body=form.body.data or "", once=form.once.data or ""
            )
    except NotFoundError:
        abort(404)
    except OutreachError as error:
        form.body.errors = [in_words(error)]
        return _shown(conversation_id, form), 422
    flash(gettext("Your answer is on its way."))
    return _back(conversation_id)


@pages.post("/<int:conversation_id>/claim")
@allow("organizer")
def claim(conversation_id: int) -> WerkzeugResponse:
    """Take the thread, from nobody or from the holder whom the page named."""
    holder = request.form.get("holder", type=int)
    return _do(
        conversation_id,
        lambda tx: inbox.claim_conversation(tx, runtime(), actor(), conversation_id, holder),
        gettext("This thread is yours now."),
    )


@pages.post("/<int:conversation_id>/release")
@allow("organizer")
def release(conversation_id: int) -> WerkzeugResponse:
    """Leave the thread to others."""
    return _do(
        conversation_id,
        lambda tx: inbox.release_conversation(tx, actor(), conversation_id),
        gettext("Anybody can take this thread now."),
    )


@pages.post("/<int:conversation_id>/done")
@allow("organizer")
def done(conversation_id: int) -> WerkzeugResponse:
    """Nothing to answer."""
    return _do(
        conversation_id,
        lambda tx: inbox.close_conversation(tx, actor(), conversation_id),
        gettext("Nothing to answer. It waits no more."),
    )


@pages.post("/<int:conversation_id>/opt-out")
@allow("organizer")
def decide(conversation_id: int) -> WerkzeugResponse:
    """Whether a possible opt-out is one; what is not a clear no is a yes."""
    stops = request.form.get("stops") != "no"
    return _do(
        conversation_id,
        lambda tx: inbox.decide_opt_out(tx, runtime(), actor(), conversation_id, stops=stops),
        gettext("They get no more texts.") if stops else gettext("They may be texted again."),
    )


@pages.post("/texts/<int:reply_id>/meaning")
@allow("organizer")
def correct(reply_id: int) -> WerkzeugResponse:
    """Correct what we took a text to mean."""
    intent, _, outcome = request.form.get("meaning", "").partition(":")
    thread: list[int] = []

    def change(tx: Transaction) -> None:
        thread.append(inbox.correct_reply(tx, runtime(), actor(), reply_id, intent=intent, outcome=outcome or None))

    return _do(None, change, gettext("Corrected."), thread)


def _do(
    conversation_id: int | None, act: Callable[[Transaction], None], told: str, found: list[int] | None = None
) -> WerkzeugResponse:
    """Run one use case and go back to its thread, with what happened in words."""
    try:
        with runtime().db.transaction(durable=True) as tx:
            act(tx)
    except NotFoundError:
        abort(404)
    except OutreachError as error:
        flash(in_words(error), "error")
    else:
        flash(told)
    target = conversation_id or (found[0] if found else None)
    back = request.form.get("thread", type=int)
    return _back(target or back)


def _back(conversation_id: int | None) -> WerkzeugResponse:
    if conversation_id is None:
        return redirect(url_for("inbox.index"), code=303)
    return redirect(url_for("inbox.show", conversation_id=conversation_id), code=303)
