"""What a reply means in each tactic: digits and words become the tactic's outcomes, and nothing else does."""

from __future__ import annotations

from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from config import table
from outreach.messaging.classify import classify
from outreach.messaging.reported import report_moves
from outreach.messaging.tactics import every_outcome, in_tactic, tactic_outcome, tactic_row
from outreach.tallies.campaign import OUTCOMES
from outreach.web.campaigns import LABELS

TACTICS = tuple(table("tactics"))
LONGEST = 16  # of an outcome, in the database


def test_the_tactics_are_the_campaigns_own() -> None:
    assert TACTICS == ("calls", "letters", "email", "letters_to_editor", "town_hall", "council_meeting", "in_person")


@pytest.mark.parametrize("tactic", TACTICS)
def test_a_tactic_names_only_outcomes_of_its_own(tactic: str) -> None:
    row = table("tactics")[tactic]
    named = {*row["digits"].values(), *row["means"].values()}
    assert named <= set(row["outcomes"])
    assert set(row["means"]) <= set(OUTCOMES), "only what the classifier can say"
    assert all(len(outcome) <= LONGEST for outcome in row["outcomes"])
    assert {str(LABELS[outcome]) for outcome in row["outcomes"]}
    assert tactic_outcome(tactic, "done") in row["outcomes"]


def test_calls_are_as_the_contract_has_them() -> None:
    assert tuple(table("tactics")["calls"]["outcomes"]) == OUTCOMES
    assert every_outcome()[: len(OUTCOMES)] == OUTCOMES
    for outcome in OUTCOMES:
        assert tactic_outcome("calls", outcome) == outcome
    digits = [in_tactic(classify(digit, "call_report"), "calls").outcome for digit in "12345"]
    assert digits == ["spoke", "voicemail", "mailbox_full", "no_answer", "refused"]


@pytest.mark.parametrize(
    ("tactic", "text", "intent", "outcome"),
    [
        ("letters", "1", "report", "letter_sent"),
        ("letters", "2", "other", None),
        ("letters", "left a voicemail", "other", None),
        ("email", "1", "report", "email_sent"),
        ("letters_to_editor", "2", "report", "letter_printed"),
        ("town_hall", "1", "report", "attended"),
        ("town_hall", "2", "report", "spoke_at_meeting"),
        ("council_meeting", "I talked to a staffer and told her what we want", "report", "spoke_at_meeting"),
        ("in_person", "2", "report", "left_note"),
        ("in_person", "4", "report", "refused"),
        ("marching", "2", "report", "voicemail"),  # not in the table any more: as calls
        (None, "2", "report", "voicemail"),
    ],
)
def test_a_reply_in_its_tactic(tactic: str | None, text: str, intent: str, outcome: str | None) -> None:
    found = in_tactic(classify(text, "call_report"), tactic)
    assert (found.intent, found.outcome) == (intent, outcome)


def test_an_opt_out_stays_one_whatever_it_reports() -> None:
    found = in_tactic(classify("left a voicemail, now stop texting me", "call_report"), "letters")
    assert (found.intent, found.outcome) == ("opt_out", None)


@given(
    st.sampled_from([*TACTICS, None, "x"]),
    st.sampled_from([*OUTCOMES, None, "x"]),
    st.sampled_from([*"0123456789", None]),
)
def test_the_mapping_is_total_and_stays_in_the_tactic(
    tactic: str | None, outcome: str | None, digit: str | None
) -> None:
    found = tactic_outcome(tactic, outcome, digit)
    assert found is None or found in tactic_row(tactic)["outcomes"]


@given(st.lists(st.sampled_from(OUTCOMES), max_size=5))
def test_a_person_counts_once_whatever_they_report_and_in_which_order(said: list[str]) -> None:
    counters: Counter[str | None] = Counter()
    standing: list[str] = []
    for outcome in said:
        for (source, target), count in report_moves(standing, outcome).items():
            counters[source] -= count
            counters[target] += count
        standing = [outcome]
    del counters[None]
    assert +counters == Counter(f"report:{outcome}" for outcome in said[-1:])
    assert all(count >= 0 for count in counters.values())
