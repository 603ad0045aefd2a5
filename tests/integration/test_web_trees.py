"""The pages and commands of phone trees through the real app, on both databases."""

from __future__ import annotations

import csv
import html
import io
import json
import re
from typing import Any

import pytest
from click.testing import CliRunner
from flask.testing import FlaskClient
from sqlalchemy import select, update

from outreach.accounts.models import AuditEvent, User
from outreach.cli import cli
from outreach.core.runtime import Runtime
from outreach.escalations.launch import pause_campaign, resume_campaign
from outreach.people.consent import suppress
from outreach.people.models import Constituent
from outreach.phone_tree.editing import nodes_of
from outreach.phone_tree.models import PhoneTree, TreeRun
from outreach.web.app import create_app
from tests.factories import World, make_group, make_world, number
from tests.integration.test_launch import draft
from tests.integration.test_live import sign_in
from tests.integration.test_phone_tree import MINUTE, plant, turn
from tests.integration.test_web_people import rename
from tests.integration.test_web_wizard import hidden
from tests.integration.test_webhooks import say
from tests.model.carrier import ModelClock

EVIL = "<script>alert(1)</script>"


@pytest.fixture
def runtime(clocked: Runtime) -> Runtime:
    return clocked


@pytest.fixture
def world(runtime: Runtime) -> World:
    """As in ``test_phone_tree``: 0 and 1 lead, 2 to 6 and 7 to 11 are theirs, 12 is in no branch."""
    return make_world(runtime, 13)


@pytest.fixture
def client(runtime: Runtime, world: World) -> FlaskClient:
    return sign_in(runtime, world.group_id, "organizer")


def tree(runtime: Runtime, tree_id: int) -> list[tuple[int, int | None, int | None]]:
    """Person, captain's person and backup of each node."""
    with runtime.db.snapshot() as session:
        nodes = nodes_of(session, tree_id)
    people = {node.id: node.person for node in nodes}
    return [(node.person, people.get(node.parent or 0), node.backup) for node in nodes]


def node_of(runtime: Runtime, tree_id: int, person: int) -> int:
    with runtime.db.snapshot() as session:
        return next(node.id for node in nodes_of(session, tree_id) if node.person == person)


def test_a_tree_is_made_of_a_list_and_says_who_cannot_be_texted(
    runtime: Runtime, world: World, client: FlaskClient
) -> None:
    people = world.people
    assert "There is no phone tree yet" in client.get("/trees/").text
    rename(runtime, people[3], first_name=EVIL, last_name="")
    with runtime.db.transaction() as tx:
        suppress(tx, runtime.vault.number_hash(number(4)), source="staff", at=runtime.clock.real_now())
    form = {"name": "South", "made": "lists", "area": "zip", "size": "5"}
    refused = client.post("/trees/new", data=form)
    assert (refused.status_code, "fewer than two people" in refused.text) == (422, True)
    assert client.post("/trees/new", data={**form, "name": "", "size": EVIL, "lists": EVIL}).status_code == 422
    made = client.post("/trees/new", data={**form, "lists": str(world.list_id)})
    assert made.status_code == 303
    tree_id = int(made.location.rsplit("/", 1)[1])
    assert "another tree with this name" in client.post("/trees/new", data={**form, "made": "hand"}).text
    empty = client.post("/trees/new", data={"name": "By hand", "made": "hand"})
    assert "Nobody is in this tree yet" in client.get(empty.location).text
    page = client.get(made.location).text
    assert "<strong>12 people</strong>, 2 branches, may be texted now: 12" in page
    assert EVIL not in page
    assert html.escape(EVIL) in page
    assert number(3) not in page
    captains = [person for person, above, _ in tree(runtime, tree_id) if above is None]

    with runtime.db.transaction() as tx:  # since it was made
        tx.execute(update(Constituent).where(Constituent.id == captains[1]).values(consented_at=None))
    page = client.get(made.location).text
    assert "may be texted now: 11; never agreed to be texted: 1" in page
    assert client.post(f"/trees/{tree_id}/delete").status_code == 303
    assert client.get(made.location).status_code == 404


def test_people_are_added_moved_and_taken_out(runtime: Runtime, world: World, client: FlaskClient) -> None:
    """By forms that say which tree they have seen: nobody overwrites what somebody else did meanwhile."""
    people, tree_id = world.people, plant(runtime, world)
    first, member = node_of(runtime, tree_id, people[0]), people[3]
    with runtime.db.transaction() as tx:
        suppress(tx, runtime.vault.number_hash(number(12)), source="staff", at=runtime.clock.real_now())
    place = f"/trees/people/{node_of(runtime, tree_id, member)}"
    version = hidden(client.get(place).text)
    moved = client.post(f"{place}/move", data={"version": version, "under": "0"})
    assert (moved.status_code, moved.location) == (303, place)
    assert "They lead nobody" in client.get(f"/trees/{tree_id}").text
    assert "something to mend" in client.get(f"/trees/{tree_id}/start").text
    clash = client.post(f"{place}/move", data={"version": version, "under": str(first)})
    assert (clash.status_code, "Somebody else changed this tree" in clash.text) == (422, True)

    def press(path: str, **given: Any) -> Any:
        return client.post(path, data={"version": hidden(client.get(place).text), **given})

    assert press(f"{place}/move", under=str(first)).status_code == 303
    assert press(f"/trees/people/{first}/backup", stands_in=str(member)).status_code == 303
    assert (people[0], None, member) in tree(runtime, tree_id)
    for phone, words in ((number(12), "has opted out"), ("12", "not a phone number"), ("480-555-0177", "knows nobody"),
                         (number(3), "already")):  # fmt: skip
        answer = press(f"/trees/people/{first}/add", phone=phone)
        assert (answer.status_code, words in answer.text) == (422, True), phone
    assert press(f"/trees/people/{first}/backup", stands_in="-1", other_phone=number(1)).status_code == 303
    assert (people[0], None, people[1]) in tree(runtime, tree_id)
    assert press(f"/trees/people/{first}/remove").status_code == 303
    assert people[0] not in {person for person, _, _ in tree(runtime, tree_id)}
    added = press(f"/trees/{tree_id}/add", phone=number(0), area="North")
    assert added.status_code == 303
    assert (people[0], None, None) in tree(runtime, tree_id)
    below = press(f"/trees/people/{node_of(runtime, tree_id, people[0])}/move", under=str(first))
    assert below.status_code == 422  # that place is gone


def test_whose_tree_it_is_and_who_may_change_it(runtime: Runtime, world: World, client: FlaskClient) -> None:
    tree_id = plant(runtime, world)
    node = node_of(runtime, tree_id, world.people[0])
    paths = [f"/trees/{tree_id}", f"/trees/{tree_id}/start", f"/trees/people/{node}"]
    stranger = sign_in(runtime, make_group(runtime, "Others"))
    posts = [f"/trees/{tree_id}/add", f"/trees/{tree_id}/delete", f"/trees/{tree_id}/start"]
    posts += [f"/trees/people/{node}/{act}" for act in ("add", "move", "backup", "remove")]
    for path in paths:
        assert client.get(path).status_code == 200, path
        assert stranger.get(path).status_code == 404, path
    for path in posts:
        assert stranger.post(path, data={"version": "1"}).status_code == 404, path
    with runtime.db.snapshot() as session:
        assert session.execute(select(PhoneTree.version)).scalar_one() == 1
    with runtime.db.transaction() as tx:
        tx.execute(update(User).where(User.group_id == world.group_id).values(role="staff"))
    staff = client
    assert [staff.get(path).status_code for path in paths] == [200, 403, 403]
    assert [staff.post(path).status_code for path in posts] == [403] * len(posts)
    assert "Add a captain" not in staff.get(f"/trees/{tree_id}").text


def start(client: FlaskClient, tree_id: int, campaign_id: int, **given: str) -> Any:
    begun = {"campaign": str(campaign_id), "nudge": "15", "backup": "30", "count": "12", "action": "start"}
    return client.post(f"/trees/{tree_id}/start", data={**begun, **given})


def test_a_run_is_started_watched_and_stopped(
    runtime: Runtime, clock: ModelClock, world: World, client: FlaskClient
) -> None:
    rename(runtime, world.people[2], first_name="=HYPERLINK(1)", last_name=EVIL)
    tree_id, campaign_id = plant(runtime, world), draft(runtime, world)
    page = client.get(f"/trees/{tree_id}/start").text
    assert "2 captains are asked now" in page
    assert "everybody is texted by about 12:45" in page  # 15 and 30 minutes, and 15 for the backup
    looked = start(client, tree_id, campaign_id, action="look", nudge="20", backup="40")
    assert (looked.status_code, "by about 1:00" in looked.text) == (200, True)
    for wrong, words in (({"count": "11"}, "You typed 11, but 12 people"), ({"count": "many"}, "in digits"),
                         ({"nudge": "30"}, "at least 1 minute"), ({"backup": EVIL}, "at least 1 minute"),
                         ({"campaign": "999"}, "")):  # fmt: skip
        refused = start(client, tree_id, campaign_id, **wrong)
        assert (refused.status_code, words in refused.text) == (422, True), wrong
    started = start(client, tree_id, campaign_id)
    assert started.status_code == 303
    address = started.location
    assert start(client, tree_id, campaign_id).location == address  # sent twice
    turn(runtime)
    api = create_app(runtime.settings, runtime).test_client()
    assert "5 people" in (say(api, runtime, 0, "1") or "")
    turn(runtime)
    clock.advance(16 * MINUTE)
    turn(runtime)
    live = client.get(f"{address}/live")
    for words in ("captain said yes", "captain asked again", "overdue", "waits for their text", "passed over at 12:31"):
        assert words in live.text, words
    assert re.search(r'id="reached">7<.*id="people">12<', live.text, re.S)
    assert client.get(f"{address}/live", headers={"If-None-Match": live.headers["ETag"]}).status_code == 304
    for text in (live.text, client.get(address).text, client.get(f"{address}/table").text):
        assert EVIL not in text
        assert html.escape(EVIL) in text
        assert number(2) not in text

    assert "phone tree: they lead a branch" in client.get(f"/people/{world.people[0]}").text
    assert "phone tree: asked again" in client.get(f"/people/{world.people[1]}").text
    campaign = client.get(f"/campaigns/{campaign_id}").text
    assert f'<a href="{address}">the phone tree City</a>' in campaign
    assert 'badge is-launched">running<' in campaign  # nothing waits, but the tree goes on
    assert client.get(f"/campaigns/{campaign_id}/people").status_code == 200
    assert client.post(f"{address}/pause").status_code == 303
    assert "Somebody in your group paused it" in client.get(f"{address}/live").text
    assert client.post(f"{address}/resume").status_code == 303
    assert "Stop this phone tree for good?" in client.get(f"{address}/stop").text
    for _ in range(2):
        assert client.post(f"{address}/stop").status_code == 303
    assert "stopped" in client.get("/trees/").text
    assert client.post(f"/trees/{tree_id}/delete").status_code == 303
    assert client.get(f"/trees/{tree_id}").status_code == 200  # its runs are kept
    exported(runtime, client, address)
    nothing_for_strangers(sign_in(runtime, make_group(runtime, "Others")), address)


def exported(runtime: Runtime, client: FlaskClient, address: str) -> None:
    """The file of the run: with a reason that is noted, numbers masked, and nothing that a spreadsheet would run."""
    refused = client.post(f"{address}/export", data={"because": " "})
    assert (refused.status_code, "Say why you need the file" in refused.text) == (422, True)
    file = client.post(f"{address}/export", data={"because": "to thank them"})
    rows = list(csv.DictReader(io.StringIO(file.data.decode("utf-8-sig"))))
    assert [row["role"] for row in rows].count("captain") == 2
    told = rows[1]
    assert (told["first name"], told["role"], told["branch"]) == ("'=HYPERLINK(1)", "backup", "1")
    assert (told["phone (masked)"], told["status"]) == ("602•••••00", "reached")
    assert EVIL not in file.text
    with runtime.db.snapshot() as session:
        noted = session.execute(select(AuditEvent).where(AuditEvent.action == "export")).scalar_one()
    assert (noted.subject, noted.details["because"]) == (f"tree_run:{address.rsplit('/', 1)[1]}", "to thank them")


def nothing_for_strangers(stranger: FlaskClient, address: str) -> None:
    for path in ("", "/live", "/table", "/levers", "/stop"):
        assert stranger.get(address + path).status_code == 404, path
    for path in ("/pause", "/resume", "/stop"):
        assert stranger.post(address + path).status_code == 404, path
    assert stranger.post(f"{address}/export", data={"because": "x"}).status_code == 404


def test_a_campaign_goes_on_after_its_tree_was_stopped(
    runtime: Runtime, clock: ModelClock, world: World, client: FlaskClient
) -> None:
    first, second = plant(runtime, world), None
    campaign_id = draft(runtime, world)
    address = start(client, first, campaign_id).location
    client.post(f"{address}/stop")
    with runtime.db.transaction() as tx:
        tx.execute(update(PhoneTree).values(name="Older"))
    second = plant(runtime, world)
    start(client, second, campaign_id)
    with runtime.db.transaction() as tx:
        pause_campaign(tx, world.group_id, campaign_id)
    with runtime.db.transaction() as tx:
        resume_campaign(tx, world.group_id, campaign_id)
    assert len(turn(runtime)) == 2


def test_the_commands(
    runtime: Runtime, world: World, settings_env: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in settings_env.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr("outreach.cli.context.open_runtime", lambda _settings: runtime)
    campaign_id = draft(runtime, world)

    def run(*words: str) -> Any:
        answer = CliRunner().invoke(cli, words, catch_exceptions=False)
        assert answer.exit_code == 0, answer.output
        return json.loads(answer.output.splitlines()[-1]) if "--json" in words else answer.output

    made = run("tree", "make", "South", "--list", "all", "--size", "5", "--json")
    assert (made["name"], made["people"]) == ("South", 13)
    assert run("tree", "make", "Empty", "--json")["people"] == 0
    shown = run("tree", "show", "South", "--json")
    assert (shown["people"], shown["textable"], shown["problems"]) == (13, 13, [])
    assert [one["why"] for one in shown["nodes"]] == ["in"] * 13
    assert "tree_empty" in run("tree", "show", "Empty")
    started = run("tree", "start", "South", str(campaign_id), "--nudge", "10", "--backup", "20", "--json")
    run_id = str(started["run_id"])
    listed = run("tree", "list", "--json")["trees"]
    assert [(one["name"], one["last_run"] and one["last_run"]["state"]) for one in listed] == [
        ("Empty", None), ("South", "running"),
    ]  # fmt: skip
    assert run("tree", "pause", run_id, "--json") == {"run_id": int(run_id), "state": "paused"}
    status = run("tree", "status", run_id, "--json")
    assert (status["state"], status["total"]["people"], len(status["branches"])) == ("paused", 13, 2)
    assert "level 1" in run("tree", "status", run_id)
    assert run("tree", "resume", run_id, "--json")["state"] == "running"
    assert "captain" in run("export", "tree", run_id, "--reason-for-export", "a test")
    assert run("tree", "stop", run_id, "--json")["state"] == "stopped"
    with runtime.db.snapshot() as session:
        assert session.execute(select(TreeRun.nudge_minutes, TreeRun.state)).one() == (10, "stopped")
