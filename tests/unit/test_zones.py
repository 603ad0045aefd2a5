"""Where a person may be: the union of what number and ZIP could mean."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from importlib import resources
from typing import Any
from zoneinfo import ZoneInfo

import pytest
import zipcodes

from outreach.core.phone import check_phone, number_zones
from outreach.people.zones import fifty_states, parse_zones_key, zip_zones, zones_for, zones_key

list_all: Callable[[], list[dict[str, Any]]] = zipcodes.list_all

PHOENIX = ("America/Phoenix",)
NAVAJO = ("America/Denver", "America/Phoenix")


@pytest.mark.parametrize(
    ("e164", "zip_code", "zones"),
    [
        ("+14805550117", None, PHOENIX),
        ("+14805550117", "", PHOENIX),
        ("+14805550117", "85004", PHOENIX),
        ("+14805550117", "10001", ("America/New_York", "America/Phoenix")),
        ("+14805550117", "10001-1234", ("America/New_York", "America/Phoenix")),
        ("+14805550117", "00000", PHOENIX),
        ("+14805550117", "nowhere", PHOENIX),
        ("+1928871", None, NAVAJO),
        ("+19285550117", None, PHOENIX),
        ("+19285550117", "86515", NAVAJO),
        ("+16025550117", "86045", NAVAJO),
        ("+15055550117", "86515", NAVAJO),
        ("+19285550117", "86003", PHOENIX),
        ("+18005550117", "85004", PHOENIX),
        ("+17875550117", None, ("America/Puerto_Rico",)),
        ("+14805550117", "96910", ("America/Phoenix", "Pacific/Guam")),
        ("+19075550117", "99634", ("America/Adak", "America/Anchorage")),
        (None, "85004", PHOENIX),
    ],
)
def test_zones(e164: str | None, zip_code: str | None, zones: tuple[str, ...]) -> None:
    assert zones_for(e164, zip_code) == zones


def test_the_unknown_is_all_fifty_states_and_no_territory() -> None:
    assert zones_for("+18005550117") == zones_for(None) == zones_for(None, "junk") == fifty_states()
    assert {"America/New_York", "America/Adak", "Pacific/Honolulu", "America/Phoenix"} <= set(fifty_states())
    assert not {"America/Puerto_Rico", "Pacific/Guam"} & set(fifty_states())


def test_a_military_zip_may_be_anywhere() -> None:
    assert zones_for("+14805550117", "09012") == fifty_states()


def test_the_key_is_stable_and_reads_back() -> None:
    assert zones_key(("America/Phoenix", "America/Denver", "America/Phoenix")) == "America/Denver,America/Phoenix"
    for zones in (PHOENIX, NAVAJO, fifty_states()):
        assert parse_zones_key(zones_key(zones)) == zones
    assert parse_zones_key("") == fifty_states()


def test_every_zone_that_can_come_out_is_a_real_place_and_no_old_alias() -> None:
    zips = {place["zip_code"] for place in list_all()}
    by_zip = {zone for code in zips for zone in zip_zones(code)}
    numbers = [f"+1{npa}5550117" for npa in range(200, 1000) if check_phone(f"{npa}5550117").valid]
    by_number = {zone for number in numbers for zone in number_zones(number)}
    assert len(zips) > 40_000
    assert len(numbers) > 300
    listing = (resources.files("tzdata.zoneinfo") / "zone.tab").read_text(encoding="utf-8")
    listed = {line.split("\t")[2] for line in listing.splitlines() if not line.startswith("#")}
    assert by_zip | by_number | set(fifty_states()) <= listed
    for zone in by_zip | by_number:
        assert datetime(2026, 1, 1, tzinfo=UTC).astimezone(ZoneInfo(zone)).tzname()


def test_no_zip_is_left_without_a_zone() -> None:
    assert all(zip_zones(place["zip_code"]) for place in list_all())
