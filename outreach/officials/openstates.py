"""Officials out of OpenStates files and plain sheets: parsed only, nothing judged by a phone library, nothing stored.

Forms: OpenStates' legislators CSV (one row a person, ``capitol_*`` and ``district_*`` columns), its municipal CSV
(``role``, ``jurisdiction``, ``end_date``, ``voice``), its people YAML (a file or a folder of them), and a plain CSV of
ours: ``name, role, jurisdiction, phone, extension, address, email``, of which name and role must be there. Any of them
may say of an office also ``hours``, ``time_zone`` and ``lines`` (docs/cli.md).
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import Any, NamedTuple

import yaml

from outreach.core.csv_rows import open_csv
from outreach.core.errors import BadInputError, message_for

YAML_SUFFIXES = (".yml", ".yaml")
CHAMBERS = {"upper": "State Senator", "lower": "State Representative", "legislature": "State Legislator"}
ROLES = {**CHAMBERS, "governor": "Governor", "lt_governor": "Lieutenant Governor", "mayor": "Mayor"}
CSV_OFFICES = ("capitol", "district")
TELEPHONE = ("hours", "time_zone", "lines")
"""What a file may say of an office besides its place and number: when, and by how many, it may be called."""

_SMALL_WORDS = {"of", "the", "and", "for", "de", "del", "la", "las", "los", "y"}


class ParsedOffice(NamedTuple):
    """An office as the file has it; ``voice`` is the number as text, extension included."""

    classification: str
    address: str
    voice: str
    hours: str = ""
    time_zone: str = ""
    lines: str = ""


class FileProblem(NamedTuple):
    """What is wrong with an official of the file. ``row``: CSV row (header 1), or the number of the YAML file."""

    row: int
    column: str | None
    code: str
    message: str


@dataclass(frozen=True, slots=True)
class ParsedOfficial:
    """One official of a file; empty texts are missing. ``problem``: why this one cannot be imported."""

    row: int
    external_id: str
    name: str
    role: str
    jurisdiction: str = ""
    district: str = ""
    party: str = ""
    email: str = ""
    offices: tuple[ParsedOffice, ...] = ()
    problem: FileProblem | None = field(default=None)


def parse_officials(path: Path, today: date) -> Iterator[ParsedOfficial]:
    """Read a file or folder in any of the forms. Raises BadInputError when it is none of them.

    ``today`` decides which of several roles is the current one, and who is no longer in office.
    """
    if path.is_dir():
        files = sorted(file for file in path.rglob("*") if file.suffix in YAML_SUFFIXES)
        if not files:
            raise BadInputError("no_yaml_files", folder=path.name)
        yield from _from_yaml(files, today)
    elif path.suffix in YAML_SUFFIXES:
        yield from _from_yaml([path], today)
    else:
        yield from _from_csv(path, today)


def problem(row: int, column: str | None, code: str, **details: object) -> FileProblem:
    """A problem with its sentence."""
    return FileProblem(row, column, code, message_for(code, {"column": column, **details}))


def _from_csv(path: Path, today: date) -> Iterator[ParsedOfficial]:
    with open_csv(path) as table:
        columns = [cell.strip().casefold() for cell in table.header]
        if "name" not in columns or not {"current_chamber", "role"} & set(columns):
            raise BadInputError("officials_format_unknown")
        for row in table:
            if row.problem:
                yield ParsedOfficial(row.number, "", "", "", problem=problem(row.number, None, row.problem))
                continue
            cells = {column: cell.strip() for column, cell in zip(columns, row.cells, strict=True)}
            yield _csv_official(row.number, cells, today)


def _csv_official(row: int, cells: Mapping[str, str], today: date) -> ParsedOfficial:
    """One CSV row; a file may hold both the legislators' columns and a role of its own for others."""
    role = _role(cells.get("role") or CHAMBERS.get(cells.get("current_chamber", ""), cells.get("current_chamber", "")))
    jurisdiction = jurisdiction_name(cells.get("jurisdiction", ""))
    return ParsedOfficial(
        row=row,
        external_id=cells.get("id") or _made_up_id(cells["name"], role, jurisdiction),
        name=cells["name"],
        role=role,
        jurisdiction=jurisdiction,
        district=cells.get("current_district") or cells.get("district", ""),
        party=cells.get("current_party") or cells.get("party", ""),
        email=cells.get("email", ""),
        offices=tuple(_csv_offices(cells)),
        problem=_missing(row, cells["name"], role) or _ended(row, cells.get("end_date", ""), today),
    )


def _csv_offices(cells: Mapping[str, str]) -> Iterator[ParsedOffice]:
    for kind in CSV_OFFICES:
        said = [cells.get(f"{kind}_{column}", "") for column in TELEPHONE]
        yield from _offices(kind, cells.get(f"{kind}_address", ""), cells.get(f"{kind}_voice", ""), said)
    voice = cells.get("voice") or cells.get("phone", "")
    extension = cells.get("extension", "")
    voice = f"{voice} x{extension}" if voice and extension else voice
    yield from _offices("primary", cells.get("address", ""), voice, [cells.get(column, "") for column in TELEPHONE])


def _offices(classification: str, address: str, voices: str, said: Sequence[str]) -> Iterator[ParsedOffice]:
    """One office per number: a cell may hold several, divided by a semicolon. ``said``: of each ``TELEPHONE``."""
    clean = ", ".join(part.strip() for part in address.split(";") if part.strip())
    numbers = [voice.strip() for voice in voices.split(";") if voice.strip()]
    for voice in numbers or ([""] if clean else []):
        yield ParsedOffice(classification, clean, voice, *said)


def _from_yaml(files: list[Path], today: date) -> Iterator[ParsedOfficial]:
    for number, file in enumerate(files, start=1):
        try:
            document = yaml.safe_load(file.read_bytes())
        except OSError as error:
            raise BadInputError("file_unreadable", file=file.name, reason=error.strerror or "unreadable") from None
        except yaml.YAMLError as error:
            mark = getattr(error, "problem_mark", None)
            raise BadInputError("yaml_malformed", file=file.name, line=mark.line + 1 if mark else 1) from None
        people = document if isinstance(document, list) else [document]
        if not any(isinstance(person, dict) and "roles" in person for person in people) and len(files) == 1:
            raise BadInputError("officials_format_unknown")
        for person in people:
            if isinstance(person, dict) and "roles" in person:  # the folder also lists places and committees
                yield _yaml_official(number, person, today)


def _yaml_official(number: int, person: Mapping[str, Any], today: date) -> ParsedOfficial:
    name = _text(person.get("name"))
    role = current_role(person.get("roles") or [], today)
    title = _role(ROLES.get(_text(role.get("type")), _text(role.get("type")))) if role else ""
    jurisdiction = jurisdiction_name(_text(role.get("jurisdiction"))) if role else ""
    parties = [_text(party.get("name")) for party in person.get("party") or [] if not party.get("end_date")]
    offices = [
        office
        for entry in person.get("offices") or person.get("contact_details") or []
        for office in _offices(
            _text(entry.get("classification") or entry.get("note")) or "primary",
            _text(entry.get("address")),
            _text(entry.get("voice")),
            [_text(entry.get(key)) for key in TELEPHONE],
        )
    ]
    wrong = problem(number, None, "official_no_current_role") if role is None else None
    return ParsedOfficial(
        row=number,
        external_id=_text(person.get("id")) or _made_up_id(name, title, jurisdiction),
        name=name,
        role=title,
        jurisdiction=jurisdiction,
        district=_text(role.get("district")) if role else "",
        party=", ".join(party for party in parties if party),
        email=_text(person.get("email")),
        offices=tuple(offices),
        problem=wrong or _missing(number, name, title),
    )


def current_role(roles: list[Mapping[str, Any]], today: date) -> Mapping[str, Any] | None:
    """The role held today: begun, not ended (the last day counts); of several the one begun last."""
    held = [
        role
        for role in roles
        if (_date(role.get("start_date"), last=False) or date.min) <= today
        and (_date(role.get("end_date"), last=True) or date.max) >= today
    ]
    return max(held, key=lambda role: _date(role.get("start_date"), last=False) or date.min, default=None)


def jurisdiction_name(text: str) -> str:
    """A name for people: ``ocd-jurisdiction/country:us/state:az/place:casa_grande/government`` is "Casa Grande, AZ"."""
    if not text.startswith(("ocd-jurisdiction/", "ocd-division/")):
        return text
    parts = dict(part.split(":", 1) for part in text.split("/") if ":" in part)
    state = (parts.get("state") or parts.get("territory") or parts.get("district") or "").upper()
    place = parts.get("place") or (f"{parts['county']} county" if "county" in parts else "")
    name = " ".join(word.capitalize() for word in re.split(r"[_ ]+", place) if word)
    return ", ".join(part for part in (name, state) if part)


def _role(text: str) -> str:
    """``police_chief`` and ``mayor`` with capitals; what has capitals stays as it is."""
    if text != text.lower():
        return text
    words = re.split(r"[_ ]+", text.strip())
    return " ".join(word if place and word in _SMALL_WORDS else word.capitalize() for place, word in enumerate(words))


def _missing(row: int, name: str, role: str) -> FileProblem | None:
    if not name:
        return problem(row, "name", "official_no_name")
    return None if role else problem(row, "role", "official_no_role")


def _ended(row: int, end_date: str, today: date) -> FileProblem | None:
    ended = _date(end_date, last=True)
    return problem(row, "end_date", "official_term_ended", date=ended) if ended and ended < today else None


def _date(value: object, *, last: bool) -> date | None:
    """A date, a year and month, or a year alone; ``last``: an unknown month or day counts as the last one."""
    if isinstance(value, date):
        return value
    match = re.fullmatch(r"(\d{4})(?:-(\d{2}))?(?:-(\d{2}))?", _text(value))
    if match is None:
        return None
    month, day = match[2] or ("12" if last else "01"), match[3] or ("28" if last else "01")
    try:
        return date.fromisoformat(f"{match[1]}-{month}-{day}")
    except ValueError:
        return None


def _text(value: object) -> str:
    return "" if value is None else str(value).strip()


def _made_up_id(name: str, role: str, jurisdiction: str) -> str:
    """An id for a row without one: the same person in the same office keeps it from file to file."""
    key = "|".join(part.casefold() for part in (name, role, jurisdiction))
    return "row:" + hashlib.sha256(key.encode()).hexdigest()[:32]
