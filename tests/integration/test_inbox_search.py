"""Finding threads by number and by words, what waits too long, and corrections as candidates for the classifier."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import Any

import pytest
from click.testing import CliRunner
from flask.testing import FlaskClient
from sqlalchemy import select, update

from outreach.accounts.models import AuditEvent, User
from outreach.cli.candidates import classify_candidates
from outreach.core.runtime import Runtime
from outreach.escalations.models import Campaign
from outreach.messaging.classify import classify
from outreach.messaging.inbox_models import Correction, InboxSetting
from outreach.messaging.models import Conversation, Reply
from outreach.messaging.nudges import nudge_groups
from outreach.privacy.candidates import asked_then, candidates, without_traces
from tests.factories import World, make_group, number
from tests.integration.test_live import sign_in
from tests.integration.test_web_inbox import QUESTION, client, doubt, phone, world
from tests.integration.test_webhooks import say

__all__ = ["client", "phone", "world"]
WHY = "better rules"


def test_a_number_in_any_spelling_finds_its_thread_and_stands_in_no_address(
    runtime: Runtime, phone: FlaskClient, client: FlaskClient
) -> None:
    say(phone, runtime, 0, QUESTION)
    parts = (number(0)[2:5], number(0)[5:8], number(0)[8:])
    for spelled in ("+1{}{}{}", "({}) {}-{}", "1-{}-{}-{}", "{}.{}.{}"):
        typed = spelled.format(*parts)
        found = client.post("/inbox/find", data={"sought": typed})
        assert (found.status_code, found.location) == (303, "/inbox/1"), spelled
    others = sign_in(runtime, make_group(runtime, "Others"))
    assert "Nobody has texted your group" in others.post("/inbox/find", data={"sought": typed}).text


def test_words_are_found_whatever_case_and_accents_in_campaigns_that_run(
    runtime: Runtime, phone: FlaskClient, client: FlaskClient, capsys: pytest.CaptureFixture[str]
) -> None:
    say(phone, runtime, 0, "¿Mi Abuelá también  puede llamar?")
    say(phone, runtime, 1, "what about my neighbour?")
    page = client.post("/inbox/find", data={"sought": "ABUELA TAMBIEN puede"}).text
    assert (page.count("list-group-item"), "newest 2 replies" in page) == (1, True)
    assert "Nothing was found." in client.post("/inbox/find", data={"sought": "grandfather"}).text
    assert "abuela" not in capsys.readouterr().err.casefold()
    for sought, words in (("", "Type a number or a few words."), ("480-555-01", "too few digits"), ("x" * 101, "100")):
        refused = client.post("/inbox/find", data={"sought": sought})
        assert (refused.status_code, words in refused.text) == (422, True), sought
    with runtime.db.transaction() as tx:
        tx.execute(update(Reply).where(Reply.id == 1).values(sealed=None))
    assert "Nothing was found." in client.post("/inbox/find", data={"sought": "abuela"}).text
    with runtime.db.transaction() as tx:
        tx.execute(update(Campaign).values(state="canceled"))
    assert "No campaign runs." in client.post("/inbox/find", data={"sought": "neighbour"}).text


def test_what_waits_too_long_is_shown_to_everybody_and_noted_once(
    runtime: Runtime, world: World, phone: FlaskClient, client: FlaskClient
) -> None:
    say(phone, runtime, 0, QUESTION)
    doubt(phone, runtime, 1)
    say(phone, runtime, 2, "ok")
    assert nudge_groups(runtime) == 0
    with runtime.db.transaction() as tx:  # domain time is noon on a Tuesday
        for person, hours in ((0, 27), (1, 2), (2, 200)):
            of_person = Conversation.number_hash == runtime.vault.number_hash(number(person))
            since = runtime.clock.real_now() - timedelta(hours=hours)
            tx.execute(update(Conversation).where(of_person).values(waits_since=since))
    said = "Perhaps opt-outs that wait longer than 1 h: 1", "Texts that wait longer than 4 h: 1"
    for reader in (client, sign_in(runtime, world.group_id, "staff")):
        for path in ("/", "/inbox/", "/inbox/live"):
            page = reader.get(path).text
            assert [one for one in said if one not in page] == [], path
    assert "waits 2 h" in page
    assert "waits 14 h" in page, "the night does not count"
    assert [nudge_groups(runtime) for _ in range(2)] == [2, 0]
    with runtime.db.snapshot() as session:
        noted = session.execute(select(AuditEvent).where(AuditEvent.action == "inbox_waits")).scalar_one()
    assert noted.details == {"possible_opt_out": 1, "to_read": 1}
    with runtime.db.transaction() as tx:
        tx.execute(update(User).values(role="organizer"))
    for chosen in ("0", "73", "x", ""):
        assert client.post("/inbox/settings/", data={"hours": chosen, "hours_of_doubt": "2"}).status_code == 422
    assert client.post("/inbox/settings/", data={"hours": "20", "hours_of_doubt": "3"}).status_code == 303
    assert "longer than" not in client.get("/").text
    assert nudge_groups(runtime) == 0
    with runtime.db.snapshot() as session:
        row = session.execute(select(InboxSetting)).scalar_one()
    assert (row.hours, row.hours_of_doubt) == (20, 3)


def test_corrections_are_kept_as_candidates_without_who_wrote_them(
    runtime: Runtime, world: World, phone: FlaskClient, client: FlaskClient
) -> None:
    say(phone, runtime, 0, "Ana here, call me at (602) 555-0199 or ana@example.org")
    say(phone, runtime, 2, "2")
    doubt(phone, runtime, 1)
    client.post("/inbox/texts/1/meaning", data={"meaning": "call"})
    client.post("/inbox/texts/1/meaning", data={"meaning": "question"})
    client.post("/inbox/texts/2/meaning", data={"meaning": "report:spoke"})
    client.post("/inbox/3/opt-out", data={"stops": "no"})
    found = candidates(runtime, world.group_id, reason=WHY, actor="admin")
    assert [one["text"] for one in found[:2]] == ["<name> here, call me at <number> or <e-mail>", "2"]
    first, second, third = found
    assert first["after"] == {"intent": "question", "outcome": None}
    assert (second["before"], second["asked"]) == ({"intent": "report", "outcome": "voicemail"}, "call_report")
    assert (third["before"]["intent"], third["after"]["intent"]) == ("possible_opt_out", "other")
    assert {"lang", "rule", "classifier"} <= set(third)
    machine = first["before"]["intent"]
    client.post("/inbox/texts/1/meaning", data={"meaning": machine})
    with runtime.db.snapshot() as session:
        assert session.execute(select(Correction.reply_id).order_by(Correction.reply_id)).scalars().all() == [2, 3]
        noted = session.execute(select(AuditEvent).where(AuditEvent.action == "export")).scalar_one()
    assert (noted.subject, noted.details["texts"]) == ("corrections", 3)
    with runtime.db.transaction() as tx:
        tx.execute(update(Reply).where(Reply.id == 2).values(sealed=None))
    done = CliRunner().invoke(classify_candidates, ["--reason", WHY, "--json"], obj={"runtime": runtime, "group": None})
    lines = [json.loads(line) for line in done.stdout.splitlines()]
    assert [set(one) >= {"text", "before"} for one in lines] == [True, False]
    assert lines[-1] == {"texts": 1}


@pytest.mark.parametrize(
    ("text", "masked"),
    [
        ("my cell 602.555.0142, at 5pm", "my cell <number>, at 5pm"),
        ("see https://example.org/x?y=1 ok", "see <page> ok"),
        ("see example.org/a", "see <page>"),
        ("1", "1"),
        ("called at 3:15 on 12/01", "called at 3:15 on 12/01"),
        ("soy ANA, no Anabel", "soy <name>, no Anabel"),
        ("+1 (602) 555-0142 / 6025550143", "<number> / <number>"),
    ],
)
def test_traces_are_masked_and_what_means_something_stays(text: str, masked: str) -> None:
    assert without_traces(text, ["Ana", ""]) == masked


def test_the_question_is_found_by_the_rule_that_it_led_to() -> None:
    for text, asked in (("1", "call_report"), ("STOP", None), ("who are you?", None)):
        verdict: Any = classify(text, asked)
        assert asked_then(text, verdict.intent, verdict.rule) == asked
