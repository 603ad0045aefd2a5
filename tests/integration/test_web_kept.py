"""A session that ends in the middle of a form: nothing typed is lost, nothing is done unasked; on both databases."""

from __future__ import annotations

import html
import io
import logging
import re
from html.parser import HTMLParser

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import func, select, update
from werkzeug.datastructures import MultiDict
from werkzeug.test import TestResponse

from outreach.accounts.links import first_admin, make_login_link
from outreach.accounts.models import User
from outreach.core.runtime import Runtime
from outreach.escalations.models import Campaign, Wave
from outreach.messaging.models import Gate, Message
from outreach.officials.models import Meeting, Official, Promise
from outreach.web import kept, kept_words
from outreach.web.app import create_app
from tests.factories import make_world
from tests.integration.test_launch import draft
from tests.integration.test_web_officials import how_many, make_official, meeting_form, text
from tests.integration.test_webhooks import launch

OURS = {"Origin": "http://127.0.0.1:8999"}
EVIL = "<script>alert(1)</script>\"'><img src=x onerror=alert(1)>"


@pytest.fixture
def app(runtime: Runtime) -> Flask:
    return create_app(runtime.settings, runtime)


class Form(HTMLParser):
    """The form of a page's main part, as a browser would send it."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.action = ""
        self.fields: list[tuple[str, str]] = []
        self.feed(page.split("<main")[1])

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        if tag == "form":
            assert not self.action, "one form"
            self.action = given["action"] or ""
        if tag == "input" and given["type"] == "hidden":
            self.fields.append((given["name"] or "", given["value"] or ""))


def press(client: FlaskClient, page: TestResponse, **more: str) -> TestResponse:
    """Press the button of the page that kept a form."""
    form = Form(text(page))
    return client.post(form.action, data=MultiDict([*form.fields, *more.items()]), headers=OURS)


def enter(client: FlaskClient, runtime: Runtime, group_id: int) -> None:
    """Sign in by a one-time link, with its token, as in another tab of the same browser."""
    with runtime.db.transaction() as tx:
        token = make_login_link(tx, first_admin(tx, group_id), runtime.clock.real_now())
    page = text(client.get(f"/enter/{token}"))
    found = re.search(r'name="csrf_token" value="([^"]+)"', page)
    assert found
    assert client.post(f"/enter/{token}", data={"csrf_token": found[1]}, headers=OURS).status_code == 302


def typed(runtime: Runtime) -> dict[str, str]:
    return meeting_form(
        runtime, attendees="Bo & Cy", notes="\nFirst line\r\nسلام 🌵 \"x\" <b>", answer_5="no", basis_5="practice",
        answer_1="not_asked", promise_1="A call", due_1="2026-12-20", contact_1="Di", csrf_token="of an older session",
    )  # fmt: skip


def test_a_meeting_is_kept_until_its_person_has_signed_in(app: Flask, runtime: Runtime, group: int) -> None:
    path, client = f"/meetings/new/{make_official(runtime, group)}", app.test_client()
    refused = client.post(path, data=typed(runtime), headers=OURS)
    assert refused.status_code == 401
    page = text(refused)
    assert "Your session has ended" in page
    shown = [html.unescape(one) for one in re.findall(r"<dt>(.+?)</dt><dd[^>]*>.*?</dd>", page, re.DOTALL)]
    assert shown == [
        "Day of the meeting", "How it ended", "Who was there", "Notes", "Don't Ask Rule", "How do we know?",
        "What they promised", "By when", "Whom to ask on their staff",
    ]  # fmt: skip
    assert "They declined</dd>" in page
    assert "Bo &amp; Cy</dd>" in page
    assert "in practice</dd>" in page
    again = press(client, refused)
    assert again.status_code == 401
    assert "You are not signed in yet" in text(again)
    assert "You are not signed in yet" not in page
    assert how_many(runtime, Meeting) == 0
    enter(client, runtime, group)
    assert how_many(runtime, Meeting) == 0, "signing in sends nothing by itself"
    saved = press(client, again)
    assert saved.status_code == 303
    with runtime.db.snapshot() as session:
        meeting = session.execute(select(Meeting)).scalar_one()
        promise = session.execute(select(Promise)).scalar_one()
    assert (meeting.attendees, meeting.notes, meeting.outcome) == (
        "Bo & Cy", 'First line\r\nسلام 🌵 "x" <b>', "declined",
    )  # fmt: skip
    assert (promise.text, str(promise.due_on), promise.staff_contact) == ("A call", "2026-12-20", "Di")
    twice = press(client, again)
    assert (twice.status_code, twice.location) == (303, saved.location)
    assert (how_many(runtime, Meeting), how_many(runtime, Campaign)) == (1, 1)


def test_a_new_session_asks_once_more_before_it_saves(app: Flask, runtime: Runtime, group: int) -> None:
    path, client = f"/meetings/new/{make_official(runtime, group)}?from=official", app.test_client()
    enter(client, runtime, group)
    refused = client.post(path, data=typed(runtime), headers=OURS)
    assert refused.status_code == 400
    assert "You are signed in as admin" in text(refused)
    assert Form(text(refused)).action == path
    assert how_many(runtime, Meeting) == 0
    client.delete_cookie(client.application.config["SESSION_COOKIE_NAME"])
    enter(client, runtime, group)
    stale = press(client, refused)
    assert stale.status_code == 400, "a token of the session before last"
    saved = press(client, stale)
    assert saved.status_code == 303
    assert press(client, stale).location == saved.location
    assert how_many(runtime, Meeting) == 1


def test_a_user_who_was_removed_is_asked_to_sign_in(app: Flask, runtime: Runtime, group: int) -> None:
    path, client = f"/meetings/new/{make_official(runtime, group)}", app.test_client()
    enter(client, runtime, group)
    token = re.search(r'name="csrf_token" value="([^"]+)"', text(client.get(path)))
    assert token
    with runtime.db.transaction() as tx:
        user = tx.execute(select(User).where(User.group_id == group)).scalar_one()
        tx.execute(update(User).where(User.id == user.id).values(role="staff"))
    assert client.post(path, data=typed(runtime), headers=OURS).status_code == 403
    with client.session_transaction() as session:
        session["sign_in"] = "a token of nobody"
    refused = client.post(path, data={**typed(runtime), "csrf_token": token[1]}, headers=OURS)
    assert refused.status_code == 401
    assert "Bo &amp; Cy" in text(refused)
    assert how_many(runtime, Meeting) == 0


@pytest.mark.parametrize(
    "headers",
    [
        {"Origin": "https://evil.example"},
        {"Origin": "null"},
        {"Origin": "https://evil.example", "Referer": "http://127.0.0.1:8999/meetings/new/1"},
        {"Origin": "https://127.0.0.1:8999"},
        {"Origin": "http://127.0.0.1:8999.evil.example"},
        {"Origin": "http://127.0.0.1"},
        {"Referer": "https://evil.example/http://127.0.0.1:8999/"},
        {"Origin": "http://[broken", "Referer": "http://127.0.0.1:8999/"},
        {},
    ],
)
def test_what_another_site_sends_is_neither_done_nor_shown(
    app: Flask, runtime: Runtime, group: int, headers: dict[str, str]
) -> None:
    path, client = f"/meetings/new/{make_official(runtime, group)}", app.test_client()
    form = {**typed(runtime), "attendees": "words of a stranger"}
    away = client.post(path, data=form, headers=headers)
    enter(client, runtime, group)
    here = client.post(path, data=form, headers=headers)
    assert (away.status_code, here.status_code) == (401, 400)
    for answer in (away, here):
        assert "words of a stranger" not in text(answer)
        assert path not in text(answer)
    assert how_many(runtime, Meeting) == 0


def test_an_old_browser_that_sends_only_a_referrer_loses_nothing(app: Flask, runtime: Runtime, group: int) -> None:
    path = f"/meetings/new/{make_official(runtime, group)}"
    answer = app.test_client().post(path, data=typed(runtime), headers={"Referer": f"http://127.0.0.1:8999{path}"})
    assert "Bo &amp; Cy" in text(answer)


def test_nothing_that_is_kept_is_executed(app: Flask, runtime: Runtime, group: int) -> None:
    path, client = f"/meetings/new/{make_official(runtime, group)}", app.test_client()
    form = {name: f"{EVIL} {name}" for name in typed(runtime)} | {EVIL: EVIL, "csrf_token": EVIL, "kept_again": EVIL}
    for signed_in in (False, True):
        page = text(client.post(path, query_string={"q": EVIL}, data=form, headers=OURS))
        assert "&lt;script&gt;" in page
        assert "<script>" not in page
        assert "<img" not in page
        assert sorted(Form(page).fields)[:1] == [(EVIL, EVIL)], "nor is it changed"
        if not signed_in:
            enter(client, runtime, group)
    back = {**OURS, "Referer": 'http://127.0.0.1:8999//evil.example/"><script>x</script>?"'}
    pressed = text(app.test_client().post("/campaigns/1/pause", headers=back))
    assert 'href="/evil.example/&#34;&gt;&lt;script&gt;' in pressed
    assert "<script>x" not in pressed


def test_what_acts_at_once_is_not_sent_again_from_here(app: Flask, runtime: Runtime) -> None:
    world, client = make_world(runtime, 3), app.test_client()
    running = launch(runtime, world).campaign_id
    waiting = draft(runtime, world)
    paths = {
        f"/campaigns/{running}/pause": {}, f"/campaigns/{running}/cancel": {}, f"/campaigns/{running}/resume": {},
        f"/campaigns/{waiting}/draft/launch": {"version": "1", "count": "3"},
        f"/campaigns/{waiting}/draft/test": {"once": "1", "phone": "602-555-0177", "language": "en"},
        "/people/import/1/confirm": {}, "/leave": {}, "/review/1": {"choice": "again"},
        "/inbox/1/opt-out": {"stops": "no"},
        "/inbox/1/claim": {"holder": "3"}, "/inbox/texts/1/meaning": {"meaning": "opt_out:", "thread": "1"},
    }  # fmt: skip
    came_from = {**OURS, "Referer": f"http://127.0.0.1:8999/campaigns/{running}?x=1"}
    for status, sentence in ((401, "Your session has ended, so nothing was done."), (400, "Nothing was done.")):
        for path, form in paths.items():
            answer = client.post(path, data=form, headers=came_from)
            assert answer.status_code == status, path
            assert sentence in text(answer), path
            offered = re.findall(r'<form[^>]* action="([^"]*)"', text(answer).split("<main")[1])
            assert offered == (["/sign-in"] if status == 401 else []), path
            assert f'href="/campaigns/{running}?x=1"' in text(answer), path
        enter(client, runtime, world.group_id)
    with runtime.db.snapshot() as session:
        assert session.execute(
            select(Gate.state).where(Gate.kind == "wave", Gate.id != world.gate_id)
        ).scalars().all() == ["open"]
        assert session.execute(select(func.count()).select_from(Wave)).scalar_one() == 1
        assert session.execute(select(Message.id).where(Message.kind == "test")).all() == []


def test_a_draft_is_kept_with_every_choice(app: Flask, runtime: Runtime) -> None:
    world, client = make_world(runtime, 3), app.test_client()
    campaign = draft(runtime, world)
    enter(client, runtime, world.group_id)
    path = f"/campaigns/{campaign}/draft/text"
    page = text(client.get(path))
    version = re.search(r'name="version" value="([^"]+)"', page)
    assert version
    long = "x" * 800 + "\r\n{{ first_name }} “👍”"
    form = MultiDict([("version", version[1]), ("text_en", long), ("text_es", "Hola"), ("script_en", "Hi"),
                      ("script_es", "Hola"), ("action", "save")])  # fmt: skip
    refused = client.post(path, data=form, headers=OURS)
    assert refused.status_code == 400
    assert "Text in English</dt>" in text(refused)
    assert press(client, refused).status_code == 303
    with runtime.db.snapshot() as session:
        assert session.get_one(Campaign, campaign).text_en == long.replace("\r\n", "\n")
    lists = MultiDict([("lists", "7"), ("lists", "9"), ("action", "save")])
    kept_lists = client.post(f"/campaigns/{campaign}/draft/audience", data=lists, headers=OURS)
    assert [one for one in Form(text(kept_lists)).fields if one[0] == "lists"] == [("lists", "7"), ("lists", "9")]
    part = client.post(f"{path}/preview", data=form, headers={**OURS, "HX-Request": "true"})
    assert "xxxx" not in text(part), "the page around a live part still holds what was typed"


def test_a_file_must_be_chosen_again_and_the_words_beside_it_are_kept(app: Flask, runtime: Runtime, group: int) -> None:
    client = app.test_client()
    form = {"list_name": "May fair", "consent": "At the fair", "file": (io.BytesIO(b"Name\nsecret cell"), "fair.csv")}
    refused = client.post("/people/import", data=form, headers=OURS)
    page = text(refused)
    assert refused.status_code == 401
    assert "choose it again: File of people" in page
    assert "secret cell" not in page
    assert 'enctype="multipart/form-data"' in page
    enter(client, runtime, group)
    shown = press(client, refused)
    assert shown.status_code == 422
    assert "Please choose a file first." in text(shown)
    assert "May fair" in text(shown)
    assert "At the fair" in text(shown)


def test_bodies_that_are_too_large(app: Flask, runtime: Runtime, group: int) -> None:
    path, client = f"/meetings/new/{make_official(runtime, group)}", app.test_client()
    answers = [
        client.post(path, data={"notes": "x" * 1_100_000}, headers=OURS),
        client.post(
            "/people/import", data=b"x" * 1_100_000, headers=OURS, content_type="multipart/form-data; boundary=b"
        ),
    ]
    for answer in answers:
        assert answer.status_code == 413
        assert "Your session has ended. Sign in in another tab first" in text(answer)
    large = client.post(path, data={"notes": "<" * 150_000}, headers=OURS)
    assert large.status_code == 401
    assert dict(Form(text(large)).fields)["notes"] == "<" * 150_000
    kinds = {"content_type": "application/x-www-form-urlencoded", "headers": OURS}
    many = client.post(path, data=b"notes=1&" * 100_000, **kinds)
    assert (many.status_code, len(many.data) < 20_000) == (401, True), "not many times what they send"
    enter(client, runtime, group)
    assert "Your session" not in text(client.post(path, data={"notes": "x" * 1_100_000}, headers=OURS))


def test_public_forms_and_strange_addresses_keep_nothing(app: Flask, runtime: Runtime) -> None:
    client = app.test_client()
    for path in ("/language/es", "/enter/secret-token"):
        answer = client.post(path, data={"back": "/x"}, headers=OURS)
        assert answer.status_code == 400
        assert "secret-token" not in text(answer)
    strange = client.post(
        "/", data={"notes": "x"}, headers=OURS, environ_overrides={"PATH_INFO": "//evil/meetings/new/1"}
    )
    assert strange.status_code in {308, 404}
    assert client.post("/nowhere", data={"notes": "x"}, headers=OURS).status_code == 404
    assert client.post("/officials/new", data=b'{"name": "x"}', content_type="application/json").status_code == 401


def test_what_is_kept_is_not_logged_nor_stored_by_the_browser(
    app: Flask, runtime: Runtime, group: int, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    answer = app.test_client().post("/officials/new", data={"name": "Ana Secret"}, headers=OURS)
    assert "Ana Secret" in text(answer)
    assert answer.headers["Cache-Control"] == "no-store"
    assert "Ana Secret" not in caplog.text
    assert how_many(runtime, Official) == 0


def test_every_form_of_the_site_can_tell_its_labels_and_every_exception_is_a_view(app: Flask) -> None:
    found = list(kept_words.forms())
    assert len(found) >= 8
    for form in found:
        with app.test_request_context():
            made = form(formdata=None, meta={"csrf": False})
            like = kept_words.form_like(set(made.data))
            assert like is not None
            assert set(made.data) <= set(like.data), form
    assert set(app.view_functions) >= kept.LOOK_AGAIN
