"""The forms of a promise: what it is, and what was heard of it."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from typing import Any, ClassVar, Final

from flask_babel import gettext, lazy_gettext
from wtforms import DateField, RadioField, SelectChoice, SelectField, StringField, TextAreaField
from wtforms.validators import DataRequired, InputRequired, Optional

from outreach.core.errors import OutreachError
from outreach.officials.meetings import CONTACT_LENGTH
from outreach.officials.promise_rules import BROKEN, EXTENDED, KEPT, MAY_FOLLOW
from outreach.officials.promises import STEPS_LENGTH, TEXT_LENGTH, WORDS_LENGTH, Details, Heard
from outreach.people.members import Member
from outreach.people.segments import LARGEST_ID
from outreach.web.entry_forms import EntryForm, at_most, clean
from outreach.web.promise_words import ENTRIES, promise_error

NOBODY: Final = 0
EARLIEST: Final = date(2000, 1, 1)


def chosen_person(text: object) -> int:
    """The id of the member who was chosen; what is no number chooses nobody, what no id can be is nobody's."""
    try:
        return min(max(int(str(text)), -1), LARGEST_ID)
    except ValueError:
        return NOBODY


class PromiseEntryForm(EntryForm):
    """A form whose refusals are about promises."""

    def refuse(self, error: OutreachError) -> None:
        """Show a use case's refusal where it belongs."""
        name = self.field_of.get(error.code)
        if name:
            self.add_error(name, promise_error(error))
        else:
            self.form_errors.append(promise_error(error))

    def check_year(self, name: str) -> None:
        """A day of another century is a typing mistake."""
        if self[name].data and self[name].data < EARLIEST:
            self.add_error(name, gettext("Please look at the year."))


class PromiseForm(PromiseEntryForm):
    """What was promised, by when, who must approve it, whom to ask, and who of the group watches over it."""

    field_of: ClassVar = {"member_unknown": "watcher", "promise_blank": "text"}

    text = StringField(
        lazy_gettext("What they promised"),
        filters=[clean],
        validators=[DataRequired(lazy_gettext("Please say what was promised.")), at_most(TEXT_LENGTH)],
    )
    due_on = DateField(lazy_gettext("By when"), validators=[Optional()])
    approver = StringField(lazy_gettext("Who must approve it"), filters=[clean], validators=[at_most(CONTACT_LENGTH)])
    staff_contact = StringField(
        lazy_gettext("Whom to ask on their staff"), filters=[clean], validators=[at_most(CONTACT_LENGTH)]
    )
    steps = TextAreaField(
        lazy_gettext("The steps it must go through"), filters=[clean], validators=[at_most(STEPS_LENGTH)]
    )
    watcher = SelectField(
        lazy_gettext("Who of us watches over it"), coerce=chosen_person, validate_choice=False, default=NOBODY
    )

    def offer(self, members: Sequence[Member]) -> None:
        """The members to choose from; whoever holds it stays in the list, though no member any more."""
        self.watcher.choices = [
            SelectChoice(NOBODY, lazy_gettext("Nobody yet")),
            *(SelectChoice(one.id, one.name if one.stays else gettext("%(name)s (no longer a member)", name=one.name))
              for one in members),
        ]  # fmt: skip

    def validate(self, extra_validators: Any = None) -> bool:
        """Each field, and the year."""
        sound = bool(super().validate(extra_validators))
        self.check_year("due_on")
        return sound and not self.errors

    def given(self) -> Details:
        """What ``add_promise`` takes."""
        return Details(
            text=self.text.data, due_on=self.due_on.data, staff_contact=self.staff_contact.data,
            approver=self.approver.data, steps=self.steps.data, watcher_id=self.watcher.data or None,
        )  # fmt: skip


class HeardForm(PromiseEntryForm):
    """What was heard of a promise: kept, broken or extended."""

    field_of: ClassVar = {
        "promise_day_missing": "new_day", "promise_day_early": "new_day", "promise_words_blank": "words",
        "promise_said_in_future": "said_on",
    }  # fmt: skip

    kind = RadioField(
        lazy_gettext("What happened"),
        choices=[SelectChoice(kind, ENTRIES[kind]) for kind in (KEPT, BROKEN, EXTENDED)],
        validators=[InputRequired(lazy_gettext("Please choose what happened."))],
    )
    new_day = DateField(lazy_gettext("The new day"), validators=[Optional()])
    words = TextAreaField(lazy_gettext("Why, or how you know"), filters=[clean], validators=[at_most(WORDS_LENGTH)])
    said_by = StringField(lazy_gettext("Who said so"), filters=[clean], validators=[at_most(CONTACT_LENGTH)])
    said_on = DateField(
        lazy_gettext("When they said so"),
        validators=[InputRequired(lazy_gettext("Please give the day, as in 2026-12-01."))],
    )

    def offer(self, state: str) -> None:
        """What can be heard next of a promise in this state."""
        self.kind.choices = [SelectChoice(kind, ENTRIES[kind]) for kind in MAY_FOLLOW[state]]

    def validate(self, extra_validators: Any = None) -> bool:
        """Each field, and what must fit together. Every mistake is shown at once."""
        sound = bool(super().validate(extra_validators))
        self.check_year("said_on")
        if self.kind.data == EXTENDED and not self.new_day.data and not self.new_day.errors:
            self.add_error("new_day", gettext("Say by which new day."))
        if self.kind.data in {BROKEN, EXTENDED} and not self.words.data:
            self.add_error("words", gettext("Say why, or how you know."))
        return sound and not self.errors

    def given(self) -> Heard:
        """What ``hear`` takes; a day that is not asked for is left out."""
        return Heard(
            kind=self.kind.data, said_on=self.said_on.data, said_by=self.said_by.data, words=self.words.data,
            new_day=self.new_day.data if self.kind.data == EXTENDED else None,
        )  # fmt: skip
