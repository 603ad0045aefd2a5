"""The campaign wizard and the levers through the real app, on both databases."""

from __future__ import annotations

import html
import re
import threading
from datetime import UTC, datetime, timedelta

import pytest
from flask.testing import FlaskClient
from sqlalchemy import func, select, update

from outreach.core.runtime import Runtime
from outreach.escalations.audience import REASONS, count_audience
from outreach.escalations.drafts import TEXTS, edit_draft
from outreach.escalations.models import Campaign, Wave
from outreach.escalations.planning import plan_wave
from outreach.messaging.models import Message
from outreach.officials.imports import add_official
from outreach.people.consent import record_opt_out
from outreach.people.models import Constituent, ContactList, ListMembership
from tests.factories import World, make_group, make_person, make_world, number, plan_messages
from tests.integration.test_launch import draft
from tests.integration.test_live import sign_in

PHONE = "602-555-0177"
XSS = "<script>alert(1)</script>"


@pytest.fixture
def world(runtime: Runtime) -> World:
    return make_world(runtime, 6)


@pytest.fixture
def campaign_id(runtime: Runtime, world: World) -> int:
    return draft(runtime, world)


@pytest.fixture
def client(runtime: Runtime, world: World) -> FlaskClient:
    return sign_in(runtime, world.group_id, "organizer")


def at(campaign_id: int, page: str = "") -> str:
    return f"/campaigns/{campaign_id}/draft/{page}"


def hidden(page: str, name: str = "version") -> str:
    found = re.search(rf'name="{name}" value="([^"]+)"', page)
    assert found, page
    return found.group(1)


def campaign(runtime: Runtime, campaign_id: int) -> Campaign:
    with runtime.db.snapshot() as session:
        return session.get_one(Campaign, campaign_id)


def texts_of(runtime: Runtime, campaign_id: int) -> dict[str, str]:
    return {field: getattr(campaign(runtime, campaign_id), field) for field in TEXTS}


def messages(runtime: Runtime, kind: str) -> list[Message]:
    with runtime.db.snapshot() as session:
        return list(session.execute(select(Message).where(Message.kind == kind).order_by(Message.id)).scalars())


def waves(runtime: Runtime) -> int:
    with runtime.db.snapshot() as session:
        return session.execute(select(func.count()).select_from(Wave)).scalar_one()


def launch_form(client: FlaskClient, campaign_id: int, count: str) -> dict[str, str]:
    return {"version": hidden(client.get(at(campaign_id, "review")).text), "count": count}


def test_the_list_of_tasks_tells_what_is_left(runtime: Runtime, client: FlaskClient, campaign_id: int) -> None:
    ready = client.get(at(campaign_id)).text
    assert re.findall(r"task-state (is-\w+)", ready) == ["is-done"] * 4 + ["is-next"]
    assert "Police chief Dana Whitfield: (602) 555-0142" in ready
    assert re.findall(r'href="([^"]+)" aria-current="(\w+)"', ready) == [("/campaigns/", "true")]
    assert 'href="/campaigns/" aria-current="page"' in client.get("/campaigns/").text
    with runtime.db.transaction() as tx:
        tx.execute(update(Campaign).values(audience={"lists": []}, text_en="Hi {{ first_name }}", office_id=None))
    left = client.get(at(campaign_id)).text
    assert re.findall(r"task-state (is-\w+)", left) == ["is-next", "is-done"] + ["is-open"] * 3
    assert "No list is chosen yet." in left
    assert re.search(r"Things to mend before launch: [1-9]", left)
    assert "cannot be launched yet" in client.get(at(campaign_id, "review")).text


PAGES = ("", "about", "audience", "text", "review", "tactic/", "tactic/facts")
POSTS = (
    "tactic/",
    "tactic/facts",
    "tactic/words/0",
    "about",
    "audience",
    "audience/count",
    "text",
    "text/preview",
    "test",
    "test-call",
    "launch",
)


def test_roles_and_groups(runtime: Runtime, world: World, campaign_id: int) -> None:
    staff = sign_in(runtime, world.group_id, "staff")
    assert [staff.get(at(campaign_id, page)).status_code for page in PAGES] == [200, 403, 403, 403, 200, 403, 403]
    assert 'name="count"' not in staff.get(at(campaign_id, "review")).text
    stranger = sign_in(runtime, make_group(runtime, "Others"))
    levers = [f"/campaigns/{campaign_id}/{lever}" for lever in ("pause", "resume", "cancel")]
    for url in [at(campaign_id, page) for page in POSTS] + levers:
        assert staff.post(url).status_code == 403, url
        assert stranger.post(url).status_code == 404, url
    for url in [*(at(campaign_id, page) for page in PAGES), levers[-1], at(9999)]:
        assert stranger.get(url).status_code == 404, url
    assert campaign(runtime, campaign_id).state == "draft"


def test_what_it_is_about_is_changed(runtime: Runtime, client: FlaskClient, world: World, campaign_id: int) -> None:
    page = client.get(at(campaign_id, "about")).text
    assert "They declined" in page
    office = re.findall(r'name="office_id"[^>]*value="(\d+)"', page)
    form = {"version": hidden(page), "name": "New\0 name", "policy": "3", "office_id": office[0]}
    assert client.post(at(campaign_id, "about"), data=form).status_code == 303
    saved = campaign(runtime, campaign_id)
    assert (saved.name, saved.policy, str(saved.office_id)) == ("New name", 3, office[0])
    with runtime.db.transaction() as tx:
        other = add_official(tx, runtime, world.group_id, name="Other", role="Mayor", phone="480-555-0143")
        others = other.offices[0].id
    for wrong in ({"name": "  "}, {"name": "x" * 201}, {"policy": "12"}, {"policy": "x"}, {"office_id": str(others)}):
        page = client.get(at(campaign_id, "about")).text
        refused = client.post(at(campaign_id, "about"), data={**form, "version": hidden(page), **wrong})
        assert refused.status_code == 422, wrong
        assert 'id="errors"' in refused.text
    assert campaign(runtime, campaign_id).name == "New name"


def spoil(runtime: Runtime, world: World) -> int:
    """Six good people in ``all``, and in a second list one of them again with four who are not texted."""
    ids = [make_person(runtime, world.group_id, number(20 + index)) for index in range(4)]
    now = runtime.clock.now()
    with runtime.db.transaction() as tx:
        mixed = ContactList(group_id=world.group_id, name="mixed", created_at=now)
        tx.add(mixed)
        tx.flush()
        tx.add_all([ListMembership(list_id=mixed.id, constituent_id=one) for one in [world.people[0], *ids]])
        spoiled: list[dict[str, datetime | None]] = [
            {"consented_at": None}, {"consented_at": now - timedelta(days=366)}, {"number_bad_at": now},
        ]  # fmt: skip
        for one, values in zip(ids[:3], spoiled, strict=True):
            tx.execute(update(Constituent).where(Constituent.id == one).values(values))
        record_opt_out(
            tx,
            runtime.vault,
            world.group_id,
            runtime.vault.number_hash(number(23)),
            wording="stop",
            source="reply",
            at=runtime.clock.real_now(),
        )
        return mixed.id


def test_the_audience_says_who_is_out_and_why(
    runtime: Runtime, client: FlaskClient, world: World, campaign_id: int
) -> None:
    mixed = spoil(runtime, world)
    page = client.get(at(campaign_id, "audience")).text
    lists = [str(world.list_id), str(mixed)]
    form = {"version": hidden(page), "lists": lists, "action": "count"}
    for counted in (
        client.post(at(campaign_id, "audience"), data=form).text,
        client.post(at(campaign_id, "audience/count"), data=form).text,
    ):
        figures = dict(re.findall(r'id="audience-(\w+)">(\d+)<', counted))
        assert figures == {"in": "6", **dict.fromkeys(REASONS, "1"), "listed": "10"}
    assert campaign(runtime, campaign_id).audience == {"lists": [world.list_id]}
    assert client.post(at(campaign_id, "audience"), data={**form, "action": "save"}).status_code == 303
    assert sorted(campaign(runtime, campaign_id).audience["lists"]) == sorted([world.list_id, mixed])


def test_the_count_is_what_planning_texts(runtime: Runtime, client: FlaskClient, world: World) -> None:
    spoil(runtime, world)
    campaign_id = draft(runtime, world)
    with runtime.db.transaction() as tx:
        edit_draft(tx, world.group_id, campaign_id, lists=["all", "mixed"])
    answer = client.post(at(campaign_id, "launch"), data=launch_form(client, campaign_id, "6"))
    assert answer.headers["Location"] == f"/campaigns/{campaign_id}"
    with runtime.db.snapshot() as session:
        wave_id = session.execute(select(Wave.id)).scalar_one()
    while not plan_wave(runtime, wave_id, 5):
        pass
    assert sorted(message.state for message in messages(runtime, "campaign")) == ["planned"] * 6 + ["suppressed"]


def test_people_in_another_zone_are_outside_their_hours(runtime: Runtime, client: FlaskClient, world: World,
                                                        campaign_id: int) -> None:  # fmt: skip
    with runtime.db.transaction() as tx:  # noon in Phoenix is half past four in the morning there, a day later
        tx.execute(update(Constituent).where(Constituent.id == world.people[0]).values(zones="Pacific/Guam"))
    assert "For 1 of them it is too early" in client.get(at(campaign_id, "audience")).text
    with runtime.db.snapshot() as session:
        found = count_audience(session, world.group_id, [world.list_id], runtime.clock.now())
    assert (found.people, found.outside_hours(runtime.clock.now()), found.by_language()) == (6, 1, {"en": 6})


def test_people_who_had_their_text_today_are_told_apart(runtime: Runtime, client: FlaskClient, world: World,
                                                        campaign_id: int) -> None:  # fmt: skip
    now = runtime.clock.now()
    plan_messages(runtime, world)
    with runtime.db.transaction() as tx:
        for person, state, hours in ((0, "delivered", 2), (1, "delivered", 30), (2, "undelivered", 2)):
            mine = Message.constituent_id == world.people[person]
            tx.execute(update(Message).where(mine).values(state=state, posted_at=now - timedelta(hours=hours)))
    assert "1 of them has had a text today" in client.get(at(campaign_id, "audience")).text
    assert "1 of them has had a text today" in client.get(at(campaign_id, "review")).text
    with runtime.db.snapshot() as session:
        found = count_audience(session, world.group_id, [world.list_id], now)
    assert (found.people, found.resting()) == (6, 1)
    (waits,) = {cohort.rested_at for cohort in found.cohorts if cohort.rested_at}
    assert waits == datetime(2026, 12, 2, 7, tzinfo=UTC)  # midnight in Phoenix


@pytest.mark.parametrize("lists", [[], ["999999"], ["x"], ["9" * 30]])
def test_lists_that_are_none_are_refused(runtime: Runtime, client: FlaskClient, campaign_id: int,
                                         lists: list[str]) -> None:  # fmt: skip
    page = client.get(at(campaign_id, "audience")).text
    form = {"version": hidden(page), "lists": lists}
    assert client.post(at(campaign_id, "audience"), data=form).status_code == 422
    counted = client.post(at(campaign_id, "audience/count"), data=form)
    assert counted.status_code == 200
    assert campaign(runtime, campaign_id).audience["lists"]


def test_another_groups_list_is_neither_counted_nor_saved(runtime: Runtime, client: FlaskClient,
                                                          campaign_id: int) -> None:  # fmt: skip
    other = make_group(runtime, "Others")
    with runtime.db.transaction() as tx:
        theirs = ContactList(group_id=other, name="theirs", created_at=runtime.clock.now())
        tx.add(theirs)
        tx.flush()
        list_id = theirs.id
    person = make_person(runtime, other, number(40))
    with runtime.db.transaction() as tx:
        tx.add(ListMembership(list_id=list_id, constituent_id=person))
    page = client.get(at(campaign_id, "audience")).text
    form = {"version": hidden(page), "lists": [str(list_id)]}
    assert client.post(at(campaign_id, "audience"), data=form).status_code == 422
    assert 'id="audience-listed">0<' in client.post(at(campaign_id, "audience/count"), data=form).text


def test_a_text_is_previewed_made_plain_and_saved(runtime: Runtime, client: FlaskClient, campaign_id: int) -> None:
    page = client.get(at(campaign_id, "text")).text
    texts = texts_of(runtime, campaign_id)
    typed = {**texts, "version": hidden(page), "sample": "known", "text_es": texts["text_es"] + "\r\n“Sí” " + XSS}
    for path, more in (("text", {"action": "preview"}), ("text/preview", {})):
        seen = client.post(at(campaign_id, path), data={**typed, **more})
        assert seen.status_code == 200
        assert "These characters make this text cost more" in seen.text
        assert "Hola Ana" in seen.text
        assert "UCS-2" in seen.text
        assert XSS not in seen.text
    unknown = client.post(at(campaign_id, "text/preview"), data={**typed, "sample": "unknown"}).text
    assert "Hi neighbor" in unknown
    plain = client.post(at(campaign_id, "text"), data={**typed, "action": "plain-text_es"}).text
    assert "&#34;Si&#34;" in plain
    assert texts_of(runtime, campaign_id) == texts, "nothing is saved before somebody saves"
    assert client.post(at(campaign_id, "text"), data={**typed, "action": "save"}).status_code == 303
    assert texts_of(runtime, campaign_id)["text_es"] == typed["text_es"].replace("\r\n", "\n")
    for shown in ("text", "review", ""):
        assert XSS not in client.get(at(campaign_id, shown)).text


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("x" * 2000, "2000 characters; 1600"),
        ("", "Write a text"),
        ("Hi {{ nickname }}", "no merge field nickname"),
        ("Hi {{ first_name", "exactly as they stand"),
        ("{% for a in range(99999) %}x{% endfor %}", "exactly as they stand"),
    ],
)
def test_a_text_that_cannot_be_used_is_kept_in_the_form(runtime: Runtime, client: FlaskClient, campaign_id: int,
                                                        text: str, told: str) -> None:  # fmt: skip
    texts = texts_of(runtime, campaign_id)
    version = hidden(client.get(at(campaign_id, "text")).text)
    typed = {**texts, "version": version, "text_en": text, "script_es": "otro guion"}
    answer = client.post(at(campaign_id, "text"), data=typed)
    assert answer.status_code == 422
    assert told in answer.text
    assert text in answer.text
    assert "otro guion" in answer.text
    assert texts_of(runtime, campaign_id) == texts
    assert client.post(at(campaign_id, "text/preview"), data=typed).status_code == 200


def test_what_callers_hear_is_written_previewed_and_saved(
    runtime: Runtime, client: FlaskClient, campaign_id: int
) -> None:
    page = client.get(at(campaign_id, "text")).text
    assert "My name is {{ first_name }}" in page
    assert re.search(r"Takes about 1\d seconds to hear", page)
    saved = campaign(runtime, campaign_id).spoken_en
    typed = {**texts_of(runtime, campaign_id), "version": hidden(page), "spoken_es": "Hable con {{ official }}."}
    long, longer = "Say this to {{ official }}. " * 20, "Say this to {{ official }}. " * 40
    seen = client.post(at(campaign_id, "text/preview"), data={**typed, "spoken_en": long}).text
    assert 'data-rule="spoken_long"' in seen
    assert "Hable con" in seen
    for text, told in ((longer, "is the most"), ("{{ secret }}", "no merge field secret")):
        refused = client.post(at(campaign_id, "text"), data={**typed, "spoken_en": text})
        assert (refused.status_code, told in refused.text) == (422, True)
    assert client.post(at(campaign_id, "text"), data=typed).status_code == 303
    now = campaign(runtime, campaign_id)
    assert (now.spoken_en, now.spoken_es) == (saved, "Hable con {{ official }}."), "what a form has not asked for stays"
    version = hidden(client.get(at(campaign_id, "text")).text)
    assert client.post(at(campaign_id, "text"), data={**typed, "version": version, "spoken_en": ""}).status_code == 303
    assert campaign(runtime, campaign_id).spoken_en is None
    assert "My name is {{ first_name }}" in client.get(at(campaign_id, "text")).text
    with runtime.db.transaction() as tx:
        tx.execute(update(Campaign).values(tactic="texts"))
    for shown in ("text", "review"):
        assert "Hable con" not in client.get(at(campaign_id, shown)).text


def test_two_organizers_do_not_overwrite_each_other(runtime: Runtime, client: FlaskClient, campaign_id: int) -> None:
    version = hidden(client.get(at(campaign_id, "text")).text)
    texts = texts_of(runtime, campaign_id)
    first = {**texts, "version": version, "text_en": "First words. " + texts["text_en"]}
    second = {**texts, "version": version, "text_en": "Second words. " + texts["text_en"]}
    assert client.post(at(campaign_id, "text"), data=first).status_code == 303
    assert client.post(at(campaign_id, "text"), data=first).status_code == 303, "a form sent twice is harmless"
    clash = client.post(at(campaign_id, "text"), data=second)
    assert clash.status_code == 409
    for shown in ("Second words.", "What is saved now:", "First words.", "changed this draft while"):
        assert shown in clash.text
    assert texts_of(runtime, campaign_id)["text_en"].startswith("First words.")
    about = client.get(at(campaign_id, "about")).text
    office = re.findall(r'name="office_id"[^>]*value="(\d+)"', about)[0]
    other_page = {"version": hidden(about), "name": "Renamed", "policy": "5", "office_id": office}
    assert client.post(at(campaign_id, "about"), data=other_page).status_code == 303, "other fields do not clash"
    knowingly = {**second, "version": hidden(clash.text)}
    assert client.post(at(campaign_id, "text"), data=knowingly).status_code == 303
    assert texts_of(runtime, campaign_id)["text_en"].startswith("Second words.")


def test_of_two_saves_at_once_one_is_told(runtime: Runtime, world: World, campaign_id: int) -> None:
    clients = [sign_in(runtime, world.group_id, "admin") for _ in range(4)]
    version = hidden(clients[0].get(at(campaign_id, "text")).text)
    texts = texts_of(runtime, campaign_id)
    barrier, codes = threading.Barrier(4), []

    def save(index: int) -> None:
        barrier.wait()
        form = {**texts, "version": version, "text_en": f"Words {index}. " + texts["text_en"]}
        codes.append(clients[index].post(at(campaign_id, "text"), data=form).status_code)

    racers = [threading.Thread(target=save, args=(index,)) for index in range(4)]
    for racer in racers:
        racer.start()
    for racer in racers:
        racer.join()
    assert sorted(codes) == [303, 409, 409, 409]


def test_what_was_typed_survives_a_launch_by_somebody_else(
    runtime: Runtime, client: FlaskClient, campaign_id: int
) -> None:
    typed = {**texts_of(runtime, campaign_id), "version": hidden(client.get(at(campaign_id, "text")).text)}
    assert client.post(at(campaign_id, "launch"), data=launch_form(client, campaign_id, "6")).status_code == 303
    kept = client.post(at(campaign_id, "text"), data={**typed, "text_en": "My hour of work."})
    assert kept.status_code == 409
    assert "My hour of work." in kept.text
    assert "no longer a draft" in kept.text
    for page in PAGES:
        assert client.get(at(campaign_id, page)).headers["Location"] == f"/campaigns/{campaign_id}", page


def test_names_in_the_wizard_are_escaped(runtime: Runtime, world: World, client: FlaskClient, campaign_id: int) -> None:
    with runtime.db.transaction() as tx:
        tx.execute(update(Campaign).values(name=f"{XSS} 😀 שלום"))
        tx.execute(update(ContactList).values(name=XSS))
    for page in PAGES[:-1]:  # calls have no facts to know
        shown = client.get(at(campaign_id, page)).text
        assert XSS not in shown, page
        assert "&lt;script&gt;" in shown, page
    assert XSS not in client.get(f"/campaigns/{campaign_id}/cancel").text


def test_a_group_with_an_accent_can_write_in_plain_characters(runtime: Runtime) -> None:
    world = make_world(runtime, 2, name="Acción Volunteers, Voluntarios")
    campaign_id = draft(runtime, world)
    client = sign_in(runtime, world.group_id, "organizer")
    for field in ("text_en", "text_es"):
        typed = {**texts_of(runtime, campaign_id), "version": hidden(client.get(at(campaign_id, "text")).text)}
        page = client.post(at(campaign_id, "text"), data={**typed, "action": f"plain-{field}"}).text
        plain = html.unescape(re.findall(rf'<textarea[^>]* name="{field}"[^>]*>([^<]*)</textarea>', page)[0])
        assert "Accion Volunteers" in plain
        assert client.post(at(campaign_id, "text"), data={**typed, field: plain}).status_code == 303
    assert client.post(at(campaign_id, "launch"), data=launch_form(client, campaign_id, "2")).status_code == 303
    assert waves(runtime) == 1
