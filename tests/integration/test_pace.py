"""One rate for several processes: through a real Redis, and without it."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from outreach.core.pace import SharedRate, burst
from outreach.core.queue import connect
from outreach.core.runtime import Runtime
from outreach.core.segments import Measure
from outreach.messaging.gates import open_gate
from outreach.messaging.send import send_batch
from outreach.stage.processes import Processes
from outreach.stage.redis import start_redis
from tests.factories import TEXTS, VALUES, World, make_group, make_person, make_world, number, plan_messages
from tests.integration.test_sending import Book

RATE = 40.0


@pytest.fixture
def own_redis(tmp_path: Path) -> Iterator[tuple[str, Processes]]:
    with Processes(tmp_path / "logs") as processes:
        yield start_redis(tmp_path, processes), processes


def taken(senders: list[SharedRate], seconds: float) -> tuple[int, float]:
    began, total = time.monotonic(), 0
    while (gone := time.monotonic() - began) < seconds:
        for sender in senders:
            total += sender.take([1] * 10)
        time.sleep(0.005)
    return total, gone


def test_two_processes_share_one_rate(redis_url: str) -> None:
    connect(redis_url).flushall()
    senders = [SharedRate(redis_url, "shared", RATE) for _ in range(2)]
    total, gone = taken(senders, 1.0)
    assert RATE * 0.5 <= total <= burst(RATE) + RATE * (gone + 0.1)


def test_a_flushed_redis_gives_one_burst_and_no_more(redis_url: str) -> None:
    sender = SharedRate(redis_url, "flushed", RATE)
    before, _ = taken([sender], 0.3)
    connect(redis_url).flushall()
    after, more = taken([sender], 0.3)
    assert after <= burst(RATE) + RATE * (more + 0.1)
    assert before


def test_too_fast_is_told_to_everybody(redis_url: str) -> None:
    connect(redis_url).flushall()
    one, other = (SharedRate(redis_url, "slower", RATE) for _ in range(2))
    taken([one, other], 0.3)
    one.slow_down()
    one.take([1])
    total, gone = taken([other], 1.0)
    assert total <= 0.6 * RATE * (gone + 0.1) + 1


def test_without_redis_each_takes_its_share(own_redis: tuple[str, Processes]) -> None:
    url, processes = own_redis
    senders = [SharedRate(url, "away", RATE) for _ in range(4)]
    taken(senders, 0.3)
    processes.kill("redis")
    total, gone = taken(senders, 1.0)
    assert RATE * 0.3 <= total <= burst(RATE) + RATE * (gone + 0.1)


def test_no_rate_is_as_fast_as_the_carrier(redis_url: str) -> None:
    assert SharedRate("redis://127.0.0.1:1/0", "free", None).take([1, 2] * 38) == 76


def two_groups(runtime: Runtime, many: int, few: int) -> tuple[World, World]:
    big, group_id = make_world(runtime, many), make_group(runtime, "Others")
    people = [make_person(runtime, group_id, number(200 + index)) for index in range(few)]
    with runtime.db.transaction() as tx:
        gate = open_gate(tx, group_id=group_id, kind="wave", texts=TEXTS, values=VALUES, clock=runtime.clock)
    small = World(group_id, 0, gate.id, people)
    for world in (big, small):
        plan_messages(runtime, world)
    return big, small


def test_a_small_campaign_does_not_wait_for_another_groups_big_one(
    runtime: Runtime, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("outreach.messaging.send.STALE_SECONDS", 20.0)
    big, _small = two_groups(runtime, 80, 6)
    book = Book()
    send_batch(runtime, book, big.gate_id, threads=4, seconds=30)
    order = [one.to for one in book.accepted]
    last = max(order.index(number(200 + index)) for index in range(6))
    assert len(order) == 86
    assert last < 40


@pytest.mark.parametrize("parts", [1, 2])
def test_a_senders_rate_holds_for_the_parts_of_texts(
    runtime: Runtime, redis_url: str, monkeypatch: pytest.MonkeyPatch, parts: int
) -> None:
    """As carriers count: a text of two parts takes the room of two."""
    monkeypatch.setattr("outreach.messaging.send.STALE_SECONDS", 20.0)
    monkeypatch.setattr("outreach.messaging.claims.measure", lambda _text: Measure("GSM-7", parts, 1))
    connect(redis_url).flushall()
    big, _small = two_groups(runtime, 60, 6)
    paced = replace(runtime, settings=runtime.settings.model_copy(update={"sender_rate": RATE, "redis_url": redis_url}))
    book, began = Book(), time.monotonic()
    send_batch(paced, book, big.gate_id, threads=16, seconds=30)
    assert len(book.accepted) == 66
    gone = time.monotonic() - began
    assert (65 * parts - burst(RATE)) / RATE <= gone
