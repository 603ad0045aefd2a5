"""The wizard's forms of the tactic: which one, in which tone, and what people must know to take part."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from flask_babel import lazy_gettext
from flask_wtf import FlaskForm
from wtforms import DateField, EmailField, RadioField, SelectChoice, SelectField, StringField, TimeField
from wtforms.validators import DataRequired, Length, Optional

from config import table
from outreach.core.clock import PHOENIX
from outreach.escalations.occasion import event_at, local_time
from outreach.web.office_words import zone_words
from outreach.web.tactic_words import tactic_names, tone_names
from outreach.web.wizard_forms import options

LONGEST_LINE = 2_000
"""Nobody types more into one line; what fits is said by the rule of each field."""


class ChoiceForm(FlaskForm):  # type: ignore[misc]
    """A tactic and a tone; and, where somebody has written words of their own, what becomes of them."""

    version = StringField()
    tactic = RadioField(lazy_gettext("Tactic"), validators=[DataRequired(lazy_gettext("Choose one of the tactics."))])
    tone = RadioField(lazy_gettext("Tone"), validators=[DataRequired(lazy_gettext("Choose one of the tones."))])
    edited = RadioField(
        lazy_gettext("The words that somebody has written"),
        choices=[
            SelectChoice("replace", lazy_gettext("Take the new words; keep the old ones below, to have them back")),
            SelectChoice("keep", lazy_gettext("Keep the words as they are")),
        ],
        validators=[Optional()],
        validate_choice=False,
    )

    def offer(self) -> None:
        """Everything that there is to choose from."""
        self.tactic.choices, self.tone.choices = options(tactic_names()), options(tone_names())


class OccasionForm(FlaskForm):  # type: ignore[misc]
    """What people must know. ``ask`` leaves the fields that the tactic has."""

    version = StringField()
    event_day = DateField(lazy_gettext("Day of the event"), validators=[Optional()])
    event_time = TimeField(lazy_gettext("When it begins"), validators=[Optional()])
    event_zone = SelectField(lazy_gettext("Time zone"))
    event_place = StringField(lazy_gettext("Where it is"), validators=[Length(max=LONGEST_LINE)])
    event_link = StringField(lazy_gettext("Link to sign up, or to the agenda"), validators=[Length(max=LONGEST_LINE)])
    office_address = StringField(lazy_gettext("Address of the office"), validators=[Length(max=LONGEST_LINE)])
    office_email = EmailField(lazy_gettext("E-mail address of the office"), validators=[Length(max=LONGEST_LINE)])
    newspaper = StringField(lazy_gettext("Newspaper"), validators=[Length(max=LONGEST_LINE)])
    newspaper_address = StringField(
        lazy_gettext("Where its letters go: an e-mail address or a page"), validators=[Length(max=LONGEST_LINE)]
    )
    word_limit = StringField(lazy_gettext("Most words that it prints"), validators=[Length(max=LONGEST_LINE)])

    def ask(self, tactic: str) -> None:
        """Leave the fields of the tactic."""
        zones = list(table("office_hours")["zones"])
        self.event_zone.choices = [SelectChoice(name, zone_words(name)) for name in zones]
        wanted = set(table("ladder")["tactics"].get(tactic, {"fields": []})["fields"])
        if "event" in wanted:
            wanted |= {"event_day", "event_time", "event_zone"}
        for name in [field.name for field in self if field.name not in {*wanted, "version", "csrf_token"}]:
            del self[name]

    def given(self, now: datetime) -> dict[str, Any]:
        """What was typed, with the event's time in UTC. Raises what ``local_time`` does."""
        typed = {field.name: field.data for field in self}
        if "event_day" in typed:
            typed["event_at"] = local_time(typed["event_day"], typed["event_time"], typed["event_zone"], now)
        return typed


def shown(known: dict[str, Any]) -> dict[str, Any]:
    """What the form begins with, of what is known."""
    data = {field: text for field, text in known.items() if text}
    begins = event_at(known)
    zone = str(known.get("event_zone") or PHOENIX.key)
    data["event_zone"] = zone
    if begins is not None:
        local = begins.astimezone(ZoneInfo(zone))
        data |= {"event_day": local.date(), "event_time": local.time()}
    return data
