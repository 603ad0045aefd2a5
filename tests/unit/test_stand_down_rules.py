"""The machine of a stand-down: whatever is said when, it is undone or final, never both, and stays what it became."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import get_args

from hypothesis import given
from hypothesis import strategies as st

from config import table
from outreach.core.segments import measure
from outreach.escalations.launch import check_texts
from outreach.escalations.stand_down_rules import MINUTE, TRANSITIONS, State, Word, after
from outreach.messaging.render import render
from outreach.messaging.slices import CAPPED, THANKS, Facts, judge

BEGUN = datetime(2026, 12, 1, 19, tzinfo=UTC)
FINAL = BEGUN + MINUTE
NIGHT = datetime(2026, 12, 2, 7, tzinfo=UTC)  # midnight in Phoenix
WORDS = st.tuples(st.sampled_from(get_args(Word)), st.integers(0, 120))


@given(st.lists(WORDS, max_size=8).map(lambda said: sorted(said, key=lambda one: one[1])))
def test_it_is_undone_or_final_and_stays_what_it_became(said: list[tuple[Word, int]]) -> None:
    state, moves = "standing", []
    for word, seconds in said:
        moved = after(state, word, BEGUN + timedelta(seconds=seconds), FINAL)
        if moved is not None:
            assert moved in TRANSITIONS[state].values()
            state = moved
            moves.append((moved, seconds))
    reached = {moved for moved, _ in moves}
    assert not {"undone", "closing"} <= reached
    assert all((seconds < 60) is (moved == "undone") for moved, seconds in moves)
    assert moves == sorted(moves, key=lambda move: ("undone", "closing", "over").index(move[0]))


def test_at_every_moment_exactly_one_of_undo_and_finish_is_possible() -> None:
    assert set(TRANSITIONS) == set(get_args(State))
    for microseconds in (-60_000_000, -1, 0, 1, 60_000_000):
        at = FINAL + timedelta(microseconds=microseconds)
        assert (after("standing", "undo", at, FINAL) is None) is not (after("standing", "finish", at, FINAL) is None)
        assert after("over", "undo", at, FINAL) is after("undone", "finish", at, FINAL) is None


def test_the_usual_thank_you_names_group_official_and_policy_and_keeps_to_two_plain_parts() -> None:
    longest = {
        language: max((row["text_name"][language] for row in table("policies")["policies"]), key=len)
        for language in ("en", "es")
    }
    values = {
        language: {"group": "G" * 40, "official": "O" * (60 if language == "en" else 74), "policy": policy}
        for language, policy in longest.items()
    }
    for words in table("message_templates/thanks").values():
        check_texts(words, values)
        for language, said in values.items():
            body = render(words[language], said, {}, language)
            assert (measure(body).encoding, measure(body).segments <= 2) == ("GSM-7", True), (language, body)
            assert all(one in body for one in said.values())


def test_a_thank_you_keeps_hours_and_caps_like_any_text_that_we_begin() -> None:
    assert THANKS in CAPPED
    facts = Facts("open", THANKS, False, False, "Thank you", ("America/Phoenix",), ())
    assert judge(facts, BEGUN).state == "posting"
    assert judge(facts, NIGHT).state == "held"
    had_one = Facts("open", THANKS, False, False, "Thank you", ("America/Phoenix",), (BEGUN - timedelta(hours=1),))
    assert judge(had_one, BEGUN).state == "held"
