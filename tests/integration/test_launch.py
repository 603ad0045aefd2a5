"""Drafts, launch, planning, pause, resume and cancel, on both databases."""

from __future__ import annotations

import threading
from datetime import timedelta

import pytest
from sqlalchemy import func, select, update

from outreach.core.errors import BadInputError, ConflictError, NotFoundError, OutreachError
from outreach.core.leases import acquire
from outreach.core.runtime import Runtime
from outreach.escalations import launch as levers
from outreach.escalations.drafts import draft_from_meeting, edit_draft
from outreach.escalations.models import Campaign, Recipient, Wave
from outreach.escalations.planning import _plan_chunk, plan_wave, wake_planners
from outreach.escalations.scripts import script_text
from outreach.messaging.claims import claim
from outreach.messaging.models import Gate, GateText, Message
from outreach.messaging.render import render
from outreach.messaging.slices import slice_out
from outreach.messaging.sweep import sweep_closed
from outreach.officials.imports import add_official
from outreach.officials.meetings import Answer, record_meeting
from outreach.people.consent import record_opt_out
from outreach.people.models import Constituent
from outreach.tallies.campaign import campaign_tally
from outreach.tallies.fold import LEASE, fold
from tests.factories import World, make_group, make_person, make_world, number


@pytest.fixture
def world(runtime: Runtime) -> World:
    return make_world(runtime, 6)


def draft(runtime: Runtime, world: World, *, outcome: str = "declined", phone: str | None = "602-555-0142") -> int:
    with runtime.db.transaction() as tx:
        official = add_official(tx, runtime, world.group_id, name="Dana Whitfield", role="Police chief", phone=phone)
        meeting = record_meeting(
            tx, runtime, world.group_id, official_id=official.id, held_on=runtime.clock.now().date(), outcome=outcome,
            recorded_by="tester", answers=[Answer(5, "no"), Answer(2, "evaded")] if outcome == "declined" else [],
        )  # fmt: skip
        made = draft_from_meeting(tx, runtime, meeting)
        assert made is not None
        edit_draft(tx, world.group_id, made.id, lists=["all"])
        return made.id


def launched(runtime: Runtime, world: World) -> Wave:
    campaign_id = draft(runtime, world)
    with runtime.db.transaction() as tx:
        return levers.launch_campaign(tx, runtime, world.group_id, campaign_id)


def tally(runtime: Runtime, world: World, campaign_id: int) -> dict[str, int]:
    with runtime.db.snapshot() as session:
        found = campaign_tally(session, world.group_id, campaign_id, runtime.clock)
    assert found.recipients == sum(found.states.values())
    return {state: count for state, count in found.states.items() if count}


def test_a_commitment_opens_no_draft(runtime: Runtime, world: World) -> None:
    with runtime.db.transaction() as tx:
        official = add_official(tx, runtime, world.group_id, name="A", role="Mayor", phone="602-555-0142")
        meeting = record_meeting(tx, runtime, world.group_id, official_id=official.id,
                                 held_on=runtime.clock.now().date(), outcome="committed", recorded_by="t")  # fmt: skip
        assert draft_from_meeting(tx, runtime, meeting) is None


@pytest.mark.parametrize("outcome", ["declined", "evaded", "no_meeting", "unreasonable_conditions"])
def test_every_other_outcome_opens_a_draft_that_can_be_launched(runtime: Runtime, world: World, outcome: str) -> None:
    campaign_id = draft(runtime, world, outcome=outcome)
    with runtime.db.transaction() as tx:
        levers.launch_campaign(tx, runtime, world.group_id, campaign_id)
        assert tx.get_one(Campaign, campaign_id).policy == (5 if outcome == "declined" else 1)


def test_each_language_names_the_official_in_its_own_words(runtime: Runtime, world: World) -> None:
    wave = launched(runtime, world)
    person = {"first_name": "Ana", "city": "Phoenix", "zip": "85003"}
    with runtime.db.snapshot() as session:
        stored = select(GateText.language, GateText.template, GateText.values).where(GateText.gate_id == wave.gate_id)
        sent = {row.language: (row.values, render(row.template, row.values, person, row.language))
                for row in session.execute(stored)}  # fmt: skip
    with runtime.db.transaction() as tx:
        scripts = {language: script_text(tx, wave.gate_id, person, language) or "" for language in ("en", "es")}
    for language, official, role in (
        ("en", "Police chief Dana Whitfield", "Police chief"),
        ("es", "Dana Whitfield (jefe/a de policia)", "jefe/a de policia"),
    ):
        values, body = sent[language]
        assert (values["official"], values["role"]) == (official, role)
        assert official in body
        assert official in scripts[language]
    assert "olice chief" not in sent["es"][1] + scripts["es"]


def test_of_many_launches_at_once_one_wins(runtime: Runtime, world: World) -> None:
    campaign_id = draft(runtime, world)
    outcomes: list[str] = []
    barrier = threading.Barrier(10)

    def launch() -> None:
        barrier.wait()
        try:
            with runtime.db.transaction() as tx:
                levers.launch_campaign(tx, runtime, world.group_id, campaign_id)
            outcomes.append("won")
        except ConflictError as error:
            outcomes.append(error.code)

    racers = [threading.Thread(target=launch) for _ in range(10)]
    for racer in racers:
        racer.start()
    for racer in racers:
        racer.join()
    assert sorted(outcomes) == ["campaign_not_draft"] * 9 + ["won"]
    with runtime.db.snapshot() as session:
        assert session.execute(select(func.count()).select_from(Wave)).scalar_one() == 1


def test_planning_knows_who_is_out_and_runs_twice_without_harm(runtime: Runtime, world: World) -> None:
    group = world.group_id
    night = make_person(runtime, group, number(20), zones="Pacific/Auckland")
    for index, consent in ((21, None), (22, runtime.clock.now() - timedelta(days=400))):
        make_person(runtime, group, number(index), consented_at=consent)
    with runtime.db.transaction() as tx:
        from outreach.people.models import ListMembership

        everybody = tx.execute(select(Constituent.id).where(Constituent.id.not_in(world.people))).scalars().all()
        tx.add_all([ListMembership(list_id=world.list_id, constituent_id=person) for person in everybody])
        tx.execute(
            update(Constituent).where(Constituent.id == world.people[0]).values(number_bad_at=runtime.clock.now())
        )
        record_opt_out(tx, runtime.vault, group, runtime.vault.number_hash(number(1)), wording="STOP", source="reply",
                       at=runtime.clock.real_now())  # fmt: skip
    wave = launched(runtime, world)
    racers = [threading.Thread(target=plan_wave, args=(runtime, wave.id, 10)) for _ in range(3)]
    for racer in racers:
        racer.start()
    for racer in racers:
        racer.join()
    assert plan_wave(runtime, wave.id, 10)
    # Out: one bad number, one without consent, one whose consent is too old.
    assert tally(runtime, world, wave.campaign_id) == {"planned": 4, "held": 1, "suppressed": 1}
    with runtime.db.snapshot() as session:
        opens = session.execute(select(Message.not_before).where(Message.constituent_id == night)).scalar_one()
        assert opens > runtime.clock.now()
        assert session.execute(select(func.count()).select_from(Recipient)).scalar_one() == 6


def test_planning_resumes_where_it_was_killed(runtime: Runtime, world: World) -> None:
    wave = launched(runtime, world)
    assert not _plan_chunk(runtime, wave.id, 4)
    assert tally(runtime, world, wave.campaign_id) == {"planned": 4}
    with runtime.db.transaction() as tx:
        tx.execute(update(Wave).values(woken_at=runtime.clock.real_now() - timedelta(minutes=1)))
    assert wake_planners(runtime) == 1
    assert wake_planners(runtime) == 0
    assert plan_wave(runtime, wave.id, 10)
    assert tally(runtime, world, wave.campaign_id) == {"planned": 6}


def test_pause_resume_and_cancel(runtime: Runtime, world: World) -> None:
    wave = launched(runtime, world)
    plan_wave(runtime, wave.id, 10)
    campaign_id, group = wave.campaign_id, world.group_id
    with runtime.db.transaction() as tx:
        levers.pause_campaign(tx, group, campaign_id)
    assert claim(runtime, wave.gate_id, "t", after=0, limit=5)[0] == []
    for lever, code in ((levers.pause_campaign, "campaign_not_running"),):
        with pytest.raises(ConflictError, match="not running"), runtime.db.transaction() as tx:
            lever(tx, group, campaign_id)
        assert code
    with runtime.db.transaction() as tx:
        levers.resume_campaign(tx, group, campaign_id)
    claimed, _ = claim(runtime, wave.gate_id, "t", after=0, limit=2)
    assert len(slice_out(runtime, claimed, "t")) == 2
    assert levers.cancel_campaign(runtime, group, campaign_id) == 4
    assert levers.cancel_campaign(runtime, group, campaign_id) == 0
    assert tally(runtime, world, campaign_id) == {"planned": 2, "canceled": 4}
    with pytest.raises(ConflictError), runtime.db.transaction() as tx:
        levers.resume_campaign(tx, group, campaign_id)


def test_what_is_planned_behind_a_closed_gate_is_canceled(runtime: Runtime, world: World) -> None:
    wave = launched(runtime, world)
    _plan_chunk(runtime, wave.id, 4)
    with runtime.db.transaction() as tx:  # as a process leaves it that was killed in the middle of closing
        tx.execute(update(Gate).where(Gate.id == wave.gate_id).values(state="closed"))
    assert acquire(runtime.db, LEASE, "t", runtime.clock.real_now(), 60)
    fold(runtime.db, runtime.clock, "t")
    assert sweep_closed(runtime) == 4
    assert plan_wave(runtime, wave.id, 10)
    assert tally(runtime, world, wave.campaign_id) == {"canceled": 4}


@pytest.mark.parametrize(
    ("change", "error"),
    [
        ({"text_en": "Hi {{ last_name }}"}, "template_field_unknown"),
        ({"text_en": "Hi {{ first_name"}, "template_syntax"),
        ({"text_en": "Hi {{ first_name.__class__ }}"}, "template_only_fields"),
        ({"text_en": "{{ ('x' * 10) * 100000000 }}"}, "template_only_fields"),
        ({"text_en": "{% for x in group %}x{% endfor %}"}, "template_only_fields"),
        ({"text_en": "x" * 1601}, "text_too_long"),
        ({"text_es": "   "}, "text_empty"),
        ({"text_en": "Testers, a volunteer group: will you call? {bogus}"}, "text_without_stop"),
        ({"text_en": "We are volunteers. Reply STOP to opt out."}, "text_without_group"),
        ({"text_es": "Somos Testers, voluntarios. Puede llamar?"}, "text_without_stop"),
        ({"lists": []}, "campaign_no_audience"),
        ({"lists": ["nobody"]}, "list_unknown"),
        ({"office_id": 999}, "office_not_of_official"),
        ({"state": "launched"}, "campaign_field_unknown"),
    ],
)
def test_what_cannot_be_sent_is_refused_before_anybody_is_texted(
    runtime: Runtime, world: World, change: dict[str, object], error: str
) -> None:
    campaign_id = draft(runtime, world)
    with pytest.raises(OutreachError) as caught:
        with runtime.db.transaction() as tx:
            edit_draft(tx, world.group_id, campaign_id, **change)  # type: ignore[arg-type]
        with runtime.db.transaction() as tx:
            levers.launch_campaign(tx, runtime, world.group_id, campaign_id)
    assert caught.value.code == error
    with runtime.db.snapshot() as session:
        assert session.execute(select(func.count()).select_from(Wave)).scalar_one() == 0
        assert session.get_one(Campaign, campaign_id).state == "draft"


def test_an_official_without_a_phone_cannot_be_called(runtime: Runtime, world: World) -> None:
    campaign_id = draft(runtime, world, phone=None)
    with pytest.raises(BadInputError, match="no office phone"), runtime.db.transaction() as tx:
        levers.launch_campaign(tx, runtime, world.group_id, campaign_id)


def test_another_groups_campaign_cannot_be_touched(runtime: Runtime, world: World) -> None:
    campaign_id, other = draft(runtime, world), make_group(runtime, "Others")
    for lever in (levers.pause_campaign, levers.resume_campaign):
        with pytest.raises(NotFoundError), runtime.db.transaction() as tx:
            lever(tx, other, campaign_id)
    with pytest.raises(NotFoundError):
        levers.cancel_campaign(runtime, other, campaign_id)
    with pytest.raises(NotFoundError), runtime.db.transaction() as tx:
        levers.launch_campaign(tx, runtime, other, campaign_id)


def test_a_row_that_cannot_be_opened_fails_alone(runtime: Runtime, world: World) -> None:
    wave = launched(runtime, world)
    plan_wave(runtime, wave.id, 10)
    with runtime.db.transaction() as tx:
        tx.execute(update(Constituent).where(Constituent.id == world.people[2]).values(sealed=b"\x03bad"))
        tx.execute(update(GateText).where(GateText.language == "es").values(template="{{ nonsense }}"))
        tx.execute(update(Message).where(Message.constituent_id == world.people[3]).values(language="es"))
    claimed, _ = claim(runtime, wave.gate_id, "t", after=0, limit=10)
    assert len(slice_out(runtime, claimed, "t")) == 4
    assert tally(runtime, world, wave.campaign_id) == {"planned": 4, "failed": 2}
