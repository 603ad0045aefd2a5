"""The forms of phone trees. Each that changes one carries the version of what it shows."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

from flask_babel import lazy_gettext
from flask_wtf import FlaskForm
from wtforms import RadioField, SelectField, SelectMultipleField, StringField
from wtforms.validators import DataRequired

from config import table
from outreach.core.errors import BadInputError, OutreachError
from outreach.core.phone import check_phone
from outreach.phone_tree.editing import AREA_LENGTH, NAME_LENGTH
from outreach.web.entry_forms import at_most, clean
from outreach.web.tree_words import AREAS, CHANNELS, MADE, tree_error
from outreach.web.wizard_forms import LaunchForm, options, refuse

TOP: Final = 0
NOBODY: Final = 0
ANOTHER: Final = -1
PHONE_LENGTH: Final = 40
VERSION_DIGITS: Final = 9
FIELD_OF: Final = {
    "tree_name": "name", "tree_name_taken": "name", "branch_size": "size", "tree_nobody": "lists",
    "tree_too_large": "lists", "tree_changed": None,
}  # fmt: skip
"""Error code -> the field that it is about, None: no field; any other is about the form's first one."""


class TreeChange(FlaskForm):  # type: ignore[misc]
    """A form about a tree."""

    version = StringField()

    def seen(self) -> int:
        """The version of the tree that its page showed; 0, which no tree has, for anything else."""
        given = str(self.version.data or "")
        return int(given) if given.isascii() and given.isdecimal() and len(given) <= VERSION_DIGITS else 0

    def refuse(self, error: OutreachError) -> None:
        """Show a use case's refusal at the field that it is about."""
        first = next((one.name for one in self if one.name not in {"version", "csrf_token"}), None)
        name = FIELD_OF.get(error.code, first)
        if name is None:
            self.form_errors.append(tree_error(error))
        else:
            refuse(self[name], tree_error(error))


def phone_of(text: str | None) -> str:
    """The number in a form's field. Raises BadInputError with the reason why it is none."""
    verdict = check_phone(text or "")
    if verdict.e164 is None:
        raise BadInputError(verdict.reason or "not_a_number")
    return verdict.e164


class MakeForm(TreeChange):
    """A new tree."""

    name = StringField(
        lazy_gettext("Name of the tree"),
        filters=[clean],
        validators=[DataRequired(lazy_gettext("Give the tree a name.")), at_most(NAME_LENGTH)],
    )
    made = RadioField(lazy_gettext("How it begins"), choices=options(MADE), default="lists")
    lists = SelectMultipleField(lazy_gettext("Lists"), coerce=int, validate_choice=False)
    area = RadioField(lazy_gettext("Neighbors have"), choices=options(AREAS), default="zip")
    size = SelectField(lazy_gettext("People in a branch, beside its captain"), coerce=int)

    def offer(self, lists: Mapping[int, str]) -> None:
        """What there is to choose from."""
        rules = table("phone_tree")
        least, most = rules["branch_least"], rules["branch_most"]
        self.lists.choices = options(lists)
        self.size.choices = options({size: str(size) for size in range(least, most + 1)})
        if self.size.data is None:
            self.size.data = (least + most) // 2

    def ticked(self) -> list[int]:
        """The lists that are ticked of those that were offered."""
        offered = {option.value for option in self.lists.choices}
        return [one for one in self.lists.data or () if one in offered]


class PersonForm(TreeChange):
    """Somebody to put into a tree, found by their number."""

    phone = StringField(
        lazy_gettext("Phone number of the person"),
        filters=[clean],
        validators=[DataRequired(lazy_gettext("Type a phone number.")), at_most(PHONE_LENGTH)],
        render_kw={"type": "tel", "autocomplete": "off"},
    )
    area = StringField(
        lazy_gettext("Name of the branch, if you like"), id="new_area", filters=[clean],
        validators=[at_most(AREA_LENGTH)], render_kw={"autocomplete": "off"},
    )  # fmt: skip


class MoveForm(TreeChange):
    """Another place for somebody."""

    under = SelectField(lazy_gettext("Put them below"), coerce=int)

    def offer(self, captains: Mapping[int, str]) -> None:
        """The nodes under which they can be put."""
        self.under.choices = options({TOP: lazy_gettext("nobody: they lead a branch at the top"), **captains})


class BackupForm(TreeChange):
    """Who stands in for a captain: one of the branch, somebody else, or nobody."""

    stands_in = SelectField(lazy_gettext("Who stands in when they do not answer"), coerce=int)
    other_phone = StringField(
        lazy_gettext("Phone number of somebody else"), filters=[clean], validators=[at_most(PHONE_LENGTH)],
        render_kw={"type": "tel", "autocomplete": "off"},
    )  # fmt: skip

    def offer(self, members: Sequence[tuple[int, str]]) -> None:
        """The people of the branch, by id."""
        ends = {NOBODY: lazy_gettext("nobody"), ANOTHER: lazy_gettext("somebody else, by their number")}
        self.stands_in.choices = options({**dict(members), **ends})


class StartForm(LaunchForm):
    """A campaign, how long is waited, and the number of people, typed."""

    campaign = SelectField(lazy_gettext("Campaign"), coerce=int)
    nudge = StringField(lazy_gettext("Minutes until a captain is asked again"), filters=[clean])
    backup = StringField(lazy_gettext("Minutes until the backup is asked"), filters=[clean])
    channel = RadioField(lazy_gettext("How captains are asked"), choices=options(CHANNELS), default="text")
    count = StringField(
        lazy_gettext("How many people of this tree may be texted?"),
        validators=[DataRequired(lazy_gettext("Type the number of people."))],
    )

    def minutes(self) -> tuple[int, int] | None:
        """Both waits; None where one is no number."""
        given = [str(field.data or "") for field in (self.nudge, self.backup)]
        if not all(one.isascii() and one.isdecimal() and len(one) <= len("1440") for one in given):
            return None
        nudge, backup = (int(one) for one in given)
        return nudge, backup

    def refuse(self, error: OutreachError) -> None:
        """Show a use case's refusal at the field that it is about."""
        name = {"tree_waits_wrong": "nudge", "tree_wrong": "count", "tree_runs_already": "count"}.get(error.code)
        refuse(self[name or "campaign"], tree_error(error))
