"""The forms for finding people and for bringing a file of them."""

from __future__ import annotations

from typing import Any, Final

from flask_babel import lazy_gettext
from flask_wtf import FlaskForm
from flask_wtf.file import FileField, FileRequired
from wtforms import SelectField, StringField, TextAreaField
from wtforms.validators import DataRequired

from outreach.core.errors import OutreachError
from outreach.people.lists import NAME_LENGTH
from outreach.people.segments import LARGEST_ID
from outreach.web.entry_forms import at_most, clean
from outreach.web.people_words import FILE_ERRORS, error_in_words

CONSENT_LENGTH: Final = 1_000
SEARCH_LENGTH: Final = 100
EVERYBODY: Final = 0
"""The choice of no list."""
NOBODYS: Final = -1


def chosen_list(text: object) -> int:
    """The id of the list that was chosen; what is no number chooses none. One that no id can be is nobody's list."""
    try:
        return min(max(int(str(text)), NOBODYS), LARGEST_ID)
    except ValueError:
        return EVERYBODY


class SearchForm(FlaskForm):  # type: ignore[misc]
    """A name or a whole phone number, and a list to look in."""

    sought = StringField(lazy_gettext("Name or phone number"), filters=[clean], validators=[at_most(SEARCH_LENGTH)])
    # A list that is not the group's is a 404 of the page that is asked for it, as by its address.
    list = SelectField(lazy_gettext("List"), coerce=chosen_list, validate_choice=False, default=EVERYBODY)

    def offer(self, lists: Any) -> None:
        """The lists to choose from: rows of id and name."""
        self.list.choices = [(EVERYBODY, lazy_gettext("Everybody")), *((row.id, row.name) for row in lists)]


class UploadForm(FlaskForm):  # type: ignore[misc]
    """A file of people, the list that they go into, and how they agreed to be texted."""

    file = FileField(
        lazy_gettext("File of people"), validators=[FileRequired(lazy_gettext("Please choose a file first."))],
        render_kw={"accept": ".csv,.tsv,.txt,.xlsx,text/csv"},
    )  # fmt: skip
    list_name = StringField(
        lazy_gettext("Name of the list"),
        filters=[clean],
        validators=[
            DataRequired(lazy_gettext("Please give the list a name, such as: May fair.")),
            at_most(NAME_LENGTH),
        ],
        render_kw={"list": "known-lists", "autocomplete": "off"},
    )
    consent = TextAreaField(
        lazy_gettext("How and when did they agree to be texted?"),
        filters=[clean],
        validators=[at_most(CONSENT_LENGTH)],
        render_kw={"rows": 3},
    )

    def refuse(self, error: OutreachError) -> None:
        """Show a use case's refusal at the field that it is about."""
        field = self.file if error.code in FILE_ERRORS else self.list_name
        field.errors = [*field.errors, error_in_words(error)]
