"""``webhook_sqlite``, ``webhook_postgresql``, ``webhook_p99``: people's texts that the real web server takes.

Each is verified, stored, understood, obeyed, and answered where an answer is due, and on disk before that. Beside it,
in turn: a view that only verifies and writes a raw row, under the same server; on PostgreSQL a loop that commits rows.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from statistics import median
from typing import Any

from sqlalchemy import func, select

from outreach.bench import BenchError, bare_view
from outreach.bench.child import run
from outreach.bench.crowd import Crowd
from outreach.bench.ground import Ground, bare_ground, machine
from outreach.bench.rows import Row, duration_row, rounded
from outreach.bench.scene import launch_planned, set_scene
from outreach.messaging.claims import claim
from outreach.messaging.models import Reply
from outreach.messaging.slices import slice_out
from outreach.stage.processes import Processes

AT_ONCE = 16
"""Texts under way at once."""
SITE_THREADS = 4
"""Of the web server: two in each of two processes."""
SPOKE_PER_SECOND = 273
"""Recorded for Spoke's inbound webhook on a machine like ours; see PERFORMANCE.md."""
TARGETS = {"sqlite": "ratio>=0.35", "postgresql": "ratio>=0.25"}
CEILINGS = {
    "sqlite": "a signed view that writes one raw row, durably, under the same server, the same load",
    "postgresql": "a loop that commits one raw row at a time over psycopg, four connections at once, no web server",
}


@dataclass(frozen=True, slots=True)
class Size:
    """How often each leg is run, and how many texts it has."""

    pairs: int
    texts: int


FULL, QUICK = Size(5, 3_000), Size(1, 200)


@dataclass(slots=True)
class Found:
    """What one database gave: texts, bare requests and bare commits a second, and what senders waited."""

    texts: list[float] = field(default_factory=list)
    bare: list[float] = field(default_factory=list)
    commits: list[float] = field(default_factory=list)
    p99: list[float] = field(default_factory=list)
    bare_p99: list[float] = field(default_factory=list)

    def ceiling(self, kind: str) -> float:
        """What the rate of texts is held against."""
        return median(self.bare if kind == "sqlite" else self.commits)


def measure_webhook(
    processes: Processes, kinds: Sequence[str], say: Callable[[str], None], *, quick: bool = False
) -> list[Row]:
    """A row for each database, and one for how long a text waits. Raises BenchError, StageError."""
    size = QUICK if quick else FULL
    found: dict[str, Found] = {}
    for kind in kinds:
        say(f"webhook: {size.pairs} x {size.texts:,} texts on {kind} ...")
        with bare_ground(kind, processes) as at:
            found[kind] = _measure(at, size)
    rows = [_rate_row(kind, one, size, quick=quick) for kind, one in found.items()]
    return [*rows, _wait_row(found, size, quick=quick)]


def _measure(at: Ground, size: Size) -> Found:
    """The people have been texted: each of their texts answers a campaign."""
    scene, found = set_scene(at.alone), Found()
    crowd = Crowd(at.alone, scene.group_id)
    crowd.gather(size.texts * (size.pairs + 1), "Everybody")
    gate_id, after = launch_planned(at.alone, scene, "Everybody").gate_id, 0
    while True:
        claimed, after = claim(at.alone, gate_id, "bench", after=after, limit=500)
        if not claimed:
            break
        slice_out(at.alone, claimed, "bench")
    at.start("web", "upkeep")  # what was heard is folded, as it is where people text
    bare = bare_view.program(at, bare_view.place(at))
    at.processes.start(bare)
    at.started.append(bare.name)
    for number in range(-1, size.pairs):
        first = size.texts * (number + 1)
        texts = _leg(at, at.env, first, size.texts)
        view = _leg(at, bare.env, first, size.texts)
        if number < 0:
            continue  # connections are made, statements are prepared
        found.texts.append(texts["asked"] / texts["seconds"])
        found.bare.append(view["asked"] / view["seconds"])
        found.p99.append(texts["p99_ms"])
        found.bare_p99.append(view["p99_ms"])
        if at.kind == "postgresql":
            raw = run(at.processes, "raw_commits", bare.env, count=size.texts, threads=SITE_THREADS)
            found.commits.append(raw["rows"] / raw["seconds"])
    _require(at, size.texts * (size.pairs + 1))
    return found


def _leg(at: Ground, env: Mapping[str, str], first: int, count: int) -> dict[str, Any]:
    heard = run(at.processes, "texter", env, first=first, count=count, threads=AT_ONCE)
    if heard["refused"]:
        raise BenchError("bench_texts_refused", refused=heard["refused"], texts=heard["asked"])
    return heard


def _require(at: Ground, texts: int) -> None:
    """Every text is stored, under its campaign."""
    with at.alone.db.snapshot() as session:
        stored = session.execute(select(func.count()).select_from(Reply).where(Reply.gate_id.is_not(None))).scalar_one()
    if stored != texts:
        raise BenchError("bench_texts_lost", stored=stored, wanted=texts)


def _rate_row(kind: str, found: Found, size: Size, *, quick: bool) -> Row:
    value, ceiling = rounded(median(found.texts)), rounded(found.ceiling(kind))
    conditions = {
        **_conditions(size, quick=quick),
        "database": kind,
        "spoke_recorded_per_second": SPOKE_PER_SECOND,
        "times_spoke": rounded(value / SPOKE_PER_SECOND),
        "per_second": [rounded(each) for each in found.texts],
        "bare_view_per_second": [rounded(each) for each in found.bare],
        "raw_commits_per_second": [rounded(each) for each in found.commits],
        "ceiling": CEILINGS[kind],
    }
    return Row(f"webhook_{kind}", value, "texts/s", ceiling, rounded(value / ceiling), TARGETS[kind], conditions)


def _wait_row(found: Mapping[str, Found], size: Size, *, quick: bool) -> Row:
    worse = max(found, key=lambda kind: median(found[kind].p99))
    conditions = {
        **_conditions(size, quick=quick),
        "database": worse,
        "ceiling": "the p99 of a signed view that writes one raw row, under the same server, the same load",
        "databases": {
            kind: {
                "p99_ms": [rounded(each) for each in one.p99],
                "bare_view_p99_ms": [rounded(each) for each in one.bare_p99],
            }
            for kind, one in found.items()
        },
    }
    return duration_row("webhook_p99", median(found[worse].p99), median(found[worse].bare_p99), "value<=30", conditions)


def _conditions(size: Size, *, quick: bool) -> dict[str, Any]:
    return {
        **machine(),
        "quick": quick,
        "pairs": size.pairs,
        "texts": size.texts,
        "texts_at_once": AT_ONCE,
        "web_processes": 2,
        "web_threads": SITE_THREADS,
    }
