"""What is suggested after a meeting: always something, never what has failed while anything else is left; and what a
campaign must know for it.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, time, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from config import table
from outreach.core.errors import BadInputError
from outreach.escalations.ladder import Coming, Facts, Tried, judge, judged_at, needed, suggest
from outreach.escalations.ladder_words import reason_words
from outreach.escalations.occasion import check_occasion, event_at, local_time, missing
from outreach.escalations.wording import TACTICS, TONES
from outreach.messaging.follow_ups import before_event

NOW = datetime(2026, 12, 1, 17, tzinfo=UTC)
OUTCOMES = ("declined", "evaded", "no_meeting", "unreasonable_conditions")
PHOENIX = ("America/Phoenix",)
EVENING = datetime(2026, 12, 10, 1, 30, tzinfo=UTC)  # the 9th, 6:30 PM in Phoenix

campaigns = st.builds(
    Tried,
    campaign_id=st.integers(1, 99), tactic=st.sampled_from(TACTICS), tone=st.sampled_from(TONES),
    launched_at=st.integers(0, 200).map(lambda days: NOW - timedelta(days=days)), asked=st.integers(0, 500),
    acted=st.integers(0, 60), answer=st.sampled_from([None, "yes", "no", "evaded"]), running=st.booleans(),
)  # fmt: skip
facts_of_all_kinds = st.builds(
    Facts,
    outcome=st.sampled_from(OUTCOMES), hostility=st.sampled_from([None, *TONES]),
    ready=st.frozensets(st.sampled_from(TACTICS)),
    tried=st.lists(campaigns, max_size=20).map(lambda all_: tuple(sorted(all_, key=lambda one: one.launched_at))),
    coming=st.lists(st.builds(Coming, st.sampled_from(TACTICS), st.datetimes(timezones=st.just(UTC))), max_size=3).map(
        tuple
    ),
)  # fmt: skip


@given(facts_of_all_kinds)
def test_there_is_always_a_suggestion_and_never_what_has_failed_while_anything_is_left(facts: Facts) -> None:
    found = suggest(facts, NOW)
    assert found
    assert found == suggest(facts, NOW)
    assert len({one.tactic for one in found}) == len(found)
    for one in found:
        assert one.tone in TONES
        for reason in one.reasons:
            assert reason_words(reason, "en")
            assert "{" not in reason_words(reason, "es")
        assert one.reasons
    newest = {one.tactic: one for one in facts.tried}
    failed = {tactic for tactic, one in newest.items() if judge(one, NOW) == "not_working"}
    tried = {(one.tactic, one.tone) for one in facts.tried}
    if failed == set(TACTICS):
        everything = {(tactic, tone) for tactic in TACTICS for tone in TONES}
        assert (found[0].tactic, found[0].tone) not in tried or tried == everything
    else:
        assert not failed & {one.tactic for one in found}


def test_a_new_official_gets_what_fits_the_meeting_and_how_they_meet_us() -> None:
    def first(outcome: str, hostility: str | None = None, *ready: str) -> tuple[str, str]:
        found = suggest(Facts(outcome, hostility, frozenset(ready or TACTICS)), NOW)
        return found[0].tactic, found[0].tone

    assert first("evaded") == ("calls", "evasive")
    assert first("declined") == ("calls", "open")
    assert first("no_meeting") == ("in_person", "open")
    assert first("no_meeting", None, "calls") == ("calls", "open")  # nobody knows the address yet
    assert first("declined", "hostile") == ("council_meeting", "hostile")
    assert first("declined", "hostile", "calls", "letters") == ("calls", "hostile")
    assert first("evaded", "ally") == ("calls", "ally")
    assert first("evaded", None, "email") == ("email", "evasive")


def test_what_has_not_worked_gives_way_and_headway_goes_on() -> None:
    calls = Tried(1, "calls", "open", NOW - timedelta(days=8), asked=200, acted=2)
    found = suggest(Facts("declined", None, frozenset(TACTICS), (calls,)), NOW)
    assert "calls" not in {one.tactic for one in found}
    assert [reason.code for reason in found[0].reasons] == ["after"]
    assert "Phone calls" in reason_words(found[0].reasons[0], "en")
    moving = replace(calls, acted=needed(calls))
    assert needed(calls) == 6  # 3% of 200
    assert suggest(Facts("declined", None, frozenset(TACTICS), (moving,)), NOW)[0].tactic == "calls"
    assert judge(replace(moving, launched_at=NOW - timedelta(days=14)), NOW) == "not_working"  # and no answer yet
    assert judge(replace(moving, launched_at=NOW - timedelta(days=14), answer="yes"), NOW) == "working"
    young = replace(calls, launched_at=NOW - timedelta(days=2))
    assert suggest(Facts("declined", None, frozenset(TACTICS), (young,)), NOW)[0].reasons[0].code == "early"
    assert judged_at(young) == young.launched_at + timedelta(days=7)


def test_an_event_that_comes_soon_is_a_reason() -> None:
    for days, codes in ((1, ["usual"]), (9, ["event"]), (30, ["usual"])):
        coming = (Coming("town_hall", NOW + timedelta(days=days)),)
        found = suggest(Facts("evaded", None, frozenset(TACTICS), (), coming), NOW)
        assert [reason.code for one in found if one.tactic == "town_hall" for reason in one.reasons] == codes
        assert (found[0].tactic == "town_hall") is (codes == ["event"])


def given_for(tactic: str, **changed: Any) -> dict[str, Any]:
    return {
        "event_at": EVENING, "event_zone": PHOENIX[0], "event_place": "City Hall", "event_link": "https://example.org/a",
        "office_address": "1 Main St\nMesa AZ", "office_email": "chief@example.org", "newspaper": "The News",
        "newspaper_address": "letters@example.org", "word_limit": " 150 ", **changed,
    }  # fmt: skip


@pytest.mark.parametrize("tactic", TACTICS)
def test_a_tactic_keeps_what_it_needs_and_nothing_else(tactic: str) -> None:
    kept = check_occasion(tactic, given_for(tactic), NOW)
    rules = table("ladder")["tactics"][tactic]
    assert {field.partition("_at")[0] for field in kept} - {"event_zone"} == set(rules["fields"])
    assert missing(tactic, {"office_phone": "+16025550142", **kept}, NOW) == {}
    assert set(missing(tactic, {}, NOW)) == {"event_day" if one == "event" else one for one in rules["needs"]}
    if rules["event"]:
        assert event_at(kept) == EVENING
        assert missing(tactic, kept, EVENING) == {"event_day": "campaign_event_past"}


@pytest.mark.parametrize(
    ("tactic", "changed", "field"),
    [
        ("town_hall", {"event_at": NOW}, "event_day"),
        ("town_hall", {"event_at": NOW + timedelta(days=400)}, "event_day"),
        ("town_hall", {"event_zone": "Mars/Olympus"}, "event_zone"),
        ("town_hall", {"event_place": "x" * 121}, "event_place"),
        ("council_meeting", {"event_link": "javascript:alert(1)"}, "event_link"),
        ("council_meeting", {"event_link": "https://exa mple.org"}, "event_link"),
        ("council_meeting", {"event_link": "https://[1"}, "event_link"),
        ("email", {"office_email": "chief at example.org"}, "office_email"),
        ("letters_to_editor", {"newspaper_address": "x" * 5_000}, "newspaper_address"),
        ("letters_to_editor", {"word_limit": "²00"}, "word_limit"),
        ("letters_to_editor", {"word_limit": "7"}, "word_limit"),
    ],
)
def test_what_cannot_be_is_refused_at_its_field(tactic: str, changed: dict[str, Any], field: str) -> None:
    with pytest.raises(BadInputError) as refused:
        check_occasion(tactic, given_for(tactic, **changed), NOW)
    assert refused.value.details["field"] == field
    assert "{" not in str(refused.value)


@pytest.mark.parametrize(
    ("day", "hour", "zone", "code"),
    [
        (date(2026, 11, 30), time(18), PHOENIX[0], "event_past"),
        (date(1, 1, 1), time(18), PHOENIX[0], "event_past"),
        (date(9999, 12, 31), time(18), PHOENIX[0], "event_far"),
        (date(2026, 12, 9), time(18), "", "event_zone_unknown"),
        (date(2026, 12, 9), time(18), "Mars/Olympus", "event_zone_unknown"),
        (None, time(18), PHOENIX[0], "event_day_missing"),
        (date(2026, 12, 9), None, PHOENIX[0], "event_time_missing"),
    ],
)
def test_an_event_has_a_day_a_time_and_a_zone(day: date | None, hour: time | None, zone: str, code: str) -> None:
    with pytest.raises(BadInputError) as refused:
        local_time(day, hour, zone, NOW)
    assert refused.value.code == code
    assert local_time(date(2026, 12, 9), time(18, 30), PHOENIX[0], NOW) == EVENING
    assert local_time(None, None, "", NOW) is None


def test_whoever_will_come_is_reminded_in_their_hours_before_it() -> None:
    assert before_event(EVENING, PHOENIX, NOW) == EVENING - timedelta(hours=4)
    early = datetime(2026, 12, 10, 16, tzinfo=UTC)  # 9 AM: four hours before is night, fifteen is the evening before
    assert before_event(early, PHOENIX, NOW) == early - timedelta(hours=15)
    assert before_event(early, PHOENIX, early - timedelta(hours=3)) is None
