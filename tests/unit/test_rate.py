"""How many texts a minute are delivered, early, in the middle and late; and of which campaigns that is said."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from outreach.tallies.campaign import CampaignTally
from outreach.tallies.live import RATE_MINUTES, is_moving, rate_a_minute
from outreach.tallies.reads import PUBLIC_STATES

MINUTE = 29_935_860
BEGAN = datetime.fromtimestamp(MINUTE * 60, UTC)


@pytest.mark.parametrize(
    ("delivered", "seconds", "rate"),
    [
        (960, 20, 960),  # all within the first seconds: of a minute, not of five
        (960, 60, 960),
        (960, 120, 480),
        (960, 240, 240),  # nothing came after: it is as slow as that
        (450, 270, 100),  # a steady hundred a minute, in the midst of it
    ],
)
def test_the_rate_is_of_the_minutes_since_the_first_delivery(delivered: int, seconds: int, rate: float) -> None:
    assert rate_a_minute(delivered, MINUTE, BEGAN + timedelta(seconds=seconds)) == rate


def test_without_a_delivery_there_is_no_rate() -> None:
    assert rate_a_minute(0, None, BEGAN) == 0.0


@given(st.integers(1, 10**6), st.integers(-60, RATE_MINUTES * 60))
def test_a_rate_is_never_more_than_what_was_delivered_nor_less_than_over_the_whole_window(many: int, late: int) -> None:
    """Also where the clock that counted was a little ahead."""
    assert many / RATE_MINUTES <= rate_a_minute(many, MINUTE, BEGAN + timedelta(seconds=late)) <= many


def tally(state: str, **states: int) -> CampaignTally:
    return CampaignTally(
        campaign_id=1, name="", official="", state=state, reason=None, launch_at=None, launch_problem=None,
        recipients=sum(states.values()), states=dict.fromkeys(PUBLIC_STATES, 0) | states, replies=0, opted_out=0,
        reports={}, waves=(), variants={}, better=None, calls=None, at=BEGAN,
    )  # fmt: skip


def test_only_a_campaign_that_goes_on_with_texts_to_come_has_a_rate() -> None:
    for under_way in ("planned", "accepted", "sent"):
        going = tally("launched", delivered=9, **{under_way: 1})
        assert is_moving(going)
        assert not any(is_moving(replace(going, state=state)) for state in ("paused", "canceled", "stood_down"))
    assert not is_moving(tally("launched", delivered=9, held=1, failed=1, unknown=1))
