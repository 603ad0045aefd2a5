"""The wizard's last page and the levers through the real app, on both databases."""

from __future__ import annotations

import re
import threading

import pytest
from flask.testing import FlaskClient
from sqlalchemy import func, select, update

from outreach.core.errors import ConflictError
from outreach.core.runtime import Runtime
from outreach.escalations.drafts import edit_draft
from outreach.escalations.models import Recipient, Wave
from outreach.escalations.revisions import EVERYTHING, draft_version
from outreach.messaging.claims import claim
from outreach.messaging.models import Event, Gate
from outreach.messaging.slices import slice_out
from outreach.messaging.testtext import send_test_text
from outreach.people.consent import record_opt_out
from outreach.tallies.reads import counters
from tests.factories import World, make_group, make_world, number
from tests.integration.test_launch import draft
from tests.integration.test_live import fold_everything, sign_in
from tests.integration.test_web_wizard import XSS, at, campaign, hidden, launch_form, messages, waves

PHONE = "602-555-0177"


@pytest.fixture
def world(runtime: Runtime) -> World:
    return make_world(runtime, 6)


@pytest.fixture
def campaign_id(runtime: Runtime, world: World) -> int:
    return draft(runtime, world)


@pytest.fixture
def client(runtime: Runtime, world: World) -> FlaskClient:
    return sign_in(runtime, world.group_id, "organizer")


def test_the_review_forecasts(client: FlaskClient, campaign_id: int) -> None:
    page = client.get(at(campaign_id, "review")).text
    figures = dict(re.findall(r'<dd class="figure[^"]*" id="(\w+)">([^<]+)</dd>', page))
    assert figures == {"people": "6", "parts": "12", "lasts": "a minute", "cost": "$0.14"}


@pytest.mark.parametrize(
    ("count", "told"),
    [("5", "You typed 5, but 6 people"), ("six", "in digits"), ("", "Type the number"), ("-6", "in digits"),
     ("9" * 400, "in digits")],
)  # fmt: skip
def test_a_wrong_count_launches_nothing(
    runtime: Runtime, client: FlaskClient, campaign_id: int, count: str, told: str
) -> None:
    answer = client.post(at(campaign_id, "launch"), data=launch_form(client, campaign_id, count))
    assert answer.status_code == 422
    assert told in answer.text
    assert (waves(runtime), campaign(runtime, campaign_id).state) == (0, "draft")


def test_a_launch_counts_who_is_left_at_that_moment(
    runtime: Runtime, client: FlaskClient, world: World, campaign_id: int
) -> None:
    form = launch_form(client, campaign_id, "6")
    with runtime.db.transaction() as tx:
        record_opt_out(
            tx,
            runtime.vault,
            world.group_id,
            runtime.vault.number_hash(number(0)),
            wording="stop",
            source="reply",
            at=runtime.clock.real_now(),
        )
    assert "but 5 people" in client.post(at(campaign_id, "launch"), data=form).text
    assert client.post(at(campaign_id, "launch"), data={**form, "count": " 5 "}).status_code == 303


def test_launching_twice_launches_once(runtime: Runtime, client: FlaskClient, campaign_id: int) -> None:
    form = launch_form(client, campaign_id, "6")
    for _ in range(2):
        answer = client.post(at(campaign_id, "launch"), data=form)
        assert answer.status_code == 303
        assert answer.headers["Location"] == f"/campaigns/{campaign_id}"
    assert waves(runtime) == 1
    assert "was launched already" in client.get(f"/campaigns/{campaign_id}").text


def test_only_the_draft_that_was_read_is_launched(runtime: Runtime, client: FlaskClient, world: World,
                                                  campaign_id: int) -> None:  # fmt: skip
    form = launch_form(client, campaign_id, "6")
    with runtime.db.transaction() as tx:
        edit_draft(tx, world.group_id, campaign_id, script_en="Call {{ office_phone }} about {{ official }}")
    answer = client.post(at(campaign_id, "launch"), data=form)
    assert answer.status_code == 422
    assert "changed this draft" in answer.text
    assert waves(runtime) == 0
    assert client.post(at(campaign_id, "launch"), data={**form, "version": hidden(answer.text)}).status_code == 303


def test_a_text_with_something_to_mend_is_not_launched(runtime: Runtime, client: FlaskClient, world: World,
                                                       campaign_id: int) -> None:  # fmt: skip
    with runtime.db.transaction() as tx:
        edit_draft(tx, world.group_id, campaign_id, text_en="ACLU staff here")
    version = campaign_version(runtime, campaign_id)
    answer = client.post(at(campaign_id, "launch"), data={"version": version, "count": "6"})
    assert answer.status_code == 422
    assert "something to mend" in answer.text
    assert waves(runtime) == 0


def campaign_version(runtime: Runtime, campaign_id: int) -> str:
    return draft_version(campaign(runtime, campaign_id), EVERYTHING)


def form_for_test(client: FlaskClient, campaign_id: int, **more: str) -> dict[str, str]:
    page = client.get(at(campaign_id, "review")).text
    return {"version": hidden(page), "once": hidden(page, "once"), "phone": PHONE, "language": "en", **more}


def test_text_me_first_sends_exactly_this_text_once(
    runtime: Runtime, client: FlaskClient, world: World, campaign_id: int
) -> None:
    form = form_for_test(client, campaign_id, language="es")
    for _ in range(2):
        assert client.post(at(campaign_id, "test"), data=form).status_code == 303
    assert "sent to you already" in client.get(at(campaign_id, "review")).text
    (message,) = messages(runtime, "test")
    document = runtime.vault.open(message.sealed or b"", "message")
    assert document["to"] == "+16025550177"
    assert document["body"].startswith("Hola Ana, somos voluntarios de Testers.")
    claimed, _ = claim(runtime, message.gate_id, "t", after=0, limit=10)
    (post,) = slice_out(runtime, claimed, "t")
    assert (post.to, post.body) == ("+16025550177", document["body"])
    fold_everything(runtime)
    with runtime.db.snapshot() as session:
        assert session.get_one(Gate, message.gate_id).kind == "answers"
        assert counters(session, message.gate_id, runtime.clock)["planned"] == 1
    assert waves(runtime) == 0


@pytest.mark.parametrize(
    ("phone", "told"),
    [("", "Type a phone number"), ("555-0142", "area code"), ("abc", "not a phone number"), (XSS, "not a phone"),
     ("800-555-0142", "toll-free"), ("+44 20 7946 0018", "United States")],
)  # fmt: skip
def test_a_number_that_cannot_be_texted_is_refused(
    runtime: Runtime, client: FlaskClient, campaign_id: int, phone: str, told: str
) -> None:
    answer = client.post(at(campaign_id, "test"), data=form_for_test(client, campaign_id, phone=phone))
    assert answer.status_code == 422
    assert told in answer.text
    assert XSS not in answer.text
    assert messages(runtime, "test") == []


def test_a_number_that_opted_out_gets_no_test(runtime: Runtime, client: FlaskClient, world: World,
                                              campaign_id: int) -> None:  # fmt: skip
    with runtime.db.transaction() as tx:
        record_opt_out(
            tx,
            runtime.vault,
            world.group_id,
            runtime.vault.number_hash("+16025550177"),
            wording="stop",
            source="reply",
            at=runtime.clock.real_now(),
        )
    answer = client.post(at(campaign_id, "test"), data=form_for_test(client, campaign_id))
    assert answer.status_code == 422
    assert "has opted out" in answer.text
    assert messages(runtime, "test") == []


def test_a_group_has_five_tests_a_day(runtime: Runtime, client: FlaskClient, world: World, campaign_id: int) -> None:
    for index in range(5):
        form = form_for_test(client, campaign_id, phone=f"602-555-01{index:02}")
        assert client.post(at(campaign_id, "test"), data=form).status_code == 303
    refused = client.post(at(campaign_id, "test"), data=form_for_test(client, campaign_id))
    assert refused.status_code == 422
    assert "5 test texts of today" in refused.text
    assert len(messages(runtime, "test")) == 5
    other = make_group(runtime, "Others")
    with runtime.db.transaction() as tx:
        assert send_test_text(tx, runtime, group_id=other, phone=PHONE, body="x", language="en", once="a")
        tx.execute(update(Event).where(Event.sid.like("test:%")).values(sid=Event.sid + "-yesterday"))
    assert client.post(at(campaign_id, "test"), data=form_for_test(client, campaign_id)).status_code == 303


def test_tests_at_once_stay_within_the_day(runtime: Runtime, world: World) -> None:
    barrier, sent, refused = threading.Barrier(8), [], []

    def send(index: int) -> None:
        barrier.wait()
        try:
            with runtime.db.transaction() as tx:
                send_test_text(tx, runtime, group_id=world.group_id, phone=f"602-555-01{index:02}", body="x",
                               language="en", once=str(index))  # fmt: skip
            sent.append(index)
        except ConflictError as error:
            refused.append(error.code)

    racers = [threading.Thread(target=send, args=(index,)) for index in range(8)]
    for racer in racers:
        racer.start()
    for racer in racers:
        racer.join()
    assert (len(sent), refused) == (5, ["test_texts_spent"] * 3)
    assert len(messages(runtime, "test")) == 5


def test_a_test_text_is_of_the_draft_that_was_read(runtime: Runtime, client: FlaskClient, world: World,
                                                   campaign_id: int) -> None:  # fmt: skip
    form = form_for_test(client, campaign_id)
    with runtime.db.transaction() as tx:
        edit_draft(tx, world.group_id, campaign_id, text_en="Other words of {{ group }}")
    answer = client.post(at(campaign_id, "test"), data=form)
    assert answer.status_code == 422
    assert "changed this draft" in answer.text
    assert messages(runtime, "test") == []


def gate_of(runtime: Runtime) -> str:
    with runtime.db.snapshot() as session:
        return session.execute(select(Gate.state).join(Wave, Wave.gate_id == Gate.id)).scalar_one()


def test_the_levers_act_at_once_and_can_be_pulled_twice(
    runtime: Runtime, client: FlaskClient, campaign_id: int
) -> None:
    assert client.post(at(campaign_id, "launch"), data=launch_form(client, campaign_id, "6")).status_code == 303
    page = f"/campaigns/{campaign_id}"

    def pull(lever: str) -> str:
        answer = client.post(f"{page}/{lever}")
        assert (answer.status_code, answer.headers["Location"]) == (303, page)
        return client.get(page).text

    assert "until you resume" in pull("pause")
    assert gate_of(runtime) == "paused"
    assert "not running" in pull("pause")
    assert "Texts leave again" in pull("resume")
    assert gate_of(runtime) == "open"
    assert "not paused" in pull("resume")
    asked = client.get(f"{page}/cancel").text
    assert "cannot be undone" in asked
    assert gate_of(runtime) == "open", "asking cancels nothing"
    for _ in range(2):
        assert "Nothing more leaves" in pull("cancel")
        assert gate_of(runtime) == "closed"
    assert client.get(f"{page}/cancel").status_code == 303
    assert "not running" in pull("resume")
    with runtime.db.snapshot() as session:
        assert session.execute(select(func.count()).select_from(Recipient)).scalar_one() == 0


def test_a_draft_is_thrown_away(runtime: Runtime, client: FlaskClient, campaign_id: int) -> None:
    assert "Throw this draft away?" in client.get(f"/campaigns/{campaign_id}/cancel").text
    assert client.post(f"/campaigns/{campaign_id}/cancel").status_code == 303
    assert campaign(runtime, campaign_id).state == "canceled"
    assert client.post(at(campaign_id, "launch"), data={"count": "6"}).status_code == 303
    assert waves(runtime) == 0
