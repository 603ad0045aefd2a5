"""Figures that leave the group: no small group can be had from them, by whatever sums. And the ledger's own words."""

from __future__ import annotations

from itertools import combinations

from hypothesis import given
from hypothesis import strategies as st

from outreach.story.ledger import Row, told_by
from outreach.tallies.figures import COLUMNS, Figures, People, as_document, flat, from_document
from outreach.tallies.pooling import LEAST, pool
from outreach.tallies.pressure import answers_of
from outreach.tallies.public import STEP, shown_number
from outreach.tallies.week import own_zips

groups = st.dictionaries(st.text("0123456789", max_size=2), st.integers(0, 12), max_size=7)


@given(groups, st.integers(2, 9))
def test_no_number_or_difference_of_numbers_is_about_fewer_than_five(given_groups: dict[str, int], most: int) -> None:
    found = pool(given_groups, most=most)
    total = sum(given_groups.values())
    assert found.total == (total if total >= LEAST or total == 0 else None)
    shown = [*found.shown.values(), *([found.rest] if found.rest else [])]
    assert sum(shown) == (found.total or 0)
    assert len(shown) <= most
    for size in range(1, len(shown) + 1):
        for some in combinations(shown, size):
            assert sum(some) >= LEAST
            assert total - sum(some) == 0 or total - sum(some) >= LEAST
    assert all(people == given_groups[key] for key, people in found.shown.items())
    if found.rest:  # who is in it cannot be told apart
        assert sum(people > 0 for people in given_groups.values()) - len(found.shown) >= 2


def test_groups_that_are_large_enough_are_all_shown() -> None:
    found = pool({"85003": 5, "": 9, "85201": 0})
    assert (found.shown, found.rest, found.total) == ({"85003": 5, "": 9}, 0, 14)
    assert pool({"85003": 3, "85201": 20, "85202": 7}).shown == {"85201": 20}
    assert pool({"85003": 3, "85201": 20, "85202": 7}).rest == 10


def test_whoever_noted_no_answer_is_a_part_of_those_who_acted() -> None:
    """Else 12 who acted less 10 whose office answered would be two people."""
    acted = [bytes([one]) for one in range(12)]
    found = answers_of(acted, dict.fromkeys(acted[:10], "yes") | {b"somebody who told nothing": "no"})
    assert found == {"yes": 10, "": 2}
    assert (pool(found).shown, pool(found).rest) == ({}, 12)
    assert answers_of(acted, {}) == {}, "where no office answered there is no table"


@given(st.integers(0, 10_000))
def test_one_more_person_moves_the_public_number_by_a_whole_step_or_not_at_all(people: int) -> None:
    before, after = shown_number(people), shown_number(people + 1)
    assert (before is None) == (people < LEAST)
    assert (after or 0) - (before or 0) in {0, STEP}
    assert (before or 0) <= people < (before or 0) + STEP


def test_an_officials_district_is_known_by_its_name() -> None:
    mesa, third, other = ["85201"], ["85003"], ["85004"]
    entered = [("Mesa", mesa), ("District 3", third), ("Mesa, District 3", other)]
    assert own_zips(None, "Mesa", entered) == frozenset(mesa)
    assert own_zips("3", "Mesa", entered) == frozenset(other)
    assert own_zips("Ward 3", "Tempe", entered) == frozenset(third)
    assert own_zips("4", "Mesa", entered) is None  # the whole town is not their district
    assert own_zips(None, None, entered) is None


@given(st.integers(0, 9), st.integers(0, 9))
def test_kept_figures_come_back_as_they_were(texts: int, people: int) -> None:
    figures = Figures(texts, 2, 3, 4, {"spoke": 5}, {"no": 1}, People(people, 2, 3, 4, 5, {"spoke": 6}))
    assert from_document(as_document(figures)) == figures
    assert from_document(as_document(Figures(texts))) == Figures(texts)
    assert tuple(flat(figures)) == COLUMNS
    assert [flat(figures)[name] for name in ("people_asked", "texts_sent", "people_spoke", "office_no")] == [
        people, texts, 6, 1,
    ]  # fmt: skip


def test_the_ledger_tells_texts_and_people_apart() -> None:
    ledger = [
        Row("SM1", "create", "+16025550101", "delivered", "", False),
        Row("SM2", "create", "+16025550101", "undelivered", "", False),
        Row("SM3", "create", "+16025550102", "failed", "", False),
        Row("SM4", "create", "+16025550103", "delivered", "", False),  # an answer: no text of the campaign
        Row("SM5", "inbound", "+16025550100", "received", "+16025550101", False),
        Row("SM6", "inbound", "+16025550100", "received", "+16025550101", False),
    ]
    assert told_by(ledger, {"SM1", "SM2", "SM3"}, {"SM5", "SM6"}) == {
        "texts_sent": 2, "people_asked": 1, "texts_delivered": 1, "people_reached": 1, "replies": 2,
        "people_replied": 1,
    }  # fmt: skip
