"""Items of a checklist, of a plan or of a meeting: who does them, by when, done and not done after all."""

from __future__ import annotations

from flask import Blueprint, abort, flash, redirect, render_template, request, url_for
from flask_babel import gettext
from flask_login import current_user
from werkzeug.wrappers import Response

from outreach.core.db import Transaction
from outreach.core.errors import ConflictError, NotFoundError, OutreachError
from outreach.officials.checklists import add_item, change_item, get_item, remove_item, tick_item, why_of, words_of
from outreach.officials.models import Meeting
from outreach.officials.plan_models import ChecklistItem
from outreach.officials.plans import get_plan
from outreach.serving import runtime
from outreach.web.official_words import language
from outreach.web.plan_entry import check_people, members_and
from outreach.web.plan_forms import ItemForm
from outreach.web.plan_reads import users_of
from outreach.web.plan_words import in_words
from outreach.web.roles import allow

pages = Blueprint("checklists", __name__, url_prefix="/meetings")

Page = str | Response | tuple[str, int]


@pages.post("/plans/<int:plan_id>/items")
@allow("organizer")
def add(plan_id: int) -> Response:
    """Add an item of the group's own to a plan's checklist."""
    try:
        with runtime().db.transaction() as tx:
            get_plan(tx, current_user.group_id, plan_id, lock=True)
            _add(tx, plan_id=plan_id)
    except NotFoundError:
        abort(404)
    return redirect(url_for("plans.show", plan_id=plan_id, _anchor="checklist"), code=303)


@pages.post("/<int:meeting_id>/items")
@allow("organizer")
def add_after(meeting_id: int) -> Response:
    """The same after a meeting."""
    with runtime().db.transaction() as tx:
        meeting = tx.get(Meeting, meeting_id, with_for_update=True)
        if meeting is None or meeting.group_id != current_user.group_id:
            abort(404)
        _add(tx, meeting_id=meeting_id)
    return redirect(url_for("meetings.show", meeting_id=meeting_id, _anchor="checklist"), code=303)


@pages.route("/items/<int:item_id>", methods=["GET", "POST"])
@allow("organizer")
def edit(item_id: int) -> Page:
    """Who does an item, and by when."""
    held, item = runtime(), _find(item_id)
    with held.db.snapshot() as session:
        chosen = {item.constituent_id} if item.constituent_id is not None else set()
        members = members_and(session, held, current_user.group_id, chosen)
        users = users_of(session, current_user.group_id)
    form = ItemForm(data={"words": item.words or "", "assignee": _who(item), "due_on": item.due_on})
    form.offer(members, users)
    if form.validate_on_submit():
        try:
            with held.db.transaction() as tx:
                _change(tx, item, form, users)
        except OutreachError as error:
            form.refuse(error)
        else:
            flash(gettext("Saved."))
            return _back(item)
    page = render_template(
        "plans/item.html", form=form, item=item, said=words_of(item, language()), why=why_of(item, language()),
        back=_address(item), nobody=not members,
    )  # fmt: skip
    return page, 422 if form.errors else 200


@pages.post("/items/<int:item_id>/tick")
@allow("organizer")
def tick(item_id: int) -> Response:
    """Done, or not after all."""
    try:
        with runtime().db.transaction() as tx:
            item = tick_item(
                tx, runtime(), current_user.group_id, item_id, done=request.form.get("done") != "no",
                by=current_user.name,
            )  # fmt: skip
    except NotFoundError:
        abort(404)
    return _back(item)


@pages.post("/items/<int:item_id>/remove")
@allow("organizer")
def remove(item_id: int) -> Response:
    """Take an item of the group's own away. Pressed twice, it is gone once."""
    try:
        with runtime().db.transaction() as tx:
            item = remove_item(tx, current_user.group_id, item_id)
    except NotFoundError:
        abort(404)
    except ConflictError as error:
        flash(in_words(error), "error")
        return redirect(url_for("checklists.edit", item_id=item_id), code=303)
    flash(gettext("The item is gone."))
    return _back(item)


def _add(tx: Transaction, *, plan_id: int | None = None, meeting_id: int | None = None) -> None:
    """The one field is refused by a sentence on the page: it holds few words."""
    form = ItemForm()
    if not form.validate_on_submit():
        flash(next(iter(form.errors.values()))[0], "error")
        return
    try:
        add_item(
            tx, runtime(), current_user.group_id, form.words.data, plan_id=plan_id, meeting_id=meeting_id,
            due_on=form.due_on.data,
        )  # fmt: skip
    except OutreachError as error:
        flash(in_words(error), "error")


def _change(tx: Transaction, item: ChecklistItem, form: ItemForm, users: dict[int, str]) -> None:
    member, user = form.person()
    kept = {item.constituent_id} if item.constituent_id is not None else set()
    check_people(tx, runtime(), current_user.group_id, {member} if member is not None else set(), kept)
    if user is not None and user not in users:
        raise NotFoundError("member_unknown")
    change_item(
        tx, current_user.group_id, item.id, due_on=form.due_on.data, constituent_id=member, user_id=user,
        words=form.words.data if item.key is None else None,
    )  # fmt: skip


def _find(item_id: int) -> ChecklistItem:
    try:
        with runtime().db.snapshot() as session:
            return get_item(session, current_user.group_id, item_id)
    except NotFoundError:
        abort(404)


def _who(item: ChecklistItem) -> str:
    if item.constituent_id is not None:
        return f"member:{item.constituent_id}"
    return f"user:{item.user_id}" if item.user_id is not None else ""


def _address(item: ChecklistItem) -> str:
    if item.plan_id is not None:
        return url_for("plans.show", plan_id=item.plan_id, _anchor="checklist")
    return url_for("meetings.show", meeting_id=item.meeting_id, _anchor="checklist")


def _back(item: ChecklistItem) -> Response:
    return redirect(_address(item), code=303)
