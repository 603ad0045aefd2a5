"""``blast_sqlite``, ``blast_postgresql``, ``blast_stop_p99``: a whole blast, from launch to its last folded report.

Two callbacks a text, one in ten people replies, some text STOP out of turn, and staff watch the tally; carrier, web,
worker, upkeep and database share this machine. At the end our rows and the carrier's books must be the same.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from statistics import median
from typing import Any

from outreach.bench import BenchError
from outreach.bench.crowd import Crowd
from outreach.bench.ground import UNREACHABLE, Ground, ground, machine
from outreach.bench.heard_stops import Heard, bystanders, quantile
from outreach.bench.rows import Row, duration_row, rounded
from outreach.bench.scene import draft, launch_draft, set_scene, states
from outreach.bench.send import RAW, raw_leg
from outreach.bench.waiting import drained
from outreach.stage.processes import Processes
from outreach.story.ledger import differences
from outreach.story.play import Launched
from outreach.tallies.campaign import campaign_tally

LATENCY_MS = 100.0
THREADS = 128
STOPS_PER_SECOND = 10.0
QUIET_SECONDS = 5.0
REPLIES = {
    "delivered": 900,
    "stop": 10,
    "report_digit": 40,
    "report_words": 25,
    "script": 5,
    "help": 5,
    "free_text": 15,
}
"""Persona -> share per 1,000. Few opt out: a blast of which 3 % do is halted."""
SECONDS = {"sqlite": 150, "postgresql": 200}
"""The targets, for 100,000 people."""


@dataclass(frozen=True, slots=True)
class Size:
    """How many people, and how many bare creates in each leg of the ceiling."""

    people: int
    bare: int


FULL, QUICK = Size(100_000, 10_000), Size(2_000, 640)


@dataclass(slots=True)
class Found:
    """What one database gave."""

    seconds: float = 0.0
    bare_per_second: list[float] = field(default_factory=list)
    stops: list[float] = field(default_factory=list)
    quiet: list[float] = field(default_factory=list)
    syncs: list[float] = field(default_factory=list)
    pages: dict[str, Any] = field(default_factory=dict)
    tally: dict[str, int] = field(default_factory=dict)
    cpu: dict[str, float] = field(default_factory=dict)


def measure_blast(
    processes: Processes, kinds: Sequence[str], say: Callable[[str], None], *, quick: bool = False
) -> list[Row]:
    """A row for each database, and one for the STOPs. Raises BenchError, StageError."""
    size = QUICK if quick else FULL
    found: dict[str, Found] = {}
    for kind in kinds:
        say(f"blast: {size.people:,} people on {kind} ...")
        with ground(kind, processes, latency_ms=LATENCY_MS) as at:
            found[kind] = _blast(at, size)
        say(f"blast: drained in {found[kind].seconds:.1f} s on {kind}")
    rows = [_blast_row(kind, one, size, quick=quick) for kind, one in found.items()]
    return [*rows, _stop_row(found, size, quick=quick)]


def _blast(at: Ground, size: Size) -> Found:
    found = Found()
    scene = set_scene(at.alone)
    crowd = Crowd(at.alone, scene.group_id)
    crowd.gather(size.people, "Everybody")
    found.bare_per_second.append(_bare(at, size))
    at.new_carrier()
    at.tell_carrier("personas", {"weights": REPLIES, "calls": UNREACHABLE})
    at.start("web", "worker", "upkeep", threads=THREADS)
    campaign_id = draft(at.alone, scene, "Everybody")
    watched = Launched(scene.group_id, campaign_id, 0, 0, 0.0, at.alone.clock.real_now())
    with bystanders(at, last=size.people - 1, per_second=STOPS_PER_SECOND, watching=watched) as heard:
        time.sleep(QUIET_SECONDS)
        before, began = at.cpu(), time.time()
        launched = launch_draft(at.runtime, scene, campaign_id)
        found.seconds = drained(at, launched, at.carrier)
        found.cpu = {name: rounded(taken - before[name]) for name, taken in at.cpu().items()}
    _check(at, launched, size, heard)
    _note(found, heard, began)
    found.tally = states(at.alone, launched)
    found.bare_per_second.append(_bare(at, size))
    return found


def _bare(at: Ground, size: Size) -> float:
    """Bare creates a second, with no callback to come."""
    at.be_silent()
    raw = raw_leg(at, size.bare, THREADS)
    return float(raw["messages"] / raw["seconds"])


def _note(found: Found, heard: Heard, began: float) -> None:
    found.quiet = heard.stop_times(began - QUIET_SECONDS, began)
    found.stops = heard.stop_times(began, began + found.seconds)
    found.syncs = heard.sync_times(began, began + found.seconds)
    found.pages = heard.page_figures()


def _check(at: Ground, launched: Launched, size: Size, heard: Heard) -> None:
    """Everybody is accounted for, nobody was texted twice, and the carrier says the same. Raises BenchError."""
    wrong = differences(at.alone, launched.wave_id, [*at.carrier.ledger(), *heard.texts])
    with at.alone.db.snapshot() as session:
        tally = campaign_tally(session, launched.group_id, launched.campaign_id, at.alone.clock)
    wrong["people"] += size.people - sum(tally.states.values())
    wrong["waiting"] += tally.states["planned"]
    if +wrong:
        raise BenchError("bench_wrong_blast", differences=dict(+wrong))


def _blast_row(kind: str, found: Found, size: Size, *, quick: bool) -> Row:
    value, least = rounded(found.seconds), rounded(size.people / median(found.bare_per_second))
    conditions = {
        **_conditions(size, quick=quick),
        "database": kind,
        "texts_per_second": rounded(size.people / found.seconds),
        "states": found.tally,
        "tally_page": found.pages,
        "cpu_us_a_text": {name: rounded(taken / size.people * 1e6) for name, taken in found.cpu.items()},
        "bare_per_second": [rounded(rate) for rate in found.bare_per_second],
        "ceiling": f"so many bare creates one after the other: {RAW}; half of them before the blast, half after it",
    }
    return Row(f"blast_{kind}", value, "s", least, rounded(least / value), f"value<={SECONDS[kind]}", conditions)


def _stop_row(found: Mapping[str, Found], size: Size, *, quick: bool) -> Row:
    worst = max(found, key=lambda kind: quantile(found[kind].stops, 0.99))
    conditions = {
        **_conditions(size, quick=quick),
        "database": worst,
        "ceiling": "the p99 of a page written to a file on the same disk and synced, ten times a second all the while",
        "databases": {
            kind: {
                "stops": len(one.stops),
                "p50_ms": rounded(quantile(one.stops, 0.5)),
                "p99_ms": rounded(quantile(one.stops, 0.99)),
                "max_ms": rounded(max(one.stops)),
                "quiet_p99_ms": rounded(quantile(one.quiet, 0.99)),
                "sync_p50_ms": rounded(quantile(one.syncs, 0.5)),
                "sync_p99_ms": rounded(quantile(one.syncs, 0.99)),
                "tally_page": one.pages,
            }
            for kind, one in found.items()
        },
    }
    value, synced = quantile(found[worst].stops, 0.99), quantile(found[worst].syncs, 0.99)
    return duration_row("blast_stop_p99", value, synced, "value<100", conditions)


def _conditions(size: Size, *, quick: bool) -> dict[str, Any]:
    return {
        **machine(),
        "quick": quick,
        "people": size.people,
        "callbacks_a_text": 2,
        "replies_per_thousand": 1000 - REPLIES["delivered"],
        "web_processes": 2,
        "sender_processes": 1,
        "threads": THREADS,
        "carrier_latency_ms": LATENCY_MS,
        "stops_per_second": STOPS_PER_SECOND,
    }
