"""Which jobs a worker runs: those that this site wrote, and nothing else that stands in Redis.

Whoever can write to Redis can write a job. RQ would import and call what its hash names: a function, callbacks for
success, failure and stopping (the last two in the worker itself, before any function is looked at), and post to
addresses in it. So a job is read as data alone here, and refused unless it is one of ours by every mark: a function of
the list, whole positive numbers for arguments, as many as it takes, a time limit that we give.

What is left to such a person: to make work be done that is due anyway (jobs claim rows, and are harmless when run twice
or never), and to take jobs away, which upkeep asks for again.
"""

from __future__ import annotations

import inspect
import zlib
from collections.abc import Callable, Mapping
from typing import Any, Final

import structlog
from redis import Redis
from redis.exceptions import ResponseError
from rq.exceptions import DeserializationError, NoSuchJobError, TimeoutFormatError
from rq.job import Job

from outreach.core.queue import LONG_JOB_TIMEOUT

log = structlog.get_logger(__name__)

MOST_BYTES: Final = 64 * 1024
"""Of any part of a job, packed or unpacked; ours have a few hundred."""
LARGEST_ID: Final = 2**63 - 1
NEVER_OURS: Final = (
    "success_callback_name", "failure_callback_name", "stopped_callback_name", "webhooks", "dependency_ids",
    "dependency_id", "group_id", "retries_left", "repeats_left", "rate_limit_key",
)  # fmt: skip
"""Parts of RQ's jobs that this site does not use."""
_MALFORMED: Final = (
    ValueError, TypeError, KeyError, AttributeError, OverflowError, RecursionError, zlib.error, DeserializationError,
    ResponseError, TimeoutFormatError, AssertionError,
)  # fmt: skip
"""How RQ fails on a hash that it did not write. Not how it fails when Redis is away."""


class PlainJob(Job):
    """A job that nothing but its one function can be called for, and that no hash can make the worker fail on."""

    unwanted: tuple[str, ...] = ()
    """The parts that it came with and that no job of ours has."""

    @classmethod
    def fetch(cls, id: str, connection: Redis | None = None, serializer: Any = None) -> Job:
        """Raises NoSuchJobError also for what is no job, however it is malformed: the worker then takes the next."""
        try:
            return super().fetch(id, connection=connection, serializer=serializer)
        except _MALFORMED as error:
            log.error("job_unreadable", job_id=str(id)[:100], error=type(error).__name__)
            raise NoSuchJobError from error

    def restore(self, raw_data: Mapping[bytes, bytes]) -> None:
        """Read a hash, and drop from it what could call, post or wait for anything. Raises NoSuchJobError."""
        if any(len(value) > MOST_BYTES for value in raw_data.values()) or unpacks_to_much(raw_data.get(b"data", b"")):
            log.error("job_too_large", job_id=self.id[:100])
            raise NoSuchJobError
        super().restore(raw_data)
        self.unwanted = tuple(name for name in NEVER_OURS if raw_data.get(name.encode()) not in {None, b"", b"[]"})
        self._success_callback_name = self._failure_callback_name = self._stopped_callback_name = None
        self.webhooks = []
        self._dependency_ids = []
        self.group_id = self.retries_left = self.repeats_left = self.rate_limit_key = None
        if not isinstance(self.timeout, int) or not 0 < self.timeout <= LONG_JOB_TIMEOUT:
            self.unwanted += ("timeout",)
            self.timeout = 1

    def send_webhooks(self, *_: Any, **__: Any) -> None:
        """Nobody outside is told of a job."""


def unpacks_to_much(data: bytes) -> bool:
    """Whether a packed job is larger than any of ours, of which no more than that is unpacked to know."""
    unpacker = zlib.decompressobj()
    try:
        return len(unpacker.decompress(data, MOST_BYTES + 1)) > MOST_BYTES
    except zlib.error:  # not packed: its length was looked at
        return False


def why_refused(job: Job, allowed: Mapping[str, Callable[..., object]]) -> str | None:
    """Why a job is not run: unreadable, unwanted, function, arguments; None for one of ours."""
    try:
        name, instance, arguments, keywords = job.func_name, job.instance, job.args, job.kwargs
    except (DeserializationError, *_MALFORMED):
        return "unreadable"
    if getattr(job, "unwanted", ()):
        return "unwanted"
    function = allowed.get(name) if isinstance(name, str) else None
    if function is None or instance is not None:
        return "function"
    ids = isinstance(arguments, list | tuple) and all(type(one) is int and 0 < one <= LARGEST_ID for one in arguments)
    if not ids or keywords or len(arguments) != len(inspect.signature(function).parameters):
        return "arguments"
    return None
