"""The RQ side of the queue: jobs carry opaque ids in JSON and hold nothing else."""

from __future__ import annotations

import json
from functools import cached_property

import structlog
from redis import Redis
from rq import Queue
from rq.serializers import JSONSerializer

from outreach.core.db import Job

log = structlog.get_logger(__name__)

QUEUES = ("calls", "messaging", "phone_tree", "campaigns")
"""Workers take them in turn."""

FILES = ("people",)
"""Contact files have a worker of their own: an import must not keep a text waiting."""

JOB_TIMEOUT = 300
LONG_JOB_TIMEOUT = 4 * 3600
"""For a queue of long work, which can be killed and goes on where it was."""
FAILURE_TTL = 86_400
MARK_SECONDS = 10


def connect(url: str) -> Redis:
    """A Redis client that gives up within seconds: whoever asks has the database to fall back on."""
    return Redis.from_url(url, socket_connect_timeout=3, socket_timeout=5, health_check_interval=30)


class RedisQueue:
    """Puts jobs on RQ's queues. Descriptions carry no arguments; results are not kept.

    While a job waits in the queue, the same one is not queued again: workers that are away for an hour must not
    come back to hundreds of them. The mark ends by itself, so a job that Redis lost is asked for again.
    """

    def __init__(self, url: str) -> None:
        self.url = url

    @cached_property
    def _redis(self) -> Redis:
        return connect(self.url)

    def enqueue(self, job: Job) -> None:
        """Raises redis errors; ``Database.send`` turns them into a log line."""
        mark = waiting_mark(job.function, job.args)
        if not self._redis.set(mark, 1, nx=True, ex=MARK_SECONDS):
            # Whoever can write to Redis could set one that never ends, and this job would never be queued again.
            if not 0 <= self._redis.pttl(mark) <= MARK_SECONDS * 1000:
                self._redis.expire(mark, MARK_SECONDS)
            return
        try:
            queued = Queue(job.queue, connection=self._redis, serializer=JSONSerializer).enqueue_call(
                job.function,
                args=job.args,
                timeout=LONG_JOB_TIMEOUT if job.queue in FILES else JOB_TIMEOUT,
                result_ttl=0,
                failure_ttl=FAILURE_TTL,
                description=job.function,
            )
        except Exception:
            self._redis.delete(mark)
            raise
        # A job holds ids only, and serves whoever is due; the line joins it with the request that asked for it first.
        log.info("job_enqueued", job_id=queued.id, function=job.function)


def waiting_mark(function: str, args: tuple[object, ...]) -> str:
    """The key that says that this very job waits in a queue; whoever starts the job removes it."""
    return f"outreach:waiting:{function}:{json.dumps(list(args))}"
