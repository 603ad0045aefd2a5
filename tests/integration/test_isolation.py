"""No page of one group shows or changes what belongs to another: every route, by every role, with the other's ids.

Two walks. Strangers, of every role, ask for each address of a group whose every word is known and whose every kind of
row exists; they are told that there is nothing there, and not one of its rows is another afterwards. Then that group
turns on a third: its own forms are sent with the ids of the third's rows in every field.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from itertools import product
from typing import Any

from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select
from werkzeug.datastructures import MultiDict
from werkzeug.routing import Rule

from outreach.accounts.invitations import Actor, invite
from outreach.accounts.models import User
from outreach.accounts.sign_in_models import Invitation, SignIn
from outreach.approvals.models import ApprovalRequest
from outreach.core.db import Base
from outreach.core.runtime import Runtime
from outreach.escalations.models import Campaign
from outreach.escalations.stand_down_models import StandDown
from outreach.messaging.inbox_models import CannedReply
from outreach.messaging.models import Conversation, Message, Reply
from outreach.officials.manual_models import ManualDocument, ManualMark, ManualPassage
from outreach.officials.models import Meeting, Office, Official, Promise, Stance
from outreach.officials.plan_models import ChecklistItem, MeetingPlan, Partner, RecordsRequest
from outreach.people.models import Constituent, ContactList, Upload
from outreach.people.segment_models import District, Segment
from outreach.phone_tree.models import PhoneTree, TreeNode, TreeRun
from outreach.web.roles import PUBLIC, declared_role, ranks
from tests.browser.reading import ONE_DATABASE
from tests.factories import entered, make_group, number
from tests.integration.foreign_forms import ROWS, THEIRS, Sendings, make_theirs
from tests.integration.test_web_phones import rehearsal
from tests.integration.test_web_xss import EVIL, NOT_PAGES, addresses, hostile, known_values

__all__ = ["hostile", "rehearsal"]

ROLES = ("staff", "organizer", "admin", "instance")
KINDS: dict[str, Any] = {
    "campaign_id": Campaign, "canned_id": CannedReply, "conversation_id": Conversation, "district_id": District,
    "document_id": ManualDocument, "invitation_id": Invitation, "item_id": ChecklistItem, "list_id": ContactList,
    "mark_id": ManualMark, "meeting_id": Meeting, "message_id": Message, "node_id": TreeNode, "office_id": Office,
    "official_id": Official, "partner_id": Partner, "passage_id": ManualPassage, "person_id": Constituent,
    "plan_id": MeetingPlan, "promise_id": Promise, "reply_id": Reply, "request_id": RecordsRequest, "run_id": TreeRun,
    "segment_id": Segment, "sign_in_id": SignIn, "stance_id": Stance, "stand_down_id": StandDown, "tree_id": PhoneTree,
    "upload_id": Upload, "user_id": User,
}  # fmt: skip
"""What the parameters of addresses name. Another one fails the walk until it is said what it is."""
REQUESTS_TO_LAUNCH = "/approval/<int:request_id>/"
EVERYBODYS: dict[str, Any] = {
    "language": "en", "code": "en", "number": number(1), "act": "join", "alarm_id": 1,
    "group_id": 1,
}  # fmt: skip
"""Parameters that name no row of a group. Phones are those of the rehearsal, which whoever may try it out sees."""
PHONES = "/phones/"
REHEARSED = {"/phones/", "/phones/live", "/phones/<number>", "/phones/<number>/live", "/phones/<number>/reply"}
"""The phones of a rehearsal are nobody's: there are none where real people are."""
NOBODYS = REHEARSED | {"/phones/<number>/<act>", "/people/sign-up/poster/<language>"}
OF_THE_SITE = {
    "/administration/groups/", "/administration/groups/<int:group_id>/invite", "/administration/queues/",
    "/administration/queues/alarms/<int:alarm_id>/close", "/administration/queues/live",
}  # fmt: skip
"""Pages of whoever runs the site for all groups; they name groups, and show nothing that is in one."""
ENOUGH = {
    "/inbox/<int:conversation_id>/tag": {"new_tag": "seen"},
    "/inbox/texts/<int:reply_id>/meaning": {"meaning": "decline:"},
    "/people/lists/<int:list_id>/members": {"members": "yes"},
    "/review/<int:message_id>": {"choice": "again"},
}  # fmt: skip
"""Forms that are refused when they are empty, before anybody asks whose they are: what they need to go through."""
OWN_DOINGS = {"sign_in", "approval_request", "audit_event", "group_safety", "spend_cap", "sign_in_count"}
"""Tables that strangers write by empty forms of their own group."""
PARTS = {"/campaigns/<int:campaign_id>/again/"}
"""Pages that the first campaign's state refuses to its owners."""


class Walk:
    """All addresses of a site, with the first row of each kind in them: the first group's."""

    def __init__(self, app: Flask, runtime: Runtime) -> None:
        self._app, self._runtime = app, runtime

    def rules(self) -> Iterator[Rule]:
        """The routes that ask for a login, the one that ends it last."""
        for rule in sorted(self._app.url_map.iter_rules(), key=lambda rule: rule.rule == "/leave"):
            if declared_role(self._app, rule.endpoint) != PUBLIC:
                yield rule

    def address(self, rule: Rule) -> str:
        """One address of it. Two parameters are a row, and something that belongs to it."""
        given: dict[str, Any] = {}
        for name in sorted(rule.arguments):
            if name in EVERYBODYS and (name != "number" or rule.rule.startswith(PHONES)):
                given[name] = EVERYBODYS[name]
            elif name == "number":
                given[name] = 0
            else:
                kind = ApprovalRequest if REQUESTS_TO_LAUNCH in rule.rule and name == "request_id" else KINDS[name]
                given[name] = self._id(kind)
        with self._app.test_request_context():
            return str(self._app.url_map.bind("127.0.0.1:8999").build(rule.endpoint, given))

    def _id(self, kind: type[Base]) -> int:
        with self._runtime.db.snapshot() as session:
            found = session.execute(select(kind.__table__.c.id).order_by(kind.__table__.c.id).limit(1)).scalar()
        assert found is not None, f"the world has no {kind.__name__}"
        return int(found)


def rows_of(runtime: Runtime) -> dict[str, set[tuple[Any, ...]]]:
    """Every row of every table."""
    with runtime.db.snapshot() as session:
        return {
            table.name: {tuple(map(_plain, row)) for row in session.execute(select(table))}
            for table in Base.metadata.sorted_tables
        }


def of_group(table: str, rows: set[tuple[Any, ...]], group_id: int) -> set[tuple[Any, ...]]:
    """Those rows of a table that say they are a group's."""
    names = Base.metadata.tables[table].columns.keys()
    return {row for row in rows if "group_id" in names and row[names.index("group_id")] == group_id}


def _plain(value: Any) -> Any:
    return value if value.__hash__ else repr(value)


def enter(app: Flask, runtime: Runtime, group_id: int, role: str) -> FlaskClient:
    """Somebody of a group who may do what the role may."""
    return entered(app, runtime, group_id=group_id, name=f"{role} {group_id}", role=role)


def methods(rule: Rule) -> list[str]:
    """How a route is called."""
    return sorted((rule.methods or set()) - {"HEAD", "OPTIONS"})


@ONE_DATABASE
def test_strangers_find_and_change_nothing(hostile: tuple[Flask, FlaskClient, Runtime]) -> None:
    app, owner, runtime = hostile
    with runtime.db.transaction() as tx:
        invite(tx, Actor(1, EVIL, "instance"), role="staff", meant_for=EVIL, now=runtime.clock.real_now())
    group_id, owners_in = make_group(runtime, "Strangers"), rows_of(runtime)["sign_in"]
    strangers = {role: enter(app, runtime, group_id, role) for role in ROLES}
    walk, before, walked = Walk(app, runtime), rows_of(runtime), Counter[str]()
    for rule in walk.rules():
        address, needed = walk.address(rule), str(declared_role(app, rule.endpoint))
        for (role, client), method in product(strangers.items(), methods(rule)):
            if role == "instance" and rule.rule in OF_THE_SITE:
                continue
            answer = client.open(address, method=method, data=ENOUGH.get(rule.rule))
            what = (role, method, address, answer.status_code)
            if not ranks(role, needed):
                assert answer.status_code == 403, what
            elif rule.arguments and rule.rule not in NOBODYS:
                assert answer.status_code == 404, what
            assert "alert(1)" not in answer.text or rule.rule in REHEARSED, what
            walked[role] += 1
    assert set(walked) == set(ROLES)
    assert min(walked.values()) > 200
    after = rows_of(runtime)
    for name in before.keys() - OWN_DOINGS:
        assert before[name] == after[name], name
    assert owners_in
    assert owners_in <= after["sign_in"], "nobody of the owners was signed out"
    for name in OWN_DOINGS - {"sign_in"}:
        assert before[name] <= after[name], name
        assert of_group(name, after[name], 1) == of_group(name, before[name], 1), name
    owned = [rule for rule in walk.rules() if rule.arguments and "GET" in methods(rule) and rule.rule not in PARTS]
    answers = {rule.rule: owner.get(walk.address(rule)).status_code for rule in owned}
    assert {rule for rule, status in answers.items() if status not in {200, 302, 303}} == set(), "the owners see it"
    turn_on_others(app, owner, runtime)


def turn_on_others(app: Flask, owner: FlaskClient, runtime: Runtime) -> None:
    """The known group's own forms and links, with a third group's rows in each field that names one."""
    known = {**known_values(runtime), "language": ["en"]}
    group_id, theirs = make_theirs(runtime)
    before = rows_of(runtime)
    sent = Counter[str]()
    for rule in app.url_map.iter_rules():
        if "GET" not in methods(rule) or rule.rule in NOT_PAGES or declared_role(app, rule.endpoint) == PUBLIC:
            continue
        for address in addresses(app, rule, known):
            for one in Sendings(address, owner.get(address).text).found:
                for fields in one.instead(theirs):
                    by = {"query_string": fields} if one.method == "GET" else {"data": MultiDict(fields)}
                    answer = owner.open(one.path, method=one.method, **by)
                    what = (address, one.method, one.path, fields[-1], answer.status_code)
                    assert answer.status_code < 500, what
                    assert THEIRS not in answer.text, what
                    sent[re.sub(r"_?\d+$", "", fields[-1][0])] += 1
    assert set(sent) == set(ROWS), "each field has been tried"
    after = rows_of(runtime)
    for name, rows in before.items():
        assert of_group(name, rows, group_id) == of_group(name, after[name], group_id), name
    assert across(after) == []


def across(rows: dict[str, set[tuple[Any, ...]]]) -> list[str]:
    """References from a row of one group to a row of another."""
    tables = Base.metadata.tables
    by_id = {name: {row[0]: dict(zip(tables[name].columns.keys(), row, strict=True)) for row in some}
             for name, some in rows.items() if next(iter(tables[name].primary_key)).name == "id"}  # fmt: skip
    plain = {name: [dict(zip(tables[name].columns.keys(), row, strict=True)) for row in some]
             for name, some in rows.items()}  # fmt: skip

    def references(name: str, row: dict[str, Any]) -> Iterator[tuple[str, int]]:
        for key in tables[name].foreign_keys:
            if key.column.table.name != "groups" and row[key.parent.name] is not None:
                yield key.column.table.name, row[key.parent.name]

    def groups_of(name: str, row: dict[str, Any]) -> set[int]:
        if "group_id" in row:
            return {row["group_id"]} - {None}
        return {group for target, id_ in references(name, row) for group in groups_of(target, by_id[target][id_])}

    found = []
    for name, some in plain.items():
        for row in some:
            named = {group for target, id_ in references(name, row) for group in groups_of(target, by_id[target][id_])}
            if len(named | groups_of(name, row)) > 1:
                found.append(f"{name} {row.get('id')}: {named}")
    return found


def test_a_reference_from_group_to_group_would_be_seen() -> None:
    names = Base.metadata.tables["official"].columns.keys(), Base.metadata.tables["office"].columns.keys()
    official = tuple({"id": 1, "group_id": 2}.get(name) for name in names[0])
    office = tuple({"id": 1, "group_id": 3, "official_id": 1}.get(name) for name in names[1])
    assert across({"official": {official}, "office": {office}}) == ["office 1: {2}"]
