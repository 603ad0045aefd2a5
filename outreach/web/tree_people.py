"""Somebody's place in a phone tree: who is below them, who stands in for them, and the forms that change it."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, flash, redirect, render_template, url_for
from flask_babel import gettext
from werkzeug.wrappers import Response

from outreach.core.db import Transaction
from outreach.core.errors import OutreachError
from outreach.phone_tree.editing import move_node, remove_node, set_backup
from outreach.phone_tree.models import PhoneTree
from outreach.serving import runtime
from outreach.web.roles import allow
from outreach.web.tree_changes import add, change, find_by_node, person_with
from outreach.web.tree_forms import ANOTHER, NOBODY, TOP, BackupForm, MoveForm, PersonForm, TreeChange
from outreach.web.tree_reads import Whole
from outreach.web.tree_words import PROBLEMS, tree_error
from outreach.web.wizard_forms import refuse
from outreach.web.wizard_words import OUT

pages = Blueprint("tree_people", __name__, url_prefix="/trees/people")

Page = str | Response | tuple[str, int]


@pages.get("/<int:node_id>")
@allow("organizer")
def show(node_id: int) -> str:
    """Somebody's place in a tree, and the forms that change it."""
    return _place(find_by_node(node_id), node_id)


@pages.post("/<int:node_id>/add")
@allow("organizer")
def add_below(node_id: int) -> Page:
    """Put somebody below a person of the tree."""
    found, form = find_by_node(node_id), PersonForm()
    if add(found, form, node_id):
        flash(gettext("Added."))
        return _to_person(node_id)
    return _place(find_by_node(node_id), node_id, adding=form), 422


@pages.post("/<int:node_id>/move")
@allow("organizer")
def move(node_id: int) -> Page:
    """Hang somebody, with everybody below them, under another captain or at the top."""
    found = find_by_node(node_id)
    form = MoveForm()
    form.offer(found.places_for(node_id))

    def moved(tx: Transaction, tree: PhoneTree) -> None:
        move_node(tx, tree, node_id, form.under.data if form.under.data != TOP else None)

    if form.validate_on_submit() and change(found, form, moved):
        flash(gettext("Moved, with everybody below them."))
        return _to_person(node_id)
    return _place(find_by_node(node_id), node_id, moving=form), 422


@pages.post("/<int:node_id>/backup")
@allow("organizer")
def backup(node_id: int) -> Page:
    """Say who stands in for a captain."""
    found, form = find_by_node(node_id), BackupForm()
    form.offer(_members(found, node_id))
    if form.validate_on_submit():
        try:
            person_id = _stand_in(form)
        except OutreachError as error:
            refuse(form.other_phone, tree_error(error))
        else:
            if change(found, form, lambda tx, tree: set_backup(tx, runtime(), tree, node_id, person_id)):
                flash(gettext("Saved who stands in."))
                return _to_person(node_id)
    return _place(find_by_node(node_id), node_id, standing_in=form), 422


def _stand_in(form: BackupForm) -> int | None:
    if form.stands_in.data == ANOTHER:
        return person_with(form.other_phone.data)
    return form.stands_in.data if form.stands_in.data != NOBODY else None


@pages.post("/<int:node_id>/remove")
@allow("organizer")
def remove(node_id: int) -> Page:
    """Take somebody out of the tree; the place of a captain goes to the backup."""
    found, form = find_by_node(node_id), TreeChange()
    page = found.page_of(node_id)
    if form.validate_on_submit() and change(found, form, lambda tx, tree: remove_node(tx, tree, node_id)):
        flash(gettext("They are out of the tree. Whoever was below them stays in it."))
        return redirect(url_for("trees.show", tree_id=found.tree.id, page=page), code=303)
    return _place(find_by_node(node_id), node_id, removing=form), 422


def _to_person(node_id: int) -> Response:
    return redirect(url_for("tree_people.show", node_id=node_id), code=303)


def _members(found: Whole, node_id: int) -> list[tuple[int, str]]:
    """Who can stand in for a captain: the people of the branch, and whoever does now."""
    node = found.node_of[node_id]
    people = [one.person for one in found.under(node_id)]
    if node.backup and node.backup not in people:
        people.append(node.backup)
    return [(person, found.label(person)) for person in people]


def _place(found: Whole, node_id: int, **forms: Any) -> str:
    """Somebody's page. Each form is new unless it was refused a moment ago."""
    row = found.row(found.node_of[node_id])
    moving, standing_in = MoveForm(formdata=None), BackupForm(formdata=None)
    moving.offer(found.places_for(node_id))
    standing_in.offer(_members(found, node_id))
    moving.under.data, standing_in.stands_in.data = row.node.parent or TOP, row.node.backup or NOBODY
    above = found.node_of.get(row.node.parent or 0)
    fresh = {"adding": PersonForm(formdata=None), "moving": moving, "standing_in": standing_in, "removing": None}
    return render_template(
        "trees/person.html",
        found=found,
        tree=found.tree,
        row=row,
        page=found.page_of(node_id),
        captain=found.row(above) if above else None,
        below=[found.row(node) for node in found.under(node_id)],
        problem_words=PROBLEMS,
        reasons=OUT,
        **{**fresh, **forms},
    )
