"""What becomes of a follow-up that is due: never a text against somebody's will, at night, over a cap, or too late."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from outreach.messaging.coming_back import Fate, fate
from outreach.messaging.follow_up_models import ASK, FOLLOW_UPS, PLEDGE, REMIND
from outreach.messaging.slices import CAPPED, KEEPS_HOURS, PROMPTED, Facts, judge
from outreach.people.quiet_hours import window

NOON = datetime(2026, 12, 1, 19, tzinfo=UTC)  # in Phoenix
HOUR, DAY = timedelta(hours=1), timedelta(days=1)
ZONES = ("America/Phoenix",)
PLAIN = Facts(
    gate="open", kind=ASK, suppressed=False, number_bad=False, body="x", zones=ZONES, sent_at=(),
    asked_at=NOON - HOUR, expires_at=NOON + DAY,
)  # fmt: skip


def test_a_follow_up_is_a_text_that_we_begin() -> None:
    assert set(FOLLOW_UPS) <= set(CAPPED) <= KEEPS_HOURS
    assert {ASK, PLEDGE} == PROMPTED
    assert fate(PLAIN, NOON) == Fate("sent")


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        ({"answered": True}, Fate("dropped", reason="reported")),
        ({"gate": "closed"}, Fate("dropped", reason="over")),
        ({"suppressed": True}, Fate("dropped", reason="stopped")),
        ({"number_bad": True}, Fate("dropped", reason="number_bad")),
        ({"expires_at": NOON - timedelta(seconds=1)}, Fate("dropped", reason="late")),
        ({"gate": "paused"}, Fate("waiting", until=NOON + timedelta(minutes=10))),
        ({"gate": "paused", "expires_at": NOON + timedelta(minutes=5)}, Fate("dropped", reason="no_opening")),
        ({"sent_at": (NOON - 2 * HOUR,)}, Fate("sent")),  # the campaign's own text of today
        ({"sent_at": (NOON - 2 * HOUR,), "asked_at": NOON - 13 * HOUR}, Fate("waiting", until=NOON + 12 * HOUR)),
        ({"sent_at": (NOON - 2 * HOUR,), "kind": REMIND}, Fate("waiting", until=NOON + 12 * HOUR)),
        ({"sent_at": (NOON - 2 * HOUR,), "kind": PLEDGE}, Fate("sent")),
        ({"sent_at": (NOON - 2 * HOUR, NOON - 2 * DAY, NOON - 3 * DAY)}, Fate("dropped", reason="no_opening")),
        ({"zones": ("America/New_York", "Pacific/Honolulu")}, Fate("sent")),
        ({"zones": ("America/New_York", "Asia/Tokyo")}, Fate("waiting", until=NOON + 5 * HOUR)),
    ],
)
def test_each_reason(change: dict[str, object], expected: Fate) -> None:
    facts = replace(PLAIN, **change)  # type: ignore[arg-type]
    assert fate(facts, NOON) == expected


FACTS = st.builds(
    Facts,
    gate=st.sampled_from(["open", "paused", "closed"]),
    kind=st.sampled_from(FOLLOW_UPS),
    suppressed=st.booleans(),
    number_bad=st.booleans(),
    body=st.just("x"),
    zones=st.sampled_from([ZONES, ("America/Denver", "America/Phoenix"), ("America/New_York", "Pacific/Honolulu")]),
    sent_at=st.lists(st.timedeltas(timedelta(0), 8 * DAY).map(lambda ago: NOON - ago), max_size=4).map(tuple),
    asked_at=st.timedeltas(timedelta(0), 15 * DAY).map(lambda ago: NOON - ago),
    answered=st.booleans(),
    expires_at=st.timedeltas(-DAY, 2 * DAY).map(lambda left: NOON + left),
)


@given(FACTS, st.timedeltas(timedelta(0), DAY))
def test_whatever_holds_a_text_holds_a_follow_up(facts: Facts, later: timedelta) -> None:
    now = NOON + later
    found = fate(facts, now)
    if found.state == "sent":
        assert not (facts.suppressed or facts.number_bad or facts.answered)
        assert facts.gate == "open"
        assert facts.expires_at is not None
        assert now <= facts.expires_at
        assert window(facts.zones, now).open
        assert sum(now - 7 * DAY < at for at in facts.sent_at) < 3
        assert judge(facts, now).state == "posting"
    elif found.state == "waiting":
        assert found.until is not None
        assert facts.expires_at is not None
        assert now < found.until <= facts.expires_at
        assert found.reason is None
    else:
        assert found.reason
