"""Chart geometry: parts fill their bar, nothing vanishes, nothing leaves the picture."""

from __future__ import annotations

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from outreach.tallies.charts import HEIGHT, MOST_TICKS, SMALLEST, WIDTH, bars, running, stacked, ticks

counts = st.dictionaries(st.text(min_size=1, max_size=5), st.integers(0, 1_000_000), max_size=12)


@given(counts)
def test_a_stacked_bar_is_filled_to_its_end_and_shows_every_part(given_counts: dict[str, int]) -> None:
    parts = stacked(given_counts)
    assert [part.name for part in parts] == [name for name, count in given_counts.items() if count]
    if parts:
        assert abs(sum(part.width for part in parts) - WIDTH) < 0.5
        assert all(part.width > SMALLEST / 2 for part in parts)
        assert abs(sum(part.share for part in parts) - 1) < 1e-9
        assert all(a.x + a.width <= b.x + 0.05 for a, b in pairwise(parts))


@given(st.integers(0, 10**12))
def test_an_axis_reaches_its_highest_number_in_a_few_even_round_steps(top: int) -> None:
    axis = ticks(top)
    step = axis[1]
    assert axis == list(range(0, axis[-1] + 1, step))
    assert 2 <= len(axis) <= MOST_TICKS + 1
    assert axis[-1] - step < max(1, top) <= axis[-1]
    assert str(step).rstrip("0") in {"1", "2", "5"}


def test_axes_people_would_draw() -> None:
    assert ticks(0) == [0, 1]
    assert ticks(7) == [0, 2, 4, 6, 8]
    assert ticks(374) == [0, 100, 200, 300, 400]
    assert ticks(1_000_000) == [0, 200_000, 400_000, 600_000, 800_000, 1_000_000]


@given(counts)
def test_the_longest_bar_comes_first_and_every_bar_is_as_long_as_its_axis_says(given_counts: dict[str, int]) -> None:
    found = bars(given_counts)
    if any(given_counts.values()):
        assert found is not None
        assert [part.count for part in found.parts] == sorted(given_counts.values(), reverse=True)
        for part in found.parts:
            assert abs(part.width / WIDTH * found.ticks[-1] - part.count) <= found.ticks[-1] / WIDTH
    else:
        assert found is None


@given(
    st.dictionaries(st.sampled_from(["delivered", "replies"]), st.lists(st.integers(0, 1000), min_size=1, max_size=60))
)
def test_lines_stay_in_the_picture_never_fall_and_end_where_the_axis_says(series: dict[str, list[int]]) -> None:
    found = running(series)
    assert (found is None) == (not any(map(sum, series.values())))
    for line in found.lines if found else []:
        points = [tuple(map(float, pair.split(","))) for pair in line.points.split()]
        assert all(0 <= x <= WIDTH + 0.1 and -0.1 <= y <= HEIGHT + 0.1 for x, y in points)
        heights = [y for _, y in points]
        assert heights == sorted(heights, reverse=True)
        assert points[-1][0] == WIDTH
        assert found is not None
        assert abs(heights[-1] - (HEIGHT - line.total / found.ticks[-1] * HEIGHT)) < 0.1
