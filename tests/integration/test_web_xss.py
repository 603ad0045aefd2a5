"""Hostile words in every field that a person or an inbound text can fill: no page of the site lets them out unescaped.

The walk takes every GET route of the app, with the ids of a world in which each stored word is hostile. A route whose
parameters it does not know fails it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from html.parser import HTMLParser
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select, update
from werkzeug.routing import Rule

from outreach.accounts.invitations import Actor, invite
from outreach.accounts.models import Group, User
from outreach.core.runtime import Runtime
from outreach.escalations.launch import launch_campaign
from outreach.escalations.models import Campaign
from outreach.escalations.planning import plan_wave
from outreach.escalations.segments import create_segment
from outreach.escalations.stand_down_models import StandDown
from outreach.messaging.events import append, result
from outreach.messaging.inbox_models import CannedReply
from outreach.messaging.models import Conversation, Reply
from outreach.messaging.page_links import token_for
from outreach.officials.manual_models import ManualDocument, ManualPassage
from outreach.officials.models import Meeting, Office, Official, Promise, Stance
from outreach.officials.plan_models import ChecklistItem, MeetingPlan, Partner, RecordsRequest
from outreach.people.facets import index_facets
from outreach.people.models import Constituent, ContactList, Upload
from outreach.people.segment_models import District, Segment
from outreach.phone_tree.captain_page import page_address
from outreach.phone_tree.editing import add_person, make_tree
from outreach.phone_tree.models import PhoneTree, TreeNode, TreeRun, TreeStep
from outreach.phone_tree.running import start_run
from outreach.tallies.public import counter_token
from outreach.web.app import create_app
from outreach.web.sign_up_address import slug_of
from tests.factories import ask_approval, entered, make_group, number
from tests.integration.test_live import fold_everything
from tests.integration.test_rehearsal_process import Rehearsal
from tests.integration.test_web_import import send
from tests.integration.test_web_officials import meeting_form, opened
from tests.integration.test_web_phones import rehearsal
from tests.integration.test_webhooks import say, text_everybody

__all__ = ["rehearsal"]

EVIL = "<script>alert(1)</script>\"'><img src=x onerror=alert(1)>🌵 عمر"
CELL = '"' + EVIL.replace('"', '""') + '"'
OUR_IMAGE = "/people/sign-up/qr.svg"
NOT_PAGES = {
    "/metrics": "numbers for machines, and no page without a token",
    "/tallies/data.json": "JSON, which nothing runs",
    "/static/<path:filename>": "files of ours, the same for everybody",
    "/assets/<release>/<name>": "files of packages, the same for everybody",
    "/favicon.ico": "a file of ours, the same for everybody",
    "/meetings/plans/<int:plan_id>/calendar.ics": "a calendar file, which nothing runs",
    "/count/<token>.json": "JSON for machines, which no browser runs",
    "/sign-in/code": "opens after a password only; it shows nothing that anybody typed",
    "/account/confirm": "leads on to the account's page",
    "/promises/calendar.ics": "a file for calendars, which no browser shows",
    "/promises/<int:promise_id>/calendar.ics": "a file for calendars, which no browser shows",
}
"""GET routes that are not walked, and why."""
KEPT_BY_OTHERS = {"/count/<token>"}
"""Pages that any cache may keep, being the same for everybody. Others are kept by nobody, or asked for anew."""
SILENT = {
    "/administration/", "/administration/audit/file",
    "/administration/safety/", "/sign-in", "/enter/<token>", "/healthz", "/readyz",
    "/people/import/template.csv", "/people/import/sample.csv",
    "/administration/queues/", "/administration/queues/live",
    "/account/app",
    "/officials/import/sample.csv", "/officials/new", "/officials/import", "/campaigns/<int:campaign_id>/levers",
    "/campaigns/<int:campaign_id>/rung",
    "/promises/export", "/tallies/file", "/people/opt-outs", "/people/sign-up",
    "/people/sign-up/qr.svg", "/meetings/partners/new",
    "/people/districts/new", "/inbox/settings/ready/new", "/trees/runs/<int:run_id>/levers", "/glossary/",
}  # fmt: skip
"""Pages that show nothing which anybody typed: numbers, empty forms. Every other page must show the hostile words."""
IN_ITS_READERS_LANGUAGE = {"/s/<link>", "/t/<link>", "/count/<token>"}
"""No switch that a cookie remembers changes them."""
WITH_QUERY = {
    "/officials/": ({"q": EVIL},),
    "/officials/board": ({"jurisdiction": EVIL}, {"page": EVIL}),
    "/officials/<int:official_id>/stances/new": ({"policy": EVIL},),
    "/manuals/new": ({"official": EVIL}, {"official": "1"}),
    "/manuals/<int:document_id>/comparison": ({"policy": EVIL}, {"policy": "5"}, {"policy": "2"}),
    "/people/": ({"name": EVIL}, {"name": "alert"}, {"list": EVIL}),
    "/people/find": ({"sought": EVIL},),
    "/inbox/": ({"view": "all"}, {"view": "mine"}, {"after": EVIL}, {"view": EVIL}, {"tag": EVIL}, {"tag": "1"}),
    "/inbox/live": ({"view": "all"}, {"view": "handed", "tag": "1"}),
    "/inbox/<int:conversation_id>": ({"start": EVIL},),
    "/phones/<number>": ({"campaign": EVIL},),
    "/s/<link>": ({"l": EVIL}, {"l": "es"}, {"print": EVIL}),
    "/meetings/new/<int:official_id>": ({"plan": EVIL}, {"plan": "1"}, {"plan": "1", "outcome": EVIL}),
    "/meetings/plans/<int:plan_id>/briefing": ({"in": EVIL},),
    "/meetings/records/new/<int:official_id>": ({"plan": EVIL},),
}
"""What can stand behind the question mark."""


class Tags(HTMLParser):
    """What a browser would act on."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.found: list[str] = []
        self.words = ""
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in attrs}
        inline = (tag == "script" and "src" not in given) or tag in {"iframe", "object", "embed", "base"}
        inline |= tag == "img" and given.get("src") != OUR_IMAGE
        handlers = [name for name in given if name.startswith("on") or name in {"style", "srcdoc"}]
        links = [given[name] for name in ("href", "src", "action", "formaction") if name in given]
        if inline or handlers or any(re.match(r"\s*(javascript|data|vbscript):", link, re.I) for link in links):
            self.found.append(self.get_starttag_text() or tag)
        self.words += " ".join(given.values())

    def handle_data(self, data: str) -> None:
        self.words += data


def harmless(page: str, what: str) -> str:
    """The words of a page, its attributes' among them; fails when any of it could run."""
    for raw in ("<script>alert", "<img src=x", "\"'><"):
        assert raw not in page, f"{what}: {page[max(0, page.find(raw) - 200) :][:400]}"
    tags = Tags(page)
    assert tags.found == [], what
    return tags.words


def sign_in(app: Flask, runtime: Runtime, group_id: int) -> FlaskClient:
    """Somebody who may open every page, and whose own name is hostile."""
    app.config["WTF_CSRF_ENABLED"] = False
    return entered(app, runtime, group_id=group_id, name=EVIL, sign_in_name=EVIL, role="instance")


def fill(client: FlaskClient, runtime: Runtime, path: str, answered: int = 303, /, **values: Any) -> str:
    """Send a form; its page's words, which must be harmless also when it is refused."""
    answer = client.post(path, data={"opened": opened(runtime), **values})
    assert answer.status_code == answered, (path, harmless(answer.text, path))
    return harmless(answer.text, path)


def fill_everything(client: FlaskClient, runtime: Runtime, group_id: int) -> None:
    """Through the forms: an official, two meetings with drafts, three imports, a draft's every field."""
    texts = dict.fromkeys(("name", "role", "jurisdiction", "district", "party", "address"), EVIL)
    refused = fill(client, runtime, "/officials/new", 422, phone=EVIL, extension=EVIL, email=EVIL, **texts)
    assert EVIL in refused
    fill(client, runtime, "/officials/new", phone="602-555-0142", **texts)
    wrong = {f"day_{day}": EVIL for day in range(7)} | dict.fromkeys(("other_kind", "phone", "zone", "lines"), EVIL)
    for path in ("/officials/1/offices/new", "/officials/offices/1"):
        assert EVIL in fill(client, runtime, path, 422, kind="other", hours="own", address=EVIL, **wrong)
    fill(client, runtime, "/officials/1/offices/new", kind="other", other_kind=EVIL[:40], hours="usual", address=EVIL)
    promises = {f"promise_{n}": EVIL for n in (1, 2)} | {f"contact_{n}": EVIL for n in (1, 2)}
    said = {"attendees": EVIL, "notes": EVIL, "answer_5": "no", "basis_5": "practice", **promises}
    for outcome in ("declined", "evaded"):
        form = meeting_form(runtime, **said, due_1="2026-12-02", outcome=outcome)
        assert client.post("/meetings/new/1", data=form).status_code == 303
    assert client.post("/meetings/new/1", data={**form, "held_on": EVIL}).status_code == 422
    fill_ledger(client, runtime)
    head = f"First name,Last name,Cell,City,Tags,{CELL}\n"
    rows = "".join(f"{CELL},{CELL},{number(index)},{CELL},{CELL},{CELL}\n" for index in range(4))
    for index, end in enumerate(("confirm", "cancel", None)):
        sent = send(client, f"{head}{rows}{CELL},{CELL},{CELL},,,\n", list_name=f"{EVIL}{index}", consent=EVIL)
        assert sent.status_code == 303
        if end:
            assert client.post(f"{sent.location}/{end}").status_code == 303
    for field in ("sought", "list"):
        harmless(client.post("/people/find", data={field: EVIL}).text, "/people/find")
    fill_promises(client)
    fill_segments(client, runtime, group_id)
    fill_trees(client, runtime)
    fill_plans(client, runtime)
    text_of = {f"{kind}_{language}": f"{{{{ group }}}} {EVIL} STOP ALTO" for kind in ("text", "script", "spoken")
               for language in ("en", "es")}  # fmt: skip
    for campaign in (1, 2):
        draft = f"/campaigns/{campaign}/draft"
        version = {
            page: re.findall(r'name="version" value="([^"]*)"', client.get(f"{draft}/{page}").text)[0]
            for page in ("about", "audience", "text")
        }
        fill(client, runtime, f"{draft}/about", version=version["about"], name=EVIL, policy="5", office_id="1")
        fill(client, runtime, f"{draft}/audience", version=version["audience"], lists="1")
        fill(client, runtime, f"{draft}/audience", 422, version=version["audience"], lists=EVIL)
        fill(client, runtime, f"{draft}/text/preview", 200, **text_of)
        fill(client, runtime, f"{draft}/text", version=version["text"], **text_of)
        clash = fill(client, runtime, f"{draft}/text", 409, version="older", **{**text_of, "text_en": EVIL})
        assert EVIL in clash
        for test in ("test", "test-call"):
            fill(client, runtime, f"{draft}/{test}", 422, phone=EVIL, once=EVIL, language=EVIL, version=EVIL)
        fill(client, runtime, f"{draft}/launch", 422, count=EVIL, version=EVIL)
        fill(client, runtime, f"{draft}/tactic/", 422, **dict.fromkeys(("tactic", "tone", "edited", "version"), EVIL))
        fill(client, runtime, f"{draft}/tactic/words/0", 409, version=EVIL)
    fill_tactic(client, runtime, "/campaigns/1/draft/tactic")
    ask_approval(runtime, group_id, 1, EVIL)
    for press, given in (("approve", {"count": EVIL}), ("decline", {"reason": EVIL * 20})):
        fill(client, runtime, f"/campaigns/1/approval/1/{press}", 422, **given)


def fill_tactic(client: FlaskClient, runtime: Runtime, path: str) -> None:
    """A draft that becomes one for a council meeting, at a hostile place; its own words are kept aside."""
    read = re.findall(r'name="version" value="([^"]*)"', client.get(f"{path}/").text)[0]
    taken = {"tactic": "council_meeting", "tone": "hostile", "version": read}
    assert EVIL in fill(client, runtime, f"{path}/", 422, **taken)
    fill(client, runtime, f"{path}/", **taken, edited="replace")
    read = re.findall(r'name="version" value="([^"]*)"', client.get(f"{path}/facts").text)[0]
    fields = ("event_day", "event_time", "event_zone", "event_place", "event_link")
    assert EVIL in fill(client, runtime, f"{path}/facts", 422, version=read, **dict.fromkeys(fields, EVIL))
    event = {"event_day": "2026-12-09", "event_time": "18:30", "event_zone": "America/Phoenix", "event_place": EVIL}
    fill(client, runtime, f"{path}/facts", version=read, **event)


def fill_ledger(client: FlaskClient, runtime: Runtime) -> None:
    """An answer and its correction, a judgement, and a manual of which a passage is marked and noted."""
    heard = {
        "heard_on": "2026-11-30",
        "heard_by": EVIL,
        "basis": "writing",
        "citation": f"{EVIL} https://example.org/{EVIL}",
    }
    for path in ("/officials/1/stances/new", "/officials/stances/1"):
        fill(client, runtime, path, answer="no", policy="5", source="letter", **heard)
        assert EVIL in fill(client, runtime, path, 422, answer=EVIL, policy=EVIL, source=EVIL, **heard)
    fill(client, runtime, "/officials/1/hostility", hostility="hostile", why=EVIL)
    described = {"agency": EVIL, "jurisdiction": EVIL, "source": f"https://example.org/{EVIL}"}
    fill(client, runtime, "/manuals/new", title=EVIL, official_id="1", **described)
    assert EVIL in fill(client, runtime, "/manuals/1/edit", 422, title=EVIL, dated=EVIL, official_id=EVIL, **described)
    fill(client, runtime, "/manuals/1/paste", section=EVIL, text=f"{EVIL} detainer {EVIL}", reader=EVIL)
    fill(client, runtime, "/manuals/passages/1/mark", words=f"{EVIL} detainer", kind="hold")
    assert EVIL in fill(client, runtime, "/manuals/passages/1/mark", 422, words=f"{EVIL} {EVIL}", kind="hold")
    said = {"policy": "5", "comment": EVIL, "reader": EVIL, "done": "y"}
    assert EVIL in fill(client, runtime, "/manuals/passages/1", 409, version=EVIL, **said)
    version = re.findall(r'name="version"[^>]*value="([^"]*)"', client.get("/manuals/passages/1").text)[0]
    fill(client, runtime, "/manuals/passages/1", version=version, **said)
    fill(client, runtime, "/manuals/passages/1/note", answer="no")


def fill_promises(client: FlaskClient) -> None:
    """A promise that is described, put off and told of, and a report, with hostile words in every field."""
    told = dict.fromkeys(("text", "approver", "staff_contact", "steps"), EVIL)
    heard = dict.fromkeys(("words", "said_by"), EVIL)
    for path, given in (
        ("/promises/1/change", {**told, "due_on": EVIL, "watcher": EVIL}),
        ("/promises/1", {**heard, "kind": EVIL, "said_on": EVIL, "new_day": EVIL, "seen": EVIL}),
        ("/officials/state-office", {"name": EVIL, "email": EVIL}),
    ):
        assert EVIL in harmless(client.post(path, data=given).text, path)
    for path, given in (
        ("/promises/1/change", {**told, "due_on": "2026-12-02"}),
        ("/promises/new/1", told),
        ("/promises/1", {**heard, "kind": "extended", "new_day": "2026-12-20", "said_on": "2026-12-01", "seen": "0"}),
        ("/officials/state-office", {"name": EVIL, "email": "office@example.org"}),
        ("/meetings/1/report", dict.fromkeys(("said", "not_said", "next_step", "with_attendees"), EVIL)),
    ):
        assert client.post(path, data=given).status_code == 303, path


def fill_segments(client: FlaskClient, runtime: Runtime, group_id: int) -> None:
    """A district, a segment that its page can change, and one that it can only show."""
    index_facets(runtime)
    fill(client, runtime, "/people/districts/new", name=EVIL, zips="85003")
    assert EVIL in fill(client, runtime, "/people/districts/new", 422, name=EVIL, zips=EVIL)
    rows = {"what_with_1": "tag:1", "what_with_2": "list:1", "what_with_3": "district:1", "what_with_4": "city",
            "typed_with_4": EVIL}  # fmt: skip
    fill(client, runtime, "/people/segments/new", name=EVIL, action="save", **rows)
    wrong = {"what_with_1": EVIL, "typed_with_1": EVIL, "what_with_2": "zip", "typed_with_2": EVIL}
    for action, answered in (("save", 422), ("add-with", 200), ("count", 200)):
        assert EVIL in fill(client, runtime, "/people/segments/new", answered, name=EVIL, action=action, **wrong)
    fill(client, runtime, "/people/segments/count", 200, **wrong)
    with runtime.db.transaction() as tx:
        tree = {"not": {"all": [{"tag": EVIL}, {"city": EVIL}]}}
        create_segment(tx, runtime, group_id, f"{EVIL} 2", tree, by=EVIL)


def fill_plans(client: FlaskClient, runtime: Runtime) -> None:
    """A plan and everything that belongs to one, and every form about it refused once."""
    fill(client, runtime, "/people/lists/1/members", members="yes")
    partner = dict.fromkeys(("organization", "does", "together", "contact_name", "email"), EVIL)
    fill(client, runtime, "/meetings/partners/new", **partner)
    assert EVIL in fill(client, runtime, "/meetings/partners/new", 422, **partner)
    texts = dict.fromkeys(("staff_name", "staff_role", "staff_email", "place", "gather_place", "conditions"), EVIL)
    plan = {**texts, "meeting_zone": "America/Phoenix", "day": "2026-12-20", "time": "12:00", "spokesperson": "1",
            "comes": "2", "partners": "1", "condition_kinds": "other"}  # fmt: skip
    wrong = dict.fromkeys(("day", "time", "meeting_zone", "minutes", "spokesperson", "comes", "partners"), EVIL)
    assert EVIL in fill(client, runtime, "/meetings/plans/new/1", 422, **{**plan, **wrong})
    fill(client, runtime, "/meetings/plans/new/1", **plan)
    fill(client, runtime, "/meetings/plans/1/tries", on_day="2026-12-01", whom=EVIL, said=EVIL)
    fill(client, runtime, "/meetings/plans/1/tries", 422, on_day=EVIL, whom=EVIL, said=EVIL)
    fill(client, runtime, "/meetings/plans/1/items", words=EVIL)
    fill(client, runtime, "/meetings/items/1", 422, assignee=EVIL, due_on=EVIL)
    fill(client, runtime, "/meetings/items/1", assignee="member:1")
    fill(client, runtime, "/meetings/items/2/tick", done="yes")
    asked = dict.fromkeys(("agency", "asked_for", "document", "kept_at"), EVIL)
    fill(client, runtime, "/meetings/records/new/1", how="mail", plan="1", **asked)
    fill(client, runtime, "/meetings/records/new/1", 422, how=EVIL, plan=EVIL, fee=EVIL, **asked)
    agenda = {"version": "1", "line_1": EVIL, "who_1": "1", "point_0": EVIL, "point_5": EVIL}
    fill(client, runtime, "/meetings/plans/1/agenda", 422, **{**agenda, "minutes_1": EVIL, "who_1": EVIL})
    fill(client, runtime, "/meetings/plans/1/agenda", **agenda)


def fill_trees(client: FlaskClient, runtime: Runtime) -> None:
    """A tree of a list, and every form about it with hostile words."""
    grown = {"made": "lists", "lists": "1", "area": "city", "size": "5"}
    assert EVIL in fill(client, runtime, "/trees/new", 422, **{**grown, "name": EVIL * 9})
    fill(client, runtime, "/trees/new", 422, **dict.fromkeys(("name", "made", "lists", "area", "size"), EVIL))
    for name in (EVIL, f"{EVIL} 2"):
        fill(client, runtime, "/trees/new", name=name, **grown)
    for path, fields in (("1/add", ("phone", "area")), ("people/1/add", ("phone",)), ("people/1/move", ("under",)),
                         ("people/1/backup", ("stands_in", "other_phone"))):  # fmt: skip
        fill(client, runtime, f"/trees/{path}", 422, version=EVIL, **dict.fromkeys(fields, EVIL))
    fill(client, runtime, "/trees/1/start", 422, action="start",
         **dict.fromkeys(("campaign", "nudge", "backup", "count"), EVIL))  # fmt: skip


def send_texts(client: FlaskClient, runtime: Runtime, group_id: int, carrier: Rehearsal) -> None:
    """A launched campaign, answers of every kind with hostile words in them, and phones that show the same."""
    with runtime.db.transaction() as tx:
        wave = launch_campaign(tx, runtime, group_id, 2)
        tree = make_tree(tx, runtime, group_id, f"{EVIL} 3", by=EVIL)
        hashed = [runtime.vault.number_hash(number(index)) for index in (2, 1)]
        leads, member = (
            tx.execute(select(Constituent.id).where(Constituent.number_hash == one)).scalar_one() for one in hashed
        )
        add_person(tx, runtime, tree, member, add_person(tx, runtime, tree, leads, None, EVIL).id)
        start_run(tx, runtime, group_id, tree.id, 2, by=EVIL)
        tx.execute(update(TreeStep).values(state="confirmed", confirmed_by="captain"))
    while not plan_wave(runtime, wave.id, 5):
        pass
    *_, doubtful = posts = text_everybody(runtime, wave)
    assert len(posts) == 4
    at = runtime.clock.real_now()
    with runtime.db.transaction() as tx:
        append(tx, [result(doubtful.attempt_id, fate, at) for fate in ("unknown", "review")])
    fold_everything(runtime)
    for person, words in (
        (0, "please stop {}"),
        (0, "STOP"),
        (1, "{}"),
        (2, "1 {}"),
        (3, "maybe remove {}?"),
        (9, "{}"),
    ):
        say(client, runtime, person, words.format(EVIL))
    for index in (1, 2):
        carrier.create(number(index), EVIL)
        carrier.settle()
        assert client.post(f"/phones/{number(index)}/reply", data={"body": EVIL}).status_code == 303
    carrier.settle()
    with runtime.db.snapshot() as session:
        threads = session.execute(select(Conversation.id)).scalars().all()
    for thread in threads:
        assert client.post(f"/inbox/{thread}/claim", data={"holder": EVIL}).status_code == 303
        refused = client.post(f"/inbox/{thread}/answer", data={"body": EVIL * 40, "once": EVIL})
        assert refused.status_code == 422
        assert EVIL in harmless(refused.text, "a refused answer")
        client.post(f"/inbox/{thread}/answer", data={"body": EVIL, "once": "1", "seen": EVIL})
        for given in ({"new_tag": EVIL[:40]}, {"known": EVIL}):
            assert client.post(f"/inbox/{thread}/tag", data=given).status_code == 303
        client.post(f"/inbox/{thread}/untag", data={"tag": EVIL})
        fill(client, runtime, f"/inbox/{thread}/hand-over", 422, to=EVIL, note=EVIL)
        fill(client, runtime, f"/inbox/{thread}/hand-over", to="1", note=EVIL)
    assert EVIL in fill(client, runtime, "/inbox/find", 200, sought=EVIL)
    assert EVIL in fill(client, runtime, "/inbox/find", 422, sought=f"{EVIL} 1234567")
    written = {"ready_en": EVIL, "ready_es": EVIL}
    assert EVIL in fill(client, runtime, "/inbox/settings/ready/new", 422, name=EVIL, ready_en=f"{EVIL} {{{{ x }}}}")
    fill(client, runtime, "/inbox/settings/ready/new", name=EVIL[:60], **written)
    fill(client, runtime, "/inbox/settings/", 422, hours=EVIL)
    path, wrong = "/campaigns/1/stand-down", dict.fromkeys(("campaigns", "thanks", "text_en", "text_es"), EVIL)
    assert EVIL in fill(client, runtime, path, 422, why=EVIL, **wrong)
    stood = client.post(path, data={"why": EVIL, "campaigns": "1"})
    assert client.post(f"{stood.location}/undo").status_code == 303


@pytest.fixture
def hostile(rehearsal: tuple[Rehearsal, Runtime]) -> tuple[Flask, FlaskClient, Runtime]:
    """A site whose every stored word is hostile, and somebody signed in to it."""
    carrier, runtime = rehearsal
    app = create_app(runtime.settings, runtime)
    group_id = make_group(runtime, EVIL)
    client = sign_in(app, runtime, group_id)
    fill_everything(client, runtime, group_id)
    send_texts(client, runtime, group_id, carrier)
    fill(client, runtime, "/campaigns/2/counter", 422, is_on="y", goal=EVIL)
    fill(client, runtime, "/campaigns/2/counter", is_on="y", goal="10")
    return app, client, runtime


def known_values(runtime: Runtime) -> dict[str, list[str]]:
    """What each parameter of an address can be, by its name."""
    ids: dict[str, Any] = {
        "campaign_id": Campaign, "meeting_id": Meeting, "official_id": Official, "person_id": Constituent,
        "upload_id": Upload, "conversation_id": Conversation, "segment_id": Segment, "district_id": District,
        "canned_id": CannedReply, "office_id": Office, "tree_id": PhoneTree, "node_id": TreeNode,
        "run_id": TreeRun, "stance_id": Stance, "document_id": ManualDocument, "passage_id": ManualPassage,
        "plan_id": MeetingPlan, "request_id": RecordsRequest, "partner_id": Partner, "item_id": ChecklistItem,
        "promise_id": Promise, "stand_down_id": StandDown, "user_id": User,
    }  # fmt: skip
    with runtime.db.transaction() as tx:
        by = Actor(1, EVIL, "instance")
        invited = invite(tx, by, role="staff", meant_for=EVIL, now=runtime.clock.real_now())
    with runtime.db.snapshot() as session:
        found = {name: [str(one) for one in session.execute(select(model.id)).scalars()] for name, model in ids.items()}
        assert session.execute(select(ContactList.name)).scalars().all() == [f"{EVIL}0"]
        heard = Reply.number_hash == runtime.vault.number_hash(number(2))
        links = [token_for(runtime, one) for one in session.execute(select(Reply.id).where(heard)).scalars()]
        (step_id,) = session.execute(select(TreeStep.id)).scalars()
        links.append(page_address(runtime, step_id, backup=False).rpartition("/")[2])
        slugs = [slug_of(row.name, row.id) for row in session.execute(select(Group.name, Group.id))]
    return {
        **found,
        "slug": slugs,
        "number": [number(1), number(2)],
        "token": ["x", EVIL, counter_token(runtime, 2), invited],
        "link": links,
    }


def addresses(app: Flask, rule: Rule, known: dict[str, list[str]]) -> Iterator[str]:
    """Every address of a route in this world; at most one parameter a route."""
    unknown = rule.arguments - known.keys()
    assert not unknown, f"{rule.rule}: say in known_values what {unknown} can be, or in NOT_PAGES why it is not walked"
    names = sorted(rule.arguments)
    assert len(names) <= 1, rule.rule
    with app.test_request_context():
        for given in [{names[0]: value} for value in known[names[0]]] if names else [{}]:
            for query in ({}, *WITH_QUERY.get(rule.rule, ())):
                yield app.url_map.bind("127.0.0.1:8999").build(rule.endpoint, {**given, **query})


@pytest.mark.parametrize(
    ("database_url", "language"), [("sqlite", "es"), ("postgresql", "en")], indirect=["database_url"]
)
def test_no_page_lets_hostile_words_out(hostile: tuple[Flask, FlaskClient, Runtime], language: str) -> None:
    app, client, runtime = hostile
    client.post(f"/language/{language}")
    known, seen, walked = {**known_values(runtime), "language": [language]}, set(), set()
    for rule in app.url_map.iter_rules():
        if "GET" not in (rule.methods or ()) or rule.rule in NOT_PAGES:
            continue
        for address in addresses(app, rule, known):
            page = client.get(address)
            assert page.status_code in {200, 302, 303, 404}, address
            may_be_kept = "public" in page.headers["Cache-Control"]
            assert may_be_kept or page.headers["Cache-Control"] in {"no-store", "private, no-cache"}, address
            assert may_be_kept == (rule.rule in KEPT_BY_OTHERS and page.status_code == 200), address
            assert not (may_be_kept and "Set-Cookie" in page.headers), address
            words = harmless(page.text, address)
            if page.status_code == 200:
                walked.add(rule.rule)
                if "<html" in page.text and rule.rule not in IN_ITS_READERS_LANGUAGE:
                    assert f'lang="{language}"' in page.text, address
                own = harmless(
                    page.text.rpartition("<main")[2], address
                )  # the bar names who is signed in, on every page
                if "<script>alert(1)</script>" in words and "<script>alert(1)</script>" in own:
                    seen.add(rule.rule)
    pages = {rule.rule for rule in app.url_map.iter_rules() if "GET" in (rule.methods or ())} - NOT_PAGES.keys()
    assert pages - walked == set(), "each is opened at least once"
    assert pages - seen == SILENT, "the words are there to be read, on every page that shows what was typed"


@pytest.mark.parametrize(
    "page",
    [
        f"<p>{EVIL}</p>", "<p onclick=x>", "<a href=' javascript:x'>", "<script>x</script>", "<p style='x'>",
        "<form action='data:x'>", "<input value=\"\"'><b>\">",
    ],
)  # fmt: skip
def test_the_walk_would_notice(page: str) -> None:
    with pytest.raises(AssertionError):
        harmless(page, "a page")


def test_nothing_is_excused_that_is_not_there(runtime: Runtime) -> None:
    rules = {rule.rule for rule in create_app(runtime.settings, runtime).url_map.iter_rules()}
    assert rules >= NOT_PAGES.keys() | SILENT
