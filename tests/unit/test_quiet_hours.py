"""Quiet hours, against hand-made days and an oracle that reads every zone's wall clock minute by minute."""

from __future__ import annotations

import timeit
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import assume, example, given, settings
from hypothesis import strategies as st

from config import table
from outreach.people.quiet_hours import QuietHours, Window, window
from outreach.people.zones import fifty_states

PHOENIX, DENVER, NEW_YORK = ("America/Phoenix",), ("America/Denver",), ("America/New_York",)
NAVAJO = ("America/Denver", "America/Phoenix")
MINUTE = timedelta(minutes=1)


def local(zone: str, year: int, month: int, day: int, hour: int = 0) -> datetime:
    return datetime(year, month, day, hour, tzinfo=ZoneInfo(zone)).astimezone(UTC)


def oracle_open(zones: tuple[str, ...], at: datetime) -> bool:
    for zone in zones:
        wall = at.astimezone(ZoneInfo(zone))
        if not (12 if wall.weekday() == 6 else 9) <= wall.hour < 20:
            return False
    return True


def oracle_may_begin(zones: tuple[str, ...], at: datetime) -> bool:
    """Open now and for ten minutes more."""
    return all(oracle_open(zones, at + minutes * MINUTE) for minutes in range(11))


def oracle(zones: tuple[str, ...], at: datetime) -> Window:
    """Openings fall on whole minutes, so the next one is found by looking at each."""
    opens = at
    if not oracle_may_begin(zones, at):
        opens = at.replace(second=0, microsecond=0) + MINUTE
        while not (oracle_open(zones, opens) and oracle_may_begin(zones, opens)):
            opens += MINUTE
            if opens - at > timedelta(days=14):
                return Window(False, None, None)
    closes = opens.replace(second=0, microsecond=0)
    while oracle_open(zones, closes):
        closes += MINUTE
    return Window(opens == at, closes, opens)


ZONES = st.one_of(
    st.sampled_from([PHOENIX, DENVER, NEW_YORK, NAVAJO, fifty_states(), ("America/Puerto_Rico", "Pacific/Guam")]),
    st.lists(
        st.sampled_from([*fifty_states(), "Pacific/Guam", "America/St_Johns", "Pacific/Pago_Pago", "America/Boise"]),
        min_size=1,
        max_size=3,
        unique=True,
    ).map(lambda names: tuple(sorted(names))),
)
INSTANTS = st.timedeltas(timedelta(0), timedelta(days=10_926)).map(
    lambda later: datetime(2007, 1, 1, tzinfo=UTC) + later
)


@settings(max_examples=120, deadline=None)
@given(ZONES, INSTANTS)
@example(NEW_YORK, datetime(2026, 3, 8, 6, 59, 59, tzinfo=UTC))
@example(NEW_YORK, datetime(2025, 11, 2, 5, 30, tzinfo=UTC))
@example(NAVAJO, datetime(2026, 3, 7, 16, 0, tzinfo=UTC))
@example(fifty_states(), datetime(2026, 3, 8, 0, 0, tzinfo=UTC))
@example(("America/Adak", "Pacific/Guam"), datetime(2026, 3, 8, 0, 0, tzinfo=UTC))
def test_agrees_with_the_wall_clocks(zones: tuple[str, ...], at: datetime) -> None:
    assert window(zones, at) == oracle(zones, at)


@given(ZONES, INSTANTS, st.integers(min_value=-1, max_value=1))
def test_is_exact_to_the_microsecond_at_its_own_edges(zones: tuple[str, ...], at: datetime, step: int) -> None:
    found = window(zones, at)
    assume(found.opens_at is not None)  # Adak, Saint John's and Guam have no common hour
    assert found.opens_at is not None
    assert found.closes_at is not None
    for edge in (found.opens_at, found.closes_at, found.closes_at - 10 * MINUTE):
        moment = edge + step * timedelta(microseconds=1)
        assert window(zones, moment).open == oracle_may_begin(zones, moment)


def test_a_weekday_in_phoenix() -> None:
    opens, closes = local("America/Phoenix", 2026, 6, 2, 9), local("America/Phoenix", 2026, 6, 2, 20)
    second = timedelta(seconds=1)
    assert window(PHOENIX, opens - second) == (False, closes, opens)
    assert window(PHOENIX, opens) == (True, closes, opens)
    assert window(PHOENIX, closes - 10 * MINUTE - second).open
    for late in (closes - 10 * MINUTE, closes - second, closes):
        assert window(PHOENIX, late) == (False, closes + timedelta(days=1), opens + timedelta(days=1))


def test_sunday_opens_at_noon() -> None:
    sunday = local("America/Phoenix", 2026, 6, 7, 9)
    assert window(PHOENIX, sunday).opens_at == local("America/Phoenix", 2026, 6, 7, 12)


def test_clocks_that_change_keep_the_local_hours() -> None:
    spring = window(NEW_YORK, local("America/New_York", 2026, 3, 8, 0))  # a Sunday of 23 hours
    assert (spring.opens_at, spring.closes_at) == (
        datetime(2026, 3, 8, 16, tzinfo=UTC),
        datetime(2026, 3, 9, 0, tzinfo=UTC),
    )
    autumn = window(NEW_YORK, local("America/New_York", 2025, 11, 2, 0))  # a Sunday of 25 hours
    assert (autumn.opens_at, autumn.closes_at) == (
        datetime(2025, 11, 2, 17, tzinfo=UTC),
        datetime(2025, 11, 3, 1, tzinfo=UTC),
    )


def test_the_navajo_nation_loses_an_hour_at_each_end_in_summer_only() -> None:
    winter = window(NAVAJO, local("America/Phoenix", 2026, 1, 6, 0))
    summer = window(NAVAJO, local("America/Phoenix", 2026, 7, 7, 0))
    for found, hours in ((winter, 11), (summer, 10)):
        assert found.opens_at is not None
        assert found.closes_at is not None
        assert found.closes_at - found.opens_at == timedelta(hours=hours)
    assert summer.opens_at == local("America/Phoenix", 2026, 7, 7, 9)
    assert summer.closes_at == local("America/Denver", 2026, 7, 7, 20)


@pytest.mark.parametrize(("month", "hours"), [(1, 6), (7, 5)])
def test_unknown_means_eastern_to_hawaii(month: int, hours: int) -> None:
    at = datetime(2026, month, 7, 12, tzinfo=UTC)  # a Wednesday, and a Tuesday
    found = window((), at)
    assert found == window(fifty_states(), at)
    assert found.opens_at is not None
    assert found.closes_at is not None
    assert found.closes_at - found.opens_at == timedelta(hours=hours)


def test_the_zone_of_the_argument_does_not_matter_but_it_must_have_one() -> None:
    at = datetime(2026, 6, 2, 12, tzinfo=ZoneInfo("America/Phoenix"))
    assert window(PHOENIX, at) == window(PHOENIX, at.astimezone(UTC))
    with pytest.raises(ValueError, match="time zone"):
        window(PHOENIX, datetime(2026, 6, 2, 12))  # noqa: DTZ001  # the naive instant is the point


def test_stricter_rows_narrow_by_zone_and_by_state_and_never_widen() -> None:
    rows = {
        **table("quiet_hours"),
        "stricter": [
            {"key": "US-XX", "weekday": ["08:00", "18:00"]},
            {"key": "America/Denver", "sunday": ["13:00", "14:00"]},
        ],
    }
    strict = QuietHours(rows)
    monday = local("America/Phoenix", 2026, 1, 5, 0)
    assert strict.window(PHOENIX, monday) == window(PHOENIX, monday)
    narrowed = strict.window(PHOENIX, monday, ("US-XX",))
    assert narrowed.opens_at == local("America/Phoenix", 2026, 1, 5, 9)
    assert narrowed.closes_at == local("America/Phoenix", 2026, 1, 5, 18)
    sunday = strict.window(NAVAJO, local("America/Phoenix", 2026, 1, 4, 0))
    assert sunday.opens_at == local("America/Denver", 2026, 1, 4, 13)
    assert sunday.closes_at == local("America/Denver", 2026, 1, 4, 14)


def test_hours_that_never_meet_have_no_opening() -> None:
    rows = {
        **table("quiet_hours"),
        "stricter": [{"key": "US-XX", "weekday": ["19:55", "20:00"], "sunday": ["12:00", "12:00"]}],
    }
    assert QuietHours(rows).window(PHOENIX, datetime(2026, 1, 5, tzinfo=UTC), ("US-XX",)) == (False, None, None)


def test_every_row_names_its_source() -> None:
    hours = table("quiet_hours")
    for row in (hours["default"], hours["fifty_states"], *hours["zips"], *hours.get("stricter", ())):
        assert row["source"].strip()


def test_the_common_case_is_a_look_up() -> None:
    at = datetime(2026, 6, 2, 18, tzinfo=UTC)
    window(PHOENIX, at)
    best = min(timeit.repeat(lambda: window(PHOENIX, at), number=1000, repeat=5)) / 1000
    assert best < 50e-6  # about 2 us on an idle machine
