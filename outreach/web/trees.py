"""Phone trees: their list, making one, and a tree's page with its branches, people and what is wrong with it."""

from __future__ import annotations

from typing import Final

from flask import Blueprint, abort, flash, redirect, render_template, request, url_for
from flask_babel import gettext
from flask_login import current_user
from werkzeug.wrappers import Response

from outreach.core.db import Transaction
from outreach.core.errors import NotFoundError, OutreachError
from outreach.phone_tree.editing import delete_tree, grow_tree, make_tree
from outreach.phone_tree.listing import trees_of
from outreach.serving import runtime
from outreach.web.campaign_words import GROUP_ZONE, moment
from outreach.web.people_reads import lists_of
from outreach.web.people_words import place
from outreach.web.roles import allow
from outreach.web.tree_changes import add, find
from outreach.web.tree_forms import MakeForm, PersonForm
from outreach.web.tree_reads import BRANCHES_SHOWN, Whole
from outreach.web.tree_words import PROBLEMS, RUN_STATES, tree_error
from outreach.web.wizard_words import OUT

pages = Blueprint("trees", __name__, url_prefix="/trees")

Page = str | Response | tuple[str, int]
MOST_PAGES: Final = 10_000


@pages.get("/")
@allow("staff")
def index() -> str:
    """The group's trees, each with its last run."""
    held = runtime()
    now = held.clock.now()
    with held.db.snapshot() as session:
        trees = trees_of(session, current_user.group_id)
    return render_template("trees/index.html", trees=trees, states=RUN_STATES, when=lambda at: moment(at, now))


@pages.route("/new", methods=["GET", "POST"])
@allow("organizer")
def new() -> Page:
    """Make a tree: of the people in lists, in branches of neighbours, or an empty one."""
    form, held = MakeForm(), runtime()
    with held.db.snapshot() as session:
        form.offer({row.id: row.name for row in lists_of(session, current_user.group_id)})
    if not form.lists.choices and not form.is_submitted():
        form.made.data = "hand"
    if form.validate_on_submit():
        try:
            with held.db.transaction() as tx:
                tree_id = _make(tx, form)
        except OutreachError as error:
            form.refuse(error)
        else:
            flash(gettext("The tree is made. Look at it before you start it."))
            return redirect(url_for("trees.show", tree_id=tree_id), code=303)
    return render_template("trees/new.html", form=form), 422 if form.errors else 200


def _make(tx: Transaction, form: MakeForm) -> int:
    group_id, by = current_user.group_id, current_user.name
    if form.made.data == "hand":
        return make_tree(tx, runtime(), group_id, form.name.data, by=by).id
    return grow_tree(
        tx, runtime(), group_id, form.name.data, lists=form.ticked(), area=form.area.data, size=form.size.data, by=by
    ).id


@pages.get("/<int:tree_id>")
@allow("staff")
def show(tree_id: int) -> str:
    """A tree's branches, some a page."""
    return _shown(find(tree_id), PersonForm(formdata=None))


@pages.post("/<int:tree_id>/add")
@allow("organizer")
def add_top(tree_id: int) -> Page:
    """Put somebody at the top of a tree, to lead a branch."""
    found, form = find(tree_id), PersonForm()
    if add(found, form, None):
        flash(gettext("Added. Now add people below them."))
        return redirect(url_for("trees.show", tree_id=tree_id, page=_last_page(find(tree_id))), code=303)
    return _shown(find(tree_id), form), 422


@pages.post("/<int:tree_id>/delete")
@allow("organizer")
def delete(tree_id: int) -> Response:
    """Take a tree away that never ran; pressed twice, it is away once."""
    try:
        with runtime().db.transaction() as tx:
            delete_tree(tx, current_user.group_id, tree_id)
    except NotFoundError:
        abort(404)
    except OutreachError as error:
        flash(tree_error(error), "error")
        return redirect(url_for("trees.show", tree_id=tree_id), code=303)
    flash(gettext("The tree is deleted. The people in it stay."))
    return redirect(url_for("trees.index"), code=303)


def _last_page(found: Whole) -> int:
    return max(found.below[None] - 1, 0) // BRANCHES_SHOWN + 1


def _shown(found: Whole, adding: PersonForm) -> str:
    number = min(max(request.args.get("page", 1, type=int), 1), MOST_PAGES)
    branches, now = found.branches(number), runtime().clock.now()
    return render_template(
        "trees/show.html",
        found=found,
        tree=found.tree,
        listing={"number": number, "more": len(branches) > BRANCHES_SHOWN},
        branches=branches[:BRANCHES_SHOWN],
        adding=adding,
        problem_words=PROBLEMS,
        reasons=OUT,
        states=RUN_STATES,
        when=lambda at: moment(at, now),
        here=place(GROUP_ZONE),
    )
