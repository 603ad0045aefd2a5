"""``callbacks``: signed status callbacks that the real web server takes and the real upkeep folds.

What they are held against is the drained rate of the same run: a blast from launch to its last folded report.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median
from typing import Any

from sqlalchemy import select

from outreach.bench import BenchError
from outreach.bench.child import run
from outreach.bench.crowd import Crowd
from outreach.bench.ground import Ground, ground, machine
from outreach.bench.rows import Row, rounded
from outreach.bench.scene import Scene, launch, set_scene, states
from outreach.bench.waiting import drained, has_left, is_folded, until
from outreach.messaging.models import Message, MessageAttempt
from outreach.stage.processes import Processes
from outreach.story.play import Launched

LATENCY_MS = 100.0
THREADS = 128
AT_ONCE = 16
"""Callbacks under way at once."""


@dataclass(frozen=True, slots=True)
class Size:
    """How many people each leg has, and how often it is run."""

    pairs: int
    people: int


FULL, QUICK = Size(3, 10_000), Size(1, 300)


@dataclass(slots=True)
class Found:
    """What one database gave: callbacks and texts a second, and what the callbacks' senders waited."""

    callbacks: list[float] = field(default_factory=list)
    accepted: list[float] = field(default_factory=list)
    drained: list[float] = field(default_factory=list)
    p99: list[float] = field(default_factory=list)

    @property
    def ratio(self) -> float:
        """Callbacks to texts."""
        return median(self.callbacks) / median(self.drained)


def measure_callbacks(
    processes: Processes, kinds: Sequence[str], say: Callable[[str], None], *, quick: bool = False
) -> Row:
    """The row: the worse database's rates, with every figure in its conditions. Raises BenchError, StageError."""
    size = QUICK if quick else FULL
    found: dict[str, Found] = {}
    for kind in kinds:
        say(f"callbacks: {size.pairs} x {size.people:,} people on {kind} ...")
        with ground(kind, processes, latency_ms=LATENCY_MS) as at:
            scene = set_scene(at.alone)
            crowd = Crowd(at.alone, scene.group_id)
            at.start("web", "worker", "upkeep", threads=THREADS)
            found[kind] = Found()
            for _ in range(size.pairs):
                _drained_leg(at, scene, crowd, size.people, found[kind])
                _callback_leg(at, scene, crowd, size.people, found[kind])
    return _row(found, size, quick=quick)


def _drained_leg(at: Ground, scene: Scene, crowd: Crowd, people: int, found: Found) -> None:
    at.new_carrier()
    name = f"Drained {crowd.made}"
    crowd.gather(people, name)
    launched = launch(at.runtime, scene, name)
    seconds = drained(at, launched, at.carrier)
    _require(at, launched, people)
    found.drained.append(people / seconds)


def _callback_leg(at: Ground, scene: Scene, crowd: Crowd, people: int, found: Found) -> None:
    """Send a campaign of which the carrier reports nothing, then report it ourselves, as fast as it is taken."""
    at.be_silent()
    name = f"Reported {crowd.made}"
    crowd.gather(people, name)
    launched = launch(at.runtime, scene, name)
    until(at, launched, lambda: has_left(at, launched))
    path = at.processes.private_directory("attempts") / "attempts"
    _write_attempts(at, launched, path)
    heard = run(at.processes, "reporter", at.env, attempts=path, threads=AT_ONCE)
    until(at, launched, lambda: is_folded(at))
    seconds = time.time() - float(heard["began_at"])
    if heard["refused"]:
        raise BenchError("bench_callbacks_refused", refused=heard["refused"], callbacks=heard["asked"])
    _require(at, launched, people)
    found.callbacks.append(heard["asked"] / seconds)
    found.accepted.append(heard["asked"] / heard["seconds"])
    found.p99.append(heard["p99_ms"])


def _write_attempts(at: Ground, launched: Launched, path: Path) -> None:
    attempts = (
        select(MessageAttempt.id, Message.carrier_sid)
        .join(Message, Message.id == MessageAttempt.message_id)
        .where(Message.gate_id == launched.gate_id, Message.carrier_sid.is_not(None))
        .order_by(MessageAttempt.id)
    )
    with at.alone.db.snapshot() as session:
        path.write_text("".join(f"{row[0]} {row[1]}\n" for row in session.execute(attempts)), encoding="ascii")


def _require(at: Ground, launched: Launched, people: int) -> None:
    """Everybody's text is delivered and folded, or the rate is that of something else."""
    stand = states(at.alone, launched)
    if stand != {"delivered": people}:
        raise BenchError("bench_not_all_sent", sent=stand.get("delivered", 0), wanted=people, states=stand)


def _row(found: Mapping[str, Found], size: Size, *, quick: bool) -> Row:
    worse = min(found, key=lambda kind: found[kind].ratio)
    value, ceiling = rounded(median(found[worse].callbacks)), rounded(median(found[worse].drained))
    conditions: dict[str, Any] = {
        **machine(),
        "quick": quick,
        "worse": worse,
        "pairs": size.pairs,
        "people": size.people,
        "callbacks_at_once": AT_ONCE,
        "web_processes": 2,
        "sender_processes": 1,
        "threads": THREADS,
        "carrier_latency_ms": LATENCY_MS,
        "ceiling": "not a ceiling but the drained rate: texts a second from launch to the last folded report",
        "databases": {
            kind: {
                "folded_per_second": [rounded(each) for each in one.callbacks],
                "accepted_per_second": [rounded(each) for each in one.accepted],
                "drained_texts_per_second": [rounded(each) for each in one.drained],
                "p99_ms": [rounded(each) for each in one.p99],
                "ratio": rounded(one.ratio),
            }
            for kind, one in found.items()
        },
    }
    return Row("callbacks", value, "callbacks/s", ceiling, rounded(value / ceiling), "ratio>=2.5", conditions)
