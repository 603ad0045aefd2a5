"""Coming back to people: asked once how it went, reminded once and of what they promised, and never against their will.

Domain and real time are one clock here, which the test moves.
"""

from __future__ import annotations

import threading
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from flask.testing import FlaskClient
from sqlalchemy import func, select, update

from outreach.core.runtime import Runtime
from outreach.escalations.launch import cancel_campaign, pause_campaign, resume_campaign
from outreach.escalations.models import Wave
from outreach.messaging.claims import claim
from outreach.messaging.coming_back import plan_follow_ups
from outreach.messaging.follow_up_models import FollowUp
from outreach.messaging.models import Gate, Message, Reply
from outreach.messaging.slices import Post, slice_out
from outreach.messaging.sweep import sweep_claims
from outreach.people.models import Constituent
from outreach.tallies.reads import counters, reports_so_far
from outreach.web.app import create_app
from tests.factories import World, make_world, number
from tests.integration.test_sending import fold_all
from tests.integration.test_webhooks import launch, say, text_everybody
from tests.model.carrier import ModelClock

MINUTE, HOUR, DAY = 60.0, 3_600.0, 86_400.0


@pytest.fixture
def runtime(clocked: Runtime) -> Runtime:
    return clocked


@pytest.fixture
def world(runtime: Runtime) -> World:
    return make_world(runtime, 3)


@pytest.fixture
def client(runtime: Runtime) -> FlaskClient:
    return create_app(runtime.settings, runtime).test_client()


@pytest.fixture
def wave(runtime: Runtime, world: World) -> Wave:
    """A campaign of calls that has texted everybody, on Tuesday at noon."""
    launched = launch(runtime, world)
    text_everybody(runtime, launched)
    return launched


def come_back(runtime: Runtime) -> list[Post]:
    """What upkeep plans now, and a sender posts."""
    plan_follow_ups(runtime)
    return send(runtime)


def send(runtime: Runtime, token: str = "t") -> list[Post]:
    with runtime.db.snapshot() as session:
        gates = session.execute(select(Gate.id).where(Gate.kind == "follow_up")).scalars().all()
    posts: list[Post] = []
    for gate_id in gates:
        claimed, _ = claim(runtime, gate_id, token, after=0, limit=100)
        posts += slice_out(runtime, claimed, token)
    return posts


def owed(runtime: Runtime) -> list[tuple[str, str, str | None]]:
    with runtime.db.snapshot() as session:
        rows = session.execute(select(FollowUp.kind, FollowUp.state, FollowUp.reason).order_by(FollowUp.id)).all()
    return [(row.kind, row.state, row.reason) for row in rows]


def due(runtime: Runtime, kind: str) -> datetime:
    with runtime.db.snapshot() as session:
        at = session.execute(select(FollowUp.due_at).where(FollowUp.kind == kind)).scalar_one()
    return at.astimezone(ZoneInfo("America/Phoenix"))


def found(runtime: Runtime, wave: Wave) -> dict[str, int]:
    with runtime.db.snapshot() as session:
        return {name: count for name, count in counters(session, wave.gate_id, runtime.clock).items() if count}


def test_the_question_comes_once_half_an_hour_later_and_one_reminder_the_next_day(
    client: FlaskClient, runtime: Runtime, clock: ModelClock, wave: Wave
) -> None:
    script = say(client, runtime, 0, "SCRIPT")
    assert script
    assert come_back(runtime) == []
    clock.advance(29 * MINUTE)
    say(client, runtime, 0, "CALL")  # asks for it again, and moves the question
    clock.advance(29 * MINUTE)
    assert come_back(runtime) == []
    clock.advance(2 * MINUTE)
    (question,) = come_back(runtime)
    assert question.to == number(0)
    assert question.body.startswith("How did your call to Police chief Dana Whitfield go? 1 spoke")
    assert f"{runtime.settings.public_base_url}/s/" in question.body, "or they answer on the page"
    assert come_back(runtime) == []
    say(client, runtime, 0, "SCRIPT")
    clock.advance(23 * HOUR)
    assert come_back(runtime) == []
    clock.advance(61 * MINUTE)
    (reminder,) = come_back(runtime)
    assert reminder.body.startswith("Could you call")
    for _ in range(4):
        clock.advance(DAY)
        assert come_back(runtime) == []
    assert owed(runtime) == [("ask_report", "sent", None), ("remind_report", "sent", None)]
    fold_all(runtime)
    counted = found(runtime, wave)
    assert sum(counted[name] for name in counted if name in {"planned", "accepted"}) == 3, "recipients, not follow-ups"


@pytest.mark.parametrize("first", ["report", "plan"])
def test_a_report_in_the_second_in_which_the_question_is_due_makes_it_needless(
    client: FlaskClient, runtime: Runtime, clock: ModelClock, wave: Wave, first: str
) -> None:
    say(client, runtime, 0, "SCRIPT")
    clock.advance(30 * MINUTE)
    if first == "plan":
        assert plan_follow_ups(runtime) == 1
    assert "caller number 1 " in (say(client, runtime, 0, "left a voicemail") or "")
    assert come_back(runtime) == []
    clock.advance(DAY)
    assert come_back(runtime) == []
    with runtime.db.snapshot() as session:
        states = session.execute(select(Message.state).where(Message.kind == "ask_report")).scalars().all()
    assert states == (["canceled"] if first == "plan" else [])


@pytest.mark.parametrize(
    ("words", "state"),
    [
        ("STOP", "suppressed"),
        ("leave me alone", "suppressed"),
        ("wrong number", "suppressed"),
        ("no, I can't", "canceled"),
    ],
)
def test_nothing_comes_after_a_no_of_any_kind_between_plan_and_slice(
    client: FlaskClient, runtime: Runtime, clock: ModelClock, wave: Wave, words: str, state: str
) -> None:
    for person in (0, 1):
        say(client, runtime, person, "SCRIPT")
    clock.advance(31 * MINUTE)
    plan_follow_ups(runtime)
    claimed, _ = claim(runtime, follow_up_gate_of(runtime), "t", after=0, limit=100)
    say(client, runtime, 0, words)
    assert [post.to for post in slice_out(runtime, claimed, "t")] == [number(1)]
    clock.advance(DAY)
    assert [post.to for post in come_back(runtime)] == [number(1)], "and no reminder"
    with runtime.db.snapshot() as session:
        mine = Message.number_hash == runtime.vault.number_hash(number(0))
        assert session.execute(select(Message.state).where(mine, Message.kind == "ask_report")).scalar_one() == state
    assert {reason for _, kind, reason in owed(runtime) if kind == "dropped"} <= {"stopped", "declined"}


def follow_up_gate_of(runtime: Runtime) -> int:
    with runtime.db.snapshot() as session:
        return session.execute(select(Gate.id).where(Gate.kind == "follow_up")).scalar_one()


def test_a_paused_campaign_waits_and_an_ended_one_asks_nothing(
    client: FlaskClient, runtime: Runtime, clock: ModelClock, world: World, wave: Wave
) -> None:
    def lever(pull) -> None:  # type: ignore[no-untyped-def]
        with runtime.db.transaction() as tx:
            pull(tx, world.group_id, wave.campaign_id)

    for person in (0, 1):
        say(client, runtime, person, "SCRIPT")
    clock.advance(31 * MINUTE)
    plan_follow_ups(runtime)
    lever(pause_campaign)
    assert send(runtime) == [], "paused between plan and slice"
    clock.advance(11 * MINUTE)
    assert come_back(runtime) == []
    assert [state for kind, state, _ in owed(runtime) if kind == "ask_report"] == ["waiting", "waiting"]
    lever(resume_campaign)
    clock.advance(11 * MINUTE)
    assert len(come_back(runtime)) == 2
    cancel_campaign(runtime, world.group_id, wave.campaign_id)
    clock.advance(DAY)
    assert come_back(runtime) == []
    assert [(state, why) for kind, state, why in owed(runtime) if kind == "remind_report"] == [("dropped", "over")] * 2
    assert "There is no call to make" in (say(client, runtime, 2, "SCRIPT") or "")
    assert "caller number 1 " in (say(client, runtime, 0, "2") or ""), "a late report still counts"


def test_what_is_late_or_over_the_cap_is_not_sent(
    client: FlaskClient, runtime: Runtime, clock: ModelClock, wave: Wave
) -> None:
    clock.advance(7.5 * HOUR)  # half past seven in the evening
    say(client, runtime, 0, "SCRIPT")
    assert due(runtime, "ask_report").strftime("%d %H:%M") == "02 09:00"
    say(client, runtime, 1, "SCRIPT")
    clock.advance(45 * MINUTE)
    assert come_back(runtime) == []
    clock.advance(13 * HOUR)
    cap(runtime, 1, clock.now())  # texted twice more since
    assert [post.to for post in come_back(runtime)] == [number(0)]
    clock.advance(3 * DAY)  # nobody worked meanwhile
    assert come_back(runtime) == []
    assert {why for _, state, why in owed(runtime) if state == "dropped"} == {"no_opening", "late"}


def cap(runtime: Runtime, person: int, at: datetime) -> None:
    with runtime.db.transaction() as tx:
        hashed = runtime.vault.number_hash(number(person))
        some = tx.execute(select(Message).where(Message.number_hash == hashed).limit(1)).scalar_one()
        for days in (1, 2):
            tx.add(
                Message(
                    group_id=some.group_id, gate_id=some.gate_id, number_hash=hashed, kind="campaign", state="sent",
                    language="en", not_before=at, posted_at=at - timedelta(days=days), checks=0,
                )
            )  # fmt: skip


def test_a_promise_is_reminded_at_its_time_and_nothing_is_asked_before(
    client: FlaskClient, runtime: Runtime, clock: ModelClock, wave: Wave
) -> None:
    say(client, runtime, 0, "SCRIPT")
    assert "My name is Ana" in (say(client, runtime, 0, "I'll call tomorrow after 3") or "")
    clock.advance(DAY)
    assert come_back(runtime) == []
    assert due(runtime, "pledge").strftime("%d %H:%M") == "02 15:00"
    clock.advance(3 * HOUR)
    (reminder,) = come_back(runtime)
    assert reminder.body.startswith("You wanted to call Police chief Dana Whitfield now: (602) 555-0142 ext 7.")
    clock.advance(DAY)
    (last,) = come_back(runtime)
    assert last.body.startswith("Could you call")
    say(client, runtime, 0, "I will call in 20 minutes")
    clock.advance(HOUR)
    assert come_back(runtime) == [], "one reminder of a promise"


@pytest.mark.parametrize(
    ("words", "zones", "at", "expected"),
    [
        ("I will call tonight", "America/Phoenix", None, "01 18"),
        ("I will call in an hour", "America/Phoenix", None, "01 13"),
        ("I will call tomorrow at 9", "America/Denver", datetime(2027, 3, 13, 19, tzinfo=UTC), "14 12"),
        ("I will call tomorrow at 3", "America/Denver", datetime(2027, 3, 13, 19, tzinfo=UTC), "14 15"),
        ("I will call in 3 weeks", "America/Phoenix", None, None),
    ],
)
def test_promises_of_today_and_of_a_day_on_which_the_clocks_change(
    client: FlaskClient, runtime: Runtime, clock: ModelClock, world: World, words: str, zones: str,
    at: datetime | None, expected: str | None,
) -> None:  # fmt: skip
    if at:
        clock.hands[0] = at.timestamp()
    with runtime.db.transaction() as tx:
        tx.execute(update(Constituent).values(zones=zones))
    text_everybody(runtime, launch(runtime, world))
    clock.advance(MINUTE)
    assert say(client, runtime, 0, words)
    with runtime.db.snapshot() as session:
        due_at = session.execute(select(FollowUp.due_at)).scalar()
    if expected is None:
        assert due_at is None
        return
    assert due_at is not None
    assert due_at.astimezone(ZoneInfo(zones)).strftime("%d %H") == expected
    clock.hands[0] = due_at.timestamp() + 1
    (reminder,) = come_back(runtime)
    assert reminder.to == number(0)


def test_two_upkeeps_at_once_plan_one_text_and_a_killed_sender_costs_none(
    client: FlaskClient, runtime: Runtime, clock: ModelClock, wave: Wave
) -> None:
    for person in range(3):
        say(client, runtime, person, "SCRIPT")
    clock.advance(31 * MINUTE)
    start = threading.Barrier(4)

    def upkeep() -> None:
        start.wait()
        plan_follow_ups(runtime)

    threads = [threading.Thread(target=upkeep) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    with runtime.db.snapshot() as session:
        planned = session.execute(select(func.count()).where(Message.kind == "ask_report")).scalar_one()
    assert planned == 3
    claimed, _ = claim(runtime, follow_up_gate_of(runtime), "killed", after=0, limit=100)
    assert len(claimed) == 3  # and its process dies here
    assert send(runtime, "other") == []
    clock.advance(31)
    assert sweep_claims(runtime) == 3
    assert len(send(runtime, "other")) == 3
    assert come_back(runtime) == []


def test_two_campaigns_never_mix(client: FlaskClient, runtime: Runtime, clock: ModelClock, world: World) -> None:
    first = launch(runtime, world)
    text_everybody(runtime, first)
    say(client, runtime, 0, "SCRIPT")
    say(client, runtime, 1, "SCRIPT")
    assert say(client, runtime, 1, "2")
    clock.advance(DAY)
    second = launch(runtime, world, outcome="evaded")
    assert second.gate_id != first.gate_id
    text_everybody(runtime, second)
    clock.advance(MINUTE)
    say(client, runtime, 0, "1")  # the first one's script asked for this
    say(client, runtime, 1, "4")  # that one's question was answered: this is about the second
    say(client, runtime, 2, "SCRIPT")
    say(client, runtime, 0, "SCRIPT")
    say(client, runtime, 0, "3")
    with runtime.db.snapshot() as session:
        heard = session.execute(select(Reply.gate_id, Reply.intent, Reply.outcome).order_by(Reply.id)).all()
    assert [tuple(row) for row in heard][3:] == [
        (first.gate_id, "report", "spoke"), (second.gate_id, "report", "no_answer"),
        (second.gate_id, "script", None), (second.gate_id, "script", None), (second.gate_id, "report", "mailbox_full"),
    ]  # fmt: skip
    one, two = found(runtime, first), found(runtime, second)
    assert (one["replies"], one["report:voicemail"], one["report:spoke"]) == (4, 1, 1)
    assert (two["replies"], two["report:no_answer"], two["report:mailbox_full"]) == (4, 1, 1)
    with runtime.db.snapshot() as session:
        assert (reports_so_far(session, first.gate_id), reports_so_far(session, second.gate_id)) == (2, 2)


def test_a_second_report_takes_the_place_of_the_first_and_the_same_one_counts_once(
    client: FlaskClient, runtime: Runtime, wave: Wave
) -> None:
    assert "caller number 1 " in (say(client, runtime, 0, "4") or "")
    assert "caller number 2 " in (say(client, runtime, 1, "2") or "")
    fold_all(runtime)
    assert "caller number 2 " in (say(client, runtime, 0, "I talked to a staffer") or "")
    assert "caller number 2 " in (say(client, runtime, 0, "1") or "")
    for _ in range(2):
        assert {name: n for name, n in found(runtime, wave).items() if name.startswith("report")} == {
            "report:spoke": 1, "report:voicemail": 1,
        }  # fmt: skip
        fold_all(runtime)
    with runtime.db.snapshot() as session:
        rows = session.execute(select(Reply.outcome, Reply.superseded, Reply.tactic).order_by(Reply.id)).all()
    assert [(outcome, gone) for outcome, gone, _ in rows] == [
        ("no_answer", True), ("voicemail", False), ("spoke", True), ("spoke", False),
    ]  # fmt: skip
    assert {tactic for _, _, tactic in rows} == {"calls"}


def test_the_outcome_is_the_tactics_own(client: FlaskClient, runtime: Runtime, world: World) -> None:
    wave = launch(runtime, world)
    with runtime.db.transaction() as tx:
        tx.execute(update(Gate).where(Gate.id == wave.gate_id).values(tactic="town_hall"))
    text_everybody(runtime, wave)
    assert "1 of us" in (say(client, runtime, 0, "2") or "")
    assert say(client, runtime, 1, "left a voicemail") is None
    assert {name: n for name, n in found(runtime, wave).items() if name.startswith("report")} == {
        "report:spoke_at_meeting": 1
    }
    with runtime.db.snapshot() as session:
        rows = session.execute(select(Reply.intent, Reply.tactic, Reply.outcome).order_by(Reply.id)).all()
    assert [tuple(row) for row in rows] == [("report", "town_hall", "spoke_at_meeting"), ("other", None, None)]


def test_a_bare_digit_is_a_report_for_two_days_and_after_a_month_a_text_is_about_nothing(
    client: FlaskClient, runtime: Runtime, clock: ModelClock, wave: Wave
) -> None:
    clock.advance(40 * HOUR)
    say(client, runtime, 0, "SCRIPT")
    clock.advance(9 * HOUR)
    assert say(client, runtime, 0, "2")
    assert say(client, runtime, 1, "2") is None
    clock.advance(29 * DAY)
    assert "no call to make" in (say(client, runtime, 2, "SCRIPT") or "")
    with runtime.db.snapshot() as session:
        rows = session.execute(select(Reply.intent, Reply.gate_id).order_by(Reply.id)).all()
    assert [tuple(row) for row in rows] == [
        ("script", wave.gate_id), ("report", wave.gate_id), ("other", wave.gate_id), ("script", None),
    ]  # fmt: skip


def test_a_wrong_number_is_told_sorry_once_and_hears_no_more(
    client: FlaskClient, runtime: Runtime, clock: ModelClock, wave: Wave, world: World
) -> None:
    say(client, runtime, 0, "SCRIPT")
    assert "Sorry" in (say(client, runtime, 0, "wrong number") or "")
    assert say(client, runtime, 0, "I told you, wrong number!") is None
    clock.advance(2 * DAY)
    assert come_back(runtime) == []
    again = launch(runtime, world, outcome="evaded")
    assert number(0) not in {post.to for post in text_everybody(runtime, again)}


def test_espanol_switches_what_is_planned_and_what_is_owed(
    client: FlaskClient, runtime: Runtime, clock: ModelClock, world: World
) -> None:
    wave = launch(runtime, world)
    say(client, runtime, 1, "español")
    bodies = {post.to: post.body for post in text_everybody(runtime, wave)}
    assert "voluntarios" in bodies[number(1)]
    assert "volunteer" in bodies[number(0)]
    say(client, runtime, 0, "SCRIPT")
    clock.advance(20 * MINUTE)
    assert "español" in (say(client, runtime, 0, "En español por favor") or "")
    clock.advance(11 * MINUTE)
    (question,) = come_back(runtime)
    assert question.body.startswith("¿Qué tal le fue")
