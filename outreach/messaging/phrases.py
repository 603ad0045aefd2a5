"""The phrases of ``config/keywords.toml``: sequences of word sets, matched word by word.

Not regular expressions: a phrase has a handful of steps and each takes at most three words, so hostile text costs time
in proportion to its length. How a phrase is written stands at the head of the table.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from functools import cache
from typing import Any, Final, NamedTuple

from config import table

_GAPS: Final = {"..": 3, "...": 6}


class Step(NamedTuple):
    """One place in a phrase: ``least`` to ``most`` words out of ``words`` (any word if None)."""

    words: frozenset[str] | None
    least: int
    most: int
    forbidden: bool = False  # takes no word: the next one is none of these
    or_end: bool = False  # the end of the sentence will do as well


@dataclass(frozen=True, slots=True)
class Phrase:
    """A sequence of steps; anchored ones begin or end their sentence, fillers aside."""

    steps: tuple[Step, ...]
    begins: bool
    ends: bool
    second: frozenset[str] | None  # what must follow the first word; None: cannot be told so simply


@cache
def rows() -> tuple[Mapping[str, Any], ...]:
    """The rules of all files, in the order in which they are looked up."""
    return tuple(row for name in table("keywords")["files"] for row in table(f"keywords_{name}")["rule"])


@cache
def parse_phrase(text: str) -> Phrase:
    """The phrase that the table writes so. Raises ValueError where no word of it is required."""
    parts = text.split()
    begins, ends = parts[0] == "^", parts[-1] == "$"
    steps = tuple(_step(part) for part in parts[begins : len(parts) - ends])
    first = next((step for step in steps if step.least), None)
    if (
        first is None
        or first.words is None
        or any(step.forbidden or not step.words for step in steps[: steps.index(first)])
    ):
        raise ValueError(f"a phrase begins with a word: {text!r}")
    return make_phrase(steps, begins, ends)


def make_phrase(steps: tuple[Step, ...], begins: bool, ends: bool) -> Phrase:
    """A phrase of these steps, the first of which is already met."""
    second: set[str] = set()
    for step in steps[1:]:
        if step.words is None or step.forbidden or step.or_end:
            break
        second |= step.words
        if step.least:
            return Phrase(steps, begins, ends, frozenset(second))
    return Phrase(steps, begins, ends, None)


def _step(part: str) -> Step:
    if part in _GAPS:
        return Step(None, 0, _GAPS[part])
    if part == "*":
        return Step(None, 1, 1)
    if part.startswith("~"):
        return Step(_words_of(part[1:]), 0, 0, forbidden=True)
    words = _words_of(part.removesuffix("?"))
    return Step(words - {"$"}, 0 if part.endswith("?") else 1, 1, or_end="$" in words)


def _words_of(part: str) -> frozenset[str]:
    return words_of(part.split("|"))


def words_of(names: Iterable[str]) -> frozenset[str]:
    """These words, and those of the lists that are named among them."""
    lists = table("keywords")["lists"]
    words: set[str] = set()
    for word in names:
        words.update(words_of(lists[word[1:-1]].split()) if word.startswith("<") else [word])
    return frozenset(words)


def stands(phrase: Phrase, sentence: list[str], place: int, not_after: AbstractSet[str]) -> bool:
    """Whether a phrase whose first word stands at ``place`` stands there as a whole, after none of some words."""
    if place and sentence[place - 1] in not_after:
        return False
    if phrase.begins and not only_fillers(sentence[:place]):
        return False
    return _matches(phrase, 1, sentence, place + 1)


def _matches(phrase: Phrase, number: int, sentence: list[str], place: int) -> bool:
    """Whether the steps from ``number`` on meet the words from ``place`` on. Few steps, so few ways to try."""
    if number == len(phrase.steps):
        return not phrase.ends or only_fillers(sentence[place:])
    step = phrase.steps[number]
    if step.forbidden:
        allowed = place == len(sentence) or sentence[place] not in (step.words or ())
        return allowed and _matches(phrase, number + 1, sentence, place)
    if step.or_end and only_fillers(sentence[place:]):
        return _matches(phrase, number + 1, sentence, len(sentence))
    if step.least == 0 and _matches(phrase, number + 1, sentence, place):
        return True
    for end in range(place + 1, min(place + step.most, len(sentence)) + 1):
        if step.words is not None and sentence[end - 1] not in step.words:
            break
        if _matches(phrase, number + 1, sentence, end):
            return True
    return False


@cache
def fillers() -> frozenset[tuple[str, ...]]:
    """Words that say nothing beside others (please, gracias), each as its parts."""
    return frozenset(tuple(filler.split()) for filler in table("keywords")["fillers"])


def only_fillers(words: list[str]) -> bool:
    """Whether these words say nothing; also true for none."""
    place = 0
    while place < len(words):
        length = next((n for n in (3, 2, 1) if tuple(words[place : place + n]) in fillers()), 0)
        if not length:
            return False
        place += length
    return True
