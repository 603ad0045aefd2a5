"""A web process that can hardly keep up says so in Redis, and a sender begins fewer texts for as long."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import SimpleNamespace

import pytest
from hypothesis import given
from hypothesis import strategies as st
from redis import Redis

from outreach.core import room
from outreach.core.room import Crowd, Load, Room
from outreach.core.runtime import Runtime
from outreach.messaging.pool import Pool
from outreach.web import app as web


def until(true: Callable[[], bool]) -> None:
    late = time.monotonic() + 10
    while not true():
        assert time.monotonic() < late
        time.sleep(room.LOOK_SECONDS / 4)


@given(st.lists(st.tuples(st.floats(0, 100), st.floats(0, 100)), max_size=20), st.floats(0.1, 100))
def test_the_load_is_what_its_requests_lasted_together_by_the_time_that_has_gone(
    requests: list[tuple[float, float]], asked: float
) -> None:
    load = Load(0.0)
    changes = sorted([(min(begin, asked), 1) for begin, _ in requests] + [
        (begin + lasts, -1) for begin, lasts in requests if begin + lasts <= asked
    ])  # fmt: skip
    for at, by in changes:
        load.change(by, at)
    together = sum(max(0.0, min(begin + lasts, asked) - min(begin, asked)) for begin, lasts in requests)
    assert load.since_asked(asked) == pytest.approx(together / asked, abs=1e-6)


def test_it_is_counted_anew_once_it_was_asked_for() -> None:
    load = Load(10.0)
    load.change(1, 10.0)
    assert load.since_asked(12.0) == 1.0
    load.change(-1, 13.0)
    assert load.since_asked(14.0) == 0.5
    assert load.since_asked(14.0) == 0.0
    assert load.since_asked(16.0) == 0.0


def test_an_answer_now_and_then_is_no_crowd() -> None:
    load = Load(0.0)
    for second in range(20):
        load.change(1, second)
        load.change(-1, second + room.CROWDED - 0.1)
    assert not load.is_crowded(20.0)
    for second in range(20, 40):
        load.change(1, second)
        load.change(-1, second + room.CROWDED + 0.1)
    assert load.is_crowded(40.0)


def test_who_is_crowded_asks_for_room_until_it_has_it(redis_url: str) -> None:
    redis, crowd, asked = Redis.from_url(redis_url), Crowd(), Room(redis_url)
    redis.delete(room.MARK)
    crowd.report_to(redis_url)
    over = threading.Event()

    def answer() -> None:
        with crowd.answering():
            over.wait()

    two = [threading.Thread(target=answer) for _ in range(2)]
    for thread in two:
        thread.start()
    until(asked.is_wanted)
    over.set()
    for thread in two:
        thread.join()
    until(lambda: not redis.exists(room.MARK))


def test_one_mark_is_given_way_to_once(redis_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    redis, asked, now = Redis.from_url(redis_url), Room(redis_url), 100.0
    monkeypatch.setattr(room, "time", SimpleNamespace(monotonic=lambda: now))
    redis.set(room.MARK, 1)
    said = []
    for _ in range(7):
        said.append(asked.is_wanted())
        now += room.LOOK_SECONDS * 1.01
    redis.delete(room.MARK)
    assert said == [True, False, False, True, False, False, True]


def test_the_next_job_begins_with_what_there_was_room_for(redis_url: str) -> None:
    Redis.from_url(redis_url).delete(room.KEPT)
    assert Room(redis_url).kept() is None
    Room(redis_url).keep(5)
    assert Room(redis_url).kept() == 5
    begun = Pool(16, lambda _post: None, kept=5)
    begun.grow()
    assert begun.limit == 5
    begun.close()
    Redis.from_url(redis_url).delete(room.KEPT)


def test_without_redis_nobody_is_held_back() -> None:
    asked = Room("redis://127.0.0.1:9/0")
    asked.keep(5)
    assert asked.kept() is None
    assert not asked.is_wanted()
    began = time.monotonic()
    assert not any(asked.is_wanted() for _ in range(1000))
    assert time.monotonic() - began < room.AWAY_SECONDS


def test_a_sender_that_gives_way_keeps_four_threads_and_grows_back() -> None:
    pool = Pool(16, lambda _post: None)
    assert pool.limit == 8
    for _ in range(8):
        pool.grow()
    assert pool.limit == 16
    seen = []
    for _ in range(10):
        pool.give_way()
        seen.append(pool.limit)
    assert seen[:3] == [9, 5, 4]
    assert seen[-1] == 4
    pool.grow()
    pool.grow()
    assert pool.limit == 4  # one more for each round, no longer for each success
    for _ in range(200):
        pool.grow()
    assert pool.limit == 16
    pool.shrink()
    pool.shrink()
    pool.shrink()
    pool.shrink()
    assert pool.limit == 1
    pool.give_way()  # who the carrier has slowed down is not sped up
    assert pool.limit == 1
    pool.close()


def test_webhooks_are_counted_and_pages_are_not(runtime: Runtime, monkeypatch: pytest.MonkeyPatch) -> None:
    answered = []

    class Counting(Crowd):
        @contextmanager
        def answering(self) -> Iterator[None]:
            answered.append(True)
            yield

    monkeypatch.setattr(web, "CROWD", Counting())
    client = web.create_app(runtime.settings).test_client()
    assert client.get("/healthz").status_code == 200
    assert client.post("/twilio/sms").status_code == 403
    assert len(answered) == 1
