"""What comes late, and clocks that are set back: nobody is left in doubt for ever, and no STOP is set aside."""

from __future__ import annotations

import pytest
from sqlalchemy import select

from outreach.core.runtime import Runtime
from outreach.messaging import events
from outreach.messaging.claims import claim
from outreach.messaging.inbound import InboundText, receive_reply, take_in
from outreach.messaging.models import Message
from outreach.messaging.reconcile import due_doubts, reconcile, settle
from outreach.messaging.slices import Post, slice_out
from tests.factories import World, make_world, number, plan_messages
from tests.integration.test_sending import fold_all
from tests.model.carrier import CarrierModel, ModelClock

DAY = 86_400


@pytest.fixture
def runtime(clocked: Runtime) -> Runtime:
    return clocked


def posted(runtime: Runtime, world: World) -> Post:
    claimed, _ = claim(runtime, world.gate_id, "a", after=0, limit=1)
    (post,) = slice_out(runtime, claimed, "a")
    return post


def hear(runtime: Runtime, row: events.EventRow) -> None:
    with runtime.db.transaction() as tx:
        events.append(tx, [row])
    fold_all(runtime)


def test_a_doubt_that_was_settled_meanwhile_leaves_the_next_one_its_look_ups(
    runtime: Runtime, clock: ModelClock
) -> None:
    world, carrier = make_world(runtime, 1), CarrierModel(clock)
    plan_messages(runtime, world)
    first = posted(runtime, world)
    clock.advance(31)
    hear(runtime, events.result(first.attempt_id, "unknown", clock.real_now()))
    for wait in (95, 490):
        clock.advance(wait)
        assert reconcile(runtime, carrier) == 1
    clock.advance(1210)
    (doubt,) = due_doubts(runtime)  # its last look-up is under way when its sender says at last that it sent nothing
    hear(runtime, events.result(first.attempt_id, "not_sent", clock.real_now(), retry_after=0.0))
    second = posted(runtime, world)
    hear(runtime, events.result(second.attempt_id, "unknown", clock.real_now()))
    with runtime.db.transaction() as tx:
        settle(tx, runtime, doubt, [])
    fold_all(runtime)
    clock.advance(DAY)
    (again,) = due_doubts(runtime)
    assert (again.attempt_id, again.checks) == (second.attempt_id, 0)
    with runtime.db.snapshot() as session:
        assert session.execute(select(Message.state)).scalar_one() == "unknown"


@pytest.mark.parametrize("back", [0, 5, 3600])
def test_a_stop_after_a_start_holds_whatever_the_clock_does(runtime: Runtime, clock: ModelClock, back: int) -> None:
    world = make_world(runtime, 1)

    def say(sid: str, body: str) -> None:
        text = InboundText(f"SM{sid * 32}", number(0), "+14805550199", body, clock.real_now())
        with runtime.db.transaction(durable=True) as tx:
            receive_reply(tx, runtime, take_in(runtime, text))

    say("1", "STOP")
    clock.advance(5)
    say("2", "START")
    clock.advance(-back)
    say("3", "STOP")
    plan_messages(runtime, world)
    claimed, _ = claim(runtime, world.gate_id, "a", after=0, limit=1)
    assert slice_out(runtime, claimed, "a") == []
