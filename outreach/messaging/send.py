"""Sending one gate's messages: claim, slice, POST, record.

One dispatcher claims and slices; each slice is as large as the number of sender threads idle now. A thread that
finds 250 ms gone since its slice's commit does not POST. Run twice at once, two senders share the rows; killed at
any point, it leaves ``claimed`` rows for the sweep and at most one ``posting`` row per thread.
"""

from __future__ import annotations

import random
import secrets
import threading
import time
from collections.abc import Callable
from queue import SimpleQueue

import structlog
from sqlalchemy import exists, select

from outreach.carrier.base import Ambiguous, Carrier, CarrierError, Misconfigured, Rejected
from outreach.core.db import Job
from outreach.core.errors import OutreachError
from outreach.core.runtime import Runtime
from outreach.messaging import events
from outreach.messaging.claims import CLAIM_LIMIT, claim, release
from outreach.messaging.gates import SEND_BATCH, halt_gate
from outreach.messaging.models import Gate, Message
from outreach.messaging.record import Outcome, Recorder
from outreach.messaging.slices import CLOCK, Post, slice_out

log = structlog.get_logger(__name__)

STALE_SECONDS = 0.25
GATHER_SECONDS = 0.02
LINGER_SECONDS = 5.0
POLL_SECONDS = 0.1
UNCLEAR_IN_A_ROW = 20
"""So many answers in a row that may mean anything halt the gate: each may need a person to decide it."""


def send_batch(runtime: Runtime, carrier: Carrier, gate_id: int, *, threads: int, seconds: float) -> int:
    """Send what is due in a gate for at most ``seconds`` (real); returns how many POSTs were begun.

    Work left over, or due within a few seconds, is handed to a next job.
    """
    sender = Sender(runtime, carrier, threads)
    try:
        return sender.run(gate_id, time.monotonic() + seconds)
    finally:
        sender.close()


class Sender:
    """A dispatcher with its threads and recorder, for the length of one job."""

    def __init__(self, runtime: Runtime, carrier: Carrier, threads: int) -> None:
        self._runtime = runtime
        self._carrier = carrier
        self._token = secrets.token_hex(16)
        self._halted = threading.Event()
        self._recorder = Recorder(runtime)
        self._pool = Pool(threads, self._post)

    def run(self, gate_id: int, deadline: float) -> int:
        begun, after, started = 0, 0, time.monotonic()
        while time.monotonic() < deadline:
            # About a second's worth: what a killed sender has claimed must wait for the end of its lease.
            rate = begun / max(1.0, time.monotonic() - started)
            limit = min(CLAIM_LIMIT, max(2 * self._pool.threads, int(rate)))
            try:
                claimed, after = claim(self._runtime, gate_id, self._token, after=after, limit=limit)
            except OutreachError as error:
                log.error("claim_failed", gate_id=gate_id, code=error.code)
                release(self._runtime.db, self._token)
                with self._runtime.db.transaction() as tx:
                    halt_gate(tx, gate_id, "settings:keys")
                return begun
            if not claimed:
                after = 0
                if not self._pool.busy() and not self._soon(gate_id):
                    return begun
                threading.Event().wait(POLL_SECONDS)
            while claimed:
                if self._halted.is_set():  # the gate's own pause is about to be committed by the recorder
                    release(self._runtime.db, self._token)
                    return begun
                if time.monotonic() > deadline:
                    release(self._runtime.db, self._token)
                    break
                idle = self._pool.wait_idle(min(len(claimed), self._pool.limit), GATHER_SECONDS)
                if not idle:  # the carrier has just told us to slow down
                    continue
                posts = slice_out(self._runtime, claimed[:idle], self._token)
                claimed = claimed[idle:]
                begun += len(posts)
                for post in posts:
                    self._pool.submit(post)
        self._runtime.db.send(Job("messaging", SEND_BATCH, (gate_id,)))
        return begun

    def close(self) -> None:
        """Wait for the POSTs under way, then for their results to be recorded."""
        self._pool.close()
        self._recorder.close()

    def _soon(self, gate_id: int) -> bool:
        """Whether staying is worth it: something is due within seconds, or waits behind somebody else's lease."""
        due = self._runtime.clock.after_real(LINGER_SECONDS)
        with self._runtime.db.snapshot() as session:
            waiting = exists().where(Message.gate_id == gate_id, Message.state == "planned", Message.not_before <= due)
            return bool(
                session.execute(select(Gate.id).where(Gate.id == gate_id, Gate.state == "open", waiting)).first()
            )

    def _post(self, post: Post) -> None:
        outcome = self._try(post)
        if outcome.halt:
            self._halted.set()
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
            wait = random.uniform(1.0, 4.0) * self._pool.patience()  # noqa: S311  jitter, not a secret
            event = events.result(post.attempt_id, "not_sent", now(), error_code=error.code or None, retry_after=wait)
            return Outcome(post, event)
        except Exception as error:  # whatever it was, the POST may have gone out
            log.exception("post_failed", attempt_id=post.attempt_id, error=type(error).__name__)
            return Outcome(post, events.result(post.attempt_id, "unknown", now()))
        self._pool.grow()
        return Outcome(post, events.result(post.attempt_id, "accepted", now(), carrier_sid=sid))


class Pool:
    """Sender threads, and how many of them may work at once.

    The limit halves when the carrier throttles and grows back by one for every ``limit`` successes.
    """

    def __init__(self, threads: int, work: Callable[[Post], None]) -> None:
        self.threads = threads
        self._work = work
        self._queue: SimpleQueue[Post | None] = SimpleQueue()
        self._changed = threading.Condition()
        self._busy = 0
        self._unclear = self._failures = 0
        self._limit = float(threads)
        self._members = [threading.Thread(target=self._run, name=f"sender-{n}", daemon=True) for n in range(threads)]
        for member in self._members:
            member.start()

    @property
    def limit(self) -> int:
        """How many threads may work now."""
        return max(1, int(self._limit))

    def busy(self) -> bool:
        """Whether any POST is under way."""
        with self._changed:
            return self._busy > 0

    def wait_idle(self, wanted: int, gather: float) -> int:
        """Wait for an idle thread, then up to ``gather`` seconds for ``wanted`` of them; returns how many there are."""
        with self._changed:
            self._changed.wait_for(lambda: self.limit > self._busy)
            self._changed.wait_for(lambda: self.limit - self._busy >= wanted, timeout=gather)
            return max(0, min(wanted, self.limit - self._busy))

    def submit(self, post: Post) -> None:
        """Give a post to an idle thread."""
        with self._changed:
            self._busy += 1
        self._queue.put(post)

    def shrink(self, *, unclear: bool = False) -> int:
        """The carrier says: too fast, or says nothing clear; returns how many unclear answers came in a row."""
        with self._changed:
            self._limit = max(1.0, self._limit / 2)
            self._unclear += unclear
            self._failures += 1
            return self._unclear

    def patience(self) -> float:
        """How much longer to wait after so many failures in a row: twice as long for each round of all threads."""
        with self._changed:
            return float(min(16, 2 ** (self._failures // self.threads)))

    def grow(self) -> None:
        """A POST went through."""
        with self._changed:
            self._unclear = self._failures = 0
            self._limit = min(float(self.threads), self._limit + 1 / self._limit)

    def close(self) -> None:
        """Let every thread finish its post and end."""
        for _ in self._members:
            self._queue.put(None)
        for member in self._members:
            member.join()

    def _run(self) -> None:
        while (post := self._queue.get()) is not None:
            try:
                self._work(post)
            finally:
                with self._changed:
                    self._busy -= 1
                    self._changed.notify_all()
