"""Draws (ZIP, number, instant) cases where quiet hours are easy to get wrong, and compares the code with the oracle."""

from __future__ import annotations

import random
import time
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from functools import cache
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo

import zipcodes

from outreach.core.phone import check_phone
from outreach.people.quiet_hours import window
from outreach.people.zones import parse_zones_key, zones_for, zones_key
from tests.oracles.quiet_hours import DAY, SUNDAY, is_open, may_begin, stricter_rows

list_all: Callable[[], list[dict[str, Any]]] = zipcodes.list_all

MANY = 100_000
"""From so many cases on, all the years below; fewer keep to two of them, for reading every minute takes its time."""
YEARS, TWO_YEARS = range(2024, 2031), range(2026, 2028)
ORDINARY_DAYS, FEW_DAYS = 120, 8
PEOPLE = 4_000
EDGES = (0, 3_600, 7_200, 9 * 3_600, 12 * 3_600, 19 * 3_600 + 3_000, 20 * 3_600)
"""Seconds of the local day: midnight, the hours that clocks double or leave out, openings, last minutes, the end."""
NEAR = (0, 0, 1, -1, 59, 60, -60, 600, -600, 601, -601, 599, -599, 1_800, 3_600, -3_600)
SHARE = 0.999
"""Of the instants at which a text may begin, at least so many must be allowed."""

AREAS = {
    "arizona": ("480", "520", "602", "623", "928"),
    "indiana": ("219", "260", "317", "463", "574", "765", "812", "930"),
    "hawaii_alaska": ("808", "907"),
    "territories": ("340", "671", "684", "670", "787", "939"),
    "canada": ("506", "709", "306", "867"),
}
ZIPS = {
    "navajo": ("86515", "86503", "86033", "86045", "86510", "87328", "84536", "86044", "86003"),
    "arizona": ("85004", "85701", "86001", "86336", "85364"),
    "indiana": ("46204", "47708", "46320", "47514", "46526", "47553", "46360"),
    "hawaii_alaska": ("96813", "96720", "99546", "99501", "99634", "99547"),
    "territories": ("00901", "00801", "96910", "96799", "96950"),
    "two_zones": ("32401", "37201", "37402", "42101", "49801", "58554", "57501", "67735", "69101", "79901", "83501"),
    "unknown": ("", "00000", "nowhere", "09012", "96201", "34002"),
}  # fmt: skip


class Person(NamedTuple):
    """A number and a ZIP, the zones that the product gives them, and the stricter rows that touch them."""

    kind: str
    zip_code: str | None
    number: str
    zones: tuple[str, ...]
    states: tuple[str, ...]


@dataclass
class Compared:
    """What the comparison came to. ``outside``: allowed by the code and not by the oracle, the first few of them."""

    cases: int = 0
    inside: int = 0
    allowed_inside: int = 0
    wrongly_allowed: int = 0
    wrong_ends: int = 0
    wrong_openings: int = 0
    kinds: Counter[str] = field(default_factory=Counter)
    examples: list[dict[str, object]] = field(default_factory=list)

    @property
    def ok(self) -> bool:
        """Nothing outside, and nearly everything inside."""
        wrong = self.wrongly_allowed + self.wrong_ends + self.wrong_openings
        return wrong == 0 and 0 < self.inside < self.cases and self.allowed_inside >= SHARE * self.inside


@cache
def states_of() -> dict[str, tuple[str, ...]]:
    """ZIP, or area code -> the states where it is in use, as keys of the stricter rows."""
    found: dict[str, set[str]] = {}
    for place in list_all():
        for key in (place["zip_code"], *place["area_codes"]):
            found.setdefault(key, set()).add(f"US-{place['state']}")
    return {key: tuple(sorted(states)) for key, states in found.items()}


def draw_people(draw: random.Random, count: int) -> list[Person]:
    """People of all kinds: from anywhere, and from where clocks are peculiar."""
    areas = [f"{npa}" for npa in range(201, 990) if check_phone(f"{npa}5550117").valid]
    zips = [place["zip_code"] for place in list_all()]
    return [_person(draw, areas, zips) for _ in range(count)]


def _person(draw: random.Random, areas: list[str], zips: list[str]) -> Person:
    kind = draw.choice(("anywhere", "anywhere", *AREAS, *ZIPS))
    area = draw.choice(AREAS.get(kind) or areas)
    if kind == "unknown" or draw.random() < 0.05:
        area = draw.choice(("800", "888", "500", area))
    number = f"+1{area}55501{draw.randrange(100):02d}"
    if kind == "navajo" and draw.random() < 0.3:
        area, number = "928", "+1928871"  # the nation's own exchange; no subscriber's digits
    zip_code = draw.choice(ZIPS.get(kind) or (None, draw.choice(zips), draw.choice(zips)))
    states = {*states_of().get(area, ()), *states_of().get(zip_code or "", ())}
    # As they are stored with a constituent and read back.
    zones = parse_zones_key(zones_key(zones_for(number, zip_code)))
    return Person(kind, zip_code, number, zones, tuple(sorted(states & stricter_rows().keys())))


def draw_days(draw: random.Random, years: range, ordinary: int) -> list[date]:
    """Days on which clocks change, those beside them, Sundays, and any others."""
    days: set[date] = set()
    for year in years:
        march, november = date(year, 3, 8), date(year, 11, 1)
        for first in (march, november):  # the second Sunday of March, the first of November
            change = first + timedelta(days=(SUNDAY - first.weekday()) % 7)
            days |= {change + timedelta(days=step) for step in (-1, 0, 1)}
    any_days = [date(years[0], 1, 1) + timedelta(days=step) for step in range(365 * len(years))]
    sundays = [day for day in any_days if day.weekday() == SUNDAY]
    return sorted({*days, *draw.sample(any_days, ordinary // 2), *draw.sample(sundays, ordinary // 2)})


def draw_cases(seed: int, count: int) -> Iterator[tuple[Person, int]]:
    """So many cases, person by person and in the order of time: an order in which the code's own memory serves it."""
    draw = random.Random(seed)
    people = draw_people(draw, min(PEOPLE, count))
    days = draw_days(draw, YEARS, ORDINARY_DAYS) if count >= MANY else draw_days(draw, TWO_YEARS, FEW_DAYS)
    people.sort(key=lambda person: person.zones)
    for index, person in enumerate(people):
        share = count // len(people) + (index < count % len(people))
        yield from ((person, second) for second in sorted(_second(draw, person, days) for _ in range(share)))


def _second(draw: random.Random, person: Person, days: list[date]) -> int:
    """Half of them anywhere in a day, half beside an edge of one of the person's zones; seconds since 1970."""
    day = draw.choice(days)
    if draw.random() < 0.5:
        return int(datetime(day.year, day.month, day.day, tzinfo=UTC).timestamp()) + draw.randrange(DAY)
    edge = timedelta(seconds=draw.choice(EDGES))
    wall = datetime(day.year, day.month, day.day, fold=draw.randrange(2)) + edge  # noqa: DTZ001  a wall clock
    local = wall.replace(tzinfo=ZoneInfo(draw.choice(person.zones)), fold=draw.randrange(2))
    return int(local.timestamp()) + draw.choice(NEAR)


def compare(seed: int, count: int) -> Compared:
    """Ask the code, as a slice does, and the oracle about every case."""
    found = Compared()
    for person, second in draw_cases(seed, count):
        at = datetime.fromtimestamp(second, UTC)
        said = window(person.zones, at)
        right = may_begin(person.zones, person.states, second)
        found.cases += 1
        found.kinds[person.kind] += 1
        found.inside += right
        found.allowed_inside += right and said.open
        found.wrongly_allowed += said.open and not right
        wrong = said.open and not right
        if said.open and said.closes_at is not None:
            end = int(said.closes_at.timestamp())
            bad = is_open(person.zones, person.states, end) or not is_open(person.zones, person.states, end - 1)
            found.wrong_ends += bad
            wrong |= bad
        elif said.opens_at is not None:
            first = int(said.opens_at.timestamp())
            bad = first <= second or not may_begin(person.zones, person.states, first)
            found.wrong_openings += bad
            wrong |= bad
        if (wrong or said.open != right) and len(found.examples) < 20:
            found.examples.append(
                {"zip": person.zip_code, "number": person.number[:5], "zones": person.zones, "at": at.isoformat()}
            )
    return found


def as_json(seed: int, count: int) -> dict[str, object]:
    """The comparison as an object of figures."""
    begun = time.monotonic()
    found = compare(seed, count)
    return {
        "oracle": "quiet-hours",
        "seed": seed,
        "cases": found.cases,
        "inside": found.inside,
        "allowed_inside": found.allowed_inside,
        "share": round(found.allowed_inside / found.inside, 6) if found.inside else None,
        "wrongly_allowed": found.wrongly_allowed,
        "wrong_ends": found.wrong_ends,
        "wrong_openings": found.wrong_openings,
        "kinds": dict(sorted(found.kinds.items())),
        "examples": found.examples,
        "ok": found.ok,
        "seconds": round(time.monotonic() - begun, 1),
    }
