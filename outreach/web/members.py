"""The group's lists: how many people are in each, and which of them hold the group's own members."""

from __future__ import annotations

from flask import Blueprint, abort, flash, redirect, render_template, url_for
from flask_babel import gettext
from flask_login import current_user
from flask_wtf import FlaskForm
from werkzeug.wrappers import Response
from wtforms import RadioField, SelectChoice

from outreach.core.errors import BadInputError, NotFoundError
from outreach.people.members import MOST, lists_with_sizes, mark_members
from outreach.serving import runtime
from outreach.web.roles import allow

pages = Blueprint("members", __name__, url_prefix="/people/lists")

YES, NO = "yes", "no"


class MarkForm(FlaskForm):  # type: ignore[misc]
    """The mark of one list: which of two buttons was pressed."""

    members = RadioField(choices=[SelectChoice(YES, YES), SelectChoice(NO, NO)])


@pages.get("/")
@allow("staff")
def index() -> str:
    """Every list, with its mark."""
    return _shown()


@pages.post("/<int:list_id>/members")
@allow("organizer")
def mark(list_id: int) -> str | tuple[str, int] | Response:
    """Say that a list holds the group's members, or that it does not."""
    form = MarkForm()
    if not form.validate_on_submit():
        abort(400)
    try:
        with runtime().db.transaction() as tx:
            marked = mark_members(
                tx, runtime(), current_user.group_id, list_id, is_members=form.members.data == YES,
                actor=current_user.name,
            )  # fmt: skip
    except NotFoundError:
        abort(404)
    except BadInputError as error:
        return _shown(_too_large(error)), 422
    sentences = {
        True: gettext("“%(name)s” holds your members now.", name=marked.name),
        False: gettext("“%(name)s” holds your members no more.", name=marked.name),
    }
    flash(sentences[marked.is_members])
    return redirect(url_for("members.index"), code=303)


def _shown(problem: str | None = None) -> str:
    with runtime().db.snapshot() as session:
        lists = lists_with_sizes(session, current_user.group_id)
    return render_template("members/index.html", lists=lists, most=MOST, problem=problem)


def _too_large(error: BadInputError) -> str:
    return str(
        gettext(
            "This list has %(people)s people; a members' list has %(most)s at most. Import your members as a list of "
            "their own.",
            **error.details,
        )
    )
