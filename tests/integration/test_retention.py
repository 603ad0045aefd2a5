"""Words go after 30 days; what counts, and what may still matter, stays."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta

import pytest
from sqlalchemy import select, update

from outreach.core.clock import Clock
from outreach.core.runtime import Runtime
from outreach.messaging.models import Message, Reply
from outreach.privacy.retention import purge
from outreach.tallies.reads import counters
from tests.factories import World, make_world, plan_messages
from tests.integration.test_live import sign_in

DAY = timedelta(days=1)


def texted(runtime: Runtime, world: World, state: str = "delivered") -> list[int]:
    ids = plan_messages(runtime, world)
    sealed = runtime.vault.seal({"to": "x", "body": "Please call"}, "message")
    with runtime.db.transaction() as tx:
        tx.execute(
            update(Message).where(Message.id.in_(ids)).values(state=state, posted_at=runtime.clock.now(), sealed=sealed)
        )
        for person in tx.execute(select(Message.number_hash).where(Message.id.in_(ids))).scalars().all():
            tx.add(
                Reply(
                    group_id=world.group_id, carrier_sid=f"SM{person.hex()}", number_hash=person, gate_id=world.gate_id,
                    sealed=runtime.vault.seal({"from": "x", "body": "I called"}, "reply"), intent="report",
                    outcome="spoke", language="en", confidence=1.0, rule="r", classifier="c",
                    received_at=runtime.clock.real_now(),
                )
            )  # fmt: skip
    return ids


def later(runtime: Runtime, by: timedelta) -> Runtime:
    """The same site so much later, by both clocks."""

    class Later(Clock):
        @staticmethod
        def real_now() -> datetime:
            return Clock.real_now() + by

    clock = runtime.clock
    return replace(runtime, clock=Later(clock.epoch_real, clock.epoch_simulated + by.total_seconds(), clock.speed))


def words(runtime: Runtime) -> tuple[int, int]:
    with runtime.db.snapshot() as session:
        return (
            len(session.execute(select(Message.id).where(Message.sealed.is_not(None))).all()),
            len(session.execute(select(Reply.id).where(Reply.sealed.is_not(None))).all()),
        )


def test_words_go_thirty_days_after_a_campaigns_last_text(runtime: Runtime) -> None:
    world = make_world(runtime, 4)
    texted(runtime, world)
    before = counters_of(runtime, world)
    assert purge(later(runtime, 29 * DAY))[:2] == (0, 0)
    assert purge(later(runtime, 31 * DAY))[:2] == (4, 4)
    assert words(runtime) == (0, 0)
    assert counters_of(runtime, world) == before
    assert purge(later(runtime, 31 * DAY))[:2] == (0, 0)


def counters_of(runtime: Runtime, world: World) -> dict[str, int]:
    with runtime.db.snapshot() as session:
        return dict(counters(session, world.gate_id, runtime.clock))


@pytest.mark.parametrize("state", ["planned", "held", "unknown", "needs_review"])
def test_a_campaign_in_which_something_waits_keeps_its_words(runtime: Runtime, state: str) -> None:
    world = make_world(runtime, 3)
    ids = texted(runtime, world)
    with runtime.db.transaction() as tx:
        tx.execute(update(Message).where(Message.id == ids[0]).values(state=state))
    assert purge(later(runtime, 40 * DAY))[:2] == (0, 0)
    assert words(runtime) == (3, 3)


def test_pages_and_answers_go_on_without_the_words(runtime: Runtime) -> None:
    world = make_world(runtime, 2)
    texted(runtime, world)
    purge(later(runtime, 31 * DAY))
    client = sign_in(runtime, world.group_id, "organizer")
    with runtime.db.snapshot() as session:
        person = session.execute(select(Message.constituent_id)).scalars().first()
    shown = client.get(f"/people/{person}")
    assert shown.status_code == 200
    assert "The words are not kept" in shown.text
    assert client.get("/inbox/?view=all").status_code == 200
