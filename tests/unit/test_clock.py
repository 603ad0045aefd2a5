"""A rehearsal's clock begins on a Tuesday at ten, and never before what has happened in it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from outreach.core.clock import PHOENIX, coming_tuesday_ten

TUESDAY = datetime(2026, 12, 1, 17, tzinfo=UTC)
MOMENTS = st.integers(0, 2 * 365 * 24 * 60).map(lambda minutes: TUESDAY + timedelta(minutes=minutes))


def begins(real: datetime, latest: datetime | None = None) -> datetime:
    clock = coming_tuesday_ten(real, 1.0, latest)
    assert clock.epoch_real == real.timestamp()
    return datetime.fromtimestamp(clock.epoch_simulated, PHOENIX)


def test_the_coming_tuesday() -> None:
    assert begins(TUESDAY - timedelta(days=1)) == TUESDAY
    assert begins(TUESDAY) == TUESDAY + timedelta(days=7)


def test_a_site_that_is_started_again_goes_on_the_next_day() -> None:
    monday = TUESDAY - timedelta(days=1)
    assert begins(monday, TUESDAY - timedelta(days=3)) == TUESDAY
    assert begins(monday, TUESDAY + timedelta(minutes=5)) == TUESDAY + timedelta(days=1)
    assert begins(monday, TUESDAY + timedelta(days=4, hours=2)) == TUESDAY + timedelta(days=6)  # not on the Sunday


@given(MOMENTS, st.none() | MOMENTS)
def test_time_never_goes_back_and_the_day_is_a_week_day_at_ten(real: datetime, latest: datetime | None) -> None:
    start = begins(real, latest)
    assert (start.hour, start.minute, start.weekday() == 6) == (10, 0, False)
    assert latest is None or start > latest
