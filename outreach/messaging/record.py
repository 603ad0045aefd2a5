"""Recording what POSTs gave: appended in batches, with what cannot wait for the folder."""

from __future__ import annotations

import queue
import threading
import time
from collections.abc import Sequence
from contextvars import copy_context
from dataclasses import dataclass

import structlog
from sqlalchemy import select, update
from sqlalchemy.exc import DataError, DBAPIError, IntegrityError
from sqlalchemy.exc import TimeoutError as PoolTimeout

from outreach.carrier.base import BAD_NUMBER, CANNOT_REACH, OPTED_OUT, REGION_OFF
from outreach.core.db import Transaction
from outreach.core.runtime import Runtime
from outreach.messaging.breakers import break_on_pair
from outreach.messaging.events import EventRow, append
from outreach.messaging.gates import halt_gate
from outreach.messaging.models import Message
from outreach.messaging.optout import obey_opt_out
from outreach.messaging.purses import give_back
from outreach.messaging.slices import Post
from outreach.people.consent import lock_people
from outreach.people.models import Constituent

log = structlog.get_logger(__name__)

BATCH = 250
GATHER_SECONDS = 0.02
GIVE_UP_SECONDS = 60.0
COSTS_NOTHING = ("not_sent", "rejected")
"""Results of POSTs that the carrier has proven not to have taken."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """An attempt's event, and why its gate must be halted at once, if it must."""

    post: Post
    event: EventRow
    halt: str | None = None


def record(runtime: Runtime, outcomes: Sequence[Outcome]) -> None:
    """Append results in one transaction; an opt-out known only to the carrier is obeyed in the same one."""
    refused = [one for one in outcomes if one.event["error_code"] == OPTED_OUT]
    bad = [one for one in outcomes if one.event["key"] == "rejected" and one.event["error_code"] in BAD_NUMBER]
    with runtime.db.transaction(durable=bool(refused)) as tx:
        # People first and all at once, in the one order in which everybody locks them.
        lock_people(tx, [one.post.number_hash for one in (*refused, *bad)])
        append(tx, [one.event for one in outcomes])
        give_back(tx, [one.post.paid for one in outcomes if one.event["key"] in COSTS_NOTHING])
        for one in refused:
            group_id = tx.execute(select(Message.group_id).where(Message.id == one.post.message_id)).scalar_one()
            at = one.event["received_at"]
            obey_opt_out(
                tx,
                runtime.vault,
                group_id=group_id,
                number_hash=one.post.number_hash,
                wording="21610",
                source="carrier",
                at=at,
            )
        for one in bad:
            mark_number_bad(tx, runtime, one.post.number_hash, one.event["error_code"])
        for one in outcomes:
            if one.halt is not None:
                halt_gate(tx, one.post.gate_id, one.halt)
            elif one.event["error_code"] == REGION_OFF:
                log.error("carrier_alert", code=REGION_OFF, gate_id=one.post.gate_id)
        for gate_id in {one.post.gate_id for one in outcomes if one.event["error_code"] == CANNOT_REACH}:
            break_on_pair(tx, gate_id)


def mark_number_bad(tx: Transaction, runtime: Runtime, number_hash: bytes, code: int | None) -> None:
    """No more texts to this number, from any group, until somebody corrects it."""
    tx.execute(
        update(Constituent)
        .where(Constituent.number_hash == number_hash, Constituent.number_bad_at.is_(None))
        .values(number_bad_at=runtime.clock.now(), number_bad_code=code)
    )


class Recorder:
    """A thread that records outcomes in batches, so that sender threads never wait for the database.

    A database that is away is tried again for a minute; what is lost after that is found by the lease sweep.
    """

    def __init__(self, runtime: Runtime) -> None:
        self._runtime = runtime
        self._queue: queue.SimpleQueue[Outcome | None] = queue.SimpleQueue()
        self._thread = threading.Thread(target=copy_context().run, args=(self._run,), name="recorder", daemon=True)
        self._thread.start()

    def put(self, outcome: Outcome) -> None:
        """Hand over one outcome; returns at once."""
        self._queue.put(outcome)

    def close(self) -> None:
        """Wait until everything handed over is recorded."""
        self._queue.put(None)
        self._thread.join()

    def _run(self) -> None:
        last = False
        while not last:
            batch: list[Outcome] = []
            one = self._queue.get()
            threading.Event().wait(GATHER_SECONDS)  # one sleep a batch: to wake for each would cost as much as it does
            while one is not None:
                batch.append(one)
                if len(batch) == BATCH or self._queue.empty():
                    break
                one = self._queue.get()
            last = one is None
            if batch:
                self._record(batch)

    def _record(self, batch: list[Outcome]) -> None:
        pause, give_up = 0.1, time.monotonic() + GIVE_UP_SECONDS
        while True:
            try:
                record(self._runtime, batch)
            except (DataError, IntegrityError) as error:
                self._one_by_one(batch, error)
                return
            except (DBAPIError, PoolTimeout) as error:
                if time.monotonic() > give_up:
                    log.error("results_not_recorded", attempts=[one.post.attempt_id for one in batch])
                    return
                log.warning("results_wait_for_database", count=len(batch), error=type(error).__name__)
                threading.Event().wait(pause)
                pause = min(pause * 2, 1.0)
            except Exception:  # this thread must go on: its queue is all that the sender threads have
                log.exception("results_not_recorded", attempts=[one.post.attempt_id for one in batch])
                return
            else:
                return

    def _one_by_one(self, batch: list[Outcome], error: DBAPIError) -> None:
        """One result that the database will not take must not take the others with it."""
        if len(batch) == 1:
            log.error("result_not_recorded", attempt_id=batch[0].post.attempt_id, error=type(error.orig).__name__)
            return
        for one in batch:
            self._record([one])
