"""Words for constituents: fates of rows, what is wrong with a file or a row, reasons, the ledger, places' clocks."""

from __future__ import annotations

import re
from datetime import datetime
from typing import Any, Final
from zoneinfo import ZoneInfo

from babel.dates import format_skeleton, get_timezone_location, get_timezone_name
from flask_babel import format_date, format_time, get_locale, gettext, lazy_gettext

from outreach.core.errors import OutreachError
from outreach.core.phone import mask
from outreach.people.cells import Problem
from outreach.people.why_not import Reason

NORTH_AMERICAN: Final = re.compile(r"\+1[0-9]{10}", re.ASCII)

FIELDS: Final = {
    "first_name": lazy_gettext("first name"),
    "last_name": lazy_gettext("last name"),
    "phone": lazy_gettext("phone"),
    "email": lazy_gettext("e-mail"),
    "zip": lazy_gettext("ZIP"),
    "city": lazy_gettext("city"),
    "external_id": lazy_gettext("number in the other system"),
    "sms_consent": lazy_gettext("agreed to texts"),
    "language": lazy_gettext("language"),
    "tags": lazy_gettext("tags"),
}
WHOLE_NAME: Final = lazy_gettext("whole name")
CHOICES: Final = {"": lazy_gettext("not used"), **FIELDS, "whole_name": WHOLE_NAME}
"""What a person may say that a column is."""
TEMPLATE: Final = (
    lazy_gettext("First name"), lazy_gettext("Last name"), lazy_gettext("Phone"), lazy_gettext("E-mail"),
    lazy_gettext("ZIP"), lazy_gettext("City"), lazy_gettext("Language"), lazy_gettext("Tags"),
)  # fmt: skip
"""The columns of the template. None for consent: left blank there, it would rule over what is declared for the file."""

FATES: Final = {
    "new": lazy_gettext("new"),
    "updated": lazy_gettext("known already, brought up to date"),
    "duplicate": lazy_gettext("the same number again in this file"),
    "opted_out": lazy_gettext("opted out before: left as they are"),
    "blocked": lazy_gettext("did not agree: kept, never texted"),
    "invalid": lazy_gettext("left out: the row cannot be used"),
}
"""The six counts of an import, in the order in which they are shown."""

FILE_ERRORS: Final = {
    "csv_empty": lazy_gettext("The file is empty."),
    "csv_wide": lazy_gettext("The first line has more than 1,000 columns, or far too much text."),
    "csv_long": lazy_gettext("The file has too many rows. Split it, or ask who runs this site."),
    "csv_no_header": lazy_gettext("The first line must hold the names of the columns."),
    "csv_is_spreadsheet": lazy_gettext("This is an old spreadsheet. Save it as .xlsx or CSV and bring that file."),
    "spreadsheet_unreadable": lazy_gettext(
        "This spreadsheet cannot be read. Save it again, or as CSV, and bring that file."
    ),
    "spreadsheet_too_large": lazy_gettext("This spreadsheet is too large. Save it as CSV and bring that file."),
    "csv_not_text": lazy_gettext("This is not a text file. Save the list as CSV and bring that file."),
    "no_phone_column": lazy_gettext("No column has phone numbers. The file has: %(columns)s."),
    "column_twice": lazy_gettext("Two columns have the name “%(column)s”. Rename or remove one of them."),
    "upload_no_rows": lazy_gettext("There is nobody in the file, only the names of the columns."),
    "upload_too_large": lazy_gettext("The file has more than %(most)s MB. Split it, or ask who runs this site."),
}
"""What is wrong with a file as a whole; shown at the file's field."""
ERRORS: Final = {
    **FILE_ERRORS,
    "list_name_length": lazy_gettext("A list's name has 1 to %(most)s characters."),
    "upload_ended": lazy_gettext("This file was imported already, or thrown away."),
    "import_newer_exists": lazy_gettext("The list “%(name)s” was imported later. Undo that import first."),
    "import_not_undoable": lazy_gettext("This import can no longer be undone."),
}
ROW_ERRORS: Final = {
    "row_unreadable": lazy_gettext("The quotes in this row do not close, or a cell is far too long."),
    "row_long": lazy_gettext("The row has more cells than there are columns."),
    "row_short": lazy_gettext("The row has fewer cells than there are columns. The missing ones count as empty."),
    "row_empty": lazy_gettext("The row is empty."),
    "header_repeated": lazy_gettext("The row repeats the names of the columns."),
    "nul_removed": lazy_gettext("Unreadable characters in the row were removed."),
    "no_phone": lazy_gettext("The row has no phone number."),
    "empty": lazy_gettext("The row has no phone number."),
    "scientific_notation": lazy_gettext("A spreadsheet has rounded this number. Save the column as text."),
    "fax": lazy_gettext("This is a fax number."),
    "not_a_cell": lazy_gettext("The file does not say that this line is a cell phone's."),
    "several_numbers": lazy_gettext("There is more than one number in the cell."),
    "not_a_number": lazy_gettext("This is not a phone number."),
    "wrong_region": lazy_gettext("This number belongs to another country."),
    "no_area_code": lazy_gettext("The area code is missing."),
    "too_short": lazy_gettext("This number has too few digits."),
    "too_long": lazy_gettext("This number has too many digits."),
    "not_dialable": lazy_gettext("No phone can have this number: there is no such area code or exchange."),
    "premium": lazy_gettext("This is a premium-rate number."),
    "shared_cost": lazy_gettext("This is a shared-cost number."),
    "personal": lazy_gettext("This is a number that follows its owner; we cannot text it."),
    "toll_free": lazy_gettext("This is a toll-free number, not a person's phone."),
    "email_malformed": lazy_gettext("The e-mail address is not one. It is left out."),
    "tags_many": lazy_gettext("The row has more than 50 tags. The first 50 are kept."),
    "zip_malformed": lazy_gettext("The ZIP code is not one. It is left out."),
    "language_unknown": lazy_gettext("The language is neither English nor Spanish. It is left out."),
    "duplicate_refuses": lazy_gettext("This number stands in the file before, and here it says no to texts: no it is."),
}
"""What is wrong in one row, or with one number."""

REASONS: Final = {
    "opted_out": lazy_gettext("They opted out. Only they can undo that, by texting START."),
    "perhaps_opted_out": lazy_gettext("A text of theirs may mean stop. Somebody has to read it first."),
    "opted_out_at_carrier": lazy_gettext("They opted out at the phone company."),
    "refused_in_import": lazy_gettext("An imported list says that they want no texts."),
    "stopped_by_staff": lazy_gettext("Staff stopped the texts to them."),
    "number_bad": lazy_gettext("Their number does not take texts."),
    "no_consent": lazy_gettext("They have not agreed to be texted by your group."),
    "consent_old": lazy_gettext("They agreed more than a year ago. They have to agree again."),
}
UNTIL: Final = {
    "cap": lazy_gettext("They got as many texts as one person may get. The next may go %(when)s."),
    "quiet_hours": lazy_gettext("It is too early or too late where they are. Texts may go again %(when)s."),
}
NEVER_OPEN: Final = lazy_gettext("There is no hour at which all the places where they may be can be texted.")
BADGES: Final = {
    "opted_out": lazy_gettext("opted out"),
    "perhaps_opted_out": lazy_gettext("to be read"),
    "opted_out_at_carrier": lazy_gettext("opted out"),
    "refused_in_import": lazy_gettext("wants no texts"),
    "stopped_by_staff": lazy_gettext("stopped by staff"),
    "number_bad": lazy_gettext("bad number"),
    "no_consent": lazy_gettext("has not agreed"),
    "consent_old": lazy_gettext("agreed too long ago"),
}
"""The first standing reason, as short as it goes."""

CONSENT: Final = {
    "granted": lazy_gettext("Agreed"),
    "refused": lazy_gettext("Said no"),
    "opt_out": lazy_gettext("Opted out"),
    "opt_in": lazy_gettext("Opted in"),
}
SOURCES: Final = {
    "import": lazy_gettext("by an imported list"),
    "reply": lazy_gettext("by text"),
    "page": lazy_gettext("on the web page"),
    "staff": lazy_gettext("through staff"),
    "person": lazy_gettext("by themselves"),
    "pending": lazy_gettext("by a text that may mean stop"),
    "carrier": lazy_gettext("by the phone company"),
}
KINDS: Final = {
    "captain": lazy_gettext("phone tree: they lead a branch, or stand in"),
    "thanks": lazy_gettext("thanks: their campaign was won"),
    "captain_again": lazy_gettext("phone tree: asked again, or to stand in"),
    "reminder": lazy_gettext("a reminder to a member"),
}
"""Kinds of our texts that a page names; what the others are, their words say."""
LANGUAGES: Final = {"en": lazy_gettext("English"), "es": lazy_gettext("Spanish")}


def error_in_words(error: OutreachError) -> str:
    """A use case's refusal in the person's language; one without words here in English."""
    sentence = ERRORS.get(error.code) or ROW_ERRORS.get(error.code)
    return str(sentence % error.details) if sentence and error.details else str(sentence or error)


def problem_in_words(problem: Problem) -> str:
    """A row's problem in the person's language."""
    return str(ROW_ERRORS.get(problem.code) or problem.message)


def reason_in_words(reason: Reason, zone: ZoneInfo) -> str:
    """A reason in the person's language, its end in the local time of ``zone``."""
    if reason.code in REASONS:
        return str(REASONS[reason.code])
    if reason.until is None:
        return str(NEVER_OPEN)
    return str(UNTIL[reason.code] % {"when": gettext("from %(time)s", time=local_time(reason.until, zone))})


def local_time(at: datetime, zone: ZoneInfo) -> str:
    """Date and time of day in a zone, in the person's language."""
    local = at.astimezone(zone)
    return f"{format_date(local, 'medium', rebase=False)}, {format_time(local, 'short', rebase=False)}"


def short_time(at: datetime, now: datetime, zone: ZoneInfo) -> str:
    """Time of day in a zone; with its day when that is not today's, and its year when that is not this year's."""
    local, today = at.astimezone(zone), now.astimezone(zone)
    time = str(format_time(local, "short", rebase=False))
    if local.date() == today.date():
        return time
    skeleton = "MMMd" if local.year == today.year else "yMMMd"
    return f"{format_skeleton(skeleton, local, tzinfo=zone, locale=get_locale())}, {time}"


def masked(e164: str) -> str:
    """A number as people write it, that does not give it away: area code and the last two digits."""
    hidden = mask(e164)
    return f"({hidden[2:5]}) •••-••{hidden[-2:]}" if NORTH_AMERICAN.fullmatch(e164) else hidden


def place(zone: ZoneInfo) -> str:
    """A zone's city."""
    return str(get_timezone_location(zone, locale=get_locale(), return_city=True))


def clock_of(zone: ZoneInfo, now: datetime) -> dict[str, Any]:
    """A zone for the page: its city, its name and the time of day there."""
    local = now.astimezone(zone)
    return {
        "city": place(zone),
        "name": get_timezone_name(local, locale=get_locale()),
        "time": format_time(local, "short", rebase=False),
    }
