"""What else somebody does with a thread: take it, leave it, hand it over, tag it, say what a text meant."""

from __future__ import annotations

from collections.abc import Callable

from flask import Blueprint, abort, flash, redirect, request, url_for
from flask_babel import gettext
from flask_login import current_user
from werkzeug.wrappers import Response

from outreach.core.db import Transaction
from outreach.core.errors import NotFoundError, OutreachError
from outreach.messaging import corrections, inbox, thread_tags
from outreach.serving import runtime
from outreach.web.inbox import actor, id_in, seen, shown, thread
from outreach.web.inbox_forms import HandOverForm
from outreach.web.inbox_words import in_words
from outreach.web.roles import allow

pages = Blueprint("threads", __name__, url_prefix="/inbox")


@pages.post("/<int:conversation_id>/claim")
@allow("staff")
def claim(conversation_id: int) -> Response:
    """Take the thread, from nobody or from the holder whom the page named."""
    holder = id_in("holder")
    return _do(
        conversation_id,
        lambda tx: inbox.claim_conversation(tx, runtime(), actor(), conversation_id, holder),
        gettext("This thread is yours now."),
    )


@pages.post("/<int:conversation_id>/release")
@allow("staff")
def release(conversation_id: int) -> Response:
    """Leave the thread to others."""
    return _do(
        conversation_id,
        lambda tx: inbox.release_conversation(tx, actor(), conversation_id),
        gettext("Anybody can take this thread now."),
    )


@pages.post("/<int:conversation_id>/done")
@allow("staff")
def done(conversation_id: int) -> Response:
    """Nothing to answer."""
    return _do(
        conversation_id,
        lambda tx: inbox.close_conversation(tx, runtime(), actor(), conversation_id, seen()),
        gettext("Nothing to answer. It waits no more."),
    )


@pages.post("/<int:conversation_id>/hand-over")
@allow("staff")
def hand_over(conversation_id: int) -> Response | tuple[str, int]:
    """Give the thread to an organizer, with a note; what is refused keeps the note."""
    form, page = HandOverForm(), thread(conversation_id)
    if form.validate_on_submit():
        try:
            with runtime().db.transaction(durable=True) as tx:
                inbox.hand_over(tx, runtime(), actor(), conversation_id, to=form.to.data, text=form.note.data)
        except OutreachError as error:
            form.refuse(error)
        else:
            flash(gettext("It stands among their threads now, with your note."))
            return _back(conversation_id)
    return shown(page, hand=form), 422


@pages.post("/<int:conversation_id>/tag")
@allow("staff")
def tag(conversation_id: int) -> Response:
    """Put a tag on the thread: one that there is, or a new one."""
    name = request.form.get("new_tag", "").strip() or request.form.get("known", "")
    return _do(
        conversation_id,
        lambda tx: thread_tags.tag_conversation(tx, runtime(), actor(), conversation_id, name),
        gettext("Tagged."),
    )


@pages.post("/<int:conversation_id>/untag")
@allow("staff")
def untag(conversation_id: int) -> Response:
    """Take a tag off the thread."""
    tag_id = id_in("tag") or 0
    return _do(
        conversation_id,
        lambda tx: thread_tags.untag_conversation(tx, actor(), conversation_id, tag_id),
        gettext("The tag is off."),
    )


@pages.post("/<int:conversation_id>/opt-out")
@allow("staff")
def decide(conversation_id: int) -> Response:
    """Whether a possible opt-out is one; what is not a clear no is a yes. Who may not send may only stop."""
    stops = request.form.get("stops") != "no"
    if not stops and current_user.role == "staff":
        abort(403)
    return _do(
        conversation_id,
        lambda tx: corrections.decide_opt_out(tx, runtime(), actor(), conversation_id, stops=stops, seen=seen()),
        gettext("They get no more texts.") if stops else gettext("They may be texted again."),
    )


@pages.post("/texts/<int:reply_id>/meaning")
@allow("staff")
def correct(reply_id: int) -> Response:
    """Correct what we took a text to mean."""
    intent, _, outcome = request.form.get("meaning", "").partition(":")
    found: list[int] = []

    def change(tx: Transaction) -> None:
        one = corrections.correct_reply(tx, runtime(), actor(), reply_id, intent=intent, outcome=outcome or None)
        found.append(one)

    return _do(None, change, gettext("Corrected."), found)


def _do(
    conversation_id: int | None, act: Callable[[Transaction], None], told: str, found: list[int] | None = None
) -> Response:
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
    target = conversation_id or (found[0] if found else None) or id_in("thread")
    return _back(target)


def _back(conversation_id: int | None) -> Response:
    if conversation_id is None:
        return redirect(url_for("inbox.index"), code=303)
    return redirect(url_for("inbox.show", conversation_id=conversation_id), code=303)
