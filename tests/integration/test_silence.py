"""Who was not texted, and why: everybody once, in agreement with the tally, on both databases."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from datetime import timedelta
from itertools import product
from typing import Any

import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as limits
from hypothesis import strategies as st
from sqlalchemy import func, select, update

from outreach.core.errors import NotFoundError
from outreach.core.runtime import Runtime
from outreach.escalations.launch import cancel_campaign, launch_campaign, pause_campaign
from outreach.escalations.models import Recipient, Wave
from outreach.escalations.planning import _plan_chunk, plan_wave
from outreach.escalations.silence import STOPS
from outreach.escalations.silence_people import every_silent
from outreach.escalations.silence_reads import Account, account, find_wave
from outreach.escalations.silence_sql import NO_STOP, stop_of
from outreach.escalations.waves import launch_wave
from outreach.messaging.claims import claim
from outreach.messaging.events import append, result, status
from outreach.messaging.models import Gate, Message, MessageAttempt
from outreach.messaging.optout import obey_opt_out
from outreach.messaging.retries import retry_reported
from outreach.messaging.slices import slice_out
from outreach.messaging.states import public_state
from outreach.people.consent import CONSENT_LASTS, is_suppressed, lift, record_opt_in, record_opt_out, suppress
from outreach.people.models import Constituent, ListMembership, Suppression
from outreach.tallies.campaign import campaign_tally
from outreach.tallies.failures import failures
from tests.factories import World, make_group, make_person, make_world, number
from tests.integration.test_launch import draft
from tests.integration.test_second_tries import later
from tests.integration.test_sending import fold_all
from tests.integration.test_waves import AGAIN, reply, texted

BEFORE = ("fine", "no_consent", "consent_old", "number_bad", "opted_out", "refused_in_import", "stopped_by_staff")
HEARD = ("delivered", "sent", "undelivered", "rejected", "refused_opt_out", "unknown", "review", "nothing", "stop")


@pytest.fixture(autouse=True)
def patient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("outreach.messaging.send.STALE_SECONDS", 20.0)


def launched(runtime: Runtime, world: World) -> Wave:
    campaign_id = draft(runtime, world)
    with runtime.db.transaction() as tx:
        return launch_campaign(tx, runtime, world.group_id, campaign_id)


def counted(runtime: Runtime, group_id: int, campaign_id: int, number: int | None = None) -> Account:
    """The account, after every promise that it makes was kept: each person once, in the list and in the counts."""
    now = runtime.clock.now()
    with runtime.db.snapshot() as session:
        asked = find_wave(session, group_id, campaign_id, number)
        found = account(session, asked, now)
        everybody = [one.person for one in every_silent(session, runtime.vault, asked, found, now)]
        by_reason = {
            one.code: [who.person for who in every_silent(session, runtime.vault, asked, found, now, one.code)]
            for one in found.reasons()
        }
    assert everybody == sorted(set(everybody))
    assert sorted(person for people in by_reason.values() for person in people) == everybody
    assert {code: len(people) for code, people in by_reason.items()} == {
        one.code: one.people for one in found.reasons()
    }
    assert found.people == found.reached + len(everybody)
    return found


def codes(found: Account) -> dict[str, int]:
    return {one.code: one.people for one in found.reasons()}


def prepare(runtime: Runtime, group_id: int, person: int, kind: str) -> None:
    now = runtime.clock.now()
    values: dict[str, dict[str, Any]] = {
        "no_consent": {"consented_at": None},
        "consent_old": {"consented_at": now - CONSENT_LASTS},
        "number_bad": {"number_bad_at": now},
    }
    with runtime.db.transaction() as tx:
        if kind in values:
            tx.execute(update(Constituent).where(Constituent.id == person).values(**values[kind]))
        elif kind != "fine":
            hashed, at = tx.get_one(Constituent, person).number_hash, runtime.clock.real_now()
            if kind == "opted_out":
                record_opt_out(tx, runtime.vault, group_id, hashed, wording="stop", source="reply", at=at)
            elif kind == "refused_in_import":
                suppress(tx, hashed, "import", group_id, at=at)
            else:
                suppress(tx, hashed, "staff", group_id, at=at)


def hear(runtime: Runtime, group_id: int, attempt: int, hashed: bytes, word: str) -> None:
    """What comes of one POST."""
    at, sid = runtime.clock.real_now(), f"SM{attempt:032x}"
    rows = {
        "delivered": [result(attempt, "accepted", at, carrier_sid=sid), status(attempt, sid, "delivered", None, at)],
        "sent": [status(attempt, sid, "sent", None, at)],
        "undelivered": [status(attempt, sid, "undelivered", 30006, at)],
        "rejected": [result(attempt, "rejected", at, error_code=21211)],
        "refused_opt_out": [result(attempt, "rejected", at, error_code=21610)],
        "unknown": [result(attempt, "unknown", at)],
        "review": [result(attempt, "unknown", at), result(attempt, "review", at)],
        "stop": [result(attempt, "accepted", at, carrier_sid=sid)],
    }
    with runtime.db.transaction(durable=True) as tx:
        append(tx, rows.get(word, []))
        if word == "stop":
            obey_opt_out(
                tx, runtime.vault, group_id=group_id, number_hash=hashed, wording="stop", source="person", at=at
            )


WORLDS = st.lists(st.tuples(st.sampled_from(BEFORE), st.sampled_from(HEARD)), min_size=1, max_size=6)
LEVERS = st.sampled_from(["none", "pause", "cancel"])
used = Counter[str]()


@given(people=WORLDS, posted=st.integers(0, 6), chunks=st.sampled_from([None, 1, 2]), lever=LEVERS)
@limits(max_examples=25, deadline=None, suppress_health_check=list(HealthCheck))
def test_everybody_is_in_one_place_and_the_states_are_those_of_the_tally(
    runtime: Runtime, people: list[tuple[str, str]], posted: int, chunks: int | None, lever: str
) -> None:
    used[str(runtime.db.url)] += 1
    turn = used[str(runtime.db.url)]
    group_id = make_group(runtime, f"Group {turn}")
    world = replace(make_world(runtime, 0, name=f"Group {turn}"), group_id=group_id)
    ids = [make_person(runtime, group_id, number(turn * 6 + index)) for index in range(len(people))]
    with runtime.db.transaction() as tx:
        tx.add_all([ListMembership(list_id=world.list_id, constituent_id=person) for person in ids])
    for person, (kind, _) in zip(ids, people, strict=True):
        prepare(runtime, group_id, person, kind)
    wave = launched(runtime, world)
    if chunks is None:
        assert plan_wave(runtime, wave.id, 30)
    else:
        _plan_chunk(runtime, wave.id, chunks)  # and no further: planning is under way
    claimed, _ = claim(runtime, wave.gate_id, "t", after=0, limit=max(posted, 1))
    words = {runtime.vault.number_hash(number(turn * 6 + index)): word for index, (_, word) in enumerate(people)}
    for post in slice_out(runtime, claimed if posted else [], "t"):
        hear(runtime, group_id, post.attempt_id, post.number_hash, words[post.number_hash])
    if lever == "pause":
        with runtime.db.transaction() as tx:
            pause_campaign(tx, group_id, wave.campaign_id)
    elif lever == "cancel":
        cancel_campaign(runtime, group_id, wave.campaign_id)
    fold_all(runtime)

    found = counted(runtime, group_id, wave.campaign_id)
    with runtime.db.snapshot() as session:
        tally = campaign_tally(session, group_id, wave.campaign_id, runtime.clock)
        errors = failures(session, group_id, wave.campaign_id)
        recipients = session.execute(select(func.count()).where(Recipient.wave_id == wave.id)).scalar_one()
    states = Counter[str]()
    for alike in found.kinds:
        if alike.row.state:
            states[public_state(alike.row.state)] += alike.people
    assert dict(states) == {name: count for name, count in tally.states.items() if count}
    assert found.people == len(people)
    assert found.recipients == tally.recipients == recipients
    assert found.reached == sum(tally.states[state] for state in ("accepted", "sent", "delivered"))
    told = {one.code: one.people for one in found.reasons() if one.code.startswith("carrier:")}
    assert told == {f"carrier:{one.code}": one.texts for one in errors}


def test_each_person_has_the_reason_that_is_theirs(runtime: Runtime) -> None:
    world = make_world(runtime, 14)
    others = make_group(runtime, "Others")
    kinds = ["fine", "no_consent", "consent_old", "number_bad", "opted_out", "refused_in_import", "stopped_by_staff"]
    for person, kind in zip(world.people, kinds, strict=False):
        prepare(runtime, world.group_id, person, kind)
    at, now = runtime.clock.real_now(), runtime.clock.now()
    with runtime.db.transaction() as tx:
        record_opt_out(
            tx, runtime.vault, others, runtime.vault.number_hash(number(7)), wording="stop", source="reply", at=at
        )
        suppress(tx, runtime.vault.number_hash(number(8)), "pending", at=at)
    campaign_id = draft(runtime, world)
    assert codes(counted(runtime, world.group_id, campaign_id)) == {
        "not_launched": 6, "no_consent": 1, "consent_old": 1, "number_bad": 1, "opted_out": 1, "refused_in_import": 1,
        "stopped_by_staff": 1, "opted_out_elsewhere": 1, "perhaps_opted_out": 1,
    }  # fmt: skip
    with runtime.db.transaction() as tx:
        wave = launch_campaign(tx, runtime, world.group_id, campaign_id)
    assert codes(counted(runtime, world.group_id, campaign_id))["preparing"] == 6
    assert plan_wave(runtime, wave.id, 30)
    newcomer = make_person(runtime, world.group_id, number(20))
    opens, midnight = now + timedelta(hours=21), now + timedelta(hours=12)
    states: dict[int, dict[str, Any]] = {
        9: {"state": "held", "not_before": opens.replace(minute=0, second=0, microsecond=0)},
        10: {"state": "held", "not_before": midnight},
        11: {"state": "failed", "error_code": None},
        12: {"state": "needs_review", "decision": "left"},
        13: {"state": "undelivered", "error_code": 30003},
    }
    with runtime.db.transaction() as tx:
        tx.add(ListMembership(list_id=world.list_id, constituent_id=newcomer))
        for index, values in states.items():
            tx.execute(update(Message).where(Message.constituent_id == world.people[index]).values(**values))
        lifted = tx.execute(select(Suppression.id).where(Suppression.source == "staff")).scalar_one()
        lift(tx, lifted, world.group_id, reason="a mistake", at=at)
    found = counted(runtime, world.group_id, campaign_id)
    assert codes(found) == {
        "waiting": 1, "quiet_hours": 1, "cap": 1, "left": 1, "opted_out": 1, "opted_out_elsewhere": 1,
        "perhaps_opted_out": 1, "refused_in_import": 1, "opted_out_then": 1, "number_bad": 1, "no_consent": 1,
        "consent_old": 1, "came_later": 1, "not_rendered": 1, "carrier:30003": 1,
    }  # fmt: skip
    assert {one.code: one.until for one in found.reasons() if one.until} == {
        "quiet_hours": states[9]["not_before"], "cap": midnight,
    }  # fmt: skip


def test_a_halt_a_pause_and_an_end_are_told_apart(runtime: Runtime) -> None:
    world = make_world(runtime, 3)
    wave = launched(runtime, world)
    assert plan_wave(runtime, wave.id, 30)
    with runtime.db.transaction() as tx:
        pause_campaign(tx, world.group_id, wave.campaign_id)
    assert codes(counted(runtime, world.group_id, wave.campaign_id)) == {"paused": 3}
    with runtime.db.transaction() as tx:
        tx.execute(update(Gate).where(Gate.id == wave.gate_id).values(reason="carrier:20003"))
    assert codes(counted(runtime, world.group_id, wave.campaign_id)) == {"halted": 3}
    cancel_campaign(runtime, world.group_id, wave.campaign_id)
    assert codes(counted(runtime, world.group_id, wave.campaign_id)) == {"canceled": 3}


def test_a_canceled_plan_leaves_nobody_unexplained(runtime: Runtime) -> None:
    world = make_world(runtime, 5)
    wave = launched(runtime, world)
    assert not _plan_chunk(runtime, wave.id, 2)
    assert codes(counted(runtime, world.group_id, wave.campaign_id)) == {"waiting": 2, "preparing": 3}
    cancel_campaign(runtime, world.group_id, wave.campaign_id)
    assert plan_wave(runtime, wave.id, 30)
    assert codes(counted(runtime, world.group_id, wave.campaign_id)) == {"canceled": 5}


def test_a_second_try_is_its_persons_only_place(runtime: Runtime) -> None:
    world = make_world(runtime, 2)
    campaign_id = draft(runtime, world)
    texted(runtime, world, campaign_id)
    with runtime.db.snapshot() as session:
        attempts = session.execute(
            select(MessageAttempt.id, Message.carrier_sid).join(Message, Message.id == MessageAttempt.message_id)
        ).all()
    at = runtime.clock.real_now()
    with runtime.db.transaction() as tx:
        append(tx, [status(attempts[0].id, attempts[0].carrier_sid, "undelivered", 30003, at)])
    fold_all(runtime)
    assert codes(counted(runtime, world.group_id, campaign_id)) == {"carrier:30003": 1}
    soon = later(runtime, minutes=61)
    assert retry_reported(soon) == 1
    before_the_fold = counted(soon, world.group_id, campaign_id)
    fold_all(soon)
    for found in (before_the_fold, counted(soon, world.group_id, campaign_id)):
        assert (codes(found), found.people, found.reached) == ({"second_try": 1}, 2, 1)


def test_a_reminder_explains_whom_it_leaves_out(runtime: Runtime) -> None:
    world = make_world(runtime, 6)
    prepare(runtime, world.group_id, world.people[5], "no_consent")
    campaign_id = draft(runtime, world)
    texted(runtime, replace(world, people=world.people[:5]), campaign_id)
    reply(runtime, 0, "Left a voicemail")
    reply(runtime, 1, "STOP")
    reply(runtime, 2, "wrong number")
    tomorrow = later(runtime, days=1, minutes=1)
    with runtime.db.transaction() as tx:
        tx.execute(update(Message).where(Message.constituent_id == world.people[4]).values(state="undelivered"))
        reminder = launch_wave(tx, tomorrow, world.group_id, campaign_id, who="silent", texts=AGAIN)
    assert plan_wave(tomorrow, reminder.id, 30)
    assert codes(counted(tomorrow, world.group_id, campaign_id, 2)) == {
        "waiting": 1, "replied": 1, "opted_out": 1, "number_bad": 1, "not_reached": 1,
    }  # fmt: skip
    reply(runtime, 3, "I talked to a staffer")
    claimed, _ = claim(tomorrow, reminder.gate_id, "t", after=0, limit=10)
    assert slice_out(tomorrow, claimed, "t") == []
    assert codes(counted(tomorrow, world.group_id, campaign_id, 2))["replied"] == 2
    assert codes(counted(tomorrow, world.group_id, campaign_id))["no_consent"] == 1
    after = later(runtime, days=2, minutes=2)
    with runtime.db.transaction() as tx:
        tx.execute(update(Message).where(Message.constituent_id == world.people[4]).values(state="sent"))
        thanks = launch_wave(tx, after, world.group_id, campaign_id, who="replied", texts=AGAIN)
    assert plan_wave(after, thanks.id, 30)
    assert codes(counted(after, world.group_id, campaign_id, 3)) == {
        "waiting": 2, "opted_out": 1, "number_bad": 1, "no_reply": 1,
    }  # fmt: skip
    with runtime.db.snapshot() as session, pytest.raises(NotFoundError):
        find_wave(session, world.group_id, campaign_id, 4)


def test_other_groups_campaigns_are_not_there(runtime: Runtime) -> None:
    world = make_world(runtime, 1)
    campaign_id, others = draft(runtime, world), make_group(runtime, "Others")
    with runtime.db.snapshot() as session:
        for group_id, campaign in ((others, campaign_id), (world.group_id, campaign_id + 1)):
            with pytest.raises(NotFoundError):
                find_wave(session, group_id, campaign)
        assert failures(session, others, campaign_id) == []


def test_a_stop_is_in_force_exactly_where_a_sender_sees_one(runtime: Runtime) -> None:
    group, others = make_group(runtime), make_group(runtime, "Others")
    at, told = runtime.clock.real_now(), Counter[str]()
    steps = ("stop", "start", "pending", "carrier", "lift", "others stop", "others start", "page stop")
    histories = list(product(steps, repeat=3))
    with runtime.db.transaction() as tx:
        for index, history in enumerate(histories):
            hashed = index.to_bytes(16, "big")
            for minute, step in enumerate(history):
                then, who = at + timedelta(minutes=minute), others if step.startswith("others") else group
                if step.endswith("stop"):
                    source = "page" if step == "page stop" else "reply"
                    record_opt_out(tx, runtime.vault, who, hashed, wording="stop", source=source, at=then)  # type: ignore[arg-type]
                elif step.endswith("start"):
                    record_opt_in(tx, runtime.vault, who, hashed, wording="start", source="reply", at=then)
                elif step == "lift":
                    mine = Suppression.number_hash == hashed, Suppression.source != "person"
                    tx.execute(update(Suppression).where(*mine).values(lifted_at=then))
                else:
                    suppress(tx, hashed, "pending" if step == "pending" else "carrier", at=then)
    with runtime.db.snapshot() as session:
        for index, history in enumerate(histories):
            hashed = index.to_bytes(16, "big")
            place = session.execute(select(stop_of(hashed, group))).scalar_one()
            assert (place < NO_STOP) == is_suppressed(session, hashed, group), history
            told["" if place == NO_STOP else STOPS[place]] += 1
    assert set(told) == {"", "opted_out", "opted_out_elsewhere", "perhaps_opted_out", "opted_out_at_carrier"}
