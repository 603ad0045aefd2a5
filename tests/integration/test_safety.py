"""The safety page and its commands; calls under a cap; numbers out of reach; pages that are used to make us text."""

from __future__ import annotations

import json
from datetime import timedelta

import pytest
from flask.testing import FlaskClient
from sqlalchemy import func, select, update

from outreach.accounts.models import AuditEvent, User
from outreach.accounts.safety import needs_two
from outreach.calls.models import CallLeg, CallSession
from outreach.core.errors import ConflictError
from outreach.core.runtime import Runtime
from outreach.escalations.models import Wave
from outreach.messaging import sign_up_watch, sign_ups
from outreach.messaging.models import Gate, Message
from outreach.messaging.sign_up_models import SignUpTry
from outreach.messaging.sign_up_rules import Limit
from outreach.messaging.sign_up_watch import is_closed, look_at_sign_ups, open_again
from outreach.messaging.spend_halts import watch_spend
from outreach.people.consent import is_suppressed
from outreach.people.models import Constituent
from outreach.spending.caps import set_caps
from outreach.spending.ledger import by_kind, charge_minutes
from outreach.spending.prices import Caps, minute_price
from outreach.web.app import create_app
from tests.commands import outreach_command
from tests.factories import World, make_group, make_person, make_world, number, plan_messages
from tests.integration.test_approvals import actor, enter
from tests.integration.test_calls import Exchange, OnThePhone, place
from tests.integration.test_live import sign_in
from tests.integration.test_sending import Book, patient, send
from tests.integration.test_sign_ups import count, sign_up
from tests.integration.test_web_sign_up import FORM
from tests.integration.test_webhooks import launch, post, say, text_everybody
from tests.model.carrier import ModelClock
from tests.twilio_forms import inbound

__all__ = ["patient"]

SAFETY = "/administration/safety/"
JAMAICA = "+18765550117"


@pytest.fixture
def world(runtime: Runtime) -> World:
    return make_world(runtime, 4)


def set_day(runtime: Runtime, group_id: int, day: int | None) -> None:
    with runtime.db.transaction() as tx:
        set_caps(tx, runtime, group_id, Caps(day, None), by="root")


def test_the_page_sets_caps_tells_what_is_spent_and_resumes(runtime: Runtime, world: World) -> None:
    root = sign_in(runtime, world.group_id, "instance")
    assert "no cap" in root.get(SAFETY).text
    wrong = root.post(SAFETY + "caps", data={"day": "plenty", "month": ""})
    assert (wrong.status_code, "Write an amount such as 250" in wrong.text) == (422, True)
    assert root.post(SAFETY + "caps", data={"day": "0.02", "month": "1,000"}).status_code == 303
    with runtime.db.transaction() as tx:
        charge_minutes(tx, world.group_id, 1, runtime.clock.now())
    watch_spend(runtime)
    page = root.get(SAFETY).text
    assert "$0.02" in page
    assert "1 campaign was halted by the cap." in page
    assert "Resume all halted by the cap" not in page  # in vain
    assert "Campaigns are halted" in root.get("/").text
    root.post(SAFETY + "resume")
    assert "has spent what it may spend" in root.get(SAFETY).text
    assert root.post(SAFETY + "caps", data={"day": "", "month": ""}).status_code == 303
    assert "Resume all halted by the cap" in root.get(SAFETY).text
    organizer = enter(runtime, actor(runtime, world, "Ana"))
    assert organizer.post(SAFETY + "caps", data={"day": "9"}).status_code == 403
    assert organizer.post(SAFETY + "resume").status_code == 303
    with runtime.db.snapshot() as session:
        assert session.get_one(Gate, world.gate_id).state == "open"
    staff = enter(runtime, actor(runtime, world, "Sam", "staff"))
    assert staff.get(SAFETY).status_code == 200
    assert staff.post(SAFETY + "resume").status_code == 403


def test_the_page_switches_a_second_person_on_and_asks_before_it_is_off(runtime: Runtime, world: World) -> None:
    admin = sign_in(runtime, world.group_id, "admin")
    admin.post(SAFETY + "approval/on")
    assert "At least two organizers or admins" in admin.get(SAFETY).text
    with runtime.db.transaction() as tx:
        tx.add(User(group_id=world.group_id, name="Ben", role="organizer", created_at=runtime.clock.now()))
    admin.post(SAFETY + "approval/on")
    admin.post(SAFETY + "approval/off")
    page = admin.get(SAFETY).text
    assert "Withdraw the request" in page
    assert "/approve" not in page
    admin.post(SAFETY + "approval/1/approve")
    assert "somebody else has to approve" in admin.get(SAFETY).text
    with runtime.db.snapshot() as session:
        assert needs_two(session, world.group_id)
    others = sign_in(runtime, make_group(runtime, "Others"), "admin")
    assert others.post(SAFETY + "approval/1/approve").status_code == 404


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)  # the use cases are tested on both
def test_the_commands(settings_env: dict[str, str], runtime: Runtime) -> None:
    world = make_world(runtime, 2)

    def run(*words: str) -> tuple[int, dict[str, object]]:
        done = outreach_command(settings_env, (*words, "--json"))
        return done.returncode, json.loads(done.stdout)

    assert run("spend", "set", "--day", "0.02") == (0, {"day": 0.02, "month": None})
    with runtime.db.transaction() as tx:
        charge_minutes(tx, world.group_id, 1, runtime.clock.now())
    watch_spend(runtime)
    assert run("spend", "show") == (0, {
        "day": {"spent": 0.014, "cap": 0.02}, "month": {"spent": 0.014, "cap": None}, "today": {"calls": 0.014},
        "halted": 1,
    })  # fmt: skip
    assert run("spend", "resume")[1]["error"]["code"] == "spend_cap_reached"  # type: ignore[index]
    assert run("spend", "set", "--day", "none") == (0, {"day": None, "month": None})
    assert run("spend", "resume", "--by", "Ana") == (0, {"resumed": 1})
    assert run("approval", "on")[1]["error"]["code"] == "approval_needs_two"  # type: ignore[index]
    assert run("approval", "status") == (0, {"on": False, "approvers": 1, "waiting": []})
    with runtime.db.snapshot() as session:
        rows = session.execute(select(AuditEvent.actor).where(AuditEvent.action == "spend_resumed")).scalars().all()
        assert rows == ["Ana"]


@pytest.fixture
def wave(clocked: Runtime) -> Wave:
    found = launch(clocked, make_world(clocked, 4))
    text_everybody(clocked, found)
    return found


@pytest.fixture
def phone(clocked: Runtime) -> FlaskClient:
    return create_app(clocked.settings, clocked).test_client()


def calls_cost(runtime: Runtime, wave: Wave) -> int:
    with runtime.db.snapshot() as session:
        found = by_kind(session, wave.group_id, runtime.clock.now())
    return found["calls"].day if "calls" in found else 0


def test_each_minute_of_a_call_and_of_its_leg_is_counted_once(clocked: Runtime, wave: Wave, phone: FlaskClient) -> None:
    exchange = Exchange()
    say(phone, clocked, 0, "CALL")
    assert calls_cost(clocked, wave) == 0
    assert place(clocked, exchange) == 1
    assert calls_cost(clocked, wave) == minute_price()
    caller = OnThePhone(phone, clocked, exchange.called[0])
    caller.hear()
    caller.press("1")
    caller.press("1")
    caller.office_hangs_up()  # after 42 seconds: a minute of the leg
    caller.hang_up()
    caller.ask(f"/twilio/voice/{caller.session}/status", CallStatus="completed", SequenceNumber="4", CallDuration="61")
    caller.hang_up()
    assert calls_cost(clocked, wave) == 3 * minute_price()
    with clocked.db.snapshot() as session:
        assert session.execute(select(CallSession.minutes)).scalar_one() == 2
        assert session.execute(select(CallLeg.minutes)).scalar_one() == 1


def test_a_call_waits_for_room_under_the_cap_and_is_too_late_after_ten_minutes(
    clocked: Runtime, clock: ModelClock, wave: Wave, phone: FlaskClient
) -> None:
    exchange = Exchange()
    set_day(clocked, wave.group_id, 0)
    say(phone, clocked, 0, "CALL")
    say(phone, clocked, 1, "CALL")
    assert place(clocked, exchange) == 0
    set_day(clocked, wave.group_id, None)
    clock.advance(61)
    assert place(clocked, exchange) == 2
    set_day(clocked, wave.group_id, 0)
    say(phone, clocked, 2, "CALL")
    for _ in range(11):
        clock.advance(61)
        assert place(clocked, exchange) == 0
    with clocked.db.snapshot() as session:
        assert session.execute(select(CallSession.ending).order_by(CallSession.id.desc()).limit(1)).scalar() == "late"


def test_a_number_out_of_reach_is_heard_and_never_texted(runtime: Runtime, world: World) -> None:
    client = create_app(runtime.settings, runtime).test_client()
    answer = post(client, runtime, inbound(runtime.settings, JAMAICA, "JOIN"))
    assert (answer.status_code, "Message" in answer.text) == (200, False)
    post(client, runtime, inbound(runtime.settings, JAMAICA, "Please stop texting me"))
    with runtime.db.transaction() as tx:
        assert is_suppressed(tx, runtime.vault.number_hash(JAMAICA), world.group_id)
    stored = make_person(runtime, world.group_id, "+18685550117")  # as one that an older version let in
    with runtime.db.transaction() as tx:
        tx.execute(update(Constituent).where(Constituent.id.in_(world.people[1:])).values(number_bad_at=None))
    world = World(world.group_id, world.list_id, world.gate_id, [world.people[0], stored])
    plan_messages(runtime, world)
    book = Book()
    send(runtime, world.gate_id, book)
    assert [one.to for one in book.accepted] == [number(0)]
    with runtime.db.snapshot() as session:
        assert session.execute(select(Message.state).where(Message.constituent_id == stored)).scalar_one() == "failed"


def test_a_pumped_page_asks_for_join_and_texts_are_taken_as_ever(
    clocked: Runtime, clock: ModelClock, phone: FlaskClient
) -> None:
    group = make_group(clocked, "Testers")
    phone.application.config["WTF_CSRF_ENABLED"] = False
    now = clock.real_now()
    asked, yes = sign_up_watch.asked_key(clocked.vault, group), sign_up_watch._yes_key(clocked.vault, group)
    with clocked.db.transaction() as tx:
        tx.add_all([SignUpTry(who=asked, at=now - timedelta(hours=2)) for _ in range(50)])
        tx.add_all([SignUpTry(who=yes, at=now - timedelta(hours=2)) for _ in range(5)])
    assert look_at_sign_ups(clocked) == 0  # a tenth says yes
    with clocked.db.transaction() as tx:
        tx.add(SignUpTry(who=asked, at=now - timedelta(hours=2)))
    assert (look_at_sign_ups(clocked), look_at_sign_ups(clocked)) == (1, 0)
    page = f"/join/testers-{group}"
    assert "Text JOIN to" in phone.get(page).text
    assert "<form method" not in phone.get(page).text.partition("<main")[2]
    assert phone.post(page, data=FORM).status_code == 429
    assert count(clocked, Message) == 0
    assert say(phone, clocked, 0, "JOIN") is not None
    assert count(clocked, Constituent) == 1
    admin = sign_in(clocked, group, "organizer")
    assert "sign-up page is closed" in admin.get("/").text
    assert admin.post(SAFETY + "sign-up").status_code == 303
    assert phone.get(page).status_code == 200
    with clocked.db.transaction() as tx:
        assert not is_closed(tx, group)
        assert not open_again(tx, clocked, group, by="x")
    assert look_at_sign_ups(clocked) == 0  # what somebody has looked at counts no more


def test_a_block_of_numbers_is_bounded_whatever_page_and_address(
    runtime: Runtime, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sign_ups, "ONE_PREFIX", (Limit(2, timedelta(hours=1)),))
    groups = [make_group(runtime, name) for name in ("One", "Two")]
    for index, group in enumerate(groups):
        sign_up(runtime, group, number(5 * index), address=f"198.51.100.{index}")
    with pytest.raises(ConflictError) as refused:
        sign_up(runtime, groups[0], number(10), address="198.51.100.9")
    assert refused.value.code == "sign_ups_by_text"
    sign_up(runtime, groups[0], number(1), address="198.51.100.9")  # of another block
    with runtime.db.snapshot() as session:
        assert session.execute(select(func.count()).select_from(Message)).scalar_one() == 3
