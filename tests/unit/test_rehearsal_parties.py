"""People and offices on the phone: repeatable, in the promised shares, with keys that fit what they are asked."""

from __future__ import annotations

from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from outreach.rehearsal.voice.parties import (
    OFFICES,
    OUTCOMES,
    PEOPLE,
    Cast,
    Party,
    caller,
    default_weights,
    key_for,
    outcome_key,
    press_after,
    spanish_key,
)
from outreach.rehearsal.voice.verbs import Gather, Pause, Say

NUMBERS = [f"+1{area}555{line:04d}" for area in (480, 520, 602, 702, 801) for line in range(100, 200)]
BY_NAME = {party.name: party for party in PEOPLE}
MENU = Gather((Say("Press 1 for the office."), Say("Para español, oprima el número 3.", "es-MX")), num_digits=1)


@pytest.mark.parametrize("parties", [PEOPLE, OFFICES])
def test_default_weights_are_shares_per_thousand(parties: tuple[Party, ...]) -> None:
    assert sum(default_weights(parties).values()) == 1000
    assert default_weights(parties)["by_hand"] == 0, "nobody is by hand who was not asked to be"


def test_parties_go_by_number_and_seed_and_pins_go_first() -> None:
    casts = [Cast("people", PEOPLE, seed, default_weights(PEOPLE)) for seed in (1, 1, 2)]
    one, same, other = ([cast.party(number).name for number in NUMBERS] for cast in casts)
    assert one == same != other
    assert set(one) == set(default_weights(PEOPLE)) - {"by_hand"}
    casts[0].pinned[NUMBERS[0]] = "by_hand"
    assert casts[0].party(NUMBERS[0]).name == "by_hand"
    offices = Cast("offices", OFFICES, 1, {"busy": 1.0})
    assert {offices.party(number).name for number in NUMBERS} == {"busy"}


@pytest.mark.parametrize(
    ("name", "keys"),
    [
        ("presses_1", ["1", "1", "1"]),
        ("repeats_then_1", ["0", "1", "1"]),
        ("opts_out_by_key", ["9", "9", "9"]),
        ("spanish_key", ["3", "1", "1"]),
        ("wrong_key", ["7", "1", "1"]),
        ("silent", [None, None, None]),
        ("machine", [None, None, None]),
        ("leaves_by_star", ["1", "1", "1"]),
    ],
)
def test_keys_are_as_their_party_says(name: str, keys: list[str | None]) -> None:
    assert [key_for(BY_NAME[name], MENU, presses) for presses in range(3)] == keys


@pytest.mark.parametrize(
    ("words", "key"), [("Marque 5 para español", "5"), ("Press 4", "2"), ("Presione la tecla 8.", "8")]
)
def test_the_key_for_spanish_is_the_one_that_is_offered(words: str, key: str) -> None:
    assert spanish_key(Gather((Pause(1), Say(words, "es-US")))) == key


@given(st.floats(0, 1, exclude_max=True), st.integers(1, 20), st.lists(st.integers(0, 9), max_size=3))
def test_keys_are_pressed_while_they_count(part: float, timeout: int, pauses: list[int]) -> None:
    gather = Gather(tuple(Pause(length) for length in pauses), timeout=timeout)
    assert sum(pauses) * 0.6 < press_after(gather, part) < sum(pauses) + timeout


def test_people_report_what_they_met_with_a_few_slips() -> None:
    for office in OFFICES:
        for answered in (True, False):
            told = Counter(outcome_key(office, answered, 3, number) for number in NUMBERS)
            truth = office.outcome if answered else "4"
            assert set(told) <= set(OUTCOMES)
            assert 0.9 * len(NUMBERS) < told[truth] < len(NUMBERS)


def test_whoever_calls_us_is_there() -> None:
    for party in PEOPLE:
        calling = caller(party)
        assert calling.takes in ("answers", "by_hand")
        assert not calling.machine
        assert (calling is party) is (party.takes in ("answers", "by_hand") and not party.machine)
