"""Claim, slice, POST, append, fold: on both databases, with a carrier that implements the protocol."""

from __future__ import annotations

import secrets
import threading
from collections.abc import Callable, Iterator
from dataclasses import asdict, replace
from datetime import datetime, timedelta

import pytest
from sqlalchemy import select, update

from outreach.carrier.base import (
    Ambiguous,
    CarrierError,
    CarrierMessage,
    Misconfigured,
    Rejected,
    Throttled,
    Unreachable,
)
from outreach.core.clock import Clock
from outreach.core.leases import acquire
from outreach.core.runtime import Runtime
from outreach.messaging import events
from outreach.messaging.claims import claim
from outreach.messaging.gates import cancel_messages, close_gate, pause_gate, resume_gate
from outreach.messaging.models import Event, Gate, Message, MessageAttempt
from outreach.messaging.optout import obey_opt_out
from outreach.messaging.reconcile import reconcile
from outreach.messaging.reports import record_status
from outreach.messaging.send import Sender, send_batch
from outreach.messaging.slices import slice_out
from outreach.messaging.sweep import release_held, sweep_claims, sweep_posts
from outreach.people.consent import is_suppressed
from outreach.people.models import Constituent
from outreach.tallies.fold import LEASE, LeaseLost, fold
from outreach.tallies.reads import counters
from tests.factories import World, make_person, make_world, number, plan_messages

Answer = Callable[[str], str]


class Book:
    """A carrier that keeps what it accepted and answers as told, by call or by number."""

    def __init__(self) -> None:
        self.accepted: list[CarrierMessage] = []
        self.errors: dict[str, list[CarrierError]] = {}
        self.lock = threading.Lock()

    def create_message(self, *, to: str, body: str, status_callback: str, validity_seconds: int) -> str:
        with self.lock:
            waiting = self.errors.get(to)
            error = waiting.pop(0) if waiting else None
            if error is not None and not isinstance(error, Ambiguous):
                raise error
            sid = f"SM{secrets.token_hex(16)}"
            at = datetime.now().astimezone()
            self.accepted.append(CarrierMessage(sid, to, None, body + " ", "sent", None, False, at))
            if error is not None:
                raise error
            return sid

    def fetch_message(self, sid: str) -> CarrierMessage:
        return next(one for one in self.accepted if one.sid == sid)

    def list_to(self, number: str, since: datetime) -> Iterator[CarrierMessage]:
        yield from (one for one in reversed(self.accepted) if one.to == number and one.created_at >= since)


def send(runtime: Runtime, gate_id: int, book: Book) -> int:
    return send_batch(runtime, book, gate_id, threads=4, seconds=6)  # for a busy machine: it ends when nothing is due


def fold_all(runtime: Runtime, token: str = "t") -> None:
    assert acquire(runtime.db, LEASE, token, runtime.clock.real_now(), 60)
    while fold(runtime.db, runtime.clock, token):
        pass


def states(runtime: Runtime, gate_id: int) -> dict[str, int]:
    """Public states, read three ways that must agree: counters with the tail, and the rows themselves."""
    with runtime.db.snapshot() as session:
        found = counters(session, gate_id, runtime.clock)
    return {name: count for name, count in found.items() if count and not name.startswith("error:")}


@pytest.fixture(autouse=True)
def patient(monkeypatch: pytest.MonkeyPatch) -> None:
    """On a busy machine a quarter of a second goes by between a commit and its POST; that is another test's subject."""
    monkeypatch.setattr("outreach.messaging.send.STALE_SECONDS", 20.0)


@pytest.fixture
def world(runtime: Runtime) -> World:
    return make_world(runtime, 6)


def test_everybody_gets_one_text_and_the_counters_agree_before_and_after_folding(
    runtime: Runtime, world: World
) -> None:
    ids, book = plan_messages(runtime, world), Book()
    assert send(runtime, world.gate_id, book) == 6
    assert sorted(one.to for one in book.accepted) == sorted(number(i) for i in range(6))
    before = states(runtime, world.gate_id)
    fold_all(runtime)
    assert before == states(runtime, world.gate_id) == {"accepted": 6}
    with runtime.db.snapshot() as session:
        rows = session.execute(select(Message).where(Message.id.in_(ids))).scalars().all()
        assert {row.carrier_sid for row in rows} == {one.sid for one in book.accepted}
    assert send(runtime, world.gate_id, book) == 0
    assert len(book.accepted) == 6


def test_two_senders_at_once_share_the_rows(runtime: Runtime, world: World) -> None:
    plan_messages(runtime, world)
    book = Book()
    racers = [threading.Thread(target=send, args=(runtime, world.gate_id, book)) for _ in range(2)]
    for racer in racers:
        racer.start()
    for racer in racers:
        racer.join()
    assert sorted(one.to for one in book.accepted) == sorted(number(i) for i in range(6))


@pytest.mark.parametrize(
    ("error", "first", "texted"),
    [
        (Rejected(21211), "failed", 0),
        (Rejected(21610), "suppressed", 0),
        (Throttled(20429), "planned", 0),
        (Unreachable(), "planned", 0),
        (Misconfigured(20003), "planned", 0),
        (Ambiguous(), "unknown", 1),
    ],
)
def test_each_kind_of_answer_leads_where_the_contract_says(
    runtime: Runtime, error: CarrierError, first: str, texted: int
) -> None:
    world = make_world(runtime, 1)
    plan_messages(runtime, world)
    book = Book()
    book.errors[number(0)] = [error] * 50
    send_batch(runtime, book, world.gate_id, threads=2, seconds=1.5)
    fold_all(runtime)
    assert states(runtime, world.gate_id) == {first: 1}
    assert len(book.accepted) == texted
    with runtime.db.snapshot() as session:
        person = session.get_one(Constituent, world.people[0])
        gate = session.get_one(Gate, world.gate_id)
        assert (person.number_bad_at is not None) == (error.code == 21211)
        assert is_suppressed(session, person.number_hash, world.group_id) == (error.code == 21610)
        assert gate.state == ("paused" if isinstance(error, Misconfigured) else "open")


def test_an_unknown_message_is_never_sent_again_and_found_by_listing(runtime: Runtime) -> None:
    world = make_world(runtime, 1)
    (message_id,) = plan_messages(runtime, world)
    book = Book()
    book.errors[number(0)] = [Ambiguous()]
    send(runtime, world.gate_id, book)
    fold_all(runtime)
    make_due(runtime, message_id)
    assert reconcile(runtime, book) == 1
    fold_all(runtime)
    assert states(runtime, world.gate_id) == {"sent": 1}
    assert len(book.accepted) == 1


def make_due(runtime: Runtime, message_id: int) -> None:
    with runtime.db.transaction() as tx:
        tx.execute(update(Message).where(Message.id == message_id).values(next_check_at=runtime.clock.now()))


def test_what_the_carrier_never_accepted_goes_to_a_person_after_three_looks(runtime: Runtime) -> None:
    world = make_world(runtime, 1)
    (message_id,) = plan_messages(runtime, world)
    book = Book()
    book.errors[number(0)] = [Ambiguous()]
    send(runtime, world.gate_id, book)
    fold_all(runtime)
    book.accepted.clear()
    for _ in range(3):
        make_due(runtime, message_id)
        assert reconcile(runtime, book) == 1
        fold_all(runtime)
    assert states(runtime, world.gate_id) == {"needs_review": 1}
    assert reconcile(runtime, book) == 0


def test_two_matches_go_to_a_person(runtime: Runtime) -> None:
    world = make_world(runtime, 1)
    (message_id,) = plan_messages(runtime, world)
    book = Book()
    book.errors[number(0)] = [Ambiguous()]
    send(runtime, world.gate_id, book)
    book.accepted.append(CarrierMessage("SM" + "f" * 32, number(0), None, book.accepted[0].body, "sent", None, False,
                                        book.accepted[0].created_at))  # fmt: skip
    fold_all(runtime)
    make_due(runtime, message_id)
    reconcile(runtime, book)
    fold_all(runtime)
    assert states(runtime, world.gate_id) == {"needs_review": 1}


def test_a_callback_that_beats_the_answer_binds_the_message(runtime: Runtime) -> None:
    world = make_world(runtime, 1)
    plan_messages(runtime, world)
    claimed, _ = claim(runtime, world.gate_id, "a", after=0, limit=10)
    (post,) = slice_out(runtime, claimed, "a")
    now, sid = runtime.clock.real_now(), "SM" + "a" * 32
    record_status(runtime, post.attempt_id, sid, "delivered", None, now)
    fold_all(runtime)
    assert states(runtime, world.gate_id) == {"delivered": 1}
    with runtime.db.transaction() as tx:
        events.append(tx, [events.result(post.attempt_id, "accepted", now, carrier_sid=sid)])
    record_status(runtime, post.attempt_id, sid, "sent", None, now)
    record_status(runtime, post.attempt_id, sid, "delivered", None, now)
    fold_all(runtime)
    assert states(runtime, world.gate_id) == {"delivered": 1}
    with runtime.db.snapshot() as session:
        seen = session.execute(select(Event.seen).where(Event.key == "delivered")).scalar_one()
        assert seen == 2


def test_a_stop_between_claim_and_slice_wins(runtime: Runtime, world: World) -> None:
    plan_messages(runtime, world)
    claimed, _ = claim(runtime, world.gate_id, "a", after=0, limit=10)
    stopped = runtime.vault.number_hash(number(2))
    with runtime.db.transaction(durable=True) as tx:
        obey_opt_out(tx, runtime.vault, group_id=world.group_id, number_hash=stopped, wording="STOP", source="person",
                     at=runtime.clock.real_now())  # fmt: skip
    posts = slice_out(runtime, claimed, "a")
    assert {post.to for post in posts} == {number(i) for i in (0, 1, 3, 4, 5)}
    assert states(runtime, world.gate_id) == {"planned": 5, "suppressed": 1}


def test_a_paused_gate_gives_the_rows_back_and_a_closed_one_cancels_them(runtime: Runtime, world: World) -> None:
    plan_messages(runtime, world)
    claimed, _ = claim(runtime, world.gate_id, "a", after=0, limit=2)
    with runtime.db.transaction() as tx:
        assert pause_gate(tx, world.gate_id, "organizer")
    assert slice_out(runtime, claimed, "a") == []
    assert claim(runtime, world.gate_id, "b", after=0, limit=2)[0] == []
    assert states(runtime, world.gate_id) == {"planned": 6}
    with runtime.db.transaction() as tx:
        close_gate(tx, world.gate_id, "organizer")
    assert cancel_messages(runtime.db, world.gate_id, runtime.clock) == 6
    assert states(runtime, world.gate_id) == {"canceled": 6}


def test_nobody_is_texted_outside_their_hours_and_held_rows_come_back(runtime: Runtime) -> None:
    world = make_world(runtime, 1)
    night = make_person(runtime, world.group_id, number(7), zones="Pacific/Auckland")
    both = World(world.group_id, world.list_id, world.gate_id, [*world.people, night])
    plan_messages(runtime, both)
    book = Book()
    assert send(runtime, world.gate_id, book) == 1
    fold_all(runtime)
    assert states(runtime, world.gate_id) == {"accepted": 1, "held": 1}
    with runtime.db.transaction() as tx:
        opens = tx.execute(select(Message.not_before).where(Message.state == "held")).scalar_one()
        assert runtime.clock.now() < opens < runtime.clock.now() + timedelta(days=2)
        tx.execute(update(Message).where(Message.state == "held").values(not_before=runtime.clock.now()))
    assert release_held(runtime) == 1
    assert states(runtime, world.gate_id) == {"accepted": 1, "planned": 1}


def test_one_text_a_day_across_campaigns(runtime: Runtime) -> None:
    world = make_world(runtime, 2)
    plan_messages(runtime, world)
    book = Book()
    send(runtime, world.gate_id, book)
    fold_all(runtime)
    other = make_world(runtime, 2, name="Another group")
    plan_messages(runtime, other)
    assert send(runtime, other.gate_id, book) == 0
    assert states(runtime, other.gate_id) == {"held": 2}


def test_a_killed_sender_leaves_claims_for_the_sweep_and_posts_as_unknown(runtime: Runtime, world: World) -> None:
    plan_messages(runtime, world)
    claimed, _ = claim(runtime, world.gate_id, "a", after=0, limit=6)
    slice_out(runtime, claimed[:2], "a")
    with runtime.db.transaction() as tx:
        ended = runtime.clock.real_now() - timedelta(seconds=1)
        tx.execute(update(Message).where(Message.lease_until.is_not(None)).values(lease_until=ended))
    assert sweep_claims(runtime) == 4
    assert sweep_posts(runtime) == 2
    assert sweep_posts(runtime) == 0
    fold_all(runtime)
    assert states(runtime, world.gate_id) == {"planned": 4, "unknown": 2}
    assert slice_out(runtime, claimed[2:], "a") == []  # the old token fences the killed sender's slices


class HourAhead(Clock):
    """The machine's clock after it was set an hour forward."""

    @staticmethod
    def real_now() -> datetime:
        return Clock.real_now() + timedelta(hours=1)


def test_a_clock_that_jumps_an_hour_and_back_texts_nobody_twice(runtime: Runtime, world: World) -> None:
    plan_messages(runtime, world)
    book, ahead = Book(), replace(runtime, clock=HourAhead(**asdict(runtime.clock)))
    claimed, _ = claim(runtime, world.gate_id, "a", after=0, limit=6)
    posts = slice_out(runtime, claimed[:2], "a")
    assert (sweep_claims(ahead), sweep_posts(ahead)) == (4, 2)  # every lease has ended at once
    sender = Sender(runtime, book, 2)  # and yet the sender lives, and has posted
    for post in posts:
        sender._post(post)
    sender.close()
    assert slice_out(runtime, claimed[2:], "a") == []
    assert send(ahead, world.gate_id, book) == 4
    fold_all(ahead)
    assert send(runtime, world.gate_id, book) == 0
    assert sorted(one.to for one in book.accepted) == sorted(number(i) for i in range(6))
    assert states(runtime, world.gate_id) == {"accepted": 6}


def test_a_sender_deleted_mid_blast_halts_it_and_nobody_is_lost(runtime: Runtime, world: World) -> None:
    plan_messages(runtime, world)
    book = Book()
    book.errors = {number(i): [Misconfigured(21606)] for i in range(3, 6)}
    send(runtime, world.gate_id, book)
    fold_all(runtime)
    assert len(book.accepted) <= 3
    assert states(runtime, world.gate_id) == {"accepted": len(book.accepted), "planned": 6 - len(book.accepted)}
    with runtime.db.transaction() as tx:
        assert tx.get_one(Gate, world.gate_id).reason == "carrier:21606"
        resume_gate(tx, world.gate_id)
        tx.execute(update(Message).where(Message.state == "planned").values(not_before=runtime.clock.now()))
    book.errors = {}
    send(runtime, world.gate_id, book)
    assert sorted(one.to for one in book.accepted) == sorted(number(i) for i in range(6))


def test_a_slice_that_took_too_long_does_not_post(runtime: Runtime, world: World) -> None:
    plan_messages(runtime, world)
    claimed, _ = claim(runtime, world.gate_id, "a", after=0, limit=1)
    (post,) = slice_out(runtime, claimed, "a")
    late = type(post)(**{name: getattr(post, name) for name in post.__slots__} | {"committed": post.committed - 30})
    sender = Sender(runtime, Book(), 1)
    sender._post(late)
    sender.close()
    fold_all(runtime)
    assert states(runtime, world.gate_id) == {"planned": 6}
    with runtime.db.snapshot() as session:
        assert session.execute(select(MessageAttempt.closed)).scalar_one()


def test_only_the_lease_holder_folds(runtime: Runtime, world: World) -> None:
    plan_messages(runtime, world)
    fold_all(runtime)
    with pytest.raises(LeaseLost):
        fold(runtime.db, runtime.clock, "somebody else")


def test_a_sid_that_belongs_to_another_message_is_not_taken(runtime: Runtime) -> None:
    world = make_world(runtime, 2)
    plan_messages(runtime, world)
    claimed, _ = claim(runtime, world.gate_id, "a", after=0, limit=2)
    first, second = slice_out(runtime, claimed, "a")
    now, sid = runtime.clock.real_now(), "SM" + "b" * 32
    record_status(runtime, first.attempt_id, sid, "delivered", None, now)
    fold_all(runtime)
    with runtime.db.transaction() as tx:
        events.append(tx, [events.result(second.attempt_id, "accepted", now, carrier_sid=sid)])
    fold_all(runtime)
    with runtime.db.snapshot() as session:
        rows = session.execute(select(Message.state, Message.carrier_sid).order_by(Message.id)).all()
    assert [tuple(row) for row in rows] == [("delivered", sid), ("accepted", None)]
