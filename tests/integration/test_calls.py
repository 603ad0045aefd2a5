"""Calls through the real app on both databases: asked for by text, placed once, put through, reported once."""

from __future__ import annotations

import secrets
import threading
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from xml.etree import ElementTree

import pytest
from flask.testing import FlaskClient
from sqlalchemy import select, update
from werkzeug.test import TestResponse

from config.settings import Settings
from outreach.calls.models import CallLeg, CallSession
from outreach.calls.placing import place_due, sweep_calls
from outreach.carrier.base import Ambiguous, CarrierError, Rejected, Throttled
from outreach.core.runtime import Runtime
from outreach.escalations.drafts import edit_draft
from outreach.escalations.models import Wave
from outreach.messaging.follow_up_models import FollowUp
from outreach.messaging.models import Gate, Message, Reply
from outreach.officials.models import Office
from outreach.people.consent import is_suppressed
from outreach.people.models import Constituent
from outreach.privacy.retention import purge
from outreach.tallies.reads import counters
from outreach.web.app import create_app
from tests.factories import World, make_world, number
from tests.integration.test_launch import draft
from tests.integration.test_live import sign_in
from tests.integration.test_web_wizard import hidden
from tests.integration.test_webhooks import launch, post, say, text_everybody
from tests.model.carrier import ModelClock
from tests.twilio_forms import call_form

Xml = ElementTree.Element
OFFICE = "+16025550142"


class Exchange:
    """A carrier that keeps whom it was asked to call, and fails as told."""

    def __init__(self) -> None:
        self.called: list[tuple[str, str, str]] = []
        self.errors: list[CarrierError] = []
        self.meanwhile: Callable[[str], None] = lambda _sid: None

    def create_call(self, *, to: str, url: str, status_callback: str, ring_seconds: int, time_limit: int) -> str:
        error = self.errors.pop(0) if self.errors else None
        if error is not None and not isinstance(error, Ambiguous):
            raise error
        sid = f"CA{secrets.token_hex(16)}"
        self.called.append((to, url, sid))
        self.meanwhile(sid)
        if error is not None:
            raise error
        return sid


@pytest.fixture
def runtime(clocked: Runtime) -> Runtime:
    return clocked


@pytest.fixture
def world(runtime: Runtime) -> World:
    return make_world(runtime, 4)


@pytest.fixture
def wave(runtime: Runtime, world: World) -> Wave:
    found = launch(runtime, world)
    text_everybody(runtime, found)
    return found


@pytest.fixture
def client(runtime: Runtime) -> FlaskClient:
    return create_app(runtime.settings, runtime).test_client()


@pytest.fixture
def exchange() -> Exchange:
    return Exchange()


def place(runtime: Runtime, exchange: Exchange) -> int:
    return place_due(runtime, exchange, seconds=3)


class OnThePhone:
    """A person with a call of ours at the ear."""

    def __init__(self, client: FlaskClient, runtime: Runtime, called: tuple[str, str, str]) -> None:
        self.client, self.runtime = client, runtime
        self.number, url, self.sid = called
        self.next = url.removeprefix(runtime.settings.public_base_url)
        self.session = int(self.next.split("/")[3])

    def hear(self, **more: str) -> Xml:
        """Ask for the next step; what is said."""
        answer = self.ask(self.next, **more)
        assert answer.status_code == 200, answer.status_code
        said = ElementTree.fromstring(answer.data)  # noqa: S314  our own answer
        asks = next((one for one in said.iter() if one.tag in {"Gather", "Dial"}), None)
        if asks is not None:
            self.next = str(asks.get("action")).removeprefix(self.runtime.settings.public_base_url)
        return said

    def ask(self, path: str, **more: str):  # type: ignore[no-untyped-def]
        return post(self.client, self.runtime, call_form(self.runtime.settings, self.sid, self.number, **more), path)

    def press(self, keys: str) -> Xml:
        return self.hear(Digits=keys)

    def office_hangs_up(self, status: str = "completed") -> Xml:
        return self.hear(DialCallStatus=status, DialCallDuration="42", DialCallSid=f"CA{secrets.token_hex(16)}")

    def hang_up(self, status: str = "completed") -> None:
        path = f"/twilio/voice/{self.session}/status"
        assert self.ask(path, CallStatus=status, SequenceNumber="3", CallDuration="60").status_code == 204


def words(said: Xml) -> str:
    return " ".join("".join(one.itertext()) for one in said.iter("Say"))


def counts(runtime: Runtime, wave: Wave) -> dict[str, int]:
    with runtime.db.snapshot() as session:
        return {name: count for name, count in counters(session, wave.gate_id, runtime.clock).items() if count}


def test_whoever_replies_call_is_called_and_put_through(
    client: FlaskClient, runtime: Runtime, wave: Wave, exchange: Exchange
) -> None:
    assert "press 1" in (say(client, runtime, 0, "CALL") or "")
    assert place(runtime, exchange) == 1
    assert [to for to, _, _ in exchange.called] == [number(0)]
    phone = OnThePhone(client, runtime, exchange.called[0])
    assert "Testers" in words(phone.hear())
    assert "My name is Ana" in words(phone.press("1"))
    said = phone.press("1")
    dial = said.find("Dial")
    assert dial is not None
    assert dial.get("callerId") == runtime.settings.twilio_from_number
    assert (dial.get("record"), dial.get("timeLimit")) == ("do-not-record", "900")
    assert [(one.text, one.get("sendDigits")) for one in dial] == [(OFFICE, "wwww7")]
    assert "How did it go" in words(phone.office_hangs_up())
    assert "Don't Ask Rule" in words(phone.press("1"))
    assert "Thank you" in words(phone.press("2"))
    phone.hang_up()
    found = counts(runtime, wave)
    assert (found["call:asked"], found["call:completed"], found["report:spoke"], found["replies"]) == (1, 1, 1, 1)
    with runtime.db.snapshot() as session:
        leg = session.execute(select(CallLeg)).scalar_one()
        assert (leg.status, leg.seconds, leg.outcome, leg.answer) == ("completed", 42, "spoke", "no")
        assert session.execute(select(CallSession.state, CallSession.ending)).one() == ("ended", "completed")
        assert session.execute(select(FollowUp.state).where(FollowUp.state == "waiting")).first() is None


def test_a_step_asked_for_twice_neither_dials_nor_counts_twice(
    client: FlaskClient, runtime: Runtime, wave: Wave, exchange: Exchange
) -> None:
    say(client, runtime, 0, "CALL")
    place(runtime, exchange)
    phone = OnThePhone(client, runtime, exchange.called[0])
    phone.hear()
    phone.press("1")
    step = phone.next
    first, again = phone.ask(step, Digits="1"), phone.ask(step, Digits="9")
    assert first.data == again.data
    assert b"<Dial" in first.data
    phone.next = step.rpartition("/")[0] + "/3"
    ended = phone.next
    assert "How did it go" in words(phone.office_hangs_up())
    assert b"How did it go" in phone.ask(ended, DialCallStatus="busy").data
    phone.press("2")
    phone.ask(f"/twilio/voice/{phone.session}/4", Digits="1")
    with runtime.db.snapshot() as session:
        assert [leg.outcome for leg in session.execute(select(CallLeg)).scalars()] == ["voicemail"]
        assert not is_suppressed(session, runtime.vault.number_hash(number(0)), wave.group_id)
    assert counts(runtime, wave)["report:voicemail"] == 1
    # A step that has not come yet, another call's sid, and a session that is none are nobody's.
    assert phone.ask(f"/twilio/voice/{phone.session}/99", Digits="1").status_code == 403
    phone.sid = f"CA{secrets.token_hex(16)}"
    assert phone.ask(step, Digits="1").status_code == 403
    assert phone.ask("/twilio/voice/12345/0").status_code == 403
    assert phone.ask(f"/twilio/voice/{phone.session}/status", CallStatus="completed").status_code == 403


def test_nobody_is_called_twice_at_once(client: FlaskClient, runtime: Runtime, wave: Wave, exchange: Exchange) -> None:
    assert "now" in (say(client, runtime, 0, "CALL") or "")
    assert "on its way" in (say(client, runtime, 0, "call me") or "")
    racers = [threading.Thread(target=place, args=(runtime, exchange)) for _ in range(3)]
    for racer in racers:
        racer.start()
    for racer in racers:
        racer.join()
    assert len(exchange.called) == 1
    assert place(runtime, exchange) == 0


def test_a_lost_answer_is_never_called_again_and_proves_itself(
    client: FlaskClient, runtime: Runtime, wave: Wave, exchange: Exchange
) -> None:
    say(client, runtime, 0, "CALL")
    exchange.errors = [Ambiguous(reason="lost")]
    assert place(runtime, exchange) == 0
    assert place(runtime, exchange) == 0
    assert len(exchange.called) == 1
    phone = OnThePhone(client, runtime, exchange.called[0])
    assert "Testers" in words(phone.hear())
    phone.hang_up()
    assert counts(runtime, wave)["call:completed"] == 1


def test_whoever_picks_up_before_the_answer_comes_is_talking(
    client: FlaskClient, runtime: Runtime, wave: Wave, exchange: Exchange
) -> None:
    say(client, runtime, 0, "CALL")

    def picks_up(sid: str) -> None:
        OnThePhone(client, runtime, (*exchange.called[-1][:2], sid)).hear()

    exchange.meanwhile = picks_up
    place(runtime, exchange)
    with runtime.db.snapshot() as session:
        assert session.execute(select(CallSession.state, CallSession.step)).one() == ("talking", 1)


def test_too_fast_is_tried_again_and_refused_is_over(
    client: FlaskClient, runtime: Runtime, wave: Wave, exchange: Exchange, clock: ModelClock
) -> None:
    say(client, runtime, 0, "CALL")
    exchange.errors = [Throttled(20429), Rejected(21211)]
    assert place(runtime, exchange) == 0
    clock.advance(60)
    assert place(runtime, exchange) == 0
    assert exchange.called == []
    with runtime.db.snapshot() as session:
        assert session.execute(select(CallSession.state, CallSession.ending)).one() == ("refused", "21211")
    assert "now" in (say(client, runtime, 0, "CALL") or "")  # they may ask again


def test_stop_before_the_call_and_ten_minutes_later_nobody_is_called(
    client: FlaskClient, runtime: Runtime, wave: Wave, exchange: Exchange, clock: ModelClock
) -> None:
    say(client, runtime, 0, "CALL")
    say(client, runtime, 0, "STOP")
    assert place(runtime, exchange) == 0
    say(client, runtime, 1, "CALL")
    clock.advance(601)
    assert place(runtime, exchange) == 0
    assert exchange.called == []
    with runtime.db.snapshot() as session:
        endings = session.execute(select(CallSession.ending).order_by(CallSession.id)).scalars().all()
    assert endings == ["stopped", "late"]


def test_nine_opts_out_of_everything(client: FlaskClient, runtime: Runtime, wave: Wave, exchange: Exchange) -> None:
    say(client, runtime, 0, "CALL")
    place(runtime, exchange)
    phone = OnThePhone(client, runtime, exchange.called[0])
    phone.hear()
    said = phone.press("9")
    assert "no more calls or texts" in words(said)
    assert said.find("Hangup") is not None
    with runtime.db.snapshot() as session:
        assert is_suppressed(session, runtime.vault.number_hash(number(0)), wave.group_id)


def test_spanish_is_kept_for_texts_as_well(
    client: FlaskClient, runtime: Runtime, wave: Wave, exchange: Exchange, world: World
) -> None:
    say(client, runtime, 0, "CALL")
    place(runtime, exchange)
    phone = OnThePhone(client, runtime, exchange.called[0])
    phone.hear()
    said = phone.press("2")
    assert "Oprima 1" in words(said)
    assert {one.get("language") for one in said.iter("Say")} == {"es-MX"}
    assert "Me llamo Ana" in words(phone.press("1"))
    with runtime.db.snapshot() as session:
        assert session.get_one(Constituent, world.people[0]).language == "es"


def test_whoever_hangs_up_on_the_office_is_asked_by_text_once(
    client: FlaskClient, runtime: Runtime, wave: Wave, exchange: Exchange
) -> None:
    say(client, runtime, 0, "CALL")
    place(runtime, exchange)
    phone = OnThePhone(client, runtime, exchange.called[0])
    phone.hear()
    phone.press("1")
    phone.press("1")
    phone.hang_up()
    leg = {"CallSid": f"CA{secrets.token_hex(16)}", "CallStatus": "completed", "CallDuration": "30"}
    for _ in range(2):
        assert phone.ask(f"/twilio/voice/{phone.session}/leg/2", **leg).status_code == 204
        phone.hang_up()
    with runtime.db.snapshot() as session:
        waiting = session.execute(select(FollowUp.kind, FollowUp.state)).all()
        assert [tuple(one) for one in waiting] == [("ask_report", "waiting")]
        assert session.execute(select(CallLeg.ended_at)).scalar_one() is not None
    assert "caller number 1 " in (say(client, runtime, 0, "1") or "")
    with runtime.db.snapshot() as session:
        assert session.execute(select(FollowUp.state)).scalar_one() == "dropped"


def test_a_person_counts_once_by_their_last_word_whichever_way_it_came(
    client: FlaskClient, runtime: Runtime, wave: Wave, exchange: Exchange
) -> None:
    say(client, runtime, 0, "1")
    say(client, runtime, 0, "CALL")
    place(runtime, exchange)
    phone = OnThePhone(client, runtime, exchange.called[0])
    phone.hear()
    phone.press("1")
    phone.press("1")
    phone.office_hangs_up()
    phone.press("5")
    found = counts(runtime, wave)
    assert (found.get("report:spoke", 0), found["report:refused"], found["replies"]) == (0, 1, 2)
    with runtime.db.snapshot() as session:
        rows = session.execute(select(Reply.channel, Reply.superseded).where(Reply.outcome.is_not(None))).all()
    assert sorted(tuple(row) for row in rows) == [("keypad", False), ("text", True)]


def test_a_closed_office_is_called_when_it_opens(
    client: FlaskClient, runtime: Runtime, wave: Wave, exchange: Exchange, clock: ModelClock
) -> None:
    with runtime.db.transaction() as tx:
        tx.execute(update(Office).values(hours=[[["15:00", "17:00"]]] * 7, zone="America/Phoenix"))
    say(client, runtime, 0, "CALL")
    place(runtime, exchange)
    phone = OnThePhone(client, runtime, exchange.called[0])
    phone.hear()
    said = words(phone.press("1"))
    assert "is closed" in said
    assert "Tuesday at 3:00" in said
    assert "We call you then" in words(phone.press("2"))
    assert "We call you then" in words(phone.press("2"))  # the same request once more: promised once
    phone.hang_up()
    with runtime.db.snapshot() as session:
        sealed = session.execute(select(Message.sealed).where(Message.state == "planned")).scalars().all()
    (body,) = (runtime.vault.open(one, "message")["body"] for one in sealed if one)
    assert "we call you Tuesday at 3:00" in body
    assert "MST" in body
    assert "STOP" in body
    clock.advance(60 * 60)
    assert place(runtime, exchange) == 0
    clock.advance(2 * 60 * 60 + 60)  # noon when it began
    assert place(runtime, exchange) == 1
    again = OnThePhone(client, runtime, exchange.called[1])
    again.hear()
    assert "My name is Ana" in words(again.press("1"))


def test_an_office_has_so_many_callers_at_once(
    client: FlaskClient, runtime: Runtime, wave: Wave, exchange: Exchange
) -> None:
    with runtime.db.transaction() as tx:
        tx.execute(update(Office).values(lines=1))
    for person in (0, 1):
        say(client, runtime, person, "CALL")
    while len(exchange.called) < 2:
        place(runtime, exchange)
    first, second = (OnThePhone(client, runtime, called) for called in exchange.called)
    for phone in (first, second):
        phone.hear()
    first.press("1")
    first.press("1")
    assert "taken by other callers" in words(second.press("1"))
    first.office_hangs_up()
    assert "taken" in words(second.press("7"))  # what was offered stays what it is
    assert "We call you then" in words(second.press("2"))


def test_calling_in_is_answered_by_who_we_are_or_the_campaign(
    client: FlaskClient, runtime: Runtime, wave: Wave
) -> None:
    sid = f"CA{secrets.token_hex(16)}"
    form = call_form(runtime.settings, sid, runtime.settings.twilio_from_number or "", Direction="inbound")

    def ring(sender: str) -> Xml:
        answer = post(client, runtime, {**form, "From": sender, "Caller": sender}, "/twilio/voice")
        assert answer.status_code == 200
        return ElementTree.fromstring(answer.data)  # noqa: S314  our own answer

    known = ring(number(1))
    assert "Press 1 and we connect you" in words(known)
    assert ElementTree.tostring(ring(number(1))) == ElementTree.tostring(known)  # asked for twice
    stranger = ring("+16025550199")
    assert "Testers" in words(stranger)
    assert {one.get("language") for one in stranger.iter("Say")} == {"en-US", "es-MX"}
    assert ring("anonymous").find("Hangup") is not None
    with runtime.db.snapshot() as session:
        assert session.execute(select(CallSession.source, CallSession.state)).all() == [("dial_in", "talking")]


def test_the_campaign_ends_while_somebody_hears_the_script(
    client: FlaskClient, runtime: Runtime, wave: Wave, exchange: Exchange
) -> None:
    say(client, runtime, 0, "CALL")
    place(runtime, exchange)
    phone = OnThePhone(client, runtime, exchange.called[0])
    phone.hear()
    phone.press("1")
    with runtime.db.transaction() as tx:
        tx.execute(update(Gate).where(Gate.id == wave.gate_id).values(state="closed"))
    said = phone.press("1")
    assert said.find("Dial") is None
    assert "campaign has ended" in words(said)


def test_whoever_hangs_up_before_the_first_word_is_told_nothing_more(
    client: FlaskClient, runtime: Runtime, wave: Wave, exchange: Exchange
) -> None:
    say(client, runtime, 0, "CALL")
    place(runtime, exchange)
    phone = OnThePhone(client, runtime, exchange.called[0])
    phone.hang_up()
    assert [one.tag for one in phone.hear()] == ["Hangup"]
    assert counts(runtime, wave)["call:completed"] == 1


def test_what_is_never_heard_of_ends(client: FlaskClient, runtime: Runtime, wave: Wave, exchange: Exchange) -> None:
    say(client, runtime, 0, "CALL")
    place(runtime, exchange)
    assert sweep_calls(runtime) == 0
    with runtime.db.transaction() as tx:
        tx.execute(update(CallSession).values(lease_until=runtime.clock.real_now() - timedelta(seconds=1)))
    assert sweep_calls(runtime) == 1
    assert counts(runtime, wave)["call:lost"] == 1
    assert "now" in (say(client, runtime, 0, "CALL") or "")


def test_without_a_number_to_call_from_the_words_come_by_text(settings: Settings, runtime: Runtime, wave: Wave) -> None:
    assert settings.twilio_from_number
    service = settings.model_copy(update={"twilio_from_number": None})
    silent = replace(runtime, settings=service)
    answer = say(create_app(service, silent).test_client(), silent, 0, "CALL")
    assert "My name is Ana" in (answer or "")
    with runtime.db.snapshot() as session:
        assert session.execute(select(CallSession.id)).first() is None
        assert session.execute(select(Message.id).where(Message.kind == "script")).first() is not None


def test_a_call_that_was_put_off_keeps_to_the_persons_hours(
    client: FlaskClient, runtime: Runtime, wave: Wave, exchange: Exchange, clock: ModelClock
) -> None:
    say(client, runtime, 0, "CALL")
    evening = runtime.clock.now() + timedelta(hours=7, minutes=45)  # noon when it began: a quarter to eight
    with runtime.db.transaction() as tx:
        tx.execute(update(CallSession).values(source="later", asked_at=evening, not_before=evening))
    clock.advance(8 * 60 * 60 + 5 * 60)  # twenty minutes late, and after eight
    assert place(runtime, exchange) == 0
    assert exchange.called == []
    with runtime.db.snapshot() as session:
        assert session.execute(select(CallSession.state, CallSession.ending)).one() == ("canceled", "late")


def test_no_office_sees_a_caller_who_dials_in_where_we_have_no_number(runtime: Runtime, wave: Wave) -> None:
    silent = replace(runtime, settings=runtime.settings.model_copy(update={"twilio_from_number": None}))
    sid = f"CA{secrets.token_hex(16)}"
    form = call_form(runtime.settings, sid, "+14805550100", Direction="inbound", From=number(1), Caller=number(1))
    answer = post(create_app(silent.settings, silent).test_client(), silent, form, "/twilio/voice")
    said = ElementTree.fromstring(answer.data)  # noqa: S314  our own answer
    assert {one.tag for one in said} == {"Say", "Hangup"}
    with runtime.db.snapshot() as session:
        assert session.execute(select(CallSession.id)).first() is None


def test_an_organizer_is_called_first_and_nothing_of_it_counts(
    client: FlaskClient, runtime: Runtime, world: World, exchange: Exchange, clock: ModelClock
) -> None:
    campaign_id = draft(runtime, world)
    spoken = "Say to {{ official }}: {{ first_name }} of {{ city }} calls."
    with runtime.db.transaction() as tx:
        edit_draft(tx, world.group_id, campaign_id, spoken_en=spoken)
    organizer = sign_in(runtime, world.group_id, "organizer")
    path = f"/campaigns/{campaign_id}/draft"

    def ask(number: str = "602-555-0177", **more: str) -> TestResponse:
        page = organizer.get(f"{path}/review").text
        once = hidden(page.partition('aria-labelledby="call"')[2], "once")
        form = {"version": hidden(page), "once": once, "phone": number, "language": "en", **more}
        return organizer.post(f"{path}/test-call", data=form)

    assert ask(once="this form").status_code == ask(once="this form").status_code == 303
    under_way = ask()
    assert (under_way.status_code, "calling this number already" in under_way.text) == (422, True)
    assert "United States" in ask("+44 20 7946 0018").text
    assert place(runtime, exchange) == 1
    assert [to for to, _, _ in exchange.called] == ["+16025550177"]
    phone = OnThePhone(client, runtime, exchange.called[0])
    assert "You asked us to connect you to Police chief Dana Whitfield" in words(phone.hear())
    assert "Say to Police chief Dana Whitfield: Ana of Phoenix calls." in words(phone.press("1"))
    said = phone.press("1")
    assert said.find("Dial") is None
    assert "Here we would connect the caller" in words(said)
    assert "How did it go" in words(said)
    assert "Don't Ask Rule" in words(phone.press("1"))
    assert "Thank you" in words(phone.press("2"))
    phone.hang_up()
    with runtime.db.snapshot() as session:
        made = session.execute(select(CallSession)).scalar_one()
        assert (made.source, made.state, made.ending) == ("test", "ended", "completed")
        assert not any(counters(session, made.gate_id, runtime.clock).values())
        for table in (CallLeg, Reply, FollowUp, Wave):
            assert session.execute(select(table.id)).first() is None, table
    assert ask().status_code == 303
    place(runtime, exchange)
    again = OnThePhone(client, runtime, exchange.called[1])
    again.hear()
    assert "no more calls or texts" in words(again.press("9"))
    again.hang_up()
    assert "has opted out" in ask().text
    for number_of_day in range(3):
        assert ask(f"602-555-018{number_of_day}").status_code == 303
    assert "5 test calls of today" in ask("602-555-0189").text
    clock.advance(31 * 24 * 60 * 60)
    purge(runtime)
    with runtime.db.snapshot() as session:
        assert session.get_one(CallSession, made.id).sealed is None, "its words go as a campaign's do"
