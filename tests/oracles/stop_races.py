"""STOP against the slice, thousands of times: who commits first, by clocks outside the code, and what the carrier got.

Every number has one text and sends one STOP, timed to land somewhere around its slice. A slice is at fault for a number
whose STOP had returned, committed, before the slice's own COMMIT was asked for. When a POST began is read from the
carrier's receipts, and the instant of its slice from the database.
"""

from __future__ import annotations

import random
import tempfile
import threading
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from sqlalchemy import event, func, select

from outreach.bench.crowd import Crowd
from outreach.bench.ground import Ground, ground, machine
from outreach.bench.scene import launch_planned, set_scene
from outreach.carrier.twilio import TwilioCarrier
from outreach.chaos.books import Carrier, Entry
from outreach.core.runtime import Runtime
from outreach.messaging.claims import Claimed, claim
from outreach.messaging.inbound import InboundText, receive_reply, take_in
from outreach.messaging.models import Message, MessageAttempt
from outreach.messaging.send import Sender
from outreach.messaging.slices import slice_out
from outreach.stage.processes import Processes

THREADS = 16
LATENCY_MS = 20
STOPPERS = 6
CLAIM = 12
SPREAD = 0.04
"""Seconds over which the STOPs of a claim's people are sent, from the claim on; its slices begin over as many."""
GRACE = 1.0
LEAST_BETWEEN = 0.1
"""Of the races, so many must have their STOP land between claim and slice; else they prove nothing."""


@dataclass(slots=True)
class Race:
    """What was seen of one number; seconds since 1970."""

    who: str
    claimed: float
    sliced: float = 0.0
    """Just before the slice was asked for."""
    committing: float | None = None
    """Just before the COMMIT of the slice that let its text out; None: it did not."""
    stopped: float = 0.0
    """When its STOP had returned."""


@dataclass(slots=True)
class Track:
    """Where the races are run."""

    runtime: Runtime
    races: dict[int, Race] = field(default_factory=dict)
    _commits: threading.local = field(default_factory=threading.local)

    @contextmanager
    def watching(self) -> Iterator[None]:
        """Note, for each thread, when it last asked for a COMMIT."""
        engine = self.runtime.db._durable

        def note(_connection: object) -> None:
            self._commits.at = time.time()

        event.listen(engine, "commit", note)
        try:
            yield
        finally:
            event.remove(engine, "commit", note)

    def stop(self, claimed: Claimed, at: float) -> None:
        """The person's STOP, at a time."""
        threading.Event().wait(max(0.0, at - time.time()))
        ours = self.runtime.settings.twilio_from_number or ""
        text = InboundText(f"SM{claimed.message_id:032x}", claimed.to, ours, "STOP", self.runtime.clock.real_now())
        with self.runtime.db.transaction(durable=True) as tx:
            receive_reply(tx, self.runtime, take_in(self.runtime, text))
        self.races[claimed.message_id].stopped = time.time()

    def slice(self, sender: Sender, claimed: Sequence[Claimed], token: str) -> None:
        """One slice, whose texts go out at once."""
        asked = time.time()
        for one in claimed:
            self.races[one.message_id].sliced = asked
        for post in slice_out(self.runtime, claimed, token):
            self.races[post.message_id].committing = self._commits.at
            sender._pool.submit(post)


def run(kind: str, races: int, seed: int) -> dict[str, Any]:
    """Run the races on a database of this kind; the figures, with ``ok``."""
    with (
        tempfile.TemporaryDirectory(prefix="outreach-races-") as logs,
        Processes(Path(logs)) as processes,
        ground(kind, processes, latency_ms=LATENCY_MS) as at,
    ):
        at.be_silent()
        began = time.monotonic()
        track = _run(at, races, random.Random(seed))
        figures = judge(track, Carrier(at.env["TWILIO_BASE_URL"]).entries(), *_books(at.alone))
    return {"database": kind, **figures, "seconds": round(time.monotonic() - began, 1), "conditions": machine()}


def _run(at: Ground, races: int, dice: random.Random) -> Track:
    runtime = at.alone
    scene = set_scene(runtime)
    Crowd(runtime, scene.group_id).gather(races, "races")
    gate_id = launch_planned(runtime, scene, "races").gate_id
    sender = Sender(runtime, TwilioCarrier(runtime.settings), THREADS)
    track, after = Track(runtime), 0
    with track.watching(), ThreadPoolExecutor(STOPPERS) as stoppers:
        while True:
            claimed, after = claim(runtime, gate_id, sender._token, after=after, limit=dice.randint(1, CLAIM))
            if not claimed:
                break
            now = time.time()
            stops = []
            for one in claimed:
                track.races[one.message_id] = Race(one.to, now)
                stops.append(stoppers.submit(track.stop, one, now + dice.uniform(0, SPREAD)))
            while claimed:
                threading.Event().wait(dice.uniform(0, SPREAD))
                size = min(dice.randint(1, CLAIM // 2), len(claimed))
                sender._pool.wait_idle(size, 1.0)
                track.slice(sender, claimed[:size], sender._token)
                claimed = claimed[size:]
            for stop in stops:  # the next claim's people do not wait behind them
                stop.result()
    sender.close()
    return track


def _books(runtime: Runtime) -> tuple[dict[str, float], int]:
    """Sid -> the instant of its slice, and how many suppressed messages have an attempt all the same."""
    with runtime.db.snapshot() as reading:
        begun = reading.execute(
            select(Message.sealed, MessageAttempt.begun_at).join(Message, Message.id == MessageAttempt.message_id)
        ).all()
        both = reading.execute(
            select(func.count())
            .select_from(Message)
            .join(MessageAttempt, MessageAttempt.message_id == Message.id)
            .where(Message.state == "suppressed")
        ).scalar_one()
    opened = ((runtime.vault.open(sealed, "message")["to"], at.timestamp()) for sealed, at in begun if sealed)
    return dict(opened), both


def judge(track: Track, entries: Sequence[Entry], begun: dict[str, float], both: int) -> dict[str, Any]:
    """The figures. Pure."""
    races = track.races.values()
    between = sum(race.claimed <= race.stopped <= race.sliced for race in races)
    late = sum(race.committing is not None and race.stopped < race.committing for race in races)
    stopped = {race.who: race.stopped for race in races}
    creates = [entry for entry in entries if entry.kind in {"create", "refused"} and entry.in_reply_to is None]
    waits = sorted(entry.received_at - begun[entry.who] for entry in creates)
    after_stop = sum(entry.received_at > stopped[entry.who] + GRACE for entry in creates)
    figures = {
        "races": len(track.races),
        "landed_between": between,
        "let_out": sum(race.committing is not None for race in races),
        "received": len(creates),
        "committed_after_stop": late,
        "suppressed_with_attempt": both,
        "received_after_stop": after_stop,
        "slice_to_carrier_p99": round(waits[int(len(waits) * 0.99)], 4) if waits else None,
        "slice_to_carrier_max": round(waits[-1], 4) if waits else None,
    }
    proven = between >= LEAST_BETWEEN * len(track.races) and bool(waits)
    figures["ok"] = proven and not (late or both or after_stop) and waits[-1] <= GRACE
    return figures
