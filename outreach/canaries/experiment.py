"""One run: the rehearsal, the positive controls, the hunt, and the report."""

from __future__ import annotations

import sqlite3
import time
from collections import Counter
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any, Final

from outreach.canaries.flock import digits
from outreach.canaries.forms import PLANTED
from outreach.canaries.hunt import Catch, hunt, hunt_redis, hunt_rows
from outreach.canaries.rehearsal import Flown, Rehearsal, plant_in_redis, start
from outreach.core.queue import connect
from outreach.stage.instance import DATABASE
from outreach.stage.processes import Processes

CONTROLS_DIR: Final = "controls"
IN_A_ROW, IN_REDIS = "sqlite_row", "redis_key"
CONTROLS: Final = (*PLANTED, IN_A_ROW, IN_REDIS)
REDIS_DUMP: Final = "redis/dump.rdb"


def run(
    numbers: int,
    seed: int,
    speed: float,
    data_dir: Path,
    outside: Path,
    processes: Processes,
    say: Callable[[str], None],
) -> dict[str, Any]:
    """The report. ``outside``: a directory that is no part of the instance. Raises OutreachError."""
    began = time.monotonic()
    flock, controls = digits(numbers), dict(zip(CONTROLS, digits(len(CONTROLS), skip=numbers), strict=True))
    wanted = frozenset(flock) | frozenset(controls.values())
    say("Starting the site ...")
    site = start(data_dir, processes, seed, speed)
    flown = Rehearsal(site, data_dir, processes, say).fly(flock, outside)
    say("Dumping Redis, stopping everything, and looking ...")
    live = Catch()
    with closing(connect(site.settings.redis_url)) as redis:
        plant_in_redis(redis, f"+1{controls[IN_REDIS]}")
        hunt_redis(live, redis, wanted)
    left_out = [processes.log("carrier")]
    # Whoever closes a database last takes its write-ahead log away, and with it what a thief would have found there.
    with closing(sqlite3.connect(data_dir / DATABASE)) as held:
        held.execute("SELECT count(*) FROM sqlite_master").fetchone()
        processes.stop_all()
        plant(data_dir, controls)
        catch = hunt(data_dir, wanted, left_out)
        hunt_rows(catch, data_dir / DATABASE, wanted)
    catch.size += live.size
    catch.found += live.found
    return report(numbers, catch, controls, flown, left_out, data_dir, time.monotonic() - began)


def plant(data_dir: Path, controls: dict[str, str]) -> None:
    """One number in each form into a file of its own, and one into a row of the database."""
    directory = data_dir / CONTROLS_DIR
    directory.mkdir(exist_ok=True)
    for name, (_, write) in PLANTED.items():
        (directory / name).write_bytes(b"\x01" + write(controls[name]) + b"\x02")
    with closing(sqlite3.connect(data_dir / DATABASE)) as connection, connection:
        connection.execute("CREATE TABLE canary_control (said TEXT)")
        connection.execute("INSERT INTO canary_control VALUES (?)", (f"+1{controls[IN_A_ROW]}",))


def report(
    numbers: int, catch: Catch, controls: dict[str, str], flown: Flown, left_out: list[Path], data_dir: Path,
    seconds: float,
) -> dict[str, Any]:  # fmt: skip
    """What was found of the canaries, and whether each control was."""
    of_controls = set(controls.values())
    leaks: Counter[tuple[str, str]] = Counter()
    for (place, form, number), count in catch.found.items():
        if number not in of_controls:
            leaks[place, form] += count
    return {
        "numbers": numbers,
        "files": catch.files,
        "bytes": catch.size,
        "found": [{"file": place, "form": form, "count": count} for (place, form), count in sorted(leaks.items())],
        "controls": {name: is_found(catch, name, number) for name, number in controls.items()},
        "seconds": round(seconds, 2),
        "conditions": {
            "texted": flown.texted, "delivered": flown.delivered, "replies": flown.replies,
            "opted_out": flown.opted_out, "tracebacks": flown.tracebacks,
            "left_out": [path.relative_to(data_dir.absolute()).as_posix() for path in left_out],
        },
    }  # fmt: skip


def is_found(catch: Catch, name: str, number: str) -> bool:
    """Whether a control was found where it lies, in the form that it has."""
    if name == IN_A_ROW:
        return all(catch.found[place, "plain", number] for place in (f"{DATABASE} (rows)", in_database(catch, number)))
    if name == IN_REDIS:
        return all(catch.found[place, "plain", number] for place in ("redis (values)", REDIS_DUMP))
    return catch.found[f"{CONTROLS_DIR}/{name}", PLANTED[name][0], number] > 0


def in_database(catch: Catch, number: str) -> str:
    """The file of the database that holds a number: the newest rows are in the write-ahead log."""
    places = (place for place, _, found in catch.found if found == number and place in {DATABASE, f"{DATABASE}-wal"})
    return next(places, DATABASE)


def faults_of(found: dict[str, Any]) -> list[str]:
    """Why the run is not good; empty when it is."""
    reasons = [f"{one['count']} x {one['form']} in {one['file']}" for one in found["found"]]
    reasons += [f"the control {name} was not found" for name, seen in found["controls"].items() if not seen]
    return reasons
