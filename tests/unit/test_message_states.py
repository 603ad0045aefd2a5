"""The message machine: whatever order reports come in, a message ends in one place and never goes back."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from itertools import permutations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from outreach.messaging.states import STATES, TERMINAL, TRANSITIONS, Facts, Heard, hear, next_check, public_state
from outreach.tallies.reads import PUBLIC_STATES

BEGUN = datetime(2026, 12, 1, 19, tzinfo=UTC)
SID = "SM" + "0" * 32
WORDS = sorted({word for row in TRANSITIONS.values() for word in row})
REPORTS = ("accepted", "sent", "delivered", "undelivered", "failed")


def heard(
    word: str, *, attempt: int = 1, closed: bool = False, sid: str | None = SID, code: int | None = None
) -> Heard:
    return Heard(word, attempt, closed, BEGUN, BEGUN + timedelta(seconds=5), sid, code, BEGUN + timedelta(minutes=1))


def run(words: list[str] | tuple[str, ...], start: str = "posting") -> Facts:
    facts = Facts(start, not_before=BEGUN)
    for word in words:
        facts = hear(facts, heard(word))
    return facts


def test_every_state_of_the_table_is_a_state_and_no_terminal_state_is_left() -> None:
    assert set(TRANSITIONS) <= set(STATES)
    assert {target for row in TRANSITIONS.values() for target in row.values()} <= set(STATES)
    assert not TERMINAL & set(TRANSITIONS)


@given(st.lists(st.sampled_from(WORDS), max_size=12))
def test_a_terminal_state_never_regresses(words: list[str]) -> None:
    facts, ended = Facts("posting", not_before=BEGUN), None
    for word in words:
        facts = hear(facts, heard(word))
        if ended:
            assert facts.state == ended
        if facts.state in TERMINAL:
            ended = facts.state


@pytest.mark.parametrize("final", ["delivered", "undelivered", "failed"])
def test_all_orders_and_repeats_of_a_delivery_end_in_the_same_state(final: str) -> None:
    for order in permutations(("unknown", "accepted", "accepted", "sent", final)):
        facts = run(order)
        assert (facts.state, facts.carrier_sid, facts.alarm) == (final, SID, None), order


@given(st.permutations(["accepted", "accepted", "sent", "delivered", "unknown", "review"]))
def test_a_proof_of_acceptance_is_never_lost(order: list[str]) -> None:
    facts = run(order)
    assert facts.state == "delivered"
    assert facts.carrier_sid == SID


def test_only_a_proven_not_sent_goes_back_and_closes_its_attempt() -> None:
    facts = run(["not_sent"])
    assert (facts.state, facts.closed_attempt, facts.not_before) == ("planned", 1, BEGUN + timedelta(minutes=1))
    for state in set(STATES) - {"posting", "unknown"}:
        assert hear(Facts(state), heard("not_sent")).state == state


def test_an_acceptance_after_not_sent_moves_nothing_and_raises_an_alarm() -> None:
    facts = hear(run(["not_sent"]), heard("delivered"))
    assert (facts.state, facts.alarm) == ("planned", "accepted_after_not_sent")
    later = hear(Facts("posting"), heard("delivered", attempt=1, closed=True))
    assert (later.state, later.alarm) == ("posting", "accepted_after_not_sent")


def test_a_silent_post_is_looked_up_three_times_and_then_goes_to_a_person() -> None:
    facts = run(["unknown"])
    assert (facts.state, facts.next_check_at) == ("unknown", BEGUN + timedelta(minutes=2))
    checks = [next_check(BEGUN, done) for done in range(4)]
    assert checks == [BEGUN + timedelta(minutes=m) for m in (2, 10, 30)] + [None]
    assert run(["unknown", "review"]).state == "needs_review"
    assert run(["unknown", "review", "accepted"]).state == "accepted"


def test_two_sids_for_one_attempt_raise_an_alarm_and_keep_the_first() -> None:
    facts = hear(run(["accepted"]), heard("delivered", sid="SM" + "1" * 32))
    assert (facts.state, facts.carrier_sid, facts.alarm) == ("accepted", SID, "two_sids_for_one_attempt")


def test_a_refusal_keeps_its_code() -> None:
    facts = hear(Facts("posting"), heard("rejected", sid=None, code=21211))
    assert (facts.state, facts.error_code) == ("failed", 21211)
    assert hear(Facts("posting"), heard("refused_opt_out", sid=None, code=21610)).state == "suppressed"


@pytest.mark.parametrize(("word", "state"), [("decided_sent", "sent"), ("decided_again", "superseded")])
def test_what_a_person_decided_stays_whatever_the_carrier_says_later(word: str, state: str) -> None:
    for before in STATES:
        moved = hear(Facts(before), heard(word, closed=True, sid=None))
        assert moved.state == (state if before == "needs_review" else before)
    decided = hear(Facts("needs_review"), heard(word, closed=True, sid=None))
    for report in REPORTS:
        later = hear(decided, heard(report, closed=True))
        assert (later.state, later.carrier_sid, later.alarm) == (state, None, "accepted_after_not_sent")


def test_the_public_states_are_those_of_the_machine() -> None:
    assert set(PUBLIC_STATES) == {public_state(state) for state in STATES} - {"superseded"}


def test_claimed_and_posting_are_planned_to_everybody_else() -> None:
    assert [public_state(state) for state in ("planned", "claimed", "posting", "held")] == ["planned"] * 3 + ["held"]
