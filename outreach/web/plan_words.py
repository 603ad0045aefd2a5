"""Words for what is done before a meeting: plans, checklists, requests for records, partners."""

from __future__ import annotations

from datetime import date, datetime, time
from typing import Final
from zoneinfo import ZoneInfo

from babel.dates import format_time
from flask_babel import format_date, get_locale, gettext, lazy_gettext

from outreach.core.errors import OutreachError
from outreach.officials.plan_models import MeetingPlan
from outreach.web.office_words import CLOCK, zone_words
from outreach.web.official_words import in_words as said_of_officials

STATES: Final = {
    "asked": lazy_gettext("Asked for"),
    "confirmed": lazy_gettext("Confirmed"),
    "held": lazy_gettext("Held"),
    "called_off": lazy_gettext("Called off"),
    "refused": lazy_gettext("We could not get it"),
}
CONDITIONS: Final = {
    "opposing_views": lazy_gettext("People with opposing views at the table"),
    "attendee_list": lazy_gettext("A list of who comes, long before"),
    "paperwork": lazy_gettext("Paperwork to fill in first"),
    "other": lazy_gettext("Something else"),
}
AUDIENCES: Final = {
    "elected": lazy_gettext("Elected officials"),
    "police": lazy_gettext("Law enforcement"),
    "allies": lazy_gettext("Allies and other groups"),
}
ROLES: Final = {
    "spokesperson_id": lazy_gettext("Spokesperson"),
    "note_taker_id": lazy_gettext("Note taker"),
    "facilitator_id": lazy_gettext("Leads the talk"),
}
STAFF_ROLES: Final = (
    lazy_gettext("Chief of staff"),
    lazy_gettext("City manager"),
    lazy_gettext("Community liaison"),
    lazy_gettext("Scheduler"),
)
"""Whom one meets in an official's place: offered, while anything can be typed."""
WAYS: Final = {
    "online": lazy_gettext("Online or by e-mail"),
    "mail": lazy_gettext("By mail"),
    "in_person": lazy_gettext("In person"),
}
RECORDS: Final = {
    "to_send": lazy_gettext("Not sent yet"),
    "waiting": lazy_gettext("Sent"),
    "overdue": lazy_gettext("Overdue"),
    "received": lazy_gettext("Received"),
}
ERRORS: Final = {
    "member_unknown": lazy_gettext("Somebody you chose is no longer a member. Choose again."),
    "plan_changed": lazy_gettext("Somebody else has changed this plan meanwhile. Look at it, then save again."),
    "plan_closed": lazy_gettext("This plan is closed: the meeting was logged or called off."),
    "plan_minutes": lazy_gettext("Type minutes from %(least)s to %(most)s."),
    "plan_gather_minutes": lazy_gettext("Type minutes from 0 to %(most)s."),
    "plan_contact_blank": lazy_gettext("Say whom you talked to."),
    "plan_contacts_many": lazy_gettext("%(most)s tries are noted already."),
    "checklist_words": lazy_gettext("Say what there is to do, in at most %(most)s characters."),
    "checklist_many": lazy_gettext("This checklist has %(most)s items already."),
    "checklist_two_people": lazy_gettext("Choose one person: a member, or somebody who signs in."),
    "agenda_words": lazy_gettext("Use at most %(most)s characters."),
    "agenda_long": lazy_gettext("An agenda has %(most)s lines at most."),
    "records_agency_blank": lazy_gettext("Say which agency."),
    "records_asked_blank": lazy_gettext("Say what is asked for."),
    "records_fee": lazy_gettext("Type the fee in dollars, such as 12.50, up to 10,000."),
    "records_sent_in_future": lazy_gettext("This day has not come yet."),
    "records_received_in_future": lazy_gettext("This day has not come yet."),
    "records_due_early": lazy_gettext("This day is before the one on which it was sent."),
    "records_received_early": lazy_gettext("This day is before the one on which it was sent."),
    "partner_name": lazy_gettext("Give the organization a name of at most %(most)s characters."),
    "partner_taken": lazy_gettext("This organization is on your list already."),
    "partners_many": lazy_gettext("Your group has %(most)s partners already."),
}
"""Error codes of the use cases behind these pages."""


def in_words(error: OutreachError) -> str:
    """An error for the person who typed."""
    sentence = ERRORS.get(error.code)
    return said_of_officials(error) if sentence is None else str(sentence) % error.details


def clock_words(at: datetime, zone: str) -> str:
    """A time of day where a meeting is: 5:30 PM, with the zone's name."""
    return f"{time_words(at.astimezone(ZoneInfo(zone)).time())}, {zone_words(zone)}"


def time_words(at: time) -> str:
    """A time of day, as it stands on a wall."""
    return str(format_time(at, CLOCK, locale=get_locale()))


def day_words(day: date) -> str:
    """A day with its weekday."""
    return str(format_date(day, "full", rebase=False))


def when_words(at: datetime, zone: str) -> str:
    """Day and time of a meeting, where it is."""
    return str(
        gettext(
            "%(day)s at %(time)s",
            day=day_words(at.astimezone(ZoneInfo(zone)).date()),
            time=clock_words(at, zone),
        )
    )


def with_words(plan: MeetingPlan, official: str) -> str:
    """Whom we meet: the official, or somebody of the staff in their place."""
    staff = ", ".join(part for part in (plan.staff_name, plan.staff_role) if part)
    return str(gettext("%(staff)s, for %(official)s", staff=staff, official=official)) if staff else official


def dollars(cents: int) -> str:
    """An amount."""
    return f"${cents / 100:,.2f}"
