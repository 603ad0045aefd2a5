"""kill -9 of the worker and of its work-horse in the middle of a blast: nobody twice, nobody lost."""

from __future__ import annotations

import os
import signal
import threading
import time
from collections.abc import Callable
from pathlib import Path

import pytest
import requests
from sqlalchemy import func, select

from outreach.core.clock import Clock, coming_tuesday_ten
from outreach.core.runtime import Runtime, open_runtime
from outreach.messaging.models import Event, Message
from outreach.stage.processes import Processes
from outreach.stage.site import Keeper, start_site
from outreach.story.__main__ import DEMO_OFFICIALS
from outreach.story.ledger import CarrierControl, differences
from outreach.story.play import Launched, play, set_the_scene, wait_for_the_end
from outreach.tallies.campaign import campaign_tally
from tests.conftest import ENGINES

THREADS = 16
RECIPIENTS = 500
PATIENCE = 150.0

pytestmark = pytest.mark.xdist_group("journeys")


def children(pid: int) -> list[int]:
    """The direct children of a process."""
    found = []
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = stat.read_text().rsplit(")", 1)[1].split()
        except OSError:
            continue
        if int(fields[1]) == pid:
            found.append(int(stat.parent.name))
    return found


def sending(runtime: Runtime, gate_id: int) -> int:
    """How many texts are out; only a kill between the first and the last one counts."""
    with runtime.db.snapshot() as session:
        gone = select(func.count()).where(Message.gate_id == gate_id, Message.posted_at.is_not(None))
        return session.execute(gone).scalar_one()


def wait_until(happened: Callable[[], bool], seconds: float = PATIENCE) -> None:
    deadline, pause = time.monotonic() + seconds, threading.Event()
    while not happened():
        assert time.monotonic() < deadline, "it did not happen in time"
        pause.wait(0.05)


def kill_worker(processes: Processes) -> int:
    """Its work-horse lives on and works on, as RQ's do."""
    processes.kill("worker")
    return 1


def kill_work_horse(processes: Processes) -> int:
    killed = children(processes.pid("worker"))
    for pid in killed:
        os.kill(pid, signal.SIGKILL)
    return len(killed)


def kill_both(processes: Processes) -> int:
    horses = children(processes.pid("worker"))
    killed = kill_worker(processes)
    for pid in horses:
        os.kill(pid, signal.SIGKILL)
    return killed + len(horses)


@pytest.mark.parametrize("engine", ENGINES)
def test_killed_workers_text_nobody_twice_and_lose_nobody(
    engine: str, tmp_path: Path, request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch
) -> None:
    if engine == "postgresql":
        make: Callable[[str], str] = request.getfixturevalue("new_postgres")
        monkeypatch.setenv("DATABASE_URL", make("kills"))
    clock = str(coming_tuesday_ten(Clock.real_now(), 60))
    with Processes(tmp_path) as processes:
        site = start_site(processes, tmp_path, port=None, clock=clock, seed=3, sender_threads=THREADS)
        assert site.carrier_url
        faults = {"per_thousand": {}, "latency_ms": 500, "jitter_ms": 50}
        assert requests.put(f"{site.carrier_url}/_rehearsal/faults", json=faults, timeout=5).ok
        runtime = open_runtime(site.settings)
        keeper = Keeper(processes)
        launched = play(runtime, set_the_scene(runtime), officials=DEMO_OFFICIALS, recipients=RECIPIENTS, seed=3)
        kills = kill_in_turn(runtime, processes, keeper, launched)
        carrier = CarrierControl(site.carrier_url)
        wait_for_the_end(runtime, launched, carrier, settle=5, show=lambda _: None, check=keeper.check)
        ledger = carrier.ledger()
        assert differences(runtime, launched.wave_id, ledger) == {}
        assert carrier.summary()["duplicates"] == 0
        with runtime.db.snapshot() as session:
            tally = campaign_tally(session, launched.group_id, launched.campaign_id, runtime.clock)
            unknown = session.execute(
                select(func.count()).where(Event.kind == "result", Event.key == "unknown")
            ).scalar_one()
        runtime.db.dispose()
    assert tally.recipients == sum(tally.states.values()) >= RECIPIENTS
    assert kills == 5  # two of them at once
    assert unknown <= kills * THREADS
    # A text that the kill came before is known by nobody: no listing finds it, and a person decides.
    assert tally.states["needs_review"] <= kills * THREADS
    assert tally.states["planned"] == 0


def kill_in_turn(runtime: Runtime, processes: Processes, keeper: Keeper, launched: Launched) -> int:
    """Work-horses and workers, alone and together, while texts are due; returns how many processes were killed."""
    landed = 0
    for step, kill in enumerate((kill_work_horse, kill_both, kill_work_horse, kill_worker), start=1):
        wanted = step * RECIPIENTS // 6

        def reached(wanted: int = wanted) -> bool:
            keeper.check()
            return sending(runtime, launched.gate_id) >= wanted and bool(children(processes.pid("worker")))

        wait_until(reached)
        assert sending(runtime, launched.gate_id) < RECIPIENTS - THREADS
        landed += kill(processes)
    return landed
