"""The words of a form that somebody typed: its labels, and what was chosen, as its page showed them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final

from flask_babel import gettext, ngettext
from flask_login import current_user
from flask_wtf import FlaskForm
from sqlalchemy import select
from sqlalchemy.orm import Session
from wtforms import Field

from outreach.accounts.members import organizers_of
from outreach.escalations.segments import segments_of
from outreach.officials.models import Office, Official
from outreach.officials.partners import partners_of
from outreach.people.members import named
from outreach.people.models import ContactList
from outreach.serving import runtime
from outreach.web.official_words import policies
from outreach.web.segment_forms import choices_of
from outreach.web.segment_words import names_of
from outreach.web.wizard_reads import office_words

AGAIN: Final = "kept_again"
"""The field by which we know the kept page's own form."""
TYPED_BY: Final = "typed_by"
"""The field with the id of the user for whom a form was drawn."""
CONFIRM: Final = "confirm_secret"
"""The field in which a form that waits for it brings a password or code along."""
NOT_TYPED: Final = frozenset(
    {"csrf_token", "version", "once", "opened", "action", "start", "seen", "holder", "thread", AGAIN, TYPED_BY, CONFIRM}
)
"""Fields that pages fill in themselves: sent again, but nothing to read."""
MEMBERS: Final = frozenset({"spokesperson", "note_taker", "facilitator", "comes", "assignee", "watcher"})
STORED: Final = (
    frozenset({"list", "lists", "segments", "office_id", "official_id", "to", "under", "stands_in", "partners"})
    | MEMBERS
)
"""Fields whose choices are rows of the database; so are those of ``CHOSEN``."""
CHOSEN: Final = ("what_", "who_", "speaks_")
"""How the names of a segment's conditions and of an agenda's speakers begin."""
ID_DIGITS: Final = 18


def shown_words(form: FlaskForm | None, fields: Sequence[tuple[str, list[str]]]) -> list[tuple[str, str]]:
    """Label and words of everything that a person typed or chose, in the order of the form."""
    shown = []
    for name, values in fields:
        said = [words for value in values if (words := in_words(form, name, value))]
        if said and (name in STORED or name.startswith(CHOSEN)) and _field(form, name) is not None:
            said = [", ".join(_stored(name, values))]
        shown += [(label(form, name), words) for words in said]
    return shown


def forms(base: type[FlaskForm] = FlaskForm) -> Iterator[type[FlaskForm]]:
    """Every form class of the site."""
    for one in base.__subclasses__():
        if one.__module__.startswith("outreach."):
            yield one
        yield from forms(one)


def form_like(names: set[str]) -> FlaskForm | None:
    """The site's form, empty, that has most of these fields: it knows their labels."""
    candidates = [form(formdata=None, meta={"csrf": False}) for form in forms()]
    fitting = [(len(names & set(form.data)), -len(form.data), index) for index, form in enumerate(candidates)]
    shared, _, best = max(fitting, default=(0, 0, 0))
    return candidates[best] if shared else None


def _field(form: FlaskForm | None, name: str) -> Field | None:
    return form[name] if form is not None and name in form else None


def label(form: FlaskForm | None, name: str) -> str:
    """What the person read beside the field."""
    field = _field(form, name)
    return str(field.label.text) if field is not None else name.replace("_", " ").capitalize()


def in_words(form: FlaskForm | None, name: str, value: str) -> str:
    """What was typed, or the words of what was chosen; empty when the field says nothing that the page did not."""
    field = _field(form, name)
    if name in NOT_TYPED or not value.strip():
        return ""
    if field is None:
        return value
    if field.type in {"HiddenField", "CSRFTokenField"} or (field.default is not None and value == str(field.default)):
        return ""
    if field.type == "BooleanField":
        return str(gettext("yes"))
    if name == "policy":
        return next((f"{one.number}. {one.name}" for one in policies() if str(one.number) == value), value)
    choices = getattr(field, "choices", None) or ()
    return next((str(words) for one, words, *_ in choices if str(one) == value), value)


def _stored(name: str, values: Sequence[str]) -> list[str]:
    """The names of the chosen rows, for who may see them; how many there are for anybody else."""
    numbers = [value.removeprefix("member:") for value in values]
    ids = {int(value) for value in numbers if value.isascii() and value.isdecimal() and len(value) <= ID_DIGITS}
    found: list[str] = []
    if current_user.is_authenticated and (ids or name not in STORED):
        with runtime().db.snapshot() as session:
            known = {
                "office_id": _offices, "segments": _segments, "list": _lists, "lists": _lists, "to": _organizers,
                "official_id": _officials, "partners": _partners,
            }  # fmt: skip
            read = _members if name in MEMBERS or name.startswith(CHOSEN[1:]) else known.get(name)
            found = read(session, ids) if read else _conditions(session, values)
    return found or [str(ngettext("%(num)s chosen", "%(num)s chosen", len(values)))]


def _lists(session: Session, ids: set[int]) -> list[str]:
    own = select(ContactList.name).where(ContactList.group_id == current_user.group_id, ContactList.id.in_(ids))
    return list(session.execute(own.order_by(ContactList.name)).scalars())


def _segments(session: Session, ids: set[int]) -> list[str]:
    return [one.name for one in segments_of(session, runtime().vault, current_user.group_id) if one.id in ids]


def _conditions(session: Session, values: Sequence[str]) -> list[str]:
    names = names_of(session, runtime().vault, current_user.group_id)
    said = {value: str(words) for _, group in choices_of(names) for value, words in group}
    return [said[value] for value in values if value in said]


def _offices(session: Session, ids: set[int]) -> list[str]:
    own = select(Office).join(Official, Official.id == Office.official_id)
    own = own.where(Official.group_id == current_user.group_id, Office.id.in_(ids)).order_by(Office.id)
    return [office_words(office) for office in session.execute(own).scalars()]


def _officials(session: Session, ids: set[int]) -> list[str]:
    own = select(Official.name).where(Official.group_id == current_user.group_id, Official.id.in_(ids))
    return list(session.execute(own.order_by(Official.id)).scalars())


def _members(session: Session, ids: set[int]) -> list[str]:
    return [one.name for one in named(session, runtime().vault, current_user.group_id, ids).values()]


def _partners(session: Session, ids: set[int]) -> list[str]:
    return [one.name for one in partners_of(session, current_user.group_id) if one.id in ids]


def _organizers(session: Session, ids: set[int]) -> list[str]:
    return [row.name for row in organizers_of(session, current_user.group_id) if row.id in ids]
