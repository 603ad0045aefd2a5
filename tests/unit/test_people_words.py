"""Whatever code an import or a reason can give has words on the pages."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from outreach.core.errors import sentences
from outreach.people.columns import FIELDS, map_columns
from outreach.people.why_not import SUPPRESSION_CODES
from outreach.web.people_reads import is_called, name_of
from outreach.web.people_words import BADGES, CONSENT, ERRORS, REASONS, ROW_ERRORS, SOURCES, TEMPLATE

PEOPLE = Path(__file__).parents[2] / "outreach"


def test_every_code_of_a_row_has_words() -> None:
    """The phone codes are listed in core.phone's docstring; the others stand in quotes where rows are judged."""
    phone = (PEOPLE / "core" / "phone.py").read_text(encoding="utf-8").split('"""')[1]
    codes = {code for code in re.findall(r"``(\w+)``", phone) if code in sentences()}
    assert len(codes) > 12
    for name in ("people/cells.py", "people/imports.py", "core/csv_rows.py", "core/spreadsheets.py"):
        quoted = set(re.findall(r'"(\w+)"', (PEOPLE / name).read_text(encoding="utf-8")))
        codes |= {code for code in quoted if code in sentences()}
    file_codes = {
        "csv_empty",
        "csv_long",
        "csv_no_header",
        "csv_wide",
        "csv_is_spreadsheet",
        "csv_not_text",
        "spreadsheet_unreadable",
        "spreadsheet_too_large",
    }
    not_on_pages = {"file_unreadable", "consent_blank"}  # of the command line
    assert codes - set(ROW_ERRORS) - not_on_pages == file_codes
    assert file_codes <= set(ERRORS)


def test_every_reason_has_words_and_a_badge() -> None:
    standing = {*SUPPRESSION_CODES.values(), "number_bad", "no_consent", "consent_old"}
    assert set(REASONS) == set(BADGES) == standing


def test_the_ledgers_kinds_and_sources_have_words() -> None:
    assert set(CONSENT) == {"granted", "refused", "opt_out", "opt_in"}
    assert set(SUPPRESSION_CODES) | {"import", "reply", "page", "staff"} == set(SOURCES)


def test_the_template_is_read_by_the_import_in_full() -> None:
    columns = map_columns([str(column) for column in TEMPLATE])
    assert set(columns.columns) == set(FIELDS) - {"external_id", "sms_consent"}
    assert not columns.whole_name


@pytest.mark.parametrize(
    ("sought", "name", "found"),
    [
        ("ana", "Ana Tester", True),
        ("test", "Ana Tester", True),
        ("TESTER ana", "Ana Tester", True),
        ("perez", "José Pérez-Gil", True),
        ("JOSE p", "José Pérez", True),
        ("an bo", "Ana Tester", False),
        ("ster", "Ana Tester", False),
        ("محمد", "محمد علي", True),
        ("", "Ana", True),
    ],
)
def test_names_are_found_by_how_their_words_begin(sought: str, name: str, *, found: bool) -> None:
    assert is_called(sought, name) is found


def test_a_name_is_what_is_known_of_it() -> None:
    assert name_of({"first_name": "Ana", "last_name": ""}) == "Ana"
    assert name_of({}) == ""
