"""Metrics, the queue page and the checks, on real databases and a real Redis; each rule is broken by hand."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from prometheus_client.parser import text_string_to_metric_families
from pydantic import SecretStr
from redis import Redis
from sqlalchemy import Engine, delete, event, insert, select, text, update

from outreach.accounts.models import AuditEvent, User
from outreach.core.latencies import KEY, Latencies, read_latencies
from outreach.core.queue import connect
from outreach.core.runtime import Runtime
from outreach.escalations.models import Recipient, Wave
from outreach.messaging.models import Message, MessageAttempt, Reply, Tally
from outreach.people.models import Suppression
from outreach.watch.alarms import open_alarms
from outreach.watch.checks import check_books, next_check_in
from outreach.watch.facts import read_facts
from outreach.watch.models import Alarm
from outreach.web.app import create_app
from tests.factories import World, make_world, plan_messages
from tests.integration.test_live import fold_everything
from tests.integration.test_web_officials import sign_in
from tests.integration.test_webhooks import launch, say, text_everybody
from tests.unit.test_observing import documented

TOKEN = "t" * 40
LARGE = ("message", "message_attempt", "event", "recipient", "reply", "constituent", "conversation")
"""Tables that grow with texts. ``tally`` and ``gate`` grow with campaigns."""


def measured(runtime: Runtime, token: str = TOKEN) -> Any:
    settings = runtime.settings.model_copy(update={"metrics_token": SecretStr(TOKEN)})
    client = create_app(settings, replace(runtime, settings=settings)).test_client()
    return client.get("/metrics", headers={"Authorization": f"Bearer {token}"})


def test_metrics_are_for_who_has_the_token(runtime: Runtime) -> None:
    assert create_app(runtime.settings, runtime).test_client().get("/metrics").status_code == 404
    for wrong in ("", "t" * 39, TOKEN + "x", "\u00e9"):
        assert measured(runtime, wrong).status_code == 401, wrong


def test_the_page_and_the_document_tell_of_the_same_metrics(runtime: Runtime) -> None:
    world = make_world(runtime, 3)
    plan_messages(runtime, world)
    fold_everything(runtime)
    check_books(runtime)
    break_tally(runtime, world)
    check_books(runtime)
    redis = connect(runtime.settings.redis_url)
    redis.delete(KEY)
    timed = Latencies()
    timed.report_to(runtime.settings.redis_url)
    timed.observe("page", ("home", "2xx"), 0.02)
    timed.observe("webhook", ("inbound_text", "2xx"), 0.02)
    timed.observe("carrier", ("fetch", "2xx"), 30.0)
    timed.hand_over()
    answer = measured(runtime)
    assert answer.status_code == 200
    families = {family.name: family for family in text_string_to_metric_families(answer.text)}
    kinds: dict[str, tuple[str, set[str]]] = {name: (family.type, set()) for name, family in families.items()}
    for name, family in families.items():
        for sample in family.samples:
            kinds[name][1].update(sample.labels.keys() - {"le"})
    known = documented()
    assert kinds.keys() == known.keys()
    filled = {name for name, family in families.items() if family.samples}
    assert {name: kinds[name] for name in filled} == {name: known[name] for name in filled}
    assert known.keys() - filled <= {"outreach_reports", "outreach_gates_halted", "outreach_threads_waiting",
                                     "outreach_threads_late"}  # fmt: skip
    values = {(each.name, *each.labels.values()): each.value for family in families.values() for each in family.samples}
    assert values["outreach_up", "redis"] == values["outreach_up", "database"] == 1
    assert values["outreach_due_gates",] == 1
    assert values["outreach_alarms", "states_counted"] == 1
    assert values["outreach_carrier_request_duration_seconds_sum", "fetch", "2xx"] == 30


def test_a_redis_that_is_away_is_told_and_the_rest_stays(runtime: Runtime) -> None:
    settings = runtime.settings.model_copy(
        update={"metrics_token": SecretStr(TOKEN), "redis_url": "unix:///nowhere/redis.sock"}
    )
    client = create_app(settings, replace(runtime, settings=settings)).test_client()
    page = client.get("/metrics", headers={"Authorization": f"Bearer {TOKEN}"}).text
    assert 'outreach_up{part="redis"} 0.0' in page
    assert "outreach_messages" in page
    assert "outreach_queue_jobs" not in page


# PostgreSQL plans by size: with a handful of rows it reads them all, and rightly.
@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_no_large_table_is_read_from_end_to_end_for_metrics(runtime: Runtime) -> None:
    world = make_world(runtime, 13)
    plan_messages(runtime, world)
    fold_everything(runtime)
    found: list[tuple[str, Any]] = []

    def note(_c: object, _cursor: object, statement: str, parameters: Any, _context: object, _many: bool) -> None:
        found.append((statement, parameters))

    event.listen(Engine, "before_cursor_execute", note)
    try:
        read_facts(runtime)
    finally:
        event.remove(Engine, "before_cursor_execute", note)
    asked = [each for each in found if each[0].startswith("SELECT")]
    assert len(asked) > 10
    whole = []
    with runtime.db.connection() as connection:
        for statement, parameters in asked:
            for line in connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {statement}", parameters).all():
                words = str(line[3]).split()
                if words[0] == "SCAN" and words[1] in LARGE and "INDEX" not in words:
                    whole.append((line[3], statement[:200]))
    assert whole == []


def break_tally(runtime: Runtime, world: World) -> None:
    with runtime.db.transaction() as tx:
        tx.execute(
            update(Tally).where(Tally.gate_id == world.gate_id, Tally.name == "planned").values(count=Tally.count + 1)
        )


def break_recipients(runtime: Runtime, world: World) -> None:
    with runtime.db.transaction() as tx:
        wave_id = tx.execute(select(Wave.id).where(Wave.gate_id == world.gate_id)).scalar_one()
        hashed = runtime.vault.number_hash("+16025550199")
        tx.add(Recipient(group_id=world.group_id, wave_id=wave_id, constituent_id=world.people[0], number_hash=hashed))


def break_replies(runtime: Runtime, world: World) -> None:
    with runtime.db.transaction() as tx:
        tx.execute(delete(Reply).where(Reply.gate_id == world.gate_id))


def break_attempts(runtime: Runtime, world: World) -> None:
    with runtime.db.transaction() as tx:
        tx.execute(text("DROP INDEX uq_message_attempt_message_id_open"))
        one = tx.execute(select(Message.id).where(Message.gate_id == world.gate_id).limit(1)).scalar_one()
        at = runtime.clock.real_now()
        for _ in range(2):
            tx.execute(insert(MessageAttempt).values(message_id=one, begun_at=at, body_hash=b"x" * 16, closed=False))


def break_texts(runtime: Runtime, world: World) -> None:
    with runtime.db.transaction() as tx:
        one = tx.execute(select(Message).where(Message.gate_id == world.gate_id).limit(1)).scalar_one()
        tx.add(
            Message(
                group_id=one.group_id,
                gate_id=one.gate_id,
                retry_of=one.id,
                number_hash=one.number_hash,
                kind="campaign",
                state="planned",
                language="en",
                not_before=one.not_before,
            )
        )


def break_waiting(runtime: Runtime, world: World) -> None:
    with runtime.db.transaction() as tx:
        one = tx.execute(select(Message.number_hash).where(Message.gate_id == world.gate_id).limit(1)).scalar_one()
        tx.add(Suppression(number_hash=one, group_id=None, source="person", at=runtime.clock.real_now()))


def break_posted(runtime: Runtime, world: World) -> None:
    with runtime.db.transaction() as tx:
        one = tx.execute(select(Message).where(Message.gate_id == world.gate_id).limit(1)).scalar_one()
        at = runtime.clock.real_now() - timedelta(days=1)
        tx.add(Suppression(number_hash=one.number_hash, group_id=None, source="person", at=at))
        one.state = "failed"  # it waits no more
        tx.add(MessageAttempt(message_id=one.id, begun_at=at + timedelta(minutes=3), body_hash=b"x" * 16))


BREAKS: dict[str, Callable[[Runtime, World], None]] = {
    "states_counted": break_tally,
    "recipients": break_recipients,
    "replies_counted": break_replies,
    "two_attempts": break_attempts,
    "two_texts": break_texts,
    "waits_after_stop": break_waiting,
    "posted_after_stop": break_posted,
}


@pytest.mark.parametrize("kind", BREAKS)
def test_what_is_broken_by_hand_is_found_once_and_never_mended(runtime: Runtime, kind: str) -> None:
    world = make_world(runtime, 3)
    wave = launch(runtime, world)
    world = replace(world, gate_id=wave.gate_id)
    if kind == "replies_counted":
        text_everybody(runtime, wave)
        say(create_app(runtime.settings, runtime).test_client(), runtime, 0, "1")
    fold_everything(runtime)
    assert check_books(runtime) == 0
    BREAKS[kind](runtime, world)
    found = check_books(runtime)
    with runtime.db.snapshot() as session:
        alarms = open_alarms(session)
        kinds = {alarm.kind for alarm in alarms}
    assert kind in kinds
    assert found == len(alarms)
    assert all(alarm.group_id == world.group_id for alarm in alarms)
    assert check_books(runtime) == 0, "an alarm that is open is not raised again"


def test_the_queue_page_shows_an_alarm_until_somebody_closes_it(runtime: Runtime) -> None:
    world = make_world(runtime, 2)
    plan_messages(runtime, world)
    fold_everything(runtime)
    break_tally(runtime, world)
    assert check_books(runtime) == 1
    clients = {}
    with runtime.db.transaction() as tx:
        tx.execute(update(User).values(name="first"))  # whoever signs in below is named as their role
    for role, status in (("staff", 403), ("admin", 403), ("instance", 200)):
        clients[role] = sign_in(runtime, world.group_id, role)
        assert clients[role].get("/administration/queues/").status_code == status
    assert "tally of a campaign is not what" in clients["admin"].get("/").text
    client = clients["instance"]
    page = client.get("/administration/queues/").text
    assert "alarm of the site" in client.get("/").text
    number = re.search(r"/administration/queues/alarms/(\d+)/close", page)
    assert number is not None
    assert "planned_counted=3" in page
    assert "No worker runs for" in page
    live = client.get("/administration/queues/live")
    assert "planned_counted" not in live.text
    assert client.post(number[0]).status_code == 303
    with runtime.db.snapshot() as session:
        assert open_alarms(session) == []
        closed = select(AuditEvent.actor).where(AuditEvent.action == "alarm_closed")
        assert session.execute(closed).scalars().all() == ["instance"]
    assert "closed before" in client.post(number[0], follow_redirects=True).text
    assert check_books(runtime) == 1, "found again, it is a new one"
    with runtime.db.snapshot() as session:
        assert len(session.execute(select(Alarm)).scalars().all()) == 2


def test_the_queue_page_says_when_redis_is_away(runtime: Runtime) -> None:
    world = make_world(runtime, 1)
    settings = runtime.settings.model_copy(update={"redis_url": "unix:///nowhere/redis.sock"})
    client = sign_in(replace(runtime, settings=settings), world.group_id, "instance")
    assert "Redis does not answer" in client.get("/administration/queues/").text


def test_latencies_of_processes_add_up_and_survive_a_redis_that_is_away(runtime: Runtime) -> None:
    redis: Redis = connect(runtime.settings.redis_url)
    redis.delete(KEY)
    both = [Latencies(), Latencies()]
    for one in both:
        one.observe("page", ("lost",), 0.1)  # nobody was told where to
        one.report_to("unix:///nowhere/redis.sock")
        one.observe("page", ("home", "2xx"), 0.1)
        assert one.hand_over() == 0
        one.report_to(runtime.settings.redis_url)
        assert one.hand_over(redis) == 2
    assert {labels: sum(each.counts) for labels, each in read_latencies(redis)["page"].items()} == {("home", "2xx"): 2}


def test_a_check_that_takes_long_is_made_less_often() -> None:
    assert (next_check_in(0.1), next_check_in(60.0)) == (300.0, 3000.0)
