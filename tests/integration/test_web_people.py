"""The constituents' pages: finding people, and everything that is known of one, on both databases."""

from __future__ import annotations

from datetime import timedelta

import pytest
from flask.testing import FlaskClient
from sqlalchemy import insert, select, update

from outreach.core.runtime import Runtime
from outreach.messaging.models import Message, Reply
from outreach.people.consent import is_suppressed, lift, record_opt_in, record_opt_out, suppress
from outreach.people.models import Constituent, ContactList, ListMembership, Suppression
from outreach.people.why_not import in_force
from outreach.web import people_reads
from outreach.web.people_reads import standing_of
from tests.factories import make_group, make_person, make_world, number, plan_messages
from tests.integration.test_live import sign_in
from tests.integration.test_web_import import send, the_upload


@pytest.fixture
def client(runtime: Runtime, group: int) -> FlaskClient:
    return sign_in(runtime, group, "organizer")


def rename(runtime: Runtime, person: int, **document: str) -> None:
    with runtime.db.transaction() as tx:
        row = tx.get_one(Constituent, person)
        known = runtime.vault.open(row.sealed, "constituent")
        row.sealed = runtime.vault.seal({**known, **document}, "constituent")


def test_a_number_leads_to_its_person_and_stays_out_of_addresses(
    runtime: Runtime, group: int, client: FlaskClient
) -> None:
    person = make_person(runtime, group, number(1))
    make_person(runtime, make_group(runtime, "Others"), number(2))
    for written in ("+15205550100", "(520) 555-0100", "520.555.0100"):
        found = client.post("/people/find", data={"sought": written, "list": "0"})
        assert (found.status_code, found.location) == (303, f"/people/{person}")
    for written, words in ((number(2), "knows nobody"), ("555-0100", "area code is missing"), ("5205550", "area code")):
        page = client.post("/people/find", data={"sought": written, "list": "0"})
        assert page.status_code == 422
        assert words in page.text
        assert f'value="{written}"' in page.text


def test_names_are_searched_among_the_newest_and_the_page_says_so(
    runtime: Runtime, group: int, client: FlaskClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    people = [make_person(runtime, group, number(index)) for index in range(6)]
    rename(runtime, people[0], first_name="Óscar")
    rename(runtime, people[5], first_name="Oscar", last_name="<script>alert(1)</script>")
    sent = client.post("/people/find", data={"sought": " oscar ", "list": "0"})
    assert sent.location == "/people/?name=oscar"
    both = client.get(sent.location).text
    assert "Óscar Tester" in both
    assert "Oscar &lt;script&gt;alert(1)" in both
    assert "<script>alert" not in both
    assert "Names are kept locked" not in both
    monkeypatch.setattr(people_reads, "SEARCHED", 5)
    newest = client.get(sent.location).text
    assert "Óscar Tester" not in newest
    assert "Names are kept locked" in newest
    assert "Nobody was found" in client.get("/people/?name=zoe").text


def test_pages_and_lists(runtime: Runtime, client: FlaskClient, monkeypatch: pytest.MonkeyPatch) -> None:
    world = make_world(runtime, 5)
    outsider = make_person(runtime, world.group_id, number(9))
    monkeypatch.setattr(people_reads, "ON_A_PAGE", 2)
    seen: list[int] = []
    for page in (1, 2, 3):
        text = client.get(f"/people/?list={world.list_id}&page={page}").text
        seen += [person for person in world.people if f'"/people/{person}"' in text]
        assert f'"/people/{outsider}"' not in text
    assert sorted(seen) == world.people
    assert "5 people" in text
    assert 'rel="next"' not in text
    assert f"list={world.list_id}" in text  # the way back keeps the list
    assert f'"/people/{outsider}"' in client.get("/people/").text
    for odd in ("page=0", "page=-3", "page=x", f"page={10**30}", "list=x", "name=%00a", "name=" + "y" * 500):
        assert client.get(f"/people/?{odd}").status_code == 200, odd


def test_staff_read_and_do_not_import(runtime: Runtime, group: int) -> None:
    person = make_person(runtime, group, number(1))
    staff = sign_in(runtime, group, "staff")
    for path in ("/people/", f"/people/{person}"):
        assert staff.get(path).status_code == 200
    assert "Import a list" not in staff.get("/people/").text
    assert staff.post("/people/find", data={"sought": "ana", "list": "0"}).status_code == 303
    for path in ("/people/import", "/people/import/template.csv", "/people/import/1"):
        assert staff.get(path).status_code == 403
    assert send(staff).status_code == 403
    for verb in ("confirm", "cancel"):
        assert staff.post(f"/people/import/1/{verb}").status_code == 403


def test_what_is_another_groups_is_not_there(runtime: Runtime, client: FlaskClient) -> None:
    sent = send(client)
    world = make_world(runtime, 1, name="Others")
    other = sign_in(runtime, world.group_id, "organizer")
    assert other.get(sent.location).status_code == 404
    for verb in ("confirm", "cancel"):
        assert other.post(f"{sent.location}/{verb}").status_code == 404
    assert the_upload(runtime).state == "waiting"
    assert client.get(f"/people/{world.people[0]}").status_code == 404
    for nobodys in (world.list_id, 10**30, -(10**30)):
        assert client.get(f"/people/?list={nobodys}").status_code == 404
    assert f'"/people/{world.people[0]}"' not in client.get("/people/").text
    sent_on = client.post("/people/find", data={"sought": "ana", "list": str(world.list_id)}, follow_redirects=True)
    assert sent_on.status_code == 404
    for odd in ("x", "", "1e9"):
        assert client.post("/people/find", data={"sought": "ana", "list": odd}).status_code == 303, odd
    assert client.post("/people/find", data={}).status_code == 303
    assert "people.csv" not in other.get("/people/import").text
    assert client.get(f"/people/{10**20}").status_code == 404


def test_the_person_page_tells_everything(runtime: Runtime, client: FlaskClient) -> None:
    world = make_world(runtime, 1)
    person, hashed = world.people[0], runtime.vault.number_hash(number(0))
    real, now = runtime.clock.real_now(), runtime.clock.now()
    first, second = plan_messages(runtime, world)[0], plan_messages(runtime, world)[0]
    with runtime.db.transaction() as tx:
        tx.execute(
            update(Message)
            .where(Message.id == first)
            .values(
                state="delivered",
                posted_at=now - timedelta(hours=1),
                sealed=runtime.vault.seal({"to": number(0), "body": "Hi Ana <i>there</i>"}, "message"),
            )
        )
        record_opt_out(tx, runtime.vault, world.group_id, hashed, wording="stop <b>it</b>", source="reply", at=real)
        tx.add(
            Reply(
                group_id=world.group_id, carrier_sid="SM1", number_hash=hashed, constituent_id=person, gate_id=None,
                sealed=runtime.vault.seal({"from": number(0), "body": "<script>alert(2)</script>"}, "reply"),
                intent="opt_out", outcome=None, language="en", confidence=1.0, rule="r", classifier="1",
                received_at=real,
            )
        )  # fmt: skip
    assert second > first
    page = client.get(f"/people/{person}").text
    for words in (
        "Ana Tester", "(480) •••-••00", "Phoenix", "Mountain Standard Time", ">all<", "They opted out",
        "as many texts as one person may get", "Hi Ana &lt;i&gt;there&lt;/i&gt;", "delivered", "planned",
        "&lt;script&gt;alert(2)", "stop &lt;b&gt;it&lt;/b&gt;", "Opted out", "by text", "for every group",
    ):  # fmt: skip
        assert words in page, words
    assert page.index("Hi Ana &lt;i&gt;") < page.index("&lt;script&gt;alert(2)"), "oldest first, as on a phone"
    for leak in ("<script>alert", "<b>it</b>", number(0), "4805550100"):
        assert leak not in page, leak


def test_somebody_of_nowhere_waits_for_hawaii(runtime: Runtime, group: int, client: FlaskClient) -> None:
    person = make_person(runtime, group, number(1), zones="", consented_at=None)
    page = client.get(f"/people/{person}").text
    assert "from New York to Hawaii" in page
    assert "have not agreed" in page


def test_a_damaged_row_hides_nobody(runtime: Runtime, client: FlaskClient) -> None:
    world = make_world(runtime, 2)
    plan_messages(runtime, world)
    with runtime.db.transaction() as tx:
        tx.execute(update(Constituent).where(Constituent.id == world.people[0]).values(sealed=b"\x03abc" + b"x" * 40))
        tx.execute(update(Message).values(sealed=b""))
    page = client.get("/people/")
    assert page.status_code == 200
    assert "No name" in page.text
    assert "Ana Tester" in page.text
    assert client.get(f"/people/{world.people[0]}").status_code == 200


def test_the_pages_rule_on_suppression_is_the_senders(runtime: Runtime, group: int) -> None:
    """``in_force`` says in Python what ``consent`` says in SQL; every short history must agree."""
    at = runtime.clock.real_now()
    steps = ("stop", "start", "pending", "carrier", "lift", "others stop", "others start")
    others = make_group(runtime, "Others")
    hashes: list[bytes] = []
    with runtime.db.transaction() as tx:
        for index, (one, two, three) in enumerate((a, b, c) for a in steps for b in steps for c in steps):
            hashed = index.to_bytes(16, "big")
            hashes.append(hashed)
            for minute, step in enumerate((one, two, three)):
                then = at + timedelta(minutes=minute)
                if step in {"stop", "others stop"}:
                    who = group if step == "stop" else others
                    record_opt_out(tx, runtime.vault, who, hashed, wording="stop", source="reply", at=then)
                elif step in {"start", "others start"}:
                    who = group if step == "start" else others
                    record_opt_in(tx, runtime.vault, who, hashed, wording="start", source="reply", at=then)
                elif step == "lift":
                    for row in tx.execute(
                        select(Suppression.id).where(
                            Suppression.number_hash == hashed, Suppression.source != "person",
                            Suppression.lifted_at.is_(None),
                        )
                    ).all():  # fmt: skip
                        lift(tx, row.id, group, reason="a mistake", at=then)
                else:
                    suppress(tx, hashed, "pending" if step == "pending" else "carrier", at=then)
    agreed = {True: 0, False: 0}
    with runtime.db.snapshot() as session:
        standing = standing_of(session, group, hashes)
        for hashed in hashes:
            suppressions, starts = standing[hashed]
            told = bool(in_force(suppressions, starts))
            assert told == is_suppressed(session, hashed, group), hashed
            agreed[told] += 1
    assert min(agreed.values()) > 50


def test_the_list_stays_quick_and_whole_with_many_lists(runtime: Runtime, group: int, client: FlaskClient) -> None:
    person = make_person(runtime, group, number(1))
    with runtime.db.transaction() as tx:
        now = runtime.clock.now()
        rows = [{"group_id": group, "name": f"<L{index}>", "created_at": now} for index in range(30)]
        tx.execute(insert(ContactList), rows)
        ids = tx.execute(select(ContactList.id)).scalars().all()
        tx.execute(insert(ListMembership), [{"list_id": one, "constituent_id": person} for one in ids])
    assert client.get("/people/").text.count("&lt;L") == 30
    assert client.get(f"/people/{person}").text.count("&lt;L") == 30
