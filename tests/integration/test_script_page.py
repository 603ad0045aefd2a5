"""The page behind a script's link, through the real app on both databases: what it shows, tells, and never does."""

from __future__ import annotations

import re
import threading
from dataclasses import replace
from datetime import timedelta

import pytest
from flask.testing import FlaskClient
from hypothesis import HealthCheck, given
from hypothesis import settings as limits
from hypothesis import strategies as st
from sqlalchemy import func, select, update
from werkzeug.test import TestResponse

from config import table
from outreach.calls.models import CallSession
from outreach.calls.offices import change_office
from outreach.calls.script_page import MOST_CALLS, MOST_REPORTS, call_me, report
from outreach.core.logs import mask_event
from outreach.core.runtime import Runtime
from outreach.escalations.launch import cancel_campaign
from outreach.escalations.models import Wave
from outreach.messaging.follow_up_models import FollowUp
from outreach.messaging.models import Event, Reply
from outreach.officials.models import Office
from outreach.officials.offices import Given
from outreach.people.models import Constituent
from outreach.privacy.erasure import erase_number
from outreach.web import public_limits
from outreach.web.app import create_app
from outreach.web.script_words import TOLD, dial_link
from tests.factories import World, make_world, number
from tests.integration.test_calls import Exchange, counts, place
from tests.integration.test_webhooks import launch, say, text_everybody
from tests.model.carrier import ModelClock

HOUR = 3_600
FORM = re.compile(r'name="form" value="([0-9A-Za-z]+)"')


@pytest.fixture
def runtime(clocked: Runtime) -> Runtime:
    return clocked


@pytest.fixture
def world(runtime: Runtime) -> World:
    return make_world(runtime, 3)


@pytest.fixture
def wave(runtime: Runtime, world: World) -> Wave:
    found = launch(runtime, world)
    text_everybody(runtime, found)
    return found


@pytest.fixture
def client(runtime: Runtime) -> FlaskClient:
    """A browser that keeps no cookies."""
    return create_app(runtime.settings, runtime).test_client(use_cookies=False)


@pytest.fixture
def path(client: FlaskClient, runtime: Runtime, wave: Wave) -> str:
    """Of the link that the first person got."""
    return link_of(client, runtime, 0)


def link_of(client: FlaskClient, runtime: Runtime, person: int) -> str:
    text = say(client, runtime, person, "SCRIPT") or ""
    base = runtime.settings.public_base_url
    found = re.search(rf"{re.escape(base)}(/s/\S+)$", text)
    assert found, text
    return found[1]


def press(client: FlaskClient, path: str, outcome: str = "", *, to: str = "", form: str | None = None) -> TestResponse:
    """Press a button of the page: one that tells an outcome, or the one at another address of it."""
    if form is None:
        drawn = FORM.search(client.get(path).text)
        assert drawn
        form = drawn[1]
    return client.post(f"{path}{to}", data={"form": form, "outcome": outcome})


def rows(runtime: Runtime) -> list[int]:
    """How many rows everything has that a look could change."""
    with runtime.db.snapshot() as session:
        return [session.execute(select(func.count()).select_from(one)).scalar_one()
                for one in (Reply, Event, CallSession, FollowUp)]  # fmt: skip


def test_a_number_that_was_put_right_is_in_the_next_script(
    client: FlaskClient, runtime: Runtime, world: World, wave: Wave
) -> None:
    with runtime.db.transaction() as tx:
        office = tx.execute(select(Office)).scalar_one()
        change_office(tx, runtime, world.group_id, office.id, Given("main", "623-555-0177", "", ""))
    assert "(623) 555-0177" in (say(client, runtime, 0, "SCRIPT") or "")


def test_the_page_says_whom_to_call_and_what_to_say_and_nothing_of_the_person(
    client: FlaskClient, runtime: Runtime, path: str
) -> None:
    assert len(path) <= 30
    before = rows(runtime)
    page = client.get(path)
    assert (page.status_code, page.headers["Cache-Control"], page.headers["Referrer-Policy"]) == (
        200, "no-store", "no-referrer",
    )  # fmt: skip
    assert page.headers["X-Robots-Tag"].startswith("noindex")
    assert "Set-Cookie" not in page.headers
    for words in ("Dana Whitfield, who would not commit to the Don&#39;t Ask Rule", 'href="tel:+16025550142,7"',
                  "Open now, until 5:00", "Mon–Fri 8:00", "My name is (your name)", "This is a message for",
                  "Call me", "I left a voicemail", "Testers, a group of volunteers"):  # fmt: skip
        assert words in page.text.replace("\u202f", " "), words
    for own in ("Ana", "Tester<", number(0)[2:], number(0)[-7:]):
        assert own not in page.text
    spanish = client.get(f"{path}?l=es").text
    assert '<html lang="es"' in spanish
    assert "Me llamo (su nombre)" in spanish
    assert f'action="{path}?l=es"' in spanish
    assert client.head(path).status_code == client.options(path).status_code == 200
    assert {client.open(path, method=method).status_code for method in ("PUT", "DELETE", "PATCH")} == {405}
    assert client.get(f"{path}/call").status_code == 405
    assert rows(runtime) == before, "whoever previews a link changes nothing"
    assert path[3:] not in str(mask_event(None, "", {"event": f"Exception on {path} [GET]"}))


def test_the_person_reads_their_language(client: FlaskClient, runtime: Runtime, wave: Wave, world: World) -> None:
    with runtime.db.transaction() as tx:
        tx.execute(update(Constituent).where(Constituent.id == world.people[1]).values(language="es"))
    path = link_of(client, runtime, 1)
    assert "¿Qué tal le fue?" in client.get(path).text
    assert press(client, path, "spoke").location == f"{path}#thanks"
    assert "¡Gracias! Usted nos dijo: Hablé con alguien." in client.get(path).text
    assert "Thank you! You told us: I spoke with somebody." in client.get(f"{path}?l=en").text


def test_every_outcome_counts_once_and_the_last_press_holds(
    client: FlaskClient, runtime: Runtime, wave: Wave, path: str
) -> None:
    outcomes = table("tactics")["calls"]["outcomes"]
    for outcome in (*outcomes, outcomes[0], outcomes[0]):
        for _ in range(2):
            assert press(client, path, outcome).status_code == 303
        found = counts(runtime, wave)
        assert {name: n for name, n in found.items() if name.startswith("report:")} == {f"report:{outcome}": 1}
        page = client.get(path).text
        assert f"{TOLD[outcome]}.</strong>" in page
        assert "1 person has told us" in page
    with runtime.db.snapshot() as session:
        channels = session.execute(select(Reply.channel, func.count()).group_by(Reply.channel)).all()
        assert sorted(map(tuple, channels)) == [("page", len(outcomes) + 1), ("text", 1)]
        assert session.execute(select(FollowUp.state, FollowUp.reason)).all() == [("dropped", "reported")]
    say(client, runtime, 0, "2")  # by text again: still one person
    assert counts(runtime, wave)["report:voicemail"] == 1
    press(client, link_of(client, runtime, 1), "spoke")
    assert "2 people have told us" in client.get(path).text
    answers = [press(client, path, outcomes[turn % 2 + 2]).status_code for turn in range(MOST_REPORTS)]
    assert answers[:2] == [303, 303]
    assert answers[-2:] in ([303, 429], [429, 303])  # what stands already may be pressed
    assert sum(n for name, n in counts(runtime, wave).items() if name.startswith("report:")) == 2


def test_a_form_must_have_been_drawn_for_its_link(client: FlaskClient, runtime: Runtime, path: str) -> None:
    other = FORM.search(client.get(link_of(client, runtime, 1)).text)
    assert other
    before = rows(runtime)
    for form in ("", "x", path[3:], other[1]):
        assert press(client, path, "spoke", form=form).status_code == 400, form
        assert press(client, path, to="/call", form=form).status_code == 400, form
    for outcome in ("", "attended", "spoke'--", "x" * 900):
        assert press(client, path, outcome).status_code == 400, outcome
    assert press(client, path, "x" * 9_000).status_code == 413
    assert rows(runtime) == before


@pytest.mark.parametrize(
    ("why", "words"),
    [("expired", "It works for some days only"), ("stopped", "gets no more texts"), ("wrong", "gets no more texts"),
     ("over", "This campaign has ended"), ("erased", "was deleted"), ("unknown", "leads nowhere")],
)  # fmt: skip
def test_a_link_that_opens_nothing_any_more_says_so(
    client: FlaskClient, runtime: Runtime, clock: ModelClock, wave: Wave, path: str, why: str, words: str
) -> None:
    drawn = FORM.search(client.get(path).text)
    assert drawn
    if why == "expired":
        clock.advance(7 * 24 * HOUR - 1)
        assert client.get(path).status_code == 200
        clock.advance(2)
    elif why in {"stopped", "wrong"}:
        say(client, runtime, 0, "stop" if why == "stopped" else "wrong number")
    elif why == "over":
        cancel_campaign(runtime, wave.group_id, wave.campaign_id)
    elif why == "erased":
        hashed = runtime.vault.number_hash(number(0))
        erase_number(runtime, wave.group_id, hashed, reason="asked us to", actor="tester")
    else:
        path = f"/s/{drawn[1]}"  # a form's token is no link's
    before = rows(runtime)
    for language in ("en", "es"):
        page = client.get(path, query_string={"l": language})
        assert page.status_code == (404 if why == "unknown" else 410)
        assert (words in page.text) == (language == "en")
        assert f'<html lang="{language}"' in page.text
    for to in ("", "/call"):
        refused = press(client, path, "spoke", to=to, form=drawn[1])
        assert refused.status_code == (404 if why == "unknown" else 410)
    assert rows(runtime) == before


def test_call_me_calls_the_phone_that_got_the_link_once(
    client: FlaskClient, runtime: Runtime, wave: Wave, path: str
) -> None:
    exchange = Exchange()
    for _ in range(2):
        assert press(client, path, to="/call").location == f"{path}#call"
    page = client.get(path).text
    assert "We are calling the phone that got this link, from (480) 555-0100" in page
    assert "/call" not in page
    assert place(runtime, exchange) == 1
    assert [to for to, _, _ in exchange.called] == [number(0)]
    with runtime.db.snapshot() as session:
        assert session.execute(select(CallSession.source, CallSession.language)).all() == [("page", "en")]
        assert session.execute(select(FollowUp.due_at)).scalar_one() == runtime.clock.now() + timedelta(minutes=30)
    for _ in range(MOST_CALLS):
        over(runtime)
        press(client, path, to="/call")
    over(runtime)
    assert "as often as we may today" in client.get(path).text
    assert counts(runtime, wave)["call:asked"] == MOST_CALLS


def test_presses_in_one_moment_count_once(runtime: Runtime, wave: Wave, path: str) -> None:
    link = path.rpartition("/")[2]
    pressed = [threading.Thread(target=act) for act in 3 * (lambda: report(runtime, link, "spoke"),
                                                            lambda: call_me(runtime, link))]  # fmt: skip
    for thread in pressed:
        thread.start()
    for thread in pressed:
        thread.join()
    found = counts(runtime, wave)
    assert (found["report:spoke"], found["call:asked"]) == (1, 1)
    with runtime.db.snapshot() as session:
        assert session.execute(select(func.count()).where(Reply.channel == "page")).scalar_one() == 1


def over(runtime: Runtime) -> None:
    with runtime.db.transaction() as tx:
        tx.execute(update(CallSession).values(state="ended"))


def test_nobody_is_called_at_night_and_the_page_says_when_it_goes_again(
    client: FlaskClient, runtime: Runtime, clock: ModelClock, path: str
) -> None:
    drawn = FORM.search(client.get(path).text)
    assert drawn
    clock.advance(7 * HOUR + 55 * 60)  # it was noon: five to eight
    press(client, path, to="/call", form=drawn[1])
    clock.advance(6 * 60)
    exchange = Exchange()
    assert place(runtime, exchange) == 0, "asked in time, but its turn came after eight"
    press(client, path, to="/call", form=drawn[1])
    page = client.get(path).text.replace("\u202f", " ")
    assert "not at this hour. The button is here again from Wed, Dec 2, 9:00 AM (Phoenix)." in page
    assert "Closed now. Opens Wednesday at 8:00" in page
    assert "A voicemail counts too." in page
    with runtime.db.snapshot() as session:
        assert session.execute(select(CallSession.state, CallSession.ending)).all() in (
            [("canceled", "late")], [],
        )  # fmt: skip
    assert exchange.called == []
    without = replace(runtime, settings=runtime.settings.model_copy(update={"twilio_from_number": None}))
    assert "put you through" not in create_app(without.settings, without).test_client().get(path).text


def test_hours_and_extensions_are_written_as_phones_and_people_read_them(
    client: FlaskClient, runtime: Runtime, path: str
) -> None:
    assert dial_link("+16025550142", None) == "tel:+16025550142"
    assert dial_link("+16025550142", "ext. 7, then #2") == "tel:+16025550142,7%232"
    noon = [["08:00", "12:00"], ["13:00", "17:30"]]
    with runtime.db.transaction() as tx:
        tx.execute(update(Office).values(hours=[noon, noon, [], noon, [["09:00", "10:00"]], [], []]))
    page = client.get(f"{path}?l=es").text.replace("\u202f", " ")
    assert "lun–mar 8:00" in page
    assert set(TOLD) == {outcome for row in table("tactics").values() for outcome in row["outcomes"]}


def test_too_many_looks_are_refused(client: FlaskClient, path: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(public_limits, "ONE_READER", ())
    monkeypatch.setattr(public_limits.Looks, "note", lambda *_: False)
    for answer in (client.get(path), client.post(path), client.post(f"{path}/call")):
        assert (answer.status_code, "wait a minute" in answer.text) == (429, True)


@limits(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(token=st.text(max_size=60) | st.from_regex(r"[0-9A-Za-z]{22,24}", fullmatch=True), raw=st.binary(max_size=60))
def test_nothing_a_stranger_sends_brings_the_page_down(client: FlaskClient, token: str, raw: bytes) -> None:
    known = {400, 404, 405, 308, 429}
    try:
        token.encode()
    except UnicodeEncodeError:
        return
    path = f"/s/{token.replace('?', '').replace('#', '')}"
    for address in (path, f"{path}/call"):
        assert client.get(address).status_code in known | {200} if token.strip("/.") == "" else known
        assert client.post(address, data=raw, content_type="application/x-www-form-urlencoded").status_code in known
    assert client.get("/s/" + "x" * 23, query_string={"l": raw.decode("latin-1")}).status_code in known
