"""What the gate lets in, and what becomes of it: pictures, short codes, carrier modes, the same text sixteen times."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from urllib.parse import urlencode

import pytest
from flask.testing import FlaskClient
from sqlalchemy import func, select

from config.settings import Settings
from outreach.core.runtime import Runtime
from outreach.messaging.models import Event, Reply
from outreach.people.consent import is_suppressed
from outreach.web.app import create_app
from outreach.webhooks import MAX_FORM
from tests.factories import World, make_world, number
from tests.twilio_forms import inbound, report, signed

SMS = "/twilio/sms"
MEDIA = {"NumMedia": "2", **{f"MediaUrl{n}": f"https://api.twilio.com/Media/ME{n:032x}" for n in range(2)},
         **{f"MediaContentType{n}": "image/jpeg" for n in range(2)}}  # fmt: skip


@pytest.fixture
def world(runtime: Runtime) -> World:
    return make_world(runtime, 1)


@pytest.fixture
def client(runtime: Runtime) -> FlaskClient:
    return create_app(runtime.settings, runtime).test_client()


def send(client: FlaskClient, settings: Settings, form: dict[str, str], path: str = SMS) -> tuple[int, bool]:
    """The status, and whether anything is answered."""
    answer = client.post(path, data=form, headers=signed(settings, path, form))
    return answer.status_code, b"<Message" in answer.data


def kept(runtime: Runtime) -> list[tuple[str, str]]:
    """Intent and words of every text."""
    with runtime.db.snapshot() as session:
        rows = session.execute(select(Reply.intent, Reply.sealed).order_by(Reply.id)).all()
    return [(row.intent, runtime.vault.open(row.sealed or b"", "reply")["body"]) for row in rows]


def test_pictures_short_codes_and_new_parameters_come_in(client: FlaskClient, runtime: Runtime, world: World) -> None:
    settings, person = runtime.settings, number(0)
    wordless = inbound(settings, person, "", **MEDIA)
    del wordless["Body"]
    forms = [
        wordless, inbound(settings, person, "", **MEDIA), inbound(settings, person, "look", **MEDIA),
        inbound(settings, "72345", "Your code is 1"), inbound(settings, person, "\U0001f44d\U0001f3fd"),
        inbound(settings, person, "ok", NewParam="1", ExtraParam="a b", Foo="bar", zeta="x", FutureField=""),
        inbound(settings, person, "hi", FromCity="Coeur d'Alene", FromState="ID", FromZip="83814", ToZip="85201"),
    ]  # fmt: skip
    assert [send(client, settings, form)[0] for form in forms] == [200] * len(forms)
    words = ["", "", "look", "Your code is 1", "\U0001f44d\U0001f3fd", "ok", "hi"]
    assert [body for _, body in kept(runtime)] == words
    del (unsaid := inbound(settings, person, "x"))["Body"]
    assert send(client, settings, unsaid) == (403, False)


BY_MODE: dict[str, list[tuple[str, str | None, bool, bool]]] = {
    "default": [
        ("STOP", None, False, True), ("HELP", None, False, False), ("please take me off this list", None, True, True),
    ],
    "advanced": [
        ("STOP", "STOP", False, True), ("ENOUGH PLEASE", "STOP", False, True), ("HELP", "HELP", False, False),
        ("who pays for the ads", "HELP", False, False), ("please take me off this list", None, True, True),
    ],
    "none": [
        ("STOP", None, True, True), ("HELP", None, True, False), ("please take me off this list", None, True, True),
    ],
}  # fmt: skip
"""Mode -> the text, its OptOutType, whether we answer, and whether it is an opt-out."""


def test_the_longest_text_comes_in_and_more_is_not_read(client: FlaskClient, runtime: Runtime, world: World) -> None:
    pictures = {f"MediaUrl{index}": "https://api.example/" + "m" * 300 for index in range(10)}
    longest = inbound(runtime.settings, number(0), "🗳" * 1_600) | pictures | {"NumMedia": "10"}
    assert send(client, runtime.settings, longest) == (200, True)
    assert len(urlencode(longest)) < MAX_FORM / 2.5
    endless = inbound(runtime.settings, number(0), "x" * MAX_FORM)
    assert send(client, runtime.settings, endless) == (403, False)


@pytest.mark.parametrize("mode", BY_MODE)
def test_every_way_of_opting_out_is_obeyed_and_answered_once(runtime: Runtime, mode: str) -> None:
    """By the carrier, which says so with ``OptOutType`` or by its known words, or else by us."""
    changed = replace(runtime, settings=runtime.settings.model_copy(update={"twilio_opt_out": mode}))
    client, group_id = create_app(changed.settings, changed).test_client(), make_world(runtime, 0).group_id
    for person, (body, kind, answered, stopped) in enumerate(BY_MODE[mode]):
        form = inbound(changed.settings, number(person), body, **({"OptOutType": kind} if kind else {}))
        assert send(client, changed.settings, form) == (200, answered), body
        with runtime.db.snapshot() as session:
            found = is_suppressed(session, runtime.vault.number_hash(number(person)), group_id)
        assert found is stopped, body


def test_the_same_text_sixteen_times_at_once_is_one_row_and_one_answer(runtime: Runtime, world: World) -> None:
    app, form = create_app(runtime.settings, runtime), inbound(runtime.settings, number(0), "who is this?")
    with ThreadPoolExecutor(16) as pool:
        answers = list(pool.map(lambda _: send(app.test_client(), runtime.settings, form), range(16)))
    assert sorted(answers) == [(200, False)] * 15 + [(200, True)]
    # What comes under the same MessageSid later is not read, however well it is signed.
    assert send(app.test_client(), runtime.settings, form | {"Body": "STOP"}) == (200, False)
    assert [body for _, body in kept(runtime)] == ["who is this?"]


def test_the_first_texts_of_a_site_that_knows_nobody_are_kept_when_they_come_at_once(runtime: Runtime) -> None:
    app = create_app(runtime.settings, runtime)
    forms = [inbound(runtime.settings, number(person), "STOP") for person in range(8)]
    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda form: send(app.test_client(), runtime.settings, form)[0], forms))
    assert answers == [200] * 8
    assert kept(runtime) == [("opt_out", "STOP")] * 8


def test_the_same_report_sixteen_times_at_once_is_one_row(runtime: Runtime) -> None:
    app, form = create_app(runtime.settings, runtime), report(runtime.settings, "SM" + "a" * 32, "delivered")
    with ThreadPoolExecutor(16) as pool:
        answers = pool.map(lambda _: send(app.test_client(), runtime.settings, form, "/twilio/status/7"), range(16))
        assert set(answers) == {(204, False)}
    with runtime.db.snapshot() as session:
        assert session.execute(select(func.count(), func.max(Event.seen))).one() == (1, 16)


def test_no_answer_is_kept_on_the_way(client: FlaskClient, runtime: Runtime, world: World) -> None:
    form = inbound(runtime.settings, number(0), "help")
    for headers in (signed(runtime.settings, SMS, form), {}):
        answer = client.post(SMS, data=form, headers=headers)
        found = (answer.headers["Cache-Control"], answer.headers["X-Content-Type-Options"])
        assert found == ("no-store", "nosniff")
