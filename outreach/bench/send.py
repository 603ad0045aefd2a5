"""``send_100ms`` and ``send_cpu``: the product's ``send_batch`` against bare HTTP at the same carrier, in turn."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from statistics import median
from typing import Any

from outreach.bench import BenchError
from outreach.bench.child import run
from outreach.bench.crowd import Crowd
from outreach.bench.ground import Ground, ground, machine
from outreach.bench.rows import Row, rounded
from outreach.bench.scene import Scene, launch_planned, set_scene, states
from outreach.stage.processes import Processes

LATENCY_MS = 100.0
THREADS = 128
SPOKE_PER_SECOND = 145
"""What Spoke (politics-rewired 7.3) sent on such a machine with a carrier of 50 ms; recorded, not measured here."""
RAW = "http.client, kept alive, one connection a thread, in a process of its own"
RAW_FIRST = 1_200_000
"""The bare creates go to numbers that no crowd of ours has come to."""


@dataclass(frozen=True, slots=True)
class Size:
    """How much is sent in each leg, and how often."""

    pairs: int
    messages: int
    messages_at_once: int


FULL, QUICK = Size(3, 10_000, 5_000), Size(1, 640, 320)


@dataclass(slots=True)
class Legs:
    """What the legs of one database gave: messages a second and CPU microseconds a message."""

    ours: list[float] = field(default_factory=list)
    raw: list[float] = field(default_factory=list)
    tail: list[float] = field(default_factory=list)

    @property
    def ratio(self) -> float:
        """Ours in the ceiling's measure."""
        return median(self.ours) / median(self.raw)


def measure_send(
    processes: Processes, kinds: Sequence[str], say: Callable[[str], None], *, quick: bool = False
) -> list[Row]:
    """Both rows; the worse database's, with every figure in the conditions. Raises BenchError, StageError."""
    size = QUICK if quick else FULL
    rates: dict[str, Legs] = {}
    costs: dict[str, Legs] = {}
    for kind in kinds:
        with ground(kind, processes, latency_ms=LATENCY_MS) as at:
            at.be_silent()
            at.start("upkeep")  # it folds: sending would slow down for a tail that nobody takes in
            scene = set_scene(at.alone)
            crowd = Crowd(at.alone, scene.group_id)
            say(f"send: {size.pairs} x {size.messages:,} texts on {kind}, carrier at {LATENCY_MS:g} ms ...")
            rates[kind] = _rates(at, scene, crowd, size)
            at.tell_carrier("faults", {"latency_ms": 0.0})
            say(f"send: {size.pairs} x {size.messages_at_once:,} texts on {kind}, carrier at 0 ms ...")
            costs[kind] = _costs(at, scene, crowd, size)
    return [_rate_row(rates, size, quick=quick), _cost_row(costs, size, quick=quick)]


def _rates(at: Ground, scene: Scene, crowd: Crowd, size: Size) -> Legs:
    legs = Legs()
    for _ in range(size.pairs):
        raw = raw_leg(at, size.messages, THREADS)
        legs.raw.append(raw["messages"] / raw["seconds"])
        ours, _database = _our_leg(at, scene, crowd, size.messages, THREADS)
        legs.ours.append(ours["messages"] / ours["seconds"])
        legs.tail.append(ours["call_seconds"] - ours["seconds"])
    return legs


def _costs(at: Ground, scene: Scene, crowd: Crowd, size: Size) -> Legs:
    legs = Legs()
    for _ in range(size.pairs):
        raw = raw_leg(at, size.messages_at_once, THREADS)
        legs.raw.append(raw["cpu_seconds"] / raw["messages"] * 1e6)
        ours, database = _our_leg(at, scene, crowd, size.messages_at_once, THREADS)
        legs.ours.append((ours["cpu_seconds"] + database) / ours["messages"] * 1e6)
        legs.tail.append(database / ours["messages"] * 1e6)
    return legs


def raw_leg(at: Ground, messages: int, threads: int) -> dict[str, Any]:
    """Bare creates to numbers that no crowd comes to. A second leg takes the same ones: nobody reads this ledger."""
    return run(at.processes, "raw_http", at.env, first=RAW_FIRST - messages, count=messages, threads=threads)


def _our_leg(at: Ground, scene: Scene, crowd: Crowd, messages: int, threads: int) -> tuple[dict[str, Any], float]:
    """Plan a campaign of so many people, then send it; what the sender said, and the database server's CPU seconds."""
    name = f"People {crowd.made}"
    crowd.gather(messages, name)
    launched = launch_planned(at.alone, scene, name)
    before = at.database_cpu()
    sent = run(at.processes, "sender", at.env, gate=launched.gate_id, threads=threads)
    database = at.database_cpu() - before
    if sent["messages"] != messages:
        stand = states(at.alone, launched)
        raise BenchError("bench_not_all_sent", sent=sent["messages"], wanted=messages, states=stand)
    return sent, database


def _rate_row(found: Mapping[str, Legs], size: Size, *, quick: bool) -> Row:
    worse = min(found, key=lambda kind: found[kind].ratio)
    value, ceiling = rounded(median(found[worse].ours)), rounded(median(found[worse].raw))
    conditions = {
        **_conditions(worse, size.pairs, size.messages, THREADS, LATENCY_MS, quick=quick),
        "spoke_recorded_per_second": SPOKE_PER_SECOND,
        "times_spoke": rounded(value / SPOKE_PER_SECOND),
        "databases": {
            kind: {
                "per_second": [rounded(rate) for rate in legs.ours],
                "raw_per_second": [rounded(rate) for rate in legs.raw],
                "ratio": rounded(legs.ratio),
                "seconds_after_the_last_answer": rounded(median(legs.tail)),
            }
            for kind, legs in found.items()
        },
    }
    return Row("send_100ms", value, "msg/s", ceiling, rounded(value / ceiling), "ratio>=0.9", conditions)


def _cost_row(found: Mapping[str, Legs], size: Size, *, quick: bool) -> Row:
    worse = max(found, key=lambda kind: median(found[kind].ours))
    value, ceiling = rounded(median(found[worse].ours)), rounded(median(found[worse].raw))
    conditions = {
        **_conditions(worse, size.pairs, size.messages_at_once, THREADS, 0.0, quick=quick),
        "databases": {
            kind: {
                "us": [rounded(each) for each in legs.ours],
                "of_it_database_us": [rounded(each) for each in legs.tail],
                "raw_us": [rounded(each) for each in legs.raw],
            }
            for kind, legs in found.items()
        },
    }
    return Row("send_cpu", value, "us", ceiling, rounded(ceiling / value), "value<=700", conditions)


def _conditions(
    worse: str, pairs: int, messages: int, threads: int, latency_ms: float, *, quick: bool
) -> dict[str, Any]:
    return {
        **machine(),
        "quick": quick,
        "worse": worse,
        "pairs": pairs,
        "messages": messages,
        "sender_processes": 1,
        "threads": threads,
        "carrier_latency_ms": latency_ms,
        "callbacks": False,
        "ceiling": RAW,
    }
