"""Each tactic from the draft to the report, and the step of the wizard that chooses it, on both databases.

Domain and real time are one clock here, which the test moves.
"""

from __future__ import annotations

import json
import re
from datetime import UTC, datetime
from typing import Any

import pytest
from flask.testing import FlaskClient
from sqlalchemy import select, update

from config import table
from outreach.accounts.links import make_login_link
from outreach.accounts.models import User
from outreach.core.errors import BadInputError
from outreach.core.runtime import Runtime
from outreach.escalations.drafts import draft_from_meeting, edit_draft
from outreach.escalations.launch import launch_campaign
from outreach.escalations.models import Campaign, Wave
from outreach.escalations.planning import plan_wave
from outreach.escalations.schedule import launch_due, schedule_launch
from outreach.escalations.wording import TACTICS, words_for
from outreach.messaging.follow_up_models import ASK, FollowUp
from outreach.officials.hostility import set_hostility
from outreach.officials.imports import add_official
from outreach.officials.meetings import record_meeting
from outreach.officials.models import Official
from outreach.tallies.reads import counters
from tests.commands import outreach_command
from tests.factories import World, make_world
from tests.integration.test_conversations import come_back
from tests.integration.test_live import fold_everything, sign_in
from tests.integration.test_script_page import link_of, press
from tests.integration.test_webhooks import say, text_everybody
from tests.model.carrier import ModelClock

ONE_DATABASE = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
"""Where neither locks nor what a database makes of a query are at stake."""
HOUR, DAY = 3_600.0, 86_400.0
EVENT = {"event_day": "2026-12-09", "event_time": "18:30", "event_zone": "America/Phoenix"}
BEGINS = datetime(2026, 12, 10, 1, 30, tzinfo=UTC)
FACTS: dict[str, dict[str, Any]] = {
    "letters": {"office_address": "200 W Washington St\nPhoenix AZ 85003"},
    "email": {"office_email": "chief@example.org"},
    "town_hall": {**EVENT, "event_place": "City Library", "event_link": "https://example.org/hall"},
    "council_meeting": {**EVENT, "event_place": "City Hall <b>1</b>", "event_link": "https://example.org/speak"},
    "letters_to_editor": {"newspaper": "The News", "newspaper_address": "letters@example.org", "word_limit": "150"},
    "in_person": {"office_address": "200 W Washington St"},
}
SCRIPTS = {
    "calls": "Call (602) 555-0142", "letters": "200 W Washington St Phoenix AZ 85003", "email": "chief@example.org",
    "town_hall": "Wed, Dec 9, 6:30 PM, City Library", "council_meeting": "Wed, Dec 9, 6:30 PM, City Hall",
    "letters_to_editor": "The News, letters@example.org, 150 words at most", "in_person": "200 W Washington St",
}  # fmt: skip
PAGES = {
    "calls": ["tel:+16025550142"], "letters": ["?print=1", "200 W Washington St"],
    "email": ["mailto:chief@example.org?subject=Please%20put%20the%20Judicial%20Warrant%20Rule"],
    "town_hall": ["Wednesday, December 9, 2026, 6:30", "(Arizona time)", "City Library", 'href="https://example.org/hall"'],
    "council_meeting": ["City Hall &lt;b&gt;1&lt;/b&gt;", 'href="https://example.org/speak"'],
    "letters_to_editor": ["mailto:letters@example.org?", "The paper prints 150 at most"],
    "in_person": ["?print=1", "200 W Washington St"],
}  # fmt: skip


@pytest.fixture
def runtime(clocked: Runtime) -> Runtime:
    return clocked


@pytest.fixture
def world(runtime: Runtime) -> World:
    return make_world(runtime, 3)


@pytest.fixture
def client(runtime: Runtime, world: World) -> FlaskClient:
    return sign_in(runtime, world.group_id, "organizer")


def enter_again(client: FlaskClient, runtime: Runtime) -> None:
    """Days later nobody is signed in any more."""
    with runtime.db.transaction() as tx:
        (user,) = tx.execute(select(User.id)).scalars()
        token = make_login_link(tx, user, runtime.clock.real_now())
    assert client.post(f"/enter/{token}").status_code == 302


@pytest.fixture
def campaign_id(runtime: Runtime, world: World) -> int:
    return drafted(runtime, world)


def drafted(runtime: Runtime, world: World, outcome: str = "evaded") -> int:
    with runtime.db.transaction() as tx:
        official = add_official(
            tx, runtime, world.group_id, name="Dana Whitfield", role="Police chief", phone="602-555-0142"
        )
        meeting = record_meeting(
            tx, runtime, world.group_id, official_id=official.id, held_on=runtime.clock.now().date(), outcome=outcome,
            recorded_by="tester",
        )  # fmt: skip
        made = draft_from_meeting(tx, runtime, meeting)
        assert made is not None
        edit_draft(tx, world.group_id, made.id, lists=["all"])
        return made.id


def at(campaign_id: int, page: str = "") -> str:
    return f"/campaigns/{campaign_id}/draft/tactic/{page}"


def send(client: FlaskClient, url: str, answered: int = 303, **typed: Any) -> str:
    """Send a form as its page was just read, unless another version is given."""
    found = re.search(r'name="version" value="([^"]+)"', client.get(url).text)
    answer = client.post(url, data={"version": found[1] if found else "", "action": "on", **typed})
    assert answer.status_code == answered, answer.text
    return answer.headers.get("Location", answer.text)


def stored(runtime: Runtime, campaign_id: int) -> Campaign:
    with runtime.db.snapshot() as session:
        return session.get_one(Campaign, campaign_id)


def launched(runtime: Runtime, world: World, campaign_id: int) -> Wave:
    with runtime.db.transaction() as tx:
        wave = launch_campaign(tx, runtime, world.group_id, campaign_id)
    while not plan_wave(runtime, wave.id, 5):
        pass
    return wave


@pytest.mark.parametrize("tactic", TACTICS)
def test_a_tactic_from_the_draft_to_the_report(
    runtime: Runtime, clock: ModelClock, world: World, client: FlaskClient, campaign_id: int, tactic: str
) -> None:
    assert (stored(runtime, campaign_id).tactic, stored(runtime, campaign_id).tone) == ("calls", "evasive")
    tone = "hostile" if tactic == "calls" else "open"
    onward = send(client, at(campaign_id), tactic=tactic, tone=tone)
    facts = FACTS.get(tactic)
    assert onward.endswith("/tactic/facts" if facts else "/review")
    if facts:
        with pytest.raises(BadInputError) as refused, runtime.db.transaction() as tx:
            launch_campaign(tx, runtime, world.group_id, campaign_id)
        assert refused.value.code.startswith("campaign_no_")
        assert "is marked below" in client.get(send(client, at(campaign_id, "facts"))).text
        assert send(client, at(campaign_id, "facts"), **facts).endswith("/review")
    review = client.get(f"/campaigns/{campaign_id}/draft/review").text
    assert "Must be mended" not in review
    assert "Launch now" in review
    wave = launched(runtime, world, campaign_id)
    first = text_everybody(runtime, wave)[0].body
    assert ("CALL" in first) is (tactic == "calls")
    assert "SCRIPT" in first
    for words in ("SCRIPT", "CALL"):
        if words == "SCRIPT" or tactic != "calls":
            assert SCRIPTS[tactic] in (say(client, runtime, 0, words) or "")
    for words, acts, calls in (("ayuda", "GUION", "LLAMAR"), ("english", "SCRIPT", "CALL")):
        answer = say(client, runtime, 1, words) or ""
        assert acts in answer
        assert (calls in answer) is (tactic == "calls")
    say(client, runtime, 1, "SCRIPT")
    path = link_of(client, runtime, 0)
    strangers = client.application.test_client(use_cookies=False)
    page = strangers.get(path).text.replace("\u202f", " ")
    for words in PAGES[tactic]:
        assert words in page
    assert "Dana Whitfield" in strangers.get(f"{path}?l=es&print=1").text
    with runtime.db.snapshot() as session:
        due = session.execute(select(FollowUp.due_at).where(FollowUp.kind == ASK)).scalars().first()
    assert due is not None
    assert (due > BEGINS) is bool(table("ladder")["tactics"][tactic]["event"])
    if due > BEGINS:
        asked_after_the_event(client, runtime, clock, due)
        enter_again(client, runtime)
        assert strangers.get(path).status_code == 200, "a week is over, and the page of an event still takes a report"
    outcome = table("tactics")[tactic]["outcomes"][0]
    assert press(strangers, path, outcome).status_code == 303
    assert "2" in (say(client, runtime, 1, "1") or ""), "thanks, and how many there are"
    with runtime.db.snapshot() as session:
        assert counters(session, wave.gate_id, runtime.clock)[f"report:{outcome}"] == 2
    shown = client.get(f"/campaigns/{campaign_id}").text
    assert "How it goes" in shown
    moved_on(runtime, client, world, campaign_id)


def asked_after_the_event(client: FlaskClient, runtime: Runtime, clock: ModelClock, due: datetime) -> None:
    """Who has promised to come is reminded before it, and nobody is asked how it went before it is over."""
    assert "Wed, Dec 9, 6:30 PM" in (say(client, runtime, 2, "I'll be there") or "")
    clock.advance((BEGINS - runtime.clock.now()).total_seconds() - 4 * HOUR + 1)
    (reminder,) = come_back(runtime)
    assert "You wanted to go to the" in reminder.body
    clock.advance((due - runtime.clock.now()).total_seconds() + 1)
    asked = [one.body for one in come_back(runtime)]
    assert len(asked) == 2
    assert all("I was there" in one for one in asked)


def moved_on(runtime: Runtime, client: FlaskClient, world: World, campaign_id: int) -> None:
    """The next rung is one press away, once; its draft has the same meeting and audience."""
    before = stored(runtime, campaign_id)
    for _ in range(2):
        answer = client.post(f"/campaigns/{campaign_id}/next")
        assert answer.status_code == 303
        assert answer.headers["Location"] == f"/campaigns/{campaign_id + 1}/draft/"
    made = stored(runtime, campaign_id + 1)
    assert made.tactic != before.tactic
    assert made.name == f"{before.name} (2)"
    assert (made.predecessor_id, made.meeting_id, made.audience) == (campaign_id, before.meeting_id, before.audience)
    fold_everything(runtime)
    official = client.get(f"/officials/{before.official_id}").text
    assert 'id="rungs"' in official
    assert re.search(r"[A-Z][a-z -]+: 2, of [0-9]+ asked", official)


@ONE_DATABASE
def test_words_of_ones_own_are_replaced_only_when_somebody_says_so_and_can_be_had_back(
    runtime: Runtime, world: World, client: FlaskClient, campaign_id: int
) -> None:
    own = "{{ group }} volunteers: my own words. Reply SCRIPT. Reply STOP to opt out."
    with runtime.db.transaction() as tx:
        edit_draft(tx, world.group_id, campaign_id, text_en=own, text_b_en="b STOP", text_b_es="b ALTO")
    asked = send(client, at(campaign_id), 422, tactic="letters", tone="ally")
    assert "Say what becomes of them" in asked
    assert stored(runtime, campaign_id).tactic == "calls"
    send(client, at(campaign_id), tactic="letters", tone="ally", edited="keep")
    kept = stored(runtime, campaign_id)
    usual = words_for("letters", "ally", "evaded")
    assert (kept.text_en, kept.text_es, kept.spoken_en) == (own, usual["text_es"], None)
    send(client, at(campaign_id), tactic="email", tone="open", edited="replace")
    replaced = stored(runtime, campaign_id)
    assert (replaced.text_en, replaced.text_b_en) == (words_for("email", "open", "evaded")["text_en"], None)
    page = client.get(at(campaign_id)).text
    assert "my own words" in page
    version = re.search(r'name="version" value="([^"]+)"', page)
    assert version
    back = {"version": version[1]}
    assert client.post(at(campaign_id, "words/0"), data=back).status_code == 303
    assert client.post(at(campaign_id, "words/0"), data=back).status_code == 409
    found = stored(runtime, campaign_id)
    assert (found.text_en, found.text_b_en, found.tactic, found.tone) == (own, "b STOP", "letters", "ally")
    assert found.kept_words == []


def test_two_people_who_choose_at_once_and_a_launched_campaign(
    runtime: Runtime, world: World, client: FlaskClient, campaign_id: int
) -> None:
    page = client.get(at(campaign_id)).text
    version = re.search(r'name="version" value="([^"]+)"', page)
    assert version
    first, second = ({"version": version[1], "tactic": one, "tone": "open"} for one in ("letters", "email"))
    assert client.post(at(campaign_id), data=first).status_code == 303
    assert client.post(at(campaign_id), data=second).status_code == 409
    assert client.post(at(campaign_id), data=first).status_code == 303, "the same again is no clash"
    assert stored(runtime, campaign_id).tactic == "letters"
    send(client, at(campaign_id, "facts"), 409, version="older", office_address="1 Main St")
    send(client, at(campaign_id, "facts"), office_address="1 Main St")
    launched(runtime, world, campaign_id)
    assert client.post(at(campaign_id), data=second).status_code == 409
    assert client.post(at(campaign_id, "facts"), data={"office_address": "2"}).status_code == 409
    assert client.get(at(campaign_id)).status_code == 303
    assert (stored(runtime, campaign_id).occasion or {})["office_address"] == "1 Main St"


@ONE_DATABASE
def test_what_cannot_be_is_said_at_its_field(runtime: Runtime, client: FlaskClient, campaign_id: int) -> None:
    send(client, at(campaign_id), tactic="town_hall", tone="open")
    wrong: list[tuple[dict[str, Any], str]] = [
        ({**EVENT, "event_day": "2026-11-02"}, "event_day"), ({**EVENT, "event_day": "x"}, "event_day"),
        ({**EVENT, "event_day": "9999-12-31"}, "event_day"), ({**EVENT, "event_time": ""}, "event_time"),
        ({**EVENT, "event_zone": ""}, "event_zone"), ({"event_link": "ftp://example.org"}, "event_link"),
        ({"event_place": "\0x" * 3_000}, "event_place"), ({"event_place": "\0y" * 200}, "event_place"),
    ]  # fmt: skip
    for typed, field in wrong:
        refused = send(client, at(campaign_id, "facts"), 422, **typed)
        assert f'href="#{field}"' in refused, typed
    assert stored(runtime, campaign_id).occasion is None


@ONE_DATABASE
def test_a_launch_that_would_come_after_its_event_is_refused_and_said(
    runtime: Runtime, clock: ModelClock, world: World, client: FlaskClient, campaign_id: int
) -> None:
    send(client, at(campaign_id), tactic="town_hall", tone="open")
    send(client, at(campaign_id, "facts"), **FACTS["town_hall"])
    other = drafted(runtime, world)  # another official, and nobody knows of the same place
    send(client, at(other), tactic="town_hall", tone="open")
    assert "City Library" not in client.get(at(other, "facts")).text
    with runtime.db.transaction() as tx:
        tx.execute(update(Official).values(jurisdiction="Phoenix"))
    offered = client.get(at(other, "facts")).text
    assert 'value="City Library"' in offered
    assert 'value="2026-12-09"' in offered
    assert stored(runtime, other).occasion is None, "offered, and not taken"
    with pytest.raises(BadInputError, match="has passed"), runtime.db.transaction() as tx:
        schedule_launch(tx, runtime, world.group_id, campaign_id, BEGINS)
    with runtime.db.transaction() as tx:
        scheduled = update(Campaign).where(Campaign.id == campaign_id)
        tx.execute(scheduled.values(state="scheduled", launch_at=BEGINS))
    clock.advance(10 * DAY)
    assert launch_due(runtime) == 0
    enter_again(client, runtime)
    assert "its event had passed" in client.get(f"/campaigns/{campaign_id}/draft/").text
    assert 'href="#event_day"' in client.get(at(campaign_id, "facts")).text


@ONE_DATABASE
def test_a_draft_takes_the_first_suggestion_and_the_commands_do_as_the_pages(
    settings_env: dict[str, str], runtime: Runtime, world: World
) -> None:
    with runtime.db.transaction() as tx:
        official = add_official(tx, runtime, world.group_id, name="Ana Ruiz", role="Mayor", phone="602-555-0143")
        tx.execute(update(Official).values(email="mayor@example.org"))
        set_hostility(tx, runtime, world.group_id, official.id, "hostile", "tester")
        meeting = record_meeting(tx, runtime, world.group_id, official_id=official.id, outcome="declined",
                                 held_on=runtime.clock.now().date(), recorded_by="t")  # fmt: skip
        made = draft_from_meeting(tx, runtime, meeting)
        assert made is not None
        assert (made.tactic, made.tone) == ("calls", "hostile")  # no event is known yet

    def run(*words: str, code: int = 0) -> dict[str, Any]:
        done = outreach_command(settings_env, ["campaign", *words, "--json"])
        assert done.returncode == code, done.stderr
        found: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
        return found

    suggested = run("suggest", "1")["suggestions"]
    assert [one["tactic"] for one in suggested][:2] == ["calls", "email"]
    assert suggested[2]["reasons"][0]["code"] == "public"
    run("tactic", "1", "letters", "--tone", "ally")
    taken = run("tactic", "1", "council_meeting", "--event-at", "2026-12-09T18:30", "--event-place", "City Hall")
    assert taken["occasion"]["event_at"] == BEGINS.isoformat()
    assert taken["tone"] == "ally"
    run("tactic", "1", "council_meeting", "--event-at", "2020-01-01T18:30", code=2)
    run("next", "1", code=2)  # it was not launched
