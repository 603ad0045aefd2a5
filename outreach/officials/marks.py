"""Marked words in a passage: where they stand, and the passage cut up so that a page can show them. Pure.

A mark is the words themselves, not a place: whoever reads on a phone pastes them, with other line breaks and capitals
than the document has. They count wherever they stand in the passage.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from itertools import pairwise
from typing import Final, NamedTuple

MARK_KINDS: Final = ("profiling", "bias", "hold", "asking", "other")
"""Racial profiling; racial bias; detention and removal (DRO) holds; asking for immigration status; anything else."""


class Marked(NamedTuple):
    """Words, and of what kind they are."""

    kind: str
    words: str


class Piece(NamedTuple):
    """A stretch of a passage; ``kinds`` that cover it, and of these the ones whose mark ends with it."""

    text: str
    kinds: tuple[str, ...]
    ending: tuple[str, ...]


def places(text: str, words: str) -> list[tuple[int, int]]:
    """Begin and end of each place where the words stand; capitals, blanks and line breaks do not matter."""
    parts = words.split()
    if not parts:
        return []
    pattern = re.compile(r"\s+".join(map(re.escape, parts)), re.IGNORECASE)
    return [found.span() for found in pattern.finditer(text)]


def pieces(text: str, marks: Sequence[Marked]) -> list[Piece]:
    """The passage in order, cut where a mark begins or ends; the pieces together are the text. Kinds in their order."""
    spans = [(kind, *place) for kind in MARK_KINDS for place in _joined(text, kind, marks)]
    cuts = sorted({0, len(text), *(cut for _, *place in spans for cut in place)})
    found = []
    for begin, end in pairwise(cuts):
        over = [(kind, last) for kind, first, last in spans if first <= begin and end <= last]
        ending = tuple(kind for kind, last in over if last == end)
        found.append(Piece(text[begin:end], tuple(kind for kind, _ in over), ending))
    return found


def _joined(text: str, kind: str, marks: Sequence[Marked]) -> list[tuple[int, int]]:
    """The places of one kind; those that overlap or touch are one."""
    joined: list[tuple[int, int]] = []
    for begin, end in sorted(place for mark in marks if mark.kind == kind for place in places(text, mark.words)):
        if joined and begin <= joined[-1][1]:
            joined[-1] = (joined[-1][0], max(joined[-1][1], end))
        else:
            joined.append((begin, end))
    return joined
