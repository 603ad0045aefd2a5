"""A person's data as a file, deletion on request, and lists as files: who may, what is asked first, what is noted."""

from __future__ import annotations

import csv
import io
import json

import pytest
from flask.testing import FlaskClient
from sqlalchemy import select, update

from outreach.accounts.models import AuditEvent
from outreach.core.runtime import Runtime
from outreach.core.spreadsheets import as_csv
from outreach.messaging.models import Message
from outreach.people.columns import map_columns
from outreach.people.consent import record_opt_out
from outreach.people.models import Constituent, ContactList
from outreach.privacy import people_files
from outreach.privacy.people_files import HEADER, people_file
from tests.factories import World, make_person, make_world, number, plan_messages
from tests.integration.test_live import sign_in
from tests.integration.test_web_people import rename

WHY = {"because": "They wrote to us, call 480-555-0100"}
MASKED = "They wrote to us, call <number ..00>"


@pytest.fixture
def world(runtime: Runtime) -> World:
    return make_world(runtime, 3)


@pytest.fixture
def client(runtime: Runtime, world: World) -> FlaskClient:
    return sign_in(runtime, world.group_id, "organizer")


def audits(runtime: Runtime) -> list[AuditEvent]:
    """What stands in the book of people's data that was taken out or away."""
    taken = AuditEvent.action.in_(("export", "person_disclosed", "person_erased"))
    with runtime.db.snapshot() as session:
        return list(session.execute(select(AuditEvent).where(taken).order_by(AuditEvent.id)).scalars())


def table(body: bytes) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(body.decode("utf-8-sig"), newline="")))


def test_everything_that_is_kept_is_one_file(runtime: Runtime, world: World, client: FlaskClient) -> None:
    first, second = plan_messages(runtime, world)[0], plan_messages(runtime, world)[0]
    hashed, now = runtime.vault.number_hash(number(0)), runtime.clock.now()
    sealed = runtime.vault.seal({"to": number(0), "body": "Hi Ana"}, "message")
    with runtime.db.transaction(durable=True) as tx:
        tx.execute(update(Message).where(Message.id == first).values(state="delivered", posted_at=now, sealed=sealed))
        record_opt_out(tx, runtime.vault, world.group_id, hashed, wording="please stop", source="reply",
                       at=runtime.clock.real_now())  # fmt: skip
    person = f"/people/{world.people[0]}"
    assert f'href="{person}/data"' in client.get(person).text
    assert client.get(f"{person}/data").status_code == 200
    assert client.post(f"{person}/data", data={"because": "  "}).status_code == 422
    assert audits(runtime) == []
    answer = client.post(f"{person}/data", data=WHY)
    assert answer.headers["Content-Disposition"] == f'attachment; filename="person-{world.people[0]}.json"'
    found = json.loads(answer.data)
    assert found["person"]["phone"] == number(0)
    assert (found["person"]["first_name"], found["person"]["lists"]) == ("Ana", ["all"])
    assert [(one["kind"], one["words"]) for one in found["consent"]] == [("opt_out", "please stop")]
    assert [(one["source"], one["for_every_group"]) for one in found["suppressions"]] == [("person", True)]
    assert [(one["state"], one["body"]) for one in found["texts"]] == [("delivered", "Hi Ana"), ("planned", None)]
    assert found["replies"] == found["follow_ups"] == []
    (audit,) = audits(runtime)
    assert (audit.action, audit.actor, audit.details) == ("person_disclosed", "admin", {"because": MASKED})
    assert second > first


def test_deletion_asks_first_needs_a_reason_and_happens_once(
    runtime: Runtime, world: World, client: FlaskClient
) -> None:
    plan_messages(runtime, world)
    person = f"/people/{world.people[0]}"
    page = client.get(f"{person}/erase").text
    assert "Delete this person?" in page
    assert "cannot be undone" in page
    assert client.post(f"{person}/erase", data={"because": ""}).status_code == 422
    assert client.get(person).status_code == 200
    gone = client.post(f"{person}/erase", data=WHY, follow_redirects=True).text
    assert "The person was deleted. 1 waiting text was canceled." in gone
    assert f'"{person}"' not in gone
    assert "was deleted before" in client.post(f"{person}/erase", data=WHY, follow_redirects=True).text
    for path in (person, f"{person}/data", f"{person}/erase"):
        assert client.get(path).status_code == 404
    assert "knows nobody" in client.post("/people/find", data={"sought": number(0), "list": "0"}).text
    (audit,) = audits(runtime)
    assert (audit.action, audit.details["because"], audit.details["people"]) == ("person_erased", MASKED, 1)
    assert client.get("/").status_code == client.get("/inbox/?view=all").status_code == 200


def test_what_is_another_groups_is_not_there(runtime: Runtime, client: FlaskClient) -> None:
    other = make_world(runtime, 1, name="Others")
    for path in (f"/people/{other.people[0]}/data", f"/people/{other.people[0]}/erase"):
        assert client.get(path).status_code == client.post(path, data=WHY).status_code == 404
    assert client.post("/people/export", data={**WHY, "list": str(other.list_id), "kind": "csv"}).status_code == 404
    assert audits(runtime) == []


def test_staff_take_nothing_out_and_away(runtime: Runtime, world: World) -> None:
    staff = sign_in(runtime, world.group_id, "staff")
    for path in (f"/people/{world.people[0]}/data", f"/people/{world.people[0]}/erase", "/people/export"):
        assert staff.get(path).status_code == staff.post(path, data=WHY).status_code == 403
    for page in ("/people/", f"/people/{world.people[0]}"):
        assert "/data" not in staff.get(page).text
        assert "/people/export" not in staff.get(page).text
    assert audits(runtime) == []


def test_a_list_is_a_file_without_numbers_unless_they_are_asked_for(
    runtime: Runtime, world: World, client: FlaskClient
) -> None:
    rename(runtime, world.people[0], first_name="=cmd()", email="ana@example.org", city="Peña")
    make_person(runtime, world.group_id, number(9), consented_at=None)
    assert f"/people/export?list={world.list_id}" in client.get(f"/people/?list={world.list_id}").text
    asked = {**WHY, "list": str(world.list_id), "kind": "csv"}
    for wrong in ({"because": ""}, {"kind": "pdf"}):
        assert client.post("/people/export", data={**asked, **wrong}).status_code == 422
    answer = client.post("/people/export", data=asked)
    assert answer.headers["Content-Disposition"] == 'attachment; filename="people.csv"'
    rows = table(answer.data)
    assert [row["first_name"] for row in rows] == ["'=cmd()", "Ana", "Ana"]
    assert (rows[0]["phone"], rows[0]["email"], rows[0]["city"], rows[0]["texts"]) == ("480•••••00", "", "Peña", "yes")
    assert number(0).removeprefix("+1").encode() not in answer.data
    whole = table(client.post("/people/export", data={**asked, "list": "0", "numbers": "y"}).data)
    assert [row["phone"] for row in whole] == [number(index).removeprefix("+1") for index in (0, 1, 2, 9)]
    assert (whole[0]["email"], whole[3]["texts"]) == ("ana@example.org", "no agreement")
    first, second = audits(runtime)
    assert first.details == {"what": "constituents", "people": 3, "with_numbers": False, "because": MASKED}
    assert (first.subject, second.subject) == (f"contact_list:{world.list_id}", "people")
    assert (second.action, second.details["people"], second.details["with_numbers"]) == ("export", 4, True)


def test_the_spreadsheet_holds_the_same(runtime: Runtime, world: World, client: FlaskClient) -> None:
    rename(runtime, world.people[0], first_name="=1+1 <&>\x0b", last_name="عمر 🌵")
    answer = client.post("/people/export", data={**WHY, "list": "0", "kind": "xlsx", "numbers": "y"})
    assert answer.headers["Content-Disposition"] == 'attachment; filename="people.xlsx"'
    found = list(csv.reader(io.StringIO(as_csv(io.BytesIO(answer.data)).read().decode(), newline="")))
    assert found[0] == list(HEADER)
    assert found[1][:3] == ["=1+1 <&>", "عمر 🌵", number(0).removeprefix("+1")]
    assert len(found) == 4


def test_a_file_comes_back_in_without_a_click_and_texts_is_not_consent() -> None:
    columns = map_columns(list(HEADER))
    assert {field: [HEADER[index] for index in indexes] for field, indexes in columns.columns.items()} == {
        name: [name] for name in HEADER if name != "texts"
    }
    assert not columns.refusals


def test_a_file_is_read_in_pieces_and_leaves_out_who_is_erased_meanwhile(
    runtime: Runtime, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(people_files, "TOGETHER", 1)
    file = people_file(runtime, world.group_id, list_name="all", reason="a test", actor="ana")
    pieces = file.as_csv()
    begun = next(pieces)
    with runtime.db.transaction() as tx:
        tx.execute(update(Constituent).where(Constituent.id == world.people[1]).values(erased_at=runtime.clock.now()))
        tx.execute(update(ContactList).values(name="renamed"))
    assert len(table(begun + b"".join(pieces))) == 2
    assert file.people == 3
