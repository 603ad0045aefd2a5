"""What somebody with a stolen cookie, an old account or a found invitation can do: nothing that counts."""

from __future__ import annotations

from datetime import timedelta

import pytest
from flask.testing import FlaskClient
from sqlalchemy import update

from outreach.accounts import colleagues, invitations
from outreach.accounts.attempts import Origin
from outreach.accounts.entering import check_password, set_password
from outreach.accounts.invitations import VALID_FOR, Actor
from outreach.accounts.links import first_admin, make_login_link, use_login_link
from outreach.accounts.sign_in_models import SignIn
from outreach.core.errors import BadInputError, ConflictError
from outreach.core.runtime import Runtime
from outreach.web.app import create_app
from outreach.web.roles import declared_role, ranks, wants_fresh
from tests.integration.test_accounts import CHEAP, SECRET, join

SENDS = {"wizard_launch.launch", "wizard_launch.schedule", "waves.launch", "tree_start.start", "approvals.say_yes"}
"""Views that have texts sent to people whom a campaign has not texted yet."""
OURS = {"Origin": "http://127.0.0.1:8999"}


def browser(runtime: Runtime, name: str) -> FlaskClient:
    """Somebody who has signed in on the page."""
    app = create_app(runtime.settings, runtime, CHEAP)
    app.config["WTF_CSRF_ENABLED"] = False
    client = app.test_client()
    assert client.post("/sign-in", data={"sign_in_name": name, "password": SECRET}).status_code == 303
    assert client.get("/account/").status_code == 200
    return client


def test_a_stolen_cookie_ends_with_the_others_and_with_a_confirmation(runtime: Runtime, group: int) -> None:
    join(runtime, group, "ana")
    own, stolen = browser(runtime, "ana"), browser(runtime, "ana")
    assert own.post("/account/sessions/end-others", headers=OURS).status_code == 303
    assert stolen.get("/account/").status_code == 401
    assert stolen.post("/people/export", data={"because": "x", "list": "0", "kind": "csv"}).status_code == 401
    name = own.application.config["SESSION_COOKIE_NAME"]
    cookie = own.get_cookie(name)
    assert cookie is not None
    copied = create_app(runtime.settings, runtime, CHEAP).test_client()
    copied.set_cookie(name, cookie.value)
    assert copied.get("/account/").status_code == 200
    assert own.post("/account/confirm", data={"confirm_secret": SECRET, "next": "/"}, headers=OURS).status_code == 303
    assert (own.get("/account/").status_code, copied.get("/account/").status_code) == (200, 401)


def test_whoever_left_gets_in_by_no_old_way(runtime: Runtime, group: int) -> None:
    user, by, now = join(runtime, group, "ana"), Actor(group, "tester", "instance"), runtime.clock.real_now()
    client = browser(runtime, "ana")
    with runtime.db.transaction() as tx:
        link = colleagues.reset(tx, by, user, now)
        colleagues.deactivate(tx, by, user, now, rehearsal=True)
    assert client.get("/").status_code == 401
    assert check_password(runtime, CHEAP, "ana", SECRET, Origin("192.0.2.1")) is None
    with pytest.raises(ConflictError, match="invitation"):
        invitations.accept(runtime, CHEAP, link, name="ana", sign_in_name="ana", password=SECRET, device="")


def test_a_link_that_was_not_used_ends_with_a_reset_and_with_a_new_password(runtime: Runtime, group: int) -> None:
    user, by, now = join(runtime, group, "ana"), Actor(group, "tester", "instance"), runtime.clock.real_now()
    with runtime.db.transaction() as tx:
        read = make_login_link(tx, user, now)
        new = colleagues.reset(tx, by, user, now)
        assert use_login_link(tx, read, now) is None
        later = make_login_link(tx, user, now)
    invitations.accept(runtime, CHEAP, new, name="", sign_in_name="", password=SECRET, device="")
    with runtime.db.transaction() as tx:
        assert use_login_link(tx, later, now) is None, "they have set everything anew"
        other = colleagues.add_group(tx, by, "Other", now, now)
        kept, admin = colleagues.invite_first_admin(tx, by, other, now), first_admin(tx, other)
        set_password(tx, admin, CHEAP.hash(SECRET), now, sign_in_name="boss")  # they came in by another way
    with pytest.raises(ConflictError, match="invitation"):
        invitations.accept(runtime, CHEAP, kept, name="x", sign_in_name="x", password=SECRET, device="")


@pytest.mark.parametrize(
    "name",
    ["SITE", "command\u00a0line", "s\u200bite", "A\u200bna", "ａｎａ", "\u200b", "ana\u3164", "a\ufe0fna", "\u2800"],
)
def test_nobody_is_called_like_somebody_else_or_like_nobody(runtime: Runtime, group: int, name: str) -> None:
    join(runtime, group, "ana")
    now = runtime.clock.real_now()
    with runtime.db.transaction() as tx:
        token = invitations.invite(tx, Actor(group, "tester", "instance"), role="staff", meant_for="x", now=now)
    with pytest.raises(BadInputError) as wrong:
        invitations.accept(runtime, CHEAP, token, name=name, sign_in_name="other", password=SECRET, device="")
    assert wrong.value.code in {"name_taken", "name_missing"}


def test_invitations_end_with_the_role_of_whoever_made_them(runtime: Runtime, group: int) -> None:
    by, now = Actor(group, "tester", "instance"), runtime.clock.real_now()
    eve, ida = join(runtime, group, "eve", "admin"), join(runtime, group, "ida", "instance")
    join(runtime, group, "zoe", "instance")
    with runtime.db.transaction() as tx:
        made = [
            invitations.invite(tx, Actor(group, name, role), role=given, meant_for=given, now=now)
            for name, role, given in (
                ("eve", "admin", "admin"),
                ("ida", "instance", "instance"),
                ("ida", "instance", "staff"),
            )
        ]
        other = colleagues.add_group(tx, by, "Other", now, now)
        made.append(colleagues.invite_first_admin(tx, Actor(group, "ida", "instance"), other, now))
        others = invitations.invite(tx, Actor(group, "zoe", "instance"), role="admin", meant_for="x", now=now)
        colleagues.change_role(tx, by, ida, "admin", now, rehearsal=False)
        assert [invitations.offered(tx, one, now) is None for one in made] == [False, True, False, True]
        for leaves in (eve, ida):
            colleagues.deactivate(tx, by, leaves, now, rehearsal=False)
        assert [invitations.offered(tx, one, now) is None for one in made] == [True, True, True, True]
        assert invitations.offered(tx, others, now) is not None


def test_an_invitation_opens_what_it_was_made_for_and_only_in_its_days(runtime: Runtime, group: int) -> None:
    now, admin = runtime.clock.real_now(), Actor(group, "tester", "admin")
    with pytest.raises(BadInputError), runtime.db.transaction() as tx:
        invitations.invite(tx, admin, role="instance", meant_for="eve", now=now)
    with runtime.db.transaction() as tx:
        token = invitations.invite(tx, admin, role="staff", meant_for="eve", now=now)
        old = invitations.invite(tx, admin, role="staff", meant_for="old", now=now - VALID_FOR - timedelta(seconds=1))
        gone = invitations.invite(tx, admin, role="staff", meant_for="gone", now=now)
        [row] = [one for one in invitations.open_invitations(tx, group, now) if one.meant_for == "gone"]
        invitations.revoke(tx, admin, row.id, now)
    given = {"name": "Eve", "sign_in_name": "eve", "password": SECRET, "device": ""}
    for wrong in (old, gone, token[:-1], token.swapcase(), ""):
        with pytest.raises(ConflictError, match="invitation"):
            invitations.accept(runtime, CHEAP, wrong, **given)
    client = create_app(runtime.settings, runtime, CHEAP).test_client()
    client.application.config["WTF_CSRF_ENABLED"] = False
    form = {"name": "Eve", "sign_in_name": "eve", "password": SECRET, "again": SECRET, "role": "instance"}
    client.post(f"/invitation/{token}", data=form)
    with runtime.db.snapshot() as session:
        roles = {one.name: one.role for one in colleagues.users_of(session, group)}
    assert roles["Eve"] == "staff"


def test_what_sends_or_takes_files_out_asks_for_the_password_again(runtime: Runtime, group: int) -> None:
    join(runtime, group, "ana")
    client = browser(runtime, "ana")
    app = client.application
    asking = {endpoint for endpoint in app.view_functions if wants_fresh(app, endpoint)}
    exports = {
        rule.endpoint for rule in app.url_map.iter_rules()
        if rule.endpoint.rpartition(".")[2].startswith("export") and "POST" in (rule.methods or ())
    }  # fmt: skip
    assert len(exports) >= 4
    assert SENDS | exports <= asking
    with runtime.db.transaction() as tx:
        tx.execute(update(SignIn).values(confirmed_at=runtime.clock.real_now() - timedelta(minutes=11)))
    tried = 0
    for rule in app.url_map.iter_rules():
        role = declared_role(app, rule.endpoint)
        if (
            rule.endpoint not in asking
            or role is None
            or not ranks("organizer", role)
            or "POST" not in (rule.methods or ())
        ):
            continue
        path = rule.rule.replace("<int:", "<")
        while "<" in path:
            path = f"{path.partition('<')[0]}1{path.partition('>')[2]}"
        assert client.post(path, headers=OURS).status_code == 401, path
        tried += 1
    assert tried >= len(SENDS)
