"""Which way a text leans: what its words, pairs of words and beginnings of words speak for, summed up.

The rules know what they know and no more; people write otherwise. So each mark of a text (``config/leanings.toml``) has
a weight for what it speaks for or against, in tenths of the natural logarithm of the odds, and the sums become shares
of one. The weights are learned from lines that people labelled (``python -m tests.oracles.leanings``), so a new word is
taught by adding lines to tests/unit/corpus, never by editing the weights.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import cache, lru_cache
from itertools import pairwise
from math import exp
from typing import Final

from config import table
from outreach.messaging.phrases import words_of

_STEM: Final = 4
_LONGEST: Final = 120  # words: enough to see which way a text leans, and hostile text costs no more


def marks(words: list[str], asked: str | None, asking: bool) -> set[str]:
    """What can be seen of a text: "word", "^ first", "last $", "stem*", "a pair", "not .. word", and so on."""
    words = words if len(words) <= _LONGEST else words[: _LONGEST // 2] + words[-_LONGEST // 2 :]
    short = [_short(word) for word in words]
    seen = {*words, f"asked {asked or 'nothing'}", f"long {_length(len(words))}", "any"}
    seen.update(f"{word[:_STEM]}*" for word in words if len(word) > _STEM)
    seen.update(map(" ".join, pairwise(short)))
    for place, word in enumerate(words):
        if word in _denials():
            seen.update(f"not .. {each}" for each in short[place + 1 : place + 4])
    if words:
        seen.update((f"^ {words[0]}", f"{words[-1]} $"))
    if asking:
        seen.add("?")
    return seen


@lru_cache(maxsize=10_000)
def _short(word: str) -> str:
    """A word's family, or else how it begins."""
    return _kinds().get(word) or (f"{word[:_STEM]}*" if len(word) > _STEM else word)


def _length(count: int) -> int:
    return min(count // 2 if count < 8 else 3 + count // 8, 7)


@cache
def _denials() -> frozenset[str]:
    return words_of(table("keywords")["denials"].split())


@cache
def _kinds() -> dict[str, str]:
    """The family of each word that has one; the first named wins."""
    kinds: dict[str, str] = {}
    for family, lists in table("keywords")["families"].items():
        for word in words_of(f"<{name}>" for name in lists.split()):
            kinds.setdefault(word, f"<{family}>")
    return kinds


def shares(seen: set[str]) -> dict[str, float]:
    """How much of one each meaning gets ("report voicemail": an intent and its outcome)."""
    meanings, weights = _weights()
    sums = [0] * len(meanings)
    for mark in seen:
        for place, weight in weights.get(mark, ()):
            sums[place] += weight
    top = max(sums)
    odds = [_odds(max(each - top, -300)) for each in sums]
    whole = sum(odds)
    return {meaning: each / whole for meaning, each in zip(meanings, odds, strict=True)}


@cache
def _odds(tenths: int) -> float:
    return exp(tenths / 10)


@cache
def _weights() -> tuple[list[str], Mapping[str, tuple[tuple[int, int], ...]]]:
    written = table("leanings")
    meanings: list[str] = written["meanings"]
    place = {meaning: number for number, meaning in enumerate(meanings)}
    return meanings, {mark: tuple(_read(text, place)) for mark, text in written["marks"].items()}


def _read(text: str, place: Mapping[str, int]) -> Iterator[tuple[int, int]]:
    """The weights that stand for a mark: "call 21, report done -4"."""
    for part in text.split(", "):
        meaning, weight = part.rsplit(" ", 1)
        yield place[meaning], int(weight)
