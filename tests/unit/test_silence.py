"""Why somebody was not texted: one code from every kind of facts, and words in both languages for every code."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from config import table
from outreach.carrier import base
from outreach.core.csv_out import BOM, safe_cell, to_csv
from outreach.escalations.audience import REACHED
from outreach.escalations.silence import CARRIER, CODES, STOPS, Facts, Wave, held_for, in_order, why
from outreach.escalations.silence_words import carrier_words, is_code, words_for
from outreach.messaging import slices
from outreach.messaging.states import NEXT_WINDOW, RETRIED, STATES
from outreach.people.caps import WEEK, next_allowed
from outreach.people.quiet_hours import window
from outreach.people.why_not import Reason

NOON = datetime(2026, 12, 1, 19, tzinfo=UTC)  # a Tuesday, noon in Phoenix
MORNING = datetime(2026, 12, 2, 16, tzinfo=UTC)  # nine in Phoenix
MIDNIGHT = datetime(2026, 12, 2, 7, tzinfo=UTC)
PHOENIX = ("America/Phoenix",)
OPEN, PAUSED, HALTED, CLOSED = (
    Wave("open"), Wave("paused", "organizer"), Wave("paused", "breaker:filtered"), Wave("closed", "organizer"),
)  # fmt: skip
DRAFT = Wave("draft", planned=False)
PLANNING = Wave("open", planned=False)

BOTH_TABLES = (
    20429, 21610, 21211, 21214, 21217, 21614, 21635, 21408, 21606, 20003, 30002, 30034, 21612, 21611,
    30001, 30003, 30004, 30007, 30005, 30006, 30008, 30036,
)  # fmt: skip
"""CARRIER.md's codes: of answers to a POST, then of reports that come later."""
TOO_LONG = 21617


def code(facts: Facts, wave: Wave = OPEN) -> str | None:
    reason = why(facts, wave)
    return reason.code if reason else None


@pytest.mark.parametrize("state", REACHED)
def test_who_was_texted_has_no_reason(state: str) -> None:
    assert why(Facts(state), OPEN) is None
    assert why(Facts(state, again=True), CLOSED) is None


def test_held_until_a_morning_is_quiet_hours_and_until_anything_else_the_caps() -> None:
    assert why(Facts("held", MORNING, zones=PHOENIX), OPEN) == Reason("quiet_hours", MORNING)
    assert why(Facts("held", MIDNIGHT, zones=PHOENIX), OPEN) == Reason("cap", MIDNIGHT)
    later = MORNING + timedelta(microseconds=1)
    assert why(Facts("held", later, zones=PHOENIX), OPEN) == Reason("cap", later)
    apart = ("America/Phoenix", "Asia/Kolkata")
    assert why(Facts("held", NOON, zones=apart), OPEN) == Reason("no_hours", NOON)
    nowhere = ("Mars/Olympus",)
    opens = window((), NOON + timedelta(hours=12)).opens_at
    assert opens is not None
    assert why(Facts("held", opens, zones=nowhere), OPEN) == Reason("quiet_hours", opens)


ZONES = st.sampled_from([PHOENIX, ("America/Denver", "America/Phoenix"), ("America/New_York", "Pacific/Honolulu"), ()])
MOMENTS = st.timedeltas(timedelta(days=-40), timedelta(days=40)).map(lambda delta: NOON + delta)


@given(now=MOMENTS, zones=ZONES, ago=st.lists(st.timedeltas(timedelta(seconds=1), timedelta(days=6.9)), max_size=4))
def test_what_a_sender_holds_is_explained_as_the_sender_decided_it(
    now: datetime, zones: tuple[str, ...], ago: list[timedelta]
) -> None:
    sent = tuple(now - past for past in ago)
    facts = slices.Facts("open", "campaign", suppressed=False, number_bad=False, body="Hi", zones=zones, sent_at=sent)
    verdict = slices.judge(facts, now)
    if verdict.state != "held":
        return
    assert verdict.not_before is not None
    decided = "quiet_hours" if next_allowed(sent, zones, now) is None else "cap"
    # A week after a text may by chance be the very instant at which a window opens.
    by_chance = verdict.not_before - WEEK in sent
    assert held_for(zones, verdict.not_before) == decided or by_chance


def test_a_pause_or_a_halt_keeps_what_waits_and_nothing_else() -> None:
    for facts in (Facts("planned"), Facts("claimed"), Facts("held", MORNING, zones=PHOENIX)):
        assert [code(facts, wave) for wave in (PAUSED, HALTED, CLOSED)] == ["paused", "halted", "canceled"]
    assert code(Facts("planned")) == code(Facts("claimed")) == "waiting"
    for wave in (OPEN, PAUSED, CLOSED):
        assert code(Facts("posting"), wave) == "being_sent"
        assert code(Facts("unknown"), wave) == "unknown"


def test_second_tries_decisions_and_reminders() -> None:
    assert why(Facts("held", MORNING, zones=PHOENIX, again=True), OPEN) == Reason("second_try", MORNING)
    assert code(Facts("planned", again=True)) == "second_try"
    assert code(Facts("needs_review")) == "needs_decision"
    assert code(Facts("needs_review", left=True)) == "left"
    assert code(Facts("canceled", replied=True)) == "replied"
    assert code(Facts("canceled"), CLOSED) == "canceled"
    assert code(Facts("canceled", taken=True)) == "canceled_by_carrier"


def test_a_stop_says_how_it_came() -> None:
    for stop in STOPS:
        assert code(Facts("suppressed", stop=stop)) == stop
        assert code(Facts(stop=stop, consent="none", number_bad=True)) == stop, "it is told before anything else"
    assert code(Facts("suppressed", error_code=21610)) == "opted_out_at_carrier"
    assert code(Facts("suppressed", number_bad=True)) == "number_bad"  # they said it is not their number
    assert code(Facts("suppressed")) == "opted_out_then"


def test_what_failed_says_the_carriers_code() -> None:
    assert code(Facts("undelivered", error_code=30003)) == "carrier:30003"
    assert code(Facts("failed", error_code=21211, number_bad=True)) == "carrier:21211"
    assert code(Facts("failed", number_bad=True)) == "number_bad"
    assert code(Facts("failed")) == "not_rendered"
    assert code(Facts("failed", taken=True)) == "refused"
    assert code(Facts("undelivered", taken=True)) == "not_delivered"


def test_who_has_no_message_says_what_kept_them_out() -> None:
    assert code(Facts(consent="none")) == "no_consent"
    assert code(Facts(consent="old", number_bad=True)) == "consent_old"
    assert code(Facts(number_bad=True)) == "number_bad"
    assert code(Facts()) == "came_later"
    assert code(Facts(), PLANNING) == "preparing"
    assert code(Facts(passed=True), PLANNING) == "came_later"
    assert code(Facts(), DRAFT) == "not_launched"
    assert [code(Facts(passed=passed), CLOSED) for passed in (False, True)] == ["canceled", "came_later"]


def test_further_texts_have_their_own_people() -> None:
    silent, replied = Wave("open", who="silent"), Wave("open", who="replied")
    assert code(Facts(reached=False), silent) == code(Facts(reached=False), replied) == "not_reached"
    assert code(Facts(answer="welcome"), silent) == code(Facts(answer="unwelcome"), silent) == "replied"
    assert code(Facts(), replied) == "no_reply"
    assert code(Facts(answer="unwelcome"), replied) == "unwelcome"
    assert code(Facts(answer="welcome"), replied) == code(Facts(), silent) == "came_later"


@given(
    state=st.sampled_from(["", *STATES]),
    wave=st.builds(
        Wave, st.sampled_from(["draft", "open", "paused", "closed"]), st.sampled_from([None, "organizer", "carrier:1"]),
        st.sampled_from(["lists", "silent", "replied"]), st.booleans(),
    ),
    facts=st.builds(
        Facts, not_before=st.none() | MOMENTS, error_code=st.sampled_from([0, 21610, 30003, 99999]), zones=ZONES,
        again=st.booleans(), left=st.booleans(), taken=st.booleans(), replied=st.booleans(),
        number_bad=st.booleans(), stop=st.sampled_from(["", *STOPS]), consent=st.sampled_from(["valid", "old", "none"]),
        passed=st.booleans(), reached=st.booleans(), answer=st.sampled_from(["", "welcome", "unwelcome"]),
    ),
)  # fmt: skip
def test_everybody_has_one_reason_with_words_or_was_texted(state: str, wave: Wave, facts: Facts) -> None:
    reason = why(replace(facts, state=state), wave)
    assert (reason is None) == (state in REACHED)
    if reason is not None:
        assert reason.code in CODES or reason.code.startswith(CARRIER)
        for language in ("en", "es"):
            assert all(words_for(reason.code, language))


def test_every_code_has_words_and_no_words_are_left_over() -> None:
    assert set(table("silence")) == set(CODES)
    for row in table("silence").values():
        assert set(row) == {"label_en", "label_es", "en", "es", "do_en", "do_es"}
        for name in ("label", "do"):
            assert row[f"{name}_en"] != row[f"{name}_es"]
        assert row["en"] != row["es"]


def test_every_code_of_the_carriers_that_we_act_on_has_words() -> None:
    ours = {
        base.OPTED_OUT, *base.BAD_NUMBER, *base.BAD_NUMBER_REPORTED, base.REGION_OFF, base.CANNOT_REACH,
        base.FILTERED_OUT, *base.MISCONFIGURED, base.QUEUE_FULL, base.TOO_MANY_REQUESTS, *RETRIED, *NEXT_WINDOW,
    }  # fmt: skip
    rows = table("carrier_errors")
    assert {str(one) for one in (*BOTH_TABLES, *ours, TOO_LONG)} | {"*"} == set(rows)
    for row in rows.values():
        assert set(row) == {"en", "es", "do_en", "do_es"}
        assert row["en"] != row["es"]
    assert carrier_words(12345, "en")[0] == rows["*"]["en"]
    assert words_for("carrier:30003", "es").label == "Su teléfono estaba apagado o sin señal (30003)"


def test_codes_are_told_from_other_words() -> None:
    assert all(is_code(one) for one in (*CODES, "carrier:30003"))
    assert not any(is_code(one) for one in ("", "carrier:", "carrier:x", "carrier:٣", "*", "30003", "<script>"))
    assert in_order(["carrier:30003", "cap", "number_bad", "waiting"]) == [
        "waiting", "cap", "number_bad", "carrier:30003",
    ]  # fmt: skip


@pytest.mark.parametrize("start", ["=", "+", "-", "@", "\t", "\r"])
def test_a_spreadsheet_runs_nothing_of_a_cell(start: str) -> None:
    assert safe_cell(f"{start}1+1") == f"'{start}1+1"


def test_other_cells_stay_as_they_are() -> None:
    assert [safe_cell(one) for one in ("Ana", "a=b", "", None, 7)] == ["Ana", "a=b", "", "", "7"]
    body = to_csv(("a", "b"), [('say "hi"', "two\nlines"), ("=cmd()", "ñ")]).decode()
    assert body == f'{BOM}a,b\r\n"say ""hi""","two\nlines"\r\n\'=cmd(),ñ\r\n'
