"""Timing things in turn: a machine that slows down for a while then slows all of them."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from statistics import median


@dataclass(frozen=True, slots=True)
class Timing:
    """Milliseconds of real time, one per round."""

    samples: tuple[float, ...]

    @property
    def median(self) -> float:
        """The middle one, in milliseconds."""
        return median(self.samples)

    @property
    def best(self) -> float:
        """The shortest one, in milliseconds: what a busy machine leaves to be seen of an idle one."""
        return min(self.samples)

    @property
    def worst(self) -> float:
        """The longest one, in milliseconds."""
        return max(self.samples)


def interleaved(work: Mapping[str, Callable[[], object]], rounds: int, warm_up: int) -> dict[str, Timing]:
    """Run each piece of work once a round, in order; the first ``warm_up`` rounds do not count."""
    samples: dict[str, list[float]] = {name: [] for name in work}
    for number in range(-warm_up, rounds):
        for name, act in work.items():
            began = time.perf_counter()
            act()
            took = (time.perf_counter() - began) * 1000
            if number >= 0:
                samples[name].append(took)
    return {name: Timing(tuple(each)) for name, each in samples.items()}
