"""Which column of a contact file is which of our fields, by the table in ``config/columns.toml``."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache, lru_cache, wraps
from typing import Any, Final, TypeVar

from config import table
from outreach.core.errors import BadInputError

FIELDS = (
    "first_name", "last_name", "phone", "email", "zip", "city", "external_id", "sms_consent", "language", "tags",
)  # fmt: skip

WHOLE_NAME: Final = "whole_name"
"""A choice for a column: first and last name in one cell."""
LONGEST_REMEMBERED: Final = 200
Answer = TypeVar("Answer")

_WORD = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|\d+|[^\W\d_]+")


@dataclass(frozen=True, slots=True)
class Refusal:
    """A column that can only say no: on an explicit yes (do not contact) or on an explicit no (opt-in status)."""

    column: int
    when: str  # yes, no


@dataclass(frozen=True, slots=True)
class ColumnMap:
    """Field -> indexes of its columns, best first. ``whole_name``: the first-name column holds whole names.

    ``kinds``: phone column -> the column that says what kind of line it is. ``flagged``: phone column -> the columns
    of which one must say that it is a cell's; a column that is not in it needs no flag.
    """

    header: tuple[str, ...]
    columns: Mapping[str, tuple[int, ...]]
    whole_name: bool
    refusals: tuple[Refusal, ...]
    kinds: Mapping[int, int]
    flagged: Mapping[int, tuple[int, ...]]

    def named(self) -> dict[str, str | list[str]]:
        """Field -> the header's cell verbatim, or a list of them in order of preference."""
        names = {field: [self.header[index] for index in indexes] for field, indexes in self.columns.items()}
        return {field: cells[0] if len(cells) == 1 else cells for field, cells in names.items()}


def map_columns(header: Sequence[str], choices: Mapping[str, str] | None = None) -> ColumnMap:
    """Find our fields in a header.

    ``choices``: what a person has corrected, by the index of the column: a field, ``WHOLE_NAME``, or nothing for a
    column that is not to be read. Raises BadInputError: no_phone_column, or column_twice when a column that we would
    read stands there twice.
    """
    chosen = {int(index): field for index, field in (choices or {}).items() if int(index) < len(header)}
    columns, whole_name = _found(header, chosen)
    for field in FIELDS:
        said = [index for index, name in sorted(chosen.items()) if name == field]
        if field == "first_name" and (whole := [index for index, name in chosen.items() if name == WHOLE_NAME]):
            said, whole_name = whole, True
        elif field == "first_name" and said:
            whole_name = False
        if said:
            columns[field] = (*columns.get(field, ()), *said) if _rules()[field].several else (said[0],)
    if "phone" not in columns:
        raise BadInputError("no_phone_column", columns=", ".join(cell.strip()[:40] for cell in header[:20]))
    kinds, flagged = _lines(header, columns["phone"])
    return ColumnMap(tuple(header), columns, whole_name, _refusals(header), kinds, flagged)


def chosen_fields(header: Sequence[str], choices: Mapping[str, str] | None) -> dict[int, str]:
    """What each column is read as, by its index; where the header cannot be read so, what was chosen."""
    try:
        found = map_columns(header, choices)
    except BadInputError:
        return {int(index): field for index, field in (choices or {}).items()}
    fields = {index: field for field, indexes in found.columns.items() for index in indexes}
    if found.whole_name:
        fields |= dict.fromkeys(found.columns["first_name"], WHOLE_NAME)
    return fields


def _found(header: Sequence[str], chosen: Mapping[int, str]) -> tuple[dict[str, tuple[int, ...]], bool]:
    """Fields and their columns among those that nobody has chosen for, and whether the name's holds whole names."""
    columns: dict[str, tuple[int, ...]] = {}
    whole_name = False
    for field in FIELDS:
        rules = _rules()[field]
        free = [(index, cell) for index, cell in enumerate(header) if index not in chosen]
        ranked = sorted((rank, index) for index, cell in free if (rank := rules.rank(cell)) is not None)
        if not ranked:
            continue
        columns[field] = tuple(index for _, index in ranked) if rules.several else (ranked[0][1],)
        if field == "first_name":
            whole_name = rules.tiers[ranked[0][0][0]].whole
        taken = {key(header[index]) for index in columns[field]}
        twice = [cell for _, cell in free if key(cell) in taken]
        if len(twice) > len(taken):
            raise BadInputError("column_twice", column=twice[0].strip(), field=field)
    return columns, whole_name


def _lines(header: Sequence[str], phones: Sequence[int]) -> tuple[dict[int, int], dict[int, tuple[int, ...]]]:
    """What is said about each phone column: see ``ColumnMap``."""
    rules, places = table("columns")["line"], {key(cell): index for index, cell in enumerate(header)}
    before, after = (key(part) for part in rules["flag"].split("{phone}"))
    kinds: dict[int, int] = {}
    flags: dict[int, int] = {}
    for index in phones:
        name = words(header[index])
        bare = "".join(word for word in name if word != "value")  # "Phone 1 - Value" has its "Phone 1 - Type"
        for kind in rules["type_words"]:
            if bare + kind in places:
                kinds[index] = places[bare + kind]
                break
        flag = places.get(before + "".join(name) + after)
        if flag is not None:
            flags[index] = flag
    if not any(name.startswith(before) and name.endswith(after) for name in places):
        return kinds, {}
    unnamed = [index for index in phones if not set(words(header[index])) & set(rules["cell"])]
    said = {index: [place for place in (flags.get(index), kinds.get(index)) if place is not None] for index in unnamed}
    return kinds, {index: tuple(places) for index, places in said.items()}


def _refusals(header: Sequence[str]) -> tuple[Refusal, ...]:
    rules = table("columns")["refusal"]
    return tuple(
        Refusal(index, when)
        for when in ("yes", "no")
        for index, cell in enumerate(header)
        if key(cell) in {key(name) for name in rules[f"when_{when}"]}
    )


def remembered(function: Callable[[str], Answer]) -> Callable[[str], Answer]:
    """Answers are kept for texts that cells repeat; a cell of a megabyte is not kept."""
    cached = lru_cache(maxsize=16_384)(function)

    @wraps(function)
    def ask(text: str) -> Answer:
        return cached(text) if len(text) <= LONGEST_REMEMBERED else function(text)

    return ask


@remembered
def words(text: str) -> tuple[str, ...]:
    """The words of a header or cell, without case, accents and punctuation; "camelCase" is two."""
    plain = unicodedata.normalize("NFKD", text)
    plain = "".join(char for char in plain if not unicodedata.combining(char))
    plain = re.sub(r"\be[- ]mail", "email", plain, flags=re.IGNORECASE)
    return tuple(word.casefold() for word in _WORD.findall(plain))


def key(text: str) -> str:
    """The form in which headers and words are compared: "E-mail 1 - Value" and "email1value" are one."""
    return "".join(words(text))


@dataclass(frozen=True, slots=True)
class _Tier:
    names: tuple[str, ...]
    contains: tuple[frozenset[str], ...]
    never: frozenset[str]
    whole: bool


@dataclass(frozen=True, slots=True)
class _Field:
    tiers: tuple[_Tier, ...]
    several: bool

    def rank(self, cell: str) -> tuple[int, int] | None:
        """How good the column is for the field, smaller being better; None when it is not the field's."""
        whole, in_cell = key(cell), set(words(cell))
        for number, tier in enumerate(self.tiers):
            if whole in tier.names:
                return number, tier.names.index(whole)
        for number, tier in enumerate(self.tiers):
            if not in_cell & tier.never:
                for place, needed in enumerate(tier.contains, start=len(tier.names)):
                    if needed <= in_cell:
                        return number, place
        return None


@cache
def _rules() -> dict[str, _Field]:
    return {field: _field(table("columns")[field]) for field in FIELDS}


def _field(rules: Mapping[str, Any]) -> _Field:
    never = rules.get("never", [])
    tiers = tuple(
        _Tier(
            names=tuple(key(name) for name in tier.get("names", [])),
            contains=tuple(frozenset(words(phrase)) for phrase in tier.get("contains", [])),
            never=frozenset([*never, *tier.get("never", [])]),
            whole=tier.get("whole", False),
        )
        for tier in rules["tiers"]
    )
    return _Field(tiers, rules.get("several", False))
