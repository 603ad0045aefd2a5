"""The simulated phones' pages, against the rehearsal carrier's process."""

from __future__ import annotations

import threading
from collections.abc import Iterator

import pytest

from config.settings import Settings
from outreach.core.runtime import Runtime, open_runtime
from outreach.web.app import create_app
from tests.factories import make_group, make_person, number
from tests.integration.test_live import sign_in
from tests.integration.test_rehearsal_process import Rehearsal, application, running


@pytest.fixture
def rehearsal(settings_env: dict[str, str]) -> Iterator[tuple[Rehearsal, Runtime]]:
    with application() as app, running(app.url) as carrier:
        opened = open_runtime(Settings.from_mapping({**settings_env, "TWILIO_BASE_URL": carrier.base}))
        yield carrier, opened
        opened.db.dispose()


def test_a_thread_is_read_and_answered_and_nothing_in_it_is_executed(rehearsal: tuple[Rehearsal, Runtime]) -> None:
    carrier, runtime = rehearsal
    group = make_group(runtime)
    make_person(runtime, group, number(1))
    client = sign_in(runtime, group)
    assert "Launch a campaign" in client.get("/phones/").text
    carrier.create(number(1), "<script>alert(1)</script> & hello")
    carrier.settle()
    for path in ("/phones/", "/phones/live", f"/phones/{number(1)}", f"/phones/{number(1)}/live"):
        page = client.get(path)
        assert page.status_code == 200
        assert "&lt;script&gt;alert(1)" in page.text
        assert "<script>alert" not in page.text
        assert ("Ana Tester" in page.text) == ("<h1" in page.text or path == "/phones/live"), "whose phone it is"
    answered = client.post(f"/phones/{number(1)}/reply", data={"body": "I called"}, follow_redirects=True)
    carrier.settle()
    assert answered.status_code == 200
    assert "I called" in client.get(f"/phones/{number(1)}/live").text


@pytest.mark.parametrize("body", ["", "   ", "x" * 1601])
def test_a_reply_that_no_phone_could_send_is_refused_in_words(rehearsal: tuple[Rehearsal, Runtime], body: str) -> None:
    carrier, runtime = rehearsal
    client = sign_in(runtime, make_group(runtime))
    carrier.create(number(1))
    page = client.post(f"/phones/{number(1)}/reply", data={"body": body}, follow_redirects=True)
    assert "1 to 1,600 characters" in page.text


def test_numbers_that_are_none_and_staff_who_only_read(rehearsal: tuple[Rehearsal, Runtime]) -> None:
    carrier, runtime = rehearsal
    carrier.create(number(1))
    client = sign_in(runtime, make_group(runtime), "staff")
    for wrong in ("1", "+15005550001x", "..%2f..%2fledger", "+14801234567"):
        assert client.get(f"/phones/{wrong}").status_code == 404, wrong
    assert client.post(f"/phones/{number(1)}/reply", data={"body": "hi"}).status_code == 403
    assert "Answer as" not in client.get(f"/phones/{number(1)}").text


def test_without_a_carrier_the_page_says_so(runtime: Runtime) -> None:
    client = sign_in(runtime, make_group(runtime))
    assert "does not answer" in client.get("/phones/").text
    assert client.get(f"/phones/{number(1)}").status_code == 503


def test_production_has_no_such_page(runtime: Runtime) -> None:
    production = runtime.settings.model_copy(update={"mode": "production"})
    rules = {rule.rule for rule in create_app(production, runtime).url_map.iter_rules()}
    assert not any(rule.startswith("/phones") for rule in rules)


def test_a_phone_is_picked_up_and_its_keys_are_pressed_by_hand(rehearsal: tuple[Rehearsal, Runtime]) -> None:
    carrier, runtime = rehearsal
    client = sign_in(runtime, make_group(runtime))
    page, pause = f"/phones/{number(1)}", threading.Event()

    def act(what: str, **form: str) -> str:
        return client.post(f"{page}/{what}", data=form, follow_redirects=True).text

    def see(words: str) -> None:
        for _ in range(500):
            if words in client.get(f"{page}/live").text:
                return
            pause.wait(0.02)
        raise AssertionError(client.get(f"{page}/live").text)

    carrier.create(number(1))
    assert "The call has moved on" in act("hangup")  # and from now on this phone is in somebody's hand
    twiml = '<Response><Gather numDigits="1" timeout="60"><Say language="es-MX">Oprima 1</Say></Gather></Response>'
    carrier.place(number(1), "", Twiml=twiml)
    see("it rings")
    act("answer")
    see('<p class="mb-1" lang="es">Oprima 1</p>')
    assert client.post(f"{page}/press", data={"digits": "12"}).status_code == 404
    assert client.post(f"{page}/record").status_code == 404
    act("press", digits="1")
    act("hangup")
    carrier.settle()
    assert "A call:" not in client.get(f"{page}/live").text
    (leg,) = [leg for leg in carrier.every_leg() if leg["to"] == number(1)]
    assert (leg["persona"], leg["digits_pressed"]) == ("by_hand", "1")


def test_staff_do_not_play_phones(rehearsal: tuple[Rehearsal, Runtime]) -> None:
    carrier, runtime = rehearsal
    carrier.create(number(1))
    client = sign_in(runtime, make_group(runtime), "staff")
    assert client.post(f"/phones/{number(1)}/call").status_code == 403
    assert "Calls at this phone" not in client.get(f"/phones/{number(1)}").text
