"""Promises from the page to the reminder and the draft, on both databases: nobody is told twice, nothing is lost."""

from __future__ import annotations

import csv
import io
import json
import threading
from dataclasses import replace
from datetime import date, datetime, time, timedelta
from typing import Any

import pytest
from click.testing import CliRunner
from flask.testing import FlaskClient
from icalendar import Calendar
from sqlalchemy import func, select

from outreach.accounts.models import AuditEvent
from outreach.cli import cli
from outreach.core.clock import PHOENIX
from outreach.core.errors import ConflictError
from outreach.core.runtime import Runtime
from outreach.escalations.models import Campaign
from outreach.escalations.promise_drafts import draft_overdue, hear_of_promise
from outreach.escalations.promise_models import PromiseDraft
from outreach.messaging import reminders
from outreach.messaging.claims import claim
from outreach.messaging.models import Conversation, Gate, Message, Reply
from outreach.messaging.reminder_models import Reminder
from outreach.messaging.reminders import plan_reminders
from outreach.messaging.slices import Post, slice_out
from outreach.messaging.sweep import sweep_claims
from outreach.officials.checklists import add_item, change_item
from outreach.officials.models import Meeting, Promise
from outreach.officials.plans import Given, change_plan, make_plan
from outreach.officials.promise_models import PromiseEvent
from outreach.officials.promises import Details, Heard, add_promise, change_promise, hear, undo
from outreach.people.members import mark_members
from outreach.privacy.disclosure import disclose
from outreach.privacy.erasure import erase_number
from outreach.web.app import create_app
from tests.factories import World, make_group, make_world, number
from tests.integration.test_web_officials import make_meeting, make_official, sign_in
from tests.integration.test_webhooks import say
from tests.model.carrier import ModelClock

HOUR, DAY = 3_600.0, 86_400.0
WORDS = "An answer in writing"


@pytest.fixture
def runtime(clocked: Runtime) -> Runtime:
    return clocked


@pytest.fixture
def world(runtime: Runtime) -> World:
    """Three members; the clock stands at noon on Tuesday, December 1, in Phoenix."""
    made = make_world(runtime, 3)
    with runtime.db.transaction() as tx:
        mark_members(tx, runtime, made.group_id, made.list_id, is_members=True, actor="bo")
    return made


@pytest.fixture
def meeting(runtime: Runtime, world: World) -> int:
    return make_meeting(runtime, world.group_id, make_official(runtime, world.group_id), 2)


def today(runtime: Runtime) -> date:
    return runtime.clock.now().astimezone(PHOENIX).date()


def promise(runtime: Runtime, world: World, meeting: int, days: int | None, **values: Any) -> int:
    """One that is due in so many days, watched by the first member."""
    due_on = None if days is None else today(runtime) + timedelta(days=days)
    details = Details(**{"text": WORDS, "due_on": due_on, "watcher_id": world.people[0], **values})
    with runtime.db.transaction() as tx:
        return add_promise(tx, runtime, world.group_id, meeting, details, by="bo").id


def heard(runtime: Runtime, world: World, promise_id: int, kind: str, seen: int = 0, days: int | None = None) -> None:
    new_day = None if days is None else today(runtime) + timedelta(days=days)
    said = Heard(kind, today(runtime), "Their chief of staff", "They told us", new_day)
    with runtime.db.transaction() as tx:
        hear_of_promise(tx, runtime, world.group_id, promise_id, said, seen=seen, by="bo")


def remind(runtime: Runtime) -> list[Post]:
    """What upkeep plans now, and a sender posts."""
    plan_reminders(runtime)
    return send(runtime)


def send(runtime: Runtime, token: str = "t") -> list[Post]:
    with runtime.db.snapshot() as session:
        gates = session.execute(select(Gate.id).where(Gate.kind == "reminder")).scalars().all()
    posts: list[Post] = []
    for gate_id in gates:
        claimed, _ = claim(runtime, gate_id, token, after=0, limit=100)
        posts += slice_out(runtime, claimed, token)
    return posts


def states(runtime: Runtime) -> list[tuple[str, str, str | None]]:
    with runtime.db.snapshot() as session:
        rows = session.execute(select(Reminder).order_by(Reminder.id)).scalars()
        return [(row.step.partition(" ")[0], row.state, row.reason) for row in rows]


def how_many(runtime: Runtime, model: Any) -> int:
    with runtime.db.snapshot() as session:
        return session.execute(select(func.count()).select_from(model)).scalar_one()


def test_a_watcher_is_reminded_three_days_before_on_the_day_and_after_it_once_each(
    runtime: Runtime, clock: ModelClock, world: World, meeting: int
) -> None:
    promise(runtime, world, meeting, 4)
    assert remind(runtime) == []
    clock.advance(DAY)
    (soon,) = remind(runtime)
    assert (soon.to, WORDS in soon.body, "by Dec 5" in soon.body) == (number(0), True, True)
    for _ in range(2):
        assert remind(runtime) == []
        clock.advance(DAY)
    clock.advance(8.5 * HOUR)  # half past eight in the evening: nobody is texted now
    assert remind(runtime) == []
    clock.advance(DAY - 8.5 * HOUR)
    assert ["due today" in post.body for post in remind(runtime)] == [True]
    clock.advance(DAY)  # a Sunday
    assert ["The day has passed" in post.body for post in remind(runtime)] == [True]
    for _ in range(5):
        clock.advance(DAY)
        assert remind(runtime) == []
    assert [state for _, state, _ in states(runtime)] == ["sent"] * 3


@pytest.mark.parametrize("change", ["kept", "extended", "another watcher", "no member", "stop"])
def test_what_has_changed_between_plan_and_post_is_not_sent(
    runtime: Runtime, world: World, meeting: int, change: str
) -> None:
    promise_id = promise(runtime, world, meeting, 1)
    assert plan_reminders(runtime) == 1
    if change in {"kept", "extended"}:
        heard(runtime, world, promise_id, change, days=9 if change == "extended" else None)
    elif change == "stop":
        say(create_app(runtime.settings, runtime).test_client(), runtime, 0, "STOP")
    else:
        with runtime.db.transaction() as tx:
            if change == "no member":
                mark_members(tx, runtime, world.group_id, world.list_id, is_members=False, actor="bo")
            else:
                given = Details(WORDS, today(runtime) + timedelta(days=1), watcher_id=world.people[1])
                change_promise(tx, runtime, world.group_id, promise_id, given, by="bo")
    assert [post.to for post in send(runtime)] == []
    assert [post.to for post in remind(runtime)] == ([number(1)] if change == "another watcher" else [])
    with runtime.db.snapshot() as session:
        state = session.execute(select(Message.state).order_by(Message.id).limit(1)).scalar_one()
    assert state == ("suppressed" if change == "stop" else "canceled")


def test_a_process_that_dies_between_two_steps_reminds_nobody_twice_and_nobody_less(
    runtime: Runtime, clock: ModelClock, world: World, meeting: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    promise(runtime, world, meeting, 1)
    with monkeypatch.context() as patch:
        patch.setattr(reminders, "append", lambda *_: 1 / 0)
        with pytest.raises(ZeroDivisionError):  # killed with the text written and nothing committed
            plan_reminders(runtime)
    assert (how_many(runtime, Reminder), how_many(runtime, Message)) == (0, 0)
    together([lambda: plan_reminders(runtime)] * 2)
    assert how_many(runtime, Message) == 1
    with runtime.db.snapshot() as session:
        gate_id = session.execute(select(Gate.id).where(Gate.kind == "reminder")).scalar_one()
    assert len(claim(runtime, gate_id, "dies", after=0, limit=9)[0]) == 1  # and its sender is killed
    clock.advance(31.0)
    assert sweep_claims(runtime) == 1
    assert [post.to for post in send(runtime)] == [number(0)]
    assert remind(runtime) == []


def test_the_caps_hold_a_reminder_and_what_comes_too_late_is_dropped(
    runtime: Runtime, clock: ModelClock, world: World, meeting: int
) -> None:
    for text in (WORDS, "A hearing"):
        promise(runtime, world, meeting, 0, text=text)
    assert len(remind(runtime)) == 1
    assert states(runtime) == [("today", "sent", None), ("today", "waiting", None)]
    clock.advance(DAY)
    assert len(remind(runtime)) == 1  # one a day: of the two that are overdue now
    assert sorted(states(runtime))[2:] == [("today", "dropped", "settled"), ("today", "sent", None)]


def test_of_two_that_a_sender_finds_at_once_the_second_waits_for_its_day(
    runtime: Runtime, clock: ModelClock, world: World, meeting: int
) -> None:
    for text in (WORDS, "A hearing"):
        promise(runtime, world, meeting, 0, text=text)
        assert plan_reminders(runtime)  # and no sender is there to take its text
    assert [post.to for post in send(runtime)] == [number(0)]
    assert states(runtime) == [("today", "sent", None), ("today", "waiting", None)]


def test_a_meeting_a_task_and_a_promise_remind_each_of_their_members_once(
    runtime: Runtime, clock: ModelClock, world: World, meeting: int
) -> None:
    ana, bo, cy = world.people
    tomorrow = today(runtime) + timedelta(days=1)
    promise(runtime, world, meeting, 1)
    at = datetime.combine(tomorrow, time(17, 30), PHOENIX)
    with runtime.db.transaction() as tx:
        given = Given(starts_at=at, place="City Hall", spokesperson_id=bo, attendees=frozenset({ana, bo}))
        official_id = tx.get_one(Meeting, meeting).official_id
        plan = make_plan(tx, runtime, world.group_id, official_id, given, by="bo")
        task = add_item(tx, runtime, world.group_id, "Bring the manual", plan_id=plan.id, due_on=tomorrow)
        change_item(tx, world.group_id, task.id, due_on=tomorrow, constituent_id=cy)
        plan_id = plan.id
    said = {post.to: post.body for post in remind(runtime)}
    found = [words in said[number(who)] for who, words in ((0, "tomorrow"), (1, "tomorrow"), (2, "Bring the manual"))]
    assert (len(said), found) == (3, [True] * 3)
    assert "5:10 PM" in said[number(0)], "of a meeting and a promise she hears of the meeting"
    assert remind(runtime) == []
    clock.advance(DAY)
    assert plan_reminders(runtime) == 4
    with runtime.db.transaction() as tx:  # it moves while its texts wait for a sender, and is never said wrongly
        change_plan(tx, runtime, world.group_id, plan_id, 1, replace(given, starts_at=at + timedelta(hours=1)))
    assert [post.to for post in send(runtime)] == []
    assert [("today at 6:30 PM" in post.body) for post in remind(runtime)] == [True] * 2
    assert remind(runtime) == []


def together(steps: list[Any]) -> None:
    threads = [threading.Thread(target=step) for step in steps]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


def test_an_answer_to_a_reminder_is_for_a_person_and_no_report(runtime: Runtime, world: World, meeting: int) -> None:
    promise(runtime, world, meeting, 0)
    assert len(remind(runtime)) == 1
    client = create_app(runtime.settings, runtime).test_client()
    assert say(client, runtime, 0, "done") is None
    with runtime.db.snapshot() as session:
        reply = session.execute(select(Reply)).scalar_one()
        rank = session.execute(select(Conversation.rank)).scalar_one()
    assert (reply.intent, reply.outcome, reply.group_id, rank) == ("other", None, world.group_id, 2)


def test_a_promise_opens_one_draft_on_the_day_after_its_day_whoever_looks(
    runtime: Runtime, clock: ModelClock, world: World, meeting: int
) -> None:
    late = promise(runtime, world, meeting, 0)
    promise(runtime, world, meeting, 3, text="Not yet")
    kept = promise(runtime, world, meeting, 0, text="Done")
    heard(runtime, world, kept, "kept")
    assert draft_overdue(runtime) == 0
    clock.advance(DAY)
    together([lambda: draft_overdue(runtime)] * 2)
    assert draft_overdue(runtime) == 0
    with runtime.db.snapshot() as session:
        (found,) = session.execute(select(PromiseDraft)).scalars()
        draft = session.get_one(Campaign, found.campaign_id)
    assert (found.promise_id, found.reason, draft.state, draft.meeting_id) == (late, "overdue", "draft", meeting)
    assert f"promised us by Dec 1: {WORDS}. It was not done." in draft.text_en
    page = sign_in(runtime, world.group_id).get("/").text
    assert "Drafted because a promise was not kept" in page
    assert "its day has passed" in page
    make_meeting(runtime, world.group_id, draft.official_id, outcome="committed")
    clock.advance(5 * DAY)
    assert draft_overdue(runtime) == 0, "they have committed since"


def test_a_broken_promise_opens_its_draft_at_once_and_what_was_noted_is_taken_back_by_a_further_entry(
    runtime: Runtime, world: World, meeting: int
) -> None:
    promise_id = promise(runtime, world, meeting, 5)
    client = sign_in(runtime, world.group_id)
    form = {"kind": "broken", "words": "They voted no", "said_on": today(runtime).isoformat(), "seen": "0"}
    assert client.post(f"/promises/{promise_id}", data={**form, "words": ""}).status_code == 422
    assert client.post(f"/promises/{promise_id}", data={**form, "kind": "extended"}).status_code == 422
    assert how_many(runtime, PromiseEvent) == 0
    for _ in range(2):  # pressed twice
        assert client.post(f"/promises/{promise_id}", data=form).status_code == 303
    assert how_many(runtime, PromiseEvent) == how_many(runtime, PromiseDraft) == 1
    with runtime.db.snapshot() as session:
        (entry,) = session.execute(select(PromiseEvent)).scalars()
    assert client.post(f"/promises/{promise_id}", data={**form, "kind": "kept"}).status_code == 422, "seen nothing yet"
    for _ in range(2):
        assert client.post(f"/promises/{promise_id}/undo", data={"seen": str(entry.id)}).status_code == 303
    page = client.get(f"/promises/{promise_id}").text
    assert "taken back" in page
    assert "due in" not in page
    with runtime.db.snapshot() as session:
        assert session.get_one(Promise, promise_id).state == "open"
        kinds = session.execute(select(PromiseEvent.kind).order_by(PromiseEvent.id)).scalars().all()
        actions = session.execute(select(AuditEvent.action).order_by(AuditEvent.id)).scalars().all()
    assert kinds == ["broken", "undone"]
    assert [one for one in actions if one.startswith("promise")] == [
        "promise_added", "promise_broken", "promise_drafted", "promise_undone",
    ]  # fmt: skip


def test_of_two_who_say_different_things_at_once_one_is_told_to_look_again(
    runtime: Runtime, world: World, meeting: int
) -> None:
    promise_id = promise(runtime, world, meeting, 1)
    refused: list[str] = []

    def note(kind: str, by: str) -> None:
        said = Heard(kind, today(runtime), words="x")
        try:
            with runtime.db.transaction() as tx:
                hear(tx, runtime, world.group_id, promise_id, said, seen=0, by=by)
        except ConflictError as error:
            refused.append(error.code)

    together([lambda: note("kept", "bo"), lambda: note("broken", "cy")])
    assert (refused, how_many(runtime, PromiseEvent)) == (["promise_changed"], 1)
    with runtime.db.transaction() as tx, pytest.raises(ConflictError):
        undo(tx, runtime, world.group_id, promise_id, seen=0, by="bo")


def test_the_list_the_commands_and_the_files_say_the_same(
    runtime: Runtime, world: World, meeting: int, monkeypatch: pytest.MonkeyPatch, tmp_path: Any
) -> None:
    for days, text in ((-3, "=Late"), (None, "Some day"), (0, "Now"), (40, "Far")):
        promise(runtime, world, meeting, days, text=text, approver="The council")
    heard(runtime, world, promise(runtime, world, meeting, -9, text="Done"), "kept")
    client = sign_in(runtime, world.group_id, "staff")
    page = client.get("/promises/").text
    order = ["=Late", "Now", "Far", "Some day", "Done"]
    assert sorted(order, key=page.index) == order
    assert "3 days overdue" in page
    assert "Ana T" in page
    monkeypatch.setattr("outreach.cli.promises.runtime", lambda: runtime)
    monkeypatch.setattr("outreach.cli.promises.group_id", lambda: world.group_id)
    told = json.loads(CliRunner().invoke(cli, ["promises", "list", "--json"], catch_exceptions=False).stdout)
    assert [one["text"] for one in told["promises"]] == order
    late = CliRunner().invoke(cli, ["promises", "list", "--overdue"], catch_exceptions=False).stdout
    assert ("=Late" in late, "Now" in late) == (True, False)
    for name in ("promises.csv", "promises.xlsx"):
        words = ["export", "promises", "--reason", "For the board", "--out", str(tmp_path / name), "--json"]
        done = json.loads(CliRunner().invoke(cli, words, catch_exceptions=False).stdout)
        assert (done["promises"], done["bytes"] > 100) == (5, True)
    answer = client.post("/promises/export", data={"because": "For the board", "kind": "csv"})
    assert answer.data == (tmp_path / "promises.csv").read_bytes()
    rows = list(csv.DictReader(io.StringIO(answer.data.decode("utf-8-sig"))))
    assert [(row["promise"], row["days_overdue"], row["state"]) for row in rows][::4] == [
        ("'=Late", "3", "open"), ("Done", "0", "kept"),
    ]  # fmt: skip
    assert client.post("/promises/export", data={"because": " ", "kind": "csv"}).status_code == 422
    entries = Calendar.from_ical(client.get("/promises/calendar.ics").data).walk("VEVENT")
    assert [str(one["description"]).partition("\n")[0] for one in entries] == ["=Late", "Now", "Far"]
    assert entries[0].decoded("dtstart") == today(runtime) - timedelta(days=3)


def test_whoever_is_forgotten_watches_over_nothing_and_hears_first_what_is_kept(
    runtime: Runtime, world: World, meeting: int
) -> None:
    promise_id = promise(runtime, world, meeting, 0)
    remind(runtime)
    hashed = runtime.vault.number_hash(number(0))
    kept = disclose(runtime, world.group_id, hashed, reason="asked", actor="bo")
    assert [one["promise"] for one in kept["promises_watched"]] == [WORDS]
    assert [one["step"] for one in kept["reminders"]] == ["today 2026-12-01"]
    erase_number(runtime, world.group_id, hashed, reason="asked", actor="bo")
    with runtime.db.snapshot() as session:
        assert session.get_one(Promise, promise_id).watcher_id is None
    assert how_many(runtime, Reminder) == 0
    assert remind(runtime) == []


def test_who_may_and_what_another_group_sees(runtime: Runtime, world: World, meeting: int) -> None:
    promise_id = promise(runtime, world, meeting, 1)
    own = [f"/promises/{promise_id}", f"/promises/{promise_id}/calendar.ics"]
    writes = [f"/promises/{promise_id}/change", f"/promises/new/{meeting}", f"/meetings/{meeting}/report",
              f"/meetings/{meeting}/news", "/officials/state-office"]  # fmt: skip
    staff, organizer = sign_in(runtime, world.group_id, "staff"), sign_in(runtime, world.group_id)
    stranger = sign_in(runtime, make_group(runtime, "Others"))
    for path in own:
        assert (staff.get(path).status_code, stranger.get(path).status_code) == (200, 404), path
    for path in writes:
        assert (staff.get(path).status_code, organizer.get(path).status_code) == (403, 200), path
    for path in (*writes[:-1], *(f"/promises/{promise_id}{end}" for end in ("/undo", "/draft", ""))):
        assert stranger.post(path, data={"seen": "0"}).status_code in {404, 405}, path
    given = {"text": "x", "watcher": "999999999999999999999"}
    assert organizer.post(f"/promises/new/{meeting}", data=given).status_code == 422
    assert organizer.post(f"/promises/new/{meeting}", data={**given, "watcher": ""}).status_code == 303
    assert organizer.post(f"/promises/{promise_id}", data={"kind": "kept", "said_on": "2026-12-01", "seen": "²"})


def client_with_report(runtime: Runtime, world: World, meeting: int) -> FlaskClient:
    client = sign_in(runtime, world.group_id)
    assert client.post("/officials/state-office", data={"email": "x@y?bcc=z@a.b"}).status_code == 422
    office = {"name": "State office", "email": "office@example.org"}
    assert client.post("/officials/state-office", data=office).status_code == 303
    return client


def test_the_report_says_what_was_logged_and_names_nobody_unasked(runtime: Runtime, world: World) -> None:
    official = make_official(runtime, world.group_id)
    meeting = make_meeting(runtime, world.group_id, official, attendees="Ana Ruiz, Bo", notes="A secret")
    promise(runtime, world, meeting, 9, approver="The council")
    client = client_with_report(runtime, world, meeting)
    page = client.get(f"/meetings/{meeting}/report").text
    for words in ("Mayor Ana Diaz", WORDS, "by December 10, 2026", "The council", "mailto:office@example.org?subject="):
        assert words in page, words
    for words in ("Ana Ruiz", "A secret"):
        assert words not in page, words
    given = {"said": "They need time", "next_step": "We call on Monday", "with_attendees": "y"}
    assert client.post(f"/meetings/{meeting}/report", data=given).status_code == 303
    page = client.get(f"/meetings/{meeting}/report?language=es").text
    for words in (
        "Ana Ruiz, Bo",
        "They need time",
        "We call on Monday",
        "Lo que prometieron:",
        "10 de diciembre de 2026",
    ):
        assert words in page, words


def test_bad_news_waits_for_an_action_and_good_news_for_their_office(runtime: Runtime, world: World) -> None:
    official = make_official(runtime, world.group_id)
    meeting = make_meeting(runtime, world.group_id, official, outcome="declined")
    client = sign_in(runtime, world.group_id)
    assert "nothing yet that people can do" in client.get(f"/meetings/{meeting}/news").text
    assert client.post(f"/meetings/{meeting}/draft").status_code == 303
    page = client.get(f"/meetings/{meeting}/news").text
    assert "Launch the draft" in page
    assert "Call their office now" not in page
    with runtime.db.transaction() as tx:
        tx.execute(select(Campaign)).scalar_one().state = "launched"
    page = client.get(f"/meetings/{meeting}/news").text
    for words in ("Call their office now: (480) 555-0110 ext 12.", "Llame ahora a su oficina: (480) 555-0110 ext 12."):
        assert words in page, words
    good = make_meeting(runtime, world.group_id, official, outcome="committed")
    page = client.get(f"/meetings/{good}/news").text
    assert "Announce it together with their office first" in page
    assert "they committed to what we asked for" in page
