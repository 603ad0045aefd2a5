"""Captains on both databases: their page, calls to their people that show no number, and being asked by a call."""

from __future__ import annotations

import re
from dataclasses import replace

import pytest
from flask.testing import FlaskClient
from hypothesis import HealthCheck, given
from hypothesis import settings as limits
from hypothesis import strategies as st
from sqlalchemy import select, update

from outreach.calls.models import CallLeg, CallSession
from outreach.carrier.base import Rejected
from outreach.core.logs import mask_event
from outreach.core.runtime import Runtime
from outreach.messaging.models import Message, Reply
from outreach.people.consent import is_suppressed
from outreach.people.models import Constituent
from outreach.phone_tree import calling
from outreach.phone_tree.captain_page import page_address
from outreach.phone_tree.cascade import tick
from outreach.phone_tree.models import TreeRun
from outreach.phone_tree.running import pause_run, resume_run, stop_run
from outreach.privacy.call_files import call_file
from outreach.privacy.disclosure import disclose
from outreach.privacy.erasure import erase_number
from outreach.tallies.reads import counters
from outreach.web import public_limits
from outreach.web.app import create_app
from tests.factories import World, make_world, number
from tests.integration.test_call_counts import quick
from tests.integration.test_calls import Exchange, OnThePhone, place, words
from tests.integration.test_phone_tree import MINUTE, plant, start, steps, to, turn, view
from tests.integration.test_webhooks import say
from tests.model.carrier import ModelClock

FORM = re.compile(r'name="form" value="([0-9A-Za-z]+)"')
SEATS = re.compile(r'name="seat" value="(\d+)"')
LINK = re.compile(r"(/t/[0-9A-Za-z]{23})\b")
NAMES = ("Carla", "Dan", "Rosa", "Eva <b>", "Fay", "Gus", "", "Hal", "Ida", "Jo", "Kim", "Lea", "Max")


@pytest.fixture
def runtime(clocked: Runtime, monkeypatch: pytest.MonkeyPatch) -> Runtime:
    monkeypatch.setattr(public_limits, "allows", lambda *_: True)
    return quick(clocked)


@pytest.fixture
def world(runtime: Runtime) -> World:
    """0 leads 2 to 6, 1 leads 7 to 11."""
    found = make_world(runtime, 13)
    with runtime.db.transaction() as tx:
        for index, (person, name) in enumerate(zip(found.people, NAMES, strict=True)):
            document = {"phone": number(index), "first_name": name, "last_name": "Lastname", "city": "Ajo"}
            sealed = runtime.vault.seal(document, "constituent")
            tx.execute(update(Constituent).where(Constituent.id == person).values(sealed=sealed))
    return found


@pytest.fixture
def client(runtime: Runtime) -> FlaskClient:
    """A browser that keeps no cookies, and the carrier."""
    return create_app(runtime.settings, runtime).test_client(use_cookies=False)


@pytest.fixture
def exchange() -> Exchange:
    return Exchange()


@pytest.fixture
def run(runtime: Runtime, world: World) -> TreeRun:
    found = start(runtime, world, plant(runtime, world))
    turn(runtime)
    return found


@pytest.fixture
def path(client: FlaskClient, runtime: Runtime, run: TreeRun) -> str:
    """Of the page that the first captain got for saying yes."""
    found = LINK.search(say(client, runtime, 0, "1") or "")
    assert found
    turn(runtime)
    return found[1]


def buttons(client: FlaskClient, path: str) -> list[dict[str, str]]:
    """What each button of the page sends."""
    page = client.get(path).text
    return [{"form": form, "seat": seat} for form, seat in zip(FORM.findall(page), SEATS.findall(page), strict=True)]


def press(client: FlaskClient, path: str, button: dict[str, str]) -> int:
    return client.post(f"{path}/call", data=button).status_code


def ring(
    client: FlaskClient, runtime: Runtime, exchange: Exchange, path: str, index: int = 0
) -> tuple[OnThePhone, str]:
    """The captain, who has pressed a button and picked up, and what they hear first."""
    assert press(client, path, buttons(client, path)[index]) == 303
    assert place(runtime, exchange) == 1
    phone = OnThePhone(client, runtime, exchange.called[-1])
    return phone, words(phone.hear())


def ask_by_call(runtime: Runtime, world: World, name: str = "City") -> TreeRun:
    run = start(runtime, world, plant(runtime, world, name=name), "call")
    tick(runtime, 5)
    return run


def test_the_page_shows_how_people_stand_and_no_number(
    client: FlaskClient, runtime: Runtime, world: World, run: TreeRun, path: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    say(client, runtime, 2, "CALL me later please")
    say(client, runtime, 3, "2")  # a voicemail
    with runtime.db.transaction() as tx:
        tx.execute(update(Constituent).where(Constituent.id == world.people[5]).values(number_bad_at=run.started_at))
    answer = client.get(path)
    assert (answer.status_code, answer.headers["Cache-Control"], answer.headers["Referrer-Policy"]) == (
        200, "no-store", "no-referrer",
    )  # fmt: skip
    assert answer.headers["X-Robots-Tag"].startswith("noindex")
    assert "Set-Cookie" not in answer.headers
    page = re.sub(r"\s+", " ", answer.text)
    for said in ("Testers, a group of volunteers", "Dana Whitfield", "Don&#39;t Ask Rule", "2 of 5 have answered",
                 '<bdi>Rosa</bdi></strong> <span class="is-open">has answered',
                 '<bdi>Eva &lt;b&gt;</bdi></strong> <span class="is-open">has called',
                 '<bdi>Fay</bdi></strong> <span class="quiet">was texted',
                 '<bdi>Gus</bdi></strong> <span class="quiet">cannot be texted',
                 "Call Somebody through us", 'lang="es"'):  # fmt: skip
        assert said in page, said
    for secret in ("Lastname", "Ajo<", "Hal", *(number(index)[2:] for index in range(13))):
        assert secret not in page, secret
    assert len(SEATS.findall(page)) == 4
    spanish = client.get(f"{path}?l=es").text
    assert '<html lang="es"' in spanish
    assert "Han contestado 2 de 5" in spanish
    assert f'action="{path}/call?l=es"' in spanish
    assert client.head(path).status_code == 200
    assert client.get(f"{path}/call").status_code == 405
    button, other = buttons(client, path)[0], view(runtime, run).people[-1].seat_id  # of the other branch
    assert press(client, path, {**button, "form": "x"}) == 400
    for seat in ("", "0", "-1", "1e9", "9" * 18, "9" * 40, "\u0663", "a\0", str(other)):
        assert press(client, path, {**button, "seat": seat}) == 400, seat
    with runtime.db.snapshot() as session:
        assert session.execute(select(CallSession.id).where(CallSession.source == "member")).first() is None
    assert path[3:] not in str(mask_event(None, "", {"event": f"Exception on {path}/call [POST]"}))
    monkeypatch.setattr(public_limits, "allows", lambda *_: False)
    assert (client.get(path).status_code, press(client, path, button)) == (429, 429)


def test_whoever_holds_no_branch_has_no_page_and_it_closes(
    client: FlaskClient, runtime: Runtime, clock: ModelClock, world: World, run: TreeRun, path: str
) -> None:
    first, second = steps(runtime, run)

    def status(step_id: int, *, backup: bool) -> int:
        link = page_address(runtime, step_id, backup=backup)
        return client.get(link.removeprefix(runtime.settings.public_base_url)).status_code

    assert [status(one.id, backup=is_backup) for one in (first, second) for is_backup in (False, True)] == [
        200, 404, 404, 404,
    ]  # fmt: skip
    clock.advance(15 * MINUTE)
    turn(runtime)
    clock.advance(15 * MINUTE)
    turn(runtime)
    answer = say(client, runtime, 7, "1") or ""  # the backup, in time
    joined = LINK.search(say(client, runtime, 1, "1") or "")  # and the captain, late
    assert LINK.search(answer)
    assert joined
    assert client.get(joined[1]).status_code == 200
    assert "1 of 5" in client.get(joined[1]).text

    @limits(max_examples=60, suppress_health_check=list(HealthCheck), deadline=None, database=None)
    @given(st.text(alphabet="0123456789abcXYZ-_%. \u00e9", min_size=1, max_size=40) | st.integers(0, 22).map(
        lambda at: path[3:][:at] + ("x" if path[3:][at] != "x" else "y") + path[3:][at + 1:]))  # fmt: skip
    def forged(token: str) -> None:
        assert client.get(f"/t/{token}").status_code in {404, 308}
        assert client.post(f"/t/{token}/call", data={"form": token, "seat": "1"}).status_code in {404, 308}

    forged()
    clock.advance(7 * 24 * 60 * MINUTE)
    assert client.get(path).status_code == 410
    assert "worked for a week" in client.get(path).text
    clock.advance(-7 * 24 * 60 * MINUTE)
    button = buttons(client, path)[0]
    say(client, runtime, 0, "STOP")
    assert (client.get(path).status_code, press(client, path, button)) == (410, 410)
    hashed = runtime.vault.number_hash(number(1))
    erase_number(runtime, world.group_id, hashed, reason="asked for it", actor="tester")
    assert "was deleted" in client.get(joined[1]).text
    backups = LINK.search(answer)
    assert backups
    assert client.get(backups[1]).status_code == 200
    stop_run(runtime, world.group_id, run.id)
    assert client.get(backups[1]).status_code == 410


def test_a_captain_is_put_through_and_neither_sees_a_number(
    client: FlaskClient, runtime: Runtime, world: World, run: TreeRun, path: str, exchange: Exchange
) -> None:
    with runtime.db.snapshot() as session:
        before = counters(session, run.gate_id, runtime.clock)
    button = buttons(client, path)[0]
    phone, greeting = ring(client, runtime, exchange, path, 1)
    assert phone.number == number(0)
    assert "connect you to Eva <b> of your branch" in greeting
    assert "We are calling the phone" in client.get(path).text
    assert press(client, path, button) == 303  # pressed twice: rung once
    assert place(runtime, exchange) == 0
    assert "Usted pidió hablar con Eva <b>" in words(phone.press("2"))
    step = phone.next
    said = phone.press("1")
    dial = said.find("Dial")
    assert dial is not None
    assert dial.get("callerId") == runtime.settings.twilio_from_number
    assert (dial.get("record"), dial.get("timeLimit"), dial.get("action") is not None) == ("do-not-record", "900", True)
    assert [one.text for one in dial] == [number(3)]
    assert phone.ask(step, Digits="1").data == phone.ask(step, Digits="9").data  # asked for twice: the same
    with runtime.db.snapshot() as session:
        call = session.execute(select(CallSession).where(CallSession.source == "member")).scalar_one()
        assert call.sealed is not None
        kept = str(runtime.vault.open(call.sealed, "call"))
        assert (number(3)[2:] in kept, "Eva" in kept) == (False, False)
    leg = {"CallSid": "CA" + "0" * 32, "CallStatus": "completed", "CallDuration": "42"}
    assert phone.ask(f"/twilio/voice/{phone.session}/leg/2", **leg).status_code == 204
    thanks = phone.office_hangs_up()
    assert [one.tag for one in thanks] == ["Say", "Hangup"]
    assert "Gracias por llamar" in words(thanks)
    phone.hang_up()
    with runtime.db.snapshot() as session:
        made = session.execute(select(CallLeg)).scalar_one()
        assert (made.office_id, made.member_id, made.status) == (None, world.people[3], "completed")
        assert counters(session, run.gate_id, runtime.clock) == before
    assert list(call_file(runtime, world.group_id, run.campaign_id, reason="a look", actor="t").rows()) == []
    hashed = runtime.vault.number_hash(number(3))
    told = disclose(runtime, world.group_id, hashed, reason="asked", actor="t")["calls_of_captains"]
    assert [one["status"] for one in told] == ["completed"]
    erase_number(runtime, world.group_id, hashed, reason="asked for it", actor="t")
    with runtime.db.snapshot() as session:
        assert session.execute(select(CallLeg.member_id)).scalar_one() is None


def test_nobody_of_a_branch_is_called_who_must_not_be(
    client: FlaskClient, runtime: Runtime, world: World, clock: ModelClock, path: str, exchange: Exchange, run: TreeRun
) -> None:
    phone, _ = ring(client, runtime, exchange, path, 2)
    say(client, runtime, 4, "STOP")  # while the captain hears the greeting
    said = phone.press("1")
    assert (said.find("Dial"), "cannot connect you to Fay now" in words(said)) == (None, True)
    phone.hang_up()
    assert len(SEATS.findall(client.get(path).text)) == 4
    for _ in range(3):
        phone, _ = ring(client, runtime, exchange, path)
        dialed = phone.next
        assert phone.press("1").find("Dial") is not None
        assert "did not pick up" in words(phone.office_hangs_up("no-answer"))
        assert b"<Dial" not in phone.ask(dialed, Digits="1").data  # what the call says now
        phone.hang_up()
    page = client.get(path).text
    assert (len(SEATS.findall(page)), "often enough today" in page) == (3, True)
    phone, _ = ring(client, runtime, exchange, path)
    with runtime.db.transaction() as tx:
        tx.execute(update(CallLeg).values(member_id=world.people[3]))
    assert "as often as we may" in words(phone.press("1"))
    phone.hang_up()
    with runtime.db.transaction() as tx:
        tx.execute(update(Constituent).where(Constituent.id == world.people[5]).values(zones="Pacific/Guam"))
    page, button = client.get(path).text, buttons(client, path)[0]
    assert (len(SEATS.findall(page)), "no hour to call there" in page) == (2, True)
    clock.advance(8 * 60 * MINUTE)  # eight in the evening
    asleep = client.get(path).text
    assert ("The buttons are here again from" in asleep, SEATS.findall(asleep)) == (True, [])
    assert press(client, path, button) == 303
    clock.advance(-8 * 60 * MINUTE)
    with runtime.db.transaction() as tx:
        pause_run(tx, world.group_id, run.id)
    assert "has paused this phone tree" in client.get(path).text
    assert press(client, path, button) == 303
    assert place(runtime, exchange) == 0


def test_captains_are_asked_by_a_call_and_lead_by_a_key(
    client: FlaskClient, runtime: Runtime, clock: ModelClock, world: World, exchange: Exchange
) -> None:
    with runtime.db.transaction() as tx:
        tx.execute(update(Constituent).where(Constituent.id == world.people[1]).values(language="es"))
    run = ask_by_call(runtime, world)
    assert turn(runtime) == []
    assert place(runtime, exchange) == 2
    first, second = (OnThePhone(client, runtime, one) for one in sorted(exchange.called))
    if first.number != number(0):
        first, second = second, first
    greeting = words(first.hear())
    for said in ("Testers", "Dana Whitfield", "Don't Ask Rule", "captain for 5 people", "Press 1", "oprima 2"):
        assert said in greeting
    assert "We text your 5 people now" in words(first.press("1"))
    first.hang_up()
    assert sorted(turn(runtime)) == sorted([*to(2, 3, 4, 5, 6, kind="campaign"), *to(0, kind="captain_again")])
    with runtime.db.snapshot() as session:
        sealed = session.execute(select(Message.sealed).where(Message.kind == "captain_again")).scalar_one()
        assert sealed is not None
        link = LINK.search(runtime.vault.open(sealed, "message")["body"])
    assert link
    assert "0 of 5 have answered" in client.get(link[1]).text
    assert "un grupo de 5 personas" in words(second.hear())
    assert "Otra persona se encarga" in words(second.press("3"))
    second.hang_up()
    assert turn(runtime) == to(7, kind="captain")
    found = view(runtime, run)
    captains = [one for one in found.people if one.step]
    assert [(one.answered, one.status) for one in captains] == [(True, "reached")] * 2
    assert [(one.state, one.confirmed_by, one.reason) for one in steps(runtime, run)] == [
        ("confirmed", "captain", None), ("backup_asked", None, "declined"),
    ]  # fmt: skip
    with runtime.db.snapshot() as session:
        rows = session.execute(select(Reply.intent, Reply.channel, Reply.sealed)).all()
        assert sorted(map(tuple, rows)) == [("confirm", "keypad", None), ("decline", "keypad", None)]
        assert not any(name.startswith(("call:", "leg:")) for name in counters(session, run.gate_id, runtime.clock))


def test_a_call_that_is_not_answered_is_followed_by_texts(
    client: FlaskClient, runtime: Runtime, clock: ModelClock, world: World, exchange: Exchange
) -> None:
    ask_by_call(runtime, world)
    exchange.errors = [Rejected(21211)]
    assert place(runtime, exchange) == 1
    phone = OnThePhone(client, runtime, exchange.called[0])
    refused, silent = (1, 0) if phone.number == number(0) else (0, 1)
    assert turn(runtime) == to(refused, kind="captain")  # the carrier would not call: asked by text at once
    phone.hang_up("no-answer")
    clock.advance(14 * MINUTE)
    assert turn(runtime) == []
    clock.advance(MINUTE)
    assert sorted(turn(runtime)) == sorted([*to(silent, kind="captain"), *to(refused, kind="captain_again")])
    clock.advance(15 * MINUTE)
    assert sorted(turn(runtime)) == to(2, 7, kind="captain")
    late = say(client, runtime, silent, "1")
    assert late and "We text your 5 people now" in late  # in time, as long as the backup has not answered


def test_nine_in_the_call_stops_everything_and_the_backup_is_asked(
    client: FlaskClient, runtime: Runtime, world: World, exchange: Exchange
) -> None:
    ask_by_call(runtime, world)
    place(runtime, exchange)
    phone = OnThePhone(client, runtime, exchange.called[0])
    phone.hear()
    assert "no more calls or texts" in words(phone.press("9"))
    phone.hang_up()
    led = 0 if phone.number == number(0) else 1
    with runtime.db.snapshot() as session:
        assert is_suppressed(session, runtime.vault.number_hash(number(led)), world.group_id)
    assert turn(runtime) == to((2, 7)[led], kind="captain")


def test_where_a_captain_cannot_be_called_a_text_asks(
    runtime: Runtime, world: World, clock: ModelClock, exchange: Exchange
) -> None:
    with runtime.db.transaction() as tx:
        mine = Constituent.id == world.people[0]
        tx.execute(update(Constituent).where(mine).values(zones="Pacific/Guam"))  # where it is night
        now, hashed = runtime.clock.now(), runtime.vault.number_hash(number(1))
        talk = CallSession(
            group_id=world.group_id, gate_id=world.gate_id, number_hash=hashed, language="en", source="reply",
            state="talking", stage="script", office_ids=[], asked_at=now, not_before=now,
        )  # fmt: skip
        tx.add(talk)
    run = ask_by_call(runtime, world)
    assert turn(runtime) == to(1, kind="captain")
    with runtime.db.snapshot() as session:
        held = session.execute(select(Message.state).where(Message.kind == "captain", Message.posted_at.is_(None)))
        assert held.scalars().all() == ["held"]
    stop_run(runtime, world.group_id, run.id)
    with runtime.db.transaction() as tx:
        tx.execute(update(Constituent).values(zones="America/Phoenix"))
        tx.execute(update(CallSession).values(state="ended"))
    again = ask_by_call(runtime, world, name="Again")
    with runtime.db.transaction() as tx:
        pause_run(tx, world.group_id, again.id)
    assert place(runtime, exchange) == 0
    assert turn(runtime) == []
    with runtime.db.transaction() as tx:
        resume_run(tx, runtime, world.group_id, again.id)
        silent = replace(runtime, settings=runtime.settings.model_copy(update={"twilio_from_number": None}))
        assert calling.ask_by_call(tx, silent, again, world.people[0], 5) is None
    turn(runtime)
    with runtime.db.snapshot() as session:
        asked = session.execute(select(Message.number_hash).where(Message.gate_id == again.gate_id)).scalars().all()
    assert set(asked) >= {runtime.vault.number_hash(number(0)), hashed}
