"""A group's money: counted as texts and calls begin, exact before and after folding, and never far over its cap."""

from __future__ import annotations

import threading
from dataclasses import replace
from datetime import timedelta

import pytest
from sqlalchemy import func, select, update

from outreach.accounts.models import AuditEvent
from outreach.carrier.base import Rejected, Throttled, Unreachable
from outreach.core.errors import ConflictError
from outreach.core.runtime import Runtime
from outreach.messaging.claims import Claimed, claim
from outreach.messaging.gates import answers_gate
from outreach.messaging.models import Gate, GateText, Message
from outreach.messaging.send import Sender
from outreach.messaging.slices import slice_out
from outreach.messaging.spend_halts import halted_by_cap, resume_spent, watch_spend
from outreach.messaging.testtext import send_test_text
from outreach.spending.caps import set_caps
from outreach.spending.ledger import by_kind, caps_of, charge_minutes, fold_spend, spent
from outreach.spending.models import SpendAlert, SpendDay, SpendEntry
from outreach.spending.prices import Caps, Spent, part_price
from tests.factories import World, make_person, make_world, number, plan_messages
from tests.integration.test_sending import Book, fold_all, patient, send
from tests.model.carrier import ModelClock

__all__ = ["patient"]

PART = part_price()


@pytest.fixture
def world(runtime: Runtime) -> World:
    return make_world(runtime, 6)


def cap(runtime: Runtime, world: World, day: int | None, month: int | None = None) -> None:
    with runtime.db.transaction() as tx:
        set_caps(tx, runtime, world.group_id, Caps(day, month), by="root")


def total(runtime: Runtime, world: World) -> Spent:
    with runtime.db.snapshot() as session:
        return spent(session, world.group_id, runtime.clock.now())


def gate(runtime: Runtime, world: World) -> tuple[str, str | None]:
    with runtime.db.snapshot() as session:
        row = session.execute(select(Gate.state, Gate.reason).where(Gate.id == world.gate_id)).one()
        return row.state, row.reason


def test_what_is_begun_is_counted_once_before_and_after_folding(runtime: Runtime, world: World) -> None:
    plan_messages(runtime, world)
    assert send(runtime, world.gate_id, Book()) == 6
    with runtime.db.transaction() as tx:
        charge_minutes(tx, world.group_id, 2, runtime.clock.now())
        charge_minutes(tx, world.group_id, 1, runtime.clock.now() - timedelta(days=40), inbound=True)
    before = total(runtime, world)
    assert before == (6 * PART + 28_000, 6 * PART + 28_000)
    folders = [threading.Thread(target=fold_spend, args=(runtime,)) for _ in range(3)]
    for folder in folders:
        folder.start()
    for folder in folders:
        folder.join()
    fold_spend(runtime)
    with runtime.db.snapshot() as session:
        assert session.execute(select(func.count()).select_from(SpendEntry)).scalar_one() == 0
        assert session.execute(select(func.sum(SpendDay.micros))).scalar_one() == before.day + 8_500
        assert by_kind(session, world.group_id, runtime.clock.now()) == {
            "texts": Spent(6 * PART, 6 * PART), "calls": Spent(28_000, 28_000),
        }  # fmt: skip
    assert total(runtime, world) == before


def test_a_cap_stops_a_campaign_to_the_text_and_says_why(runtime: Runtime, world: World) -> None:
    plan_messages(runtime, world)
    cap(runtime, world, 4 * PART + PART // 2)
    book = Book()
    assert send(runtime, world.gate_id, book) == 4
    assert len(book.accepted) == 4
    assert gate(runtime, world) == ("paused", "spend_cap")
    assert total(runtime, world).day == 4 * PART
    with runtime.db.snapshot() as session:
        states = session.execute(select(Message.state).where(Message.gate_id == world.gate_id)).scalars().all()
    assert sorted(states).count("planned") == 2


def test_whoever_is_halted_for_texts_of_several_parts_is_told_as_well(runtime: Runtime, world: World) -> None:
    plan_messages(runtime, world)
    with runtime.db.transaction() as tx:
        tx.execute(update(GateText).values(template="á" * 100))  # two parts
    cap(runtime, world, 3 * PART, 100 * PART)
    assert send(runtime, world.gate_id, Book()) == 1
    assert gate(runtime, world) == ("paused", "spend_cap")
    watch_spend(runtime)
    with runtime.db.snapshot() as session:
        told = session.execute(select(SpendAlert.period, SpendAlert.percent).order_by(SpendAlert.percent)).all()
        assert [tuple(row) for row in told] == [("day", 50), ("day", 100)]


def test_what_the_carrier_has_not_taken_costs_nothing(runtime: Runtime, world: World) -> None:
    """A carrier that is away for an hour must not spend the cap of a day, nor of a month."""
    plan_messages(runtime, world)
    cap(runtime, world, 6 * PART)
    book = Book()
    book.errors = {number(0): [Unreachable(), Unreachable()], number(1): [Throttled()], number(2): [Rejected(21211)]}
    for _ in range(3):
        send(runtime, world.gate_id, book)
        fold_all(runtime)
        with runtime.db.transaction() as tx:
            waits = update(Message).where(Message.state == "planned")
            tx.execute(waits.values(not_before=runtime.clock.now()))
    assert len(book.accepted) == 5
    assert total(runtime, world).day == 5 * PART
    assert gate(runtime, world)[0] == "open"


def test_an_answer_goes_out_when_nothing_else_may(runtime: Runtime, world: World) -> None:
    cap(runtime, world, 0)
    plan_messages(runtime, world)
    with runtime.db.transaction() as tx:
        send_test_text(tx, runtime, group_id=world.group_id, phone=number(9), body="Hi", language="en", once="1")
        answers = answers_gate(tx, world.group_id, runtime.clock)
    book = Book()
    send(runtime, answers, book)
    assert [one.to for one in book.accepted] == [number(9)]


def test_several_workers_pass_a_cap_by_no_more_than_a_slice_each(runtime: Runtime, world: World) -> None:
    """On SQLite, where slices are one at a time, by nothing."""
    more = [make_person(runtime, world.group_id, number(index)) for index in range(6, 60)]
    plan_messages(runtime, replace(world, people=[*world.people, *more]))
    most = 20
    cap(runtime, world, most * PART)
    claimed: list[tuple[str, list[Claimed]]] = []
    for worker in range(3):
        token = f"worker{worker}"
        mine, _ = claim(runtime, world.gate_id, token, after=claimed[-1][1][-1].message_id if claimed else 0, limit=20)
        claimed.append((token, mine))
    begun: list[int] = []

    def work(token: str, mine: list[Claimed]) -> None:
        for start in range(0, len(mine), 5):
            begun.append(len(slice_out(runtime, mine[start : start + 5], token)))

    workers = [threading.Thread(target=work, args=one) for one in claimed]
    for worker_ in workers:
        worker_.start()
    for worker_ in workers:
        worker_.join()
    over = sum(begun) - most
    assert 0 <= over <= (0 if runtime.db.is_sqlite else 2 * 5), begun
    assert total(runtime, world).day == sum(begun) * PART
    assert gate(runtime, world) == ("paused", "spend_cap")


def test_alerts_are_told_once_and_a_halt_is_resumed_by_a_person(clocked: Runtime, clock: ModelClock) -> None:
    runtime, world = clocked, make_world(clocked, 6)
    cap(runtime, world, 100_000)
    for _ in range(2):
        with runtime.db.transaction() as tx:
            charge_minutes(tx, world.group_id, 6, runtime.clock.now())  # 84 % at first
        for _ in range(2):
            watch_spend(runtime)
    with runtime.db.snapshot() as session:
        told = session.execute(select(SpendAlert.percent).order_by(SpendAlert.percent)).scalars().all()
        noted = select(func.count()).select_from(AuditEvent).where(AuditEvent.action == "spend_alert")
        assert (told, session.execute(noted).scalar_one()) == ([50, 80, 100], 3)
    assert gate(runtime, world) == ("paused", "spend_cap")
    with pytest.raises(ConflictError) as refused, runtime.db.transaction() as tx:
        resume_spent(tx, runtime, world.group_id, by="ana")
    assert refused.value.code == "spend_cap_reached"
    clock.advance(24 * 3600)
    watch_spend(runtime)
    assert gate(runtime, world) == ("paused", "spend_cap")  # a new day does not let it go on by itself
    with runtime.db.transaction() as tx:
        assert resume_spent(tx, runtime, world.group_id, by="ana") == 1
        assert halted_by_cap(tx, world.group_id) == []
    watch_spend(runtime)
    assert gate(runtime, world) == ("open", None)


def test_a_month_counts_its_days_and_a_cap_that_was_set_stands_in_the_book(runtime: Runtime, world: World) -> None:
    month = runtime.clock.now().replace(day=1, hour=19)
    with runtime.db.transaction() as tx:
        for day in range(3):
            charge_minutes(tx, world.group_id, 1, month + timedelta(days=day))
    with runtime.db.snapshot() as session:
        assert spent(session, world.group_id, month + timedelta(days=1)) == (14_000, 28_000)
        assert caps_of(session, runtime, world.group_id) == (None, None)  # a rehearsal costs nothing
        real = replace(runtime, settings=runtime.settings.model_copy(update={"mode": "production"}))
        assert caps_of(session, real, world.group_id) == (250_000_000, 2_500_000_000)
    cap(runtime, world, 5_000_000, None)
    cap(runtime, world, 5_000_000, None)
    with runtime.db.snapshot() as session:
        rows = session.execute(select(AuditEvent).where(AuditEvent.action == "spend_caps")).scalars().all()
        assert [(row.actor, row.details["day"], row.details["month"]) for row in rows] == [("root", 5.0, None)]
        assert caps_of(session, real, world.group_id) == (5_000_000, None)


def test_a_reminder_of_ours_waits_for_room_and_is_not_lost(runtime: Runtime, world: World) -> None:
    """What goes out by a gate that nobody pauses is held instead, and comes again."""
    ids = plan_messages(runtime, world)[:1]
    with runtime.db.transaction() as tx:
        tx.execute(update(Gate).where(Gate.id == world.gate_id).values(kind="reconfirm"))
        tx.execute(update(Message).where(Message.id.in_(ids)).values(kind="reconfirm"))
        tx.execute(update(Message).where(Message.id.not_in(ids)).values(state="canceled"))
    cap(runtime, world, 0)
    sender = Sender(runtime, Book(), 2)
    claimed, _ = claim(runtime, world.gate_id, "t", after=0, limit=10)
    assert slice_out(runtime, claimed, "t") == []
    sender.close()
    with runtime.db.snapshot() as session:
        row = session.get_one(Message, ids[0])
        assert (row.state, row.not_before > runtime.clock.now()) == ("held", True)
    assert gate(runtime, world) == ("open", None)
