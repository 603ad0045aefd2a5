"""Segments: a tree of rules with and, or and not, as JSON. Reading it and walking it. Pure.

    {"all": [ ... ]}, {"any": [ ... ]}, {"not": ... }, and rules:
    {"tag": "block captain"}  {"zip": "850"} or {"zip": ["85003", "852"]} (the first 3 to 5 digits)
    {"city": "Tempe"}  {"district": 7}  {"language": "es"}  {"list": 3}  {"did": "called"}

For the database a tag becomes its id (``tag_id``) and a city its hash (``city_hash``): names stand sealed only. In the
frozen audience of a wave a district has become its ZIPs.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Container, Iterator, Sequence
from typing import Any, Final, TypeVar

from outreach.core.errors import BadInputError

MOST_DEPTH: Final = 5
MOST_RULES: Final = 50
MOST_ZIPS: Final = 2_000
"""In one rule, or in one district."""
WORDS_LENGTH: Final = 1_000
"""Of a tag or a city: whatever stands in a file's cell."""
QUOTED: Final = 40
"""Characters of what is wrong, in an error."""
LARGEST_ID: Final = 2**63 - 1
LANGUAGES: Final = ("en", "es")
DEEDS: Final = ("called", "replied", "never_answered")
"""``called``: told us of a call; ``replied``: sent any text; ``never_answered``: got a campaign's text, sent none."""

Expression = dict[str, Any]
Anchor = tuple[str, int]
"""Kind and value of a rule that holds everybody of a segment, or its part of them."""
T = TypeVar("T")
_PREFIX = re.compile(r"[0-9]{3,5}", re.ASCII)


def read(given: object) -> Expression:
    """A tree that somebody wrote, checked and in one form: ZIPs as a sorted list, white space normalised.

    Raises BadInputError: segment_form, segment_blank, segment_deep, segment_rules, segment_rule_unknown, and the code
    of what is wrong in a rule.
    """
    tree = _read(given, 1)
    if sum(1 for _ in rules(tree)) > MOST_RULES:
        raise BadInputError("segment_rules", most=MOST_RULES)
    return tree


def _read(given: object, depth: int) -> Expression:
    if depth > MOST_DEPTH:
        raise BadInputError("segment_deep", most=MOST_DEPTH)
    if not isinstance(given, dict) or len(given) != 1:
        raise BadInputError("segment_form")
    ((kind, value),) = given.items()
    if kind in {"all", "any"}:
        if not isinstance(value, list):
            raise BadInputError("segment_form")
        if not value:
            raise BadInputError("segment_blank")
        if len(value) > MOST_RULES:
            raise BadInputError("segment_rules", most=MOST_RULES)
        return {kind: [_read(part, depth + 1) for part in value]}
    if kind == "not":
        return {"not": _read(value, depth + 1)}
    if kind not in _RULES:
        raise BadInputError("segment_rule_unknown", rule=str(kind)[:QUOTED])
    return {kind: _RULES[kind](value)}


def fold(
    tree: Expression,
    rule: Callable[[str, Any], T],
    every: Callable[[list[T]], T],
    some: Callable[[list[T]], T],
    no: Callable[[T], T],
) -> T:
    """Walk a tree from its rules up: ``rule`` is given kind and value, the others what became of the parts."""
    ((kind, value),) = tree.items()
    if kind == "not":
        return no(fold(value, rule, every, some, no))
    if kind in {"all", "any"}:
        parts = [fold(part, rule, every, some, no) for part in value]
        return every(parts) if kind == "all" else some(parts)
    return rule(kind, value)


def rewritten(tree: Expression, rule: Callable[[str, Any], Expression]) -> Expression:
    """The same tree with other rules."""
    return fold(tree, rule, lambda parts: {"all": parts}, lambda parts: {"any": parts}, lambda part: {"not": part})


def rules(tree: Expression) -> Iterator[tuple[str, Any]]:
    """Kind and value of every rule, in order."""
    ((kind, value),) = tree.items()
    if kind in {"all", "any", "not"}:
        for part in value if isinstance(value, list) else [value]:
            yield from rules(part)
    else:
        yield kind, value


def values_of(tree: Expression, wanted: str) -> list[Any]:
    """The values of the rules of one kind, which must be words or numbers; each once, in order."""
    return list(dict.fromkeys(value for kind, value in rules(tree) if kind == wanted))


def anchors(tree: Expression, kinds: Container[str]) -> Sequence[Anchor] | None:
    """Rules of these kinds such that whoever is in the segment is in at least one of them; None where there are none.

    To find the people of the segment it is enough to look at the people of its anchors.
    """

    def every(parts: list[Sequence[Anchor] | None]) -> Sequence[Anchor] | None:
        return min((part for part in parts if part is not None), key=len, default=None)

    def some(parts: list[Sequence[Anchor] | None]) -> Sequence[Anchor] | None:
        known = [part for part in parts if part is not None]
        return [one for part in known for one in part] if len(known) == len(parts) else None

    def rule(kind: str, value: Any) -> Sequence[Anchor] | None:
        return [(kind, value)] if kind in kinds else None

    return fold(tree, rule, every, some, lambda _part: None)


def _words(value: object) -> str:
    text = " ".join(value.split()) if isinstance(value, str) else ""
    if not text or len(text) > WORDS_LENGTH or "\0" in text:
        raise BadInputError("segment_words", most=WORDS_LENGTH)
    return text


def _zips(value: object) -> list[str]:
    given = value if isinstance(value, list) else [value]
    if not given or len(given) > MOST_ZIPS:
        raise BadInputError("segment_zips", most=MOST_ZIPS)
    for one in given:
        if not isinstance(one, str) or not _PREFIX.fullmatch(one):
            raise BadInputError("segment_zip", zip=str(one)[:QUOTED])
    return sorted(set(given))


def _id(value: object) -> int:
    if not isinstance(value, int) or isinstance(value, bool) or not 0 < value <= LARGEST_ID:
        raise BadInputError("segment_id")
    return value


def _one_of(known: tuple[str, ...]) -> Callable[[object], str]:
    def check(value: object) -> str:
        if value not in known:
            raise BadInputError("segment_choice", known=", ".join(known))
        return str(value)

    return check


_RULES: Final[dict[str, Callable[[object], Any]]] = {
    "tag": _words,
    "zip": _zips,
    "city": _words,
    "district": _id,
    "language": _one_of(LANGUAGES),
    "list": _id,
    "did": _one_of(DEEDS),
}
