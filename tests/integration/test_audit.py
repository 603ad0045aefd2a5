"""The book of decisions: nothing in it changes, each group reads its own, and a file of it is noted in it."""

from __future__ import annotations

import csv
import io
import json
import re
from datetime import UTC, datetime, timedelta

import pytest
from flask.testing import FlaskClient
from sqlalchemy import select, text
from sqlalchemy.exc import DBAPIError

from outreach.accounts.acting import COMMAND_LINE, SITE
from outreach.accounts.audit import record_audit, record_for_every_group
from outreach.accounts.invitations import Actor, accept, invite
from outreach.accounts.models import AuditEvent
from outreach.core.clock import Clock
from outreach.core.errors import BadInputError
from outreach.core.runtime import Runtime
from outreach.core.spreadsheets import as_csv
from outreach.people.districts import create_district
from outreach.web.audit import ON_A_PAGE
from tests.commands import outreach_command
from tests.factories import make_group
from tests.integration.test_accounts import CHEAP, SECRET
from tests.integration.test_live import sign_in

BOOK = "/administration/audit/"
FILE = "/administration/audit/file"
NOON = datetime(2026, 12, 1, 19, tzinfo=UTC)  # noon in Phoenix
WHY = {"because": "The board asked, call 480-555-0100"}


def note(
    runtime: Runtime, group_id: int, action: str, *, actor: str = "Ana", subject: str = "campaign:1",
    at: datetime = NOON, **details: object,
) -> None:  # fmt: skip
    with runtime.db.transaction() as tx:
        record_audit(tx, group_id=group_id, actor=actor, action=action, subject=subject, at=at, **details)


def lines(client: FlaskClient, query: str = "") -> list[str]:
    """What the page tells, a line for each event."""
    page = client.get(f"{BOOK}{query}")
    assert page.status_code == 200
    items = page.text.split('<li class="list-group-item')[1:]
    tags = re.compile("<[^>]+>")
    return [" ".join(tags.sub(" ", item.split("</div>")[0].partition(">")[2]).split()) for item in items]


def events(runtime: Runtime, group_id: int) -> list[tuple[str, str]]:
    with runtime.db.snapshot() as session:
        found = select(AuditEvent.actor, AuditEvent.action).where(AuditEvent.group_id == group_id)
        return [(row.actor, row.action) for row in session.execute(found.order_by(AuditEvent.id))]


def test_no_row_is_changed_deleted_or_replaced(runtime: Runtime, group: int) -> None:
    note(runtime, group, "campaign_launched")
    with runtime.db.snapshot() as session:
        before = [tuple(row) for row in session.execute(text("SELECT * FROM audit_event ORDER BY id"))]
    columns = ", ".join(column.name for column in AuditEvent.__table__.columns)
    copied = f"INTO audit_event ({columns}) SELECT {columns} FROM audit_event"  # noqa: S608  names of columns
    ours = (
        [f"INSERT OR REPLACE {copied}", f"REPLACE {copied}"]
        if runtime.db.is_sqlite
        else [
            "TRUNCATE audit_event", "TRUNCATE groups CASCADE",
            f"INSERT {copied} ON CONFLICT (id) DO UPDATE SET actor = 'x'",
            "WITH gone AS (DELETE FROM audit_event RETURNING id) SELECT count(*) FROM gone",
        ]
    )  # fmt: skip
    for statement in ("UPDATE audit_event SET actor = 'Ben'", "DELETE FROM audit_event", *ours):
        with pytest.raises(DBAPIError, match="append-only"), runtime.db.transaction() as tx:
            tx.connection().exec_driver_sql(statement)
    with runtime.db.snapshot() as session:
        assert [tuple(row) for row in session.execute(text("SELECT * FROM audit_event ORDER BY id"))] == before
    note(runtime, group, "campaign_paused")
    assert [action for _, action in events(runtime, group)] == ["campaign_launched", "campaign_paused"]


def test_a_group_reads_its_own_book_newest_first_and_no_number_in_it(runtime: Runtime, group: int) -> None:
    client = sign_in(runtime, group)
    assert lines(client) == ["admin signed in"]
    other = make_group(runtime, "Others")
    for index in range(ON_A_PAGE + 2):
        note(runtime, group, "campaign_paused", subject=f"campaign:{index}")
    note(runtime, other, "campaign_launched", actor="Stranger", because="Secret of theirs")
    note(runtime, group, "export", actor="<Eve>", subject="people", at=NOON + timedelta(hours=12), **WHY)
    page = client.get(BOOK)
    assert "Stranger" not in page.text
    assert "Secret of theirs" not in page.text
    assert "The board asked, call &lt;number ..00&gt;" in page.text
    assert "555" not in page.text
    found = lines(client)
    assert len(found) == ON_A_PAGE
    assert found[0] == "&lt;Eve&gt; took a file out"
    assert set(found[1:]) == {"Ana paused a campaign"}
    older = page.text.partition('rel="next" href="')[2].partition('"')[0]
    note(runtime, group, "campaign_resumed")  # what is added meanwhile moves no page
    assert lines(client, older.removeprefix(BOOK).replace("&amp;", "&")) == [
        *["Ana paused a campaign"] * 3, "admin signed in"
    ]  # fmt: skip
    assert lines(client, "?person=Stranger") == lines(client, "?about=campaign:1&action=export") == []
    assert lines(client, "?about=campaign:1&person=Ana") == [
        "Ana let a campaign go on", "Ana paused a campaign"
    ]  # fmt: skip
    assert lines(client, "?day=2026-12-02") == found[:1], "midnight is Phoenix's"
    assert client.get(f"{BOOK}?day=x&before=-{9**40}&person=%00").status_code == 200
    client.post("/language/es")
    assert lines(client, "?action=export") == ["&lt;Eve&gt; descargó un archivo"]


@pytest.mark.parametrize(("role", "status"), [("staff", 403), ("organizer", 403), ("admin", 200), ("instance", 200)])
def test_admins_read_it_and_nobody_below(runtime: Runtime, group: int, role: str, status: int) -> None:
    client = sign_in(runtime, group, role)
    note(runtime, make_group(runtime, "Others"), "campaign_launched", actor="Stranger")
    page = client.get(BOOK)
    assert (page.status_code, client.get(FILE).status_code) == (status, status)
    assert client.post(FILE, data={**WHY, "kind": "json"}).status_code == status
    assert "Stranger" not in page.text


def test_a_file_of_it_needs_a_reason_is_noted_and_runs_nothing(runtime: Runtime, group: int) -> None:
    client = sign_in(runtime, group)
    assert client.application.test_client().get(FILE).status_code == 401
    note(runtime, group, "stance_corrected", actor="=cmd()", subject="stance:3", why="@SUM(A1)", was="yes")
    note(runtime, make_group(runtime, "Others"), "campaign_launched", actor="Stranger")
    assert client.post(FILE, data={"because": " ", "kind": "csv"}).status_code == 422
    assert client.post(FILE, data={**WHY, "kind": "pdf"}).status_code == 422
    assert ("admin", "export") not in events(runtime, group)
    answer = client.post(FILE, data={**WHY, "kind": "csv"})
    assert answer.headers["Content-Disposition"] == 'attachment; filename="audit.csv"'
    rows = list(csv.DictReader(io.StringIO(answer.data.decode("utf-8-sig"), newline="")))
    assert [(row["who"], row["action"]) for row in rows] == [
        ("admin", "export"), ("'=cmd()", "stance_corrected"), ("admin", "signed_in"),
    ]  # fmt: skip
    assert json.loads(rows[0]["details"]) == {"because": "The board asked, call <number ..00>", "what": "audit"}
    assert (rows[1]["did"], rows[1]["subject"]) == ("corrected what an official said", "stance:3")
    chosen = {**WHY, "action": "stance_corrected"}
    sheet = list(
        csv.reader(
            io.StringIO(as_csv(io.BytesIO(client.post(FILE, data={**chosen, "kind": "xlsx"}).data)).read().decode())
        )
    )
    assert [row[2] for row in sheet] == ["who", "=cmd()"], "a text, which a sheet does not run"
    told = json.loads(client.post(FILE, data={**chosen, "kind": "json"}).data)["events"]
    assert [(one["who"], one["details"]) for one in told] == [("=cmd()", {"why": "@SUM(A1)", "was": "yes"})]
    assert events(runtime, group).count(("admin", "export")) == 3


def test_acts_are_noted_as_whoever_does_them(runtime: Runtime, group: int) -> None:
    client = sign_in(runtime, group)
    assert client.post("/people/districts/new", data={"name": "LD 8", "zips": "85003"}).status_code == 303
    with runtime.db.transaction() as tx:
        create_district(tx, runtime, group, "LD 9", ["85004"])
        record_for_every_group(tx, action="keys_rotated")
    assert events(runtime, group)[1:] == [
        ("admin", "district_saved"), (SITE, "district_saved"), (SITE, "keys_rotated"),
    ]  # fmt: skip
    assert lines(client)[0] == "The site by itself sealed everything under the new key"


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)  # the use cases are tested on both
def test_the_command_notes_what_it_does_and_tells_it(
    runtime: Runtime, group: int, settings_env: dict[str, str]
) -> None:
    for words in (("purge", "--json"), ("audit", "export", "--reason", "a check", "--action", "purged", "--json")):
        done = outreach_command(settings_env, words)
        assert done.returncode == 0, done.stderr
    (told,) = json.loads(done.stdout)["events"]
    assert (told["who"], told["did"]) == (COMMAND_LINE, "emptied what was kept for its time")
    assert events(runtime, group) == [(COMMAND_LINE, "purged"), (COMMAND_LINE, "export")]


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_nobody_takes_a_name_that_stands_for_nobody(runtime: Runtime, group: int) -> None:
    with runtime.db.transaction() as tx:
        token = invite(tx, Actor(group, "tester", "instance"), role="staff", meant_for="Eve", now=Clock.real_now())
    for name in ("Command Line", "SITE", "-"):
        with pytest.raises(BadInputError) as refused:
            accept(runtime, CHEAP, token, name=name, sign_in_name="eve", password=SECRET, device="")
        assert refused.value.code == "name_taken"
