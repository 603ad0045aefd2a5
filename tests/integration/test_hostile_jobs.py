"""Somebody writes to Redis who should not: a real worker runs nothing of it, says so, and goes on with what is ours."""

from __future__ import annotations

import json
import pickle
import sys
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from redis import Redis
from rq import Queue
from rq.exceptions import NoSuchJobError
from rq.job import Job
from rq.registry import StartedJobRegistry
from rq.serializers import JSONSerializer
from sqlalchemy import func, select

from outreach.core.db import Job as OurJob
from outreach.core.queue import MARK_SECONDS, RedisQueue, waiting_mark
from outreach.core.runtime import Runtime
from outreach.messaging.models import Message
from outreach.stage.processes import Processes, Program
from tests.factories import make_world, plan_messages
from workers.jobs import MOST_BYTES, PlainJob, unpacks_to_much, why_refused
from workers.run import ALLOWED

SEND, UPLOADS = "workers.messaging.send_batch", "workers.people.work_uploads"
NEVER_A_JOB = (None, True, 0, -1, 2**63, 10**400, 1.5, "1", "1 OR 1=1", [1], {"id": 1})


@pytest.fixture
def redis(redis_url: str) -> Iterator[Redis]:
    connection = Redis.from_url(redis_url)
    connection.flushall()
    yield connection
    connection.flushall()


def write(redis: Redis, name: str, data: Any, *, queue: str | None = "messaging", **fields: str) -> None:
    """A job's hash as an attacker writes it, without RQ."""
    raw = data if isinstance(data, bytes) else zlib.compress(json.dumps(data).encode())
    plain: dict[str, str] = {
        "created_at": "2026-12-01T19:00:00.000000Z",
        "origin": "messaging",
        "timeout": "300",
        "status": "queued",
    }
    redis.hset(f"rq:job:{name}", mapping=dict[Any, Any](plain | fields) | {"data": raw})
    if queue:
        redis.rpush(f"rq:queue:{queue}", name)


def fetched(redis: Redis, name: str) -> Job:
    return PlainJob.fetch(name, connection=redis, serializer=JSONSerializer)


class Touch:
    """Makes a file when it is unpickled."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> tuple[Any, ...]:
        return Path.touch, (self.path,)


@pytest.mark.parametrize(
    ("data", "fields", "why"),
    [
        (["os.system", None, ["true"], {}], {}, "function"),
        ([["os", "system"], None, [1], {}], {}, "function"),
        ([SEND, "an instance", [1], {}], {}, "function"),
        ([SEND, None, [1], {"gate_id": 2}], {}, "arguments"),
        ([SEND, None, [], {}], {}, "arguments"),
        ([SEND, None, [1, 2], {}], {}, "arguments"),
        ([SEND, None, {"gate_id": 1}, {}], {}, "arguments"),
        ([UPLOADS, None, [1], {}], {}, "arguments"),
        *(([SEND, None, [one], {}], {}, "arguments") for one in NEVER_A_JOB),
        (b"not JSON", {}, "unreadable"),
        (b"[" * 60_000, {}, "unreadable"),
        ([SEND, None], {}, "unreadable"),
        ([SEND, None, [1], {}], {"success_callback_name": "os.system"}, "unwanted"),
        ([SEND, None, [1], {}], {"failure_callback_name": "os.system"}, "unwanted"),
        ([SEND, None, [1], {}], {"stopped_callback_name": "os.system"}, "unwanted"),
        ([SEND, None, [1], {}], {"webhooks": json.dumps([{"url": "http://127.0.0.1:9/"}])}, "unwanted"),
        ([SEND, None, [1], {}], {"dependency_ids": '["another"]'}, "unwanted"),
        ([SEND, None, [1], {}], {"retries_left": "999999"}, "unwanted"),
        ([SEND, None, [1], {}], {"repeats_left": "999999"}, "unwanted"),
        ([SEND, None, [1], {}], {"rate_limit_key": "x", "rate_limit_concurrency": "1"}, "unwanted"),
        ([SEND, None, [1], {}], {"timeout": "-1"}, "unwanted"),
        ([SEND, None, [1], {}], {"timeout": "99999999"}, "unwanted"),
        ([SEND, None, [1], {}], {"meta": '{"any": "thing"}', "description": "x" * 60_000}, None),
        ([SEND, None, [7], {}], {}, None),
        ([UPLOADS, None, [], {}], {}, None),
    ],
)  # fmt: skip
def test_a_job_is_run_only_if_it_is_ours_by_every_mark(
    redis: Redis, data: Any, fields: dict[str, str], why: str | None
) -> None:
    write(redis, "injected", data, **fields)
    job = fetched(redis, "injected")
    assert why_refused(job, ALLOWED) == why
    assert (job.success_callback, job.failure_callback, job.stopped_callback, job.webhooks) == (None, None, None, [])
    assert isinstance(job.timeout, int)
    assert job.timeout > 0


@pytest.mark.parametrize(
    ("data", "fields"),
    [
        ([SEND, None, [1], {}], {"created_at": "yesterday"}),
        ([SEND, None, [1], {}], {"status": "running wild"}),
        ([SEND, None, [1], {}], {"timeout": "for ever"}),
        ([SEND, None, [1], {}], {"dependency_ids": "not JSON"}),
        ([SEND, None, [1], {}], {"description": "x" * (MOST_BYTES + 1)}),
        (zlib.compress(b"0" * 50_000_000), {}),
        (zlib.compress(b"0" * (MOST_BYTES + 1)), {}),
    ],
)
def test_what_is_no_job_is_passed_by(redis: Redis, data: Any, fields: dict[str, str]) -> None:
    """RQ's own worker ends on each of these, and is started again only to end on the next."""
    write(redis, "injected", data, **fields)
    with pytest.raises(NoSuchJobError):
        fetched(redis, "injected")
    redis.set("rq:job:a-text", "no hash")
    for name in ("a-text", "no/such id", "x\0"):
        with pytest.raises(NoSuchJobError):
            fetched(redis, name)


def test_a_pickle_is_never_opened(redis: Redis, tmp_path: Path) -> None:
    write(redis, "injected", pickle.dumps(Touch(tmp_path / "opened")), meta="x")
    assert why_refused(fetched(redis, "injected"), ALLOWED) == "unreadable"
    assert not (tmp_path / "opened").exists()
    assert unpacks_to_much(zlib.compress(bytes(10**8)))
    assert not unpacks_to_much(zlib.compress(json.dumps([SEND, None, [1], {}]).encode()))


def test_a_real_worker_survives_what_is_injected_and_sends_what_is_due(
    runtime: Runtime, stage: Processes, settings_env: dict[str, str], redis: Redis, tmp_path: Path
) -> None:
    """One queue full of malice, a registry and a suspension besides; behind them a job of ours."""
    world = make_world(runtime, 2)
    plan_messages(runtime, world)
    made = tmp_path / "made"
    write(redis, "pickled", pickle.dumps(Touch(made)))
    write(redis, "shell", ["os.system", None, [f"touch {made}"], {}])
    write(redis, "callback", [SEND, None, [world.gate_id], {}], success_callback_name="antigravity.geohash")
    write(redis, "words", [SEND, None, ["'; DROP TABLE message; --"], {}])
    write(redis, "huge", [SEND, None, [2**80], {}])
    write(redis, "long", [SEND, None, [1], {}], description="x" * 5_000_000)
    write(redis, "bomb", zlib.compress(b"0" * 20_000_000))
    write(redis, "undated", [SEND, None, [1], {}], created_at="never")
    redis.rpush("rq:queue:messaging", "no such id", "../../etc/passwd")
    # A job that seems to have lost its worker: RQ calls its failure callback in the worker's own process.
    write(redis, "lost", [SEND, None, [1], {}], queue=None, status="started", failure_callback_name="os.abort")
    lost = StartedJobRegistry(queue=Queue("messaging", connection=redis, serializer=JSONSerializer))
    redis.zadd(lost.key, {"lost:1": 1})
    redis.set("rq:suspended", 1)
    runtime.db.send(OurJob("messaging", SEND, (world.gate_id,)))
    command, name = (sys.executable, "-m", "workers.run", "--burst"), f"hostile-{runtime.db.url.get_backend_name()}"
    stage.start(Program(name, command, settings_env))
    stage.wait(name, 60)
    log = stage.log(name).read_text()
    stage.stop(name)
    assert not made.exists()
    refused = {
        entry["job_id"]: entry["why"]
        for line in log.splitlines()
        if "job_refused" in line
        for entry in [json.loads(line)]
    }
    assert refused == {
        "pickled": "unreadable", "shell": "function", "callback": "unwanted", "words": "arguments", "huge": "arguments",
    }  # fmt: skip
    assert log.count("job_too_large") == 2
    assert log.count("job_unreadable") == 3
    assert "found an unhandled exception" not in log
    assert "antigravity" not in log.replace('"unwanted"', "")
    with runtime.db.snapshot() as session:
        planned = select(func.count()).select_from(Message).where(Message.state == "planned")
        assert session.execute(planned).scalar_one() == 0, "ours was run behind all of that"


def test_no_worker_listens_for_orders(redis: Redis, settings_env: dict[str, str]) -> None:
    """RQ's ``stop-job``, ``kill-horse`` and ``shutdown`` come over a channel; ours has nobody at its other end."""
    from workers.run import AllowListWorker

    worker = AllowListWorker(["messaging"], connection=redis, serializer=JSONSerializer, job_class=PlainJob)
    worker.subscribe()
    assert worker.pubsub is None
    assert redis.publish(worker.pubsub_channel_name, json.dumps({"command": "kill-horse"})) == 0
    redis.set("rq:suspended", 1)
    worker.check_for_suspension(burst=False)


def test_a_mark_without_an_end_keeps_no_job_away_for_ever(redis: Redis, redis_url: str) -> None:
    job = OurJob("messaging", SEND, (7,))
    mark = waiting_mark(job.function, job.args)
    for ends_in in (None, 86_400):
        redis.set(mark, 1, ex=ends_in)
        RedisQueue(redis_url).enqueue(job)
        assert 0 < redis.ttl(mark) <= MARK_SECONDS
    assert redis.llen("rq:queue:messaging") == 0  # it is asked for again, and by then the mark has ended
