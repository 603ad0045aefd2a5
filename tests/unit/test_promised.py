"""What people promise, in both languages: the time they mean, and never a reminder in the past, at night or too far."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from config import table
from outreach.messaging.promised import promised, remind_at
from outreach.people.quiet_hours import window
from outreach.people.zones import fifty_states

PHOENIX, DENVER = ZoneInfo("America/Phoenix"), ZoneInfo("America/Denver")
TUESDAY_NOON = datetime(2026, 12, 1, 12, 0, tzinfo=PHOENIX)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("I'll call tomorrow after 3", "02 15:00"),
        ("I will call tomorrow", "02 10:00"),
        ("tomorrow morning", "02 10:00"),
        ("Tomorrow at 9:30 am works", "02 09:30"),
        ("llamo mañana", "02 10:00"),
        ("mañana por la mañana", "02 10:00"),
        ("Mañana a las 4 de la tarde", "02 16:00"),
        ("mañana a las 9 de la mañana", "02 09:00"),
        ("pasado mañana", "03 10:00"),
        ("day after tomorrow in the afternoon", "03 15:00"),
        ("tonight", "01 18:00"),
        ("esta noche llamo", "01 18:00"),
        ("tonight at 7", "01 19:00"),
        ("this afternoon", "01 15:00"),
        ("after 5pm", "01 17:00"),
        ("después de las 5", "01 17:00"),
        ("a las 3 y media", "01 15:30"),
        ("a las tres", "01 15:00"),
        ("around 2 p.m.", "01 14:00"),
        ("at 9", "01 21:00"),
        ("at 11 am", "02 11:00"),
        ("at noon tomorrow", "02 12:00"),
        ("on my lunch break", "02 12:00"),
        ("el lunes", "07 10:00"),
        ("I can do Monday morning", "07 10:00"),
        ("on tuesday", "08 10:00"),
        ("el viernes a las 10", "04 10:00"),
        ("this weekend", "05 10:00"),
        ("el fin de semana", "05 10:00"),
        ("next week", "07 10:00"),
        ("not today but tomorrow", "02 10:00"),
        ("in an hour", "01 13:00"),
        ("en una hora", "01 13:00"),
        ("dentro de 2 horas", "01 14:00"),
        ("in 30min", "01 12:30"),
        ("in half an hour", "01 12:30"),
        ("en media hora", "01 12:30"),
        ("in a couple of hours", "01 14:00"),
        ("in 3 days", "04 12:00"),
        ("later", "01 15:00"),
        ("luego llamo", "01 15:00"),
        ("más tarde", "01 15:00"),
        ("I'll call", "01 15:00"),
        ("hoy", "01 15:00"),
        ("today at 10 am", "01 15:00"),  # which is over: later, then
        ("in the morning", "02 10:00"),
        ("15:45", "01 15:45"),
    ],
)  # fmt: skip
def test_the_time_that_is_meant(text: str, expected: str) -> None:
    found = promised(text, TUESDAY_NOON)
    assert found is not None
    assert found.strftime("%d %H:%M") == expected


@pytest.mark.parametrize("text", ["in 3 weeks", "on the 15th", "el 15", "en diciembre", "next month", "December 20"])
def test_no_reminder_where_it_would_be_a_guess_or_too_far(text: str) -> None:
    assert promised(text, TUESDAY_NOON) is None
    assert remind_at(text, ("America/Phoenix",), TUESDAY_NOON.astimezone(UTC)) is None


@pytest.mark.parametrize(
    ("text", "at", "expected"),
    [
        ("tonight at 9", "2026-12-01T12:00", "2026-12-02T09:00"),  # after the window
        ("luego", "2026-12-01T18:40", "2026-12-01T19:00"),
        ("luego", "2026-12-01T19:30", "2026-12-02T09:00"),
        ("tomorrow at 9", "2026-12-05T12:00", "2026-12-06T12:00"),  # on Sundays it opens at noon
        ("tomorrow at 2", "2026-03-07T12:00", "2026-03-08T14:00"),  # the clocks go forward that night
        ("tomorrow at 2", "2026-10-31T12:00", "2026-11-01T14:00"),
    ],
)
def test_it_is_moved_into_the_window(text: str, at: str, expected: str) -> None:
    now = datetime.fromisoformat(at).replace(tzinfo=DENVER).astimezone(UTC)
    found = remind_at(text, ("America/Denver",), now)
    assert found is not None
    assert found.astimezone(DENVER).isoformat(timespec="minutes")[:16] == expected


def test_who_may_be_in_two_zones_is_not_reminded_before_the_time_in_either() -> None:
    found = remind_at("tomorrow at 3", ("America/Denver", "America/Los_Angeles"), TUESDAY_NOON.astimezone(UTC))
    assert found is not None
    assert found.astimezone(ZoneInfo("America/Los_Angeles")).hour == 15


TABLE = table("promises")
WORDS = sorted(
    {phrase for kind in ("days", "weekdays", "part_words") for phrases in TABLE[kind].values() for phrase in phrases}
    | {*TABLE["no_time"]["words"], *TABLE["next_week"]["words"]}
    | {"at", "a las", "in", "en", "after", "3", "12", "5pm", "10:30", "hours", "horas", "weeks", "half an", "99", "0"}
    | {"24:00", "el", "y media", "pm"}
)
ZONES = st.sampled_from(
    [("America/Phoenix",), ("America/Denver", "America/Phoenix"), ("America/New_York",), (), ("Nowhere/Land",)]
)
NOWS = st.integers(1_767_225_600, 1_830_000_000).map(lambda second: datetime.fromtimestamp(second, UTC))


@given(st.one_of(st.text(max_size=60), st.lists(st.sampled_from(WORDS), max_size=8).map(" ".join)), ZONES, NOWS)
def test_never_in_the_past_at_night_or_beyond_two_weeks(text: str, zones: tuple[str, ...], now: datetime) -> None:
    found = remind_at(text, zones, now)
    if found is not None:
        assert now < found <= now + timedelta(days=14)
        assert window(fifty_states() if "Nowhere/Land" in zones else zones, found).open


def test_a_naive_instant_is_refused() -> None:
    with pytest.raises(ValueError, match="time zone"):
        promised("later", TUESDAY_NOON.replace(tzinfo=None))
