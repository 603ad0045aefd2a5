"""What an official is, and how a role goes with a name. Pure.

``officials.role`` is free text, in English as a rule; the Spanish words stand in ``config/roles.toml``.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator
from functools import cache
from typing import Final, Literal

from config import table

Spelling = Literal["name", "text_name"]
"""As pages write it, with its accents, or as texts do: in the letters of the GSM alphabet."""

_DROPPED: Final = re.compile(r"[.'’]")
_BETWEEN: Final = re.compile(r"[\W_]+")
_TWO_GENDERS: Final = re.compile(r"(\w+)/(\w+)")
_NUMBER: Final = r"(?:no |number )?(?P<number>\d{1,4} ?[a-z]?|[a-z])"


def role_in(role: str, language: str, spelling: Spelling = "name") -> str:
    """A role in a language, lower case in Spanish ("jefe/a de policía"); as written when the table has no word for it.

    The number of a district stays: "State Senator, District 8" is "senador/a estatal, distrito 8". Never raises.
    """
    if language != "es":
        return role
    words = _words(role)
    for seat, rest in (("", words), *_seats(words)):
        known = _known(rest, spelling)
        if known:
            return f"{known}, {seat}" if seat else known
    return role


def official_in(name: str, role: str, language: str, spelling: Spelling = "name") -> str:
    """How a sentence names an official: "Mayor Ana Ruiz", "Ana Ruiz (alcalde/sa)".

    A Spanish title before a name would need its article, and so the person's gender. A name that says the role itself
    ("City Council of Dry Wash") stays alone.
    """
    said = role_beside(name, role, language, spelling)
    if language != "es":
        return f"{said} {name}".strip()
    return f"{name} ({said})" if said else name


def role_beside(name: str, role: str, language: str, spelling: Spelling = "name") -> str:
    """A role in a language, for where it stands with the name: empty when the name has those words in it.

    Case, accents and signs aside, and only whole words: "Police Chiefs' Union" is no "Police Chief". A Spanish role is
    in a name in any gender ("Alcaldesa Ana Ruiz"); to who reads Spanish an English name says nothing: its role stays.
    """
    said = role_in(role, language, spelling)
    words = _plain(name).split()
    runs = {"".join(words[start:end]) for start in range(len(words)) for end in range(start + 1, len(words) + 1)}
    return said if runs.isdisjoint(_genders(said)) else ""


def _genders(role: str) -> Iterator[str]:
    """A role's key in both genders: "jefe/a de policía" is "jefe de policía" and "jefa de policía"."""
    yield _key(_plain(_TWO_GENDERS.sub(r"\1", role)))
    yield _key(_plain(_TWO_GENDERS.sub(_feminine, role)))


def _feminine(word: re.Match[str]) -> str:
    """ "jefa" of "jefe/a", "senadora" of "senador/a", "alcaldesa" of "alcalde/sa"."""
    stem, ending = word.groups()
    return f"{stem[:-1] if stem[-1] in 'eo' and ending[0] == 'a' else stem}{ending}"


def _plain(text: str) -> str:
    """Words without accents, too: how a role is looked for in a name."""
    return _words("".join(char for char in unicodedata.normalize("NFKD", text) if not unicodedata.combining(char)))


def _words(role: str) -> str:
    """Lower case, words divided by one blank: how roles are compared."""
    return _BETWEEN.sub(" ", _DROPPED.sub("", role.casefold())).strip()


def _known(words: str, spelling: Spelling) -> str | None:
    """The Spanish for a role without a seat; a word like "interim" may go before it."""
    roles = _roles()[spelling]
    first, _, rest = words.partition(" ")
    modifier, known = table("roles")["modifiers"].get(first), roles.get(_key(rest))
    return roles.get(_key(words)) or (f"{known} {modifier}" if known and modifier else None)


def _seats(words: str) -> Iterator[tuple[str, str]]:
    """Each way to tell a seat from a role: of "ward 2 council member", "distrito 2" and "council member"."""
    for phrase, spanish in table("roles")["at_large"].items():
        yield spanish, words.removeprefix(f"{phrase} ")
        yield spanish, words.removesuffix(f" {phrase}")
    for spanish, pattern in _patterns():
        found = pattern.fullmatch(words)
        if found:
            yield f"{spanish} {found['number'].replace(' ', '').upper()}", found["role"]


def _key(words: str) -> str:
    """Councilmember and council member are one."""
    return words.replace(" ", "")


@cache
def _roles() -> dict[Spelling, dict[str, str]]:
    roles = [(_key(_words(english)), role) for role in table("roles")["roles"] for english in role["en"]]
    return {
        "name": {key: role["es"] for key, role in roles},
        "text_name": {key: role.get("text_es", role["es"]) for key, role in roles},
    }


@cache
def _patterns() -> tuple[tuple[str, re.Pattern[str]], ...]:
    """A seat after the role, before it, and before it as an ordinal ("3rd district supervisor")."""
    return tuple(
        (spanish, re.compile(pattern))
        for place, spanish in table("roles")["places"].items()
        for pattern in (
            rf"(?P<role>.+) {place} ?{_NUMBER}",
            rf"{place} ?{_NUMBER} (?P<role>.+)",
            rf"(?P<number>\d{{1,4}})(?:st|nd|rd|th) {place} (?P<role>.+)",
        )
    )
