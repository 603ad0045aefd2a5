"""The public sign-up page and its poster: the same answer for every number, limits, both languages, hostile forms."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta

import pytest
from flask.testing import FlaskClient
from hypothesis import HealthCheck, given
from hypothesis import settings as limits
from hypothesis import strategies as st
from sqlalchemy import select
from werkzeug.test import TestResponse

from outreach.accounts.models import Group
from outreach.core.runtime import Runtime
from outreach.messaging import sign_ups
from outreach.messaging.models import Message
from outreach.messaging.sign_up_models import SignUp
from outreach.messaging.sign_up_rules import Limit
from outreach.people.consent import suppress
from outreach.web import public_limits
from outreach.web.app import create_app
from outreach.web.poster import qr_svg
from outreach.web.sign_up_address import slug_of
from tests.factories import make_group, make_person, number
from tests.integration.test_live import sign_in
from tests.integration.test_sign_ups import count, ledger, person_of, send
from tests.integration.test_webhooks import say

NAME = "Vecinas & Vecinos <b>Ñandú</b>"
MOMENT = re.compile(r'name="csrf_token" value="[^"]+"|<p class="rehearsal">.*?</p>')
"""What changes on a page from second to second."""
FORM = {"first_name": "Luz", "phone": number(0), "zip": "", "agree": "y", "language": "en"}


@pytest.fixture
def group(runtime: Runtime) -> int:
    return make_group(runtime, NAME)


@pytest.fixture
def address(group: int) -> str:
    return f"/join/vecinas-vecinos-b-nandu-b-{group}"


@pytest.fixture
def client(runtime: Runtime) -> FlaskClient:
    app = create_app(runtime.settings, runtime)
    app.config["WTF_CSRF_ENABLED"] = False
    return app.test_client()


def test_from_the_page_to_the_list_in_spanish(runtime: Runtime, group: int, address: str, client: FlaskClient) -> None:
    assert "Español" in client.get(address).text
    assert client.post("/language/es", data={"back": address}).location == address
    shown = client.get(address).text
    words = re.search(r'<label[^>]*for="agree">([^<]*(?:&[^<]*)?)</label>', shown)
    assert words
    assert "Acepto recibir textos de Vecinas &amp; Vecinos &lt;b&gt;" in words[1]
    sent = client.post(address, data={**FORM, "language": "es", "zip": "85004-1234"})
    assert (sent.status_code, sent.location) == (303, f"{address}/sent")
    after = client.get(sent.location)
    assert "Falta un paso" in after.text
    assert after.headers["Cache-Control"] == "no-store"
    (post,) = send(runtime)
    assert "responda SI" in post.body
    assert (count(runtime, SignUp), ledger(runtime)) == (1, [])
    assert say(client, runtime, 0, "Si") is not None
    person = person_of(runtime, group)
    assert (person.language, person.zip) == ("es", "85004")
    ((_, kind, source, wording),) = ledger(runtime)
    assert (kind, source) == ("opt_in", "page")
    assert wording is not None
    assert wording.startswith(f"Acepto recibir textos de {NAME}, un grupo de voluntarios")


def test_the_wording_is_that_of_the_page_that_was_read(runtime: Runtime, address: str, client: FlaskClient) -> None:
    client.post("/language/es")
    client.post(address, data=FORM)  # drawn in English, the language was changed in another tab
    client.post(address, data={**FORM, "phone": number(1), "language": "xx"})
    with runtime.db.snapshot() as session:
        kept = session.execute(select(SignUp.language, SignUp.wording).order_by(SignUp.id)).all()
    assert [(row.language, row.wording[:7]) for row in kept] == [("en", "I agree"), ("es", "Acepto ")]


def test_the_answer_is_the_same_whatever_the_number_is(
    runtime: Runtime, group: int, address: str, client: FlaskClient
) -> None:
    make_person(runtime, group, number(1))
    with runtime.db.transaction() as tx:
        suppress(tx, runtime.vault.number_hash(number(2)), "person", at=runtime.clock.real_now())
    answers = set()
    for _ in range(2):  # the second time each of them was asked lately
        for index in range(3):
            sent = client.post(address, data={**FORM, "phone": number(index)})
            after = MOMENT.sub("", client.get(sent.location or "").text)
            answers.add((sent.status_code, sent.location, sent.text, after))
    assert len(answers) == 1
    assert sorted(post.to for post in send(runtime)) == sorted([number(0), number(1)])
    assert count(runtime, Message) == 2


def test_what_is_wrong_is_said_and_kept_and_nothing_is_stored(
    runtime: Runtime, address: str, client: FlaskClient
) -> None:
    for field, value, words in (
        ("first_name", " \0 ", "tell us your first name"),
        ("first_name", "x" * 61, "at most 60 characters"),
        ("phone", "555-0101", "area code is missing"),
        ("phone", "", "type your cell phone number"),
        ("phone", "5" * 500, "at most 40 characters"),
        ("zip", "850", "five digits"),
        ("agree", "", "tick the box"),
    ):
        refused = client.post(address, data={**FORM, field: value})
        assert refused.status_code == 422, field
        assert words in refused.text
        if field != "first_name":
            assert 'value="Luz"' in refused.text
    shown = client.post(address, data={**FORM, "first_name": "<script>alert(1)</script>", "agree": ""}).text
    assert "<script>alert" not in shown
    assert count(runtime, SignUp) == 0


def test_nobody_signs_up_where_there_is_no_page(runtime: Runtime, group: int, client: FlaskClient) -> None:
    for slug in ("x", "1", f"other-name-{group}", f"-{group}", "9" * 400, "%00", "é", f"{group}%0a", str(10**17)):
        for path in (f"/join/{slug}", f"/join/{slug}/sent"):
            assert client.get(path).status_code == 404, path
        assert client.post(f"/join/{slug}", data=FORM).status_code == 404
    assert (slug_of("¡Ay! 2", 3), slug_of("مجموعة", 4)) == ("ay-2-3", "4")
    with runtime.db.transaction() as tx:
        tx.add(Group(id=77, name="مجموعة", created_at=runtime.clock.now()))
    assert client.get("/join/77").status_code == 200


def test_forms_need_a_token_and_are_short(runtime: Runtime, address: str, client: FlaskClient) -> None:
    guarded = create_app(runtime.settings, runtime).test_client()
    assert guarded.post(address, data=FORM).status_code == 400
    assert client.post(address, data={**FORM, "first_name": "x" * 20_000}).status_code == 413
    assert count(runtime, SignUp) == 0


def test_too_many_uses_are_refused_whoever_is_meant(
    runtime: Runtime, address: str, client: FlaskClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sign_ups, "ONE_ADDRESS", (Limit(2, timedelta(hours=1)),))

    def use(forwarded: str, phone: str) -> TestResponse:
        return client.post(address, data={**FORM, "phone": phone}, headers={"X-Forwarded-For": forwarded})

    assert [use("6.6.6.6, 198.51.100.4", number(0)).status_code for _ in range(3)] == [303, 303, 429]
    refused = use("198.51.100.4", number(1))
    assert refused.status_code == 429
    assert "Too many people used this page" in refused.text
    assert "Retry" not in refused.text
    assert use("198.51.100.5", number(1)).status_code == 303


def test_looks_are_limited_by_address(address: str, client: FlaskClient, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(public_limits, "ONE_READER", (Limit(2, timedelta(minutes=1)),))
    for path in (address, f"{address}/sent"):
        assert client.get(path).status_code == 200
    assert client.get(address).status_code == client.post(address, data={}).status_code == 429
    assert client.get(address, headers={"X-Forwarded-For": "198.51.100.9"}).status_code == 200
    seen, at = public_limits.Looks(), datetime(2026, 12, 1, tzinfo=UTC)
    monkeypatch.setattr(public_limits, "MOST_ADDRESSES", 3)
    assert all(seen.note(f"198.51.100.{index}", at) for index in range(9))
    assert len(seen._times) <= 3


@limits(max_examples=35, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(fields=st.dictionaries(st.sampled_from(sorted(FORM)), st.text(max_size=80)), raw=st.binary(max_size=60))
def test_no_form_can_bring_the_page_down(address: str, client: FlaskClient, fields: dict[str, str], raw: bytes) -> None:
    try:
        "".join(fields.values()).encode()
    except UnicodeEncodeError:
        return
    kinds = {200, 303, 400, 413, 422, 429}
    assert client.post(address, data={**FORM, **fields}).status_code in kinds
    assert client.post(address, data=raw, content_type="application/x-www-form-urlencoded").status_code in kinds
    assert client.post(address, data=raw, content_type="multipart/form-data; boundary=x").status_code in kinds


def test_the_poster_shows_the_address_in_both_languages(runtime: Runtime, group: int, address: str) -> None:
    organizer = sign_in(runtime, group, "organizer")
    whole = f"{runtime.settings.public_base_url}{address}"
    assert whole in organizer.get("/people/sign-up").text
    for language, words in (("en", "or text JOIN to (480) 555-0100"), ("es", "o envíe UNIRME al (480) 555-0100")):
        poster = organizer.get(f"/people/sign-up/poster/{language}").text
        assert f'<html lang="{language}"' in poster
        assert whole in poster
        assert words in poster
        assert "Ñandú" in poster
        assert "<svg" not in poster.split("<main", 1)[1]
    assert organizer.get("/people/sign-up/poster/xx").status_code == 404
    code = organizer.get("/people/sign-up/qr.svg")
    assert (code.status_code, code.mimetype, code.headers["Cache-Control"]) == (200, "image/svg+xml", "no-store")
    assert code.data == qr_svg(whole) != qr_svg(whole + "x")
    assert b"style=" not in code.data
    assert b"<script" not in code.data
    make_group(runtime, "Others")
    assert "JOIN" not in organizer.get("/people/sign-up/poster/en").text, "with two groups nobody knows which is meant"


def test_staff_print_no_posters(runtime: Runtime, group: int) -> None:
    staff = sign_in(runtime, group, "staff")
    for path in ("", "/poster/en", "/qr.svg"):
        assert staff.get(f"/people/sign-up{path}").status_code == 403
