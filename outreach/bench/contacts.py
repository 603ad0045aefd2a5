"""``import_*`` and ``stop_during_import``: a contact file of 1,000,000 rows into an empty group, and beside a blast."""

from __future__ import annotations

import csv
import os
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median
from typing import Any

from sqlalchemy import select

from outreach.bench import BenchError
from outreach.bench.child import run
from outreach.bench.crowd import Crowd, number
from outreach.bench.ground import Ground, bare_ground, ground, machine
from outreach.bench.heard_stops import bystanders, quantile
from outreach.bench.rows import Row, duration_row, rounded
from outreach.bench.scene import launch, set_scene
from outreach.bench.waiting import is_planned, until
from outreach.core.bulk import insert_all
from outreach.core.crypto import HASH_BYTES
from outreach.people.import_writes import PEOPLE
from outreach.people.invented import FIRST_NAMES, LAST_NAMES
from outreach.people.models import Constituent, Upload
from outreach.people.sealed_files import SealedSpool
from outreach.people.uploads import Received, confirm_upload, keep_upload
from outreach.stage.processes import Processes

HEADER = ("First Name", "Last Name", "Cell Phone", "Email", "ZIP", "City", "Language")
REPEATS, BREAKS = 50, 100
"""Each such row repeats the number before it; each such row, one further, has no number that can be dialled."""
PROCESSES = 2
BARE = 100_000
STOPS_PER_SECOND = 20.0
QUIET_SECONDS = 5.0
PATIENCE_SECONDS = 900.0


@dataclass(frozen=True, slots=True)
class Size:
    """Rows of the file, how often it is imported, and people of the blast with the rows imported beside it."""

    rows: int
    rounds: int
    blast: int
    beside: int


FULL, QUICK = Size(1_000_000, 3, 30_000, 150_000), Size(20_000, 1, 2_000, 12_000)


@dataclass(slots=True)
class Found:
    """What one database gave."""

    rates: list[float] = field(default_factory=list)
    bare: list[float] = field(default_factory=list)
    reading: list[float] = field(default_factory=list)
    megabytes: list[float] = field(default_factory=list)
    cpu_us: list[float] = field(default_factory=list)
    stops: list[float] = field(default_factory=list)
    quiet: list[float] = field(default_factory=list)
    beside: float = 0.0

    def as_json(self) -> dict[str, Any]:
        """For the rows' conditions."""
        return {
            "rows_per_s": [rounded(each) for each in self.rates],
            "bare_rows_per_s": [rounded(each) for each in self.bare],
            "reading_rows_per_s": [rounded(each) for each in self.reading],
            "cpu_us_a_row": [rounded(each) for each in self.cpu_us],
            "megabytes": [rounded(each) for each in self.megabytes],
            "rows_per_s_beside_a_blast": rounded(self.beside),
            "stops": len(self.stops),
            "stop_p50_ms": rounded(quantile(self.stops, 0.5)),
            "stop_p99_ms": rounded(quantile(self.stops, 0.99)),
            "stop_max_ms": rounded(max(self.stops)),
            "quiet_stop_p99_ms": rounded(quantile(self.quiet, 0.99)),
        }


def measure_import(
    processes: Processes, kinds: Sequence[str], say: Callable[[str], None], *, quick: bool = False
) -> list[Row]:
    """A row a database, and one each for memory and for STOPs beside a blast. Raises BenchError, StageError."""
    size = QUICK if quick else FULL
    file = processes.private_directory("import") / "people.csv"
    write_contacts(file, 0, size.rows)
    found: dict[str, Found] = {}
    for kind in kinds:
        found[kind] = Found()
        for round_number in range(size.rounds):
            say(f"import: {size.rows:,} rows on {kind}, round {round_number + 1} of {size.rounds} ...")
            with bare_ground(kind, processes) as at:
                measure_one(at, file, size.rows, found[kind])
        say(f"import: {size.beside:,} rows beside a blast to {size.blast:,} on {kind} ...")
        with ground(kind, processes, latency_ms=100.0) as at:
            _beside(at, file.with_name("beside.csv"), size, found[kind])
    return _rows(found, size, quick=quick)


def write_contacts(file: Path, first: int, rows: int) -> None:
    """A contact file of so many rows, from the ``first`` number of the crowd on."""
    with file.open("w", newline="", encoding="utf-8") as text:
        writer = csv.writer(text)
        writer.writerow(HEADER)
        for index in range(rows):
            place = first + index - (index % REPEATS == REPEATS - 1)
            e164 = "+12" if index % BREAKS == 0 else number(place)
            name = FIRST_NAMES[index % len(FIRST_NAMES)]
            writer.writerow(
                (
                    name, LAST_NAMES[index * 7 % len(LAST_NAMES)], f"({e164[2:5]}) {e164[5:8]}-{e164[8:]}",
                    f"person{index}@example.org", f"{85_001 + index % 300}", "Tempe",
                    "Spanish" if index % 3 == 0 else "English",
                )
            )  # fmt: skip


def measure_one(at: Ground, file: Path, rows: int, found: Found) -> None:
    """One import into an empty group. Raises BenchError when it came out wrong."""
    scene = set_scene(at.alone)
    said = run(at.processes, "importer", at.env, group=scene.group_id, file=file, readers=PROCESSES)
    broken, repeated = -(-rows // BREAKS), rows // REPEATS
    counts = said["counts"]
    wanted = {"rows": rows, "invalid": broken, "duplicate": repeated, "new": rows - broken - repeated}
    if any(counts[name] != count for name, count in wanted.items()):
        raise BenchError("bench_import_wrong", wanted=wanted, found=counts)
    found.rates.append(rows / said["seconds"])
    found.reading.append(rows / said["reading_s"])
    found.megabytes.append(said["megabytes"])
    found.cpu_us.append(said["cpu_s"] / rows * 1e6)
    found.bare.append(_bare(at, min(BARE, rows // 2)))


def _bare(at: Ground, people: int) -> float:
    """Rows a second of the driver alone: made beforehand, in order, into the filled table, rolled back."""
    table: Any = Constituent.__table__
    with at.alone.db.snapshot() as session:
        rows = session.connection().exec_driver_sql(f"SELECT {', '.join(PEOPLE)} FROM constituent").fetchmany(people)  # noqa: S608
    hashes = sorted(os.urandom(HASH_BYTES) for _ in rows)
    ready = [(row[0], number_hash, *row[2:]) for number_hash, row in zip(hashes, rows, strict=True)]
    with at.alone.db.transaction() as tx:
        began = time.perf_counter()
        insert_all(tx, table, PEOPLE, ready)
        seconds = time.perf_counter() - began
        tx.rollback()
    return people / seconds


def _beside(at: Ground, file: Path, size: Size, found: Found) -> None:
    """An import through the page's use cases while a blast goes out and people text STOP."""
    write_contacts(file, size.blast + 1_000, size.beside)
    scene = set_scene(at.alone)
    crowd = Crowd(at.alone, scene.group_id)
    crowd.gather(size.blast, "Everybody")
    at.start("web", "worker", "importer", "upkeep")
    with bystanders(at, last=size.blast - 1, per_second=STOPS_PER_SECOND) as heard:
        time.sleep(2 * QUIET_SECONDS)  # each web process has then worked before, as one that runs for days has
        quiet_until = time.time()
        launched = launch(at.runtime, scene, "Everybody")
        until(at, launched, lambda: is_planned(at, launched))
        with SealedSpool(at.runtime.vault) as spool, file.open("rb") as source:
            while data := source.read(1024 * 1024):
                spool.write(data)
            received = Received(spool, "beside.csv", "Beside", "invented, for a measurement")
            upload_id = keep_upload(at.runtime, scene.group_id, received, by="bench")
        until(at, launched, lambda: _state(at, upload_id) == "waiting", PATIENCE_SECONDS)
        began = time.time()
        confirm_upload(at.runtime, scene.group_id, upload_id, by="bench")
        until(at, launched, lambda: _state(at, upload_id) == "imported", PATIENCE_SECONDS)
        ended = time.time()
    found.quiet = heard.stop_times(quiet_until - QUIET_SECONDS, quiet_until)
    found.stops = heard.stop_times(began, ended)
    found.beside = size.beside / (ended - began)


def _state(at: Ground, upload_id: int) -> str:
    with at.alone.db.snapshot() as session:
        return session.execute(select(Upload.state).where(Upload.id == upload_id)).scalar_one()


def _rows(found: Mapping[str, Found], size: Size, *, quick: bool) -> list[Row]:
    conditions = {
        **machine(),
        "quick": quick,
        "rows": size.rows,
        "rounds": size.rounds,
        "processes": PROCESSES,
        "blast": size.blast,
        "rows_beside": size.beside,
        "stops_per_second": STOPS_PER_SECOND,
        "databases": {each: one.as_json() for each, one in found.items()},
    }
    bare = {**conditions, "ceiling": "the driver alone inserting people made beforehand, in order, rolled back"}
    rows = []
    for kind, one in found.items():
        rate, ceiling = rounded(median(one.rates)), rounded(median(one.bare))
        about = {**bare, "database": kind}
        rows.append(Row(f"import_{kind}", rate, "rows/s", ceiling, rounded(rate / ceiling), "value>=45000", about))
    largest = max(found, key=lambda kind: max(found[kind].megabytes))
    held = rounded(max(found[largest].megabytes))
    memory = {**conditions, "database": largest, "ceiling": "what it may hold"}
    rows.append(Row("import_memory", held, "MB", 300.0, rounded(300.0 / held), "value<=300", memory))
    worst = max(found, key=lambda kind: quantile(found[kind].stops, 0.99))
    stop, quiet = quantile(found[worst].stops, 0.99), quantile(found[worst].quiet, 0.99)
    quiet_site = {**conditions, "database": worst, "ceiling": "the p99 of the seconds before the launch"}
    return [*rows, duration_row("stop_during_import", stop, quiet, "value<100", quiet_site)]
