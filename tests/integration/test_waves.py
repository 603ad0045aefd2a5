"""Scheduled launches, further waves, and two texts tried against each other, on both databases."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import timedelta

import pytest
from sqlalchemy import func, select, update
from sqlalchemy.orm import Session

from outreach.core.errors import BadInputError, ConflictError, NotFoundError
from outreach.core.runtime import Runtime
from outreach.escalations.drafts import edit_draft
from outreach.escalations.launch import launch_campaign
from outreach.escalations.models import Campaign, Wave
from outreach.escalations.planning import plan_wave
from outreach.escalations.schedule import LONGEST, launch_due, schedule_launch, unschedule_launch
from outreach.escalations.waves import MOST, launch_wave, waves_of
from outreach.messaging.inbound import InboundText, receive_reply, take_in
from outreach.messaging.models import Message
from outreach.people.models import Constituent
from outreach.tallies.reads import counters
from tests.factories import World, make_world, number
from tests.integration.test_launch import draft
from tests.integration.test_second_tries import later, send_until
from tests.integration.test_sending import Book, fold_all

AGAIN = {
    "en": "{{ group }} volunteers again, {{ first_name }}: have you called {{ official }}? STOP to opt out.",
    "es": "{{ group }} otra vez, {{ first_name }}: ya llamo? ALTO para salir.",
}


@pytest.fixture(autouse=True)
def patient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("outreach.messaging.send.STALE_SECONDS", 20.0)


@pytest.fixture
def world(runtime: Runtime) -> World:
    return make_world(runtime, 6)


def campaign(runtime: Runtime, campaign_id: int) -> Campaign:
    with runtime.db.snapshot() as session:
        return session.get_one(Campaign, campaign_id)


def waves(runtime: Runtime, campaign_id: int) -> list[Wave]:
    with runtime.db.transaction() as tx:
        return list(waves_of(tx, campaign_id))


def reply(runtime: Runtime, index: int, body: str) -> None:
    ours = runtime.settings.twilio_from_number or "+16025550100"
    text = InboundText(f"SM{index:032x}", number(index), ours, body, runtime.clock.real_now())
    with runtime.db.transaction(durable=True) as tx:
        receive_reply(tx, runtime, take_in(runtime, text))


def texted(runtime: Runtime, world: World, campaign_id: int) -> Book:
    """Launch, plan and send the first wave."""
    with runtime.db.transaction() as tx:
        wave = launch_campaign(tx, runtime, world.group_id, campaign_id)
    assert plan_wave(runtime, wave.id, 30)
    book = Book()
    send_until(runtime, replace(world, gate_id=wave.gate_id), book, len(world.people))
    return book


def test_a_scheduled_campaign_launches_once_when_its_time_has_come(runtime: Runtime, world: World) -> None:
    campaign_id, at = draft(runtime, world), runtime.clock.now() + timedelta(hours=2)
    with runtime.db.transaction() as tx:
        schedule_launch(tx, runtime, world.group_id, campaign_id, at)
    assert campaign(runtime, campaign_id).state == "scheduled"
    with pytest.raises(ConflictError, match="no longer a draft"), runtime.db.transaction() as tx:
        edit_draft(tx, world.group_id, campaign_id, name="Other")
    assert launch_due(runtime) == 0
    then = later(runtime, hours=2, minutes=1)
    assert launch_due(then) == 1
    assert launch_due(then) == 0
    assert campaign(runtime, campaign_id).state == "launched"
    assert [wave.number for wave in waves(runtime, campaign_id)] == [1]
    with pytest.raises(ConflictError), runtime.db.transaction() as tx:
        unschedule_launch(tx, world.group_id, campaign_id)


def test_a_schedule_can_be_undone_and_a_launch_by_hand_ends_it(runtime: Runtime, world: World) -> None:
    first, at = draft(runtime, world), runtime.clock.now() + timedelta(hours=2)
    with runtime.db.transaction() as tx:
        schedule_launch(tx, runtime, world.group_id, first, at)
        unschedule_launch(tx, world.group_id, first)
    assert launch_due(later(runtime, hours=3)) == 0
    with runtime.db.transaction() as tx:
        schedule_launch(tx, runtime, world.group_id, first, at)
        launch_campaign(tx, runtime, world.group_id, first)
    assert launch_due(later(runtime, hours=3)) == 0
    assert len(waves(runtime, first)) == 1


@pytest.mark.parametrize("put_off", [False, True])
def test_what_is_taken_back_while_others_launch_does_not_leave(
    runtime: Runtime, world: World, put_off: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    campaign_id, at = draft(runtime, world), runtime.clock.now() + timedelta(hours=2)
    with runtime.db.transaction() as tx:
        schedule_launch(tx, runtime, world.group_id, campaign_id, at)
    then = later(runtime, hours=2, minutes=1)
    look = then.db.snapshot

    @contextmanager
    def looked_a_moment_ago() -> Iterator[Session]:
        with look() as session:
            yield session
        with runtime.db.transaction() as tx:
            unschedule_launch(tx, world.group_id, campaign_id)
            if put_off:
                schedule_launch(tx, then, world.group_id, campaign_id, at + timedelta(days=1))

    monkeypatch.setattr(then.db, "snapshot", looked_a_moment_ago)
    assert launch_due(then) == 0
    monkeypatch.undo()
    assert campaign(runtime, campaign_id).state == ("scheduled" if put_off else "draft")
    assert waves(runtime, campaign_id) == []


def test_what_a_launch_needs_is_looked_at_when_it_is_scheduled_and_when_it_is_due(
    runtime: Runtime, world: World
) -> None:
    campaign_id, now = draft(runtime, world), runtime.clock.now()
    wrong = [(now, "passed"), (now + LONGEST + timedelta(days=1), "60 days")]
    for at, said in wrong:
        with pytest.raises(BadInputError, match=said), runtime.db.transaction() as tx:
            schedule_launch(tx, runtime, world.group_id, campaign_id, at)
    with pytest.raises(NotFoundError), runtime.db.transaction() as tx:
        schedule_launch(tx, runtime, 10_000, campaign_id, now + timedelta(hours=1))
    with runtime.db.transaction() as tx:
        schedule_launch(tx, runtime, world.group_id, campaign_id, now + timedelta(hours=1))
        tx.execute(update(Campaign).where(Campaign.id == campaign_id).values(text_es="Hola sin nada"))
    assert launch_due(later(runtime, hours=2)) == 0
    after = campaign(runtime, campaign_id)
    assert (after.state, after.launch_at, after.launch_problem) == ("draft", None, "text_without_group")


def test_a_reminder_goes_to_the_silent_and_a_follow_up_to_those_who_replied(runtime: Runtime, world: World) -> None:
    campaign_id = draft(runtime, world)
    texted(runtime, world, campaign_id)
    reply(runtime, 0, "Left a voicemail")
    reply(runtime, 1, "STOP")
    reply(runtime, 2, "wrong number")
    tomorrow = later(runtime, days=1, minutes=1)
    with runtime.db.transaction() as tx:
        reminder = launch_wave(tx, tomorrow, world.group_id, campaign_id, who="silent", texts=AGAIN)
    assert plan_wave(tomorrow, reminder.id, 30)
    assert people_of(runtime, reminder.gate_id) == {3, 4, 5}
    reply(runtime, 3, "I talked to a staffer")  # after planning, before the reminder goes out
    book = Book()
    send_until(tomorrow, replace(world, gate_id=reminder.gate_id), book, 2)
    assert {one.to for one in book.accepted} == {number(4), number(5)}
    with runtime.db.snapshot() as session:
        assert counters(session, reminder.gate_id, tomorrow.clock)["canceled"] == 1
    after = later(runtime, days=2, minutes=2)
    with runtime.db.transaction() as tx:
        thanks = launch_wave(tx, after, world.group_id, campaign_id, who="replied", texts=AGAIN)
    assert plan_wave(after, thanks.id, 30)
    assert people_of(runtime, thanks.gate_id) == {0, 3}


def people_of(runtime: Runtime, gate_id: int) -> set[int]:
    with runtime.db.snapshot() as session:
        hashes = session.execute(select(Message.number_hash).where(Message.gate_id == gate_id)).scalars().all()
    known = {runtime.vault.number_hash(number(index)): index for index in range(6)}
    return {known[each] for each in hashes}


def test_waves_have_their_rules(runtime: Runtime, world: World) -> None:
    campaign_id = draft(runtime, world)

    def launch(who: str, when: Runtime, texts: dict[str, str] = AGAIN) -> Wave:
        with runtime.db.transaction() as tx:
            return launch_wave(tx, when, world.group_id, campaign_id, who=who, texts=texts)

    with pytest.raises(ConflictError):  # a draft has nobody to remind
        launch("silent", runtime)
    with runtime.db.transaction() as tx:
        launch_campaign(tx, runtime, world.group_id, campaign_id)
    with pytest.raises(ConflictError, match="24 hours"):
        launch("silent", later(runtime, hours=20))
    with pytest.raises(BadInputError):
        launch("everybody", later(runtime, days=2))
    with pytest.raises(BadInputError, match="STOP"):
        launch("silent", later(runtime, days=2), {**AGAIN, "en": "{{ group }}: call!"})
    with pytest.raises(BadInputError):
        launch("silent", later(runtime, days=2), {**AGAIN, "en": "{{ nonsense }}"})
    for day in range(2, MOST + 1):
        assert launch("silent", later(runtime, days=2 * day)).number == day
    with pytest.raises(ConflictError, match=str(MOST)):
        launch("silent", later(runtime, days=30))


def test_two_texts_are_tried_on_half_of_the_people_each_and_counted_apart(runtime: Runtime) -> None:
    world = make_world(runtime, 40)
    campaign_id = draft(runtime, world)
    second = {"text_b_en": "{{ group }}: second text. STOP to opt out.", "text_b_es": "{{ group }}: otro. ALTO."}
    with runtime.db.transaction() as tx:
        edit_draft(tx, world.group_id, campaign_id, **second)
        tx.execute(update(Constituent).where(Constituent.id == world.people[0]).values(language="es"))
    book = texted(runtime, world, campaign_id)
    with runtime.db.snapshot() as session:
        split = {
            row[0]: row[1]
            for row in session.execute(select(Message.variant, func.count()).group_by(Message.variant)).all()
        }
    assert sum(split.values()) == 40
    assert set(split) == {"a", "b"}
    assert min(split.values()) >= 10
    assert sum("second text" in one.body or "otro" in one.body for one in book.accepted) == split["b"]
    reply(runtime, 0, "Left a voicemail")
    reply(runtime, 1, "STOP")
    gate = waves(runtime, campaign_id)[0].gate_id
    with runtime.db.snapshot() as session:
        before = counters(session, gate, runtime.clock)
    fold_all(runtime)
    with runtime.db.snapshot() as session:
        after = counters(session, gate, runtime.clock)
    assert +before == +after
    for name in ("accepted", "replies", "report:voicemail", "opted_out"):
        assert after[f"a:{name}"] + after[f"b:{name}"] == after[name], name


def test_a_second_text_needs_both_languages_and_obeys_the_same_rules(runtime: Runtime, world: World) -> None:
    campaign_id = draft(runtime, world)
    for changes in ({"text_b_en": "{{ group }} only. STOP"}, {"text_b_en": "x", "text_b_es": "y"}):
        with pytest.raises(BadInputError), runtime.db.transaction() as tx:
            edit_draft(tx, world.group_id, campaign_id, **changes)
            launch_campaign(tx, runtime, world.group_id, campaign_id)
    with runtime.db.transaction() as tx:
        edit_draft(tx, world.group_id, campaign_id, text_b_en=None, text_b_es=None)
        launch_campaign(tx, runtime, world.group_id, campaign_id)
