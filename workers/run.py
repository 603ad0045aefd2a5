"""The worker: ``python -m workers.run``. One RQ worker that forks a work-horse per job.

Jobs are JSON, and only functions on the allow-list run: a job that somebody else wrote into Redis is refused and
logged (``jobs``). Imports are done before the fork, connections after it.
"""

from __future__ import annotations

from outreach.core import garbage  # before all others

# isort: split
import argparse
import os
import signal
from typing import Any

import structlog
from redis import Redis
from rq import Queue
from rq.executions import Execution
from rq.job import Job
from rq.serializers import JSONSerializer
from rq.worker import RoundRobinWorker

from config.settings import Settings
from outreach.core.error_reports import hand_over_reports, report_errors
from outreach.core.latencies import LATENCIES
from outreach.core.logs import mask, set_up_logs
from outreach.core.queue import QUEUES, waiting_mark
from outreach.core.runtime import open_runtime, require_usable
from workers import calls, campaigns, messaging, people, phone_tree
from workers.context import SENDER_THREADS, STOPPING
from workers.jobs import PlainJob, why_refused

log = structlog.get_logger(__name__)

JOBS = (messaging.send_batch, calls.place_calls, phone_tree.tick_trees, campaigns.plan_wave, people.work_uploads)
ALLOWED = {f"{function.__module__}.{function.__name__}": function for function in JOBS}


class AllowListWorker(RoundRobinWorker):
    """Refuses every job whose function is not on the list.

    It takes the queues in turn: a long blast must not keep the next campaign from being planned. It takes no orders
    from Redis, as RQ's workers do (to stop a job, to end, to pause for ever): signals come from this machine.
    """

    def perform_job(self, job: Job, queue: Queue, execution: Execution) -> bool:
        """Run an allowed job; anything else is deleted without being imported."""
        why = why_refused(job, ALLOWED)
        if why is not None:
            named = "" if why == "unreadable" else str(job.func_name)[:100]
            log.error("job_refused", job_id=job.id, why=why, function=named, unwanted=getattr(job, "unwanted", ()))
            job.delete()
            return False
        self.connection.delete(waiting_mark(str(job.func_name), tuple(job.args)))
        with structlog.contextvars.bound_contextvars(job_id=job.id, job=job.func_name):
            try:
                return bool(super().perform_job(job, queue, execution))
            finally:
                LATENCIES.hand_over()  # a work-horse ends without a word to its threads
                hand_over_reports()

    def handle_job_failure(
        self, job: Job, queue: Queue, started_job_registry: Any = None, exc_string: str = "",
        execution: Execution | None = None,
    ) -> None:  # fmt: skip
        """What RQ keeps of a failed job in Redis: its traceback, in which an exception may quote a number."""
        super().handle_job_failure(job, queue, started_job_registry, mask(exc_string), execution)

    def subscribe(self) -> None:
        """Listen to no channel: whoever can write to Redis could kill the job of every worker, time and again."""

    def check_for_suspension(self, burst: bool) -> None:
        """Nobody suspends a worker through Redis: a key without an end would keep all texts from going out."""

    def clean_group_registries(self) -> None:
        """There are no groups of jobs here, and what stands in Redis as one is not read."""

    def setup_work_horse_signals(self) -> None:
        """A work-horse that is told to end lets its POSTs come home first: a POST cut off is one nobody knows of."""
        super().setup_work_horse_signals()  # type: ignore[no-untyped-call]  # RQ is not typed here
        signal.signal(signal.SIGTERM, lambda *_: STOPPING.set())

    def handle_warm_shutdown_request(self) -> None:
        """Told to stop, tell the work-horse as well: its job would go on for many seconds."""
        super().handle_warm_shutdown_request()  # type: ignore[no-untyped-call]  # RQ is not typed here
        if self.horse_pid:
            self.kill_horse(signal.SIGTERM)


def main() -> None:
    """Work until told to stop."""
    parser = argparse.ArgumentParser(prog="python -m workers.run", description=__doc__)
    parser.add_argument("--sender-threads", type=int, default=32, help="POSTs under way at once (default 32)")
    parser.add_argument("--burst", action="store_true", help="end when the queues are empty")
    parser.add_argument("--queues", nargs="+", default=list(QUEUES), help=f"which (default {' '.join(QUEUES)})")
    options = parser.parse_args()
    settings = Settings.from_environment()
    set_up_logs("worker")
    report_errors(settings, "worker")
    LATENCIES.report_to(settings.redis_url)
    require_usable(open_runtime(settings))
    os.environ[SENDER_THREADS] = str(options.sender_threads)
    connection = Redis.from_url(settings.redis_url)
    worker = AllowListWorker(options.queues, connection=connection, serializer=JSONSerializer, job_class=PlainJob)
    garbage.begin()
    worker.work(burst=options.burst, logging_level="WARNING")


if __name__ == "__main__":
    main()
