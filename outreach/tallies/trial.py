"""Two texts tried on half of the people each: which one brings more calls, or that it is too early to tell. Pure."""

from __future__ import annotations

from math import sqrt
from typing import Final

SURE: Final = 2.576
"""Standard deviations, two-sided 99 %: people look at a running trial again and again, so 95 % would be too little."""
FEWEST: Final = 5
"""Of each kind (called, did not call) that both texts together must lead us to expect of each text, or it is too early.

The usual condition under which the normal distribution stands for the binomial one.
"""


def better(people_a: int, calls_a: int, people_b: int, calls_b: int) -> str | None:
    """``a`` or ``b``, whichever brings more calls per person texted; None while that may be chance.

    The two-proportion z-test with the pooled share. Somebody may report two calls: nobody counts for more than one.
    """
    if people_a <= 0 or people_b <= 0:
        return None
    called_a, called_b = (max(0, min(calls, people)) for calls, people in ((calls_a, people_a), (calls_b, people_b)))
    share = (called_a + called_b) / (people_a + people_b)
    if min(people_a, people_b) * min(share, 1 - share) < FEWEST:
        return None
    spread = sqrt(share * (1 - share) * (1 / people_a + 1 / people_b))
    distance = (called_a / people_a - called_b / people_b) / spread
    if abs(distance) < SURE:
        return None
    return "a" if distance > 0 else "b"
