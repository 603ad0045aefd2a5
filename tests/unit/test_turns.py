"""Turns: answers first, then groups alike, then each group's campaigns alike; and how a late folder slows sending."""

from __future__ import annotations

from collections import Counter
from datetime import UTC, datetime

from hypothesis import given
from hypothesis import strategies as st

from outreach.core.pace import Bucket, burst
from outreach.messaging.turns import Due, pause_for, whose_turn


def play(due: list[Due], turns: int) -> list[int]:
    served: dict[int, int] = {}
    order = []
    for turn in range(turns):
        gate = whose_turn(due, served)
        assert gate is not None
        served[gate.gate_id] = turn
        order.append(gate.gate_id)
    return order


def test_nothing_due_is_nobodys_turn() -> None:
    assert whose_turn([], {}) is None


def test_answers_go_before_every_campaign() -> None:
    due = [Due(1, 1, "wave", None), Due(2, 2, "answers", None), Due(3, 3, "answers", None)]
    assert set(play(due, 6)) == {2, 3}


def test_ten_campaigns_of_one_group_get_no_more_than_the_one_of_another() -> None:
    due = [Due(n, 1, "wave", None) for n in range(1, 11)] + [Due(11, 2, "wave", None)]
    order = Counter(play(due, 40))
    assert order[11] == 20
    assert {order[n] for n in range(1, 11)} == {2}


def test_of_new_ones_the_longest_not_served_goes_first() -> None:
    early, late = datetime(2026, 12, 1, 9, tzinfo=UTC), datetime(2026, 12, 1, 10, tzinfo=UTC)
    assert play([Due(1, 1, "wave", late), Due(2, 2, "wave", early), Due(3, 3, "wave", None)], 3) == [3, 2, 1]


@given(st.lists(st.tuples(st.integers(1, 4), st.integers(1, 30)), min_size=1, max_size=12, unique_by=lambda g: g[1]))
def test_turns_of_groups_never_differ_by_more_than_one(gates: list[tuple[int, int]]) -> None:
    due = [Due(gate, group, "wave", None) for group, gate in gates]
    groups = {gate: group for group, gate in gates}
    turns = Counter(groups[gate] for gate in play(due, 5 * len(due)))
    assert max(turns.values()) - min(turns.values()) <= 1
    for group in turns:
        own = Counter(gate for gate in play(due, 5 * len(due)) if groups[gate] == group)
        assert max(own.values()) - min(own.get(gate, 0) for gate in groups if groups[gate] == group) <= 1


def test_sending_slows_only_when_the_folder_is_ten_seconds_behind() -> None:
    assert pause_for(0) == pause_for(10) == 0
    assert 0 < pause_for(12) < pause_for(15) < pause_for(20) == pause_for(3600) == 1.0


COSTS = st.lists(st.integers(1, 4), max_size=60)


@given(st.floats(0.5, 500), st.lists(st.tuples(st.floats(0, 5), COSTS, st.booleans()), max_size=60))
def test_a_bucket_never_gives_more_than_its_rate(rate: float, asked: list[tuple[float, list[int], bool]]) -> None:
    """But for what the last one costs beyond one; and whoever waits for long enough gets on, whatever it costs."""
    bucket, now, given_out = Bucket(rate), 0.0, 0
    for gone, costs, slower in asked:
        now += gone
        granted = bucket.take(costs, now, slower=slower)
        assert 0 <= granted <= len(costs)
        given_out += sum(costs[:granted])
        assert given_out <= burst(rate) + rate * now + 3 + 1e-6
    bucket.take([], now)
    assert bucket.take([4], now + 5 / (rate * bucket.factor)) == 1


def test_a_carrier_that_says_too_fast_halves_the_rate_once_a_second_and_it_comes_back() -> None:
    bucket = Bucket(100)
    bucket.take([], 0)
    bucket.take([], 2, slower=True)
    bucket.take([], 2.1, slower=True)
    assert 0.5 <= bucket.factor < 0.51
    for second in range(3, 40):
        bucket.take([], second)
    assert bucket.factor == 1.0
