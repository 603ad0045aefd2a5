"""The forms of the ledger: an answer that was heard, its correction, and how an official meets us."""

from __future__ import annotations

from typing import Any, ClassVar

from flask_babel import gettext, lazy_gettext
from wtforms import DateField, RadioField, SelectChoice, SelectField, StringField
from wtforms.validators import DataRequired, InputRequired

from outreach.officials.hostility import WHY_LENGTH
from outreach.officials.meetings import CITATION_LENGTH, Answer
from outreach.officials.stances import HEARERS_LENGTH, STRUCK, Entry, Heard
from outreach.web.entry_forms import at_most, clean
from outreach.web.ledger_words import HOSTILITIES, LEDGER_ANSWERS, SOURCES, LedgerForm
from outreach.web.meetings_forms import EARLIEST, times_validators
from outreach.web.official_words import BASES, policies


def _choices(words: Any, *left_out: str) -> list[SelectChoice]:
    return [SelectChoice(value, label) for value, label in words.items() if value not in left_out]


class StanceForm(LedgerForm):
    """An answer on one policy that was heard outside of a logged meeting, or was forgotten when it was logged."""

    field_of: ClassVar = {
        "citation_missing": "citation", "citation_without_writing": "basis", "citation_long": "citation",
        "stance_day_future": "heard_on", "stance_heard_by": "heard_by", "basis_without_answer": "basis",
    }  # fmt: skip

    policy = SelectField(lazy_gettext("Model policy"), coerce=int)
    answer = RadioField(
        lazy_gettext("What they answered"),
        choices=_choices(LEDGER_ANSWERS, STRUCK),
        validators=[InputRequired(lazy_gettext("Please choose what they answered."))],
    )
    basis = SelectField(
        lazy_gettext("How do we know?"),
        choices=[SelectChoice("", lazy_gettext("not said")), *_choices(BASES)],
        default="",
    )
    citation = StringField(lazy_gettext("Where it is written"), filters=[clean], validators=[at_most(CITATION_LENGTH)])
    source = SelectField(lazy_gettext("How it was heard"), choices=_choices(SOURCES), default="meeting")
    heard_on = DateField(
        lazy_gettext("On which day"),
        validators=[InputRequired(lazy_gettext("Please give the day, as in 2026-12-01."))],
    )
    heard_by = StringField(
        lazy_gettext("Who heard or read it"),
        filters=[clean],
        validators=[DataRequired(lazy_gettext("Please say who heard it.")), at_most(HEARERS_LENGTH)],
    )
    times_asked = StringField(lazy_gettext("How often it was asked"), filters=[clean], validators=times_validators())

    def __init__(self, **values: Any) -> None:
        super().__init__(**values)
        if self.policy is not None:
            self.policy.choices = [SelectChoice(one.number, f"{one.number}. {one.name}") for one in policies()]

    def validate(self, extra_validators: Any = None) -> bool:
        """Each field; where it is written tells that it is in writing."""
        sound = bool(super().validate(extra_validators))
        if self.heard_on.data and self.heard_on.data < EARLIEST:
            self.add_error("heard_on", gettext("Please look at the year."))
        if self.citation.data and not self.basis.data and self.answer.data in {"yes", "no"}:
            self.basis.data = "writing"
        return sound and not self.errors

    def given(self, policy: int | None = None) -> Heard:
        """What the ledger takes; of an entry that was none, nothing else is left."""
        number, answer = policy or self.policy.data, self.answer.data
        basis, citation, times = self.basis.data, self.citation.data, self.times_asked.data
        said = Answer(number, answer)
        if answer != STRUCK:
            said = Answer(number, answer, basis or None, int(times) if times else None, citation or None)
        return Heard(said, self.heard_on.data, self.heard_by.data, self.source.data)


class CorrectionForm(StanceForm):
    """What should have stood there instead of an entry; the policy stays."""

    policy = None

    answer = RadioField(
        lazy_gettext("What they answered"),
        choices=_choices(LEDGER_ANSWERS),
        validators=[InputRequired(lazy_gettext("Please choose what they answered."))],
    )


def values_of(entry: Entry) -> dict[str, Any]:
    """The fields of a correction as the entry has them."""
    names = ("answer", "basis", "citation", "source", "heard_on", "heard_by")
    times = str(entry.times_asked) if entry.times_asked else ""
    return {**{name: getattr(entry, name) or "" for name in names}, "times_asked": times}


class HostilityForm(LedgerForm):
    """How an official meets us."""

    hostility = RadioField(
        lazy_gettext("How they meet us"),
        choices=_choices(HOSTILITIES),
        validators=[InputRequired(lazy_gettext("Please choose one."))],
    )
    why = StringField(lazy_gettext("Why"), filters=[clean], validators=[at_most(WHY_LENGTH)])
