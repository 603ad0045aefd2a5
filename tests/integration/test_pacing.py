"""A paced campaign on both databases: parked, let go of by the office's lines and hours, finished, explained."""

from __future__ import annotations

import threading
from datetime import datetime
from typing import Any

import pytest
from sqlalchemy import select, update

from outreach.calls import pacer
from outreach.calls.pacer import pace_gates
from outreach.calls.pacing import check_pace
from outreach.core.errors import BadInputError
from outreach.core.runtime import Runtime
from outreach.escalations import planning
from outreach.escalations.launch import launch_campaign
from outreach.escalations.models import Campaign, Wave
from outreach.escalations.pacing_models import Pace
from outreach.escalations.planning import plan_wave
from outreach.escalations.silence_reads import account, find_wave
from outreach.messaging.claims import claim
from outreach.messaging.models import PARKED, Gate, Message
from outreach.messaging.slices import slice_out
from outreach.messaging.sweep import release_held
from outreach.officials.models import Office
from outreach.tallies.live import live_tally
from tests.factories import World, make_world
from tests.integration.test_launch import draft
from tests.integration.test_live import fold_everything, sign_in
from tests.integration.test_web_wizard import hidden
from tests.integration.test_webhooks import launch
from tests.model.carrier import ModelClock

HOURS = [[["08:00", "17:00"]]] * 5 + [[], []]
PEOPLE = 40
STEP = 5
RATE = 2 / (3 * 0.05)


@pytest.fixture
def runtime(clocked: Runtime) -> Runtime:
    return clocked


@pytest.fixture
def world(runtime: Runtime) -> World:
    return make_world(runtime, PEOPLE)


@pytest.fixture
def wave(runtime: Runtime, world: World, monkeypatch: pytest.MonkeyPatch) -> Wave:
    """Launched against an office that has told its hours."""
    begun = launch_campaign

    def with_hours(tx, held, group_id, campaign_id):  # type: ignore[no-untyped-def]
        tx.execute(update(Office).values(hours=HOURS, zone="America/Phoenix"))
        tx.expire_all()
        return begun(tx, held, group_id, campaign_id)

    monkeypatch.setattr("tests.integration.test_webhooks.launch_campaign", with_hours)
    return launch(runtime, world)


def sends(runtime: Runtime, wave: Wave) -> int:
    """What leaves now."""
    claimed, _ = claim(runtime, wave.gate_id, "t", after=0, limit=500)
    return len(slice_out(runtime, claimed, "t")) if claimed else 0


def goes_on(runtime: Runtime, clock: ModelClock, wave: Wave, seconds: int) -> int:
    """So many seconds, with a look of upkeep every few of them."""
    left = 0
    for _ in range(0, seconds, STEP):
        clock.advance(STEP)
        release_held(runtime)
        pace_gates(runtime)
        left += sends(runtime, wave)
    return left


def reasons(runtime: Runtime, wave: Wave) -> dict[str, datetime | None]:
    fold_everything(runtime)
    with runtime.db.snapshot() as session:
        found = find_wave(session, wave.group_id, wave.campaign_id)
        counted = account(session, found, runtime.clock.now()).reasons()
        live = live_tally(session, wave.group_id, wave.campaign_id, runtime.clock)
        assert live.held_until is None
        assert live.tally.recipients == sum(live.tally.states.values()) == PEOPLE
    return {one.code: one.until for one in counted}


def test_texts_leave_at_the_pace_of_the_lines_while_the_office_is_open(
    runtime: Runtime, clock: ModelClock, world: World, wave: Wave
) -> None:
    assert sends(runtime, wave) == 0, "nothing leaves before upkeep has looked"
    assert set(reasons(runtime, wave)) == {"office_pace"}
    assert goes_on(runtime, clock, wave, 60) in range(int(RATE) - 1, int(RATE) + 3)
    client = sign_in(runtime, world.group_id, "organizer")
    assert "waits for the office" in client.get(f"/people/{world.people[-1]}").text
    assert (
        "texts a minute. The office has 2 lines and is open until" in client.get(f"/campaigns/{wave.campaign_id}").text
    )
    clock.advance(4.6 * 3600)  # 16:37: the last half hour
    assert goes_on(runtime, clock, wave, 30) == 0
    until = reasons(runtime, wave)["office_closed"]
    assert until is not None
    assert until.isoformat() == "2026-12-02T15:00:00+00:00", "eight in Phoenix"
    assert "closes soon. Texts leave again" in client.get(f"/campaigns/{wave.campaign_id}").text
    clock.advance((until - runtime.clock.now()).total_seconds() - 30)
    assert goes_on(runtime, clock, wave, 60) == 0, "the office is open, and it is too early for everybody"
    clock.advance(2 * 3600)
    assert goes_on(runtime, clock, wave, 30) <= RATE
    goes_on(runtime, clock, wave, 120)
    assert not parked(runtime, wave)


def parked(runtime: Runtime, wave: Wave) -> list[int]:
    with runtime.db.snapshot() as session:
        rows = select(Message.id).where(Message.gate_id == wave.gate_id, Message.not_before == PARKED)
        return list(session.execute(rows).scalars())


def test_what_a_sender_holds_when_the_office_closes_is_parked_again(
    runtime: Runtime, clock: ModelClock, world: World, wave: Wave, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pacer, "MOST_UNPACED", PEOPLE // 2)
    clock.advance(30)
    pace_gates(runtime)
    claimed, _ = claim(runtime, wave.gate_id, "t", after=0, limit=500)
    assert claimed
    clock.advance(4.6 * 3600)
    assert slice_out(runtime, claimed, "t") == []
    assert len(parked(runtime, wave)) == PEOPLE
    with runtime.db.transaction() as tx:
        tx.execute(update(Office).values(hours=[[]] * 7))
    assert goes_on(runtime, clock, wave, 2) == 0
    with runtime.db.snapshot() as session:
        assert session.execute(select(Pace.opens_at)).scalar_one() is None
        campaign = session.get_one(Campaign, wave.campaign_id)
        with pytest.raises(BadInputError, match="40 of these people"):
            check_pace(session, runtime, campaign)
    with runtime.db.transaction() as tx:
        tx.execute(update(Campaign).values(pacing="fast"))
    goes_on(runtime, clock, wave, STEP)
    assert len(parked(runtime, wave)) == PEOPLE // 2, "some at each look"
    goes_on(runtime, clock, wave, 2 * STEP)
    with runtime.db.snapshot() as session:
        assert session.execute(select(Gate.sends_until).where(Gate.id == wave.gate_id)).scalar_one() is None
    assert not parked(runtime, wave)
    assert set(reasons(runtime, wave)) == {"being_sent"}


@pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)  # in SQLite one writes at a time
def test_what_is_planned_while_a_pace_is_given_up_waits_for_nobody(
    runtime: Runtime, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(planning, "FIRST_CHUNK", PEOPLE // 2)
    written = planning._messages
    upkeep: list[threading.Thread] = []

    def meanwhile(*given: Any, **more: Any) -> Any:
        """Of the second chunk, when it has seen that there is a pace."""
        if upkeep:
            with runtime.db.transaction() as tx:
                tx.execute(update(Campaign).values(pacing="fast"))
            upkeep[0].start()
            upkeep[0].join(0.5)
        else:
            upkeep.append(threading.Thread(target=pace_gates, args=(runtime,)))
        return written(*given, **more)

    monkeypatch.setattr(planning, "_messages", meanwhile)
    campaign_id = draft(runtime, world)
    with runtime.db.transaction() as tx:
        tx.execute(update(Office).values(hours=HOURS, zone="America/Phoenix"))
        wave = launch_campaign(tx, runtime, world.group_id, campaign_id)
    while not plan_wave(runtime, wave.id, 30):
        pass
    upkeep[0].join()
    assert not parked(runtime, wave)
    assert sends(runtime, wave) == PEOPLE


def test_a_draft_says_how_its_texts_leave(runtime: Runtime, world: World) -> None:
    campaign_id = draft(runtime, world)
    with runtime.db.transaction() as tx:
        tx.execute(update(Office).values(hours=HOURS, zone="America/Phoenix"))
    client = sign_in(runtime, world.group_id, "organizer")
    path = f"/campaigns/{campaign_id}/draft"
    assert "about 13 texts a minute, for the 2 lines" in client.get(f"{path}/review").text
    page = client.get(f"{path}/about").text
    form = {"version": hidden(page), "name": "A", "policy": "5", "office_id": "1", "pacing": "fast"}
    assert client.post(f"{path}/about", data=form).status_code == 303
    assert "texts a minute" not in client.get(f"{path}/review").text
