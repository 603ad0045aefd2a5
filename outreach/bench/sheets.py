"""``tallies_1m``: what tallies of 1,000,000 texts of four campaigns to 300,000 people cost, on both databases."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import LargeBinary, String, cast, func, insert, literal, select, update

from outreach.bench import BenchError
from outreach.bench.big_campaign import Written, numbers, write_campaign
from outreach.bench.databases import new_database, plain_driver, settle, version
from outreach.bench.rows import Row, duration_row, rounded
from outreach.bench.timing import Timing, interleaved
from outreach.core.clock import Clock
from outreach.core.db import Database
from outreach.messaging.models import Message, Reply
from outreach.people.models import Constituent
from outreach.stage.processes import Processes
from outreach.tallies.days import days_of
from outreach.tallies.figures import as_document
from outreach.tallies.kept_sheets import shown_sheet
from outreach.tallies.people_counts import TOTAL, Scope, count_rows
from outreach.tallies.pressure import pressure
from outreach.tallies.sheet_models import TallySheet
from outreach.tallies.sheets import DIMENSIONS
from outreach.tallies.week import count_reached, weeks

TARGET = "value<=200"
MESSAGES, QUICK_MESSAGES = 1_000_000, 60_000
CAMPAIGNS = 4
TEXTS_EACH = 10 / 3
"""Texts a person."""
REPLY_EVERY = 10
ROUNDS, WARM_UP = 20, 3
NAME = "Tallied"
FORMAT = "0" * 16


@dataclass(frozen=True, slots=True)
class Measured:
    """Of one database: the page, its parts that are read each time, and what upkeep counts beside it (milliseconds)."""

    version: str
    page: Timing
    counters: Timing
    week: Timing
    report: Timing
    counting: dict[str, float]

    def as_json(self) -> dict[str, Any]:
        """For the row's conditions; milliseconds."""
        return {
            "version": self.version,
            "page_ms": rounded(self.page.median),
            "page_worst_ms": rounded(self.page.worst),
            "counters_ms": rounded(self.counters.median),
            "week_line_ms": rounded(self.week.median),
            "pressure_report_ms": rounded(self.report.median),
            "counting_ms": {dimension: rounded(took) for dimension, took in self.counting.items()},
        }


def measure_sheets(
    processes: Processes, kinds: Sequence[str], say: Callable[[str], None], *, quick: bool = False
) -> Row:
    """The row: the slower database's page. Raises BenchError, StageError."""
    messages = QUICK_MESSAGES if quick else MESSAGES
    people = int(messages / TEXTS_EACH)
    measured: dict[str, Measured] = {}
    for kind in kinds:
        say(f"tallies: writing {messages:,} messages to {people:,} people on {kind} ...")
        with new_database(kind, processes) as db:
            measured[kind] = measure_on(db, messages, people, say)
    slower = max(measured, key=lambda kind: measured[kind].page.median)
    conditions = {
        "quick": quick,
        "messages": messages,
        "people": people,
        "campaigns": CAMPAIGNS,
        "replies": people // REPLY_EVERY * CAMPAIGNS,
        "rounds": ROUNDS,
        "cores": os.cpu_count(),
        "load_average": rounded(os.getloadavg()[0]),
        "slower": slower,
        "databases": {kind: one.as_json() for kind, one in measured.items()},
    }
    chosen = measured[slower]
    return duration_row("tallies_1m", chosen.page.median, chosen.counters.median, TARGET, conditions)


def measure_on(db: Database, messages: int, people: int, say: Callable[[str], None]) -> Measured:
    """Write it, count each sheet once as upkeep does, then time the page and the other reads in turn."""
    clock = Clock()
    written = _write(db, messages, people, clock)
    group_id = written[0].group_id
    settle(db)
    say("tallies: counting every sheet, then the pages ...")
    counting = {dimension: _count(db, group_id, dimension, people, clock) for dimension in DIMENSIONS}

    def page() -> None:
        with db.snapshot() as session:
            shown_sheet(session, group_id, "official", "all", clock)
            days_of(session, group_id, None, clock.now())

    with db.snapshot() as session:
        began = time.perf_counter()
        reached = count_reached(session, group_id, clock)
        counting["week_line"] = (time.perf_counter() - began) * 1000

    def week() -> None:
        with db.snapshot() as session:
            weeks(session, group_id, clock, reached)

    with db.snapshot() as session:
        official_id = int(shown_sheet(session, group_id, "official", "all", clock).rows[0].key)

    def report() -> None:
        with db.snapshot() as session:
            pressure(session, group_id, official_id, clock)

    gates = ", ".join(str(one.gate_id) for one in written)
    bare = f"SELECT gate_id, name, count FROM tally WHERE gate_id IN ({gates})"  # noqa: S608 - numbers of our own
    with plain_driver(db) as query:
        work = {"counters": lambda: query(bare), "page": page, "week": week, "report": report}
        pairs = interleaved(work, ROUNDS, WARM_UP)
    return Measured(version(db), pairs["page"], pairs["counters"], pairs["week"], pairs["report"], counting)


def _count(db: Database, group_id: int, dimension: str, people: int, clock: Clock) -> float:
    """Count a sheet and keep it as upkeep does; milliseconds. Raises BenchError where it is not everybody."""
    began = time.perf_counter()
    with db.snapshot() as session:
        found = count_rows(session, Scope(group_id), dimension, clock)
    took = (time.perf_counter() - began) * 1000
    total = found[TOTAL].people
    if dimension != "variant" and not (total and 0 < total.reached <= total.asked <= people):
        raise BenchError("bench_wrong_tally", shown=None, counted=None)
    now = clock.real_now()
    with db.transaction() as tx:
        tx.add(
            TallySheet(
                group_id=group_id, dimension=dimension, period="all", wanted_at=now, counted_at=now,
                took_ms=round(took), mark="", document={key: as_document(one) for key, one in found.items()},
            )
        )  # fmt: skip
    return took


def _write(db: Database, messages: int, people: int, clock: Clock) -> list[Written]:
    """Four campaigns of one group whose messages go round among its people, and a tenth of these report in each."""
    each = messages // CAMPAIGNS
    written = [write_campaign(db, NAME, 1 + index * each, each, clock) for index in range(CAMPAIGNS)]
    group_id, now = written[0].group_id, clock.real_now()
    with db.transaction() as tx:
        tx.execute(update(Message).values(number_hash=_hash(Message.id % people)))
    table = numbers(0, people - 1)
    columns = ["group_id", "number_hash", "sealed", "zip", "language", "zones", "created_at", "updated_at"]
    who = select(
        literal(group_id), _hash(table.c.i), cast(literal("x"), LargeBinary), cast(85_000 + table.c.i % 50, String(5)),
        literal("en"), literal("America/Phoenix"), literal(clock.now()), literal(clock.now()),
    )  # fmt: skip
    with db.transaction() as tx:
        tx.execute(insert(Constituent).from_select(columns, who))
    for one in written:
        told = select(
            literal(group_id), literal(f"SO{one.gate_id}-") + cast(table.c.i, String), _hash(table.c.i),
            literal(one.gate_id), literal("report"), literal("calls"), literal("spoke"), literal("en"), literal(1.0),
            literal("bench"), literal("0"), literal(now),
        ).where(table.c.i % REPLY_EVERY == 0)  # fmt: skip
        columns = ["group_id", "carrier_sid", "number_hash", "gate_id", "intent", "tactic", "outcome", "language",
                   "confidence", "rule", "classifier", "received_at"]  # fmt: skip
        with db.transaction() as tx:
            tx.execute(insert(Reply).from_select(columns, told))
    return written


def _hash(number: Any) -> Any:
    """Sixteen bytes of a number, the same on both databases."""
    digits = cast(number, String)
    padded = func.substr(literal(FORMAT) + digits, func.length(digits) + 1)
    return cast(padded, LargeBinary)
