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
    spans = {(kind, first): last for kind in MARK_KINDS for first, last in _joined(text, kind, marks)}
    cuts = sorted({0, len(text), *(first for _, first in spans), *spans.values()})
    found: list[Piece] = []
    under: dict[str, int] = {}
    for begin, end in pairwise(cuts):
        ends = ((kind, spans.get((kind, begin), under.get(kind, 0))) for kind in MARK_KINDS)
        under = {kind: last for kind, last in ends if last > begin}
        found.append(Piece(text[begin:end], tuple(under), tuple(kind for kind, last in under.items() if last == end)))
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
