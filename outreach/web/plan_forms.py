"""The forms before a meeting: the plan, a try to get it, an item of the checklist."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any, ClassVar, Final
from zoneinfo import ZoneInfo

from flask_babel import gettext, lazy_gettext
from wtforms import (
    DateField,
    Field,
    HiddenField,
    IntegerField,
    SelectChoice,
    SelectField,
    SelectMultipleField,
    StringField,
    TextAreaField,
    TimeField,
    ValidationError,
)
from wtforms.validators import InputRequired, Optional
from wtforms.widgets import CheckboxInput, ListWidget

from config import table
from outreach.core.clock import PHOENIX
from outreach.core.errors import OutreachError
from outreach.officials.checklists import WORDS_LENGTH
from outreach.officials.meetings import STAFF_NAME_LENGTH, STAFF_ROLE_LENGTH
from outreach.officials.plan_models import MeetingPlan
from outreach.officials.plans import GATHER_MINUTES, MEETING_MINUTES, Given
from outreach.people.members import Member
from outreach.people.segments import LARGEST_ID
from outreach.web.entry_forms import EntryForm, at_most, clean
from outreach.web.office_words import zone_words
from outreach.web.plan_words import AUDIENCES, CONDITIONS, in_words

NOBODY: Final = 0
PLACE_LENGTH: Final = 300
NOTE_LENGTH: Final = 2_000
CONTACT_LENGTH: Final = 254
EARLIEST, LATEST = 2000, 2200


def chosen(text: object) -> int:
    """The id that was chosen; what is no number is nobody's, and an id is no larger than the database's."""
    try:
        return min(max(int(str(text)), -1), LARGEST_ID)
    except ValueError:
        return -1


def choices_of(words: Mapping[str, Any]) -> list[SelectChoice]:
    """What a table of words offers."""
    return [SelectChoice(value, label) for value, label in words.items()]


def member_choices(members: Iterable[Member]) -> list[tuple[int, str]]:
    """Members to choose from; who took something on and is no longer one stays in the list, and is told apart."""
    gone = lazy_gettext("no longer a member")
    return [(one.id, one.name if one.stays else f"{one.name} ({gone})") for one in members]


def sensible(_form: object, field: Field) -> None:
    """No day of another age: some of what is reckoned from it would be out of the calendar."""
    if field.data is not None and not EARLIEST <= field.data.year <= LATEST:
        raise ValidationError(gettext("Please look at the year."))


def day_field(label: Any) -> DateField:
    """A day, or none."""
    return DateField(label, validators=[Optional(), sensible])


class WordsForm(EntryForm):
    """A form whose refusals are these pages'."""

    version = HiddenField(default="1")

    def refuse(self, error: OutreachError) -> None:
        name = self.field_of.get(error.code)
        if name:
            self.add_error(name, in_words(error))
        else:
            self.form_errors.append(in_words(error))

    def seen_version(self) -> int:
        """The version that the person looked at."""
        return chosen(self.version.data)


def checkboxes(label: Any) -> SelectMultipleField:
    """Some of many, each with a box; ids that are not offered are refused by the view."""
    return SelectMultipleField(
        label, coerce=chosen, validate_choice=False, choices=[], widget=ListWidget(prefix_label=False),
        option_widget=CheckboxInput(),
    )  # fmt: skip


def one_member(label: Any) -> SelectField:
    """A member, or nobody."""
    return SelectField(label, coerce=chosen, validate_choice=False, choices=[], default=NOBODY)


class PlanForm(WordsForm):
    """A meeting that is asked for or agreed."""

    field_of: ClassVar = {
        "plan_minutes": "minutes", "plan_gather_minutes": "gather_minutes", "office_zone_unknown": "meeting_zone",
        "member_unknown": "comes",
    }  # fmt: skip

    staff_name = StringField(
        lazy_gettext("Name of that person"), filters=[clean], validators=[at_most(STAFF_NAME_LENGTH)]
    )
    staff_role = StringField(
        lazy_gettext("What they are"), filters=[clean], validators=[at_most(STAFF_ROLE_LENGTH)],
        render_kw={"list": "staff-roles", "autocomplete": "off"},
    )  # fmt: skip
    staff_email = StringField(lazy_gettext("Their e-mail"), filters=[clean], validators=[at_most(CONTACT_LENGTH)])
    staff_phone = StringField(lazy_gettext("Their phone"), filters=[clean], validators=[at_most(40)])
    asked_day = day_field(lazy_gettext("Day we asked for"))
    asked_time = TimeField(lazy_gettext("Time we asked for"), validators=[Optional()])
    day = day_field(lazy_gettext("Day of the meeting"))
    time = TimeField(lazy_gettext("Time of the meeting"), validators=[Optional()])
    meeting_zone = SelectField(lazy_gettext("Time zone"), default=PHOENIX.key, validate_choice=False)
    minutes = IntegerField(lazy_gettext("How many minutes"), default=MEETING_MINUTES, validators=[Optional()])
    place = StringField(lazy_gettext("Where"), filters=[clean], validators=[at_most(PLACE_LENGTH)])
    gather_minutes = IntegerField(
        lazy_gettext("We gather so many minutes before"), default=GATHER_MINUTES, validators=[Optional()]
    )
    gather_place = StringField(
        lazy_gettext("Where we gather"), filters=[clean], validators=[at_most(PLACE_LENGTH)]
    )  # fmt: skip
    spokesperson = one_member(lazy_gettext("Spokesperson"))
    note_taker = one_member(lazy_gettext("Note taker"))
    facilitator = one_member(lazy_gettext("Leads the talk"))
    comes = checkboxes(lazy_gettext("Who else comes along"))
    partners = checkboxes(lazy_gettext("Partners who are invited"))
    condition_kinds = SelectMultipleField(
        lazy_gettext("What they ask before they will meet"), choices=choices_of(CONDITIONS), validate_choice=False,
        widget=ListWidget(prefix_label=False), option_widget=CheckboxInput(),
    )  # fmt: skip
    conditions = TextAreaField(
        lazy_gettext("In their words"), filters=[clean], validators=[at_most(NOTE_LENGTH)], render_kw={"rows": 2}
    )
    audience = SelectField(
        lazy_gettext("Introduction for"), choices=choices_of(AUDIENCES), validate_choice=False, default="elected"
    )

    def offer(self, members: Sequence[Member], partners: Iterable[Any], zone: str) -> None:
        """What there is to choose from."""
        choices = member_choices(members)
        for field in (self.spokesperson, self.note_taker, self.facilitator):
            field.choices = [(NOBODY, lazy_gettext("nobody yet")), *choices]
        self.comes.choices = choices
        self.partners.choices = [(one.id, one.name) for one in partners]
        known = list(table("office_hours")["zones"])
        zones = known if zone in known else [*known, zone]
        self.meeting_zone.choices = [(name, zone_words(name)) for name in zones]

    def validate(self, extra_validators: Any = None) -> bool:
        """Each field, and what must fit together. Every mistake is shown at once."""
        sound = bool(super().validate(extra_validators))
        for day, hour in (("asked_day", "asked_time"), ("day", "time")):
            if self[hour].data and not self[day].data and not self[day].errors:
                self.add_error(day, gettext("Give the day as well."))
            if self[day].data and not self[hour].data and not self[hour].errors:
                self.add_error(hour, gettext("Give the time as well."))
        if self.meeting_zone.data not in table("office_hours")["zones"]:
            self.add_error("meeting_zone", gettext("Please choose one of the time zones."))
        if self.audience.data not in AUDIENCES:
            self.audience.data = "elected"
        return sound and not self.errors

    def given(self) -> Given:
        """What the use cases take."""
        texts = ("staff_name", "staff_role", "staff_email", "staff_phone", "place", "gather_place", "conditions")
        parts: dict[str, Any] = {
            f"{name}_id": self[name].data or None for name in ("spokesperson", "note_taker", "facilitator")
        }
        minutes, gather = self.minutes.data, self.gather_minutes.data
        return Given(
            **{name: self[name].data for name in texts}, **parts,
            asked_for_at=self._at("asked_day", "asked_time"), starts_at=self._at("day", "time"),
            minutes=MEETING_MINUTES if minutes is None else minutes, zone=self.meeting_zone.data,
            gather_minutes=GATHER_MINUTES if gather is None else gather,
            attendees=frozenset(self.comes.data or ()), partners=frozenset(self.partners.data or ()),
            condition_kinds=tuple(kind for kind in self.condition_kinds.data or () if kind in CONDITIONS),
            audience=self.audience.data,
        )  # fmt: skip

    def _at(self, day: str, hour: str) -> datetime | None:
        if self[day].data is None or self[hour].data is None:
            return None
        return datetime.combine(self[day].data, self[hour].data, ZoneInfo(self.meeting_zone.data))


def values_of(plan: MeetingPlan, contact: dict[str, str], attendees: set[int], partners: set[int]) -> dict[str, Any]:
    """What the form of a plan begins with."""
    zone = ZoneInfo(plan.zone)
    asked, starts = (at.astimezone(zone) if at else None for at in (plan.asked_for_at, plan.starts_at))
    same = ("minutes", "place", "gather_minutes", "gather_place", "conditions", "condition_kinds", "audience")
    return {
        **{name: getattr(plan, name) for name in same},
        "staff_name": plan.staff_name or "", "staff_role": plan.staff_role or "",
        "staff_email": contact.get("email", ""), "staff_phone": contact.get("phone", ""),
        "asked_day": asked and asked.date(), "asked_time": asked and asked.time(),
        "day": starts and starts.date(), "time": starts and starts.time(), "meeting_zone": plan.zone,
        "spokesperson": plan.spokesperson_id or NOBODY, "note_taker": plan.note_taker_id or NOBODY,
        "facilitator": plan.facilitator_id or NOBODY, "comes": sorted(attendees), "partners": sorted(partners),
        "version": str(plan.version),
    }  # fmt: skip


class TryForm(WordsForm):
    """One try to get a meeting."""

    field_of: ClassVar = {"plan_contact_blank": "whom", "meeting_in_future": "on_day"}

    on_day = DateField(lazy_gettext("Day"), validators=[InputRequired(lazy_gettext("Please give the day.")), sensible])
    whom = StringField(lazy_gettext("Whom you talked to"), filters=[clean], validators=[at_most(200)])
    said = StringField(lazy_gettext("What they said"), filters=[clean], validators=[at_most(NOTE_LENGTH)])


class ItemForm(WordsForm):
    """Who does an item of a checklist, and by when; of the group's own also what."""

    field_of: ClassVar = {"checklist_words": "words", "member_unknown": "assignee", "checklist_two_people": "assignee"}

    words = StringField(lazy_gettext("What there is to do"), filters=[clean], validators=[at_most(WORDS_LENGTH)])
    assignee = SelectField(lazy_gettext("Who does it"), validate_choice=False, choices=[], default="")
    due_on = day_field(lazy_gettext("Due on"))

    def offer(self, members: Sequence[Member], users: dict[int, str]) -> None:
        """Members first, then everybody who signs in."""
        self.assignee.choices = [
            ("", lazy_gettext("nobody yet")),
            *((f"member:{one}", words) for one, words in member_choices(members)),
            *((f"user:{one}", name) for one, name in users.items()),
        ]

    def person(self) -> tuple[int | None, int | None]:
        """Member and user; one of them at most."""
        kind, _, number = str(self.assignee.data or "").partition(":")
        return (chosen(number) if kind == "member" else None, chosen(number) if kind == "user" else None)
