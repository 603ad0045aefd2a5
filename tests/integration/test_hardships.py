"""What a review found: late words, outages, bad rows, storms and races. Each was a fault once."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from redis import Redis
from rq import Queue
from rq.serializers import JSONSerializer
from sqlalchemy import select, text, update

from outreach.accounts.models import Group
from outreach.carrier.account import Service, TwilioAccount
from outreach.carrier.base import Ambiguous, CarrierMessage, Misconfigured, Throttled
from outreach.carrier.sender_pool import SenderPool
from outreach.core.crypto import Vault
from outreach.core.db import Job
from outreach.core.errors import halt_sentence
from outreach.core.leases import acquire
from outreach.core.queue import RedisQueue, waiting_mark
from outreach.core.runtime import Runtime
from outreach.messaging import events
from outreach.messaging.claims import claim
from outreach.messaging.gates import pause_gate
from outreach.messaging.inbound import InboundText
from outreach.messaging.models import Gate, Message, MessageAttempt, Reply
from outreach.messaging.optout import obey_opt_out
from outreach.messaging.pool import Pool
from outreach.messaging.purses import Paid
from outreach.messaging.reconcile import reconcile
from outreach.messaging.record import Outcome, Recorder
from outreach.messaging.recover import list_missed
from outreach.messaging.send import UNCLEAR_IN_A_ROW, send_batch
from outreach.messaging.slices import Post, slice_out
from outreach.people.consent import is_suppressed
from outreach.people.models import Constituent
from outreach.replies import answer_found, answer_text
from outreach.tallies.fold import LEASE
from tests.factories import World, make_world, number, plan_messages
from tests.integration.test_sending import Book, fold_all, make_due, send, states


@pytest.fixture
def world(runtime: Runtime) -> World:
    return make_world(runtime, 3)


def throttled_once(runtime: Runtime, world: World) -> tuple[int, int]:
    """A message that a 429 sent back to planned, and the attempt that this closed."""
    plan_messages(runtime, world)
    claimed, _ = claim(runtime, world.gate_id, "old", after=0, limit=1)
    (post,) = slice_out(runtime, claimed, "old")
    with runtime.db.transaction() as tx:
        at = runtime.clock.real_now()
        events.append(tx, [events.result(post.attempt_id, "not_sent", at, error_code=20429, retry_after=0.0)])
    fold_all(runtime)
    return post.message_id, post.attempt_id


@pytest.mark.parametrize("word", ["unknown", "accepted", "review"])
def test_a_late_word_about_a_closed_attempt_leaves_a_claimed_row_to_its_sender(
    runtime: Runtime, world: World, word: str
) -> None:
    message_id, attempt_id = throttled_once(runtime, world)
    claimed, _ = claim(runtime, world.gate_id, "new", after=0, limit=10)
    with runtime.db.transaction() as tx:
        sid = "SM" + "9" * 32 if word == "accepted" else None
        events.append(tx, [events.result(attempt_id, word, runtime.clock.real_now(), carrier_sid=sid)])
    fold_all(runtime)
    with runtime.db.snapshot() as session:
        row = session.get_one(Message, message_id)
        assert (row.state, row.lease_token) == ("claimed", "new")
    assert message_id in {post.message_id for post in slice_out(runtime, claimed, "new")}


def test_a_late_word_does_not_undo_a_stop(runtime: Runtime, world: World) -> None:
    _, attempt_id = throttled_once(runtime, world)
    with runtime.db.transaction(durable=True) as tx:
        obey_opt_out(
            tx,
            runtime.vault,
            group_id=world.group_id,
            number_hash=runtime.vault.number_hash(number(0)),
            wording="STOP",
            source="person",
            at=runtime.clock.real_now(),
        )
        events.append(tx, [events.result(attempt_id, "unknown", runtime.clock.real_now())])
    fold_all(runtime)
    assert states(runtime, world.gate_id) == {"planned": 2, "suppressed": 1}


class Listing(Book):
    """A carrier that lists these texts to our number, and may be away."""

    def __init__(self, *texts: CarrierMessage) -> None:
        super().__init__()
        self.texts = texts
        self.asked_since: list[datetime] = []

    def list_to(self, number: str, since: datetime) -> Iterator[CarrierMessage]:
        self.asked_since.append(since)
        yield from (one for one in self.texts if one.created_at >= since)


def missed_text(runtime: Runtime, index: int, body: str, minutes_ago: int, sid: str) -> CarrierMessage:
    at = runtime.clock.real_now() - timedelta(minutes=minutes_ago)
    ours = runtime.settings.twilio_from_number or ""
    return CarrierMessage(sid, ours, number(index), body, "received", None, True, at)


def test_a_stop_from_an_outage_is_found_whatever_webhooks_have_brought_since(runtime: Runtime, world: World) -> None:
    stop = missed_text(runtime, 1, "stop texting me please", 20, "SM" + "1" * 32)
    ours = runtime.settings.twilio_from_number or ""
    answer_text(runtime, InboundText("SM" + "2" * 32, number(2), ours, "hello there", runtime.clock.real_now()))
    carrier = Listing(stop)
    assert list_missed(runtime, carrier, answer_found) == 1
    with runtime.db.snapshot() as session:
        assert is_suppressed(session, runtime.vault.number_hash(number(1)), world.group_id)
    assert list_missed(runtime, carrier, answer_found) == 0
    assert carrier.asked_since[1] > carrier.asked_since[0] + timedelta(hours=1)


def test_a_stop_to_another_number_of_the_pool_is_found_as_well(
    runtime: Runtime, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """People answer the number that texted them; a service without TWILIO_FROM_NUMBER has no other."""
    stop = replace(missed_text(runtime, 1, "stop texting me please", 20, "SM" + "1" * 32), to="+14805550177")

    class Pooled(Listing):
        def list_to(self, number: str, since: datetime) -> Iterator[CarrierMessage]:
            yield from (one for one in super().list_to(number, since) if one.to == number)

    changed = {"mode": "production", "twilio_messaging_service_sid": "MG" + "1" * 32, "twilio_from_number": None}
    real = replace(runtime, settings=runtime.settings.model_copy(update=changed))
    service = Service("MG" + "1" * 32, {}, ("+14805550176", "+14805550177"), 0)
    monkeypatch.setattr(TwilioAccount, "service", lambda *_: service)
    pool = SenderPool(real.settings).numbers()
    assert list_missed(real, Pooled(stop), answer_found) == 0
    assert list_missed(real, Pooled(stop), answer_found, pool=pool) == 1
    with runtime.db.snapshot() as session:
        assert is_suppressed(session, runtime.vault.number_hash(number(1)), world.group_id)


def test_while_the_pool_is_not_known_nothing_counts_as_listed(
    runtime: Runtime, monkeypatch: pytest.MonkeyPatch
) -> None:
    changed = {"mode": "production", "twilio_messaging_service_sid": "MG" + "1" * 32}
    real = replace(runtime, settings=runtime.settings.model_copy(update=changed))

    def away(*_: object) -> None:
        raise Ambiguous

    monkeypatch.setattr(TwilioAccount, "service", away)
    pool = SenderPool(real.settings).numbers()
    assert pool is None
    carrier = Listing()
    assert list_missed(real, carrier, answer_found, pool=pool) == 0
    assert list_missed(real, carrier, answer_found, pool=("+14805550177",)) == 0
    long_ago, *again = carrier.asked_since
    assert [since - long_ago < timedelta(minutes=1) for since in again] == [True, True]


def test_the_confirmation_of_a_stop_found_late_is_sent(runtime: Runtime, world: World) -> None:
    book = Listing(missed_text(runtime, 1, "stop texting me please", 5, "SM" + "1" * 32))
    assert list_missed(runtime, book, answer_found) == 1
    with runtime.db.snapshot() as session:
        gate = session.execute(select(Message.gate_id).where(Message.kind == "confirmation")).scalar_one()
    assert send(runtime, gate, book) == 1
    assert "START" in book.accepted[0].body


def test_an_old_text_is_obeyed_but_no_longer_answered(runtime: Runtime, world: World) -> None:
    book = Listing(missed_text(runtime, 1, "SCRIPT", 45, "SM" + "1" * 32))
    assert list_missed(runtime, book, answer_found) == 1
    with runtime.db.snapshot() as session:
        assert session.execute(select(Message.id)).first() is None


def test_a_text_that_cannot_be_taken_does_not_hide_the_next_ones_stop(runtime: Runtime, world: World) -> None:
    texts = [
        missed_text(runtime, index, body, 5, f"SM{index:032x}") for index, body in ((2, "no more texts"), (1, "x"))
    ]

    def answer(held: Runtime, one: InboundText) -> None:
        if one.body == "x":
            raise RuntimeError("this one cannot be taken")
        answer_found(held, one)

    assert list_missed(runtime, Listing(*texts), answer) == 2
    with runtime.db.snapshot() as session:
        assert is_suppressed(session, runtime.vault.number_hash(number(2)), world.group_id)


def test_a_stop_before_there_is_any_group_is_kept(runtime: Runtime) -> None:
    text_ = InboundText("SM" + "3" * 32, number(1), number(0), "please stop texting me", runtime.clock.real_now())
    assert answer_text(runtime, text_) is not None
    with runtime.db.snapshot() as session:
        group = session.execute(select(Group.id)).scalar_one()
        assert is_suppressed(session, runtime.vault.number_hash(number(1)), group)
        assert session.execute(select(Reply.carrier_sid)).scalar_one() == "SM" + "3" * 32


def in_doubt(runtime: Runtime, world: World, book: Book) -> list[int]:
    ids = plan_messages(runtime, world)
    for index in range(len(ids)):
        book.errors[number(index)] = [Ambiguous()]
    send(runtime, world.gate_id, book)
    fold_all(runtime)
    for message_id in ids:
        make_due(runtime, message_id)
    return ids


def test_one_doubt_that_cannot_be_read_does_not_keep_the_others_waiting(runtime: Runtime, world: World) -> None:
    book = Book()
    first, *_ = in_doubt(runtime, world, book)
    with runtime.db.transaction() as tx:
        tx.execute(update(Message).where(Message.id == first).values(sealed=None))
    assert reconcile(runtime, book) == 2
    fold_all(runtime)
    assert reconcile(runtime, book) == 0  # the unreadable one comes again later, not at once
    with runtime.db.snapshot() as session:
        assert session.get_one(Message, first).checks == 0


def test_a_carrier_that_throttles_look_ups_is_left_alone_for_a_while(runtime: Runtime, world: World) -> None:
    calls = []

    class Busy(Book):
        def list_to(self, number: str, since: datetime) -> Iterator[CarrierMessage]:
            calls.append(number)
            raise Throttled(20429)
            yield

    book = Busy()
    in_doubt(runtime, world, book)
    assert reconcile(runtime, book) == 0
    assert len(calls) == 1


def test_a_storm_of_unclear_answers_halts_the_campaign(runtime: Runtime) -> None:
    people = UNCLEAR_IN_A_ROW + 40
    world = make_world(runtime, people)
    plan_messages(runtime, world)
    book = Book()
    for index in range(people):
        book.errors[number(index)] = [Ambiguous(503)]
    send_batch(runtime, book, world.gate_id, threads=4, seconds=3)
    fold_all(runtime)
    found = states(runtime, world.gate_id)
    assert found["unknown"] < people
    assert found["planned"] > 0
    with runtime.db.snapshot() as session:
        gate = session.get_one(Gate, world.gate_id)
        assert (gate.state, gate.reason) == ("paused", "carrier:unclear")


def test_a_pool_that_was_told_to_slow_down_has_no_idle_threads_below_zero() -> None:
    hold = threading.Event()

    def work(_post: Post) -> None:
        hold.wait(5)

    pool = Pool(4, work)
    post = Post(1, 1, 1, b"", "", "", 1, 0.0, Paid(1, "texts", 1, datetime.now(UTC)))
    for _ in range(3):
        pool.submit(post)
    waiting = threading.Timer(0.05, pool.shrink)
    waiting.start()
    assert pool.wait_idle(4, gather=0.3) == 0
    hold.set()
    pool.close()


def test_one_result_that_cannot_be_stored_does_not_take_the_others_with_it(runtime: Runtime, world: World) -> None:
    plan_messages(runtime, world)
    claimed, _ = claim(runtime, world.gate_id, "a", after=0, limit=3)
    posts = slice_out(runtime, claimed, "a")
    if runtime.db.is_sqlite:  # SQLite takes any length; refuse it there as PostgreSQL does
        with runtime.db.transaction() as tx:
            tx.execute(text("CREATE TRIGGER long_sid BEFORE INSERT ON event WHEN length(new.carrier_sid) > 34 "
                            "BEGIN SELECT RAISE(ABORT, 'too long'); END"))  # fmt: skip
    recorder, now = Recorder(runtime), runtime.clock.real_now()
    for post, sid in zip(posts, ("SM" + "1" * 32, "S" * 60, "SM" + "2" * 32), strict=True):
        recorder.put(Outcome(post, events.result(post.attempt_id, "accepted", now, carrier_sid=sid)))
    recorder.close()
    fold_all(runtime)
    assert states(runtime, world.gate_id) == {"accepted": 2, "planned": 1}


def test_answers_are_never_paused(runtime: Runtime, world: World) -> None:
    answer_text(runtime, InboundText("SM" + "4" * 32, number(1), number(0), "help please", runtime.clock.real_now()))
    with runtime.db.transaction() as tx:
        gate = tx.execute(select(Gate.id).where(Gate.kind == "answers")).scalar_one()
        assert not pause_gate(tx, gate, "carrier:30034")
        assert tx.execute(select(Gate.state).where(Gate.id == gate)).scalar_one() == "open"


def test_a_pause_that_has_committed_is_seen_by_every_later_slice(runtime: Runtime, world: World) -> None:
    """On PostgreSQL a pause waits for the slice that holds the gate; on SQLite for its write lock."""
    plan_messages(runtime, world)
    claimed, _ = claim(runtime, world.gate_id, "a", after=0, limit=3)
    order: list[str] = []

    def pause() -> None:
        with runtime.db.transaction() as tx:
            pause_gate(tx, world.gate_id, "organizer")
        order.append("paused")

    with runtime.db.transaction() as tx:
        tx.execute(select(Gate.id).where(Gate.id == world.gate_id).with_for_update(read=True)).all()
        racer = threading.Thread(target=pause)
        racer.start()
        racer.join(0.3)
        order.append("slice")
    racer.join()
    assert order == ["slice", "paused"]
    assert slice_out(runtime, claimed, "a") == []
    with runtime.db.snapshot() as session:
        assert session.execute(select(MessageAttempt.id)).first() is None


def test_a_job_that_waits_is_not_queued_again_and_a_lost_one_is(runtime: Runtime) -> None:
    redis = Redis.from_url(runtime.settings.redis_url)
    redis.flushall()
    jobs, job = RedisQueue(runtime.settings.redis_url), Job("messaging", "workers.messaging.send_batch", (7,))
    queue = Queue("messaging", connection=redis, serializer=JSONSerializer)
    for _ in range(20):
        jobs.enqueue(job)
    assert len(queue) == 1
    redis.flushall()
    jobs.enqueue(job)
    assert len(queue) == 1
    assert 0 < redis.ttl(waiting_mark(job.function, job.args)) <= 10


def test_a_missing_key_halts_the_campaign_and_fails_nobody(runtime: Runtime, world: World) -> None:
    plan_messages(runtime, world)
    other = replace(runtime, vault=Vault({"new": b"n" * 32}, runtime.settings.index_key))
    assert send(other, world.gate_id, Book()) == 0
    assert states(runtime, world.gate_id) == {"planned": 3}
    with runtime.db.snapshot() as session:
        gate = session.get_one(Gate, world.gate_id)
        assert (gate.state, gate.reason) == ("paused", "settings:keys")
    assert "FIELD_ENCRYPTION_KEYS" in halt_sentence("settings:keys")


@pytest.mark.parametrize("body", ["STOP\0", "please stop texting me \ud83d", "\0\0"])
def test_a_text_with_what_no_database_takes_is_stored_and_obeyed(runtime: Runtime, world: World, body: str) -> None:
    answer_text(runtime, InboundText("SM" + "5" * 32, number(1), number(0), body, runtime.clock.real_now()))
    with runtime.db.snapshot() as session:
        assert session.execute(select(Reply.carrier_sid)).scalar_one() == "SM" + "5" * 32
        assert is_suppressed(session, runtime.vault.number_hash(number(1)), world.group_id) == ("top" in body.lower())


def test_a_carrier_that_refuses_to_list_leaves_nobody_unknown_for_ever(runtime: Runtime, world: World) -> None:
    class NoList(Book):
        def list_to(self, number: str, since: datetime) -> Iterator[CarrierMessage]:
            raise Misconfigured(404)
            yield

    book = NoList()
    ids = in_doubt(runtime, world, book)
    for _ in range(3):
        reconcile(runtime, book)
        fold_all(runtime)
        for message_id in ids:
            make_due(runtime, message_id)
    assert states(runtime, world.gate_id) == {"needs_review": 3}


def test_a_lease_from_before_the_clock_was_set_back_is_taken_over(runtime: Runtime) -> None:
    now = runtime.clock.real_now()
    assert acquire(runtime.db, LEASE, "before", now + timedelta(hours=1), 10)
    assert acquire(runtime.db, LEASE, "after", now, 10)
    assert not acquire(runtime.db, LEASE, "third", now, 10)


def test_a_zone_that_this_machine_does_not_know_may_be_any(runtime: Runtime, world: World) -> None:
    with runtime.db.transaction() as tx:
        tx.execute(update(Constituent).where(Constituent.id == world.people[0]).values(zones="Mars/Olympus"))
    plan_messages(runtime, world)
    claimed, _ = claim(runtime, world.gate_id, "a", after=0, limit=3)
    assert len(slice_out(runtime, claimed, "a")) >= 2


def test_waits_grow_while_nothing_gets_through() -> None:
    pool = Pool(2, lambda _post: None)
    grown = []
    for _ in range(5):
        grown.append(pool.patience())
        pool.shrink()
        pool.shrink()
    pool.grow()
    assert grown == [1, 2, 4, 8, 16]
    assert pool.patience() == 1
    pool.close()
