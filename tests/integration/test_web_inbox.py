"""The inbox: what waits, who answers, and what a person's decision sets in motion, on both databases."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta

import pytest
from flask.testing import FlaskClient
from markupsafe import escape
from sqlalchemy import select, update

from config import table
from outreach.accounts.models import AuditEvent, User
from outreach.core.runtime import Runtime
from outreach.escalations.models import Campaign
from outreach.messaging.conversations import DONE, rank_of
from outreach.messaging.corrections import INTENTS
from outreach.messaging.models import Conversation, Message, Reply
from outreach.messaging.slices import ANSWER_WITHIN, Facts, judge
from outreach.people.consent import WORDS, is_suppressed
from outreach.people.models import ConsentEvent, Constituent
from outreach.people.zones import fifty_states
from outreach.tallies.reads import counters
from outreach.web.app import create_app
from tests.conftest import NOON_TUESDAY
from tests.factories import World, make_group, make_world, number
from tests.integration.test_live import sign_in
from tests.integration.test_webhooks import launch, say, text_everybody

QUESTION = "can you ring my neighbour instead?"
DOUBTFUL = "enough of this, leave me alone maybe"


@pytest.fixture
def world(runtime: Runtime) -> World:
    made = make_world(runtime, 4)
    text_everybody(runtime, launch(runtime, made))
    return made


@pytest.fixture
def phone(runtime: Runtime, world: World) -> FlaskClient:
    return create_app(runtime.settings, runtime).test_client()


@pytest.fixture
def client(runtime: Runtime, world: World) -> FlaskClient:
    return sign_in(runtime, world.group_id)


def threads(runtime: Runtime) -> list[Conversation]:
    with runtime.db.snapshot() as session:
        return list(session.execute(select(Conversation).order_by(Conversation.id)).scalars())


def answers_to(runtime: Runtime, person: int) -> list[str]:
    with runtime.db.snapshot() as session:
        rows = session.execute(
            select(Message.sealed).where(
                Message.number_hash == runtime.vault.number_hash(number(person)),
                Message.kind == "answer",
                Message.state == "planned",
            )
        ).scalars()
        return [runtime.vault.open(sealed, "message")["body"] for sealed in rows if sealed]


def once(client: FlaskClient, path: str) -> str:
    found = re.search(r'name="once"[^>]*value="([0-9a-f]+)"', client.get(path).text)
    assert found
    return found.group(1)


def doubt(phone: FlaskClient, runtime: Runtime, person: int) -> None:
    """Make that person's thread a possible opt-out, by whatever words the classifier holds for one."""
    say(phone, runtime, person, DOUBTFUL)
    with runtime.db.snapshot() as session:
        intents = session.execute(
            select(Reply.intent).where(Reply.number_hash == runtime.vault.number_hash(number(person)))
        ).scalars()
        assert "possible_opt_out" in intents


def test_possible_opt_outs_come_first_then_strangers_then_questions(
    runtime: Runtime, phone: FlaskClient, client: FlaskClient
) -> None:
    say(phone, runtime, 0, QUESTION)
    say(phone, runtime, 9, "who is this about anyway?")
    doubt(phone, runtime, 1)
    say(phone, runtime, 2, "1")  # a report: answered by itself
    page = client.get("/inbox/").text
    assert page.index("Perhaps an opt-out") < page.index("From nobody we texted") < page.index(QUESTION)
    assert "Wants an answer" not in page, "in this list everything does"
    assert "Wants an answer" in client.get("/inbox/?view=all").text
    assert page.count("list-group-item") == 3
    assert number(9) not in page
    assert client.get("/inbox/?view=all").text.count("list-group-item") == 4
    assert "Texts that wait for an answer: 3" in client.get("/").text


def test_an_answer_goes_out_once_and_ends_the_waiting(
    runtime: Runtime, phone: FlaskClient, client: FlaskClient
) -> None:
    say(phone, runtime, 0, QUESTION)
    (thread,) = threads(runtime)
    form = {"body": "No need, thank you!", "once": once(client, f"/inbox/{thread.id}")}
    for _ in range(2):
        done = client.post(f"/inbox/{thread.id}/answer", data=form, follow_redirects=True)
        assert "Your answer is on its way." in done.text
    assert answers_to(runtime, 0) == ["No need, thank you!"]
    assert threads(runtime)[0].rank == DONE
    say(phone, runtime, 0, "but why not? I would like to know")
    assert threads(runtime)[0].rank < DONE
    assert threads(runtime)[0].claimed_by is not None


def test_a_ready_answer_joins_what_was_typed_and_sends_nothing(
    runtime: Runtime, phone: FlaskClient, client: FlaskClient
) -> None:
    say(phone, runtime, 0, QUESTION)
    key, ready = next(iter(table("message_templates/canned").items()))
    page = client.post("/inbox/1/answer", data={"body": "Hello <b>Ana</b>", "once": "form-1", "start": key})
    assert page.status_code == 200
    assert f"Hello &lt;b&gt;Ana&lt;/b&gt;\n{escape(ready['text']['en'])}" in page.text.replace("\r\n", "\n")
    assert 'value="form-1"' in page.text, "it is the same form: sent twice, it texts once"
    assert answers_to(runtime, 0) == []
    refused = client.post("/inbox/1/answer", data={"body": "", "once": "form-1", "start": "nothing"})
    assert refused.status_code == 422


def test_the_list_and_the_thread_name_the_campaign(runtime: Runtime, phone: FlaskClient, client: FlaskClient) -> None:
    say(phone, runtime, 0, QUESTION)
    say(phone, runtime, 9, QUESTION)
    with runtime.db.snapshot() as session:
        (campaign,) = session.execute(select(Campaign)).scalars()
    assert client.get("/inbox/").text.count(str(escape(campaign.name))) == 1, "a stranger answers no campaign"
    assert f'href="/campaigns/{campaign.id}"' in client.get("/inbox/1").text
    assert "We took it as: asks something" in client.get("/inbox/").text


@pytest.mark.parametrize(("body", "words"), [("  ", "Please write an answer first."), ("x" * 2_000, "2000 characters")])
def test_a_refused_answer_keeps_what_was_typed(
    runtime: Runtime, phone: FlaskClient, client: FlaskClient, body: str, words: str
) -> None:
    say(phone, runtime, 0, QUESTION)
    refused = client.post("/inbox/1/answer", data={"body": body, "once": "a"})
    assert refused.status_code == 422
    assert words in refused.text
    assert body.strip() in refused.text
    assert answers_to(runtime, 0) == []


def test_nobody_answers_a_thread_of_somebody_else_before_taking_it_over(
    runtime: Runtime, world: World, phone: FlaskClient, client: FlaskClient
) -> None:
    say(phone, runtime, 0, QUESTION)
    with runtime.db.transaction() as tx:
        other = User(group_id=world.group_id, name="Bea", role="organizer", created_at=runtime.clock.now())
        tx.add(other)
        tx.flush()
        tx.execute(update(Conversation).values(claimed_by=other.id, claimed_at=runtime.clock.real_now()))
    refused = client.post("/inbox/1/answer", data={"body": "typed words", "once": "a"})
    assert (refused.status_code, "typed words" in refused.text) == (422, True)
    assert "Bea takes care of this thread." in refused.text
    stale = client.post("/inbox/1/claim", data={}, follow_redirects=True)  # a page from before Bea took it
    assert "Somebody else takes care" in stale.text
    client.post("/inbox/1/claim", data={"holder": other.id})
    assert client.post("/inbox/1/answer", data={"body": "typed words", "once": "a"}).status_code == 303
    client.post("/inbox/1/release")
    assert threads(runtime)[0].claimed_by is None


def test_a_possible_opt_out_is_decided_first_and_yes_holds_for_good(
    runtime: Runtime, world: World, phone: FlaskClient, client: FlaskClient
) -> None:
    doubt(phone, runtime, 1)
    assert "First say" in client.post("/inbox/1/done", follow_redirects=True).text
    assert client.post("/inbox/1/answer", data={"body": "hello", "once": "a"}).status_code == 422
    for words in ("They get no more texts.", "This was decided already."):
        assert words in client.post("/inbox/1/opt-out", data={"stops": "yes"}, follow_redirects=True).text
    number_hash = runtime.vault.number_hash(number(1))
    with runtime.db.snapshot() as session:
        assert is_suppressed(session, number_hash, world.group_id)
        gate = session.execute(select(Reply.gate_id)).scalar_one()
        assert counters(session, gate or 0, runtime.clock)["opted_out"] == 1
        assert [row.action for row in session.execute(select(AuditEvent)).scalars()].count("opt_out_decided") == 1
        said = session.execute(select(ConsentEvent).where(ConsentEvent.kind == "opt_out")).scalar_one()
        assert (said.wording, said.recorded_by) == (None, "admin")
        assert runtime.vault.open(said.sealed or b"", WORDS) == {"words": DOUBTFUL}
    assert client.post("/inbox/1/answer", data={"body": "hello", "once": "a"}).status_code == 422
    assert answers_to(runtime, 1) == []


def test_no_lets_the_person_be_texted_again(
    runtime: Runtime, world: World, phone: FlaskClient, client: FlaskClient
) -> None:
    doubt(phone, runtime, 1)
    client.post("/inbox/1/opt-out", data={"stops": "no"})
    with runtime.db.snapshot() as session:
        assert not is_suppressed(session, runtime.vault.number_hash(number(1)), world.group_id)
    assert client.post("/inbox/1/answer", data={"body": "hello", "once": "a"}).status_code == 303


def test_a_correction_moves_the_counters_and_is_noted(
    runtime: Runtime, world: World, phone: FlaskClient, client: FlaskClient
) -> None:
    say(phone, runtime, 0, "1")
    for meaning in ("report:voicemail", "report:voicemail"):
        assert (
            "Corrected." in client.post("/inbox/texts/1/meaning", data={"meaning": meaning}, follow_redirects=True).text
        )
    with runtime.db.snapshot() as session:
        reply = session.get_one(Reply, 1)
        counted = counters(session, reply.gate_id or 0, runtime.clock)
        noted = (
            session.execute(select(AuditEvent.details).where(AuditEvent.action == "reply_corrected")).scalars().all()
        )
    assert (reply.outcome, reply.corrected_by) == ("voicemail", "admin")
    assert (counted["report:spoke"], counted["report:voicemail"], counted["replies"]) == (0, 1, 1)
    assert noted == [{"before": ["report", "spoke"], "after": ["report", "voicemail"]}]
    client.post("/inbox/texts/1/meaning", data={"meaning": "opt_out"})
    back = client.post("/inbox/texts/1/meaning", data={"meaning": "other"}, follow_redirects=True)
    assert "An opt-out stays one." in back.text
    with runtime.db.snapshot() as session:
        assert is_suppressed(session, runtime.vault.number_hash(number(0)), world.group_id)
        assert counters(session, reply.gate_id or 0, runtime.clock)["report:voicemail"] == 0


def test_wrong_number_marks_the_number_and_can_be_taken_back(
    runtime: Runtime, phone: FlaskClient, client: FlaskClient
) -> None:
    say(phone, runtime, 0, QUESTION)

    def is_bad() -> bool:
        with runtime.db.snapshot() as session:
            of_person = Constituent.number_hash == runtime.vault.number_hash(number(0))
            return session.execute(select(Constituent.number_bad_at).where(of_person)).scalar_one() is not None

    client.post("/inbox/texts/1/meaning", data={"meaning": "wrong_number"})
    assert is_bad()
    client.post("/inbox/texts/1/meaning", data={"meaning": "question"})
    assert not is_bad()


@pytest.mark.parametrize("meaning", ["", "nonsense", "report", "report:nonsense", "question:spoke", "possible_opt_out"])
def test_a_meaning_that_is_none_changes_nothing(
    runtime: Runtime, phone: FlaskClient, client: FlaskClient, meaning: str
) -> None:
    say(phone, runtime, 0, QUESTION)
    refused = client.post("/inbox/texts/1/meaning", data={"meaning": meaning, "thread": "1"}, follow_redirects=True)
    assert refused.status_code == 200
    with runtime.db.snapshot() as session:
        assert session.get_one(Reply, 1).intent == "question"


def test_another_groups_thread_is_not_there_and_staff_do_everything_but_answer(
    runtime: Runtime, world: World, phone: FlaskClient
) -> None:
    say(phone, runtime, 0, "<script>alert(1)</script> what is this?")
    posts = ("answer", "claim", "release", "done", "opt-out", "hand-over", "tag", "untag")
    others = sign_in(runtime, make_group(runtime, "Others"))
    assert others.get("/inbox/1").status_code == 404
    assert others.get("/inbox/1/live").status_code == 404
    data = {"body": "x", "once": "a", "meaning": "other", "new_tag": "Rides", "tag": "1", "to": "1"}
    assert {others.post(f"/inbox/1/{one}", data=data).status_code for one in posts} == {404}
    assert others.post("/inbox/texts/1/meaning", data=data).status_code == 404
    staff = sign_in(runtime, world.group_id, "staff")
    page = staff.get("/inbox/1")
    assert (page.status_code, "<script>alert" in page.text, "Send answer" in page.text) == (200, False, False)
    assert "&lt;script&gt;" in page.text
    assert staff.post("/inbox/1/answer", data=data).status_code == 403
    assert staff.post("/inbox/1/opt-out", data={"stops": "no"}).status_code == 403, "who may not send may only stop"
    for one in ("claim", "tag", "release", "done", "opt-out"):
        assert staff.post(f"/inbox/1/{one}", data=data).status_code == 303, one
    assert staff.post("/inbox/texts/1/meaning", data=data).status_code == 303
    for path in ("ready/new", "ready/1", ""):
        assert staff.post(f"/inbox/settings/{path}", data={"name": "x", "hours": "2"}).status_code == 403


def test_the_list_is_sent_again_only_when_it_changed(runtime: Runtime, phone: FlaskClient, client: FlaskClient) -> None:
    say(phone, runtime, 0, QUESTION)
    first = client.get("/inbox/live")
    again = client.get("/inbox/live", headers={"If-None-Match": first.headers["ETag"]})
    say(phone, runtime, 1, QUESTION)
    changed = client.get("/inbox/live", headers={"If-None-Match": first.headers["ETag"]})
    assert (again.status_code, changed.status_code) == (304, 200)


def test_a_stop_ends_the_waiting_of_its_thread(runtime: Runtime, phone: FlaskClient, client: FlaskClient) -> None:
    say(phone, runtime, 0, QUESTION)
    say(phone, runtime, 0, "STOP")
    assert threads(runtime)[0].rank == DONE
    refused = client.post("/inbox/1/answer", data={"body": "please stay", "once": "a"})
    assert "opted out" in refused.text
    assert answers_to(runtime, 0) == []


@pytest.mark.parametrize("intent", [*INTENTS, "help", "opt_in", "language", "confirm", "deny"])
def test_an_opt_out_never_waits_and_a_stranger_waits_before_a_known_person(intent: str) -> None:
    known, stranger = (rank_of(intent, "any", matched=matched) for matched in (True, False))
    assert stranger <= known
    assert rank_of("opt_out", "any", matched=True) == DONE
    assert rank_of("possible_opt_out", "any", matched=False) < min(known, stranger)


@pytest.mark.parametrize(("minutes", "state"), [(0, "posting"), (29, "posting"), (31, "held")])
def test_a_late_answer_waits_for_the_day(minutes: int, state: str) -> None:
    midnight = datetime.fromtimestamp(NOON_TUESDAY, UTC) + timedelta(hours=12)
    facts = Facts(
        gate="open", kind="answer", suppressed=False, number_bad=False, body="hello", zones=fifty_states(), sent_at=(),
        asked_at=midnight - timedelta(minutes=minutes),
    )  # fmt: skip
    assert judge(facts, midnight).state == state
    assert timedelta(minutes=30) == ANSWER_WITHIN
