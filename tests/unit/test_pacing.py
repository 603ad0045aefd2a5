"""The pace of a campaign: never outside a person's window, never while the office is closed, and it ends or says so."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from config import table
from outreach.calls.office_hours import Opening, is_holiday, opening
from outreach.escalations.audience import Cohort
from outreach.escalations.models import Campaign
from outreach.escalations.pacing import (
    earned,
    is_paced,
    last_minutes,
    never_meet,
    next_common,
    next_time,
    paced_finish,
    sends_until,
    share_who_call,
    texts_a_minute,
)
from outreach.messaging.models import PARKED
from outreach.messaging.slices import Facts, judge
from outreach.officials.hours import Week
from outreach.officials.models import Office
from outreach.people.quiet_hours import window_anywhere
from outreach.people.zones import parse_zones_key

PHOENIX = "America/Phoenix"
NOON = datetime(2026, 12, 1, 19, tzinfo=UTC)  # a Tuesday
DAYS = st.lists(
    st.sampled_from([[], [["08:00", "17:00"]], [["07:00", "12:00"], ["13:00", "18:00"]]]), min_size=7, max_size=7
)
ZONES = st.sampled_from([PHOENIX, "America/New_York", "Pacific/Honolulu", "America/Chicago,America/Denver", ""])
INSTANTS = st.integers(0, 40 * 24 * 60).map(lambda minutes: NOON + timedelta(minutes=minutes))


def office_with(week: Week | None, zone: str = PHOENIX):  # type: ignore[no-untyped-def]  # what an office tells
    return lambda at: opening(week, (zone,), at)


@given(DAYS, ZONES, INSTANTS)
def test_a_text_leaves_when_its_reader_may_be_texted_and_can_call(week: Week, zones: str, now: datetime) -> None:
    office = office_with(week)
    at = next_common(zones, office, now)
    if at is None:
        assert not any(week) or not _meets(week, zones, now)
        return
    hours: Opening = office(at)
    assert at >= now
    assert hours.open and hours.closes_at is not None
    assert at < hours.closes_at - last_minutes()
    assert window_anywhere(parse_zones_key(zones), at).open
    local = at.astimezone(UTC) - timedelta(hours=7)  # Phoenix knows no daylight saving
    assert not is_holiday(local.date())
    assert next_common(zones, office, at) == at


def _meets(week: Week, zones: str, now: datetime) -> bool:
    """Looked at every half hour of a week."""
    office = office_with(week)
    for half in range(14 * 48):
        at = now + timedelta(minutes=30 * half)
        until = sends_until(office(at))
        if until is not None and at < until and window_anywhere(parse_zones_key(zones), at).open:
            return True
    return False


@given(st.lists(st.tuples(ZONES, st.integers(1, 400)), min_size=1, max_size=4), st.floats(1, 200), INSTANTS)
def test_it_ends_as_soon_as_the_lines_and_hours_allow(
    people: list[tuple[str, int]], per_minute: float, now: datetime
) -> None:
    office = office_with([[["08:00", "17:00"]]] * 5 + [[], []])
    cohorts = [Cohort(zones, "en", count) for zones, count in people]
    ends = paced_finish(cohorts, now, per_minute, office)
    assert never_meet(cohorts, office, now) == 0
    assert ends is not None
    least = timedelta(minutes=sum(count for _, count in people) / per_minute)
    assert ends - now >= least - timedelta(seconds=1)
    alone = [paced_finish([one], now, per_minute, office) for one in cohorts]
    assert ends >= max(one for one in alone if one is not None) - timedelta(minutes=len(people) / per_minute + 1)


def test_spans_too_short_to_text_in_are_passed_over_up_to_one_that_is_not() -> None:
    short = [["09:00", "09:20"], ["10:00", "10:20"]]
    found = next_time(office_with([short] * 6 + [[["08:00", "17:00"]]]), NOON)
    assert found == datetime(2026, 12, 6, 15, tzinfo=UTC)


def test_who_has_no_hour_in_common_is_counted_and_it_never_ends() -> None:
    night = office_with([[["00:00", "05:00"]]] * 7)
    cohorts = [Cohort(PHOENIX, "en", 3), Cohort(PHOENIX, "es", 2)]
    assert next_common(PHOENIX, night, NOON) is None
    assert never_meet(cohorts, night, NOON) == 5
    assert paced_finish(cohorts, NOON, 10, night) is None
    assert next_time(office_with([[["08:00", "08:20"]]] * 7), NOON) is None, "shorter than its last minutes"


@given(st.integers(0, 10**6), st.integers(0, 10**6), st.integers(1, 20))
def test_the_rate_follows_what_people_do_within_bounds(texted: int, callers: int, lines: int) -> None:
    share = share_who_call(texted, callers)
    rule = table("pacing")
    assert rule["least_share"] <= share <= 1
    assert share_who_call(0, 0) == rule["share_who_call"]
    assert texts_a_minute(lines, share) * share * rule["minutes_a_call"] == pytest.approx(lines)
    assert share_who_call(texted + 1, callers) <= share + 1e-12 or callers > texted


@given(st.floats(0, 5), st.floats(0.1, 200), st.floats(0, 10**6), st.floats(1, 50))
def test_credit_is_earned_by_time_and_not_saved_up(had: float, per_minute: float, gone: float, most: float) -> None:
    found = earned(min(had, most), per_minute, timedelta(seconds=gone), most)
    assert min(had, most) <= found <= max(1.0, most)
    assert earned(0.0, per_minute, timedelta(seconds=-5), most) == 0.0


HOURS: Week = [[["08:00", "17:00"]]] * 7


@pytest.mark.parametrize(
    ("tactic", "hours", "pacing", "paced"),
    [
        ("calls", HOURS, None, True), ("calls", None, None, False), ("calls", None, "office", True),
        ("calls", HOURS, "fast", False), ("letters", HOURS, "office", False),
    ],
)  # fmt: skip
def test_a_call_campaign_is_paced_where_its_office_has_hours(
    tactic: str, hours: Week | None, pacing: str | None, paced: bool
) -> None:
    assert is_paced(Campaign(tactic=tactic, pacing=pacing), Office(hours=hours)) is paced
    assert not is_paced(Campaign(tactic=tactic, pacing=pacing), None)


@given(st.integers(-120, 120))
def test_a_slice_that_comes_too_late_parks_its_texts_and_only_those_of_the_campaign(minutes: int) -> None:
    until = NOON + timedelta(minutes=minutes)
    facts = Facts("open", "campaign", False, False, "Call", (PHOENIX,), (), sends_until=until)
    verdict = judge(facts, NOON)
    assert (verdict.state == "posting") is (until > NOON)
    assert verdict.state == "posting" or verdict.not_before == PARKED
    answer = Facts("open", "script", False, False, "Say", (PHOENIX,), (), asked_at=NOON, sends_until=until)
    assert judge(answer, NOON).state == "posting"
