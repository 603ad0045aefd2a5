"""What the cells of one contact row mean: a person who can be stored, or the reasons why not. Pure."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from functools import cache
from typing import Literal, NamedTuple

from config import table
from outreach.core.csv_rows import Row
from outreach.core.errors import message_for
from outreach.core.phone import check_phone
from outreach.people.columns import ColumnMap, key, words

Consent = Literal["granted", "refused", "none"]

SEVERAL_IN_A_CELL = ":::"  # Google Contacts' separator
_EMAIL = re.compile(r"[^@\s,;<>]+@[^@\s,;<>]+\.[^@\s,;<>.]{2,}")
_TAG_SEPARATOR = re.compile(r":::|[,;|]")
_FLOAT = re.compile(r"\.0+$")


class Problem(NamedTuple):
    """What is wrong in a row of the file; ``row`` counts the header as 1, ``column`` is its cell in the header."""

    row: int
    column: str | None
    code: str
    message: str


@dataclass(frozen=True, slots=True)
class Person:
    """One usable row. Empty texts are cells that were empty or absent."""

    row: int
    e164: str
    first_name: str
    last_name: str
    email: str
    zip: str | None
    city: str
    external_id: str
    tags: tuple[str, ...]
    language: str | None
    consent: Consent
    consent_wording: str | None  # the cell that decided, with its column, and what was declared
    is_repeat: bool = False  # a later row of the same number, kept for its refusal alone

    def as_repeat(self) -> Person:
        """The same row as one that comes after another of its number."""
        return replace(self, is_repeat=True)

    def ledger_wording(self, list_name: str) -> str | None:
        """The ledger's words for this row's answer, with the list that it came in."""
        return f"list “{list_name}”: {self.consent_wording}" if self.consent_wording else None

    def document(self) -> dict[str, object]:
        """What is sealed. Zip, language and the number's hash stand in columns of their own."""
        return {
            "phone": self.e164,
            "first_name": self.first_name,
            "last_name": self.last_name,
            "email": self.email,
            "city": self.city,
            "external_id": self.external_id,
            "tags": list(self.tags),
        }


def read_person(row: Row, columns: ColumnMap, declared: str | None) -> tuple[Person | None, list[Problem]]:
    """The person of a row, or None with the problem that makes the row invalid; other problems keep the row."""
    problems = [problem(row.number, None, code) for code in row.notes]
    if row.problem:
        return None, [*problems, problem(row.number, None, row.problem)]
    e164, wrong = _phone(row, columns)
    if e164 is None:
        return None, [*problems, wrong] if wrong else problems
    first_name, last_name = _names(row, columns)
    email, zip_cell, language_cell = (_cell(row, columns, field) for field in ("email", "zip", "language"))
    zip_code, language = zip_of(zip_cell), _languages().get(key(language_cell))
    for wrong_cell, field, code in (
        (bool(email) and not _EMAIL.fullmatch(email), "email", "email_malformed"),
        (bool(zip_cell) and zip_code is None, "zip", "zip_malformed"),
        (bool(language_cell) and language is None, "language", "language_unknown"),
    ):
        if wrong_cell:
            problems.append(problem(row.number, _column(columns, field), code))
    consent, wording = _consent(row, columns, declared)
    person = Person(
        row=row.number, e164=e164, first_name=first_name, last_name=last_name,
        email=email if _EMAIL.fullmatch(email) else "", zip=zip_code, city=_cell(row, columns, "city"),
        external_id=_cell(row, columns, "external_id"), tags=tags_of(_cell(row, columns, "tags")),
        language=language, consent=consent, consent_wording=wording,
    )  # fmt: skip
    return person, problems


def problem(row: int, column: str | None, code: str, **details: object) -> Problem:
    """A problem with its sentence; neither holds the cell, which may be a person's number."""
    return Problem(row, column, code, message_for(code, {"column": column, **details}))


def zip_of(cell: str) -> str | None:
    """The five digits of a ZIP; ZIP+4 is cut, zeros that a spreadsheet dropped come back. None when it is no ZIP."""
    text = _FLOAT.sub("", cell.strip().strip("'\"="))
    match = re.fullmatch(r"(\d{3,5})(?:[- ]\d{4})?|(\d{3,5})\d{4}", text, re.ASCII)
    digits = ((match[1] or match[2]) if match else "").zfill(5)
    return None if digits == "00000" else digits


def tags_of(cell: str) -> tuple[str, ...]:
    """Tags in order, each once."""
    return tuple(dict.fromkeys(tag for part in _TAG_SEPARATOR.split(cell) if (tag := part.strip(" \t*"))))


def answer_of(cell: str) -> str | None:
    """``yes`` or ``no`` when a consent cell says so plainly; None for blank, pending and everything else."""
    return _answers().get(key(_FLOAT.sub("", cell.strip())))


def _cell(row: Row, columns: ColumnMap, field: str) -> str:
    indexes = columns.columns.get(field)
    return " ".join(row.cells[indexes[0]].split()) if indexes else ""


def _column(columns: ColumnMap, field: str) -> str:
    return columns.header[columns.columns[field][0]]


def _phone(row: Row, columns: ColumnMap) -> tuple[str | None, Problem | None]:
    """The first usable number in order of preference, else what is wrong with the first that was given.

    Lines that the row calls a cell's come first; a fax is no phone, and what must be flagged as a cell's is.
    """
    wrong: Problem | None = None
    places = columns.columns["phone"]
    if columns.kinds:
        kinds = {index: _kind(row.cells[at]) for index, at in columns.kinds.items()}
        places = tuple(sorted(places, key=lambda index: kinds.get(index) != "cell"))
    for index in places:
        for text in row.cells[index].split(SEVERAL_IN_A_CELL):
            if not text.strip():
                continue
            if columns.kinds and kinds.get(index) == "never":
                wrong = wrong or problem(row.number, columns.header[index], "fax")
                continue
            if index in columns.flagged and not any(_says_cell(row.cells[at]) for at in columns.flagged[index]):
                wrong = wrong or problem(row.number, columns.header[index], "not_a_cell")
                continue
            verdict = check_phone(text)
            if verdict.e164:
                return verdict.e164, None
            wrong = wrong or problem(row.number, columns.header[index], verdict.reason or "not_a_number")
    return None, wrong or problem(row.number, _column(columns, "phone"), "no_phone")


def _kind(cell: str) -> Literal["cell", "never"] | None:
    """What a line's type says: ``* Work Fax`` is never a phone's, ``Mobile`` is a cell's."""
    said = set(words(cell))
    return "never" if said & _line_words("never") else "cell" if said & _line_words("cell") else None


def _says_cell(cell: str) -> bool:
    return answer_of(cell) == "yes" or _kind(cell) == "cell"


@cache
def _line_words(kind: str) -> frozenset[str]:
    return frozenset(table("columns")["line"][kind])


def _names(row: Row, columns: ColumnMap) -> tuple[str, str]:
    """First and last name; a whole name is divided unless the last name has a column of its own."""
    first, last = _cell(row, columns, "first_name"), _cell(row, columns, "last_name")
    if not columns.whole_name:
        return first, last
    if "last_name" in columns.columns:
        return first.removesuffix(f" {last}") if last else first, last
    family, comma, given = (part.strip() for part in first.partition(","))
    if comma and given:
        return given.split(" ")[0], family
    given, _, family = first.partition(" ")
    return given, family


def _consent(row: Row, columns: ColumnMap, declared: str | None) -> tuple[Consent, str | None]:
    """A mapped consent column rules its row, whatever was declared; a refusal anywhere in the row rules it all."""
    for refusal in columns.refusals:
        cell = row.cells[refusal.column]
        if answer_of(cell) == refusal.when:
            return "refused", _quote(columns.header[refusal.column], cell)
    if "sms_consent" not in columns.columns:
        return ("granted", declared) if declared else ("none", None)
    cell = _cell(row, columns, "sms_consent")
    answer = answer_of(cell)
    if answer is None:
        return "none", None
    wording = _quote(_column(columns, "sms_consent"), cell)
    if answer == "no":
        return "refused", wording
    return "granted", f"{wording}; {declared}" if declared else wording


def _quote(column: str, cell: str) -> str:
    return f"column “{column.strip()}”: “{cell.strip()}”"


@cache
def _answers() -> dict[str, str]:
    return {key(word): answer for answer in ("yes", "no") for word in table("columns")["consent"][answer]}


@cache
def _languages() -> dict[str, str]:
    return {key(word): code for code, names in table("columns")["languages"].items() for word in names}
