"""Quiet hours against the minute-by-minute oracle, in a short form; ``scripts/oracle.py quiet-hours`` runs the million.

And the oracle against days worked out by hand, so that it is known to say no.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from config import table
from outreach.people.quiet_hours import QuietHours
from tests.oracles import quiet_cases
from tests.oracles import quiet_hours as oracle

PHOENIX, NEW_YORK = ("America/Phoenix",), ("America/New_York",)
SEED, CASES = 7, 20_000


def at(text: str) -> int:
    """Seconds since 1970 of a UTC instant."""
    return int(datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp())


def test_twenty_thousand_cases_agree() -> None:
    found = quiet_cases.compare(SEED, CASES)
    assert (found.cases, found.wrongly_allowed, found.wrong_ends, found.wrong_openings) == (CASES, 0, 0, 0)
    assert found.allowed_inside >= quiet_cases.SHARE * found.inside, found.examples
    assert CASES / 10 < found.inside < CASES / 2
    assert set(found.kinds) == {"anywhere", *quiet_cases.AREAS, *quiet_cases.ZIPS}


def forget() -> None:
    """What the oracle worked out from other rows."""
    oracle.hours.cache_clear()
    oracle.open_in_zone.cache_clear()


@pytest.mark.parametrize(
    ("zones", "instant", "may"),
    [
        (PHOENIX, "2026-06-02T15:59:59", False),
        (PHOENIX, "2026-06-02T16:00:00", True),
        (PHOENIX, "2026-06-03T02:49:59", True),  # Wednesday in UTC, Tuesday 19:49:59 in Phoenix
        (PHOENIX, "2026-06-03T02:50:00", False),
        (PHOENIX, "2026-06-07T18:59:59", False),  # a Sunday
        (PHOENIX, "2026-06-07T19:00:00", True),
        (NEW_YORK, "2026-03-08T15:59:59", False),  # the Sunday of 23 hours
        (NEW_YORK, "2026-03-08T16:00:00", True),
        (NEW_YORK, "2026-11-01T16:59:59", False),  # the Sunday of 25 hours
        (NEW_YORK, "2026-11-01T17:00:00", True),
        (("America/Denver", "America/Phoenix"), "2026-07-07T15:30:00", False),  # 9:30 in Denver, 8:30 in Phoenix
        (("America/Denver", "America/Phoenix"), "2026-07-08T01:50:00", False),  # 19:50 in Denver, 18:50 in Phoenix
    ],
)
def test_the_oracle_knows_days_worked_out_by_hand(zones: tuple[str, ...], instant: str, may: bool) -> None:
    assert oracle.may_begin(zones, (), at(instant)) is may


@pytest.mark.parametrize(
    "change",
    [
        {"last_minutes": 9},
        {"last_minutes": 11},
        {"default": {"weekday": ["09:00", "20:01"], "sunday": ["12:00", "20:00"]}},
        {"default": {"weekday": ["09:00", "20:00"], "sunday": ["11:59", "20:00"]}},
    ],
    ids=["nine minutes", "eleven minutes", "a minute too long", "Sunday a minute too early"],
)
def test_other_hours_are_found_out(change: dict[str, Any], monkeypatch: pytest.MonkeyPatch) -> None:
    rows = {**table("quiet_hours"), **change}
    monkeypatch.setattr(quiet_cases, "window", QuietHours(rows).window)
    assert not quiet_cases.compare(SEED, 4_000).ok


def test_a_stricter_row_narrows_the_oracle_too(monkeypatch: pytest.MonkeyPatch) -> None:
    rows = {"US-AZ": {"key": "US-AZ", "weekday": ["10:00", "19:00"]}}
    monkeypatch.setattr(oracle, "stricter_rows", lambda: rows)
    forget()
    nine = at("2026-06-02T16:30:00")
    assert oracle.may_begin(PHOENIX, (), nine)
    assert not oracle.may_begin(PHOENIX, ("US-AZ",), nine)
    assert oracle.may_begin(PHOENIX, ("US-AZ",), nine + int(timedelta(hours=1).total_seconds()))
    monkeypatch.undo()
    forget()
