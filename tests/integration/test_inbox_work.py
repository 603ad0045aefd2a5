"""Several people at one inbox: whose a thread is, handing it over, tags, ready answers, and what came meanwhile."""

from __future__ import annotations

import re
import threading
from datetime import timedelta

import pytest
from flask.testing import FlaskClient
from markupsafe import escape
from sqlalchemy import select, update

from outreach.accounts.models import AuditEvent, User
from outreach.core.errors import BadInputError, ConflictError
from outreach.core.runtime import Runtime
from outreach.messaging.conversations import DONE, PERHAPS_OPTED_OUT, TO_READ, UNMATCHED
from outreach.messaging.inbox import NOTE, answer_person, claim_conversation, close_conversation, hand_over
from outreach.messaging.inbox_models import ConversationTag, ThreadTag
from outreach.messaging.models import Conversation, Reply
from outreach.messaging.threads import CLAIM_LASTS, Actor
from outreach.people.consent import is_suppressed
from outreach.people.models import Constituent
from outreach.privacy.disclosure import disclose
from outreach.privacy.erasure import erase_number
from outreach.privacy.retention import purge
from outreach.web.inbox_reads import THREADS_SHOWN, list_threads
from tests.factories import World, make_group, make_world, number
from tests.integration.test_live import sign_in
from tests.integration.test_retention import DAY, later
from tests.integration.test_web_inbox import QUESTION, answers_to, client, doubt, once, phone, threads, world
from tests.integration.test_webhooks import say

__all__ = ["client", "phone", "world"]


def colleague(runtime: Runtime, world: World, name: str, role: str = "organizer") -> Actor:
    with runtime.db.transaction() as tx:
        user = User(group_id=world.group_id, name=name, role=role, created_at=runtime.clock.now())
        tx.add(user)
        tx.flush()
        return Actor(user.id, world.group_id, name)


def claim(runtime: Runtime, who: Actor, holder: int | None = None) -> None:
    with runtime.db.transaction(durable=True) as tx:
        claim_conversation(tx, runtime, who, 1, holder)


def wait_for(page: str, *words: str) -> None:
    assert [one for one in words if one not in page] == []


def test_of_two_who_take_a_thread_at_once_one_gets_it(
    runtime: Runtime, world: World, phone: FlaskClient, client: FlaskClient
) -> None:
    say(phone, runtime, 0, QUESTION)
    people = [colleague(runtime, world, f"P{index}") for index in range(4)]
    start, got = threading.Barrier(len(people)), []

    def take(who: Actor) -> None:
        start.wait()
        try:
            claim(runtime, who)
        except ConflictError:
            return
        got.append(who.user_id)

    takers = [threading.Thread(target=take, args=(who,)) for who in people]
    for taker in takers:
        taker.start()
    for taker in takers:
        taker.join()
    assert got == [threads(runtime)[0].claimed_by]


def test_a_claim_without_an_act_is_anybodys_and_its_holder_may_still_answer(
    runtime: Runtime, world: World, phone: FlaskClient, client: FlaskClient
) -> None:
    say(phone, runtime, 0, QUESTION)
    bea, cleo = colleague(runtime, world, "Bea"), colleague(runtime, world, "Cleo")
    claim(runtime, bea)
    with pytest.raises(ConflictError, match="Somebody else"):
        claim(runtime, cleo)
    assert "With Bea" in client.get("/inbox/").text
    with runtime.db.transaction() as tx:
        tx.execute(update(Conversation).values(claimed_at=runtime.clock.real_now() - CLAIM_LASTS))
    assert "Bea had it until" in client.get("/inbox/").text
    wait_for(client.get("/inbox/1").text, "Bea had it until", "I take this one")
    with runtime.db.transaction(durable=True) as tx:
        assert answer_person(tx, runtime, bea, 1, body="It is still mine.", once="a")
    assert threads(runtime)[0].claimed_by == bea.user_id
    with runtime.db.transaction() as tx:
        tx.execute(update(Conversation).values(claimed_at=runtime.clock.real_now() - CLAIM_LASTS))
    claim(runtime, cleo)
    with runtime.db.transaction(durable=True) as tx, pytest.raises(ConflictError):
        answer_person(tx, runtime, bea, 1, body="Is it?", once="b")


def test_what_came_after_the_page_was_read_goes_on_waiting(
    runtime: Runtime, world: World, phone: FlaskClient, client: FlaskClient
) -> None:
    say(phone, runtime, 0, QUESTION)
    read = client.get("/inbox/1").text
    assert re.findall(r'name="seen" value="(\d+)" form="answer"', read) == ["1"]
    say(phone, runtime, 0, "and my mother asks the same thing")
    assert (
        "Another text has come meanwhile."
        in client.post("/inbox/1/done", data={"seen": "1"}, follow_redirects=True).text
    )
    form = {"body": "No need!", "once": "a", "seen": "1"}
    assert client.post("/inbox/1/answer", data=form).status_code == 303
    assert answers_to(runtime, 0) == ["No need!"]
    assert threads(runtime)[0].rank == TO_READ
    assert client.post("/inbox/1/done", data={"seen": "2"}).status_code == 303
    assert threads(runtime)[0].rank == DONE
    doubt(phone, runtime, 1)
    say(phone, runtime, 1, "seriously leave me alone maybe")
    doubtful = threads(runtime)[1].id
    refused = client.post(f"/inbox/{doubtful}/opt-out", data={"stops": "no", "seen": "3"}, follow_redirects=True)
    assert "Another text has come meanwhile." in refused.text
    assert threads(runtime)[1].rank == PERHAPS_OPTED_OUT
    client.post(f"/inbox/{doubtful}/opt-out", data={"stops": "yes", "seen": "3"})
    assert threads(runtime)[1].rank == DONE


def test_a_no_does_not_lift_what_another_group_has_yet_to_read(
    runtime: Runtime, world: World, phone: FlaskClient, client: FlaskClient
) -> None:
    doubt(phone, runtime, 1)
    hashed = runtime.vault.number_hash(number(1))
    others = make_group(runtime, "Others")
    with runtime.db.transaction() as tx:
        row = {column.name: getattr(threads(runtime)[0], column.name) for column in Conversation.__table__.columns}
        tx.add(Conversation(**{**row, "id": None, "group_id": others}))
        found = tx.execute(select(Reply)).scalars().one()
        row = {column.name: getattr(found, column.name) for column in Reply.__table__.columns}
        tx.add(Reply(**{**row, "id": None, "group_id": others, "carrier_sid": "SMother", "gate_id": None}))
    client.post("/inbox/1/opt-out", data={"stops": "no"})
    with runtime.db.snapshot() as session:
        assert is_suppressed(session, hashed, world.group_id)
    sign_in(runtime, others).post(f"/inbox/{threads(runtime)[1].id}/opt-out", data={"stops": "no"})
    with runtime.db.snapshot() as session:
        assert not is_suppressed(session, hashed, world.group_id)


def test_a_thread_is_handed_to_an_organizer_with_a_note(
    runtime: Runtime, world: World, phone: FlaskClient, client: FlaskClient
) -> None:
    say(phone, runtime, 0, QUESTION)
    staff, bea = colleague(runtime, world, "Sam", "staff"), colleague(runtime, world, "Bea")
    with runtime.db.snapshot() as session:
        me = session.execute(select(User.id).where(User.name == "admin")).scalar_one()
    claim(runtime, staff)
    for to, wrong in ((staff.user_id, "oneself"), (None, "nobody"), (make_world(runtime, 1, name="O").group_id, "?")):
        with runtime.db.transaction() as tx, pytest.raises(BadInputError):
            hand_over(tx, runtime, staff, 1, to=to, text=wrong)
    refused = client.post("/inbox/1/hand-over", data={"to": str(bea.user_id), "note": "She asks twice"})
    assert (refused.status_code, "She asks twice" in refused.text) == (422, True), "Sam has it"
    for _ in range(2):
        with runtime.db.transaction() as tx:
            hand_over(tx, runtime, staff, 1, to=me, text="She asks <twice>")
    thread = threads(runtime)[0]
    assert (thread.claimed_by, thread.handed_to, thread.rank) == (None, me, TO_READ)
    assert runtime.vault.open(thread.sealed or b"", NOTE) == {"note": "She asks <twice>"}
    page = client.get("/inbox/?view=handed").text
    wait_for(page, "Handed to you", '<span class="count" id="count-handed">1</span>')
    wait_for(client.get("/inbox/1").text, "Sam handed this thread to you.", str(escape("She asks <twice>")))
    with runtime.db.snapshot() as session:
        noted = session.execute(select(AuditEvent).where(AuditEvent.action == "conversation_handed")).scalars().all()
    assert [(row.actor, row.details) for row in noted] == [("Sam", {"to": me})]
    client.post("/inbox/1/answer", data={"body": "Yes!", "once": "a"})
    thread = threads(runtime)[0]
    assert (thread.handed_to, thread.sealed, thread.rank) == (None, None, DONE)
    client.post("/inbox/1/release")
    with runtime.db.transaction() as tx:
        hand_over(tx, runtime, bea, 1, to=me, text="")
    assert threads(runtime)[0].rank == TO_READ, "whoever hands it over wants it looked at"


def test_tags_are_put_on_found_by_and_taken_off(
    runtime: Runtime, world: World, phone: FlaskClient, client: FlaskClient
) -> None:
    for person in (0, 1):
        say(phone, runtime, person, QUESTION)
    for given in ({"new_tag": " Rides  please "}, {"new_tag": "RIDES PLEASE"}, {"known": "Rides please"}):
        client.post("/inbox/1/tag", data=given)
    client.post(f"/inbox/{threads(runtime)[1].id}/tag", data={"new_tag": "Press"})
    for wrong in ("", "x" * 41):
        assert "A tag has 1 to 40" in client.post("/inbox/1/tag", data={"new_tag": wrong}, follow_redirects=True).text
    with runtime.db.snapshot() as session:
        assert len(session.execute(select(ConversationTag)).all()) == 2
        rides, press = session.execute(select(ThreadTag.id).order_by(ThreadTag.id)).scalars()
        assert b"Rides" not in session.execute(select(ThreadTag.sealed)).scalars().first()  # type: ignore[operator]
    page = client.get(f"/inbox/?tag={rides}").text
    assert (page.count("list-group-item"), "Rides please" in page) == (1, True)
    assert client.get(f"/inbox/?tag={press}").text.count("list-group-item") == 1
    assert client.get("/inbox/?tag=99").text.count("list-group-item") == 2
    others = sign_in(runtime, make_group(runtime, "Others"))
    assert others.post("/inbox/1/untag", data={"tag": rides}).status_code == 404
    client.post("/inbox/1/untag", data={"tag": rides})
    with runtime.db.snapshot() as session:
        assert session.execute(select(ThreadTag.id)).scalars().all() == [press], "no thread has the other one"


def test_ready_answers_speak_the_persons_language_and_name(
    runtime: Runtime, world: World, phone: FlaskClient, client: FlaskClient
) -> None:
    say(phone, runtime, 0, QUESTION)
    new = "/inbox/settings/ready/new"
    given = {
        "name": "Rides",
        "ready_en": "{{ first_name }}, we drive you. {{ group }}",
        "ready_es": "Te llevamos, {{ first_name }}",
    }
    for wrong, words in (
        ({"ready_es": ""}, "Write it in both languages."),
        ({"ready_en": "{{ official }} hi"}, "can be filled in here"),
        ({"ready_en": "{% for x in y %}"}, "can be filled in here"),
        ({"ready_en": "We are ACLU staff."}, "never present themselves as staff"),
        ({"name": "x" * 61}, "at most 60"),
    ):
        refused = client.post(new, data={**given, **wrong})
        assert (refused.status_code, words in refused.text) == (422, True), words
    for _ in range(2):
        assert client.post(new, data=given).status_code == 303
    taken = client.post(new, data={**given, "ready_en": "Other words"})
    assert "There is a ready answer with this name." in taken.text
    wait_for(client.get("/inbox/settings/").text, "Ana, we drive you. Testers", "Te llevamos, Ana", "Counts as 1 text")
    page = client.post("/inbox/1/answer", data={"body": "Hi", "once": "a", "start": "own-1"}).text
    assert "Hi\nAna, we drive you. Testers" in page.replace("\r\n", "\n")
    with runtime.db.transaction() as tx:
        tx.execute(update(Constituent).where(Constituent.id == world.people[0]).values(language="es"))
    wait_for(client.get("/inbox/1").text, "Put in a ready answer, in Spanish:")
    assert "Te llevamos, Ana" in client.post("/inbox/1/answer", data={"once": "a", "start": "own-1"}).text
    say(phone, runtime, 9, QUESTION)
    stranger = f"/inbox/{threads(runtime)[1].id}/answer"
    assert "neighbor, we drive you." in client.post(stranger, data={"once": "a", "start": "own-1"}).text
    edit = "/inbox/settings/ready/1"
    assert "Te llevamos" in client.get(edit).text
    assert client.post(edit, data={**given, "name": "Cars"}).status_code == 303
    assert sign_in(runtime, make_group(runtime, "Others")).get(edit).status_code == 404
    assert client.post(f"{edit}/delete").status_code == 303
    assert client.get(edit).status_code == 404


def test_a_strangers_text_can_be_answered_tagged_and_done_without_their_number(
    runtime: Runtime, world: World, phone: FlaskClient, client: FlaskClient
) -> None:
    say(phone, runtime, 9, QUESTION)
    assert threads(runtime)[0].rank == UNMATCHED
    for path in ("/inbox/?view=unmatched", "/inbox/1"):
        page = client.get(path).text
        assert (number(9) in page, "•••" in page) == (False, True)
    client.post("/inbox/1/tag", data={"new_tag": "Wrong list"})
    form = {"body": "We are volunteers.", "once": once(client, "/inbox/1"), "seen": "1"}
    for _ in range(2):
        client.post("/inbox/1/answer", data=form)
    assert answers_to(runtime, 9) == ["We are volunteers."]
    say(phone, runtime, 9, QUESTION)
    client.post("/inbox/1/done")
    assert client.get("/inbox/?view=unmatched").text.count("list-group-item") == 0


def test_pages_of_a_list_neither_skip_nor_repeat_while_threads_move(
    runtime: Runtime, world: World, phone: FlaskClient
) -> None:
    say(phone, runtime, 0, QUESTION)
    at = runtime.clock.real_now()
    with runtime.db.transaction() as tx:
        for index in range(2 * THREADS_SHOWN + 5):
            hashed = runtime.vault.number_hash(number(index + 20))
            when = at - timedelta(minutes=index % 7)  # equal times: the id decides
            tx.add(Conversation(group_id=world.group_id, number_hash=hashed, rank=2 + index % 2, waits_since=when,
                                last_reply_at=when))  # fmt: skip
            tx.add(Reply(group_id=world.group_id, carrier_sid=f"SM{index}", number_hash=hashed, intent="question",
                         language="en", confidence=1.0, rule="r", classifier="c", received_at=when))  # fmt: skip
    for view in ("waiting", "all"):
        seen: list[int] = []
        after, pages = None, 0
        while pages == 0 or after is not None:
            with runtime.db.snapshot() as session:
                page = list_threads(session, runtime, world.group_id, view=view, user_id=1, after=after)
            rows, after = [row.id for row in page.rows], page.after
            seen, pages = seen + rows, pages + 1
            if pages == 1:  # one of the first page is done: with pages by number, the next page would miss one
                with runtime.db.transaction() as tx:
                    close_conversation(tx, runtime, Actor(1, world.group_id, "admin"), rows[0])
        assert len(seen) == len(set(seen))
        with runtime.db.snapshot() as session:
            every = set(session.execute(select(Conversation.id).where(Conversation.rank < DONE)).scalars())
        assert every <= set(seen), view


def test_what_was_written_beside_a_thread_is_told_purged_and_erased(
    runtime: Runtime, world: World, phone: FlaskClient, client: FlaskClient
) -> None:
    say(phone, runtime, 0, QUESTION)
    bea = colleague(runtime, world, "Bea")
    hashed = runtime.vault.number_hash(number(0))

    def hand() -> None:
        with runtime.db.transaction() as tx:
            hand_over(tx, runtime, Actor(1, world.group_id, "admin"), 1, to=bea.user_id, text="Her mother is ill")

    hand()
    client.post("/inbox/1/tag", data={"new_tag": "Care"})
    told = disclose(runtime, world.group_id, hashed, reason="They asked", actor="admin")
    assert (told["thread"]["tags"], told["thread"]["note"]) == (["Care"], "Her mother is ill")
    purge(later(runtime, 29 * DAY))
    assert threads(runtime)[0].sealed is not None
    purge(later(runtime, 31 * DAY))
    assert threads(runtime)[0].sealed is None
    hand()
    erase_number(runtime, world.group_id, hashed, reason="They asked", actor="admin")
    thread = threads(runtime)[0]
    assert (thread.sealed, thread.handed_to, thread.claimed_by, thread.rank) == (None, None, None, DONE)
    with runtime.db.snapshot() as session:
        assert session.execute(select(ConversationTag)).all() == []
