"""When an office may be called, against a minute-by-minute reading of the clock on its wall."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from outreach.calls.office_hours import is_holiday, opening
from outreach.core.errors import BadInputError
from outreach.officials.hours import Week, check_week, parse_day, parse_week, print_day, print_week, usual_week

PHOENIX = ("America/Phoenix",)
# The Navajo Nation keeps daylight-saving time and the rest of Arizona does not.
TWO_CLOCKS = ("America/Denver", "America/Phoenix")


def at(zone: str, *when: int) -> datetime:
    return datetime(*when, tzinfo=ZoneInfo(zone))  # type: ignore[arg-type, misc]


def test_a_working_day() -> None:
    early = opening(None, PHOENIX, at("America/Phoenix", 2026, 12, 1, 7, 59))
    assert (early.open, early.opens_at) == (False, at("America/Phoenix", 2026, 12, 1, 8))
    now = at("America/Phoenix", 2026, 12, 1, 16, 59)
    assert opening(None, PHOENIX, now) == (True, at("America/Phoenix", 2026, 12, 1, 17), now)
    friday = opening(None, PHOENIX, at("America/Phoenix", 2026, 12, 4, 17))
    assert (friday.open, friday.opens_at) == (False, at("America/Phoenix", 2026, 12, 7, 8))


def test_where_two_clocks_are_possible_both_must_say_open() -> None:
    assert not opening(None, TWO_CLOCKS, at("America/Phoenix", 2026, 7, 1, 16, 30)).open  # 17:30 in Denver
    assert not opening(None, TWO_CLOCKS, at("America/Denver", 2026, 7, 1, 8, 30)).open  # 7:30 in Phoenix
    assert opening(None, TWO_CLOCKS, at("America/Phoenix", 2026, 7, 1, 12)).open


# As the Office of Personnel Management publishes them for 2021, 2022 and 2026.
@pytest.mark.parametrize(
    "day",
    ["2021-06-18", "2021-07-05", "2021-12-24", "2021-12-31", "2022-06-20", "2022-12-26", "2026-01-01", "2026-01-19",
     "2026-02-16", "2026-05-25", "2026-06-19", "2026-07-03", "2026-09-07", "2026-10-12", "2026-11-11", "2026-11-26",
     "2026-12-25"],
)  # fmt: skip
def test_legal_holidays(day: str) -> None:
    assert is_holiday(date.fromisoformat(day))


def test_no_other_days() -> None:
    days = (date(2026, 1, 1) + timedelta(days=number) for number in range(365))
    assert sum(map(is_holiday, days)) == 11


def test_an_office_that_never_opens() -> None:
    assert opening([[]] * 7, PHOENIX, at("America/Phoenix", 2026, 12, 1, 12)) == (False, None, None)


@pytest.mark.parametrize(
    "week",
    [None, [], [[]] * 6, [[["8", "nine"]], *[[]] * 6], [[["17:00", "08:00"]], *[[]] * 6], [[["08:00"]], *[[]] * 6],
     [[["08:00", "12:00"], ["11:00", "17:00"]], *[[]] * 6], "always", [[["08:00+01:00", "12:00"]], *[[]] * 6]],
)  # fmt: skip
def test_what_are_no_hours(week: object) -> None:
    with pytest.raises(BadInputError) as refused:
        check_week(week)
    assert refused.value.code == "office_hours_wrong"
    assert check_week(usual_week()) == usual_week()


def is_open(week: Week, zone: str, instant: datetime) -> bool:
    """The oracle: what the clock on the wall says, with nothing of ours but the holidays."""
    wall = instant.astimezone(ZoneInfo(zone))
    spans = week[wall.weekday()]
    inside = any(time.fromisoformat(opens) <= wall.time() < time.fromisoformat(closes) for opens, closes in spans)
    return inside and not is_holiday(wall.date())


WEEKS = st.lists(
    st.sampled_from([[], [["08:00", "17:00"]], [["08:30", "12:00"], ["13:00", "16:45"]], [["00:00", "23:59"]]]),
    min_size=7, max_size=7,
)  # fmt: skip
ZONES = st.lists(
    st.sampled_from(["America/Phoenix", "America/Denver", "Pacific/Honolulu", "America/New_York", "America/St_Johns"]),
    min_size=1, max_size=2, unique=True,
)  # fmt: skip


@given(WEEKS, ZONES, st.integers(0, 700 * 24 * 60))
def test_the_clock_on_the_wall_agrees(week: list[list[list[str]]], zones: list[str], minutes: int) -> None:
    instant = datetime(2026, 1, 1, tzinfo=UTC) + timedelta(minutes=minutes)
    found = opening(week, zones, instant)
    # Two zones may have two dates at once; an office is in one of them, so both must say that it is open.
    assert found.open <= all(is_open(week, zone, instant) for zone in zones)
    if len(zones) == 1:
        assert found.open == is_open(week, zones[0], instant)
        if found.opens_at is not None and not found.open:
            assert is_open(week, zones[0], found.opens_at)
            before = found.opens_at - timedelta(minutes=1)
            assert before < instant or not is_open(week, zones[0], before)
    if found.open:
        assert found.closes_at is not None
        assert all(is_open(week, zone, found.closes_at - timedelta(minutes=1)) for zone in zones)


NINE_TO_FIVE = [["09:00", "17:00"]]
SPLIT = [["08:00", "12:00"], ["13:00", "17:00"]]


@pytest.mark.parametrize(
    ("text", "spans"),
    [
        ("8:00-12:00, 13:00-17:00", SPLIT),
        ("8am-12pm, 1pm-5pm", SPLIT),
        ("8-12, 1-5", SPLIT),
        ("8:00 a. m. a 12:00 p. m. y 1:00 p.\u202fm. a 5:00 p. m.", SPLIT),
        ("de 9 a 17", NINE_TO_FIVE),
        ("9-5", NINE_TO_FIVE),
        ("9 AM – 5 PM", NINE_TO_FIVE),
        ("9-5pm", NINE_TO_FIVE),
        ("1-5pm", [["13:00", "17:00"]]),
        ("11-1pm", [["11:00", "13:00"]]),
        ("8-12, 12-17", [["08:00", "17:00"]]),
        ("8.30-16.45", [["08:30", "16:45"]]),
        ("6pm-12am", [["18:00", "23:59"]]),
        ("0-24", [["00:00", "23:59"]]),
        ("24 horas", [["00:00", "23:59"]]),
        ("Cerrado", []),
        (" ", []),
    ],
)
def test_a_day_as_people_write_it(text: str, spans: list[list[str]]) -> None:
    assert parse_day(text) == spans


@pytest.mark.parametrize(
    "text",
    ["nine to five", "9", "9-", "9-12-17", "17:00-08:00", "08:00-05:00", "8-12, 11-17", "8:60-17:00", "25-26",
     "13pm-2pm", "0am-5am", "8-12; 13-17", "8-12 13-17", "8-17 or so", "8-8am", "1" * 5000, "8-24:30"],
)  # fmt: skip
def test_a_day_that_is_none(text: str) -> None:
    with pytest.raises(BadInputError) as refused:
        parse_day(text)
    assert refused.value.code == "office_hours_wrong"


def test_a_week_as_people_write_it() -> None:
    week = [SPLIT] * 5 + [[["09:00", "12:00"]], []]
    assert parse_week("Mon-Fri 8am-12pm, 1pm-5pm; Sat 9-12") == week
    assert parse_week("Lunes a viernes: 8 a. m. a 12 p. m., 1 p. m. a 5 p. m.; sáb. 9:00-12:00; dom. cerrado") == week
    assert parse_week("Mon, Wed and Fri 9-5") == [NINE_TO_FIVE, [], NINE_TO_FIVE, [], NINE_TO_FIVE, [], []]
    assert parse_week("Fri-Mon 9-5") == [NINE_TO_FIVE, [], [], [], *[NINE_TO_FIVE] * 3]
    assert parse_week("closed") == [[]] * 7
    assert print_week(week) == "Mon-Fri 08:00-12:00, 13:00-17:00; Sat 09:00-12:00"


@pytest.mark.parametrize(
    "text",
    ["", ";", "9-5", "Mon", "Mon 9-5; Mon 10-12", "Mon-Wed, Tue 9-5", "Someday 9-5", "Mon 9-5, Tue 9-5", "mon- 9-5",
     "Mon 9-5;" * 500],
)  # fmt: skip
def test_a_week_that_is_none(text: str) -> None:
    with pytest.raises(BadInputError) as refused:
        parse_week(text)
    assert refused.value.code == "office_hours_wrong"


ANY_DAY = st.lists(st.integers(0, 24 * 60 - 1), unique=True, max_size=6).map(
    lambda ends: [
        [f"{opens // 60:02d}:{opens % 60:02d}", f"{closes // 60:02d}:{closes % 60:02d}"]
        for opens, closes in zip(sorted(ends)[::2], sorted(ends)[1::2], strict=False)
    ]
)


@given(st.lists(ANY_DAY, min_size=7, max_size=7))
def test_what_is_printed_is_read_as_it_was(week: list[list[list[str]]]) -> None:
    assert parse_week(print_week(week)) == check_week(week)
    assert [parse_day(print_day(day)) for day in week] == week


@given(st.text(max_size=60))
def test_whatever_is_typed_is_hours_or_refused(text: str) -> None:
    for parse in (parse_week, lambda day: [parse_day(day)] * 7):
        try:
            check_week(parse(text))
        except BadInputError as refused:
            assert refused.code == "office_hours_wrong"
