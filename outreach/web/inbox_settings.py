"""What a group sets up for its inbox: ready answers of its own, and after how many hours a text has waited too long."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final, NamedTuple

from flask import Blueprint, abort, flash, redirect, render_template, url_for
from flask_babel import gettext
from flask_login import current_user
from sqlalchemy.orm import Session
from werkzeug.wrappers import Response

from outreach.core.db import Transaction
from outreach.core.errors import BadInputError, NotFoundError, OutreachError
from outreach.core.segments import Measure, measure
from outreach.escalations.lint import ERROR, Finding, lint
from outreach.messaging.canned import (
    Ready,
    change_canned,
    checked,
    create_canned,
    delete_canned,
    fill_in,
    find_canned,
    ready_answers,
)  # fmt: skip
from outreach.messaging.inbox_models import CannedReply
from outreach.messaging.nudges import Hours, choose_hours, hours_of
from outreach.serving import runtime
from outreach.web.inbox import actor
from outreach.web.inbox_forms import LANGUAGES, HoursForm, ReadyForm
from outreach.web.official_words import language
from outreach.web.roles import allow
from outreach.web.wizard_words import counting

pages = Blueprint("inbox_settings", __name__, url_prefix="/inbox/settings")

Page = str | Response | tuple[str, int]
RULES: Final = frozenset({"not_staff", "people_not_illegal", "second_hand"})
"""Rules of ``config/lint.toml`` that hold for an answer, too; the others are about calls to action."""


class Shown(NamedTuple):
    """A ready answer in one language, as somebody named Ana would get it."""

    language: str
    body: str
    cost: Measure
    warnings: list[Finding]


@pages.get("/")
@allow("staff")
def index() -> str:
    """The ready answers, and the hours."""
    return _index(HoursForm(formdata=None))


@pages.post("/")
@allow("organizer")
def choose() -> Page:
    """Set the hours."""
    form = HoursForm()
    if not form.validate_on_submit():
        return _index(form), 422
    hours = Hours(form.hours.data, form.hours_of_doubt.data)
    with runtime().db.transaction() as tx:
        choose_hours(tx, runtime(), actor(), hours)
    flash(gettext("Saved."))
    return redirect(url_for("inbox_settings.index"), code=303)


def _index(form: HoursForm) -> str:
    with runtime().db.snapshot() as session:
        if not form.errors:
            form.hours.data, form.hours_of_doubt.data = hours_of(session, current_user.group_id)
        every = [(one, _shown(session, one)) for one in ready_answers(session, current_user.group_id)]
    return render_template(
        "inbox/settings.html", form=form, ready=every, language=language(), counting=counting, prefix="own-"
    )


def _shown(session: Session, ready: Ready) -> list[Shown]:
    found = []
    for one in LANGUAGES:
        body = fill_in(session, current_user.group_id, ready, "Ana", one)
        found.append(Shown(one, body, measure(body), [each for each in judged(body, one) if each.severity != ERROR]))
    return found


def judged(body: str, in_language: str) -> list[Finding]:
    """What is wrong, or doubtful, in an answer."""
    return [one for one in lint(body, "text", in_language, {}) if one.code in RULES]


@pages.route("/ready/new", methods=["GET", "POST"])
@allow("organizer")
def new() -> Page:
    """A ready answer. Sent twice, it makes one."""
    form = ReadyForm()
    return _save(form, None, lambda tx: create_canned(tx, runtime(), actor(), form.name.data, form.texts()))


@pages.route("/ready/<int:canned_id>", methods=["GET", "POST"])
@allow("organizer")
def edit(canned_id: int) -> Page:
    """Another name, other words."""
    row = _find(canned_id)
    form = ReadyForm(data={"name": row.name, "ready_en": row.text_en, "ready_es": row.text_es})
    return _save(form, row, lambda tx: change_canned(tx, actor(), canned_id, form.name.data, form.texts()))


@pages.post("/ready/<int:canned_id>/delete")
@allow("organizer")
def delete(canned_id: int) -> Response:
    """Forget a ready answer."""
    _find(canned_id)
    with runtime().db.transaction() as tx:
        delete_canned(tx, actor(), canned_id)
    flash(gettext("The ready answer is deleted."))
    return redirect(url_for("inbox_settings.index"), code=303)


def _find(canned_id: int) -> CannedReply:
    try:
        with runtime().db.snapshot() as session:
            return find_canned(session, current_user.group_id, canned_id)
    except NotFoundError:
        abort(404)


def _save(form: ReadyForm, row: CannedReply | None, act: Callable[[Transaction], Any]) -> Page:
    if form.validate_on_submit() and _is_sound(form):
        try:
            with runtime().db.transaction() as tx:
                act(tx)
        except NotFoundError:
            abort(404)
        except OutreachError as error:
            form.refuse(error)
        else:
            flash(gettext("The ready answer is saved."))
            return redirect(url_for("inbox_settings.index"), code=303)
    return render_template("inbox/ready.html", form=form, row=row), 422 if form.errors else 200


def _is_sound(form: ReadyForm) -> bool:
    """Whether both texts can be sent as they are; what is wrong stands at its field."""
    for one, text in form.texts().items():
        field = form[f"ready_{one}"]
        try:
            body = checked(text, one)
        except BadInputError as error:
            form.refuse(error, field.name)
        else:
            wrong = [each.reason[language()] for each in judged(body, one) if each.severity == ERROR]
            field.errors = [*field.errors, *wrong]
    return not form.errors
