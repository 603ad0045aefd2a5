"""The wizard's forms. Each carries the version of what it shows, so that two people do not overwrite each other."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import UTC, date, datetime
from typing import Any

from flask_babel import lazy_gettext
from flask_wtf import FlaskForm
from wtforms import (
    DateField,
    Field,
    Form,
    RadioField,
    SelectChoice,
    SelectField,
    SelectMultipleField,
    StringField,
    TextAreaField,
    TimeField,
)
from wtforms.validators import DataRequired, Length, Optional, ValidationError

from outreach.core.errors import BadInputError
from outreach.escalations.drafts import SECOND_TEXTS, TEXTS
from outreach.escalations.preview import check_draft_text
from outreach.escalations.schedule import LONGEST
from outreach.escalations.spoken import SPOKEN, check_spoken, usual_words
from outreach.web import wizard_words
from outreach.web.campaign_words import GROUP_ZONE
from outreach.web.entry_forms import clean
from outreach.web.i18n import LANGUAGES
from outreach.web.wizard_words import words

NAME_LENGTH = 200
_SEPARATORS = re.compile(r"[\s.,'’]")


def _lines(text: str | None) -> str:
    """As typed, with one kind of line end: browsers send two characters for each, and both would be paid for.

    Without NUL, which PostgreSQL does not store.
    """
    return clean((text or "").replace("\r\n", "\n").replace("\r", "\n"))


def _usable(form: Form, field: Field) -> None:
    try:
        check_draft_text(field.data)
    except BadInputError as error:
        raise ValidationError(words(error)) from None


def _second(form: Form, field: Field) -> None:
    """A second text stands in both languages, or in none."""
    if field.data:
        _usable(form, field)
    elif any(form[name].data for name in SECOND_TEXTS):
        raise ValidationError(wizard_words.ERRORS["second_text_in_one_language"])


def _heard(form: Form, field: Field) -> None:
    """Empty: the usual words."""
    try:
        if field.data:
            check_spoken(field.data)
    except BadInputError as error:
        raise ValidationError(words(error)) from None


def options(words: Mapping[Any, Any]) -> list[SelectChoice]:
    """Value -> label, as fields take them."""
    return [SelectChoice(value, label) for value, label in words.items()]


class AboutForm(FlaskForm):  # type: ignore[misc]
    """What the campaign is about, and which office is called."""

    version = StringField()
    name = StringField(
        lazy_gettext("Name of the campaign"),
        filters=[_lines],
        validators=[
            DataRequired(lazy_gettext("Give the campaign a name.")),
            Length(max=NAME_LENGTH, message=lazy_gettext("The name has at most 200 characters.")),
        ],
    )
    policy = SelectField(lazy_gettext("Policy you ask for"), coerce=int)
    office_id = RadioField(
        lazy_gettext("Office to call"),
        coerce=int,
        validators=[DataRequired(lazy_gettext("Choose the office that people will call."))],
    )
    pacing = RadioField(lazy_gettext("When texts leave"), choices=options(wizard_words.PACES), validators=[Optional()])

    def call_nobody(self) -> None:
        """No office need be chosen: the campaign asks for something else than calls."""
        self.office_id.label.text = lazy_gettext("Office that it is about")
        self.office_id.validators, self.office_id.validate_choice = [], bool(self.office_id.raw_data)


def _something(form: Form, field: Field) -> None:
    """A list or a segment; the sentence names what there is to choose from."""
    if not (field.data or form.segments.data):
        offered = lazy_gettext("Choose at least one list or segment.")
        raise ValidationError(offered if form.segments.choices else lazy_gettext("Choose at least one list."))


class AudienceForm(FlaskForm):  # type: ignore[misc]
    """Which lists and segments are texted."""

    version = StringField()
    lists = SelectMultipleField(lazy_gettext("Lists to text"), coerce=int, validators=[_something])
    segments = SelectMultipleField(lazy_gettext("Segments to text"), coerce=int)

    def offer(self, lists: Mapping[int, str], segments: Mapping[int, str]) -> None:
        """What there is to choose from, by id."""
        self.lists.choices, self.segments.choices = options(lists), options(segments)

    def ticked(self) -> dict[str, list[int]]:
        """What is ticked of what was offered."""
        return {
            field.name: [one for one in field.data or () if one in {option.value for option in field.choices}]
            for field in (self.lists, self.segments)
        }


class TextForm(FlaskForm):  # type: ignore[misc]
    """The texts and scripts, as templates."""

    version = StringField()
    sample = SelectField(
        lazy_gettext("Show it as it looks for"), choices=options(wizard_words.SAMPLES), default="known"
    )
    text_en = TextAreaField(wizard_words.PARTS["text_en"], filters=[_lines], validators=[_usable])
    text_es = TextAreaField(wizard_words.PARTS["text_es"], filters=[_lines], validators=[_usable])
    script_en = TextAreaField(wizard_words.PARTS["script_en"], filters=[_lines], validators=[_usable])
    script_es = TextAreaField(wizard_words.PARTS["script_es"], filters=[_lines], validators=[_usable])

    text_b_en = TextAreaField(wizard_words.PARTS["text_b_en"], filters=[_lines], validators=[_second])
    text_b_es = TextAreaField(wizard_words.PARTS["text_b_es"], filters=[_lines], validators=[_second])

    spoken_en = TextAreaField(wizard_words.PARTS["spoken_en"], filters=[_lines], validators=[_heard])
    spoken_es = TextAreaField(wizard_words.PARTS["spoken_es"], filters=[_lines], validators=[_heard])

    def hear(self, spoken: Mapping[str, str] | None) -> None:
        """Show what is read aloud, by field; None: nothing is, and nobody is asked for it."""
        for name in SPOKEN:
            if spoken is None:
                del self[name]
            elif not self[name].raw_data:
                self[name].data = spoken[name]

    def name_parts(self, names: Mapping[str, Any]) -> None:
        """Call the texts what they are in the campaign's tactic."""
        for name, label in names.items():
            if name in self:
                self[name].label.text = label

    @property
    def tries_two(self) -> bool:
        """Whether something is typed in a second text."""
        return any(self[name].data for name in SECOND_TEXTS)

    def texts(self) -> dict[str, str]:
        """What is typed, by field; both second texts when one of them is."""
        shown = (*TEXTS, *SECOND_TEXTS) if self.tries_two else TEXTS
        spoken = {name: self[name].data or usual_words(name) for name in SPOKEN if name in self}
        return {name: self[name].data or "" for name in shown} | spoken


class TestTextForm(FlaskForm):  # type: ignore[misc]
    """A number to try the text on. ``once`` names this very form: sent twice, it texts once."""

    __test__ = False  # pytest: this is no test

    version = StringField()
    once = StringField(validators=[DataRequired(), Length(max=64)])
    phone = StringField(
        lazy_gettext("Your own mobile number"), validators=[DataRequired(lazy_gettext("Type a phone number."))]
    )
    language = RadioField(lazy_gettext("Language of the text"), choices=options(LANGUAGES), default="en")
    variant = RadioField(lazy_gettext("Which text"), choices=options(wizard_words.VARIANTS), default="a")


class TestCallForm(FlaskForm):  # type: ignore[misc]
    """A number to be called first. ``once`` names this very form: sent twice, it calls once."""

    __test__ = False  # pytest: this is no test

    version = StringField()
    once = StringField(validators=[DataRequired(), Length(max=64)])
    phone = StringField(
        lazy_gettext("The phone that we call"),
        id="call_phone",
        validators=[DataRequired(lazy_gettext("Type a phone number."))],
    )
    language = RadioField(
        lazy_gettext("Language in which the call begins"),
        id="call_language",
        choices=options(LANGUAGES),
        default="en",
    )


class LaunchForm(FlaskForm):  # type: ignore[misc]
    """The number of people, typed: nobody texts a thousand people by one careless press."""

    version = StringField()
    count = StringField(
        lazy_gettext("How many people will get this text?"),
        validators=[DataRequired(lazy_gettext("Type the number of people."))],
    )

    def typed(self) -> int | None:
        """The number, thousands separators left out; None for anything else."""
        digits = _SEPARATORS.sub("", self.count.data or "")
        return int(digits) if re.fullmatch(r"[0-9]{1,12}", digits) else None


class WaveForm(LaunchForm):
    """A further text of a campaign. ``number`` is that of the wave that it would be: sent twice, it texts once."""

    who = StringField()
    number = StringField()
    sample = SelectField(
        lazy_gettext("Show it as it looks for"), choices=options(wizard_words.SAMPLES), default="known"
    )
    text_en = TextAreaField(wizard_words.PARTS["text_en"], filters=[_lines], validators=[_usable])
    text_es = TextAreaField(wizard_words.PARTS["text_es"], filters=[_lines], validators=[_usable])


class ScheduleForm(LaunchForm):
    """A launch at a time of the group's clock, for whoever types the number as for a launch."""

    day = DateField(lazy_gettext("Day"), validators=[DataRequired(lazy_gettext("Choose a day."))])
    hour = TimeField(lazy_gettext("Time"), validators=[DataRequired(lazy_gettext("Choose a time of day."))])
    count = StringField(
        lazy_gettext("Number of people who will get it"),
        id="count_later",
        validators=[DataRequired(lazy_gettext("Type the number of people."))],
    )

    def at(self, now: datetime) -> datetime:
        """The chosen domain time, in UTC. Raises BadInputError launch_time_far, launch_time_past."""
        day: date = self.day.data
        if day > (now + LONGEST).astimezone(GROUP_ZONE).date():  # a calendar ends: what lies behind has no UTC
            raise BadInputError("launch_time_far", days=LONGEST.days)
        if day < now.astimezone(GROUP_ZONE).date():
            raise BadInputError("launch_time_past")
        return datetime.combine(day, self.hour.data, GROUP_ZONE).astimezone(UTC)


def refuse(field: Any, message: str) -> None:
    """Put an error at a field after its own validation."""
    field.errors = [*field.errors, message]
