"""A measured row: its value, the ceiling of the same run, and whether the target was met. Pure."""

from __future__ import annotations

import operator
import re
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

DIGITS = 4
"""Significant digits of what is printed. ``ok`` is computed from the printed number, so a reader can do it again."""

COMPARISONS: dict[str, Callable[[float, float], bool]] = {
    "<=": operator.le,
    ">=": operator.ge,
    "<": operator.lt,
    ">": operator.gt,
}
TARGET = re.compile(r"(?P<figure>value|ratio)(?P<comparison><=|>=|<|>)(?P<bound>\d+(?:\.\d+)?)")


@dataclass(frozen=True, slots=True)
class Target:
    """What a row should reach: ``value<=20`` or ``ratio>=0.9``."""

    figure: str
    comparison: str
    bound: float

    @classmethod
    def parse(cls, text: str) -> Target:
        """Raises ValueError for anything but a figure, a comparison and a number."""
        found = TARGET.fullmatch(text)
        if found is None:
            raise ValueError(f"not a target: {text!r}")
        return cls(found["figure"], found["comparison"], float(found["bound"]))

    def met(self, value: float, ratio: float) -> bool:
        """Whether these figures reach it."""
        return COMPARISONS[self.comparison](value if self.figure == "value" else ratio, self.bound)


@dataclass(frozen=True, slots=True)
class Row:
    """One row of ``bench.py --json``. ``value`` and ``ceiling`` are in ``unit``; ``ratio`` is 1 at the ceiling."""

    name: str
    value: float
    unit: str
    ceiling: float
    ratio: float
    target: str
    conditions: dict[str, Any] = field(default_factory=dict)

    @property
    def ok(self) -> bool:
        """Whether the target was met."""
        return Target.parse(self.target).met(self.value, self.ratio)

    def as_json(self) -> dict[str, Any]:
        """The shape of CONTRACTS.md."""
        return {
            "name": self.name,
            "value": self.value,
            "unit": self.unit,
            "ceiling": self.ceiling,
            "ratio": self.ratio,
            "target": self.target,
            "ok": self.ok,
            "conditions": self.conditions,
        }


def duration_row(name: str, value: float, ceiling: float, target: str, conditions: dict[str, Any]) -> Row:
    """A row of milliseconds: the ceiling is the least that it could take, and the ratio its share of the value."""
    return Row(name, rounded(value), "ms", rounded(ceiling), rounded(ceiling / value), target, conditions)


def rounded(number: float) -> float:
    """To DIGITS significant digits."""
    return float(f"{number:.{DIGITS}g}")
