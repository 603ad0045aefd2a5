"""Waiting for what a measurement wants to see: asked again and again, and given up with the state of things."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

from sqlalchemy import exists, select

from outreach.bench import BenchError
from outreach.bench.ground import Ground
from outreach.bench.scene import states
from outreach.escalations.models import Wave
from outreach.messaging.models import Event, Message
from outreach.stage.site import Keeper
from outreach.story.ledger import CarrierControl
from outreach.story.play import Launched, wait_for_the_end

POLL_SECONDS = 0.05
PATIENCE_SECONDS = 900.0


def until(at: Ground, launched: Launched, done: Callable[[], bool], seconds: float = PATIENCE_SECONDS) -> None:
    """Return once ``done`` says so. Raises BenchError when it takes longer, StageError when a process has died."""
    pause, deadline = threading.Event(), time.monotonic() + seconds
    while not done():
        at.processes.check()
        if time.monotonic() > deadline:
            raise BenchError("bench_slow", seconds=seconds, states=states(at.alone, launched))
        pause.wait(POLL_SECONDS)


def is_planned(at: Ground, launched: Launched) -> bool:
    """Whether planning is over."""
    with at.alone.db.snapshot() as session:
        return session.execute(select(Wave.planned_at).where(Wave.id == launched.wave_id)).scalar() is not None


def is_folded(at: Ground) -> bool:
    """Whether every event is folded."""
    with at.alone.db.snapshot() as session:
        return not session.execute(select(exists().where(Event.folded_at.is_(None)))).scalar()


def has_left(at: Ground, launched: Launched) -> bool:
    """Whether every text of the campaign has been taken by the carrier, and we have folded that it was."""
    waiting = exists().where(Message.gate_id == launched.gate_id, Message.state.in_(("planned", "claimed", "posting")))
    if not is_planned(at, launched):  # first: until then nothing may wait because nobody has been planned
        return False
    with at.alone.db.snapshot() as session:
        left = not session.execute(select(waiting)).scalar()
    return left and is_folded(at)


def drained(at: Ground, launched: Launched, carrier: CarrierControl) -> float:
    """Wait until a blast is over: sent, reported, answered and folded; seconds since its launch.

    The last look counts, not how long it took to find out that nothing more comes.
    """
    seen = [time.monotonic()]

    def note(_: object) -> None:
        seen.append(time.monotonic())

    keeper = Keeper(at.processes)
    wait_for_the_end(at.alone, launched, carrier, settle=0.0, show=note, check=keeper.check)
    return seen[-1] - launched.started
