"""The form of a meeting: nine policies and five promises as plain fields, so that it works on any phone.

Numbered fields, not nested ones: each has an id of its own that the summary of errors can link to, and rows that are
left empty count for nothing, so no script is needed to add them.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from typing import Any, ClassVar, Final

from flask_babel import gettext, lazy_gettext
from wtforms import DateField, RadioField, SelectChoice, SelectField, StringField, TextAreaField
from wtforms.validators import InputRequired, Optional, Regexp

from outreach.officials.meetings import (
    CITATION_LENGTH,
    CONTACT_LENGTH,
    STAFF_NAME_LENGTH,
    STAFF_ROLE_LENGTH,
    Answer,
    Promised,
)
from outreach.web.entry_forms import EntryForm, at_most, clean
from outreach.web.official_words import ANSWERS, BASES, OUTCOMES, policies

PROMISES: Final = range(1, 6)
ATTENDEES_LENGTH: Final = 1000
NOTES_LENGTH: Final = 10_000
PROMISE_LENGTH: Final = 500
EARLIEST: Final = date(2000, 1, 1)
NOT_ASKED: Final = "not_asked"
TIMES: Final = r"[1-9][0-9]?$"


def times_validators() -> list[Any]:
    """For a field that says how often somebody was asked."""
    return [Optional(), Regexp(TIMES, message=lazy_gettext("Type a whole number from 1 to 99, or leave it empty."))]


def _choices(words: Mapping[str, Any]) -> list[SelectChoice]:
    return [SelectChoice(value, label) for value, label in words.items()]


class MeetingForm(EntryForm):
    """A meeting with an official, or the attempt at one."""

    field_of: ClassVar = {"meeting_in_future": "held_on", "no_meeting_no_answers": "outcome"}
    PLAIN: ClassVar = ("held_on", "attendees", "outcome", "notes", "staff_name", "staff_role")

    held_on = DateField(
        lazy_gettext("Day of the meeting"),
        validators=[InputRequired(lazy_gettext("Please give the day, as in 2026-12-01."))],
    )
    staff_name = StringField(
        lazy_gettext("Name of that person"), filters=[clean], validators=[at_most(STAFF_NAME_LENGTH)]
    )
    staff_role = StringField(
        lazy_gettext("What they are"), filters=[clean], validators=[at_most(STAFF_ROLE_LENGTH)],
        render_kw={"list": "staff-roles", "autocomplete": "off"},
    )  # fmt: skip
    attendees = StringField(lazy_gettext("Who was there"), filters=[clean], validators=[at_most(ATTENDEES_LENGTH)])
    outcome = RadioField(
        lazy_gettext("How it ended"),
        choices=_choices(OUTCOMES),
        validators=[InputRequired(lazy_gettext("Please choose how it ended."))],
    )
    notes = TextAreaField(lazy_gettext("Notes"), filters=[clean], validators=[at_most(NOTES_LENGTH)])

    def __init__(self, **values: Any) -> None:
        super().__init__(**values)
        for policy in policies():
            self[f"answer_{policy.number}"].label.text = policy.name

    def validate(self, extra_validators: Any = None) -> bool:
        """Each field, and what must fit together. Every mistake is shown at once."""
        sound = bool(super().validate(extra_validators))
        self._check_day()
        self._check_answers()
        self._check_promises()
        return sound and not self.errors

    def _check_day(self) -> None:
        if self.held_on.data and self.held_on.data < EARLIEST:
            self.add_error("held_on", gettext("Please look at the year."))

    def _check_answers(self) -> None:
        for policy in policies():
            answer, basis = self[f"answer_{policy.number}"].data, self[f"basis_{policy.number}"].data
            if basis and answer == NOT_ASKED:
                self.add_error(f"answer_{policy.number}", gettext("Please choose what they answered."))
            elif basis and answer == "evaded":
                sentence = gettext("If they evaded, nothing is in writing or in practice.")
                self.add_error(f"basis_{policy.number}", sentence)
            self._check_citation(policy.number)

    def _check_citation(self, policy: int) -> None:
        """Where it is written tells that it is in writing."""
        answer, basis, citation = (self[f"{part}_{policy}"] for part in ("answer", "basis", "citation"))
        if not citation.data or answer.errors or basis.errors:
            return
        if answer.data == NOT_ASKED:
            self.add_error(answer.name, gettext("Please choose what they answered."))
        elif answer.data == "evaded" or basis.data == "practice":
            self.add_error(citation.name, gettext("Where it is written goes with a yes or a no that is in writing."))
        else:
            basis.data = "writing"

    def _check_promises(self) -> None:
        for place in PROMISES:
            text, due, contact = (self[f"{part}_{place}"] for part in ("promise", "due", "contact"))
            if not text.data and ((due.raw_data and due.raw_data[0]) or contact.data):
                self.add_error(text.name, gettext("Please say what was promised, or empty this row."))
            if due.data and self.held_on.data and due.data < self.held_on.data:
                self.add_error(due.name, gettext("This day is before the meeting."))

    def given(self) -> dict[str, Any]:
        """What ``record_meeting`` takes."""
        answers = [
            self._answer(policy.number) for policy in policies() if self[f"answer_{policy.number}"].data != NOT_ASKED
        ]
        promises = [
            Promised(self[f"promise_{place}"].data, self[f"due_{place}"].data, self[f"contact_{place}"].data or None)
            for place in PROMISES
            if self[f"promise_{place}"].data
        ]
        texts = {name: self[name].data for name in MeetingForm.PLAIN}
        return {**texts, "answers": answers, "promises": promises}

    def _answer(self, policy: int) -> Answer:
        answer, basis, times, citation = (
            self[f"{part}_{policy}"].data for part in ("answer", "basis", "times", "citation")
        )
        return Answer(policy, answer, basis or None, int(times) if times else None, citation or None)

    def is_raised(self, policy: int) -> bool:
        """Whether this policy came up, or its part of the form is wrong: it must not be folded away."""
        answer, *others = (self[f"{part}_{policy}"] for part in ("answer", "basis", "times", "citation"))
        return bool(answer.data != NOT_ASKED or answer.errors or any(one.data or one.errors for one in others))

    def filled_promises(self) -> bool:
        """Whether a row after the first holds anything, or is wrong: these rows must not be folded away."""
        rows = [self[f"{part}_{place}"] for place in PROMISES[1:] for part in ("promise", "due", "contact")]
        return any(field.errors or field.data for field in rows)


def _add_numbered_fields() -> None:
    for policy in policies():
        answer = RadioField(choices=_choices(ANSWERS), default=NOT_ASKED)
        basis = SelectField(
            lazy_gettext("How do we know?"), choices=_choices({"": lazy_gettext("not said"), **BASES}), default=""
        )
        setattr(MeetingForm, f"answer_{policy.number}", answer)
        setattr(MeetingForm, f"basis_{policy.number}", basis)
        times = StringField(lazy_gettext("How often it was asked"), filters=[clean], validators=times_validators())
        citation = StringField(
            lazy_gettext("Where it is written"), filters=[clean], validators=[at_most(CITATION_LENGTH)]
        )
        setattr(MeetingForm, f"times_{policy.number}", times)
        setattr(MeetingForm, f"citation_{policy.number}", citation)
    for place in PROMISES:
        promised = StringField(
            lazy_gettext("What they promised"), filters=[clean], validators=[at_most(PROMISE_LENGTH)]
        )
        contact = StringField(
            lazy_gettext("Whom to ask on their staff"), filters=[clean], validators=[at_most(CONTACT_LENGTH)]
        )
        setattr(MeetingForm, f"promise_{place}", promised)
        setattr(MeetingForm, f"due_{place}", DateField(lazy_gettext("By when"), validators=[Optional()]))
        setattr(MeetingForm, f"contact_{place}", contact)


_add_numbered_fields()
