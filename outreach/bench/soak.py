"""``soak_errors``, ``soak_memory``, ``soak_p99``: minutes of everything at once on real processes.

Webhooks come at a constant rate (half of them texts, half reports), while a blast goes out, contact files are imported
and staff watch the tally. What went wrong is counted, and the memory of our processes is looked at once a second.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median
from typing import Any

from sqlalchemy import select

from outreach.bench import BenchError
from outreach.bench.child import finish, program
from outreach.bench.crowd import Crowd
from outreach.bench.ground import UNREACHABLE, Ground, ground, machine
from outreach.bench.heard_stops import Heard, bystanders
from outreach.bench.rows import Row, duration_row, rounded
from outreach.bench.scene import draft, launch_draft, launch_planned, set_scene
from outreach.bench.waiting import until
from outreach.carrier.twilio import TwilioCarrier
from outreach.messaging.models import Message, MessageAttempt
from outreach.messaging.send import send_batch
from outreach.people.sealed_files import SealedSpool
from outreach.people.uploads import Received, keep_upload
from outreach.stage.processes import Processes
from outreach.stage.watchdog import members
from outreach.story.play import Launched
from outreach.watch.checks import check_books

PER_SECOND = 200.0
STOPS_PER_SECOND = 1.0
OURS = ("web", "worker", "importer", "upkeep")
TROUBLE = ('"level": "error"', '"level": "critical"')
GROWTH_PERCENT = 10
"""Of the memory after the warm-up: pools, caches and prepared statements are filled by then, so growth is a leak; the
allocator's own unevenness stays within this."""


@dataclass(frozen=True, slots=True)
class Size:
    """Seconds of load, of these the warm-up; people of the blast; rows and pause of the imports."""

    seconds: float
    warm_up: float
    people: int
    rows: int
    import_every: float


FULL, QUICK = Size(600, 120, 60_000, 2_000, 30), Size(20, 8, 2_000, 100, 8)


@dataclass(slots=True)
class Found:
    """What one database gave; memory as (real seconds since the start, megabytes)."""

    load: dict[str, Any] = field(default_factory=dict)
    memory: list[tuple[float, float]] = field(default_factory=list)
    trouble: list[str] = field(default_factory=list)
    heard: Heard = field(default_factory=Heard)
    imports: int = 0
    alarms: int = 0

    def errors(self) -> int:
        """Refused webhooks, STOPs and pages that failed, error lines of our processes, alarms of the checks."""
        lost = sum(status != 200 for _, _, status in (*self.heard.stops, *self.heard.pages))
        return int(self.load["refused"]) + lost + len(self.trouble) + self.alarms


def growth(memory: Sequence[tuple[float, float]], warm_up: float) -> float:
    """Percent by which memory has grown from the end of the warm-up to the end: the median of a tenth of the looks
    at either end. Pure. Raises BenchError when there are too few.
    """
    looks = [megabytes for at, megabytes in memory if at >= warm_up]
    if len(looks) < 4:
        raise BenchError("bench_no_memory")
    tenth = max(2, len(looks) // 10)
    first, last = median(looks[:tenth]), median(looks[-tenth:])
    return (last - first) / first * 100


def measure_soak(
    processes: Processes, kinds: Sequence[str], say: Callable[[str], None], *, quick: bool = False
) -> list[Row]:
    """The three rows, of the worse database each. Raises BenchError, StageError."""
    size = QUICK if quick else FULL
    found: dict[str, Found] = {}
    for kind in kinds:
        say(f"soak: {size.seconds:g} s of {PER_SECOND:g} webhooks/s on {kind} ...")
        with ground(kind, processes, latency_ms=100.0) as at:
            found[kind] = _soak(at, size)
    return rows_of(found, size, quick=quick)


def _soak(at: Ground, size: Size) -> Found:
    found, scene = Found(), set_scene(at.alone)
    crowd = Crowd(at.alone, scene.group_id)
    crowd.gather(100, "Reported")
    at.tell_carrier("personas", {"weights": {"delivered": 1}, "calls": UNREACHABLE})
    at.start(*OURS, threads=64)
    reported = launch_planned(at.alone, scene, "Reported")
    send_batch(at.alone, TwilioCarrier(at.alone.settings), reported.gate_id, threads=16, seconds=30.0)
    attempt_id, sid = _an_attempt(at, reported)
    crowd.gather(size.people, "Everybody")
    campaign_id = draft(at.alone, scene, "Everybody")
    watched = Launched(scene.group_id, campaign_id, 0, 0, 0.0, at.alone.clock.real_now())
    starts = {name: at.processes.log(name).stat().st_size for name in OURS}
    load = program("steady", at.env, per_second=PER_SECOND, seconds=size.seconds, first=0, people=100,
                   attempt=attempt_id, sid=sid)  # fmt: skip
    with bystanders(at, last=crowd.made - 1, per_second=STOPS_PER_SECOND, watching=watched) as found.heard:
        at.processes.start(load)
        launch_draft(at.runtime, scene, campaign_id)
        _look_on(at, scene.group_id, size, found)
        found.load = finish(at.processes, load)
    found.alarms = check_books(at.alone)
    for name in OURS:
        with at.processes.log(name).open("rb") as file:
            file.seek(starts[name])
            lines = file.read().decode("utf-8", "replace").splitlines()
        found.trouble += [f"{name}: {line[:300]}" for line in lines if any(word in line for word in TROUBLE)]
    return found


def _an_attempt(at: Ground, launched: Launched) -> tuple[int, str]:
    """One text that the carrier has taken."""
    chosen = (
        select(MessageAttempt.id, Message.carrier_sid)
        .join(Message, Message.id == MessageAttempt.message_id)
        .where(Message.gate_id == launched.gate_id, Message.carrier_sid.is_not(None))
        .limit(1)
    )
    seen: list[Any] = []

    def taken() -> bool:
        with at.alone.db.snapshot() as session:
            seen[:] = session.execute(chosen).all()
        return bool(seen)

    until(at, launched, taken, 60.0)
    return int(seen[0][0]), str(seen[0][1])


def _look_on(at: Ground, group_id: int, size: Size, found: Found) -> None:
    """Once a second note what our processes hold, and now and then import a file. Raises StageError for a dead one."""
    began, pause, next_import = time.monotonic(), threading.Event(), size.import_every / 2
    while (passed := time.monotonic() - began) < size.seconds:
        at.processes.check()
        found.memory.append((passed, sum(megabytes(at.processes.pid(name)) for name in OURS)))
        if passed >= next_import:
            next_import += size.import_every
            found.imports += 1
            _import(at, group_id, found.imports, size.rows)
        pause.wait(1.0)


def _import(at: Ground, group_id: int, turn: int, rows: int) -> None:
    """A file as the page receives it, whose list is new and whose people are known and unknown ones."""
    lines = [f"Ana,480555{(turn * rows + index) % 9_000 + 1_000:04}" for index in range(rows)]
    with SealedSpool(at.runtime.vault) as spool:
        spool.write(("first_name,phone\n" + "\n".join(lines) + "\n").encode())
        keep_upload(at.runtime, group_id, Received(spool, "soak.csv", f"Soak {turn}", "invented"), by="bench")


def megabytes(leader: int) -> float:
    """What a process and all of its session hold, shared pages by their share (Linux)."""
    total = 0
    for pid in {leader, *members(leader)}:
        try:
            lines = Path(f"/proc/{pid}/smaps_rollup").read_text(encoding="ascii").splitlines()
        except OSError:  # it has just ended
            continue
        total += next((int(line.split()[1]) for line in lines if line.startswith("Pss:")), 0)
    return total / 1024


def rows_of(found: Mapping[str, Found], size: Size, *, quick: bool) -> list[Row]:
    """The rows. Pure but for the machine's figures."""
    conditions = {
        **machine(),
        "quick": quick,
        "seconds": size.seconds,
        "webhooks_per_second": PER_SECOND,
        "blast_people": size.people,
        "databases": {
            kind: {
                "load": {name: one if one is None else rounded(one) for name, one in each.load.items()},
                "errors": each.errors(), "first_errors": each.trouble[:3], "alarms": each.alarms,
                "imports": each.imports, "growth_percent": rounded(growth(each.memory, size.warm_up)),
                "megabytes_at_the_end": rounded(each.memory[-1][1]), "tally_page": each.heard.page_figures(),
            }
            for kind, each in found.items()
        },
    }  # fmt: skip
    errors = max(each.errors() for each in found.values())
    grown = rounded(max(growth(each.memory, size.warm_up) for each in found.values()))
    worse = max(found.values(), key=lambda each: each.load["p99_ms"]).load
    return [
        Row("soak_errors", errors, "errors", 0, 1.0 if not errors else 0.0, "value<=0", conditions),
        Row("soak_memory", grown, "percent", 0, 1.0 if grown <= 0 else 0.0, f"value<={GROWTH_PERCENT}", conditions),
        duration_row("soak_p99", worse["p99_ms"], worse["p50_ms"], "value<=200", conditions),
    ]
