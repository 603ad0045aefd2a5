"""The simulated phones' pages, against the rehearsal carrier's process."""

from __future__ import annotations

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
