"""Accounts on both databases: invitations, codes that work once, lock-out, the last admin, sessions, confirming."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pyotp
import pytest
from sqlalchemy import select

from outreach.accounts import authenticators, colleagues, entering, invitations, sign_ins
from outreach.accounts.attempts import Origin, TryLaterError
from outreach.accounts.invitations import Actor
from outreach.accounts.models import AuditEvent
from outreach.accounts.passwords import Passwords
from outreach.accounts.sign_in_models import SignIn
from outreach.core.errors import ConflictError
from outreach.core.runtime import Runtime
from outreach.web.app import create_app

CHEAP = Passwords(passes=1, memory_kib=8)
SECRET = "four words in a row"


def join(runtime: Runtime, group: int, name: str, role: str = "organizer") -> int:
    """Somebody who was invited, and has accepted; their id."""
    now = runtime.clock.real_now()
    with runtime.db.transaction() as tx:
        token = invitations.invite(tx, Actor(group, "tester", "instance"), role=role, meant_for=name, now=now)
    given = {"name": name, "sign_in_name": name.upper(), "password": SECRET, "device": ""}
    invitations.accept(runtime, CHEAP, token, **given)
    with pytest.raises(ConflictError, match="invitation"):  # the second acceptance finds it used
        invitations.accept(runtime, CHEAP, token, **{**given, "sign_in_name": f"{name}-2"})
    with runtime.db.snapshot() as session:
        return colleagues.user_named(session, group, name)


def test_a_stranger_never_keeps_the_owners_browser_out(runtime: Runtime, group: int) -> None:
    user = join(runtime, group, "ana")
    owner = Origin("192.0.2.1", "a-device", frozenset({user}))
    tries = 0
    with pytest.raises(TryLaterError):
        for _ in range(20):
            tries += 1
            assert entering.check_password(runtime, CHEAP, "ana", "wrong wrong wrong", Origin("192.0.2.1")) is None
    assert tries == 7, "five free, one that begins a wait, and the one that meets it"
    half = entering.check_password(runtime, CHEAP, " ANA ", SECRET, owner)
    assert half is not None
    token = entering.finish(runtime, half, owner, "Firefox, Linux", None)
    assert token is not None
    with runtime.db.snapshot() as session:
        found = sign_ins.find(session, token, runtime.clock.real_now(), rehearsal=False)
        late = sign_ins.find(session, token, runtime.clock.real_now() + timedelta(hours=2), rehearsal=False)
    assert found is not None
    assert (found.user_id, found.owes, late) == (user, "code", None)
    with pytest.raises(TryLaterError):  # names that nobody has wait just the same
        for _ in range(20):
            assert entering.check_password(runtime, CHEAP, "nobody", "wrong", Origin("192.0.2.7")) is None


def test_codes_and_recovery_codes_work_once(runtime: Runtime, group: int) -> None:
    user, now = join(runtime, group, "ana"), runtime.clock.real_now()
    app = pyotp.TOTP(pyotp.random_base32())
    with runtime.db.transaction() as tx:
        codes = authenticators.enrol(tx, runtime.vault, user, app.secret, app.at(now), now)
    later = now + timedelta(seconds=60)
    with runtime.db.transaction() as tx:
        assert not authenticators.spend_code(tx, runtime.vault, user, app.at(now), now), "it confirmed the app"
        assert not authenticators.spend_code(tx, runtime.vault, user, app.at(later + timedelta(seconds=60)), later)
        assert authenticators.spend_code(tx, runtime.vault, user, app.at(later), later - timedelta(seconds=30))
        assert not authenticators.spend_code(tx, runtime.vault, user, app.at(later), later)
        assert len(set(codes)) == 10
        spent = [authenticators.spend_recovery_code(tx, runtime.vault, user, codes[0].upper(), now) for _ in range(2)]
    assert spent == [True, False]


def test_the_last_admin_stays_and_a_role_ends_sessions(runtime: Runtime, group: int) -> None:
    strict, now = {"rehearsal": False}, runtime.clock.real_now()
    ana, by = join(runtime, group, "ana", "instance"), Actor(group, "tester", "instance")
    with pytest.raises(ConflictError, match="admin left"), runtime.db.transaction() as tx:
        colleagues.deactivate(tx, by, ana, now, **strict)
    bo = join(runtime, group, "bob", "instance")
    with runtime.db.transaction() as tx:
        colleagues.change_role(tx, by, ana, "staff", now, **strict)
        assert sign_ins.sign_ins_of(tx, ana, now) == []
        assert len(sign_ins.sign_ins_of(tx, bo, now)) == 1
    with runtime.db.snapshot() as session:
        noted = set(session.execute(select(AuditEvent.action).where(AuditEvent.group_id == group)).scalars())
    assert noted >= {"invited", "invitation_accepted", "signed_in", "role_changed", "sessions_ended"}


def test_signing_in_on_the_pages_and_confirming_before_an_export(runtime: Runtime, group: int) -> None:
    join(runtime, group, "ana")
    app = create_app(runtime.settings, runtime, CHEAP)
    app.config["WTF_CSRF_ENABLED"] = False
    client = app.test_client()
    wrong = client.post("/sign-in", data={"sign_in_name": "ana", "password": "wrong wrong wrong"})
    assert (wrong.status_code, "do not fit together" in wrong.text) == (422, True)
    right = {"sign_in_name": "ana", "password": SECRET, "next": "//evil.example"}
    assert client.post("/sign-in", data=right).location == "/"
    assert client.get("/account/").status_code == 200
    with runtime.db.transaction() as tx:
        row = tx.execute(select(SignIn).order_by(SignIn.id.desc()).limit(1)).scalar_one()
        row.confirmed_at = runtime.clock.real_now() - timedelta(minutes=11)
    wanted = {"because": "the board", "list": "0", "kind": "csv"}
    ours = {"Origin": "http://127.0.0.1:8999"}
    asked = client.post("/people/export", data=wanted, headers=ours)
    assert (asked.status_code, "the board" in asked.text) == (401, True)
    no = client.post("/people/export", data={**wanted, "confirm_secret": "wrong"}, headers=ours)
    assert (no.status_code, "wrong" in no.text) == (422, False)
    done = client.post("/people/export", data={**wanted, "confirm_secret": SECRET}, headers=ours)
    assert (done.status_code, done.mimetype) == (200, "text/csv")
    done.close()


def test_in_production_a_link_grants_nothing_before_a_password(runtime: Runtime, group: int) -> None:
    from tests.integration.test_live import sign_in

    real = replace(runtime, settings=runtime.settings.model_copy(update={"mode": "production"}))
    client = sign_in(real, group)
    for path in ("/", "/people/", "/administration/people/", "/account/"):
        assert client.get(path).location == "/account/password", path
    assert client.get("/account/password").status_code == 200
