"""Chart geometry: parts fill their bar, nothing vanishes, nothing leaves the picture."""

from __future__ import annotations

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from outreach.tallies.charts import SMALLEST, WIDTH, bars, running, stacked

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


@given(counts)
def test_the_longest_bar_comes_first_and_fills_the_width(given_counts: dict[str, int]) -> None:
    found = bars(given_counts)
    if any(given_counts.values()):
        assert found[0].width == WIDTH
        assert [part.count for part in found] == sorted(given_counts.values(), reverse=True)
    else:
        assert found == []


@given(
    st.dictionaries(st.sampled_from(["delivered", "replies"]), st.lists(st.integers(0, 1000), min_size=1, max_size=60))
)
def test_lines_stay_in_the_picture_and_never_fall(series: dict[str, list[int]]) -> None:
    for line in running(series):
        points = [tuple(map(float, pair.split(","))) for pair in line.points.split()]
        assert all(0 <= x <= WIDTH + 0.1 and -0.1 <= y <= 240.1 for x, y in points)
        heights = [y for _, y in points]
        assert heights == sorted(heights, reverse=True)
