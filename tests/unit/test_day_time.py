"""Day time: how long something has waited, and since when it would have waited too long."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from outreach.core.clock import PHOENIX, Clock
from outreach.messaging.day_time import LOOKS_BACK, waited, waits_too_long_since
from outreach.messaging.threads import CLAIM_LASTS, holder_of

HOUR = timedelta(hours=1)
MOMENTS = st.datetimes(datetime(2026, 1, 1), datetime(2027, 12, 31), timezones=st.just(UTC))  # noqa: DTZ001  bounds


def phoenix(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=PHOENIX).astimezone(UTC)


@pytest.mark.parametrize(
    ("since", "now", "hours"),
    [
        ("2026-12-01T10:00", "2026-12-01T14:30", 4.5),
        ("2026-12-01T19:00", "2026-12-02T10:00", 2),  # the night does not count
        ("2026-12-01T21:00", "2026-12-02T08:59", 0),
        ("2026-12-05T19:00", "2026-12-06T13:00", 2),  # on a Sunday the day begins at noon
        ("2026-12-02T10:00", "2026-12-01T10:00", 0),
    ],
)
def test_only_day_time_counts(since: str, now: str, hours: float) -> None:
    assert waited(phoenix(since), phoenix(now)) == hours * HOUR


@given(MOMENTS, st.integers(1, 72))
def test_whoever_has_waited_since_then_has_waited_so_long(now: datetime, hours: int) -> None:
    since = waits_too_long_since(now, hours)
    assert now - LOOKS_BACK <= since <= now
    assert waited(since, now) == hours * HOUR
    assert waited(since + timedelta(seconds=1), now) < hours * HOUR
    assert waited(since - timedelta(days=1), now) >= hours * HOUR


@given(MOMENTS, st.timedeltas(timedelta(0), timedelta(days=2)))
def test_a_claim_ends_by_itself(taken: datetime, later: timedelta) -> None:
    held = holder_of(7, taken, taken + later)
    assert held == (7 if later < CLAIM_LASTS else None)
    assert holder_of(7, None, taken) is None
    assert holder_of(None, taken, taken) is None


@given(MOMENTS, st.sampled_from([1.0, 20.0, 60.0]))
def test_the_clock_goes_both_ways(at: datetime, speed: float) -> None:
    clock = Clock(1_796_000_000.0, 1_797_000_000.0, speed)
    assert abs(clock.at(clock.real_at(at).timestamp()) - at) < timedelta(milliseconds=1)
