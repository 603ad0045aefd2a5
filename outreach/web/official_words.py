"""Words for officials and meetings: outcomes, answers, and what is wrong with a file or a form, in both languages."""

from __future__ import annotations

from typing import Final, NamedTuple

from flask_babel import get_locale, lazy_gettext

from config import table
from outreach.core.errors import OutreachError
from outreach.officials.openstates import FileProblem
from outreach.officials.roles import official_in, role_beside, role_in

OUTCOMES: Final = {
    "committed": lazy_gettext("They committed"),
    "declined": lazy_gettext("They declined"),
    "evaded": lazy_gettext("They evaded the question"),
    "no_meeting": lazy_gettext("They would not meet us"),
    "unreasonable_conditions": lazy_gettext("They asked for unreasonable conditions"),
}
"""How a meeting ended, in the order in which the form asks."""

ANSWERS: Final = {
    "yes": lazy_gettext("Yes"),
    "no": lazy_gettext("No"),
    "evaded": lazy_gettext("Evaded"),
    "not_asked": lazy_gettext("Not asked"),
}
BASES: Final = {"writing": lazy_gettext("in writing"), "practice": lazy_gettext("in practice")}

ERRORS: Final = {
    "meeting_in_future": lazy_gettext("This day has not come yet. A meeting is logged once it was held."),
    "no_meeting_no_answers": lazy_gettext("You gave answers on policies below, so there was a meeting. Change one."),
    "meeting_logged_already": lazy_gettext(
        "This page has logged a meeting with this official on this day already, with other words. "
        "If this is another meeting, save again."
    ),
    "official_on_list": lazy_gettext("This official is on the list already."),
    "office_empty": lazy_gettext("Give a phone or an address."),
    "office_kind_blank": lazy_gettext("Say what kind of office it is."),
    "office_hours_wrong": lazy_gettext("Write times as 8:00-12:00, 13:00-17:00 or 8am-5pm, the earlier one first."),
    "office_lines_wrong": lazy_gettext("Type a whole number from 1 to %(most)s, or leave it empty."),
    "office_in_campaign": lazy_gettext(
        "The campaign “%(campaign)s” calls this office. Cancel that campaign first, or change the number."
    ),
    "officials_format_unknown": lazy_gettext(
        "This is none of the files we read. It must be OpenStates CSV or YAML, or a CSV with the columns name and role."
    ),
    "yaml_malformed": lazy_gettext("The file is not valid YAML: look at line %(line)s."),
    "csv_empty": lazy_gettext("The file is empty."),
    "csv_wide": lazy_gettext("The first line has more than 1,000 columns, or far too much text."),
    "csv_no_header": lazy_gettext("The first line must hold the names of the columns."),
    "csv_is_spreadsheet": lazy_gettext("This is an old spreadsheet. Save it as .xlsx or CSV and bring that file."),
    "spreadsheet_unreadable": lazy_gettext(
        "This spreadsheet cannot be read. Save it again, or as CSV, and bring that file."
    ),
    "spreadsheet_too_large": lazy_gettext("This spreadsheet is too large. Save it as CSV and bring that file."),
    "csv_not_text": lazy_gettext("This is not a text file. Save the list as CSV and bring that file."),
}
"""Error codes of the use cases behind these pages."""

PHONE_REASONS: Final = {
    "fax": lazy_gettext("This is a fax number."),
    "several_numbers": lazy_gettext("Please give one number only."),
    "wrong_region": lazy_gettext("This number belongs to another country."),
    "no_area_code": lazy_gettext("The area code is missing."),
    "too_short": lazy_gettext("This number has too few digits."),
    "too_long": lazy_gettext("This number has too many digits."),
    "scientific_notation": lazy_gettext("A spreadsheet has rounded this number. Please type it in full."),
}
UNUSABLE_PHONE: Final = lazy_gettext("This is not a phone number that we could call.")

FILE_PROBLEMS: Final = {
    "row_unreadable": lazy_gettext("The row cannot be read: a quotation mark is not closed, or a cell is too long."),
    "row_long": lazy_gettext("The row has more cells than there are columns."),
    "row_empty": lazy_gettext("The row is empty."),
    "header_repeated": lazy_gettext("The row repeats the names of the columns."),
    "official_no_name": lazy_gettext("The name is missing; not brought in."),
    "official_no_role": lazy_gettext("The role is missing; not brought in."),
    "official_no_current_role": lazy_gettext("No longer in office; not brought in."),
    "official_term_ended": lazy_gettext("The term has ended; not brought in."),
    "official_repeated": lazy_gettext("Stands further up in the file already."),
    "official_field_long": lazy_gettext("The text under “%(column)s” is too long; not brought in."),
    "office_phone_unusable": lazy_gettext("The office phone is not a number that we could call."),
    "office_hours_wrong": lazy_gettext("The hours cannot be read; write Mon-Fri 8:00-17:00; Sat 9:00-12:00."),
    "office_zone_unknown": lazy_gettext("The time zone is not one of ours; write America/Phoenix or Pacific."),
    "office_lines_wrong": lazy_gettext("The lines must be a whole number from 1 to 20."),
    "official_no_phone": lazy_gettext("No usable phone: you can meet them, but a campaign cannot call them."),
}
"""What is wrong with one official of a file."""


def in_words(error: OutreachError) -> str:
    """An error for the person who typed; the sentence of ``config/errors.toml`` where this section has none."""
    if error.code == "office_phone_unusable":
        return str(PHONE_REASONS.get(str(error.details.get("reason")), UNUSABLE_PHONE))
    sentence = ERRORS.get(error.code)
    return str(error) if sentence is None else str(sentence) % error.details


def problem_in_words(found: FileProblem) -> str:
    """A problem of a file's row for the person who brought the file."""
    sentence = FILE_PROBLEMS.get(found.code)
    return found.message if sentence is None else str(sentence) % {"column": found.column or ""}


def language() -> str:
    """en or es: the language of this page, for the words that configuration tables hold."""
    locale = get_locale()
    return "es" if locale is not None and locale.language == "es" else "en"


def role_words(role: str) -> str:
    """The ``role`` filter: an official's role in the language of this page, with a capital as on a line of its own."""
    said = role_in(role, language())
    return said if said == role else said[:1].upper() + said[1:]


def role_after(role: str, name: str) -> str:
    """The ``role_after`` filter (on the role): what follows the name, ", mayor"; empty when the name says it."""
    said = role_beside(name, role, language())
    return f", {said}" if said else ""


def official_words(name: str, role: str) -> str:
    """The ``official`` filter (on the name): how a line names an official in the language of this page."""
    return official_in(name, role, language())


class Policy(NamedTuple):
    """A model policy in the language of this page."""

    number: int
    name: str
    summary: str


def policies() -> list[Policy]:
    """The nine model policies, by number."""
    now = language()
    return [Policy(row["number"], row["name"][now], row["summary"][now]) for row in table("policies")["policies"]]
