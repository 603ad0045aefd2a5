"""The official has committed, through the real app on both databases: stopped, told, taken back, thanked once."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from typing import Any

import pytest
from flask.testing import FlaskClient
from sqlalchemy import select

from outreach.accounts.models import AuditEvent
from outreach.core.errors import ConflictError
from outreach.core.runtime import Runtime
from outreach.escalations.drafts import draft_from_meeting, edit_draft
from outreach.escalations.launch import cancel_campaign, launch_campaign, pause_campaign, resume_campaign
from outreach.escalations.models import Campaign, Wave
from outreach.escalations.schedule import launch_due, schedule_launch
from outreach.escalations.stand_down import stand_down, undo_stand_down, usual_thanks
from outreach.escalations.stand_down_models import StandDown
from outreach.messaging.claims import claim
from outreach.messaging.models import Gate, Message
from outreach.messaging.slices import slice_out
from outreach.messaging.sweep import release_held, sweep_closed
from outreach.officials.models import Meeting
from outreach.people.consent import record_opt_out
from outreach.phone_tree.models import TreeRun
from outreach.phone_tree.running import start_run
from outreach.tallies.campaign import campaign_tally
from outreach.tallies.participants import end_stand_downs
from outreach.web.app import create_app
from tests.factories import World, make_world, number
from tests.integration.test_calls import Exchange, OnThePhone, place, words
from tests.integration.test_cli import outreach
from tests.integration.test_live import fold_everything, sign_in
from tests.integration.test_phone_tree import plant, start, turn
from tests.integration.test_webhooks import launch, say, text_everybody
from tests.model.carrier import ModelClock

LINK = re.compile(r"http://\S+(/[st]/\S+)")
DAY = 86_400


@pytest.fixture
def runtime(clocked: Runtime) -> Runtime:
    return clocked


@pytest.fixture
def world(runtime: Runtime) -> World:
    return make_world(runtime, 13)


@pytest.fixture
def exchange() -> Exchange:
    return Exchange()


@pytest.fixture
def client(runtime: Runtime) -> FlaskClient:
    return create_app(runtime.settings, runtime).test_client()


def commits(runtime: Runtime, world: World, wave: Wave, **more: Any) -> int:
    with runtime.db.transaction(durable=True) as tx:
        official = tx.get_one(Campaign, wave.campaign_id).official_id
        said = {"by": "tester", "why": "in writing", "texts": usual_thanks(), **more}
        return stand_down(tx, runtime, world.group_id, official, **said).id


def undo(runtime: Runtime, world: World, stand_down_id: int) -> None:
    with runtime.db.transaction(durable=True) as tx:
        undo_stand_down(tx, runtime, world.group_id, stand_down_id, by="tester")


def everything(runtime: Runtime) -> list[Sequence[Any]]:
    """Every campaign, gate, text and run as it stands."""
    columns = (
        (Campaign.id, Campaign.state, Campaign.launch_at), (Gate.id, Gate.state, Gate.reason, Gate.baseline),
        (Message.id, Message.state, Message.not_before), (TreeRun.id, TreeRun.state),
    )  # fmt: skip
    with runtime.db.snapshot() as session:
        return [session.execute(select(*some).order_by(some[0])).all() for some in columns]


def try_everything(runtime: Runtime) -> list[str]:
    """Whatever might send or move something, once; whom a text went to."""
    release_held(runtime)
    end_stand_downs(runtime)
    sweep_closed(runtime)
    return [to for to, _ in turn(runtime)]


def others(runtime: Runtime, wave: Wave) -> tuple[int, int]:
    """A draft and a scheduled campaign about the same official."""
    with runtime.db.transaction() as tx:
        meeting = tx.get_one(Meeting, tx.get_one(Campaign, wave.campaign_id).meeting_id)
        made = []
        for _ in range(2):
            draft = draft_from_meeting(tx, runtime, meeting)
            assert draft is not None
            edit_draft(tx, meeting.group_id, draft.id, lists=["all"])
            made.append(draft.id)
        schedule_launch(tx, runtime, meeting.group_id, made[1], runtime.clock.at(runtime.clock.now().timestamp() + 30))
        return made[0], made[1]


def test_nothing_leaves_after_it_and_undo_puts_everything_back_as_it_was(
    runtime: Runtime, clock: ModelClock, world: World
) -> None:
    wave, other = launch(runtime, world), launch(runtime, world)
    draft_id, scheduled_id = others(runtime, wave)
    tree_id = plant(runtime, world)
    with runtime.db.transaction() as tx:
        pause_campaign(tx, world.group_id, other.campaign_id)
        start_run(tx, runtime, world.group_id, tree_id, wave.campaign_id, by="tester")
    claimed, _ = claim(runtime, wave.gate_id, "t", after=0, limit=4)
    assert len(slice_out(runtime, claimed[:2], "t")) == 2
    before = everything(runtime)
    down = commits(runtime, world, wave)
    with runtime.db.snapshot() as session:
        about = session.execute(select(Campaign.id).where(Campaign.state == "stood_down").order_by(Campaign.id))
        assert about.scalars().all() == sorted([wave.campaign_id, draft_id, scheduled_id])
    assert slice_out(runtime, claimed[2:], "t") == []
    clock.advance(50)  # the launch time of the scheduled one has passed
    assert try_everything(runtime) == []
    assert launch_due(runtime) == 0
    for lever in (pause_campaign, resume_campaign):
        with pytest.raises(ConflictError), runtime.db.transaction() as tx:
            lever(tx, world.group_id, wave.campaign_id)
    for campaign_id in (draft_id, scheduled_id):
        with pytest.raises(ConflictError), runtime.db.transaction() as tx:
            launch_campaign(tx, runtime, world.group_id, campaign_id)
    with pytest.raises(ConflictError):
        cancel_campaign(runtime, world.group_id, wave.campaign_id)
    with pytest.raises(ConflictError):
        commits(runtime, world, wave)
    undo(runtime, world, down)
    after = everything(runtime)
    assert [after[0], after[1], after[3]] == [before[0], before[1], before[3]]
    was = {row.id: row.state for row in before[2]}
    moved = [(was[row.id], row.state) for row in after[2] if row.state != was[row.id]]
    assert moved == [("claimed", "planned")] * 2
    assert len(after[2]) == len(before[2])
    with pytest.raises(ConflictError):
        undo(runtime, world, down)
    assert len(text_everybody(runtime, wave)) == 11, "whoever waited, each once"
    assert launch_due(runtime) == 1
    with runtime.db.snapshot() as session:
        actions = session.execute(select(AuditEvent.action).order_by(AuditEvent.id)).scalars().all()
    assert actions[-3:] == ["campaigns_stood_down", "stand_down_undone", "campaign_launched"]


def test_after_its_minute_it_is_final_and_whoever_took_part_is_thanked_once(
    runtime: Runtime, clock: ModelClock, world: World, client: FlaskClient, exchange: Exchange
) -> None:
    run = start(runtime, world, plant(runtime, world))
    turn(runtime)
    say(client, runtime, 0, "1")  # leads
    turn(runtime)
    script = say(client, runtime, 2, "SCRIPT") or ""
    say(client, runtime, 2, "2")  # reports
    say(client, runtime, 3, "CALL")
    place(runtime, exchange)
    phone = OnThePhone(client, runtime, exchange.called[0])
    phone.hear()
    say(client, runtime, 4, "I will call tomorrow at 10")  # promises
    say(client, runtime, 5, "2")
    with runtime.db.transaction() as tx:
        record_opt_out(tx, runtime.vault, world.group_id, runtime.vault.number_hash(number(5)), wording="STOP",
                       source="reply", at=runtime.clock.real_now())  # fmt: skip
        wave = tx.get_one(Wave, run.wave_id)
    down = commits(runtime, world, wave)
    assert "committed" in words(phone.press("1")), "who is not put through yet hears the thanks"
    for body in ("CALL", "SCRIPT"):
        assert "has committed to the" in (say(client, runtime, 6, body) or "")
    found = LINK.search(script)
    assert found
    page = client.get(found[1])
    assert (page.status_code, "has committed" in page.text) == (200, True)
    clock.advance(61)
    with pytest.raises(ConflictError):
        undo(runtime, world, down)
    clock.advance(DAY)  # the cap of a day is over
    for _ in range(5):  # each a step that may be the last of a killed process
        try_everything(runtime)
        fold_everything(runtime)
    with runtime.db.snapshot() as session:
        thanked = session.execute(
            select(Message.number_hash, Message.state)
            .join(Gate, Gate.id == Message.gate_id)
            .where(Gate.kind == "thanks")
        ).all()
        tally = campaign_tally(session, world.group_id, run.campaign_id, runtime.clock)
        ended = session.get_one(StandDown, down)
        states = set(session.execute(select(TreeRun.state)).scalars())
    people = [runtime.vault.number_hash(number(person)) for person in (0, 2, 3, 4)]
    assert Counter(row.number_hash for row in thanked) - Counter({runtime.vault.number_hash(number(6)): 1}) == Counter(
        people
    )
    assert {row.state for row in thanked} == {"delivered"}
    assert (ended.state, tally.state) == ("over", "stood_down")
    assert tally.recipients == sum(tally.states.values())
    assert not tally.states["planned"] + tally.states["held"]
    assert states == {"done"}


def test_the_pages_ask_once_and_take_it_back(runtime: Runtime, world: World) -> None:
    wave = launch(runtime, world)
    client = sign_in(runtime, world.group_id, "organizer")
    path = f"/campaigns/{wave.campaign_id}/stand-down"
    assert "Dana Whitfield committed" in client.get(path).text
    form = {"why": "She signed it", "campaigns": str(wave.campaign_id), "thanks": "y", "text_en": "no", "text_es": "no"}
    refused = client.post(path, data=form)
    assert refused.status_code == 422
    assert client.post(path, data={**form, "campaigns": "999"}).status_code == 422
    usual = usual_thanks()
    done = client.post(path, data={**form, "text_en": usual["en"], "text_es": usual["es"]})
    assert done.status_code == 303
    assert "Undo" in client.get(done.location).text
    assert "She signed it" in client.get(f"/campaigns/{wave.campaign_id}").text
    assert client.post(f"{done.location}/undo").status_code == 303
    assert "running" in client.get(f"/campaigns/{wave.campaign_id}").text
    assert "undone" in client.get(done.location).text
    assert client.get("/stand-downs/999").status_code == client.post("/stand-downs/999/undo").status_code == 404
    client.post("/language/es")
    assert "Detener" in client.get(path).text


def test_the_commands(runtime: Runtime, world: World, settings_env: dict[str, str]) -> None:
    wave = launch(runtime, world)
    others(runtime, wave)

    def command(name: str, *more: str) -> tuple[int, dict[str, Any]]:
        code, said, _ = outreach(settings_env, "campaign", name, str(wave.campaign_id), *more, "--json")
        return code, said or {}

    code, refused = command("undo")
    assert (code, refused["error"]["code"]) == (2, "campaign_not_stood_down")
    code, done = command("stand-down", "--why", "signed", "--no-thanks")
    assert (code, done["state"], done["campaigns"]) == (0, "standing", [wave.campaign_id])
    assert command("tally")[1]["state"] == "stood_down"
    code, undone = command("undo")
    assert (code, undone["state"], undone["id"]) == (0, "undone", done["id"])
    code, every = command("stand-down", "--all", "--why", "signed")
    assert (code, len(every["campaigns"])) == (0, 3)
