"""The page, the command and the file that say who was not texted, on both databases."""

from __future__ import annotations

import csv
import io
import json
from pathlib import Path

import pytest
from flask.testing import FlaskClient
from sqlalchemy import select, update

from outreach.accounts.models import AuditEvent
from outreach.core.runtime import Runtime
from outreach.escalations.models import Wave
from outreach.messaging.models import Message, Tally
from outreach.people.models import Constituent
from outreach.privacy.erasure import erase_number, number_of_person
from outreach.web import silence
from tests.commands import outreach_command
from tests.factories import World, make_group, make_world, number
from tests.integration.test_live import sign_in
from tests.integration.test_web_people import rename
from tests.integration.test_webhooks import launch


@pytest.fixture
def world(runtime: Runtime) -> World:
    return make_world(runtime, 6)


@pytest.fixture
def wave(runtime: Runtime, world: World) -> Wave:
    """A launched campaign: one delivered, two waiting, one phone off, one who has not agreed, one who may not be."""
    with runtime.db.transaction() as tx:
        tx.execute(update(Constituent).where(Constituent.id == world.people[0]).values(consented_at=None))
    rename(runtime, world.people[1], first_name="=HYPERLINK(1)", last_name="<script>alert(1)</script>")
    wave = launch(runtime, world)
    with runtime.db.transaction() as tx:
        for index, (state, code) in enumerate((("undelivered", 30003), ("delivered", None)), start=1):
            row = Message.constituent_id == world.people[index]
            tx.execute(update(Message).where(row).values(state=state, error_code=code))
        tx.add(Tally(gate_id=wave.gate_id, name="error:30003", count=1))
    return wave


@pytest.fixture
def client(runtime: Runtime, world: World) -> FlaskClient:
    return sign_in(runtime, world.group_id, "organizer")


def test_the_page_counts_reasons_and_lists_people(
    client: FlaskClient, world: World, wave: Wave, monkeypatch: pytest.MonkeyPatch
) -> None:
    address = f"/campaigns/{wave.campaign_id}/people"
    page = client.get(address).text
    assert "Of 6 people, 1 got the text, or it is on its way to them. 5 did not." in page
    for code, count in (("waiting", 3), ("no_consent", 1), ("carrier:30003", 1)):
        assert f'data-reason="{code}">{count}<' in page
    for words in ("Their phone was off or out of reach (30003)", "They have not agreed", "(520) •••-••00"):
        assert words in page, words
    for leak in ("<script>alert", number(1), "5205550100"):
        assert leak not in page, leak
    assert "=HYPERLINK(1) &lt;script&gt;" in page
    assert page.count('href="/people/') == 1 + 5  # the bar's, and one for each person
    one = client.get(f"{address}?reason=carrier:30003").text
    assert f'href="/people/{world.people[1]}"' in one
    assert f'href="/people/{world.people[0]}"' not in one
    assert "Nobody was found." in client.get(f"{address}?reason=cap").text
    monkeypatch.setattr(silence, "ON_A_PAGE", 2)
    seen = [client.get(f"{address}?page={turn}").text.count('href="/people/') - 1 for turn in (1, 2, 3, 4)]
    assert seen == [2, 2, 1, 0]


def test_odd_addresses_are_answered_plainly(client: FlaskClient, wave: Wave) -> None:
    address = f"/campaigns/{wave.campaign_id}/people"
    for odd in ("?reason=nonsense", "?reason=<script>", "?text=2", "?text=0", "?reason=carrier:", f"?text={10**20}"):
        assert client.get(address + odd).status_code == 404, odd
    for fine in ("?page=x", "?page=-5", f"?page={10**30}", "?text=1", "?reason=carrier:99999", "?text=x"):
        assert client.get(address + fine).status_code == 200, fine
    assert client.get(f"/campaigns/{wave.campaign_id + 1}/people").status_code == 404


def test_another_groups_people_are_not_there(runtime: Runtime, wave: Wave) -> None:
    others = sign_in(runtime, make_group(runtime, "Others"), "organizer")
    assert others.get(f"/campaigns/{wave.campaign_id}/people").status_code == 404
    export = others.post(f"/campaigns/{wave.campaign_id}/people/export", data={"because": "curious"})
    assert export.status_code == 404
    assert audits(runtime) == []


def audits(runtime: Runtime) -> list[AuditEvent]:
    with runtime.db.snapshot() as session:
        return list(
            session.execute(select(AuditEvent).where(AuditEvent.action == "export").order_by(AuditEvent.id)).scalars()
        )


def test_the_file_needs_a_reason_is_noted_and_runs_nothing(
    runtime: Runtime, client: FlaskClient, world: World, wave: Wave
) -> None:
    address = f"/campaigns/{wave.campaign_id}/people/export"
    for refused in ("", "   ", "x" * 301):
        page = client.post(address, data={"because": refused})
        assert page.status_code == 422
        assert 'id="because-error"' in page.text
    assert audits(runtime) == []
    got = client.post(address, data={"because": "Call those whom no text reached"})
    assert (got.status_code, got.mimetype) == (200, "text/csv")
    assert got.headers["Cache-Control"] == "no-store"
    assert "attachment" in got.headers["Content-Disposition"]
    header, *rows = csv.reader(io.StringIO(got.data.decode("utf-8-sig")))
    assert header[0] == "person"
    assert [int(row[0]) for row in rows] == [person for person in world.people if person != world.people[2]]
    assert rows[1][1] == "'=HYPERLINK(1)"
    assert rows[1][3:5] == ["520•••••00", "carrier:30003"]
    assert not any(cell.startswith(("=", "+", "-", "@")) for row in rows for cell in row)
    assert number(1).removeprefix("+1") not in got.text
    noted = audits(runtime)
    assert [(one.subject, one.details["people"], one.details["because"]) for one in noted] == [
        (f"campaign:{wave.campaign_id}", 5, "Call those whom no text reached")
    ]
    only = client.post(f"{address}?reason=no_consent", data={"because": "ask them"})
    assert len(only.text.splitlines()) == 2


def test_staff_may_look_and_not_export(runtime: Runtime, world: World, wave: Wave) -> None:
    staff = sign_in(runtime, world.group_id, "staff")
    page = staff.get(f"/campaigns/{wave.campaign_id}/people")
    assert page.status_code == 200
    assert "people/export" not in page.text
    assert staff.post(f"/campaigns/{wave.campaign_id}/people/export", data={"because": "x"}).status_code == 403


def test_it_speaks_spanish(client: FlaskClient, wave: Wave) -> None:
    client.post("/language/es", data={"back": "/"})
    page = client.get(f"/campaigns/{wave.campaign_id}/people").text
    for words in (
        "De 6 personas, 1 recibieron el texto o está en camino. 5 no.",
        "Su teléfono estaba apagado o sin señal.",
    ):
        assert words in page, words
    got = client.post(f"/campaigns/{wave.campaign_id}/people/export", data={"because": "llamar"})
    assert "teléfono (oculto)" in got.data.decode("utf-8-sig")


def test_the_campaigns_page_says_why_texts_did_not_arrive(client: FlaskClient, wave: Wave) -> None:
    page = client.get(f"/campaigns/{wave.campaign_id}").text
    assert 'id="error-30003">1<' in page
    assert "Their phone was off or out of reach." in page
    assert f"/campaigns/{wave.campaign_id}/people?text=1&amp;reason=carrier:30003" in page
    assert "Why texts did not arrive" in client.get(f"/campaigns/{wave.campaign_id}/live").text


def test_a_damaged_row_hides_nobody(runtime: Runtime, client: FlaskClient, world: World, wave: Wave) -> None:
    with runtime.db.transaction() as tx:
        tx.execute(update(Constituent).where(Constituent.id == world.people[1]).values(sealed=b"\x03abc" + b"x" * 40))
        tx.execute(update(Constituent).where(Constituent.id == world.people[3]).values(sealed=b""))
    page = client.get(f"/campaigns/{wave.campaign_id}/people")
    assert page.status_code == 200
    assert "No name" in page.text


def outreach(env: dict[str, str], *words: str) -> tuple[int, str, str]:
    done = outreach_command(env, words)
    assert "Traceback" not in done.stderr
    return done.returncode, done.stdout, done.stderr


@pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)  # the use cases are tested on both
def test_the_commands_tell_and_export_the_same(
    runtime: Runtime, world: World, wave: Wave, settings_env: dict[str, str], tmp_path: Path
) -> None:
    env, campaign = settings_env, str(wave.campaign_id)
    code, out, err = outreach(env, "campaign", "why", campaign, "--json")
    assert code == 0, err
    counts = json.loads(out)
    assert {one["code"]: one["people"] for one in counts["reasons"]} == {
        "waiting": 3, "no_consent": 1, "carrier:30003": 1,
    }  # fmt: skip
    assert (counts["people"], counts["recipients"], counts["reached"]) == (6, 5, 1)
    _, out, _ = outreach(env, "campaign", "why", campaign, "--reason", "carrier:30003", "--json", "--language", "es")
    person, last = (json.loads(line) for line in out.splitlines())
    assert (person["person"], person["phone"], person["reason"]) == (world.people[1], "+1520•••••00", "carrier:30003")
    assert "apagado" in last["reasons"][-1]["why"]
    assert "6 people, 1 reached, 5 not" in outreach(env, "campaign", "why", campaign)[1]
    for words, wanted in (
        (("campaign", "why", campaign, "--reason", "nonsense"), "silence_code_unknown"),
        (("campaign", "why", campaign, "--wave", "2"), "wave_unknown"),
        (("campaign", "why", "99"), "campaign_unknown"),
        (
            ("export", "silence", campaign, "--reason-for-export", " ", "--out", str(tmp_path / "x")),
            "export_reason_blank",
        ),
        (
            ("export", "silence", campaign, "--reason-for-export", "x", "--out", str(tmp_path / "no" / "x")),
            "export_not_written",
        ),
        (("export", "silence", campaign, "--reason-for-export", "x"), "usage"),
        (("export", "silence", campaign), "usage"),
    ):
        code, out, _ = outreach(env, *words, "--json")
        assert (code, json.loads(out)["error"]["code"]) == (2, wanted), words
    file = tmp_path / "silence.csv"
    reason = ("--reason-for-export", "to call them")
    assert outreach(env, "export", "silence", campaign, *reason, "--out", str(file), "--json")[0] == 0
    _, out, _ = outreach(env, "export", "silence", campaign, *reason)
    assert out.splitlines() == file.read_bytes().decode().splitlines()
    assert len(out.splitlines()) == 6
    assert [one.details["because"] for one in audits(runtime)][-2:] == ["to call them"] * 2


def test_whoever_was_erased_since_is_counted_and_not_named(
    runtime: Runtime, client: FlaskClient, world: World, wave: Wave
) -> None:
    address = f"/campaigns/{wave.campaign_id}/people"
    hashed = number_of_person(runtime, world.group_id, world.people[3])
    assert erase_number(runtime, world.group_id, hashed, reason="they asked", actor="ana").canceled == 1
    page = client.get(address).text
    assert "Of 6 people, 1 got the text" in page
    assert page.count("deleted since") == 1
    assert f'"/people/{world.people[3]}"' not in page
    # Whoever never was a recipient is of no concern to the campaign once they are gone.
    hashed = number_of_person(runtime, world.group_id, world.people[0])
    erase_number(runtime, world.group_id, hashed, reason="they asked", actor="ana")
    assert "Of 5 people, 1 got the text" in client.get(address).text
