"""The forms for one official by hand, and for a file of them."""

from __future__ import annotations

from typing import Any, ClassVar, Final

from flask_babel import gettext, lazy_gettext
from flask_wtf import FlaskForm
from flask_wtf.file import FileField, FileRequired
from wtforms import EmailField, StringField, TelField
from wtforms.validators import DataRequired, Optional, Regexp

from outreach.officials.imports import LENGTHS
from outreach.officials.offices import EXTENSION_LENGTH
from outreach.web.entry_forms import EntryForm, at_most, clean

ADDRESS_LENGTH: Final = 500
PHONE_LENGTH: Final = 60
OPTIONAL_TEXTS: Final = ("jurisdiction", "district", "party", "email", "phone", "extension", "address")


class OfficialForm(EntryForm):
    """One official, with at most one office."""

    field_of: ClassVar = {"office_phone_unusable": "phone"}

    name = StringField(
        lazy_gettext("Name"),
        filters=[clean],
        validators=[
            DataRequired(lazy_gettext("Please give a name: a person's, or the office's.")),
            at_most(LENGTHS["name"]),
        ],
    )
    role = StringField(
        lazy_gettext("Role"),
        filters=[clean],
        validators=[DataRequired(lazy_gettext("Please give a role, such as Mayor.")), at_most(LENGTHS["role"])],
    )
    jurisdiction = StringField(
        lazy_gettext("City, county or state"), filters=[clean], validators=[at_most(LENGTHS["jurisdiction"])]
    )
    district = StringField(lazy_gettext("District"), filters=[clean], validators=[at_most(LENGTHS["district"])])
    party = StringField(lazy_gettext("Party"), filters=[clean], validators=[at_most(LENGTHS["party"])])
    email = EmailField(
        lazy_gettext("E-mail"),
        filters=[clean],
        validators=[
            Optional(),
            at_most(LENGTHS["email"]),
            Regexp(r"[^@\s]+@[^@\s]+\.[^@\s]+$", message=lazy_gettext("This is not an e-mail address.")),
        ],
    )
    phone = TelField(lazy_gettext("Office phone"), filters=[clean], validators=[at_most(PHONE_LENGTH)])
    extension = StringField(
        lazy_gettext("Extension"),
        filters=[clean],
        validators=[
            Optional(),
            at_most(EXTENSION_LENGTH),
            Regexp(r"[0-9]+$", message=lazy_gettext("An extension has digits only.")),
        ],
    )
    address = StringField(lazy_gettext("Office address"), filters=[clean], validators=[at_most(ADDRESS_LENGTH)])

    def validate(self, extra_validators: Any = None) -> bool:
        """Each field, and an extension only with its number."""
        sound = bool(super().validate(extra_validators))
        if self.extension.data and not self.phone.data:
            self.add_error("phone", gettext("An extension needs the number before it."))
            return False
        return sound

    def given(self) -> dict[str, str]:
        """What ``add_official`` takes."""
        return {name: self[name].data for name in ("name", "role", *OPTIONAL_TEXTS)}


class OfficialsFileForm(FlaskForm):  # type: ignore[misc]
    """A file of officials."""

    file = FileField(lazy_gettext("File"), validators=[FileRequired(lazy_gettext("Please choose a file first."))])
