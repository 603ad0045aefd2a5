"""The upkeep process: ``python -m workers.upkeep``. It needs the database, not Redis.

Whoever holds the lease folds events at least every second, sweeps ended leases, releases held rows whose time has
come, wakes senders and planners that lost their job, and looks unknown messages up. A second upkeep process waits.
"""

from __future__ import annotations

from outreach.core import garbage  # before all others

# isort: split
import signal
import threading
import time
from collections.abc import Callable
from datetime import datetime
from functools import wraps

import structlog
from sqlalchemy.exc import DBAPIError, InterfaceError, OperationalError

from config.settings import Settings
from outreach.approvals.coming_due import launch_due
from outreach.backups.catching_up import catch_up, pending
from outreach.calls.pacer import pace_gates
from outreach.calls.placing import sweep_calls
from outreach.carrier.base import CarrierError
from outreach.carrier.sender_pool import SenderPool
from outreach.carrier.twilio import TwilioCarrier
from outreach.core.error_reports import report_errors
from outreach.core.latencies import LATENCIES
from outreach.core.leases import acquire, new_token, release
from outreach.core.logs import set_up_logs
from outreach.core.runtime import Runtime, open_runtime, require_usable
from outreach.escalations.planning import wake_planners
from outreach.escalations.promise_drafts import draft_overdue
from outreach.escalations.unusual import watch_launches
from outreach.messaging.breakers import check_breakers
from outreach.messaging.coming_back import plan_follow_ups
from outreach.messaging.nudges import nudge_groups
from outreach.messaging.reconcile import reconcile
from outreach.messaging.recover import fetch_silent, list_missed
from outreach.messaging.reminders import plan_reminders
from outreach.messaging.retries import retry_reported
from outreach.messaging.sign_up_watch import look_at_sign_ups
from outreach.messaging.spend_halts import watch_spend
from outreach.messaging.sweep import release_held, sweep_claims, sweep_closed, sweep_posts, wake_senders
from outreach.people.upload_purge import purge_uploads
from outreach.people.upload_work import wake_importer
from outreach.phone_tree.cascade import sweep_trees
from outreach.privacy.retention import purge_words
from outreach.replies import answer_found, obey_found
from outreach.tallies.fold import LEASE, LeaseLost, fold
from outreach.tallies.participants import end_stand_downs
from workers.checking import check_books
from workers.counting import count_sheets

log = structlog.get_logger(__name__)

LEASE_SECONDS = 10.0
IDLE_SECONDS = 0.1
SWEEP_SECONDS = 1.0
SWEEP_AT_THE_LATEST = 2.0
"""Seconds behind time after which sweeps come before the next fold, however many events wait."""
LIST_EVERY = 60.0
"""Domain seconds between two looks for texts that the webhook missed; never more often than the real seconds below."""
LIST_AT_MOST_EVERY = 5.0
RESTORE_AGAIN_SECONDS = 10.0
PURGE_WORDS_EVERY = 6 * 3600.0
WAKE_IMPORTER_EVERY = 10.0
NUDGE_EVERY = 60.0
REMIND_EVERY = 30.0
UNUSUAL_EVERY = 5.0
SIGN_UPS_EVERY = 60.0
PURGE_EVERY = 600.0
"""Real seconds between two looks for uploads that were kept for their time."""


class Upkeep:
    """The loop, and the threads beside it: one talks to the carrier, one counts for pages, one checks the books."""

    def __init__(self, runtime: Runtime, carrier: TwilioCarrier) -> None:
        self._runtime = runtime
        self._carrier = carrier
        self._token = new_token()
        self._stop = threading.Event()
        self._leading = threading.Event()
        self._pool = SenderPool(runtime.settings)

    def stop(self, *_: object) -> None:
        """Finish the step under way, then end."""
        self._stop.set()

    def run(self) -> None:
        """Lead while the lease is ours; follow while it is not."""
        inquiries = threading.Thread(target=self._inquire, name="inquiries", daemon=True)
        inquiries.start()
        sheets = (self._runtime, self._stop, self._leading)
        threading.Thread(target=count_sheets, args=sheets, name="sheets", daemon=True).start()
        threading.Thread(target=check_books, args=sheets, name="checks", daemon=True).start()
        while not self._stop.is_set():
            try:
                if acquire(self._runtime.db, LEASE, self._token, self._now(), LEASE_SECONDS):
                    self._leading.set()
                    self._lead()
                else:
                    self._leading.clear()
                    self._stop.wait(1.0)
            except LeaseLost:
                self._leading.clear()
                log.warning("upkeep_lease_lost")
            except DBAPIError as error:
                log.warning("upkeep_waits_for_database", error=type(error.orig).__name__, said=first_line(error.orig))
                self._stop.wait(0.5)
            except Exception:  # whatever one row has in it, the others must be looked after
                log.exception("upkeep_failed")
                self._stop.wait(1.0)
        release(self._runtime.db, LEASE, self._token, self._now())

    def _now(self) -> datetime:
        return self._runtime.clock.real_now()

    def _lead(self) -> None:
        """Fold and sweep until the lease wants renewing."""
        renew = time.monotonic() + LEASE_SECONDS / 3
        sweep = 0.0
        while not self._stop.is_set() and time.monotonic() < renew:
            folded = fold(self._runtime.db, self._runtime.clock, self._token)
            late = time.monotonic() - sweep
            if late >= SWEEP_AT_THE_LATEST or (late >= 0 and folded == 0):
                for step in STEPS:
                    self._take(step)
                sweep = time.monotonic() + SWEEP_SECONDS
            if folded == 0:
                self._stop.wait(IDLE_SECONDS)

    def _take(self, step: Callable[[Runtime], int]) -> None:
        """One step. What stops it, a row that it cannot read, must not keep those after it from being taken."""
        try:
            step(self._runtime)
        except (LeaseLost, OperationalError, InterfaceError):  # the same for all of them
            raise
        except Exception:
            log.exception("upkeep_step_failed", step=getattr(step, "__name__", ""))

    def _inquire(self) -> None:
        """Carrier look-ups wait for the network, so they must not hold up the folds."""
        listing = time.monotonic()
        while not self._stop.wait(0.5):
            if not self._leading.is_set():
                continue
            try:
                if pending(self._runtime) is not None:  # a restored backup: nothing is sent, and no text answered
                    catch_up(self._runtime, self._carrier, obey=obey_found, answer=answer_found)
                    continue
                if time.monotonic() >= listing:
                    listing = time.monotonic() + max(LIST_AT_MOST_EVERY, LIST_EVERY / self._runtime.clock.speed)
                    list_missed(self._runtime, self._carrier, answer_found, pool=self._pool.numbers())
                reconcile(self._runtime, self._carrier)
                fetch_silent(self._runtime, self._carrier)
            except CarrierError as error:
                log.error("restore_waits_for_carrier", error=type(error).__name__, code=error.code)
                self._stop.wait(RESTORE_AGAIN_SECONDS)
            except DBAPIError as error:
                log.warning("inquiries_wait_for_database", error=type(error.orig).__name__, said=first_line(error.orig))
            except Exception:  # this thread is all that finds lost answers and missed texts
                log.exception("inquiries_failed")


def first_line(error: BaseException | None) -> str:
    """What a database said, without what it was asked: a schema that is behind must not look like a server away."""
    return str(error).partition("\n")[0][:200]


def seldom(step: Callable[[Runtime], int], seconds: float) -> Callable[[Runtime], int]:
    """The step, taken at its first turn and then at most once in so many real seconds; 0 for a turn left out."""
    due = 0.0

    @wraps(step)
    def turn(runtime: Runtime) -> int:
        nonlocal due
        if time.monotonic() < due:
            return 0
        due = time.monotonic() + seconds
        return step(runtime)

    return turn


EACH_TIME: tuple[Callable[[Runtime], int], ...] = (
    sweep_claims,
    sweep_posts,
    release_held,
    pace_gates,
    retry_reported,
    plan_follow_ups,
    sweep_calls,
    sweep_trees,
    check_breakers,
    watch_spend,
    end_stand_downs,
    sweep_closed,
    wake_senders,
    launch_due,
    wake_planners,
)
"""What is swept each second, when a fold has found nothing left, or a little later."""
STEPS = (
    *EACH_TIME,
    seldom(wake_importer, WAKE_IMPORTER_EVERY),
    seldom(watch_launches, UNUSUAL_EVERY),
    seldom(look_at_sign_ups, SIGN_UPS_EVERY),
    seldom(purge_uploads, PURGE_EVERY),
    seldom(purge_words, PURGE_WORDS_EVERY),
    seldom(nudge_groups, NUDGE_EVERY),
    seldom(plan_reminders, REMIND_EVERY),
    seldom(draft_overdue, REMIND_EVERY),
)


def main() -> None:
    """Run until SIGTERM."""
    settings = Settings.from_environment()
    set_up_logs("upkeep")
    report_errors(settings, "upkeep")
    LATENCIES.report_to(settings.redis_url)
    runtime = open_runtime(settings)
    require_usable(runtime)
    upkeep = Upkeep(runtime, TwilioCarrier(settings))
    signal.signal(signal.SIGTERM, upkeep.stop)
    signal.signal(signal.SIGINT, upkeep.stop)
    garbage.begin()
    upkeep.run()


if __name__ == "__main__":
    main()
