"""What the forms of officials and meetings share: clean texts, refusals in words, and telling a double submit.

A form carries the moment at which it was handed out. An equal entry that was stored since then is this very form,
sent twice: by a double click, or by going back and saving again. This needs no table of used forms and still holds an
hour later. The moment is not signed: it decides nothing but that, and whoever may write may enter things twice.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any, ClassVar, Final

from flask_babel import lazy_gettext
from flask_wtf import FlaskForm
from wtforms import HiddenField, ValidationError
from wtforms.validators import Length, NumberRange

from outreach.core.errors import OutreachError
from outreach.web.official_words import in_words

EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
MICROSECOND: Final = timedelta(microseconds=1)
MOMENT_DIGITS: Final = 18


def clean(text: str | None) -> str:
    """Without white space around it, and without NUL, which PostgreSQL does not store."""
    return (text or "").replace("\0", "").strip()


def at_most(characters: int) -> Length:
    """A validator for a text's length."""
    return Length(max=characters, message=lazy_gettext("Please use at most %(max)d characters."))


class WholeRange(NumberRange):  # type: ignore[misc]
    """A whole number in a range. The library's own looks at it as a float, which none of 400 digits can be."""

    def __call__(self, form: Any, field: Any) -> None:
        """Raises ValidationError."""
        if not isinstance(field.data, int) or not self.min <= field.data <= self.max:
            raise ValidationError(self.message)


class EntryForm(FlaskForm):  # type: ignore[misc]
    """A form that knows when it was opened."""

    field_of: ClassVar[dict[str, str]] = {}
    """Error code -> the field that it is about; other errors are about the whole form."""

    opened = HiddenField()

    def open(self, now: datetime) -> None:
        """Hand the form out at this moment (domain time)."""
        self.opened.data = str(_microseconds(now))

    def opened_at(self, now: datetime) -> datetime:
        """When the form was handed out, never after now; 1970 when it does not say, so that equal entries count."""
        given = str(self.opened.data or "")
        known = given.isascii() and given.isdecimal() and len(given) <= MOMENT_DIGITS
        return EPOCH + min(int(given), _microseconds(now)) * MICROSECOND if known else EPOCH

    def refuse(self, error: OutreachError) -> None:
        """Show a use case's refusal where it belongs."""
        name = self.field_of.get(error.code)
        if name:
            self.add_error(name, in_words(error))
        else:
            self.form_errors.append(in_words(error))

    def add_error(self, name: str, sentence: Any) -> None:
        """Put a sentence under a field, beside what is there."""
        self[name].errors = [*self[name].errors, sentence]


def _microseconds(moment: datetime) -> int:
    return (moment - EPOCH) // MICROSECOND
