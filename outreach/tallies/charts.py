"""Geometry of the campaign's charts. Pure: numbers in, boxes and points out; the template draws them as SVG.

Every chart has a table beside it with the same numbers, so nothing is told by a picture or colour alone.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

WIDTH = 1000.0
"""User units across; the SVG scales to its container."""
SMALLEST = 4.0
"""A part that is not zero stays visible."""


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


def bars(counts: Mapping[str, int]) -> list[Part]:
    """One bar a count, the longest as wide as WIDTH, longest first; ``share`` is of their sum."""
    total, longest = sum(counts.values()), max(counts.values(), default=0)
    if not longest:
        return []
    ordered = sorted(counts.items(), key=lambda pair: (-pair[1], pair[0]))
    return [Part(name, count, count / total, 0.0, round(count / longest * WIDTH, 2)) for name, count in ordered]


@dataclass(frozen=True, slots=True)
class Line:
    """One series of the timeline: its running total as SVG points, and where it ends."""

    name: str
    total: int
    points: str
    last_x: float
    last_y: float


def running(series: Mapping[str, Sequence[int]], height: float = 240.0) -> list[Line]:
    """Running totals over equal steps of time, all on one scale. Empty while nothing has happened."""
    totals = {name: sum(steps) for name, steps in series.items()}
    top = max(totals.values(), default=0)
    if not top:
        return []
    lines = []
    for name, steps in series.items():
        reached, points = 0, [(0.0, height)]
        for index, step in enumerate(steps, start=1):
            reached += step
            points.append((index / len(steps) * WIDTH, height - reached / top * height))
        text = " ".join(f"{x:.1f},{y:.1f}" for x, y in points)
        lines.append(Line(name, totals[name], text, *points[-1]))
    return lines
