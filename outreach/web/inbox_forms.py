"""The forms of the inbox, but for the answer itself."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

from flask_babel import lazy_gettext
from flask_wtf import FlaskForm
from wtforms import IntegerField, SelectField, StringField, TextAreaField
from wtforms.validators import DataRequired, InputRequired

from outreach.core.errors import OutreachError
from outreach.messaging.canned import NAME_LENGTH
from outreach.messaging.inbox import NOTE_LENGTH
from outreach.messaging.nudges import MOST_HOURS
from outreach.messaging.render import MAX_BODY
from outreach.messaging.thread_tags import NAME_LENGTH as TAG_LENGTH
from outreach.web.entry_forms import WholeRange, at_most, clean
from outreach.web.inbox_words import in_words

LANGUAGES: Final = ("en", "es")
HOURS: Final = lazy_gettext("Choose a whole number of hours from 1 to %(max)s.")


class FindForm(FlaskForm):  # type: ignore[misc]
    """A number, or words."""

    sought = StringField(
        lazy_gettext("Whole phone number, or words of a text"),
        filters=[clean],
        validators=[DataRequired(lazy_gettext("Type a number or a few words.")), at_most(100)],
        render_kw={"autocomplete": "off"},
    )


class HandOverForm(FlaskForm):  # type: ignore[misc]
    """To whom, and what they should know."""

    to = SelectField(lazy_gettext("Organizer"), coerce=int, validate_choice=False)
    note = TextAreaField(
        lazy_gettext("Note for them"),
        filters=[clean],
        validators=[at_most(NOTE_LENGTH)],
        render_kw={"rows": 2, "maxlength": NOTE_LENGTH},
    )

    def offer(self, organizers: Sequence[Any]) -> None:
        """Whom to choose from: rows of id and name."""
        self.to.choices = [(row.id, row.name) for row in organizers]

    def refuse(self, error: OutreachError) -> None:
        """Show a use case's refusal where it belongs."""
        field = self.to if error.code == "hand_over_to_whom" else self.note
        field.errors = [in_words(error)]


class TagForm(FlaskForm):  # type: ignore[misc]
    """A tag that there is, or a new one."""

    known = SelectField(lazy_gettext("Tag"), validate_choice=False)
    new_tag = StringField(
        lazy_gettext("Or a new tag"), filters=[clean], render_kw={"maxlength": TAG_LENGTH, "autocomplete": "off"}
    )


class ReadyForm(FlaskForm):  # type: ignore[misc]
    """A ready answer in both languages."""

    name = StringField(
        lazy_gettext("Name on the button"),
        filters=[clean],
        validators=[DataRequired(lazy_gettext("Give the answer a name.")), at_most(NAME_LENGTH)],
        render_kw={"autocomplete": "off"},
    )
    ready_en = TextAreaField(
        lazy_gettext("Answer in English"),
        filters=[clean],
        validators=[DataRequired(lazy_gettext("Write it in both languages.")), at_most(MAX_BODY)],
        render_kw={"rows": 3, "maxlength": MAX_BODY, "lang": "en"},
    )
    ready_es = TextAreaField(
        lazy_gettext("Answer in Spanish"),
        filters=[clean],
        validators=[DataRequired(lazy_gettext("Write it in both languages.")), at_most(MAX_BODY)],
        render_kw={"rows": 3, "maxlength": MAX_BODY, "lang": "es"},
    )

    def texts(self) -> dict[str, str]:
        """Language -> text."""
        return {language: self[f"ready_{language}"].data for language in LANGUAGES}

    def refuse(self, error: OutreachError, field: str = "name") -> None:
        """Show a use case's refusal where it belongs."""
        self[field].errors = [*self[field].errors, in_words(error)]


class HoursForm(FlaskForm):  # type: ignore[misc]
    """After how many hours of day time a text has waited too long."""

    hours = IntegerField(
        lazy_gettext("Hours for a text that wants an answer"),
        validators=[InputRequired(HOURS), WholeRange(1, MOST_HOURS, HOURS)],
        render_kw={"min": 1, "max": MOST_HOURS},
    )
    hours_of_doubt = IntegerField(
        lazy_gettext("Hours for what may be an opt-out"),
        validators=[InputRequired(HOURS), WholeRange(1, MOST_HOURS, HOURS)],
        render_kw={"min": 1, "max": MOST_HOURS},
    )
