"""The signed gate, replies and their answers, and status reports, through the real app on both databases."""

from __future__ import annotations

from pathlib import Path
from xml.etree import ElementTree

import pytest
from flask.testing import FlaskClient
from hypothesis import HealthCheck, given
from hypothesis import settings as limits
from hypothesis import strategies as st
from sqlalchemy import func, select

from outreach.core.latencies import LATENCIES
from outreach.core.runtime import Runtime
from outreach.escalations.drafts import draft_from_meeting, edit_draft
from outreach.escalations.launch import launch_campaign
from outreach.escalations.models import Wave
from outreach.escalations.planning import plan_wave
from outreach.messaging.claims import claim
from outreach.messaging.models import Event, Message, MessageAttempt, Reply
from outreach.messaging.slices import Post, slice_out
from outreach.officials.imports import add_official
from outreach.officials.meetings import Answer, record_meeting
from outreach.people.consent import is_suppressed
from outreach.people.models import Constituent
from outreach.tallies.reads import counters
from outreach.web.app import create_app
from tests.factories import World, make_world, number
from tests.twilio_forms import inbound, report, sign, signed

SMS = "/twilio/sms"


@pytest.fixture
def world(runtime: Runtime) -> World:
    return make_world(runtime, 4)


@pytest.fixture
def client(runtime: Runtime) -> FlaskClient:
    return create_app(runtime.settings, runtime).test_client()


def launch(runtime: Runtime, world: World, *, outcome: str = "declined") -> Wave:
    """A launched and planned campaign against an invented official."""
    with runtime.db.transaction() as tx:
        official = add_official(tx, runtime, world.group_id, name="Dana Whitfield", role="Police chief",
                                phone="602-555-0142", extension="7")  # fmt: skip
        meeting = record_meeting(
            tx, runtime, world.group_id, official_id=official.id, held_on=runtime.clock.now().date(), outcome=outcome,
            recorded_by="tester", answers=[Answer(5, "no", "writing")] if outcome == "declined" else [],
        )  # fmt: skip
        draft = draft_from_meeting(tx, runtime, meeting)
        assert draft is not None
        edit_draft(tx, world.group_id, draft.id, lists=["all"])
        wave = launch_campaign(tx, runtime, world.group_id, draft.id)
    while not plan_wave(runtime, wave.id, 5):
        pass
    return wave


def text_everybody(runtime: Runtime, wave: Wave) -> list[Post]:
    claimed, _ = claim(runtime, wave.gate_id, "t", after=0, limit=100)
    return slice_out(runtime, claimed, "t")


def post(client: FlaskClient, runtime: Runtime, form: dict[str, str], path: str = SMS):  # type: ignore[no-untyped-def]
    return client.post(path, data=form, headers=signed(runtime.settings, path, form))


def say(client: FlaskClient, runtime: Runtime, person: int, body: str, **more: str) -> str | None:
    """Text as that person; the answer's text, or None."""
    answer = post(client, runtime, inbound(runtime.settings, number(person), body, **more))
    assert answer.status_code == 200
    assert answer.mimetype == "text/xml"
    message = ElementTree.fromstring(answer.data).find("Message")  # noqa: S314  our own answer
    return None if message is None else "".join(message.itertext()).strip()


def test_the_call_to_action_names_the_group_the_official_the_policy_and_how_to_stop(
    runtime: Runtime, world: World
) -> None:
    bodies = [one.body for one in text_everybody(runtime, launch(runtime, world))]
    assert len(bodies) == 4
    for words in ("Testers", "volunteer", "Police chief Dana Whitfield", "Don't Ask Rule", "STOP", "CALL", "SCRIPT"):
        assert words in bodies[0]


def test_script_comes_with_the_office_number_and_a_report_is_counted(
    client: FlaskClient, runtime: Runtime, world: World
) -> None:
    wave = launch(runtime, world)
    text_everybody(runtime, wave)
    script = say(client, runtime, 0, "SCRIPT")
    assert script
    assert "(602) 555-0142 ext 7" in script
    assert "My name is Ana" in script
    thanks = say(client, runtime, 0, "1")
    assert thanks
    assert "caller number 1 " in thanks
    assert "caller number 2 " in (say(client, runtime, 1, "left a voicemail") or "")
    with runtime.db.snapshot() as session:
        found = counters(session, wave.gate_id, runtime.clock)
    assert (found["replies"], found["report:spoke"], found["report:voicemail"]) == (3, 1, 1)


def test_an_answer_speaks_the_language_of_the_question_and_espanol_switches(
    client: FlaskClient, runtime: Runtime, world: World
) -> None:
    text_everybody(runtime, launch(runtime, world))
    assert "Me llamo Ana" in (say(client, runtime, 0, "guion") or "")
    assert "español" in (say(client, runtime, 1, "español") or "")
    with runtime.db.snapshot() as session:
        assert session.get_one(Constituent, world.people[1]).language == "es"
    assert "Me llamo Ana" in (say(client, runtime, 1, "SCRIPT") or "")


@pytest.mark.parametrize("words", ["please take me off this list", "ya no me escriban", "remove me"])
def test_an_opt_out_in_any_words_is_in_force_before_the_one_confirmation(
    client: FlaskClient, runtime: Runtime, world: World, words: str
) -> None:
    wave = launch(runtime, world)
    answer = say(client, runtime, 0, words)
    assert answer
    assert "START" in answer
    hash_ = runtime.vault.number_hash(number(0))
    with runtime.db.snapshot() as session:
        assert is_suppressed(session, hash_, world.group_id)
        assert session.execute(select(Message.state).where(Message.number_hash == hash_, Message.kind == "campaign")
                               ).scalar_one() == "suppressed"  # fmt: skip
    assert number(0) not in {one.to for one in text_everybody(runtime, wave)}
    assert say(client, runtime, 0, "are you sure?") is None
    assert "back on our list" in (say(client, runtime, 0, "JOIN") or "")


def test_the_carriers_own_words_are_obeyed_in_silence(client: FlaskClient, runtime: Runtime, world: World) -> None:
    wave = launch(runtime, world)
    text_everybody(runtime, wave)
    assert say(client, runtime, 0, " Stop ") is None
    with runtime.db.snapshot() as session:
        assert is_suppressed(session, runtime.vault.number_hash(number(0)), world.group_id)
        assert counters(session, wave.gate_id, runtime.clock)["opted_out"] == 1
    assert say(client, runtime, 0, "START") is None
    with runtime.db.snapshot() as session:
        assert not is_suppressed(session, runtime.vault.number_hash(number(0)), world.group_id)


def test_support_is_not_an_opt_out_and_a_doubtful_one_is_held_for_a_person(
    client: FlaskClient, runtime: Runtime, world: World
) -> None:
    launch(runtime, world)
    say(client, runtime, 0, "We must STOP this bill!")
    say(client, runtime, 1, "leave me alone")
    with runtime.db.snapshot() as session:
        held = [is_suppressed(session, runtime.vault.number_hash(number(i)), world.group_id) for i in (0, 1)]
    assert held == [False, True]


def test_a_redelivered_text_is_stored_once_and_answered_once(
    client: FlaskClient, runtime: Runtime, world: World
) -> None:
    text_everybody(runtime, launch(runtime, world))
    form = inbound(runtime.settings, number(0), "SCRIPT")
    first, second = post(client, runtime, form), post(client, runtime, form)
    assert b"<Message" in first.data
    assert second.status_code == 200
    assert b"<Message" not in second.data
    with runtime.db.snapshot() as session:
        assert session.execute(select(func.count()).select_from(Reply)).scalar_one() == 1


def test_a_stranger_is_kept_and_told_who_we_are(client: FlaskClient, runtime: Runtime, world: World) -> None:
    assert "Testers is a volunteer group" in (say(client, runtime, 41, "help please") or "")
    assert "Testers is a volunteer group" in (say(client, runtime, 42, "My cat is on the roof again") or "")
    assert say(client, runtime, 42, "I am out of office") is None  # two machines must not answer each other
    with runtime.db.snapshot() as session:
        rows = session.execute(select(Reply.gate_id, Reply.constituent_id)).all()
    assert len(rows) == 3
    assert {tuple(row) for row in rows} == {(None, None)}


def test_reports_are_appended_once_and_counted_when_repeated(
    client: FlaskClient, runtime: Runtime, world: World
) -> None:
    (first, *_) = text_everybody(runtime, launch(runtime, world))
    path, sid = f"/twilio/status/{first.attempt_id}", "SM" + "c" * 32
    for status in ("sent", "delivered", "delivered"):
        assert post(client, runtime, report(runtime.settings, sid, status), path).status_code == 204
    with runtime.db.snapshot() as session:
        rows = session.execute(select(Event.key, Event.seen).where(Event.kind == "status")).all()
        seen = {row.key: row.seen for row in rows}
    assert seen == {"sent": 1, "delivered": 2}


def test_a_number_reported_as_landline_is_not_texted_again(client: FlaskClient, runtime: Runtime, world: World) -> None:
    (first, *_) = text_everybody(runtime, launch(runtime, world))
    path = f"/twilio/status/{first.attempt_id}"
    post(client, runtime, report(runtime.settings, "SM" + "d" * 32, "undelivered", ErrorCode="30006"), path)
    with runtime.db.snapshot() as session:
        person = session.execute(select(Constituent).where(Constituent.number_hash == first.number_hash)).scalar_one()
    assert person.number_bad_code == 30006


def bad_requests(settings) -> list[tuple[str, dict[str, str], dict[str, str]]]:  # type: ignore[no-untyped-def]
    """Path, form and headers, each wrong in one way."""
    good = inbound(settings, number(0), "hello")
    token, url = settings.twilio_auth_token.get_secret_value(), settings.public_base_url + SMS
    changed = {
        "no signature": (good, {}),
        "another token": (good, {"X-Twilio-Signature": sign("x" * 32, url, good)}),
        "another url": (good, {"X-Twilio-Signature": sign(token, "http://evil.example" + SMS, good)}),
        "another body": (good | {"Body": "other"}, {"X-Twilio-Signature": sign(token, url, good)}),
    }
    for name, wrong in {
        "another account": {"AccountSid": "AC" + "9" * 32},
        "no sid": {"MessageSid": ""},
        "a sid of another kind": {"MessageSid": "XX" + "0" * 32},
        "letters for a sender": {"From": "somebody"},
        "a line break in the sender": {"From": number(0) + "\n"},
    }.items():
        form = good | wrong
        changed[name] = (form, {"X-Twilio-Signature": sign(token, url, form)})
    return [(name, form, headers) for name, (form, headers) in changed.items()]


def test_what_is_not_as_twilio_sends_it_is_403_and_leaves_nothing(client: FlaskClient, runtime: Runtime) -> None:
    for name, form, headers in bad_requests(runtime.settings):
        assert client.post(SMS, data=form, headers=headers).status_code == 403, name
    form = inbound(runtime.settings, number(0), "hello")
    headers = signed(runtime.settings, SMS, form)
    assert client.post(SMS, json=form, headers=headers).status_code == 403
    assert client.post(f"{SMS}?a=b", data=form, headers=headers).status_code == 403
    doubled = [*form.items(), ("Body", "hello")]
    from urllib.parse import urlencode

    kind = "application/x-www-form-urlencoded"
    assert client.post(SMS, data=urlencode(doubled), content_type=kind, headers=headers).status_code == 403
    with runtime.db.snapshot() as session:
        assert session.execute(select(func.count()).select_from(Reply)).scalar_one() == 0


def test_what_is_refused_in_our_accounts_name_is_counted_apart(
    client: FlaskClient, runtime: Runtime, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The alert for a token or an address that has changed must not be a stranger's to set off."""
    counted: list[tuple[str, str]] = []
    monkeypatch.setattr(LATENCIES, "observe", lambda _kind, labels, _seconds: counted.append(labels))
    for _, form, headers in bad_requests(runtime.settings):
        client.post(SMS, data=form, headers=headers)
    post(client, runtime, inbound(runtime.settings, number(0), "hello"))
    unsigned, refused = ("inbound_text", "unsigned"), ("inbound_text", "4xx")
    assert counted == [unsigned] * 4 + [refused] * 5 + [("inbound_text", "2xx")]
    rules = (Path(__file__).parents[2] / "config/alerts.yaml").read_text()
    assert f'status="{unsigned[1]}"' in rules


@limits(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(body=st.text(max_size=300), extra=st.dictionaries(st.text(max_size=10), st.text(max_size=20), max_size=3))
def test_no_signed_text_can_bring_the_app_down(
    client: FlaskClient, runtime: Runtime, world: World, body: str, extra: dict[str, str]
) -> None:
    form = extra | inbound(runtime.settings, number(0), body)
    try:
        "".join([*form, *form.values()]).encode()
    except UnicodeEncodeError:
        return
    assert post(client, runtime, form).status_code in {200, 403}


@limits(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    raw=st.binary(max_size=400), path=st.sampled_from([SMS, "/twilio/status/1", "/twilio/status/99999999999999999999"])
)
def test_no_unsigned_bytes_can_bring_the_app_down(client: FlaskClient, raw: bytes, path: str) -> None:
    answer = client.post(path, data=raw, content_type="application/x-www-form-urlencoded")
    assert answer.status_code == (404 if path.endswith("9" * 20) else 403)


def test_an_answer_is_a_message_with_reports_of_its_own(client: FlaskClient, runtime: Runtime, world: World) -> None:
    text_everybody(runtime, launch(runtime, world))
    form = inbound(runtime.settings, number(0), "SCRIPT")
    message = ElementTree.fromstring(post(client, runtime, form).data).find("Message")  # noqa: S314
    assert message is not None
    callback = message.attrib["statusCallback"]
    with runtime.db.snapshot() as session:
        attempt = session.execute(
            select(MessageAttempt.id)
            .join(Message, Message.id == MessageAttempt.message_id)
            .where(Message.kind == "script")
        ).scalar_one()
    assert callback == f"{runtime.settings.public_base_url}/twilio/status/{attempt}"
