"""What waits in Redis, who works there, and why jobs failed: read from RQ, and nothing in it is changed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Final

from redis import Redis
from rq import Queue
from rq.job import Job
from rq.registry import FailedJobRegistry, StartedJobRegistry
from rq.serializers import JSONSerializer
from rq.worker import Worker

from outreach.core.logs import mask
from outreach.core.queue import FILES, QUEUES

FAILED_SHOWN: Final = 10
REASON_LENGTH: Final = 200
ALL: Final = (*QUEUES, *FILES)


@dataclass(frozen=True, slots=True)
class QueueState:
    """Jobs of one queue, and how many workers take from it."""

    name: str
    waiting: int
    running: int
    failed: int
    workers: int


@dataclass(frozen=True, slots=True)
class Failure:
    """A job that ended with an error, which RQ keeps for a day. ``reason``: its last line, numbers masked."""

    queue: str
    function: str
    reason: str
    at: datetime | None


@dataclass(frozen=True, slots=True)
class Queues:
    """All of them, the newest failures first, and how many worker processes have been heard of lately."""

    queues: Sequence[QueueState]
    workers: int
    failures: Sequence[Failure] = field(default_factory=tuple)


def read_queues(redis: Redis, *, with_failures: bool = False) -> Queues:
    """Ask Redis. A worker counts while its heartbeat does. Raises redis errors."""
    workers: Any = Worker.all(connection=redis, serializer=JSONSerializer)
    states, failures = [], []
    for name in ALL:
        queue = Queue(name, connection=redis, serializer=JSONSerializer)
        failed = FailedJobRegistry(queue=queue)
        states.append(
            QueueState(
                name=name,
                waiting=queue.count,
                # Registries are not cleaned here: that would put jobs of a dead worker back, and asking must not act.
                running=int(redis.zcard(StartedJobRegistry(queue=queue).key)),
                failed=int(redis.zcard(failed.key)),
                workers=sum(name in worker.queue_names() for worker in workers),
            )
        )
        if with_failures:
            failures += _failures(redis, name, failed.key)
    failures.sort(key=lambda one: one.at or datetime.min.replace(tzinfo=UTC), reverse=True)
    return Queues(states, len(workers), failures[:FAILED_SHOWN])


def _failures(redis: Redis, queue: str, key: str) -> list[Failure]:
    ids: Any = redis.zrange(key, 0, FAILED_SHOWN - 1, desc=True)
    jobs = Job.fetch_many([each.decode() for each in ids], connection=redis, serializer=JSONSerializer)
    return [Failure(queue, str(job.func_name)[:100], last_line(_told(job)), _utc(job.ended_at)) for job in jobs if job]


def _utc(at: datetime | None) -> datetime | None:
    return at and at.replace(tzinfo=UTC)


def _told(job: Job) -> str:
    result = job.latest_result()
    return (result.exc_string if result is not None else None) or ""


def last_line(traceback: str) -> str:
    """What a traceback ends with, masked once more and cut. Pure."""
    lines = [line.strip() for line in traceback.splitlines() if line.strip()]
    return mask(lines[-1])[:REASON_LENGTH] if lines else ""
