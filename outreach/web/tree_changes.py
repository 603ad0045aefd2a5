"""What the forms of trees share: finding somebody by their number, and changing a tree that is as it was shown."""

from __future__ import annotations

from collections.abc import Callable

from flask import abort
from flask_login import current_user

from outreach.core.db import Transaction
from outreach.core.errors import BadInputError, NotFoundError, OutreachError
from outreach.phone_tree.editing import add_person, edit
from outreach.phone_tree.models import PhoneTree
from outreach.serving import runtime
from outreach.web.people_reads import find_by_number
from outreach.web.tree_forms import PersonForm, TreeChange, phone_of
from outreach.web.tree_reads import Whole, tree_of_node, whole_tree
from outreach.web.tree_words import tree_error
from outreach.web.wizard_forms import refuse


def find(tree_id: int) -> Whole:
    """A tree of the person's group as it stands now; 404 for any other."""
    held = runtime()
    try:
        with held.db.snapshot() as session:
            return whole_tree(session, held, current_user.group_id, tree_id, held.clock.now())
    except NotFoundError:
        abort(404)


def find_by_node(node_id: int) -> Whole:
    """The tree in which somebody is."""
    held = runtime()
    try:
        with held.db.snapshot() as session:
            tree_id = tree_of_node(session, current_user.group_id, node_id)
            return whole_tree(session, held, current_user.group_id, tree_id, held.clock.now())
    except NotFoundError:
        abort(404)


def person_with(phone: str | None) -> int:
    """The person of the group with this number. Raises BadInputError."""
    held, e164 = runtime(), phone_of(phone)
    with held.db.snapshot() as session:
        person_id = find_by_number(session, held.vault, current_user.group_id, e164)
    if person_id is None:
        raise BadInputError("person_unknown")
    return person_id


def change(found: Whole, form: TreeChange, act: Callable[[Transaction, PhoneTree], object]) -> bool:
    """Change a tree that is still as its form showed it; False when it was refused, with the reason in the form."""
    try:
        with runtime().db.transaction() as tx:
            act(tx, edit(tx, current_user.group_id, found.tree.id, form.seen()))
    except OutreachError as error:
        form.refuse(error)
        return False
    return True


def add(found: Whole, form: PersonForm, parent: int | None) -> bool:
    """Put the person with the form's number into a tree; False when it was refused, with the reason in the form."""
    if not form.validate_on_submit():
        return False
    try:
        person_id = person_with(form.phone.data)
    except OutreachError as error:
        refuse(form.phone, tree_error(error))
        return False
    return change(found, form, lambda tx, tree: add_person(tx, runtime(), tree, person_id, parent, form.area.data))
