"""No number of a report is about fewer than five people, nor can one be had by subtracting. Pure.

Groups that are too small are put together. Where they are too few even so, the smallest of the others joins them: else
the sum less everything that is shown would be their number. What is shown are parts of one whole, in which each person
is once, so every sum and difference of shown numbers is about whole groups of five or more.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, Generic, TypeVar

LEAST: Final = 5
MOST: Final = 12
"""Lines of a table, so that a report stays on one sheet of paper."""

Key = TypeVar("Key")


@dataclass(frozen=True, slots=True)
class Pooled(Generic[Key]):
    """``shown`` in the order in which they came; ``rest``: people of all other groups together, 0 where there are none.

    ``total`` is their sum, None where all together are too few to be told.
    """

    shown: dict[Key, int]
    rest: int
    total: int | None


def pool(groups: Mapping[Key, int], least: int = LEAST, most: int = MOST) -> Pooled[Key]:
    """Groups of people, each person in one of them, as they may be shown: in ``most`` lines, the largest of them."""
    there = {key: people for key, people in groups.items() if people > 0}
    total = sum(there.values())
    if 0 < total < least:
        return Pooled({}, 0, None)
    smallest_first = sorted(there, key=lambda key: (there[key], str(key)))
    to_hide = len(there) - most + 1 if len(there) > most else 0
    rest = 0
    hidden: set[Key] = set()
    for key in smallest_first:
        if there[key] >= least and (rest == 0 or rest >= least) and len(hidden) >= to_hide:
            break
        rest += there[key]
        hidden.add(key)
    return Pooled({key: people for key, people in there.items() if key not in hidden}, rest, total)
