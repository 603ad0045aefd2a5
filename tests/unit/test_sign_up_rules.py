"""How often a page may be used and a number asked; which question a text answers; whose address counts."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from config import table
from outreach.core.segments import measure
from outreach.messaging.classify import Verdict, classify
from outreach.messaging.joining import JOIN_RULES, Pending, answers_sign_up, consent_given, what_was_asked
from outreach.messaging.render import fill
from outreach.messaging.sign_up_rules import (
    ONE_ADDRESS,
    ONE_GROUP,
    ONE_NUMBER,
    ONE_READER,
    Limit,
    allows,
    asked_from,
    network_of,
)

START = datetime(2026, 12, 1, 17, tzinfo=UTC)
HOUR, DAY = timedelta(hours=1), timedelta(days=1)
steps = st.lists(st.timedeltas(min_value=timedelta(0), max_value=timedelta(hours=30)), max_size=60)
some_limits = st.lists(
    st.builds(Limit, st.integers(1, 6), st.timedeltas(min_value=timedelta(minutes=1), max_value=timedelta(days=7))),
    min_size=1,
    max_size=3,
)


@given(limits=st.one_of(some_limits, st.sampled_from([ONE_NUMBER, ONE_ADDRESS, ONE_GROUP, ONE_READER])), waits=steps)
def test_no_stretch_of_time_holds_more_than_its_limit_and_nobody_is_refused_without_need(
    limits: list[Limit], waits: list[timedelta]
) -> None:
    went: list[datetime] = []
    now = START
    for wait in waits:
        now += wait
        full = [limit for limit in limits if sum(now - limit.within < at for at in went) >= limit.most]
        if allows(limits, went, now):
            assert not full
            went.append(now)
        else:
            assert full
    for limit in limits:
        for last in went:  # the stretch that ends with each of them
            assert sum(last - limit.within < at <= last for at in went) <= limit.most


def test_a_number_is_asked_once_a_day_and_three_times_a_week() -> None:
    assert allows(ONE_NUMBER, [], START)
    assert not allows(ONE_NUMBER, [START - DAY + HOUR], START)
    assert allows(ONE_NUMBER, [START - DAY], START)
    assert not allows(ONE_NUMBER, [START - 2 * DAY, START - 3 * DAY, START - 6 * DAY], START)
    assert allows(ONE_NUMBER, [START - 2 * DAY, START - 3 * DAY, START - 7 * DAY], START)
    assert not allows(ONE_NUMBER, [START + 10 * HOUR], START), "what waits for the morning counts"


@pytest.mark.parametrize(
    ("address", "counted"),
    [
        ("192.0.2.7", "192.0.2.7"),
        ("::ffff:192.0.2.7", "192.0.2.7"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
        ("2001:db8:1:2:ffff::1", "2001:db8:1:2::/64"),
        ("", "unknown"),
        (None, "unknown"),
        ("\0\ud800 or 1=1", "unknown"),
        ("fe80::1%eth0", "fe80::/64"),
    ],
)
def test_what_counts_as_one_address(address: str | None, counted: str) -> None:
    assert network_of(address) == counted


@given(st.one_of(st.none(), st.text(max_size=80)), st.one_of(st.none(), st.text(max_size=80)))
def test_no_address_is_an_error(remote: str | None, forwarded: str | None) -> None:
    network_of(asked_from(remote, forwarded))


def test_only_a_proxy_of_ours_is_believed_and_only_its_own_word() -> None:
    assert asked_from("127.0.0.1", "6.6.6.6, 198.51.100.4") == "198.51.100.4"
    assert asked_from("10.0.0.3", "198.51.100.4") == "198.51.100.4"
    assert asked_from("198.51.100.4", "6.6.6.6") == "198.51.100.4"
    assert asked_from("127.0.0.1", None) == "127.0.0.1"


def test_a_text_answers_the_last_question() -> None:
    two = timedelta(hours=48)
    assert what_was_asked(None, None, START, two) is None
    assert what_was_asked(START - HOUR, None, START, two) == "call_report"
    assert what_was_asked(START - 3 * DAY, None, START, two) is None
    assert what_was_asked(START - HOUR, START - 2 * HOUR, START, two) == "call_report"
    assert what_was_asked(START - 2 * HOUR, START - HOUR, START, two) == "opt_in"
    assert what_was_asked(None, START - HOUR, START, two) == "opt_in"


WAITS = Pending(1, 7, b"", None, "es", "I agree", 3, START)


@pytest.mark.parametrize("word", ["YES", "SI", "Sí", "JOIN", "ok", "1", "Claro que sí", "unirme"])
def test_a_yes_in_either_language_confirms(word: str) -> None:
    verdict = classify(word, asked="opt_in")
    assert verdict.intent == "opt_in"
    assert answers_sign_up(WAITS, "opt_in", verdict, matched=True) is WAITS


def test_what_a_text_is_about() -> None:
    call, no, join = (Verdict(intent, None, "en", 1.0, "r") for intent in ("call", "decline", "opt_in"))
    assert answers_sign_up(WAITS, "opt_in", no, matched=True) is WAITS
    assert answers_sign_up(WAITS, "call_report", no, matched=True) is None
    assert answers_sign_up(WAITS, "call_report", join, matched=True) is WAITS
    assert answers_sign_up(WAITS, "opt_in", call, matched=True) is None
    assert answers_sign_up(WAITS, "opt_in", call, matched=False) is WAITS
    assert answers_sign_up(None, None, join, matched=False) is None


def test_the_ledger_quotes_the_page_only_where_the_pages_question_was_asked() -> None:
    assert consent_given(WAITS, "SI") == ("I agree", "page")
    assert consent_given(WAITS._replace(posted_at=None), "JOIN") == ("JOIN", "reply")
    assert consent_given(None, "START") == ("START", "reply")


@pytest.mark.parametrize(
    ("word", "joins"),
    [("JOIN", True), ("Join please", True), ("UNIRME", True), ("únase", True), ("quiero unirme", True),
     ("sign me up", True), ("START", False), ("unstop", False), ("EMPEZAR", False), ("YES", False)],
)  # fmt: skip
def test_start_is_for_who_stopped_and_join_for_everybody(word: str, joins: bool) -> None:
    verdict = classify(word)
    assert (verdict.intent, verdict.rule in JOIN_RULES) == ("opt_in", joins)


@pytest.mark.parametrize("language", ["en", "es"])
def test_the_question_names_the_group_and_the_way_out_in_two_plain_parts(language: str) -> None:
    group = "People Power of Northern Maricopa Valley"
    body = fill(table("message_templates/sign_up")["ask"][language], {"group": group})
    assert measure(body)[:2] <= ("GSM-7", 2)
    words = {"en": ("JOIN", "STOP", "HELP", "Not you?"), "es": ("SI", "ALTO", "AYUDA", "Si no fue usted")}
    assert all(word in body for word in (group, *words[language]))
    assert "YES" not in body, "the carrier keeps YES for itself"
