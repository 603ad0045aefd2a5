"""Tallies: people apart from texts, every form the same figures, and what of them strangers may see. Both databases."""

from __future__ import annotations

import csv
import io
import re
import zipfile
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import func, select, update

from outreach.accounts.models import AuditEvent
from outreach.core.runtime import Runtime
from outreach.escalations.drafts import draft_from_meeting, edit_draft
from outreach.escalations.launch import launch_campaign
from outreach.escalations.models import Campaign, Wave
from outreach.escalations.planning import plan_wave
from outreach.messaging.models import Message, Reply
from outreach.messaging.reports import record_status
from outreach.officials.meetings import Answer, Promised, record_meeting
from outreach.officials.models import Official, Promise
from outreach.people.models import Constituent, Suppression
from outreach.people.segment_models import District
from outreach.privacy.erasure import erase_number
from outreach.privacy.tally_files import HEADER, tally_file
from outreach.tallies import kept_sheets
from outreach.tallies.campaign import campaign_tally
from outreach.tallies.figures import flat
from outreach.tallies.kept_sheets import recount
from outreach.tallies.public import counter_token, set_counter
from outreach.tallies.sheets import DIMENSIONS, Sheet, count_sheet
from outreach.web.app import create_app
from tests.factories import World, make_world, number
from tests.integration.test_live import fold_everything, sign_in
from tests.integration.test_webhooks import launch, say, text_everybody

ZIPS = ("85003", "85003", "85201", "85201", "85201", "85201", "85201", None)


@pytest.fixture
def world(runtime: Runtime) -> World:
    made = make_world(runtime, len(ZIPS))
    with runtime.db.transaction() as tx:
        for person, zip_code in zip(made.people, ZIPS, strict=True):
            tx.execute(update(Constituent).where(Constituent.id == person).values(zip=zip_code))
    return made


def again(runtime: Runtime, world: World, first: Wave) -> Wave:
    """A second campaign against the same official, whose people had their text yesterday."""
    with runtime.db.transaction() as tx:
        official_id = tx.get_one(Campaign, first.campaign_id).official_id
        meeting = record_meeting(
            tx, runtime, world.group_id, official_id=official_id, held_on=runtime.clock.now().date(),
            outcome="evaded", recorded_by="tester", answers=[Answer(1, "evaded")],
            promises=[Promised("A letter", runtime.clock.now().date() - timedelta(days=9))],
        )  # fmt: skip
        draft = draft_from_meeting(tx, runtime, meeting)
        assert draft is not None
        edit_draft(tx, world.group_id, draft.id, lists=["all"])
        wave = launch_campaign(tx, runtime, world.group_id, draft.id)
    while not plan_wave(runtime, wave.id, 5):
        pass
    return wave


def deliver(runtime: Runtime, wave: Wave, most: int) -> None:
    for post in text_everybody(runtime, wave)[:most]:
        record_status(runtime, post.attempt_id, f"SM{post.attempt_id:032x}", "delivered", None,
                      runtime.clock.real_now())  # fmt: skip


@pytest.fixture
def played(runtime: Runtime, world: World) -> tuple[World, Wave, Wave]:
    """Two campaigns against one official: eight people texted in each, seven of them reached in the first and all in
    the second; six report in the first, and three of these in the second; one stops.
    """
    first = launch(runtime, world)
    deliver(runtime, first, 7)
    client = create_app(runtime.settings, runtime).test_client()
    for person, words in enumerate(("1", "1", "2", "4", "1", "2")):
        say(client, runtime, person, words)
    say(client, runtime, 0, "2")  # their last word holds
    fold_everything(runtime)
    with runtime.db.transaction() as tx:  # two days ago, so that caps let the second text go
        tx.execute(update(Message).values(posted_at=runtime.clock.now() - timedelta(days=2)))
    second = again(runtime, world, first)
    deliver(runtime, second, 8)
    for person in range(3):
        say(client, runtime, person, "1")
    say(client, runtime, 7, "STOP")
    return world, first, second


def sheet_of(runtime: Runtime, group_id: int, by: str) -> Sheet:
    with runtime.db.snapshot() as session:
        return count_sheet(session, group_id, by, None, runtime.clock)


def cells_of(page: str, table: str) -> list[list[str]]:
    """The rows of a table in a page, a text a cell, the two numbers of a cell apart."""
    body = page.partition(f'id="{table}"')[2].partition("</table>")[0].partition("</thead>")[2]
    rows = re.findall(r"<tr>(.*?)</tr>", body, re.DOTALL)
    cells = [re.findall(r"<t[dh][^>]*>(.*?)</t[dh]>", row, re.DOTALL) for row in rows]
    return [[" ".join(re.sub(r"<[^>]+>", " ", cell).split()) for cell in row] for row in cells]


def of_xlsx(content: bytes) -> list[list[str]]:
    with zipfile.ZipFile(io.BytesIO(content)) as book:
        sheet = book.read("xl/worksheets/sheet1.xml").decode()
    rows = re.findall(r"<row>(.*?)</row>", sheet)
    return [re.findall(r"<c/>|<c [^>]*><is><t[^>]*>(.*?)</t></is></c>", row) for row in rows]


def test_people_are_counted_apart_from_texts_and_every_form_has_the_same_figures(
    runtime: Runtime, played: tuple[World, Wave, Wave]
) -> None:
    world, first, second = played
    unfolded = {by: sheet_of(runtime, world.group_id, by).rows for by in ("campaign",)}
    live = {wave.campaign_id: flat_of_page(runtime, world.group_id, wave) for wave in (first, second)}
    for row in unfolded["campaign"]:  # exact before the fold, as the campaign's own page is
        shown = flat(row.figures)
        assert {name: shown[name] for name in live[int(row.key)]} == live[int(row.key)]
    fold_everything(runtime)
    total = flat(sheet_of(runtime, world.group_id, "official").total)
    wanted = {
        "people_asked": 8, "texts_sent": 15, "people_reached": 8, "texts_delivered": 15, "people_acted": 6,
        "reports": 9, "people_replied": 7, "replies": 11, "people_opted_out": 1, "opt_outs": 1, "people_spoke": 4,
        "reports_spoke": 5, "people_voicemail": 3, "reports_voicemail": 3, "reports_no_answer": 1,
    }  # fmt: skip
    assert {name: total[name] for name in wanted} == wanted
    client = sign_in(runtime, world.group_id, "staff")
    for by in DIMENSIONS:
        file = tally_file(runtime, world.group_id, by, None, actor="tester")
        told = file.as_json()
        lines = list(csv.reader(io.StringIO(file.as_csv().decode("utf-8-sig"))))
        assert lines[0] == list(HEADER)
        assert lines == of_xlsx(b"".join(file.as_xlsx()))
        assert [line[3:] for line in lines[1:-1]] == [[str(row[name]) for name in HEADER[3:]] for row in told["rows"]]
        assert lines[-1][3:] == [str(told["total"][name]) for name in HEADER[3:]]
        asked = client.get(f"/tallies/data.json?by={by}").get_json()
        assert (asked["rows"], asked["total"]) == (told["rows"], told["total"])
        if by == "variant":
            assert told["rows"] == []
            continue
        for texts in ("texts_sent", "texts_delivered", "reports", "replies", "opt_outs"):
            assert sum(row[texts] for row in told["rows"]) == told["total"][texts] == total[texts], by
        page = client.get(f"/tallies/?by={by}").text
        numbers = [[cell.replace(",", "").split() for cell in row[1:]] for row in cells_of(page, "sheet")]
        pairs = (("people_asked", "texts_sent"), ("people_reached", "texts_delivered"), ("people_acted", "reports"),
                 ("people_replied", "replies"), ("people_opted_out", "opt_outs"))  # fmt: skip
        assert numbers == [
            [[str(row[people]), str(things)] for people, things in ((a, row[b]) for a, b in pairs)]
            for row in (*told["rows"], told["total"])
        ]
    zips = {row["key"]: row["people_acted"] for row in client.get("/tallies/data.json?by=zip").get_json()["rows"]}
    assert zips == {"85003": 2, "85201": 4, "": 0}
    week = client.get("/tallies/data.json?by=campaign&period=week").get_json()
    assert (week["total"]["reports"], week["total"]["texts_sent"]) == (
        9,
        8,
    )  # on Tuesday; the first texts left on Sunday


def flat_of_page(runtime: Runtime, group_id: int, wave: Wave) -> dict[str, Any]:
    with runtime.db.snapshot() as session:
        tally = campaign_tally(session, group_id, wave.campaign_id, runtime.clock)
    reports = {f"reports_{outcome}": count for outcome, count in tally.reports.items()}
    taken = sum(tally.states[state] for state in ("accepted", "sent", "delivered", "undelivered"))
    return {"texts_sent": taken, "texts_delivered": tally.states["delivered"], "replies": tally.replies,
            "opt_outs": tally.opted_out, "reports": sum(tally.reports.values()), **reports}  # fmt: skip


def test_people_stay_counted_when_they_are_erased_and_their_words_are_purged(
    runtime: Runtime, played: tuple[World, Wave, Wave]
) -> None:
    world, _, _ = played
    fold_everything(runtime)
    before = flat(sheet_of(runtime, world.group_id, "official").total)
    erase_number(runtime, world.group_id, runtime.vault.number_hash(number(0)), reason="they asked", actor="ana")
    with runtime.db.transaction() as tx:
        tx.execute(update(Message).values(sealed=None))
        tx.execute(update(Reply).values(sealed=None))
    assert flat(sheet_of(runtime, world.group_id, "official").total) == before
    zips = {row.key: flat(row.figures)["people_acted"] for row in sheet_of(runtime, world.group_id, "zip").rows}
    assert zips == {"85003": 1, "85201": 4, "": 1}  # where they lived is forgotten


def test_where_there_are_many_texts_upkeep_counts_the_people_and_the_page_shows_them(
    runtime: Runtime, played: tuple[World, Wave, Wave], monkeypatch: pytest.MonkeyPatch
) -> None:
    world, _, _ = played
    fold_everything(runtime)
    client = sign_in(runtime, world.group_id, "staff")
    exact = client.get("/tallies/data.json").get_json()
    monkeypatch.setattr(kept_sheets, "FEW", 0)
    page = client.get("/tallies/").text
    assert "being counted" in page
    first = client.get("/tallies/data.json").get_json()
    assert (first["total"]["people_asked"], first["total"]["texts_sent"]) == (None, exact["total"]["texts_sent"])
    assert "reached the office" not in client.get("/").text  # nobody has counted the week either
    assert recount(runtime) == 2  # the table, which the JSON shares, and Home's week
    assert recount(runtime) == 0  # nothing has changed since
    kept = client.get("/tallies/data.json").get_json()
    assert (kept["rows"], kept["total"]) == (exact["rows"], exact["total"])
    assert 'id="counting"' not in client.get("/tallies/").text
    assert "5 callers reached the office this week" in client.get("/").text


def test_an_officials_week_in_both_languages(runtime: Runtime, played: tuple[World, Wave, Wave]) -> None:
    world, first, _ = played
    with runtime.db.transaction() as tx:
        official = tx.get_one(Official, tx.get_one(Campaign, first.campaign_id).official_id)
        official.jurisdiction = "Mesa"
        tx.add(District(group_id=world.group_id, name="Mesa", zips=["85201"], created_at=runtime.clock.now()))
        official_id = official.id
    client = sign_in(runtime, world.group_id, "staff")
    for path in (f"/officials/{official_id}", "/"):
        english = client.get(path).text
        assert "5 callers reached the office this week; 3 of them are from the official&#39;s own district; " in english
        assert "1 promise is overdue; evaded the question 1 time so far." in english
    assert "1 promesa está vencida" in client.get("/", headers={"Accept-Language": "es"}).text


def test_the_pressure_report_tells_no_small_group_and_no_person(
    runtime: Runtime, played: tuple[World, Wave, Wave]
) -> None:
    world, first, _ = played
    with runtime.db.snapshot() as session:
        official_id = session.get_one(Campaign, first.campaign_id).official_id
    client = sign_in(runtime, world.group_id, "staff")
    page = client.get(f"/officials/{official_id}/pressure").text
    assert '<span class="figure">6</span>' in page
    assert cells_of(page.replace("<tbody>", "</thead><tbody>"), "zips") == [
        ["in parts too small to be told apart", "6"]
    ]
    assert "85003" not in page  # two people live there,
    assert "85201" not in page  # and with their number and the sum one would have that of the others
    assert "A letter" in page
    stances = cells_of(page, "stances")
    assert (stances[0][1][:8], stances[1][1]) == ("Evaded (", "Not asked")
    assert "Ana" not in page
    with runtime.db.transaction() as tx:
        tx.execute(update(Promise).where(Promise.official_id == official_id).values(state="kept"))
    spanish = client.get(f"/officials/{official_id}/pressure", headers={"Accept-Language": "es"}).text
    assert "A letter" not in spanish  # its day has passed, and it was kept
    assert "en partes demasiado pequeñas" in spanish
    assert client.get("/officials/999/pressure").status_code == 404


def test_strangers_see_whole_fives_and_nothing_once_it_is_off(
    runtime: Runtime, played: tuple[World, Wave, Wave]
) -> None:
    world, first, second = played
    organizer = sign_in(runtime, world.group_id, "organizer")
    address = f"/count/{counter_token(runtime, first.campaign_id)}"
    assert (organizer.get(address).status_code, organizer.get(f"{address}.json").status_code) == (404, 404)
    saved = organizer.post(f"/campaigns/{first.campaign_id}/counter", data={"is_on": "y", "goal": "50"})
    assert saved.status_code == 303
    looked = organizer.get(address)  # what the next page tells them is not told in one that anybody may keep
    assert ("The number is public." in looked.text, "Set-Cookie" in looked.headers) == (False, False)
    for goal in ("2", "9" * 400):
        assert organizer.post(f"/campaigns/{first.campaign_id}/counter", data={"goal": goal}).status_code == 422
    stranger = create_app(runtime.settings, runtime).test_client()
    answer = stranger.get(f"{address}.json", headers={"Origin": "https://example.org"})
    assert answer.get_json() == {
        "official": "Dana Whitfield", "policy": "Don't Ask Rule", "action": "calls", "people": 5, "least": 5,
        "step": 5, "goal": 50,
    }  # fmt: skip
    headers = answer.headers
    assert (headers["Access-Control-Allow-Origin"], headers["Cache-Control"]) == ("*", "public, max-age=30")
    assert not {"Set-Cookie", "Access-Control-Allow-Credentials"} & set(headers.keys())
    same = stranger.get(f"{address}.json", headers={"If-None-Match": headers["ETag"]})
    assert (same.status_code, same.headers["Access-Control-Allow-Origin"]) == (304, "*")
    page = stranger.get(address, headers={"Accept-Language": "es"})
    assert ("5+" in page.text, "Nuestra meta: 50." in page.text, "Set-Cookie" in page.headers) == (True, True, False)
    for method, status in (("HEAD", 200), ("OPTIONS", 200), ("POST", 405), ("PUT", 405)):
        assert stranger.open(f"{address}.json", method=method).status_code in {status, 400}, method
    for wrong in ("x", "x.json", "../1", "%00.json", "9" * 500, "ñ.json"):
        assert stranger.get(f"/count/{wrong}").status_code in {404, 308}, wrong
    set_counter(runtime, world.group_id, second.campaign_id, is_on=True, goal=None, actor="ana")
    few = stranger.get(f"/count/{counter_token(runtime, second.campaign_id)}")
    assert "fewer than 5" in few.text  # three have acted
    set_counter(runtime, world.group_id, first.campaign_id, is_on=False, goal=50, actor="ana")
    gone = stranger.get(f"{address}.json")
    assert (gone.status_code, gone.headers["Access-Control-Allow-Origin"]) == (404, "*")
    statuses = {stranger.get(f"{address}.json").status_code for _ in range(150)}
    assert statuses == {404, 429}
    with runtime.db.snapshot() as session:
        noted = session.execute(select(func.count()).where(AuditEvent.action == "public_counter")).scalar_one()
        assert session.execute(select(func.count(Suppression.id))).scalar_one() == 1
    assert noted == 3
