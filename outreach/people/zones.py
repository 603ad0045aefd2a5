"""Every time zone in which a person may be, from their number and their ZIP.

A number tells where it was issued, a ZIP where its owner said they live: both count, and what is open in all zones
at once decides (see ``quiet_hours``). Where neither says anything, it may be any of the fifty states. Territories come
in only through a number or ZIP of theirs. Corrections and places with two clocks stand in ``config/quiet_hours.toml``.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import cache, lru_cache
from typing import Any

import zipcodes

from config import table
from outreach.core.phone import number_zones

_places: Callable[[str], list[dict[str, Any]]] = zipcodes.similar_to  # ZIPs that begin with these digits
_ZIP = re.compile(r"\s*([0-9]{5})(?:[- ]?[0-9]{4})?\s*", re.ASCII)


@cache
def fifty_states() -> tuple[str, ...]:
    """The zones that stand for all of the fifty states, Eastern to Hawaii-Aleutian, sorted."""
    return tuple(sorted(table("quiet_hours")["fifty_states"]["zones"]))


def zones_for(e164: str | None, zip_code: str | None = None) -> tuple[str, ...]:
    """IANA names, sorted, of every zone that the number or the ZIP could mean; never empty.

    A ZIP that does not exist says nothing; a military one (APO, FPO, DPO) may be anywhere, so it adds all states.
    """
    return _union(number_zones(e164) if e164 else (), zip_zones(zip_code) if zip_code else ())


@lru_cache(maxsize=4_096)
def _union(by_number: tuple[str, ...], by_zip: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(sorted({*by_number, *by_zip})) or fifty_states()


def zip_zones(zip_code: str) -> tuple[str, ...]:
    """The zones of a ZIP or ZIP+4; empty for what is no ZIP."""
    match = _ZIP.fullmatch(zip_code)
    if match is None:
        return ()
    code = match.group(1)
    return _corrections().get(code) or _zips_of(code[:3]).get(code, ())


@cache
def _corrections() -> dict[str, tuple[str, ...]]:
    return {code: tuple(sorted(row["zones"])) for row in table("quiet_hours")["zips"] for code in row["codes"]}


@lru_cache(maxsize=1_000)
def _zips_of(prefix: str) -> dict[str, tuple[str, ...]]:
    """ZIP -> zones for one sectional centre; a whole one costs the library no more than a single ZIP."""
    return {place["zip_code"]: _place_zones(place) for place in _places(prefix)}


def _place_zones(place: dict[str, Any]) -> tuple[str, ...]:
    return (place["timezone"],) if "/" in place["timezone"] else fifty_states()


def zones_key(zones: tuple[str, ...]) -> str:
    """The text form in which zones are stored and grouped: sorted names, joined by commas."""
    return ",".join(sorted(set(zones)))


@lru_cache(maxsize=65_536)
def zones_key_for(exchange: str, zip_code: str | None) -> str:
    """The zones key of everybody with this ZIP in an exchange: a +1 number's first eight characters."""
    return zones_key(zones_for(exchange, zip_code))


@lru_cache(maxsize=4_096)
def parse_zones_key(key: str) -> tuple[str, ...]:
    """The zones of a stored key; an empty key means unknown, so the fifty states."""
    return tuple(key.split(",")) if key else fifty_states()
