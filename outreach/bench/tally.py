"""``tally_1m``: what the live page of a campaign with 1,000,000 messages costs, on both databases."""

from __future__ import annotations

import os
import platform
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from outreach.bench import BenchError
from outreach.bench.big_campaign import Written, write_campaign
from outreach.bench.databases import new_database, plain_driver, settle, version
from outreach.bench.heard import write_history, write_tail
from outreach.bench.rows import Row, duration_row, rounded
from outreach.bench.timing import Timing, interleaved
from outreach.core.clock import Clock
from outreach.core.db import Database
from outreach.core.leases import acquire
from outreach.messaging.states import public_state
from outreach.stage.processes import Processes
from outreach.tallies.fold import LEASE, fold
from outreach.tallies.live import Live, live_tally

TARGET = "value<=20"
MESSAGES = 1_000_000
QUICK_MESSAGES = 50_000
OTHERS = 20
"""The campaign beside it has this part of its messages."""
ROUNDS, WARM_UP = 50, 5
GROUP_BY_ROUNDS = 5


@dataclass(frozen=True, slots=True)
class Measured:
    """What one database took."""

    version: str
    live: Timing
    counters: Timing
    group_by: Timing
    tail: int

    def as_json(self) -> dict[str, Any]:
        """For the row's conditions; milliseconds."""
        return {
            "version": self.version,
            "live_ms": rounded(self.live.median),
            "live_best_ms": rounded(self.live.best),
            "live_worst_ms": rounded(self.live.worst),
            "counters_ms": rounded(self.counters.median),
            "group_by_ms": rounded(self.group_by.median),
        }


def measure_tally(
    processes: Processes, kinds: Sequence[str], say: Callable[[str], None], *, quick: bool = False
) -> Row:
    """The row: the slower database's median, with every figure in its conditions. Raises BenchError, StageError."""
    messages = QUICK_MESSAGES if quick else MESSAGES
    measured: dict[str, Measured] = {}
    for kind in kinds:
        say(f"tally: writing a campaign of {messages:,} messages on {kind} ...")
        with new_database(kind, processes) as db:
            measured[kind] = measure_on(db, messages, say)
    slower = max(measured, key=lambda kind: measured[kind].live.median)
    conditions = {
        "quick": quick,
        "messages": messages,
        "messages_of_others": messages // OTHERS,
        "unfolded_events": measured[slower].tail,
        "rounds": ROUNDS,
        "readers": 1,
        "writers": 0,
        "cores": os.cpu_count(),
        "load_average": rounded(os.getloadavg()[0]),
        "python": platform.python_version(),
        "slower": slower,
        "databases": {kind: one.as_json() for kind, one in measured.items()},
    }
    chosen = measured[slower]
    return duration_row("tally_1m", chosen.live.median, chosen.counters.median, TARGET, conditions)


def measure_on(db: Database, messages: int, say: Callable[[str], None]) -> Measured:
    """Write the campaign, then time the page's read and the bare read of its counters in turn."""
    clock = Clock()
    ours = write_campaign(db, "Ours", 1, messages, clock)
    theirs = write_campaign(db, "Theirs", messages + 1, messages // OTHERS, clock)
    for written in (ours, theirs):
        write_history(db, written, clock)
    tail = write_tail(db, ours, theirs, clock)
    settle(db)
    say(f"tally: measuring {ROUNDS} rounds, {tail:,} events in the tail ...")

    def page() -> Live:
        with db.snapshot() as reading:
            return live_tally(reading, ours.group_id, ours.campaign_id, clock)

    counters = f"SELECT name, count FROM tally WHERE gate_id = {ours.gate_id}"  # noqa: S608 - a number of our own
    with plain_driver(db) as query:
        pairs = interleaved({"counters": lambda: query(counters), "live": page}, ROUNDS, WARM_UP)
        group_by = interleaved({"it": lambda: query(counting(ours))}, GROUP_BY_ROUNDS, 1)["it"]
        check(db, page, ours, clock)
    return Measured(version(db), pairs["live"], pairs["counters"], group_by, tail)


def counting(written: Written) -> str:
    """The statement that the counters spare us."""
    return f"SELECT state, count(*) FROM message WHERE gate_id = {written.gate_id} GROUP BY state"  # noqa: S608 - ours


def check(db: Database, page: Callable[[], Live], written: Written, clock: Clock) -> None:
    """The page's numbers, unfolded tail included, are those of the messages once it is folded. Raises BenchError."""
    shown = page().tally
    if not acquire(db, LEASE, "bench", clock.real_now(), 600):
        raise BenchError("bench_wrong_tally", shown=shown.states, counted=None)
    while fold(db, clock, "bench"):
        pass
    counted: Counter[str] = Counter()
    with plain_driver(db) as query:
        for state, count in query(counting(written)):
            counted[public_state(state)] += count
    if counted != +Counter(shown.states):
        raise BenchError("bench_wrong_tally", shown=shown.states, counted=dict(counted))
