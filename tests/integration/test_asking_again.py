"""What asks for a password once more, what does not and why; and what is closed to who must still set one up.

Routes do not depend on the database, so these walks take one.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import func, select, update

from outreach.accounts import entering, invitations, sign_ins
from outreach.accounts.attempts import Origin, TryLaterError
from outreach.accounts.invitations import Actor
from outreach.accounts.models import AuditEvent, User
from outreach.accounts.sign_in_models import SignIn
from outreach.core.runtime import Runtime
from outreach.spending.ledger import caps_of
from outreach.spending.prices import MICROS, Caps
from outreach.web.app import create_app
from outreach.web.roles import PUBLIC, declared_role, wants_fresh
from outreach.web.signed_in import TOKEN
from tests.integration.test_accounts import CHEAP, SECRET, join

pytestmark = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)

FRESH = {
    "launches": {
        "wizard_launch.launch", "wizard_launch.schedule", "waves.launch", "tree_start.start", "approvals.say_yes",
        "levers.resume", "tree_runs.resume",
    },
    "takes data out": {
        "audit.export", "calls.export", "privacy.data", "privacy.export", "promises.export", "silence.export",
        "tallies.export", "tree_runs.export",
    },
    "erases": {"privacy.erase"},
    "money, and who watches over it": {
        "safety.choose_caps", "safety.resume", "safety.open_sign_up", "safety.two_off", "safety.let_off",
    },
    "who may do what": {
        "colleagues.change_role", "colleagues.deactivate", "colleagues.invite", "colleagues.reset", "groups.add",
        "groups.invite", "account.password", "account.app", "account.recovery_codes",
    },
}  # fmt: skip
"""Every route that asks whether it is really you, by what it does."""
OPEN = {
    "stops something, and must not wait": {
        "approvals.say_no", "approvals.take_back", "safety.keep_on", "safety.take_back", "safety.two_on",
        "levers.pause", "levers.cancel", "levers.unschedule", "tree_runs.pause", "tree_runs.stop", "stand_downs.begin",
        "stand_downs.begin_here", "optouts.bring", "threads.decide", "colleagues.revoke", "account.end_session",
        "account.end_others", "accounts.leave",
    },
    "undoes what one has just done, within its time": {"stand_downs.undo", "people.undo", "promises.take_back"},
    "one text or call, to one person": {
        "inbox.answer", "review.decide", "wizard_launch.test_text", "wizard_launch.test_call", "phones.reply",
        "phones.act_on_call",
    },
    "drafts, of which nothing leaves before a launch": {
        "wizard.about", "wizard.audience", "wizard.text", "wizard_tactic.choose", "wizard_tactic.facts",
        "wizard_tactic.put_back", "waves.write", "rungs.draft", "meetings.draft", "promises.draft", "trees.new",
        "trees.add_top", "trees.delete", "tree_people.add_below", "tree_people.backup", "tree_people.move",
        "tree_people.remove",
    },
    "only looks": {
        "people.find", "inbox.find", "segments.count", "waves.cost", "waves.look", "wizard.count",
        "wizard.text_preview",
    },
    "brings people in, and leaves for thirty days a way back": {
        "people.upload", "people.columns", "people.confirm", "people.cancel", "members.mark",
    },
    "what the group knows and how it works": {
        "officials.add", "officials.bring", "after_meeting.state_office", "after_meeting.write_report", "offices.add",
        "offices.edit", "offices.remove", "stances.add", "stances.correct", "stances.judge", "meetings.log",
        "plans.new", "plans.edit", "plans.end", "plans.again", "plans.add_try", "checklists.add",
        "checklists.add_after", "checklists.edit", "checklists.remove", "checklists.tick", "agenda.edit",
        "records.new", "records.edit", "partners.new", "partners.edit", "manuals.add", "manuals.edit", "manuals.paste",
        "passages.mark", "passages.note", "passages.remove", "passages.remove_mark", "passages.review", "promises.add",
        "promises.change", "promises.note", "districts.new", "districts.edit", "districts.delete", "segments.new",
        "segments.edit", "segments.delete", "inbox_settings.choose", "inbox_settings.new", "inbox_settings.edit",
        "inbox_settings.delete", "threads.claim", "threads.correct", "threads.done", "threads.hand_over",
        "threads.release", "threads.tag", "threads.untag",
    },
    "shows whole fives to everybody, and is off again by one press": {"counter_switch.save"},
    "says that an alarm was seen": {"queues.close"},
    "is the question itself": {"confirming.give"},
}  # fmt: skip
"""Every other route that takes a form, by why it asks for nothing."""
SETTLING = {
    "password": {"/account/password": 200, "/account/app": 303},
    "code": {"/account/password": 200, "/account/app": 200},
}
"""What is open to who owes this, and how it answers."""


@pytest.fixture
def ana(runtime: Runtime, group: int) -> int:
    """Somebody who may do everything, with a password and no app."""
    return join(runtime, group, "ana", "instance")


def client_of(runtime: Runtime, user: int, *, owes: str | None = None) -> FlaskClient:
    """A browser of theirs; the password was given eleven minutes ago, a minute too long."""
    app = create_app(runtime.settings, runtime, CHEAP)
    app.config["WTF_CSRF_ENABLED"] = False
    now = runtime.clock.real_now()
    with runtime.db.transaction() as tx:
        token = sign_ins.start(tx, user, now, device="", confirmed=True, how="password", owes=owes)
        tx.execute(update(SignIn).values(confirmed_at=now - timedelta(minutes=11)))
    client = app.test_client()
    with client.session_transaction() as cookie:
        cookie[TOKEN] = token
    return client


def walk(app: Flask) -> Iterator[tuple[str, str, str]]:
    """Endpoint, method and an address of every route that is not public."""
    for rule in app.url_map.iter_rules():
        if declared_role(app, rule.endpoint) != PUBLIC:
            path = re.sub(r"<[^>]+>", "1", rule.rule)
            for method in sorted((rule.methods or set()) - {"HEAD", "OPTIONS"}):
                yield rule.endpoint, method, path


def in_production(runtime: Runtime) -> Runtime:
    return replace(runtime, settings=runtime.settings.model_copy(update={"mode": "production"}))


def decisions(runtime: Runtime) -> int:
    with runtime.db.snapshot() as session:
        return session.execute(select(func.count()).select_from(AuditEvent)).scalar_one()


def test_of_every_form_it_is_decided_whether_it_asks_again(runtime: Runtime) -> None:
    app = create_app(runtime.settings, runtime, CHEAP)
    forms = {endpoint for endpoint, method, _ in walk(app) if method == "POST"}
    fresh = {endpoint for endpoint in app.view_functions if wants_fresh(app, endpoint)}
    wanted, unasked = (set().union(*table.values()) for table in (FRESH, OPEN))
    assert fresh == wanted
    assert forms == wanted | unasked
    assert sum(len(part) for table in (FRESH, OPEN) for part in table.values()) == len(forms), "decided twice"


def test_every_route_that_asks_again_does_nothing_before_the_answer(runtime: Runtime, ana: int) -> None:
    client, asked = client_of(runtime, ana), set()
    before = decisions(runtime)
    for endpoint, method, path in list(walk(client.application)):
        if wants_fresh(client.application, endpoint):
            answer = client.open(path, method=method, headers={"Origin": "http://127.0.0.1:8999"})
            assert (answer.status_code, "Is it you?" in answer.text) == (401, True), (method, path)
            asked.add(endpoint)
    assert asked == set().union(*FRESH.values())
    assert decisions(runtime) == before
    done = client.post("/account/confirm", data={"confirm_secret": SECRET, "next": "/promises/export"})
    assert (done.status_code, done.location) == (303, "/promises/export")
    assert client.get("/promises/export").status_code == 200


@pytest.mark.parametrize("owed", ["password", "code"])
def test_who_must_still_set_something_up_reaches_nothing_else(runtime: Runtime, ana: int, owed: str) -> None:
    real = in_production(runtime)
    with runtime.db.transaction() as tx:
        tx.execute(update(User).where(User.id == ana).values(role="organizer" if owed == "code" else "instance"))
    client = client_of(real, ana, owes=owed if owed == "password" else None)
    client.post("/account/confirm", data={"confirm_secret": SECRET})
    led, before = 0, decisions(runtime)
    for endpoint, method, path in list(walk(client.application)):
        if endpoint in {"account.password", "account.app", "accounts.leave", "confirming.give"}:
            continue
        answer = client.open(path, method=method)
        role = declared_role(client.application, endpoint)
        if owed == "code" and role in {"admin", "instance"}:
            assert answer.status_code == 403, (method, path)
            continue
        assert (answer.status_code, answer.location) == (
            303, f"/account/{'app' if owed == 'code' else 'password'}"
        ), (method, path)  # fmt: skip
        led += 1
    assert led > 100
    assert decisions(runtime) == before
    for path, status in SETTLING[owed].items():
        assert client.get(path).status_code == status, path
    assert client.post("/leave").location == "/sign-in"


def test_an_app_is_set_up_by_who_has_just_given_the_password(runtime: Runtime, ana: int) -> None:
    """Whoever finds a browser in the middle of it must not set up an app of theirs."""
    client = client_of(in_production(runtime), ana)
    assert client.get("/people/").location == "/account/app"
    asked = client.get("/account/app")
    assert (asked.status_code, 'id="secret"' in asked.text) == (401, False)
    no = client.post("/account/confirm", data={"confirm_secret": "wrong wrong wrong", "next": "/account/app"})
    assert (no.status_code, client.get("/account/app").status_code) == (422, 401)
    yes = client.post("/account/confirm", data={"confirm_secret": SECRET, "next": "/account/app"})
    assert yes.location == "/account/app"
    shown = client.get("/account/app")
    assert (shown.status_code, 'id="secret"' in shown.text) == (200, True)


def test_what_was_typed_waits_for_the_password_and_an_approval_is_looked_at_again(runtime: Runtime, ana: int) -> None:
    client = client_of(runtime, ana)
    page = {"Origin": "http://127.0.0.1:8999", "Referer": "http://127.0.0.1:8999/campaigns/1/approval/"}
    typed = {"day": "250", "month": "4,000"}
    asked = client.post("/administration/safety/caps", data=typed, headers=page)
    assert (asked.status_code, "At most on one day" in asked.text, "4,000" in asked.text) == (401, True, True)
    yes = client.post("/campaigns/1/approval/1/approve", data={"count": "617"}, headers=page)
    assert (yes.status_code, "617" in yes.text) == (401, False)
    assert 'name="next" value="/campaigns/1/approval/"' in yes.text
    with runtime.db.snapshot() as session:
        assert caps_of(session, runtime, 1) == Caps(None, None)
    done = client.post("/administration/safety/caps", data={**typed, "confirm_secret": SECRET}, headers=page)
    assert done.status_code == 303
    with runtime.db.snapshot() as session:
        assert caps_of(session, runtime, 1) == Caps(250 * MICROS, 4_000 * MICROS)


def test_the_browser_that_took_an_invitation_is_known_from_then_on(runtime: Runtime, group: int) -> None:
    now = runtime.clock.real_now()
    with runtime.db.transaction() as tx:
        token = invitations.invite(tx, Actor(group, "tester", "instance"), role="staff", meant_for="Bo", now=now)
    app = create_app(runtime.settings, runtime, CHEAP)
    app.config["WTF_CSRF_ENABLED"] = False
    client = app.test_client()
    given = {"name": "Bo", "sign_in_name": "bob", "password": SECRET, "again": SECRET}
    assert client.post(f"/invitation/{token}", data=given).status_code == 303
    with pytest.raises(TryLaterError):  # a stranger on the same network
        for _ in range(20):
            entering.check_password(runtime, CHEAP, "bob", "wrong wrong wrong", Origin("127.0.0.1"))
    assert client.post("/leave").status_code == 302
    assert client.post("/sign-in", data={"sign_in_name": "bob", "password": SECRET}).status_code == 303
