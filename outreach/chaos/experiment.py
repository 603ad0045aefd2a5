"""One run: a site of its own, a blast, the kills, the wait for the end, and the report."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sqlalchemy import func, select

from outreach.chaos import ChaosError, schedule
from outreach.chaos.books import Carrier, Entry, Ours, read_ours
from outreach.chaos.storm import AWAY, Storm, Struck, look, numbers_in_turn
from outreach.chaos.targets import Reviver, Targets
from outreach.chaos.verdict import count, delays, longest_silence, losses, next_after, percentile
from outreach.core.clock import Clock, coming_tuesday_ten
from outreach.core.runtime import Runtime, open_runtime
from outreach.messaging.models import Event, Message
from outreach.stage.instance import database_url
from outreach.stage.ports import free_port
from outreach.stage.postgres import start_postgres
from outreach.stage.processes import Processes
from outreach.stage.redis import start_redis
from outreach.stage.site import Site, start_site
from outreach.story.__main__ import DEMO_OFFICIALS
from outreach.story.ledger import CarrierControl, differences
from outreach.story.play import Launched, play, set_the_scene, wait_for_the_end
from outreach.tallies.campaign import campaign_tally

SENDER_THREADS = 16
PEOPLE = {"stop": 15.0, "undelivered_30007": 0.0}
"""Of 1,000 people, those who opt out once they were texted, and those whose network filters texts: too few for the
campaign to halt itself (``config/breakers.toml``), which would leave nothing to kill."""
HANGS = 2
"""Of 1,000 creates, those whose answer takes longer than our patience."""


@dataclass(frozen=True, slots=True)
class Plan:
    """What was asked for. ``speed``: domain seconds in a real one."""

    kills: int
    recipients: int
    database: str
    seed: int
    speed: float = 20.0


class Deadline:
    """Ends a run that hangs, and says what it waited for."""

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self._until = time.monotonic() + seconds
        self.waiting: Callable[[], str] = lambda: "the site to start"

    def check(self) -> None:
        """Raises ChaosError once it has passed."""
        if time.monotonic() > self._until:
            raise ChaosError("chaos_late", seconds=self._seconds, waiting=self.waiting())


def run(plan: Plan, data_dir: Path, processes: Processes, say: Callable[[str], None]) -> dict[str, Any]:
    """Play the whole experiment; the report of CONTRACTS.md with ``conditions``. Raises OutreachError."""
    say("Starting the site ...")
    site = start(plan, data_dir, processes)
    assert site.carrier_url is not None  # noqa: S101  no foreign one was given
    runtime = open_runtime(site.settings)
    carrier = Carrier(site.carrier_url)
    slow = schedule.latency_ms(plan.kills, plan.recipients)
    carrier.prepare(slow, HANGS, PEOPLE)
    deadline = Deadline(schedule.patience_seconds(plan.kills, plan.recipients))
    reviver = Reviver(processes, 2 * plan.kills + 10)

    def check() -> None:
        reviver.check()
        deadline.check()

    with reviver.at_work():
        launched = play(
            runtime, set_the_scene(runtime), officials=DEMO_OFFICIALS, recipients=plan.recipients, seed=plan.seed
        )
        deadline.waiting = lambda: still_waiting(runtime, launched)
        numbers = numbers_in_turn(runtime, launched.group_id, plan.recipients)
        targets = Targets(processes, site.settings.redis_url, reviver.coming_up)
        storm = Storm(runtime, launched, targets, numbers, site.carrier_url)
        storm.rage(
            schedule.draw_kills(plan.kills, plan.database, plan.seed),
            schedule.draw_stops(plan.recipients, plan.seed),
            check,
            lambda struck: say(line_of(struck)),
        )
        reviver.wait_for_all(check)
        say("All kills have landed; waiting for the rest of the blast and the look-ups ...")
        settle(runtime, launched, CarrierControl(site.carrier_url), check)
    seconds = round(time.monotonic() - launched.started, 2)
    try:
        return report(runtime, launched, site.carrier_url, storm, numbers, seconds)
    finally:
        runtime.db.dispose()


def start(plan: Plan, data_dir: Path, processes: Processes) -> Site:
    """A site on a database and a Redis of this run alone, whatever the environment names: both will be killed."""
    own = {"REDIS_URL": start_redis(data_dir / "redis", processes, lasting=False)}
    if plan.database == "postgresql":
        own["DATABASE_URL"] = start_postgres(data_dir / "postgres", processes)
    else:
        own["DATABASE_URL"] = database_url(data_dir)
    clock = str(coming_tuesday_ten(Clock.real_now(), plan.speed))
    return start_site(
        processes,
        data_dir,
        port=free_port(),
        clock=clock,
        seed=plan.seed,
        sender_threads=SENDER_THREADS,
        environ=own,
    )


def settle(runtime: Runtime, launched: Launched, carrier: CarrierControl, check: Callable[[], None]) -> None:
    """Wait as the story does; a database that has only just come up may still cut a connection."""
    while True:
        try:
            return wait_for_the_end(runtime, launched, carrier, settle=5, show=lambda _: None, check=check)
        except AWAY:
            check()


def still_waiting(runtime: Runtime, launched: Launched) -> str:
    """What keeps the run from its end, for a person."""
    try:
        work = look(runtime, launched.gate_id)
        with runtime.db.snapshot() as session:
            states = session.execute(
                select(Message.state, func.count()).where(Message.gate_id == launched.gate_id).group_by(Message.state)
            ).all()
            unfolded = session.execute(select(func.count()).where(Event.folded_at.is_(None))).scalar_one()
    except AWAY:
        return "the database"
    counts = ", ".join(f"{number} {state}" for state, number in states)
    return f"gate {work.gate}, {work.due} due; {counts}; {unfolded} events unfolded"


def line_of(struck: Struck) -> str:
    """A kill, for the person who waits."""
    work = struck.work
    return (
        f"{struck.second:7.1f} s  {struck.target:<9}  ({work.due} due, {work.claimed} claimed, {work.posting} posting)"
    )


def report(
    runtime: Runtime, launched: Launched, carrier_url: str, storm: Storm, numbers: list[str], seconds: float
) -> dict[str, Any]:
    """The run's last line."""
    carrier = Carrier(carrier_url)
    entries, ours = carrier.entries(), read_ours(runtime, launched.wave_id, numbers)
    counted = count(entries, ours, carrier.stoppers(), storm.stop_sids)
    wrong = differences(runtime, launched.wave_id, CarrierControl(carrier_url).ledger())
    with runtime.db.snapshot() as session:
        tally = campaign_tally(session, launched.group_id, launched.campaign_id, runtime.clock)
    within_reach = {name: counted.pop(name) for name in ("reachable", "reached")}
    sums = counted["recipients"] == sum(tally.states.values())
    return {
        "kills": dict(Counter(struck.target for struck in storm.struck)),
        **counted,
        "reconciles": not wrong and sums and counted["duplicates"] == 0,
        "seconds": seconds,
        "conditions": {
            **within_reach,
            "states": {state: number for state, number in tally.states.items() if number},
            "halted": tally.reason,
            "differences": dict(wrong),
            "losses": {kind: number for kind, number in losses(entries, ours).items() if number},
            **timings(entries, ours, storm.struck),
            "kills_tried_in_vain": storm.tried_in_vain,
            "kills": [
                {"target": struck.target, "second": struck.second, "due": struck.work.due,
                 "claimed": struck.work.claimed, "posting": struck.work.posting}
                for struck in storm.struck
            ],
        },
    }  # fmt: skip


def timings(entries: list[Entry], ours: Ours, struck: list[Struck]) -> dict[str, Any]:
    """How long things took by the carrier's clock, and how many texts no webhook took."""
    creates = [entry.received_at for entry in entries if entry.kind == "create"]
    ordered = delays(entries, ours)
    flushed = [next_after(kill.at, creates) for kill in struck if kill.target == "flushall"]
    again = [seconds for seconds in flushed if seconds is not None]
    return {
        "slice_to_create_p99": rounded(percentile(ordered, 0.99)),
        "slice_to_create_max": rounded(ordered[-1] if ordered else None),
        "flush_to_next_create_max": rounded(max(again, default=None)),
        "longest_silence": rounded(longest_silence(creates)),
        "creates_after_last_kill": sum(at > struck[-1].at for at in creates),
        "texts_missed_by_web": sum(entry.kind == "inbound" and entry.answered_at is None for entry in entries),
    }


def rounded(seconds: float | None) -> float | None:
    """To the millisecond."""
    return None if seconds is None else round(seconds, 3)
