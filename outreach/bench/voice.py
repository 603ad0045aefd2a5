"""``voice``, ``voice_p99``: the requests of calls, as many at once as of texts, beside the same bare view.

Sessions are made beforehand, as the carrier would have them in hand; each request moves one of them by a step: the
script is made and sealed, an office is chosen and its leg noted, durably, before the answer.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from statistics import median
from typing import Any

from sqlalchemy import func, select, update

from outreach.bench import BenchError, bare_view
from outreach.bench.caller import STEPS, call_sid
from outreach.bench.child import run
from outreach.bench.crowd import Crowd, number
from outreach.bench.ground import Ground, bare_ground, machine
from outreach.bench.rows import Row, duration_row, rounded
from outreach.bench.scene import launch_planned, set_scene
from outreach.bench.webhook import AT_ONCE, SITE_THREADS
from outreach.calls.asking import ask_call
from outreach.calls.models import CallLeg, CallSession
from outreach.officials.models import Office
from outreach.stage.processes import Processes

CALL_POWER_PER_SECOND = 226
"""Recorded for Call Power's voice webhooks on a machine like ours; see PERFORMANCE.md."""


@dataclass(frozen=True, slots=True)
class Size:
    """How often each leg is run, and how many calls it has."""

    pairs: int
    calls: int


FULL, QUICK = Size(5, 1_000), Size(1, 100)


@dataclass(slots=True)
class Found:
    """What one database gave: requests and bare requests a second, and what callers waited."""

    asked: list[float] = field(default_factory=list)
    bare: list[float] = field(default_factory=list)
    p99: list[float] = field(default_factory=list)
    bare_p99: list[float] = field(default_factory=list)


def measure_voice(
    processes: Processes, kinds: Sequence[str], say: Callable[[str], None], *, quick: bool = False
) -> list[Row]:
    """The rate, and how long a caller waits; the worse database's. Raises BenchError, StageError."""
    size = QUICK if quick else FULL
    found: dict[str, Found] = {}
    for kind in kinds:
        say(f"voice: {size.pairs} x {size.calls:,} calls on {kind} ...")
        with bare_ground(kind, processes) as at:
            found[kind] = _measure(at, size)
    rates = {kind: median(one.asked) / median(one.bare) for kind, one in found.items()}
    slower = min(rates, key=lambda kind: rates[kind])
    waits = max(found, key=lambda kind: median(found[kind].p99))
    conditions: dict[str, Any] = {
        **machine(), "quick": quick, "pairs": size.pairs, "calls": size.calls, "requests_a_call": len(STEPS),
        "requests_at_once": AT_ONCE, "web_processes": 2, "web_threads": SITE_THREADS,
        "databases": {
            kind: {
                "per_second": [rounded(each) for each in one.asked],
                "bare_view_per_second": [rounded(each) for each in one.bare],
                "p99_ms": [rounded(each) for each in one.p99],
                "bare_view_p99_ms": [rounded(each) for each in one.bare_p99],
            }
            for kind, one in found.items()
        },
    }  # fmt: skip
    value, ceiling = rounded(median(found[slower].asked)), rounded(median(found[slower].bare))
    beside = {
        "database": slower, "call_power_recorded_per_second": CALL_POWER_PER_SECOND,
        "times_call_power": rounded(value / CALL_POWER_PER_SECOND),
        "ceiling": "a signed view that writes one raw row, durably, under the same server, the same load",
    }  # fmt: skip
    rate = Row("voice", value, "requests/s", ceiling, rounded(value / ceiling), "ratio>=0.3", {**conditions, **beside})
    wait = {**conditions, "database": waits, "ceiling": "the p99 of that view"}
    one = found[waits]
    return [rate, duration_row("voice_p99", median(one.p99), median(one.bare_p99), "value<=30", wait)]


def _measure(at: Ground, size: Size) -> Found:
    scene, found = set_scene(at.alone), Found()
    Crowd(at.alone, scene.group_id).gather(size.calls * (size.pairs + 1), "Everybody")
    launched = launch_planned(at.alone, scene, "Everybody")
    with at.alone.db.transaction() as tx:
        tx.execute(update(Office).values(lines=1_000_000))
    at.start("web", "upkeep")
    bare = bare_view.program(at, bare_view.place(at))
    at.processes.start(bare)
    at.started.append(bare.name)
    for turn in range(size.pairs + 1):
        person = size.calls * turn
        first = _sessions(at, scene.group_id, launched.gate_id, person, size.calls)
        told = run(at.processes, "caller", at.env, first=first, person=person, count=size.calls, threads=AT_ONCE)
        view = run(at.processes, "texter", bare.env, first=person, count=size.calls * len(STEPS), threads=AT_ONCE)
        if told["refused"] or view["refused"]:
            raise BenchError("bench_texts_refused", refused=told["refused"] + view["refused"], texts=told["asked"])
        if turn == 0:
            continue  # connections are made, statements are prepared
        found.asked.append(told["asked"] / told["seconds"])
        found.bare.append(view["asked"] / view["seconds"])
        found.p99.append(told["p99_ms"])
        found.bare_p99.append(view["p99_ms"])
    _require(at, size.calls * (size.pairs + 1))
    return found


def _sessions(at: Ground, group_id: int, gate_id: int, person: int, count: int) -> int:
    """So many calls that were placed, with ids in a row; the first id."""
    runtime = at.alone
    now = runtime.clock.now()
    ids = []
    with runtime.db.transaction() as tx:
        for index in range(person, person + count):
            session = ask_call(
                tx, runtime, group_id=group_id, gate_id=gate_id, constituent_id=None,
                number_hash=runtime.vault.number_hash(number(index)), to=number(index),
                known={"first_name": "Ana"}, language="en", source="reply", asked_at=now,
            )  # fmt: skip
            assert session is not None  # noqa: S101  the campaign was launched, and its official has a number
            session.state, session.carrier_sid = "placed", call_sid(session.id)
            ids.append(session.id)
    if ids != list(range(ids[0], ids[0] + count)):
        raise BenchError("bench_not_alone")
    return ids[0]


def _require(at: Ground, calls: int) -> None:
    """Every call has come to its office, once."""
    with at.alone.db.snapshot() as session:
        legs = session.execute(select(func.count()).select_from(CallLeg)).scalar_one()
        there = session.execute(select(func.count()).where(CallSession.step == len(STEPS))).scalar_one()
    if not legs == there == calls:
        raise BenchError("bench_texts_lost", stored=min(legs, there), wanted=calls)
