"""Geometry of the campaign's charts. Pure: numbers in, boxes and points out; the template draws them as SVG.

Every chart has a table beside it with the same numbers, so nothing is told by a picture or colour alone.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import count as count_up

WIDTH = 1000.0
"""User units across; the SVG scales to its container."""
HEIGHT = 240.0
"""User units of the timeline's height."""
SMALLEST = 4.0
"""A part that is not zero stays visible."""
MOST_TICKS = 5
"""Steps of an axis at most, the zero not counted."""


def ticks(top: int) -> list[int]:
    """Round numbers from 0 to the first that reaches ``top``, evenly apart; ``[0, 1]`` for nothing."""
    for power in count_up():
        for step in (10**power, 2 * 10**power, 5 * 10**power):
            if step * MOST_TICKS >= top:
                return [step * index for index in range(max(1, -(-top // step)) + 1)]
    raise AssertionError  # count_up never ends


@dataclass(frozen=True, slots=True)
class Part:
    """A piece of a stacked bar, or one bar: where it begins and how wide it is, in user units."""

    name: str
    count: int
    share: float
    x: float
    width: float


def stacked(counts: Mapping[str, int]) -> list[Part]:
    """The parts of one bar of WIDTH, in the given order; zeros are left out. Empty without anything to show."""
    shown = {name: count for name, count in counts.items() if count > 0}
    total = sum(shown.values())
    if not total:
        return []
    grown = {name: max(SMALLEST, count / total * WIDTH) for name, count in shown.items()}
    scale = WIDTH / sum(grown.values())
    parts, x = [], 0.0
    for name, count in shown.items():
        width = grown[name] * scale
        parts.append(Part(name, count, count / total, round(x, 2), round(width, 2)))
        x += width
    return parts


@dataclass(frozen=True, slots=True)
class Bars:
    """Bars of one scale, longest first, and the numbers along their axis; its last stands at WIDTH."""

    parts: list[Part]
    ticks: list[int]


def bars(counts: Mapping[str, int]) -> Bars | None:
    """One bar a count; ``share`` is of their sum. None while there is nothing to show."""
    total, longest = sum(counts.values()), max(counts.values(), default=0)
    if not longest:
        return None
    axis = ticks(longest)
    ordered = sorted(counts.items(), key=lambda pair: (-pair[1], pair[0]))
    parts = [Part(name, count, count / total, 0.0, round(count / axis[-1] * WIDTH, 2)) for name, count in ordered]
    return Bars(parts, axis)


@dataclass(frozen=True, slots=True)
class Line:
    """One series of the timeline: its running total as SVG points, and where it ends."""

    name: str
    total: int
    points: str


@dataclass(frozen=True, slots=True)
class Lines:
    """Lines of one scale, and the numbers up their axis; the last stands at the top."""

    lines: list[Line]
    ticks: list[int]


def running(series: Mapping[str, Sequence[int]]) -> Lines | None:
    """Running totals over equal steps of time, all on one scale. None while nothing has happened."""
    totals = {name: sum(steps) for name, steps in series.items()}
    top = max(totals.values(), default=0)
    if not top:
        return None
    axis = ticks(top)
    return Lines([Line(name, totals[name], _points(steps, axis[-1])) for name, steps in series.items()], axis)


def _points(steps: Sequence[int], top: int) -> str:
    reached, points = 0, [(0.0, HEIGHT)]
    for index, step in enumerate(steps, start=1):
        reached += step
        points.append((index / len(steps) * WIDTH, HEIGHT - reached / top * HEIGHT))
    return " ".join(f"{x:.1f},{y:.1f}" for x, y in points)
