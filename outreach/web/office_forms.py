"""The form of an office. Seven fields for its days, none of which must be filled where it keeps the usual hours."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any, ClassVar, Final

from flask_babel import format_date, gettext, lazy_gettext
from wtforms import RadioField, SelectChoice, SelectField, StringField, TelField
from wtforms.validators import Optional, Regexp

from config import table
from outreach.core.errors import BadInputError
from outreach.core.phone import as_people_write
from outreach.officials.hours import DAYS, Week, check_week, parse_day, print_day, usual_week
from outreach.officials.models import Office
from outreach.officials.offices import EXTENSION_LENGTH, KIND_LENGTH, KINDS, LOCAL, MAIN, Given, check_lines
from outreach.web.entry_forms import EntryForm, at_most, clean
from outreach.web.office_words import week_words, zone_words
from outreach.web.official_words import in_words
from outreach.web.officials_forms import ADDRESS_LENGTH, PHONE_LENGTH

USUAL, OWN, OTHER = "usual", "own", "other"
DAY_LENGTH: Final = 100
MONDAY: Final = date(2024, 1, 1)


class OfficeForm(EntryForm):
    """An office as organizers describe it."""

    field_of: ClassVar = {
        "office_phone_unusable": "phone", "office_empty": "phone", "office_in_campaign": "phone",
        "office_kind_blank": "other_kind", "office_lines_wrong": "lines", "office_hours_wrong": "hours",
        "office_zone_unknown": "zone",
    }  # fmt: skip

    kind = RadioField(
        lazy_gettext("Kind of office"),
        choices=[
            SelectChoice(MAIN, lazy_gettext("Main office")),
            SelectChoice(LOCAL, lazy_gettext("District office")),
            SelectChoice(OTHER, lazy_gettext("Another one")),
        ],
        default=MAIN,
    )
    other_kind = StringField(
        lazy_gettext("What is it, if another one?"), filters=[clean], validators=[at_most(KIND_LENGTH)]
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
    hours = RadioField(
        lazy_gettext("When somebody picks up"),
        default=USUAL,
    )
    day_0, day_1, day_2, day_3, day_4, day_5, day_6 = (
        StringField(filters=[clean], validators=[at_most(DAY_LENGTH)]) for _ in range(DAYS)
    )
    zone = SelectField(lazy_gettext("Time zone"), default="")
    lines = StringField(lazy_gettext("Callers at once"), filters=[clean])

    def __init__(self, zone: str | None = None, **values: Any) -> None:
        super().__init__(**values)
        usual = gettext("In the usual hours: %(hours)s", hours=week_words(usual_week()))
        self.hours.choices = [SelectChoice(USUAL, usual), SelectChoice(OWN, gettext("In hours of its own:"))]
        known = list(table("office_hours")["zones"])
        offered = known if zone in (None, *known) else [*known, zone]
        automatic = SelectChoice("", gettext("By its number and address"))
        self.zone.choices = [automatic, *(SelectChoice(name, zone_words(name)) for name in offered if name)]
        for day in range(DAYS):
            self.day(day).label.text = format_date(MONDAY + timedelta(days=day), "EEEE", rebase=False).capitalize()

    def day(self, number: int) -> Any:
        """The field of a weekday, Monday 0."""
        return self[f"day_{number}"]

    def validate(self, extra_validators: Any = None) -> bool:
        """Each field, and what must fit together. Every mistake is shown at once."""
        super().validate(extra_validators)
        if self.extension.data and not self.phone.data:
            self.add_error("phone", gettext("An extension needs the number before it."))
        elif not self.phone.data and not self.address.data:
            self.add_error("phone", gettext("Give a phone or an address."))
        if self.kind.data == OTHER and not self.other_kind.data:
            self.add_error("other_kind", gettext("Say what kind of office it is."))
        if self.lines.data:
            self._try("lines", lambda: check_lines(self.lines.data))
        self._check_hours()
        return not self.errors

    def _check_hours(self) -> None:
        for day in range(DAYS):
            self._try(f"day_{day}", lambda day=day: parse_day(self.day(day).data))
        typed = any(self.day(day).data for day in range(DAYS))
        if self.hours.data == USUAL and typed:
            self.add_error("hours", gettext("You typed hours below: choose “hours of its own”, or empty them."))
        if self.hours.data == OWN and not any(self.day(day).errors for day in range(DAYS)) and not any(self.week()):
            self.add_error("day_0", gettext("Give the hours of at least one day."))

    def _try(self, name: str, read: Any) -> None:
        try:
            read()
        except BadInputError as error:
            self.add_error(name, in_words(error))

    def week(self) -> Week:
        """The typed hours. Raises BadInputError where a day has none that can be read."""
        return check_week([parse_day(self.day(day).data) for day in range(DAYS)])

    def given(self) -> Given:
        """What the use cases take."""
        return Given(
            kind=self.other_kind.data if self.kind.data == OTHER else self.kind.data,
            phone=self.phone.data, extension=self.extension.data, address=self.address.data,
            hours=self.week() if self.hours.data == OWN else None, zone=self.zone.data or None,
            lines=check_lines(self.lines.data) if self.lines.data else None,
        )  # fmt: skip


def values_of(office: Office) -> dict[str, Any]:
    """What the form of an office begins with."""
    kind = KINDS.get(office.classification, office.classification)
    known = kind in {MAIN, LOCAL}
    days = {f"day_{number}": print_day(spans) for number, spans in enumerate(office.hours or ())}
    return {
        "kind": kind if known else OTHER, "other_kind": "" if known else kind,
        "phone": as_people_write(office.phone) if office.phone else "", "extension": office.extension or "",
        "address": office.address or "", "hours": OWN if office.hours else USUAL, **days,
        "zone": office.zone or "", "lines": str(office.lines or ""),
    }  # fmt: skip
