"""The fault plan: exactly the rates asked for, spread over the stripes, repeatable; and settings that hold."""

from __future__ import annotations

from collections import Counter

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from outreach.rehearsal import faults as faulty
from outreach.rehearsal.faults import BLOCK, DEFAULT_RATES, KINDS, STRIPE, Faults, Settings, plan_block, updated


@st.composite
def rates(draw: st.DrawFn) -> dict[str, int]:
    """Rates of every kind that sum to at most 1,000."""
    left, drawn = BLOCK, {}
    for kind in KINDS:
        drawn[kind] = draw(st.integers(0, left))
        left -= drawn[kind]
    return drawn


@settings(deadline=None, max_examples=40)
@given(st.integers(), st.integers(0, 50), rates())
def test_every_block_holds_exactly_the_rates(seed: int, block: int, wanted: dict[str, int]) -> None:
    plan = plan_block(seed, block, wanted)
    assert Counter(plan.values()) == Counter({kind: rate for kind, rate in wanted.items() if rate})
    assert all(0 <= position < BLOCK for position in plan)
    for start in range(0, BLOCK, STRIPE):
        stripe = Counter(plan.get(position) for position in range(start, start + STRIPE))
        for kind, rate in wanted.items():
            assert rate // 10 <= stripe[kind] <= rate // 10 + 1


def test_the_default_rates_keep_the_contract() -> None:
    for seed in range(1, 20):
        plan = plan_block(seed, 0, DEFAULT_RATES)
        counts = Counter(plan.values())
        for kind in (faulty.LOST_ANSWER, faulty.ERROR_AFTER, faulty.THROTTLED, faulty.DOUBLED, faulty.EARLY):
            assert counts[kind] >= 10
            assert any(plan.get(position) == kind for position in range(STRIPE))
        assert counts[faulty.ERROR_BEFORE] <= 3
        assert counts[faulty.HANG] == 0


def test_blocks_and_seeds_differ_and_repeat() -> None:
    assert plan_block(1, 0, DEFAULT_RATES) == plan_block(1, 0, DEFAULT_RATES)
    assert plan_block(1, 0, DEFAULT_RATES) != plan_block(1, 1, DEFAULT_RATES)
    assert plan_block(1, 0, DEFAULT_RATES) != plan_block(2, 0, DEFAULT_RATES)


def test_faults_are_handed_out_by_ordinal() -> None:
    faults = Faults(4, Settings(per_thousand=DEFAULT_RATES))
    taken = [faults.take() for _ in range(2 * BLOCK)]
    first, second = (plan_block(4, block, DEFAULT_RATES) for block in (0, 1))
    assert taken == [first.get(n) for n in range(BLOCK)] + [second.get(n) for n in range(BLOCK)]


def test_forced_faults_come_first_and_take_an_ordinal_each() -> None:
    faults = Faults(4, Settings())
    faults.change({"next": [faulty.THROTTLED, None, faulty.EARLY]})
    assert [faults.take() for _ in range(4)] == [faulty.THROTTLED, None, faulty.EARLY, None]
    assert faults.as_json()["ordinal"] == 4


def test_a_change_of_rates_holds_from_the_next_create() -> None:
    faults = Faults(4, Settings())
    assert faults.take() is None
    faults.change({"per_thousand": {faulty.LOST_ANSWER: BLOCK}})
    assert faults.take() == faulty.LOST_ANSWER


@pytest.mark.parametrize(
    "given_settings",
    [
        {"speed": 1},
        {"per_thousand": {"flood": 1}},
        {"per_thousand": {"late": 1001}},
        {"per_thousand": {"late": 600, "early": 600}},
        {"per_thousand": {"late": 1.5}},
        {"per_thousand": {"late": True}},
        {"per_thousand": []},
        {"sent_after": [2, 1]},
        {"sent_after": 1},
        {"final_after": [0, float("inf")]},
        {"latency_ms": -1},
        {"latency_ms": "5"},
        {"next": ["flood"]},
        {"next": "late"},
    ],
)
def test_settings_that_make_no_sense_are_refused_and_change_nothing(given_settings: dict[str, object]) -> None:
    faults = Faults(1, Settings())
    with pytest.raises(ValueError, match=r"no |must|sum"):
        faults.change(given_settings)
    assert faults.settings == Settings()


def test_an_update_is_partial() -> None:
    changed = updated(Settings(), {"sent_after": [0, 0], "per_thousand": {"late": 3}})
    assert changed.sent_after == (0.0, 0.0)
    assert changed.final_after == Settings().final_after
    assert changed.per_thousand["late"] == 3
    assert changed.per_thousand["early"] == 0
