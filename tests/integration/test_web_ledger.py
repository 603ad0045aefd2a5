"""The ledger's pages, the board and its files, hostility and manuals: what is stored and refused; on both databases."""

from __future__ import annotations

import csv
import io
import json
import re
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from html import unescape
from typing import Any

import pytest
from click.testing import CliRunner
from flask.testing import FlaskClient
from sqlalchemy import select

from outreach.accounts.models import AuditEvent
from outreach.cli import cli
from outreach.core.runtime import Runtime
from outreach.officials.board import EXPORTED, KINDS
from outreach.officials.hostility import hostility_of
from outreach.officials.manual_models import ManualMark, ManualPassage
from outreach.officials.meetings import Answer
from outreach.officials.models import Stance
from outreach.web.app import create_app
from outreach.web.ledger_words import KINDS as KIND_WORDS
from tests.factories import entered, make_group
from tests.integration.test_web_officials import (
    how_many,
    make_meeting,
    make_official,
    meeting_form,
    opened,
    sign_in,
    text,
    today,
)

SECTION = "Section 3"
PASSAGE = "No further investigation\r\nis necessary, unless there is reasonable suspicion. A <detainer> is honored.\0"


def stance_form(runtime: Runtime, **values: str) -> dict[str, str]:
    given = {"policy": "5", "answer": "no", "basis": "", "citation": "", "source": "letter", "times_asked": ""}
    return {"opened": opened(runtime), "heard_on": today(runtime).isoformat(), "heard_by": "Cy", **given, **values}


def colleague(runtime: Runtime, group_id: int) -> FlaskClient:
    """A second organizer of the group."""
    app = create_app(runtime.settings, runtime)
    app.config["WTF_CSRF_ENABLED"] = False
    return entered(app, runtime, group_id=group_id, name="Di", role="organizer")


def audited(runtime: Runtime) -> list[str]:
    with runtime.db.snapshot() as session:
        done = select(AuditEvent.action).where(AuditEvent.action != "signed_in").order_by(AuditEvent.id)
        return list(session.execute(done).scalars())


def test_answers_and_corrections(runtime: Runtime, group: int) -> None:
    official = make_official(runtime, group)
    meeting = make_meeting(runtime, group, official, 9, answers=[Answer(5, "evaded", None, 3), Answer(1, "yes")])
    client = sign_in(runtime, group)
    page = text(client.get(f"/officials/{official}"))
    assert "Asked 3 times, in 1 conversation: ask until it is a yes or a no." in page
    assert "a yes counts once it is in writing" in page
    form = stance_form(runtime, answer="yes", citation="Order 12, \0https://example.org/o.pdf", times_asked="2")
    for _ in range(2):  # a double click
        answer = client.post(f"/officials/{official}/stances/new", data=form)
        assert (answer.status_code, answer.location) == (303, f"/officials/{official}#stances")
    with runtime.db.snapshot() as session:
        evaded, _, noted = session.execute(select(Stance).order_by(Stance.id)).scalars().all()
    assert (noted.answer, noted.basis, noted.citation) == ("yes", "writing", "Order 12, https://example.org/o.pdf")
    assert (noted.meeting_id, noted.heard_by, noted.recorded_by, noted.times_asked) == (None, "Cy", "organizer", 2)
    page = text(client.get(f"/officials/{official}"))
    assert 'href="https://example.org/o.pdf"' in page
    wrong = stance_form(runtime, answer="struck", basis="writing", citation="left from before")
    assert client.post(f"/officials/stances/{noted.id}", data=wrong).status_code == 303
    correction = stance_form(runtime, answer="no", basis="practice", heard_on="2026-11-22")
    assert client.post(f"/officials/stances/{evaded.id}", data=correction).status_code == 303
    assert client.post(f"/officials/stances/{evaded.id}", data=correction).status_code == 303, "sent twice"
    assert how_many(runtime, Stance) == 5
    assert audited(runtime).count("stance_corrected") == 2
    fifth = text(client.get(f"/officials/{official}")).split('id="stances"')[1].split('class="list-group-item"', 6)[5]
    assert re.findall(">(Yes|No|Evaded)</span>", fifth) == ["No"]
    assert "<s>Evaded</s>" in fifth
    assert "<s>Yes</s>" in fifth
    assert "Struck: it was entered by mistake" in fifth
    assert "Corrected since:" in text(client.get(f"/meetings/{meeting}"))


def test_of_two_who_correct_one_answer_at_once_the_second_is_told(runtime: Runtime, group: int) -> None:
    official = make_official(runtime, group)
    make_meeting(runtime, group, official, answers=[Answer(5, "evaded")])
    with runtime.db.snapshot() as session:
        stance = session.execute(select(Stance.id)).scalar_one()
    clients = [sign_in(runtime, group), colleague(runtime, group)]
    forms = [stance_form(runtime, answer=answer, basis="practice") for answer in ("no", "yes")]

    def correct(number: int) -> int:
        return clients[number].post(f"/officials/stances/{stance}", data=forms[number]).status_code

    with ThreadPoolExecutor(2) as pool:
        assert sorted(pool.map(correct, range(2))) == [303, 409]
    assert how_many(runtime, Stance) == 2
    page = text(clients[0].get(f"/officials/stances/{stance}"))
    assert "This was corrected by" in page


def test_what_cannot_be_noted(runtime: Runtime, group: int) -> None:
    official = make_official(runtime, group)
    client = sign_in(runtime, group)
    noted, logged = stance_form(runtime), meeting_form(runtime)
    future = (today(runtime) + timedelta(days=3)).isoformat()
    for values, sentence in (
        ({"basis": "writing"}, "Say where it is written"),
        ({"basis": "practice", "citation": "Order 12"}, "so choose “in writing” above"),
        ({"citation": "x" * 3000}, "at most 1000 characters"),
        ({"answer": "evaded", "basis": "practice"}, "Only a yes or a no"),
        ({"answer": "struck"}, "Not a valid choice"),
        ({"policy": "10"}, "Not a valid choice"),
        ({"heard_on": future}, "This day is still to come."),
        ({"heard_on": "0026-11-30"}, "Please look at the year."),
        ({"heard_by": "\0"}, "Please say who heard it."),
        ({"times_asked": "0"}, "a whole number from 1 to 99"),
        ({"source": "rumour"}, "Not a valid choice"),
    ):
        answer = client.post(f"/officials/{official}/stances/new", data={**noted, **values})
        assert (answer.status_code, sentence in text(answer)) == (422, True), (values, sentence)
    for values, sentence in (
        ({"answer_5": "no", "citation_5": "x" * 3000}, "at most 1000 characters"),
        ({"answer_5": "evaded", "citation_5": "Order 12"}, "goes with a yes or a no"),
        ({"citation_5": "Order 12"}, "Please choose what they answered."),
        ({"answer_5": "no", "times_5": "often"}, "a whole number from 1 to 99"),
    ):
        answer = client.post(f"/meetings/new/{official}", data={**logged, **values})
        assert (answer.status_code, sentence in text(answer)) == (422, True), (values, sentence)
    assert how_many(runtime, Stance) == 0
    values = {"answer_5": "no", "citation_5": "Order 12", "times_5": "4"}
    assert client.post(f"/meetings/new/{official}", data={**logged, **values}).status_code == 303
    with runtime.db.snapshot() as session:
        said = session.execute(select(Stance)).scalar_one()
    assert (said.basis, said.citation, said.times_asked) == ("writing", "Order 12", 4)


def test_hostility_has_a_history(runtime: Runtime, group: int) -> None:
    official = make_official(runtime, group)
    client = sign_in(runtime, group)
    address = f"/officials/{official}/hostility"
    assert "Nobody has judged it yet." in text(client.get(address))
    for value, why in (("evasive", "Puts us off"), ("evasive", "Puts us off"), ("ally", "")):
        assert client.post(address, data={"hostility": value, "why": why}).status_code == 303
    assert client.post(address, data={"hostility": "enemy"}).status_code == 422
    assert client.post(address, data={"hostility": "open", "why": "x" * 301}).status_code == 422
    history = text(client.get(address)).split('id="history"')[1]
    assert re.findall("<strong>(.*?)</strong>", history) == ["Ally", "Evasive"]
    assert "Puts us off" in history
    with runtime.db.snapshot() as session:
        assert hostility_of(session, group, official) == "ally"
        audited = session.execute(
            select(AuditEvent.details).where(AuditEvent.action == "hostility_set").order_by(AuditEvent.id)
        ).scalars()
        assert [one["value"] for one in audited] == ["evasive", "ally"]
    assert "<strong>Ally</strong>" in text(sign_in(runtime, group, "staff").get(f"/officials/{official}"))


def cells(page: str) -> dict[int, list[str]]:
    """Official's id -> the words of the nine cells, as the board shows them."""
    table = page.split('class="board"')[1].split("</tbody>", maxsplit=1)[0].split("<tbody")[1]
    found = {}
    for row in table.split("<tr")[1:]:
        words = re.findall(r'<span class="cell-words"><span[^>]*>[^<]*</span> ([^<]*?) ?<', row)
        found[int(re.findall(r"/officials/(\d+)#", row)[0])] = [unescape(one) for one in words]
    return found


@pytest.mark.parametrize("place", [None, "Pima, AZ"])
def test_the_files_say_what_the_board_says(
    runtime: Runtime, group: int, monkeypatch: pytest.MonkeyPatch, place: str | None
) -> None:
    for number in range(22):
        official = make_official(
            runtime, group, f"Person {number:02}", jurisdiction="Pima, AZ" if number % 2 else "Mesa, AZ"
        )
        answers = [Answer(1, "yes", "writing"), Answer(2, "yes"), Answer(3, "no"), Answer(4, "evaded", None, 2)]
        make_meeting(runtime, group, official, answers=answers[: number % 5])
    make_official(runtime, make_group(runtime, "Others"), "Not ours", jurisdiction=place)
    client = sign_in(runtime, group, "staff")
    shown: dict[int, list[str]] = {}
    for page_number in (1, 2):
        page = text(client.get("/officials/board", query_string={"jurisdiction": place or "", "page": page_number}))
        shown |= cells(page) if 'class="board"' in page else {}
        if page_number == 1:
            rows = page.split('id="totals"')[1].split("</tfoot>", maxsplit=1)[0].split("<tr")[1:]
            totals = [list(map(int, re.findall(r'<span class="cell-words">(\d+)<', row))) for row in rows]
    monkeypatch.setattr("outreach.cli.ledger.runtime", lambda: runtime)
    monkeypatch.setattr("outreach.cli.ledger.group_id", lambda: group)
    args = ["export", "stances", *(["--jurisdiction", place] if place else [])]

    def run(form: str) -> bytes:
        return CliRunner().invoke(cli, [*args, form], catch_exceptions=False).stdout_bytes

    document = json.loads(run("--json"))
    assert document["officials"] == len(shown) == (11 if place else 22)
    exported: dict[int, list[str]] = {}
    for row in document["stances"]:
        exported.setdefault(row["official_id"], []).append(str(KIND_WORDS[row["kind"]]))
    assert exported == shown
    assert [[document["totals"][str(policy)][kind] for policy in range(1, 10)] for kind in KINDS] == totals
    assert all(sum(column) == len(shown) for column in zip(*totals, strict=True))
    lines = list(csv.DictReader(io.StringIO(run("--csv").decode("utf-8-sig"))))
    assert lines == [{name: "" if row[name] is None else str(row[name]) for name in EXPORTED}
                     for row in document["stances"]]  # fmt: skip


def add_manual(client: FlaskClient, runtime: Runtime, official: int | None) -> str:
    given = {
        "opened": opened(runtime), "title": "Policy <manual>", "agency": "Mesa PD", "jurisdiction": "Mesa, AZ",
        "official_id": str(official or 0), "source": "https://example.org/m.pdf", "dated": "2015-03-01",
    }  # fmt: skip
    for _ in range(2):  # a double click
        answer = client.post("/manuals/new", data=given)
    assert answer.status_code == 303
    pasted = client.post(answer.location, data={"section": SECTION, "text": PASSAGE, "reader": "Cy"})
    assert pasted.status_code == 303
    return str(pasted.location)


def test_a_manual_is_read_together(runtime: Runtime, group: int) -> None:
    official = make_official(runtime, group)
    client, other = sign_in(runtime, group), colleague(runtime, group)
    passage = add_manual(client, runtime, official)
    document = "/manuals/1"
    for words, kind in (("no FURTHER investigation is", "profiling"), ("suspicion", "asking"), ("Suspicion", "asking")):
        assert client.post(f"{passage}/mark", data={"words": words, "kind": kind}).status_code == 303
    assert how_many(runtime, ManualMark) == 2
    page = text(client.get(passage))
    assert "A &lt;<a" in page
    assert re.search(r'<mark class="marked is-profiling">No further investigation\s+is<span', page)
    version = re.findall(r'name="version"[^>]*value="(\w+)"', page)[0]
    assert "Say first which model policy" in text(client.post(f"{passage}/note", data={"answer": "no"}))
    given = {"version": version, "policy": "5", "comment": "They ask.", "reader": "Cy", "done": "y"}
    assert client.post(passage, data=given).status_code == 303
    clash = other.post(passage, data={**given, "comment": "Another view", "policy": "1"})
    assert (clash.status_code, "They ask." in text(clash), "Another view" in text(clash)) == (409, True, True)
    assert "1 of 1 passages read" in text(client.get(document))
    for _ in range(2):
        assert client.post(f"{passage}/note", data={"answer": "no"}).status_code == 303
    with runtime.db.snapshot() as session:
        noted = session.execute(select(Stance)).scalar_one()
    assert (noted.policy, noted.answer, noted.basis, noted.source) == (5, "no", "writing", "manual")
    assert noted.citation == "Policy <manual> (2015-03-01), Section 3, https://example.org/m.pdf"
    assert "The ledger cites this passage" in text(client.post(f"{passage}/remove"))
    compared = text(sign_in(runtime, group, "staff").get(f"{document}/comparison"))
    for words in ("Don&#39;t Ask Rule", "asking for immigration status", "They ask.", "nine-model-policies"):
        assert words in compared
    assert "No passage is tied to it yet." in text(client.get(f"{document}/comparison?policy=2"))
    assert client.post("/manuals/marks/1/remove").status_code == 303
    assert how_many(runtime, ManualMark) == 1


def test_what_a_manual_cannot_take(runtime: Runtime, group: int) -> None:
    client = sign_in(runtime, group)
    passage = add_manual(client, runtime, None)
    for path, values, sentence in (
        ("/manuals/1/paste", {"text": "x" * 200_000}, "The passage has 200000 characters; 20000 are the most."),
        ("/manuals/1/paste", {"text": " \0 "}, "Paste the words of the passage."),
        ("/manuals/1/paste", {"text": "x", "section": "x" * 121}, "at most 120 characters"),
        ("/manuals/new", {"title": "x" * 201}, "at most 200 characters"),
        ("/manuals/1/edit", {"title": "", "dated": "soon"}, "Please give the document a title."),
        (f"{passage}/mark", {"words": "not in it", "kind": "other"}, "These words do not stand in the passage."),
        (f"{passage}/mark", {"words": "unless", "kind": "rumour"}, "Not a valid choice"),
        (f"{passage}/mark", {"words": "x" * 501, "kind": "other"}, "at most 500 characters"),
        (passage, {"policy": "10"}, "Not a valid choice"),
        (f"{passage}/note", {"answer": "no"}, "Say first which model policy"),
    ):
        answer = client.post(path, data=values)
        assert (answer.status_code, sentence in text(answer)) == (422, True), (path, sentence)
    assert client.post(f"{passage}/note", data={"answer": "maybe"}).status_code == 400
    for path in (
        "/manuals/new?official=",
        "/manuals/1/comparison?policy=",
        "/manuals/?page=",
        "/officials/board?page=",
    ):
        for value in (10**30, -1, "x"):
            assert client.get(f"{path}{value}").status_code == 200, path
    assert (how_many(runtime, ManualPassage), how_many(runtime, ManualMark)) == (1, 0)
    client.post(f"{passage}/mark", data={"words": "unless", "kind": "other"})
    assert client.post(f"{passage}/remove").status_code == 303
    assert (how_many(runtime, ManualPassage), how_many(runtime, ManualMark)) == (0, 0)
    assert audited(runtime)[-1] == "passage_removed"


def test_another_groups_ledger_is_not_there(runtime: Runtime, group: int) -> None:
    official = make_official(runtime, group)
    make_meeting(runtime, group, official, answers=[Answer(5, "no")])
    client = sign_in(runtime, group)
    passage = add_manual(client, runtime, official)
    client.post(f"{passage}/mark", data={"words": "unless", "kind": "other"})
    stranger = sign_in(runtime, make_group(runtime, "Others"))
    form = stance_form(runtime)
    reads: tuple[tuple[str, dict[str, Any]], ...] = (
        (f"/officials/{official}/stances/new", form), ("/officials/stances/1", form), (passage, {}),
        (f"/officials/{official}/hostility", {"hostility": "ally"}), ("/manuals/1/paste", {"text": "x"}),
        ("/manuals/1/edit", {"title": "x"}),
    )  # fmt: skip
    for path, values in reads:
        assert stranger.get(path).status_code == 404, path
        assert stranger.post(path, data=values).status_code == 404, path
    for path, values in (
        (f"{passage}/mark", {"words": "unless", "kind": "bias"}), (f"{passage}/note", {"answer": "no"}),
        (f"{passage}/remove", {}), ("/manuals/marks/1/remove", {}),
    ):  # fmt: skip
        assert stranger.post(path, data=values).status_code == 404, path
    for path in ("/manuals/1", "/manuals/1/comparison"):
        assert stranger.get(path).status_code == 404, path
    foreign = {"opened": opened(runtime), "title": "Mine", "official_id": str(official)}
    assert stranger.post("/manuals/new", data=foreign).status_code == 422
    assert "&lt;manual&gt;" not in text(stranger.get("/manuals/"))
    assert (how_many(runtime, Stance), how_many(runtime, ManualMark)) == (1, 1)
