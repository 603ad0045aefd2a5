"""Two people for a launch: what was read is what leaves, once, and nobody approves their own."""

from __future__ import annotations

import re
import threading
from dataclasses import replace
from datetime import timedelta
from functools import partial
from typing import Any

import pytest
from flask.testing import FlaskClient
from sqlalchemy import func, select, update

from outreach.accounts.acting import SITE
from outreach.accounts.links import make_login_link
from outreach.accounts.models import AuditEvent, User
from outreach.accounts.safety import needs_two
from outreach.approvals import asking, deciding
from outreach.approvals.asking import WAITS_FOR, ask_launch, ask_off, ask_schedule, ask_tree, ask_wave, withdraw
from outreach.approvals.coming_due import launch_due
from outreach.approvals.deciding import approve, decline, open_requests, switch_off_alone, switch_on
from outreach.approvals.models import ApprovalRequest
from outreach.core.db import Transaction
from outreach.core.errors import ConflictError, NotFoundError, OutreachError
from outreach.core.runtime import Runtime
from outreach.escalations.drafts import edit_draft
from outreach.escalations.launch import launch_campaign, pause_campaign, resume_checked
from outreach.escalations.models import Campaign, Wave
from outreach.escalations.revisions import EVERYTHING, draft_version
from outreach.escalations.schedule import schedule_launch, unschedule_launch
from outreach.escalations.segments import change_segment, create_segment
from outreach.escalations.stand_down import stand_down, usual_thanks
from outreach.escalations.unusual import halt_unusual
from outreach.escalations.waves import launch_wave
from outreach.messaging.gates import ORGANIZER, UNUSUAL, halt_gate, pause_gate
from outreach.messaging.models import Gate, GateText, Tally
from outreach.messaging.spend_halts import SPEND_CAP
from outreach.messaging.threads import Actor
from outreach.officials.models import Office
from outreach.phone_tree.editing import add_person, get_tree, make_tree
from outreach.phone_tree.models import TreeRun
from outreach.phone_tree.running import start_run
from outreach.web.app import create_app
from tests.factories import World, make_group, make_world
from tests.integration.test_launch import draft
from tests.integration.test_live import sign_in
from tests.integration.test_web_wizard import launch_form
from tests.model.carrier import ModelClock


@pytest.fixture
def runtime(clocked: Runtime) -> Runtime:
    return clocked


@pytest.fixture
def world(runtime: Runtime) -> World:
    return make_world(runtime, 6)


@pytest.fixture
def campaign_id(runtime: Runtime, world: World) -> int:
    return draft(runtime, world)


def actor(runtime: Runtime, world: World, name: str, role: str = "organizer") -> Actor:
    with runtime.db.transaction() as tx:
        user = User(group_id=world.group_id, name=name, role=role, created_at=runtime.clock.now())
        tx.add(user)
        tx.flush()
        return Actor(user.id, world.group_id, name)


@pytest.fixture
def ana(runtime: Runtime, world: World) -> Actor:
    """Who asks. From now on the group wants two."""
    made = actor(runtime, world, "Ana")
    with runtime.db.transaction() as tx:
        switch_on(tx, runtime, world.group_id, by="admin")
    return made


@pytest.fixture
def ben(runtime: Runtime, world: World, ana: Actor) -> Actor:
    return actor(runtime, world, "Ben")


def version(runtime: Runtime, campaign_id: int) -> str:
    with runtime.db.snapshot() as session:
        return draft_version(session.get_one(Campaign, campaign_id), EVERYTHING)


def ask(runtime: Runtime, who: Actor, campaign_id: int) -> int:
    with runtime.db.transaction() as tx:
        return ask_launch(tx, runtime, who, campaign_id, version=version(runtime, campaign_id)).id


def say_yes(runtime: Runtime, who: Actor, request_id: int, people: int | None = 6) -> bool:
    with runtime.db.transaction() as tx:
        return approve(tx, runtime, who, request_id, people=people)


def refused(act: Any, *args: Any, **more: Any) -> str:
    with pytest.raises(OutreachError) as wrong:
        act(*args, **more)
    return wrong.value.code


def in_one(runtime: Runtime, act: Any, *args: Any, **more: Any) -> Any:
    with runtime.db.transaction() as tx:
        return act(tx, *args, **more)


def state(runtime: Runtime, request_id: int) -> str:
    with runtime.db.snapshot() as session:
        return session.get_one(ApprovalRequest, request_id).state


def waves(runtime: Runtime) -> int:
    with runtime.db.snapshot() as session:
        return session.execute(select(func.count()).select_from(Wave)).scalar_one()


def test_one_person_alone_launches_nothing_by_any_way(
    runtime: Runtime, world: World, campaign_id: int, ana: Actor
) -> None:
    at, texts = runtime.clock.now().replace(hour=23), {"en": "x", "es": "x"}
    with runtime.db.transaction() as tx:
        tree = make_tree(tx, runtime, world.group_id, "Tree", by="Ana").id
    group = world.group_id
    for act, args, more in (
        (launch_campaign, (runtime, group, campaign_id), {}),
        (schedule_launch, (runtime, group, campaign_id, at), {}),
        (launch_wave, (runtime, group, campaign_id), {"who": "silent", "texts": texts}),
        (start_run, (runtime, group, tree, campaign_id), {"by": "Ana"}),
    ):
        assert refused(in_one, runtime, act, *args, **more) == "approval_needed"
    assert waves(runtime) == 0


def test_no_words_of_ones_own_leave_with_a_stand_down(
    runtime: Runtime, world: World, campaign_id: int, ana: Actor
) -> None:
    with runtime.db.snapshot() as session:
        official = session.get_one(Campaign, campaign_id).official_id
    own = {"en": "{{ group }}: vote for me. STOP to opt out.", "es": "{{ group }}: vota por mí. ALTO para no recibir."}
    said: dict[str, Any] = {"by": "Ana", "why": "in writing"}
    stand = (runtime, stand_down, runtime, world.group_id, official)
    assert refused(in_one, *stand, texts=own, **said) == "thanks_need_two"
    in_one(*stand, texts=usual_thanks(), **said)


def test_a_second_person_launches_and_both_stand_in_the_book(
    runtime: Runtime, campaign_id: int, ana: Actor, ben: Actor
) -> None:
    request = ask(runtime, ana, campaign_id)
    assert ask(runtime, ana, campaign_id) == request  # sent twice, asked once
    assert refused(ask, runtime, ben, campaign_id) == "approval_waits"
    assert refused(say_yes, runtime, ana, request) == "approval_own"
    assert refused(say_yes, runtime, ben, request, 5) == "approval_count"
    assert (state(runtime, request), waves(runtime)) == ("waiting", 0)
    assert say_yes(runtime, ben, request)
    assert (state(runtime, request), waves(runtime)) == ("approved", 1)
    assert refused(say_yes, runtime, ben, request) in {"approval_decided", "approval_void"}
    with runtime.db.snapshot() as session:
        rows = (
            session.execute(select(AuditEvent).where(AuditEvent.actor.not_in((SITE, "tester"))).order_by(AuditEvent.id))
            .scalars()
            .all()
        )
    assert [(row.action, row.actor) for row in rows] == [
        ("approval_on", "admin"), ("approval_asked", "Ana"), ("approval_approved", "Ben"),
    ]  # fmt: skip
    assert rows[-1].details == {"kind": "launch", "campaign": campaign_id, "people": 6, "requester": "Ana"}


@pytest.mark.parametrize("change", ["text", "audience", "office"])
def test_what_was_changed_since_is_not_approved(
    runtime: Runtime, world: World, campaign_id: int, ana: Actor, ben: Actor, change: str
) -> None:
    request = ask(runtime, ana, campaign_id)
    with runtime.db.transaction() as tx:
        if change == "text":
            text = tx.get_one(Campaign, campaign_id).text_en
            edit_draft(tx, world.group_id, campaign_id, text_en=f"{text} Thanks!")
        elif change == "audience":
            tx.execute(
                update(Campaign).where(Campaign.id == campaign_id).values(audience={"lists": [world.list_id + 1]})
            )
        else:
            tx.execute(update(Office).values(phone="+16025550199"))
    assert not say_yes(runtime, ben, request)
    assert (state(runtime, request), waves(runtime)) == ("void", 0)
    if change == "text":
        assert say_yes(runtime, ben, ask(runtime, ana, campaign_id))


def test_two_approvals_at_once_launch_once(
    runtime: Runtime, world: World, campaign_id: int, ana: Actor, ben: Actor
) -> None:
    cem, request = actor(runtime, world, "Cem"), ask(runtime, ana, campaign_id)
    start = threading.Barrier(2)
    heard: list[bool | str] = []

    def press(who: Actor) -> None:
        start.wait()
        try:
            heard.append(say_yes(runtime, who, request))
        except ConflictError as error:
            heard.append(error.code)

    racers = [threading.Thread(target=press, args=(who,)) for who in (ben, cem)]
    for racer in racers:
        racer.start()
    for racer in racers:
        racer.join()
    assert sorted(map(str, heard)) == ["True", "approval_decided"]
    assert waves(runtime) == 1


def test_an_edit_and_an_approval_at_once_never_launch_what_was_not_read(
    runtime: Runtime, world: World, campaign_id: int, ana: Actor, ben: Actor
) -> None:
    request = ask(runtime, ana, campaign_id)
    start, text = threading.Barrier(2), "{{ group }}: something else. Reply STOP to opt out."

    def edit() -> None:
        start.wait()
        try:
            in_one(runtime, edit_draft, world.group_id, campaign_id, text_en=text)
        except ConflictError as error:
            assert error.code == "campaign_not_draft"

    editor = threading.Thread(target=edit)
    editor.start()
    start.wait()
    done = say_yes(runtime, ben, request)
    editor.join()
    with runtime.db.snapshot() as session:
        campaign = session.get_one(Campaign, campaign_id)
        assert (campaign.state == "launched", waves(runtime)) == (done, int(done))
        assert done is (campaign.text_en != text)
        sent = session.execute(select(GateText.template).where(GateText.language == "en")).scalars().all()
        assert text not in sent


def test_a_segment_that_is_changed_while_somebody_approves_is_launched_as_it_was_read(
    runtime: Runtime, world: World, campaign_id: int, ana: Actor, ben: Actor, monkeypatch: pytest.MonkeyPatch
) -> None:
    group, read, other = world.group_id, {"any": [{"list": world.list_id}]}, {"any": [{"zip": "85001"}]}
    saved = in_one(runtime, create_segment, runtime, group, "Ours", read, by="Ana")
    in_one(runtime, edit_draft, group, campaign_id, segments=[saved.id])
    request, looked = ask(runtime, ana, campaign_id), asking.is_unchanged
    change = partial(change_segment, name="Ours", written=other, version=saved.version)
    racer = threading.Thread(target=lambda: in_one(runtime, change, runtime, group, saved.id))

    def look(*given: Any) -> bool:
        found = looked(*given)
        racer.start()
        racer.join(0.3)
        return found

    monkeypatch.setattr(deciding, "is_unchanged", look)
    assert say_yes(runtime, ben, request)
    racer.join()
    with runtime.db.snapshot() as session:
        assert session.execute(select(Wave.audience)).scalar_one()["trees"] == [read]


def test_declined_withdrawn_and_expired_requests_launch_nothing(
    runtime: Runtime, world: World, campaign_id: int, ana: Actor, ben: Actor, clock: ModelClock
) -> None:
    first = ask(runtime, ana, campaign_id)
    assert refused(in_one, runtime, withdraw, runtime, ben, first) == "approval_not_yours"
    assert refused(in_one, runtime, decline, runtime, ben, first, "  ") == "approval_why"
    assert refused(in_one, runtime, decline, runtime, ana, first, "no") == "approval_own"
    in_one(runtime, decline, runtime, ben, first, "The office number is wrong.")
    second = ask(runtime, ana, campaign_id)
    in_one(runtime, withdraw, runtime, ana, second)
    third = ask(runtime, ana, campaign_id)
    clock.advance(WAITS_FOR.total_seconds() + 1)
    for request in (first, second, third):
        assert refused(say_yes, runtime, ben, request) == "approval_decided"
    with runtime.db.snapshot() as session:
        assert open_requests(session, world.group_id, runtime.clock.real_now()) == []
    ask(runtime, ben, campaign_id)  # the one that expired is in nobody's way
    assert [state(runtime, one) for one in (first, second, third)] == ["declined", "withdrawn", "expired"]
    assert waves(runtime) == 0


def test_a_time_a_further_text_and_a_tree_wait_for_the_second_person_too(
    runtime: Runtime, world: World, campaign_id: int, ana: Actor, ben: Actor, clock: ModelClock
) -> None:
    at = runtime.clock.now().replace(hour=23)
    token = version(runtime, campaign_id)
    request = in_one(runtime, ask_schedule, runtime, ana, campaign_id, version=token, at=at).id
    assert say_yes(runtime, ben, request)
    clock.advance((at - runtime.clock.now()).total_seconds() + 1)
    assert launch_due(runtime) == 1
    with runtime.db.transaction() as tx:
        made = make_tree(tx, runtime, world.group_id, "Tree", by="Ana")
        tree, captain = made.id, add_person(tx, runtime, made, world.people[0], None).id
        for person in world.people[1:3]:
            add_person(tx, runtime, made, person, captain)
    asked = {"tree_id": tree, "nudge": 15, "backup": 30, "channel": "text"}
    request = in_one(runtime, ask_tree, runtime, ana, campaign_id, **asked).id
    with runtime.db.transaction() as tx:
        add_person(tx, runtime, get_tree(tx, world.group_id, tree), world.people[3], captain)
    assert not say_yes(runtime, ben, request, 4)
    request = in_one(runtime, ask_tree, runtime, ana, campaign_id, **asked).id
    assert say_yes(runtime, ben, request, 4)
    with runtime.db.snapshot() as session:
        assert session.execute(select(TreeRun.started_by)).scalars().all() == ["Ana"]
    clock.advance(25 * 3600)
    texts = {"en": "{{ group }} again. Reply STOP to opt out.", "es": "{{ group }} otra vez. ALTO para no recibir."}
    request = in_one(runtime, ask_wave, runtime, ana, campaign_id, audience="silent", texts=texts).id
    before = waves(runtime)
    assert say_yes(runtime, ben, request, 0)
    assert waves(runtime) == before + 1


def test_an_approved_time_launches_what_was_approved_and_nothing_else(
    runtime: Runtime, world: World, campaign_id: int, ana: Actor, ben: Actor, clock: ModelClock
) -> None:
    def problem(change: Any) -> str | None:
        at, token = runtime.clock.now() + timedelta(hours=1), version(runtime, campaign_id)
        request = in_one(runtime, ask_schedule, runtime, ana, campaign_id, version=token, at=at).id
        assert say_yes(runtime, ben, request)
        in_one(runtime, change)
        clock.advance(3_601)
        assert launch_due(runtime) == 0
        with runtime.db.snapshot() as session:
            return session.get_one(Campaign, campaign_id).launch_problem

    def anew(tx: Transaction) -> None:
        """What was approved is taken back, and somebody sets another time while nobody asks for two."""
        unschedule_launch(tx, world.group_id, campaign_id)
        schedule_launch(
            tx, runtime, world.group_id, campaign_id, runtime.clock.now() + timedelta(minutes=9), approved=True
        )

    # As if eleven fewer people had been approved than there are now.
    grown = update(ApprovalRequest).where(ApprovalRequest.state == "approved").values(people=-5)
    assert problem(lambda tx: tx.execute(update(Office).values(phone="+16025550199"))) == "approval_void"
    assert problem(lambda tx: tx.execute(grown)) == "approval_count"
    assert problem(anew) == "approval_needed"
    assert waves(runtime) == 0


def test_switching_off_needs_the_second_person_unless_there_is_none(runtime: Runtime, world: World, ana: Actor) -> None:
    ben = actor(runtime, world, "Ben")
    request = in_one(runtime, ask_off, runtime, ana).id
    assert refused(in_one, runtime, switch_off_alone, runtime, world.group_id, by="root") == "approval_needed"
    assert refused(say_yes, runtime, ana, request, None) == "approval_own"
    assert say_yes(runtime, ben, request, None)
    with runtime.db.snapshot() as session:
        assert not needs_two(session, world.group_id)
    assert refused(in_one, runtime, ask_off, runtime, ana) == "approval_not_on"
    alone = make_group(runtime, "Alone")
    assert refused(in_one, runtime, switch_on, runtime, alone, by="x") == "approval_needs_two"


def test_nobody_of_another_group_or_of_the_staff_approves(
    runtime: Runtime, world: World, campaign_id: int, ana: Actor
) -> None:
    request = ask(runtime, ana, campaign_id)
    others = replace(world, group_id=make_group(runtime, "Others"))
    with pytest.raises(NotFoundError):
        say_yes(runtime, actor(runtime, others, "Eve"), request)
    assert refused(say_yes, runtime, actor(runtime, world, "Sam", "staff"), request) == "approval_own"
    assert waves(runtime) == 0


def enter(runtime: Runtime, who: Actor) -> FlaskClient:
    app = create_app(runtime.settings, runtime)
    app.config["WTF_CSRF_ENABLED"] = False
    with runtime.db.transaction() as tx:
        token = make_login_link(tx, who.user_id, runtime.clock.real_now())
    client = app.test_client()
    assert client.post(f"/enter/{token}").status_code == 302
    return client


def test_the_pages_lead_from_the_review_to_the_second_persons_home(
    runtime: Runtime, campaign_id: int, ana: Actor, ben: Actor
) -> None:
    asks, decides = enter(runtime, ana), enter(runtime, ben)
    review = f"/campaigns/{campaign_id}/draft/review"
    assert "Ask for approval" in asks.get(review).text
    answer = asks.post(f"/campaigns/{campaign_id}/draft/launch", data=launch_form(asks, campaign_id, "6"))
    assert answer.headers["Location"] == f"/campaigns/{campaign_id}/approval/"
    mine = asks.get(answer.headers["Location"]).text
    assert "Withdraw the request" in mine
    assert "/approve" not in mine
    assert "Waits for your approval" not in asks.get("/").text
    assert f'href="/campaigns/{campaign_id}/approval/"' in decides.get("/").text
    page = decides.get(f"/campaigns/{campaign_id}/approval/").text
    found = re.search(r'action="([^"]+/approve)"', page)
    assert found, page
    assert "waits for approval" in decides.get(review).text.lower()
    wrong = decides.post(found[1], data={"count": "5"})
    assert (wrong.status_code, waves(runtime)) == (422, 0)
    assert "6 people would get it now" in wrong.text
    assert decides.post(found[1], data={"count": "6"}).headers["Location"] == f"/campaigns/{campaign_id}"
    assert waves(runtime) == 1
    assert decides.post(found[1], data={"count": "6"}).status_code in {303, 422}
    assert waves(runtime) == 1
    assert decides.post(f"/campaigns/{campaign_id}/approval/99/approve", data={"count": "6"}).status_code == 404


@pytest.mark.parametrize("stopped_by", ["nobody", ORGANIZER, SPEND_CAP])
def test_what_is_unusual_halts_and_only_an_admin_lets_it_go_on(
    runtime: Runtime, world: World, campaign_id: int, clock: ModelClock, stopped_by: str
) -> None:
    earlier = draft(runtime, world)
    with runtime.db.transaction() as tx:
        old = launch_campaign(tx, runtime, world.group_id, earlier)
        tx.add(Tally(gate_id=old.gate_id, name="delivered", count=900))
    assert halt_unusual(runtime) == 0  # no habit yet
    clock.advance(3 * 3600)
    with runtime.db.transaction() as tx:
        wave = launch_campaign(tx, runtime, world.group_id, campaign_id)
        tx.add(Tally(gate_id=wave.gate_id, name="planned", count=4_500))
    assert halt_unusual(runtime) == 0  # five times its habit is not more than that
    with runtime.db.transaction() as tx:
        tx.execute(update(Tally).where(Tally.gate_id == wave.gate_id).values(count=4_501))
    with runtime.db.transaction() as tx:  # whoever launched it pauses and resumes it: nobody has looked
        pause_campaign(tx, world.group_id, campaign_id)
        resume_checked(tx, runtime, world.group_id, campaign_id, by="Ana", is_admin=False)
        if stopped_by != "nobody":
            pause_gate(tx, wave.gate_id, stopped_by)
    assert halt_unusual(runtime) == 1
    assert halt_unusual(runtime) == 0
    with runtime.db.snapshot() as session:
        assert session.get_one(Gate, wave.gate_id).reason == UNUSUAL
    organizer = sign_in(runtime, world.group_id, "organizer")
    organizer.post(f"/campaigns/{campaign_id}/resume")
    assert "An admin has to look at it" in organizer.get(f"/campaigns/{campaign_id}").text
    with runtime.db.transaction() as tx:
        resume_checked(tx, runtime, world.group_id, campaign_id, by="root", is_admin=True)
    assert halt_unusual(runtime) == 0  # somebody has looked
    with runtime.db.transaction() as tx:
        pause_campaign(tx, world.group_id, campaign_id)
    assert halt_unusual(runtime) == 0
    with runtime.db.transaction() as tx:
        resume_checked(tx, runtime, world.group_id, campaign_id, by="Ana", is_admin=False)
    assert halt_unusual(runtime) == 0
    with runtime.db.transaction() as tx:
        assert halt_gate(tx, wave.gate_id, "breaker:pair")
