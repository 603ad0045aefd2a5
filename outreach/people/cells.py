"""What the cells of one contact row mean: a person who can be stored, or the reasons why not. Pure."""

from __future__ import annotations

import re
from functools import cache, lru_cache
from typing import Literal, NamedTuple

from config import table
from outreach.core.csv_rows import Row
from outreach.core.errors import message_for
from outreach.core.phone import check_phone, plain_e164
from outreach.people.columns import ColumnMap, key, remembered, words

Consent = Literal["granted", "refused", "none"]

NOWHERE = -1
MOST_TAGS = 50
"""Of one person, in one file. A cell has room for thousands, and SQLite's lock would be held for all of them."""
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


class Person(NamedTuple):
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


class RowReader:
    """Reads the rows of one file. ``declared``: what its owner says of everybody's consent."""

    def __init__(self, columns: ColumnMap, declared: str | None) -> None:
        self._columns = columns
        self._declared = declared
        self._phones = columns.columns.get("phone", ())
        self._looks_plain = not columns.kinds and not columns.flagged
        self._has_consent_cells = bool(columns.refusals) or "sms_consent" in columns.columns
        places = {field: indexes[0] for field, indexes in columns.columns.items()}
        self._consent_at = places.get("sms_consent")
        # A field without a column is read from the empty cell that ``read`` appends to each row.
        self._first, self._last, self._email, self._zip, self._city, self._id, self._language, self._tags = (
            places.get(field, NOWHERE)
            for field in ("first_name", "last_name", "email", "zip", "city", "external_id", "language", "tags")
        )

    def read(self, row: Row) -> tuple[Person | None, list[Problem]]:
        """The person of a row, or None with the problem that makes the row invalid; other problems keep the row."""
        number, cells, broken, notes = row
        problems = [problem(number, None, code) for code in notes] if notes else []
        if broken:
            return None, [*problems, problem(number, None, broken)]
        cells = [*cells, ""]
        e164 = plain_e164(cells[self._phones[0]]) if self._looks_plain else None
        if e164 is None:
            found = self._phone(number, cells)
            if isinstance(found, Problem):
                return None, [*problems, found]
            e164 = found
        first_name, last_name = _tidy(cells[self._first]), _tidy(cells[self._last])
        if self._columns.whole_name:
            first_name, last_name = self._names(first_name, last_name)
        email, zip_cell, language_cell = cells[self._email].strip(), cells[self._zip], cells[self._language]
        if email and not _EMAIL.fullmatch(email):
            problems.append(self._problem(number, self._email, "email_malformed"))
            email = ""
        zip_code = zip_of(zip_cell)
        if zip_code is None and zip_cell and not zip_cell.isspace():
            problems.append(self._problem(number, self._zip, "zip_malformed"))
        language = _language_of(language_cell)
        if language is None and language_cell and not language_cell.isspace():
            problems.append(self._problem(number, self._language, "language_unknown"))
        if self._has_consent_cells:
            consent, wording = self._consent(cells)
        else:
            consent, wording = "granted" if self._declared else "none", self._declared
        tags = tags_of(cells[self._tags])
        if len(tags) > MOST_TAGS:
            problems.append(self._problem(number, self._tags, "tags_many"))
        person = Person(
            number, e164, first_name, last_name, email, zip_code, _tidy(cells[self._city]), _tidy(cells[self._id]),
            tags[:MOST_TAGS], language, consent, wording,
        )  # fmt: skip
        return person, problems

    def _problem(self, number: int, place: int, code: str) -> Problem:
        return problem(number, self._columns.header[place], code)

    def _phone(self, number: int, cells: list[str]) -> str | Problem:
        """The first usable number in order of preference, else what is wrong with the first that was given.

        Lines that the row calls a cell's come first; a fax is no phone, and what must be flagged as a cell's is.
        """
        columns = self._columns
        wrong: Problem | None = None
        places = self._phones
        kinds: dict[int, str | None] = {}
        if columns.kinds:
            kinds = {index: _kind(cells[at]) for index, at in columns.kinds.items()}
            places = tuple(sorted(places, key=lambda index: kinds.get(index) != "cell"))
        for index in places:
            for text in cells[index].split(SEVERAL_IN_A_CELL):
                if not text.strip():
                    continue
                if kinds.get(index) == "never":
                    wrong = wrong or self._problem(number, index, "fax")
                    continue
                if index in columns.flagged and not any(_says_cell(cells[at]) for at in columns.flagged[index]):
                    wrong = wrong or self._problem(number, index, "not_a_cell")
                    continue
                verdict = check_phone(text)
                if verdict.e164:
                    return verdict.e164
                wrong = wrong or self._problem(number, index, verdict.reason or "not_a_number")
        return wrong or self._problem(number, self._phones[0], "no_phone")

    def _names(self, first: str, last: str) -> tuple[str, str]:
        """A whole name divided, unless the last name has a column of its own."""
        if self._last != NOWHERE:
            return first.removesuffix(f" {last}") if last else first, last
        family, comma, given = (part.strip() for part in first.partition(","))
        if comma and given:
            return given.split(" ")[0], family
        given, _, family = first.partition(" ")
        return given, family

    def _consent(self, cells: list[str]) -> tuple[Consent, str | None]:
        """A mapped consent column rules its row, whatever was declared; a refusal anywhere in the row rules it all."""
        columns = self._columns
        for refusal in columns.refusals:
            cell = cells[refusal.column]
            if answer_of(cell) == refusal.when:
                return "refused", _quote(columns.header[refusal.column], cell)
        if self._consent_at is None:
            return ("granted", self._declared) if self._declared else ("none", None)
        cell = _tidy(cells[self._consent_at])
        answer = answer_of(cell)
        if answer is None:
            return "none", None
        wording = _quote(columns.header[self._consent_at], cell)
        if answer == "no":
            return "refused", wording
        return "granted", f"{wording}; {self._declared}" if self._declared else wording


def _tidy(cell: str) -> str:
    return cell if cell.isalnum() else " ".join(cell.split())


def problem(row: int, column: str | None, code: str) -> Problem:
    """A problem with its sentence; neither holds the cell, which may be a person's number."""
    return Problem(row, column, code, _sentence(code, column))


@lru_cache(maxsize=1_024)
def _sentence(code: str, column: str | None) -> str:
    return message_for(code, {"column": column})


@remembered
def zip_of(cell: str) -> str | None:
    """The five digits of a ZIP; ZIP+4 is cut, zeros that a spreadsheet dropped come back. None when it is no ZIP."""
    text = _FLOAT.sub("", cell.strip().strip("'\"="))
    match = re.fullmatch(r"(\d{3,5})(?:[- ]\d{4})?|(\d{3,5})\d{4}", text, re.ASCII)
    digits = ((match[1] or match[2]) if match else "").zfill(5)
    return None if digits == "00000" else digits


@remembered
def tags_of(cell: str) -> tuple[str, ...]:
    """Tags in order, each once."""
    return tuple(dict.fromkeys(tag for part in _TAG_SEPARATOR.split(cell) if (tag := part.strip(" \t*"))))


@remembered
def answer_of(cell: str) -> str | None:
    """``yes`` or ``no`` when a consent cell says so plainly; None for blank, pending and everything else."""
    return _answers().get(key(_FLOAT.sub("", cell.strip())))


@remembered
def _kind(cell: str) -> Literal["cell", "never"] | None:
    """What a line's type says: ``* Work Fax`` is never a phone's, ``Mobile`` is a cell's."""
    said = set(words(cell))
    return "never" if said & _line_words("never") else "cell" if said & _line_words("cell") else None


def _says_cell(cell: str) -> bool:
    return answer_of(cell) == "yes" or _kind(cell) == "cell"


@cache
def _line_words(kind: str) -> frozenset[str]:
    return frozenset(table("columns")["line"][kind])


def _quote(column: str, cell: str) -> str:
    return f"column “{column.strip()}”: “{cell.strip()}”"


@cache
def _answers() -> dict[str, str]:
    return {key(word): answer for answer in ("yes", "no") for word in table("columns")["consent"][answer]}


@remembered
def _language_of(cell: str) -> str | None:
    return _languages().get(key(cell))


@cache
def _languages() -> dict[str, str]:
    return {key(word): code for code, names in table("columns")["languages"].items() for word in names}
