"""What a carrier's code leads to: a second try, a halted campaign, or a reason that the tally tells."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest
from sqlalchemy import select

from outreach.carrier.base import Rejected
from outreach.core.clock import Clock
from outreach.core.runtime import Runtime
from outreach.messaging.breakers import FILTERED, OPT_OUTS, PAIR, check_breakers
from outreach.messaging.events import append, delta
from outreach.messaging.gates import close_gate, resume_gate
from outreach.messaging.models import Gate, Message, MessageAttempt
from outreach.messaging.optout import obey_opt_out
from outreach.messaging.reports import record_status
from outreach.messaging.retries import retry_at, retry_reported
from outreach.messaging.sweep import release_held
from outreach.people.quiet_hours import window
from outreach.tallies.reads import counters
from tests.factories import World, make_world, number, plan_messages
from tests.integration.test_sending import Book, fold_all, send, states

PHOENIX = ("America/Phoenix",)


def later(runtime: Runtime, **time: float) -> Runtime:
    """The same site, at a later domain time."""
    clock, moved = runtime.clock, timedelta(**time).total_seconds()
    return replace(runtime, clock=Clock(clock.epoch_real, clock.epoch_simulated + moved, clock.speed))


def texted(runtime: Runtime, people: int = 1) -> tuple[World, Book]:
    world, book = make_world(runtime, people), Book()
    plan_messages(runtime, world)
    send_until(runtime, world, book, people)
    return world, book


def send_until(runtime: Runtime, world: World, book: Book, accepted: int) -> None:
    """On a busy machine a slice may be stale when its thread comes to it; its text then goes out a little later."""
    for _ in range(40):
        send(runtime, world.gate_id, book)
        fold_all(runtime)
        if len(book.accepted) == accepted:
            return
    raise AssertionError(f"{len(book.accepted)} of {accepted}")


def report(runtime: Runtime, book: Book, index: int, word: str, code: int | None = None) -> None:
    sid = next(one.sid for one in book.accepted if one.to == number(index))
    with runtime.db.snapshot() as session:
        attempt = session.execute(
            select(MessageAttempt.id)
            .join(Message, Message.id == MessageAttempt.message_id)
            .where(Message.carrier_sid == sid)
        ).scalar_one()
    record_status(runtime, attempt, sid, word, code, runtime.clock.real_now())


def gate(runtime: Runtime, gate_id: int) -> tuple[str, str | None]:
    with runtime.db.snapshot() as session:
        return session.execute(select(Gate.state, Gate.reason).where(Gate.id == gate_id)).one()


@pytest.mark.parametrize("code", [30001, 30003])
def test_a_handset_that_was_off_gets_the_text_once_more_an_hour_later(runtime: Runtime, code: int) -> None:
    world, book = texted(runtime)
    report(runtime, book, 0, "undelivered", code)
    fold_all(runtime)
    assert retry_reported(runtime) == 0  # not at once
    assert states(runtime, world.gate_id) == {"undelivered": 1}
    soon = later(runtime, minutes=61)
    assert retry_reported(soon) == 1
    assert states(soon, world.gate_id) == {"planned": 1, "superseded": 1}  # the tail is counted, too
    fold_all(soon)
    assert retry_reported(soon) == 0
    send_until(soon, world, book, 2)
    assert states(soon, world.gate_id) == {"accepted": 1, "superseded": 1}
    report(soon, book, 0, "undelivered", code)  # about the first: a repeat
    fold_all(soon)
    assert states(soon, world.gate_id) == {"accepted": 1, "superseded": 1}
    assert len(book.accepted) == 2
    with runtime.db.snapshot() as session:
        first, second = session.execute(select(Message).order_by(Message.id)).scalars().all()
    assert (first.state, second.retry_of) == ("superseded", first.id)


def test_a_second_try_has_no_third(runtime: Runtime) -> None:
    world, book = texted(runtime)
    report(runtime, book, 0, "undelivered", 30003)
    fold_all(runtime)
    soon = later(runtime, minutes=61)
    assert retry_reported(soon) == 1
    fold_all(soon)
    send_until(soon, world, book, 2)
    book.accepted.pop(0)
    report(soon, book, 0, "undelivered", 30003)
    fold_all(soon)
    assert retry_reported(later(runtime, hours=3)) == 0
    assert states(soon, world.gate_id) == {"undelivered": 1, "superseded": 1}
    assert len(book.accepted) == 1


def test_validity_that_ran_out_waits_for_the_next_window(runtime: Runtime) -> None:
    world, book = texted(runtime)
    report(runtime, book, 0, "failed", 30036)
    fold_all(runtime)
    assert retry_reported(runtime) == 1
    fold_all(runtime)
    assert states(runtime, world.gate_id) == {"held": 1, "superseded": 1}
    assert send(runtime, world.gate_id, book) == 0
    with runtime.db.snapshot() as session:
        at = session.execute(select(Message.not_before).where(Message.retry_of.is_not(None))).scalar_one()
    closes = window(PHOENIX, runtime.clock.now()).closes_at
    assert closes is not None
    assert at == window(PHOENIX, closes).opens_at
    tomorrow = later(runtime, seconds=(at - runtime.clock.now()).total_seconds() + 60)
    assert release_held(tomorrow) == 1
    send_until(tomorrow, world, book, 2)


def test_no_second_try_for_whom_something_stands_against_it(runtime: Runtime) -> None:
    world, book = texted(runtime, 3)
    for index in range(3):
        report(runtime, book, index, "undelivered", 30003 if index < 2 else 30008)
    fold_all(runtime)
    with runtime.db.transaction() as tx:
        obey_opt_out(
            tx,
            runtime.vault,
            group_id=world.group_id,
            number_hash=runtime.vault.number_hash(number(0)),
            wording="STOP",
            source="person",
            at=runtime.clock.real_now(),
        )
        close_gate(tx, world.gate_id, "organizer")
    assert retry_reported(later(runtime, minutes=61)) == 0
    assert states(runtime, world.gate_id) == {"undelivered": 3}


def test_a_window_that_is_over_is_not_waited_for(runtime: Runtime) -> None:
    posted = runtime.clock.now()
    closes = window(PHOENIX, posted).closes_at
    assert closes is not None
    assert retry_at(PHOENIX, posted, 30003, closes - timedelta(minutes=11)) is not None
    assert retry_at(PHOENIX, posted, 30003, closes - timedelta(minutes=9)) is None
    assert retry_at(PHOENIX, posted, 30003, closes + timedelta(hours=14)) is None
    assert retry_at(("Nowhere/Nothing",), posted, 30036, posted) is not None


def test_the_tally_tells_why_texts_did_not_arrive(runtime: Runtime) -> None:
    world, book = make_world(runtime, 3), Book()
    book.errors[number(0)] = [Rejected(21408)]
    plan_messages(runtime, world)
    send(runtime, world.gate_id, book)
    fold_all(runtime)
    report(runtime, book, 1, "undelivered", 30008)
    report(runtime, book, 2, "undelivered", 30003)
    with runtime.db.snapshot() as session:
        tail = counters(session, world.gate_id, runtime.clock)
    fold_all(runtime)
    with runtime.db.snapshot() as session:
        folded = counters(session, world.gate_id, runtime.clock)
    assert +tail == +folded
    assert {name: folded[name] for name in folded if name.startswith("error:")} == {
        "error:21408": 1, "error:30008": 1, "error:30003": 1,
    }  # fmt: skip
    soon = later(runtime, minutes=61)
    retry_reported(soon)
    with runtime.db.snapshot() as session:
        assert counters(session, world.gate_id, runtime.clock)["error:30003"] == 0


def test_a_sender_that_cannot_text_halts_after_five_in_a_row(runtime: Runtime) -> None:
    world, book = make_world(runtime, 30), Book()
    for index in range(30):
        book.errors[number(index)] = [Rejected(21612)]
    plan_messages(runtime, world)
    send(runtime, world.gate_id, book)
    assert gate(runtime, world.gate_id) == ("paused", PAIR)
    with runtime.db.transaction() as tx:
        resume_gate(tx, world.gate_id)
    with runtime.db.snapshot() as session:
        baseline = session.execute(select(Gate.baseline).where(Gate.id == world.gate_id)).scalar_one()
    assert baseline
    assert baseline["event"] > 0
    assert gate(runtime, world.gate_id) == ("open", None)


def test_a_filtered_campaign_halts_and_what_was_seen_does_not_halt_it_again(runtime: Runtime) -> None:
    world, book = texted(runtime, 6)
    for index in range(4):
        report(runtime, book, index, "undelivered", 30007)
    fold_all(runtime)
    assert check_breakers(runtime) == 0  # four of the last two hundred are 2 %
    report(runtime, book, 4, "undelivered", 30007)
    fold_all(runtime)
    assert check_breakers(runtime) == 1
    assert gate(runtime, world.gate_id) == ("paused", FILTERED)
    assert check_breakers(runtime) == 0
    with runtime.db.transaction() as tx:
        resume_gate(tx, world.gate_id)
    assert check_breakers(runtime) == 0
    assert gate(runtime, world.gate_id) == ("open", None)


def test_a_list_that_opts_out_halts_and_counting_begins_anew(runtime: Runtime) -> None:
    world = make_world(runtime, 1)
    now = runtime.clock.real_now()

    def count(name: str, more: int) -> None:
        with runtime.db.transaction() as tx:
            append(tx, [delta(world.gate_id, None, name, more, now)])
        fold_all(runtime)

    count("delivered", 1000)
    count("opted_out", 46)
    assert check_breakers(runtime) == 0
    count("opted_out", 1)
    assert check_breakers(runtime) == 1
    assert gate(runtime, world.gate_id) == ("paused", OPT_OUTS)
    with runtime.db.transaction() as tx:
        resume_gate(tx, world.gate_id)
    count("opted_out", 40)
    assert check_breakers(runtime) == 0
    count("delivered", 200)
    assert check_breakers(runtime) == 1
