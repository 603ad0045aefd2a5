"""Sending: claim, slice, POST, record; every open gate in its turn.

One thread claims, a claim ahead; the dispatcher slices what was claimed, each slice as large as the number of
sender threads idle now. A thread that finds 250 ms gone since its slice's commit does not POST. Run twice at once,
two senders share the rows; killed at any point, it leaves ``claimed`` rows for the sweep and at most one ``posting``
row per thread.
"""

from __future__ import annotations

import random
import secrets
import threading
import time
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from itertools import count
from typing import NamedTuple

import structlog
from sqlalchemy import exists, select
from sqlalchemy.exc import OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeout

from outreach.carrier.base import Ambiguous, Carrier, CarrierError, Misconfigured, Rejected
from outreach.core.db import Job
from outreach.core.errors import OutreachError
from outreach.core.pace import SharedRate
from outreach.core.room import Room
from outreach.core.runtime import Runtime
from outreach.messaging import events
from outreach.messaging.claims import CLAIM_LIMIT, Claimed, claim, release
from outreach.messaging.gates import SEND_BATCH, halt_gate
from outreach.messaging.models import Gate, Message
from outreach.messaging.pool import Pool
from outreach.messaging.record import Outcome, Recorder
from outreach.messaging.restored import is_catching_up
from outreach.messaging.slices import CLOCK, Post, slice_out
from outreach.messaging.turns import Waiting, look, pause_for, whose_turn

log = structlog.get_logger(__name__)

STALE_SECONDS = 0.25
GATHER_SECONDS = 0.01
LINGER_SECONDS = 5.0
POLL_SECONDS = 0.1
LOOK_SECONDS = 0.5
"""How often the dispatcher looks for whose turn it is: an answer waits about so long behind a blast."""
UNCLEAR_IN_A_ROW = 20
"""So many answers in a row that may mean anything halt the gate: each may need a person to decide it."""


def send_batch(
    runtime: Runtime,
    carrier: Carrier,
    gate_id: int,
    *,
    threads: int,
    seconds: float,
    stopping: Callable[[], bool] = lambda: False,
) -> int:
    """Send what is due for at most ``seconds`` (real), or until ``stopping``; returns how many POSTs were begun.

    Whoever asked for this did so for ``gate_id``; every other open gate has its turns as well. Work left over, or due
    within a few seconds, is handed to a next job.
    """
    sender = Sender(runtime, carrier, threads)
    try:
        return sender.run(gate_id, time.monotonic() + seconds, stopping)
    finally:
        sender.close()


class Batch(NamedTuple):
    """What one turn claimed of a gate."""

    gate_id: int
    claimed: list[Claimed]


class Sender:
    """A dispatcher with its claiming thread, sender threads and recorder, for the length of one job."""

    def __init__(self, runtime: Runtime, carrier: Carrier, threads: int) -> None:
        self._runtime = runtime
        self._carrier = carrier
        self._token = secrets.token_hex(16)
        self._halted: set[int] = set()  # their own pause is about to be committed, by the recorder
        self._recorder = Recorder(runtime)
        self._room = Room(runtime.settings.redis_url)
        self._pool = Pool(threads, self._post, kept=self._room.kept())
        self._claiming = ThreadPoolExecutor(1, "claiming")
        self._ahead: Future[Batch | None] | None = None
        settings = runtime.settings
        name = settings.twilio_messaging_service_sid or settings.twilio_from_number or "sender"
        self._rate = SharedRate(settings.redis_url, name, settings.sender_rate)
        self._begun = 0
        # The claiming thread's; the dispatcher only reads how old the tail is.
        self._turns = count()
        self._served: dict[int, int] = {}
        self._passed: dict[int, int] = {}  # gate -> the last id that its claims have looked at
        self._waiting = Waiting([], 0.0)
        self._look_at = self._started = time.monotonic()

    def run(self, gate_id: int, deadline: float, stopping: Callable[[], bool] = lambda: False) -> int:
        """Take turns until the deadline, or until nothing is due."""

        def is_over() -> bool:
            return time.monotonic() > deadline or stopping()

        while not (over := is_over()):
            try:
                batch = self._next()
                if batch is not None:
                    self._send(batch, is_over)
                elif self._pool.busy() or self._soon():
                    threading.Event().wait(POLL_SECONDS)
                else:
                    break
            except (OperationalError, PoolTimeout) as error:  # what was claimed comes back when its lease ends
                log.warning("sender_waits_for_database", error=type(error).__name__)
                threading.Event().wait(LOOK_SECONDS)
        if over:
            self._runtime.db.send(Job("messaging", SEND_BATCH, (gate_id,)))
        return self._begun

    def close(self) -> None:
        """Give back what was claimed ahead; wait for the POSTs under way, then for their results to be recorded."""
        self._claiming.shutdown()
        self._pool.close()
        self._recorder.close()
        if self._ahead is not None and self._ahead.exception() is None and self._ahead.result() is not None:
            try:
                release(self._runtime.db, self._token)
            except (OperationalError, PoolTimeout) as error:  # the end of its lease gives it back
                log.warning("claims_not_released", error=type(error).__name__)

    def _next(self) -> Batch | None:
        """The next turn's batch, claimed while the one before was sliced; None when nothing is due."""
        asked, self._ahead = self._ahead or self._claiming.submit(self._claim), None
        batch = asked.result()
        if batch is not None:
            self._ahead = self._claiming.submit(self._claim)
        return batch

    def _claim(self) -> Batch | None:
        """One claim of the gate whose turn it is."""
        while (gate_id := self._turn()) is not None:
            try:
                claimed, self._passed[gate_id] = claim(
                    self._runtime, gate_id, self._token, after=self._passed.get(gate_id, 0), limit=self._limit()
                )
            except OutreachError as error:
                log.error("claim_failed", gate_id=gate_id, code=error.code)
                release(self._runtime.db, self._token)
                with self._runtime.db.transaction() as tx:
                    halt_gate(tx, gate_id, "settings:keys")
                self._halted.add(gate_id)
                continue
            if claimed:
                return Batch(gate_id, claimed)
            # Nothing above that id: what is still due is below it, or behind somebody else's lease.
            self._passed.pop(gate_id)
            self._waiting.gates[:] = [gate for gate in self._waiting.gates if gate.gate_id != gate_id]
        return None

    def _turn(self) -> int | None:
        now = time.monotonic()
        if now >= self._look_at:
            self._waiting, self._look_at = look(self._runtime), now + LOOK_SECONDS
        halted = set(self._halted)
        due = whose_turn([gate for gate in self._waiting.gates if gate.gate_id not in halted], self._served)
        if due is None:
            self._look_at = now
            return None
        self._served[due.gate_id] = next(self._turns)
        return due.gate_id

    def _send(self, batch: Batch, is_over: Callable[[], bool]) -> None:
        """Slice out one batch."""
        claimed = batch.claimed
        while claimed:
            if batch.gate_id in self._halted or is_over():
                release(self._runtime.db, self._token)
                return
            claimed = self._slice(claimed)

    def _limit(self) -> int:
        """About half a second's worth: a claim ahead delays an answer by as much, and a killed sender's claims wait
        for the end of their lease."""
        rate = self._begun / max(1.0, time.monotonic() - self._started) / 2
        limit = min(CLAIM_LIMIT, max(2 * self._pool.threads, int(rate)))
        return limit if self._rate.rate is None else min(limit, max(1, int(self._rate.rate)))

    def _slice(self, claimed: list[Claimed]) -> list[Claimed]:
        """Slice out as many as there are idle threads, and as the sender's rate allows; returns the others."""
        if pause := pause_for(self._waiting.tail):
            threading.Event().wait(pause)
        if self._room.is_wanted():
            self._room.keep(self._pool.give_way())
        idle = self._pool.wait_idle(min(len(claimed), self._pool.limit), GATHER_SECONDS)
        if not idle:  # the carrier has just told us to slow down
            return claimed
        allowed = self._rate.take([one.parts for one in claimed[:idle]])
        if not allowed:
            threading.Event().wait(min(POLL_SECONDS, 1 / (self._rate.rate or 1.0)))
            return claimed
        posts = slice_out(self._runtime, claimed[:allowed], self._token, restored=self._waiting.restored)
        self._begun += len(posts)
        for post in posts:
            self._pool.submit(post)
        return claimed[allowed:]

    def _soon(self) -> bool:
        """Whether staying is worth it: something is due within seconds, or waits behind somebody else's lease."""
        due = self._runtime.clock.after_real(LINGER_SECONDS)
        waiting = exists().where(Message.gate_id == Gate.id, Message.state == "planned", Message.not_before <= due)
        open_ = select(Gate.id).where(Gate.state == "open", Gate.id.not_in(list(self._halted)), waiting)
        with self._runtime.db.snapshot() as session:
            return session.execute(open_.limit(1)).first() is not None and not is_catching_up(session)

    def _post(self, post: Post) -> None:
        outcome = self._try(post)
        if outcome.halt:
            self._halted.add(post.gate_id)
        self._recorder.put(outcome)

    def _try(self, post: Post) -> Outcome:
        now = self._runtime.clock.real_now
        if time.clock_gettime(CLOCK) - post.committed > STALE_SECONDS:
            return Outcome(post, events.result(post.attempt_id, "not_sent", now(), retry_after=0.0))
        callback = f"{self._runtime.settings.public_base_url}/twilio/status/{post.attempt_id}"
        try:
            sid = self._carrier.create_message(
                to=post.to, body=post.body, status_callback=callback, validity_seconds=post.validity
            )
        except Rejected as error:
            return Outcome(post, events.result(post.attempt_id, "rejected", now(), error_code=error.code))
        except Misconfigured as error:
            event = events.result(post.attempt_id, "not_sent", now(), error_code=error.code, retry_after=30.0)
            return Outcome(post, event, halt=f"carrier:{error.code}")
        except Ambiguous as error:
            in_a_row = self._pool.shrink(unclear=True)
            event = events.result(post.attempt_id, "unknown", now(), error_code=error.code or None)
            return Outcome(post, event, halt="carrier:unclear" if in_a_row >= UNCLEAR_IN_A_ROW else None)
        except CarrierError as error:  # throttled or unreachable: nothing was sent
            self._pool.shrink()
            self._rate.slow_down()
            wait = random.uniform(1.0, 4.0) * self._pool.patience()  # noqa: S311  jitter, not a secret
            event = events.result(post.attempt_id, "not_sent", now(), error_code=error.code or None, retry_after=wait)
            return Outcome(post, event)
        except Exception as error:  # whatever it was, the POST may have gone out
            log.exception("post_failed", attempt_id=post.attempt_id, error=type(error).__name__)
            return Outcome(post, events.result(post.attempt_id, "unknown", now()))
        self._pool.grow()
        return Outcome(post, events.result(post.attempt_id, "accepted", now(), carrier_sid=sid))
