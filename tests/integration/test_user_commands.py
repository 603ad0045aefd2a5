"""``outreach user``: who signs in, for whoever has the server."""

from __future__ import annotations

import json
from typing import Any

import pytest
from sqlalchemy import select

from outreach.accounts import entering, invitations
from outreach.accounts.acting import COMMAND_LINE
from outreach.accounts.attempts import Origin
from outreach.accounts.models import AuditEvent
from outreach.core.runtime import Runtime
from tests.commands import outreach_command
from tests.integration.test_accounts import CHEAP, SECRET


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)  # the use cases are tested on both
def test_invited_by_command_listed_changed_reset_and_taken_out(
    settings_env: dict[str, str], runtime: Runtime, group: int
) -> None:
    def run(*words: str) -> tuple[int, Any]:
        done = outreach_command(settings_env, ("user", *words, "--json"))
        return done.returncode, json.loads(done.stdout.splitlines()[-1])

    def gets_in() -> bool:
        return entering.check_password(runtime, CHEAP, "ana", SECRET, Origin("192.0.2.1")) is not None

    def accept(link: str) -> None:
        given = {"name": "Ana Ruiz", "sign_in_name": "ana", "password": SECRET, "device": ""}
        invitations.accept(runtime, CHEAP, link.rpartition("/")[2], **given)

    code, invited = run("invite", "Ana Ruiz", "--role", "staff")
    assert (code, invited["for"]) == (0, "Ana Ruiz")
    assert [one["for"] for one in run("list")[1]["invitations"]] == ["Ana Ruiz"]
    accept(invited["link"])
    assert gets_in()
    assert run("role", "ana", "organizer")[1]["role"] == "organizer"
    assert run("reset-totp", "Ana Ruiz")[1]["app"] is False
    again = run("invite", "ana", "--reset")[1]["link"]
    assert not gets_in()
    accept(again)
    assert gets_in()
    _, found = run("list")
    ana = next(one for one in found["users"] if one["name"] == "Ana Ruiz")
    assert (ana["role"], ana["sign_in_name"], ana["password"], ana["app"]) == ("organizer", "ana", True, False)
    assert found["invitations"] == []
    assert run("deactivate", "ana") == (0, {"id": ana["id"], "active": False})
    assert not gets_in()
    code, refused = run("role", "Nobody", "staff")
    assert (code, refused["error"]["code"]) == (2, "user_unknown")
    for _ in range(2):
        assert outreach_command(settings_env, ("group", "add", "Neighbors")).returncode == 0
    with runtime.db.snapshot() as session:
        noted = session.execute(select(AuditEvent.actor).where(AuditEvent.action == "group_added")).scalars().all()
    assert noted == [COMMAND_LINE], "once, by whoever has the server"
