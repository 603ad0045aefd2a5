"""``plan_1m``, ``first_text``, ``stop_during_plan``: what launching to 1,000,000 people costs and holds up.

Planning is timed by itself, in turn with bare inserts of the same rows. Then the same audience is launched once on the
whole site, as an organizer would, while people text STOP.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from statistics import median
from typing import Any

import requests
from sqlalchemy import select

from outreach.bench import BenchError
from outreach.bench.bare_plan import bare_plan
from outreach.bench.crowd import Crowd
from outreach.bench.ground import Ground, ground, machine
from outreach.bench.heard_stops import bystanders, quantile
from outreach.bench.rows import Row, duration_row, rounded
from outreach.bench.scene import Scene, launch, set_scene, shelve
from outreach.bench.waiting import is_planned, until
from outreach.core.errors import OutreachError
from outreach.escalations.models import Wave
from outreach.escalations.planning import plan_wave
from outreach.stage import StageError
from outreach.stage.processes import Processes
from outreach.story.play import Launched

LATENCY_MS = 100.0
THREADS = 32
LONG_SECONDS = 3_600.0
STOPS_PER_SECOND = 20.0
QUIET_SECONDS = 5.0
EVERYBODY, ONE = "Everybody", "One"


@dataclass(frozen=True, slots=True)
class Size:
    """How many people, and how often their planning is timed."""

    pairs: int
    people: int


FULL, QUICK = Size(3, 1_000_000), Size(1, 20_000)


@dataclass(slots=True)
class Found:
    """What one database gave: seconds of planning, of the bare inserts, to the first text; STOPs' milliseconds."""

    planned: list[float] = field(default_factory=list)
    bare: list[float] = field(default_factory=list)
    first: float = 0.0
    first_of_one: float = 0.0
    planned_on_site: float = 0.0
    stops: list[float] = field(default_factory=list)
    quiet: list[float] = field(default_factory=list)

    def as_json(self) -> dict[str, Any]:
        """For the rows' conditions."""
        return {
            "planned_s": [rounded(each) for each in self.planned],
            "bare_s": [rounded(each) for each in self.bare],
            "first_text_s": rounded(self.first),
            "first_text_of_one_s": rounded(self.first_of_one),
            "planned_on_site_s": rounded(self.planned_on_site),
            "stops": len(self.stops),
            "stop_p50_ms": rounded(quantile(self.stops, 0.5)),
            "stop_p99_ms": rounded(quantile(self.stops, 0.99)),
            "stop_max_ms": rounded(max(self.stops)),
            "quiet_stop_p99_ms": rounded(quantile(self.quiet, 0.99)),
        }


def measure_plan(
    processes: Processes, kinds: Sequence[str], say: Callable[[str], None], *, quick: bool = False
) -> list[Row]:
    """The three rows, of one database where the other was broken off. Raises BenchError, StageError."""
    size = QUICK if quick else FULL
    found: dict[str, Found] = {}
    broken: dict[str, OutreachError] = {}
    for kind in kinds:
        try:
            found[kind] = _measure(kind, processes, size, say)
        except (BenchError, StageError) as error:  # an hour's figures of the other database are worth having
            say(f"plan: broken off on {kind}. {error}")
            broken[kind] = error
    if not found:
        raise next(iter(broken.values()))
    return _rows(found, size, {kind: error.code for kind, error in broken.items()}, quick=quick)


def _measure(kind: str, processes: Processes, size: Size, say: Callable[[str], None]) -> Found:
    say(f"plan: making {size.people:,} people on {kind} ...")
    found = Found()
    with ground(kind, processes, latency_ms=LATENCY_MS) as at:
        at.be_silent()
        scene = set_scene(at.alone)
        crowd = Crowd(at.alone, scene.group_id)
        crowd.gather(size.people, EVERYBODY)
        say(f"plan: planning them {size.pairs} x on {kind} ...")
        for _ in range(size.pairs):
            _pair(at, scene, found)
        crowd.gather(1, ONE)
        say(f"plan: launching on {kind} ...")
        _launch(at, scene, size.people, found)
    return found


def _pair(at: Ground, scene: Scene, found: Found) -> None:
    """Bare inserts, then planning proper, of one wave that nobody sends."""
    launched = launch(at.alone, scene, EVERYBODY)
    shelve(at.alone, launched)
    found.bare.append(bare_plan(at.alone, launched))
    began = time.perf_counter()
    plan_wave(at.alone, launched.wave_id, LONG_SECONDS)
    found.planned.append(time.perf_counter() - began)


def _launch(at: Ground, scene: Scene, people: int, found: Found) -> None:
    """Launch to one person, then to everybody, on a site with one worker as the Procfile has it."""
    at.start("web", "worker", "upkeep", threads=THREADS)
    found.first_of_one = _first_text(at, launch(at.runtime, scene, ONE))
    with bystanders(at, last=people - 1, per_second=STOPS_PER_SECOND) as heard:
        time.sleep(2 * QUIET_SECONDS)  # each web process has then worked before, as one that runs for days has
        began = time.time()
        launched = launch(at.runtime, scene, EVERYBODY)
        until(at, launched, lambda: is_planned(at, launched))
        ended = time.time()
        found.first = _first_text(at, launched)
        shelve(at.alone, launched)
    found.planned_on_site = _planned_seconds(at, launched)
    found.quiet = heard.stop_times(began - QUIET_SECONDS, began)
    found.stops = heard.stop_times(began, ended)


def _first_text(at: Ground, launched: Launched) -> float:
    """Seconds from the launch to the moment when the carrier had received its first create. Waits for it."""
    since = launched.at.timestamp()
    found: list[float] = []

    def has_come() -> bool:
        with requests.Session() as http:
            http.trust_env = False
            lines = http.get(f"{at.env['TWILIO_BASE_URL']}/_rehearsal/ledger", timeout=30).text.splitlines()
        rows = (json.loads(line) for line in lines)
        found[:] = sorted(row["received_at"] for row in rows if row["kind"] == "create" and row["received_at"] >= since)
        return bool(found)

    until(at, launched, has_come)
    return found[0] - since


def _planned_seconds(at: Ground, launched: Launched) -> float:
    """From launch to the end of planning, by the domain clock, which goes as fast as the real one here."""
    with at.alone.db.snapshot() as session:
        wave = session.execute(select(Wave.planned_at, Wave.launched_at).where(Wave.id == launched.wave_id)).one()
    return float((wave.planned_at - wave.launched_at).total_seconds())


def _rows(found: Mapping[str, Found], size: Size, broken: Mapping[str, str], *, quick: bool) -> list[Row]:
    # The target is SQLite's; where only PostgreSQL was measured, the row says so in its conditions.
    kind = "sqlite" if "sqlite" in found else next(iter(found))
    conditions = {
        **machine(),
        "quick": quick,
        "database": kind,
        "people": size.people,
        "pairs": size.pairs,
        "web_processes": 2,
        "sender_processes": 1,
        "threads": THREADS,
        "carrier_latency_ms": LATENCY_MS,
        "stops_per_second": STOPS_PER_SECOND,
        "databases": {each: one.as_json() for each, one in found.items()},
        "broken_off": dict(broken),
    }
    planned, bare = rounded(median(found[kind].planned)), rounded(median(found[kind].bare))
    bare_inserts = {**conditions, "ceiling": "one INSERT ... SELECT a table, in one transaction, rolled back"}
    slowest = max(found, key=lambda each: found[each].first)
    first, of_one = rounded(found[slowest].first), rounded(found[slowest].first_of_one)
    one_person = {**conditions, "database": slowest, "ceiling": "the same for a campaign to one person, just before"}
    worst = max(found, key=lambda each: quantile(found[each].stops, 0.99))
    stop, quiet = quantile(found[worst].stops, 0.99), quantile(found[worst].quiet, 0.99)
    quiet_site = {**conditions, "database": worst, "ceiling": "the p99 of the seconds before the launch"}
    return [
        Row("plan_1m", planned, "s", bare, rounded(bare / planned), "value<=20", bare_inserts),
        Row("first_text", first, "s", of_one, rounded(of_one / first), "value<=2", one_person),
        duration_row("stop_during_plan", stop, quiet, "value<100", quiet_site),
    ]
