"""Which of two texts brings more calls."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from outreach.tallies.trial import better

SWAPPED = {"a": "b", "b": "a", None: None}
people, calls = st.integers(0, 1_000_000), st.integers(-10, 1_200_000)


@pytest.mark.parametrize(
    ("given_", "told"),
    [
        ((0, 0, 0, 0), None),
        ((500, 50, 0, 0), None),
        ((500, 0, 500, 0), None),  # nobody called: nothing to compare
        ((500, 500, 500, 500), None),
        ((8, 7, 8, 1), None),  # far apart, but of sixteen people
        ((500, 50, 500, 50), None),
        ((500, 60, 500, 40), None),  # z = 2.11 would do for whoever looks once
        ((500, 64, 500, 40), None),  # z = 2.49
        ((500, 66, 500, 40), "a"),  # z = 2.67
        ((500, 40, 500, 66), "b"),
        ((100_000, 5_200, 100_000, 4_800), "a"),
        ((100, 130, 100, 60), "a"),  # some reported twice
    ],
)
def test_cases(given_: tuple[int, int, int, int], told: str | None) -> None:
    assert better(*given_) == told


def test_the_border_is_that_of_a_table_of_the_normal_distribution() -> None:
    """Of 1,000 people each, 100 against 137 is z = 2.56, and 138 is z = 2.62, worked out by hand."""
    assert better(1_000, 100, 1_000, 137) is None
    assert better(1_000, 100, 1_000, 138) == "b"


@given(people, calls, people, calls)
def test_the_order_of_the_texts_means_nothing(people_a: int, calls_a: int, people_b: int, calls_b: int) -> None:
    told = better(people_a, calls_a, people_b, calls_b)
    assert better(people_b, calls_b, people_a, calls_a) == SWAPPED[told]


@given(people, calls, people, calls)
def test_the_better_text_has_the_larger_share(people_a: int, calls_a: int, people_b: int, calls_b: int) -> None:
    told = better(people_a, calls_a, people_b, calls_b)
    if told:
        shares = {"a": calls_a / people_a, "b": calls_b / people_b}
        assert shares[told] > shares[SWAPPED[told] or ""]
