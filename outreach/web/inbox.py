"""The inbox: texts that a person must read, found by view, number or words, and answered. ``threads`` has the rest."""

from __future__ import annotations

import hashlib
import secrets
from datetime import datetime, timedelta
from typing import Any

from flask import Blueprint, Response, abort, flash, make_response, redirect, render_template, request, url_for
from flask_babel import get_locale, gettext, lazy_gettext
from flask_login import current_user
from flask_wtf import FlaskForm
from sqlalchemy.orm import Session
from werkzeug.wrappers import Response as WerkzeugResponse
from wtforms import HiddenField, TextAreaField
from wtforms.validators import Length

from outreach.core.clock import PHOENIX
from outreach.core.errors import NotFoundError, OutreachError
from outreach.core.phone import check_phone
from outreach.messaging import inbox
from outreach.messaging.canned import fill_in
from outreach.messaging.nudges import count_late, hours_of
from outreach.messaging.thread_tags import tags_of_group
from outreach.messaging.threads import Actor
from outreach.serving import runtime
from outreach.web.campaigns import LABELS
from outreach.web.inbox_forms import FindForm, HandOverForm, TagForm
from outreach.web.inbox_reads import VIEWS, Place, list_threads
from outreach.web.inbox_search import Found, find_words, thread_of_number
from outreach.web.inbox_thread import ThreadPage, thread_page
from outreach.web.inbox_words import SPECIAL, VIEW_WORDS, WAITS, at_least, in_words, late_words, meaning, meanings
from outreach.web.kept_words import ID_DIGITS
from outreach.web.official_words import language
from outreach.web.people import DIGITS_OF_A_NUMBER
from outreach.web.people_words import KINDS, ROW_ERRORS, short_time
from outreach.web.person_reads import TEXTS_SHOWN
from outreach.web.roles import allow

pages = Blueprint("inbox", __name__, url_prefix="/inbox")


class AnswerForm(FlaskForm):  # type: ignore[misc]
    """What the organizer writes; ``once`` tells the same form sent twice."""

    body = TextAreaField(lazy_gettext("Your answer"), render_kw={"rows": 4, "maxlength": 1600})
    once = HiddenField(validators=[Length(max=64)])


def actor() -> Actor:
    """Who is signed in."""
    return Actor(int(current_user.id), current_user.group_id, current_user.name)


@pages.get("/")
@allow("staff")
def index() -> str:
    """Threads; those that wait first."""
    return render_template("inbox/index.html", find=FindForm(formdata=None), **_listed())


@pages.get("/live")
@allow("staff")
def live() -> Response:
    """The list and its counts, for polling; 304 while they are the same."""
    return _polled(render_template("inbox/live.html", **_listed()))


def _listed() -> dict[str, Any]:
    held, group_id = runtime(), current_user.group_id
    view = request.args.get("view", VIEWS[0])
    if view not in VIEWS:
        abort(404)
    place, tag = Place.read(request.args.get("after", "")), request.args.get("tag", type=int)
    with held.db.snapshot() as session:
        tags = tags_of_group(session, held.vault, group_id)
        tag = tag if tag in {one.id for one in tags} else None
        threads = list_threads(session, held, group_id, view=view, user_id=int(current_user.id), after=place, tag=tag)
        late, hours = count_late(session, held, group_id), hours_of(session, group_id)
    return {
        "threads": threads, "view": view, "views": VIEW_WORDS, "after": place, "tag": tag, "tags": tags,
        "late": late_words(late, hours), **words(),
    }  # fmt: skip


def words() -> dict[str, Any]:
    """What every page with threads says the same way."""
    now = runtime().clock.now()

    def when(at: datetime) -> str:
        return short_time(at, now, PHOENIX)

    def whole_hours(waited: timedelta) -> int:
        return waited // timedelta(hours=1)

    return {
        "waits": WAITS, "special": SPECIAL, "meaning": meaning, "when": when, "me": int(current_user.id),
        "at_least": at_least, "whole_hours": whole_hours,
    }  # fmt: skip


def _polled(text: str) -> Response:
    answer = make_response(text)
    answer.set_etag(hashlib.sha256(f"{get_locale()}{text}".encode()).hexdigest()[:32])
    answer.headers["Cache-Control"] = "private, no-cache"
    answer.make_conditional(request)
    return answer


@pages.post("/find")
@allow("staff")
def find() -> str | tuple[str, int] | WerkzeugResponse:
    """A whole number leads to its thread, words to the threads that have them. Neither goes into an address."""
    held, form = runtime(), FindForm()
    if not form.validate_on_submit():
        return _found(form), 422
    sought = form.sought.data
    with held.db.snapshot() as session:
        if sum(char.isdecimal() for char in sought) < DIGITS_OF_A_NUMBER:
            return _found(form, find_words(session, held, current_user.group_id, sought))
        found, problem = _by_number(session, sought)
    if found is None:
        form.sought.errors = [problem]
        return _found(form), 422
    return redirect(url_for("inbox.show", conversation_id=found), code=303)


def _by_number(session: Session, sought: str) -> tuple[int | None, Any]:
    verdict = check_phone(sought)
    if verdict.e164 is None:
        return None, ROW_ERRORS.get(verdict.reason or "", ROW_ERRORS["not_a_number"])
    found = thread_of_number(session, runtime(), current_user.group_id, verdict.e164)
    return found, gettext("Nobody has texted your group from this number.")


def _found(form: FindForm, found: Found | None = None) -> str:
    return render_template("inbox/found.html", find=form, found=found, **words())


@pages.get("/<int:conversation_id>")
@allow("staff")
def show(conversation_id: int) -> str:
    """One thread."""
    return shown(thread(conversation_id))


@pages.get("/<int:conversation_id>/live")
@allow("staff")
def thread_live(conversation_id: int) -> Response:
    """The texts alone, for polling."""
    return _polled(render_template("inbox/texts.html", **_in_words(thread(conversation_id))))


def thread(conversation_id: int) -> ThreadPage:
    """A thread of the group of who is signed in; else 404."""
    held = runtime()
    try:
        with held.db.snapshot() as session:
            return thread_page(session, held, current_user.group_id, conversation_id)
    except NotFoundError:
        abort(404)


def _in_words(page: ThreadPage) -> dict[str, Any]:
    return {
        "page": page, "thread": page.thread, "states": LABELS, "kinds": KINDS, "meanings": meanings,
        "texts_shown": TEXTS_SHOWN, **words(),
    }  # fmt: skip


def shown(page: ThreadPage, form: AnswerForm | None = None, hand: HandOverForm | None = None) -> str:
    """The page of a thread, with a form as somebody filled it in."""
    if form is None:
        form = AnswerForm(formdata=None)
        form.once.data = secrets.token_hex(16)
    hand = hand or HandOverForm(formdata=None)
    hand.offer([one for one in page.organizers if one.id != int(current_user.id)])
    tagging = TagForm(formdata=None)
    tagging.known.choices = [("", gettext("Choose")), *((one.name, one.name) for one in page.every_tag)]
    starts = [(one.key, one.names[language()]) for one in page.ready]
    return render_template("inbox/show.html", form=form, hand=hand, tagging=tagging, starts=starts, **_in_words(page))


@pages.post("/<int:conversation_id>/answer")
@allow("organizer")
def answer(conversation_id: int) -> tuple[str, int] | WerkzeugResponse:
    """Send an answer, once; or put a ready answer into the box, behind what was typed, and send nothing."""
    held, form, page = runtime(), AnswerForm(), thread(conversation_id)
    ready = next((one for one in page.ready if one.key == request.form.get("start")), None)
    if ready:
        with held.db.snapshot() as session:
            text = fill_in(session, current_user.group_id, ready, page.first_name, page.language)
        form.body.data = f"{form.body.data or ''}\n{text}".strip()
        return shown(page, form), 200
    if not form.validate_on_submit():
        return shown(page, form), 422
    try:
        with held.db.transaction(durable=True) as tx:
            inbox.answer_person(
                tx, held, actor(), conversation_id, body=form.body.data or "", once=form.once.data or "", seen=seen()
            )
    except OutreachError as error:
        form.body.errors = [in_words(error)]
        return shown(thread(conversation_id), form), 422
    flash(gettext("Your answer is on its way."))
    return redirect(url_for("inbox.show", conversation_id=conversation_id), code=303)


def seen() -> int | None:
    """The newest reply that stood on the page from which a form comes; None where it does not say."""
    return id_in("seen")


def id_in(name: str) -> int | None:
    """The id in a field of the form; None for anything that cannot be one."""
    given = request.form.get(name, "")
    return int(given) if given.isascii() and given.isdecimal() and len(given) <= ID_DIGITS else None
