"""What things cost, what is left of a cap, and when people are told. Then: which launches are unusual, and which pages
are used to make us text."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import phonenumbers
import pytest
from hypothesis import given
from hypothesis import strategies as st

from config import table
from outreach.core.errors import BadInputError
from outreach.core.phone import REGIONS, check_phone, may_reach
from outreach.escalations.unusual import habit, is_unusual
from outreach.messaging.sign_up_rules import ONE_PREFIX, is_pumped, prefix_of
from outreach.spending.prices import (
    MICROS,
    Caps,
    Spent,
    amount,
    crossed,
    is_reached,
    local_day,
    minute_price,
    minutes_begun,
    part_price,
    room,
)

DAY = date(2026, 12, 1)
MONEY = st.integers(0, 10_000 * MICROS)
NOW = datetime(2026, 12, 1, 19, tzinfo=UTC)


def test_the_prices_are_those_of_the_forecast() -> None:
    assert table("spend")["prices"]["part"] == table("forecast")["price_per_part"]
    assert table("spend")["prices"]["currency"] == table("forecast")["currency"]
    assert (part_price(), minute_price(), minute_price(inbound=True)) == (11_500, 14_000, 8_500)


@pytest.mark.parametrize(("seconds", "minutes"), [(-1, 0), (0, 0), (1, 1), (60, 1), (61, 2), (1_800, 30)])
def test_a_minute_that_has_begun_counts_whole(seconds: int, minutes: int) -> None:
    assert minutes_begun(seconds) == minutes


def test_the_day_is_the_groups() -> None:
    assert local_day(datetime(2026, 12, 1, 6, 59, tzinfo=UTC)) == date(2026, 11, 30)
    assert local_day(datetime(2026, 12, 1, 7, 0, tzinfo=UTC)) == DAY


@given(day=MONEY, more=MONEY, cap_day=st.none() | MONEY, cap_month=st.none() | MONEY)
def test_room_is_what_fits_under_both_caps(day: int, more: int, cap_day: int | None, cap_month: int | None) -> None:
    spent, caps = Spent(day, day + more), Caps(cap_day, cap_month)
    left = room(spent, caps)
    if left is None:
        assert caps.day is caps.month is None
        assert not is_reached(spent, caps)
        assert crossed(spent, caps, DAY) == []
        return
    for so_far, cap in zip(spent, caps, strict=True):
        assert cap is None or left == 0 or so_far + left <= cap
    # Whoever is held back was told so, and the other way round: nobody stands still without a word.
    assert is_reached(spent, caps) == any(one.percent == 100 for one in crossed(spent, caps, DAY))


def test_shares_are_told_in_order_and_each_for_its_period() -> None:
    caps = Caps(100 * MICROS, 1_000 * MICROS)

    def told(day: float, month: float) -> list[tuple[str, int]]:
        spent = Spent(round(day * MICROS), round(month * MICROS))
        return [(one.period, one.percent) for one in crossed(spent, caps, DAY.replace(day=9))]

    assert told(49.99, 499) == []
    assert told(50, 500) == [("day", 50), ("month", 50)]
    assert told(99.98, 499) == [("day", 50), ("day", 80)]
    assert told(99.99, 499) == [("day", 50), ("day", 80), ("day", 100)]  # not one part of a text fits any more
    assert crossed(Spent(0, 999 * MICROS), caps, DAY.replace(day=9))[0].begins == DAY


@pytest.mark.parametrize(
    ("text", "micros"),
    [("250", 250_000_000), ("1,250.50", 1_250_500_000), ("$ 3", 3_000_000), ("none", None), ("", None), ("0", 0)],
)
def test_amounts_as_people_write_them(text: str, micros: int | None) -> None:
    assert amount(text) == micros


@pytest.mark.parametrize("text", ["-1", "nan", "inf", "1e9", "250 dollars", "1000001", "٣٥x"])
def test_what_is_no_amount(text: str) -> None:
    with pytest.raises(BadInputError) as wrong:
        amount(text)
    assert wrong.value.code == "spend_amount"


def test_only_the_regions_of_the_table_and_never_the_caribbean_or_a_premium_number() -> None:
    assert set(REGIONS) <= {"US", "CA", "PR", "VI", "GU", "AS", "MP"}
    for region in phonenumbers.COUNTRY_CODE_TO_REGION_CODE[1]:
        example = phonenumbers.example_number_for_type(region, phonenumbers.PhoneNumberType.FIXED_LINE_OR_MOBILE)
        example = example or phonenumbers.example_number_for_type(region, phonenumbers.PhoneNumberType.MOBILE)
        assert example is not None
        written = phonenumbers.format_number(example, phonenumbers.PhoneNumberFormat.E164)
        assert may_reach(written) == (region in REGIONS) == check_phone(written).valid, (region, written)
    assert not any(map(may_reach, ("+19005550117", "+18005550117", "+447911123456", "+12", "40404", "")))
    assert may_reach("+18005550117", "office")


def test_a_launch_is_unusual_only_for_a_group_that_has_habits() -> None:
    rule = table("anomalies")["launches"]
    floor, factor = rule["floor"], rule["factor"]
    assert not is_unusual(1_000_000, 0)  # the first campaign of a group: the spend cap bounds it
    assert not is_unusual(floor, 1)
    assert is_unusual(floor + 1, 1)
    assert not is_unusual(factor * floor, floor)
    assert is_unusual(factor * floor + 1, floor)


def test_a_habit_is_the_busiest_hour_of_thirty_days_without_the_last_one() -> None:
    launched = [
        (NOW - timedelta(minutes=59), 900_000),
        (NOW - timedelta(days=2), 40),
        (NOW - timedelta(days=2) + timedelta(minutes=5), 60),
        (NOW - timedelta(days=3), 70),
        (NOW - timedelta(days=31), 80_000),
    ]
    assert habit(launched, NOW) == 100
    assert habit([], NOW) == 0


def test_a_page_is_pumped_when_hardly_anybody_says_yes() -> None:
    least, share = table("pumping")["watch"]["least"], table("pumping")["watch"]["share"]
    assert not is_pumped(least - 1, 0)  # too few to say
    assert is_pumped(least, 0)
    assert not is_pumped(1_000, round(1_000 * share))
    assert is_pumped(1_000, round(1_000 * share) - 1)
    assert prefix_of("+14805550117") == "480555"
    assert [limit.most for limit in ONE_PREFIX] == sorted(limit.most for limit in ONE_PREFIX)
