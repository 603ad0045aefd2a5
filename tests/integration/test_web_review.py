"""The review queue: three choices, each once, and nothing that the carrier says later undoes one."""

from __future__ import annotations

import pytest
from flask.testing import FlaskClient
from sqlalchemy import select

from outreach.accounts.models import AuditEvent
from outreach.core.runtime import Runtime
from outreach.escalations.launch import cancel_campaign
from outreach.escalations.models import Wave
from outreach.messaging.events import append, result
from outreach.messaging.models import Message
from outreach.messaging.optout import obey_opt_out
from outreach.messaging.reports import record_status
from outreach.tallies.campaign import campaign_tally
from tests.factories import World, make_group, make_world, number
from tests.integration.test_live import fold_everything, sign_in
from tests.integration.test_webhooks import launch, text_everybody

SID = "SM" + "a" * 32


@pytest.fixture
def world(runtime: Runtime) -> World:
    return make_world(runtime, 3)


@pytest.fixture
def wave(runtime: Runtime, world: World) -> Wave:
    return launch(runtime, world)


@pytest.fixture
def attempt(runtime: Runtime, wave: Wave) -> int:
    """The attempt of the one text that is in review; the other two were delivered."""
    posts = text_everybody(runtime, wave)
    at = runtime.clock.real_now()
    for index, post in enumerate(posts[1:]):
        record_status(runtime, post.attempt_id, f"SM{index:032x}", "delivered", None, at)
    doubtful = posts[0].attempt_id
    with runtime.db.transaction() as tx:
        append(tx, [result(doubtful, "unknown", at), result(doubtful, "review", at)])
    fold_everything(runtime)
    return doubtful


@pytest.fixture
def client(runtime: Runtime, world: World, attempt: int) -> FlaskClient:
    return sign_in(runtime, world.group_id)


def states(runtime: Runtime, world: World, wave: Wave) -> dict[str, int]:
    """What the page shows, which must be the same before and after folding, and what each recipient's row says."""
    found = []
    for _ in range(2):
        with runtime.db.snapshot() as session:
            tally = campaign_tally(session, world.group_id, wave.campaign_id, runtime.clock)
        found.append({state: count for state, count in tally.states.items() if count})
        fold_everything(runtime)
    assert found[0] == found[1]
    assert sum(found[0].values()) == 3
    return found[0]


def messages(runtime: Runtime) -> list[Message]:
    with runtime.db.snapshot() as session:
        return list(session.execute(select(Message).order_by(Message.id)).scalars())


def choose(client: FlaskClient, runtime: Runtime, choice: str) -> str:
    doubtful = next(one for one in messages(runtime) if one.posted_at and one.carrier_sid is None)
    return client.post(f"/review/{doubtful.id}", data={"choice": choice}, follow_redirects=True).text


@pytest.mark.parametrize(
    ("choice", "expected", "rows"),
    [
        ("sent", {"delivered": 2, "sent": 1}, 3),
        ("left", {"delivered": 2, "needs_review": 1}, 3),
        ("again", {"delivered": 2, "planned": 1}, 4),
    ],
)
def test_each_choice_is_carried_out_once(
    runtime: Runtime, world: World, wave: Wave, client: FlaskClient, choice: str, expected: dict[str, int], rows: int
) -> None:
    assert "Texts to decide about: 1" in client.get("/").text
    choose(client, runtime, choice)
    assert "decided already" in choose(client, runtime, choice)
    assert "decided already" in choose(client, runtime, "again")
    assert states(runtime, world, wave) == expected
    assert len(messages(runtime)) == rows
    assert "Nothing to decide." in client.get("/review/").text
    with runtime.db.snapshot() as session:
        noted = session.execute(select(AuditEvent.details).where(AuditEvent.action == "review")).scalars().all()
    assert noted == [{"choice": choice}]


@pytest.mark.parametrize("choice", ["sent", "left", "again"])
def test_a_late_proof_moves_nothing(
    runtime: Runtime, world: World, wave: Wave, client: FlaskClient, attempt: int, choice: str
) -> None:
    choose(client, runtime, choice)
    before = states(runtime, world, wave)
    record_status(runtime, attempt, SID, "delivered", None, runtime.clock.real_now())
    assert states(runtime, world, wave) == before
    assert SID not in {one.carrier_sid for one in messages(runtime)}


def test_what_was_heard_but_not_folded_yet_comes_before_a_decision(
    runtime: Runtime, world: World, wave: Wave, client: FlaskClient, attempt: int
) -> None:
    record_status(runtime, attempt, SID, "delivered", None, runtime.clock.real_now())
    assert "decided already" in choose(client, runtime, "again")
    assert states(runtime, world, wave) == {"delivered": 3}
    assert len(messages(runtime)) == 3


def test_sent_again_goes_to_the_same_person_once(
    runtime: Runtime, world: World, wave: Wave, client: FlaskClient
) -> None:
    choose(client, runtime, "again")
    fold_everything(runtime)
    (post,) = text_everybody(runtime, wave)
    old, new = (one for one in messages(runtime) if one.recipient_id == messages(runtime)[-1].recipient_id)
    assert (old.state, new.retry_of, post.message_id) == ("superseded", old.id, new.id)
    assert text_everybody(runtime, wave) == []


def test_nothing_is_sent_again_to_who_opted_out_or_after_the_end(
    runtime: Runtime, world: World, wave: Wave, client: FlaskClient
) -> None:
    doubtful = next(one for one in messages(runtime) if one.state == "needs_review")
    with runtime.db.transaction(durable=True) as tx:
        obey_opt_out(
            tx,
            runtime.vault,
            group_id=world.group_id,
            number_hash=doubtful.number_hash,
            wording="STOP",
            source="person",
            at=runtime.clock.real_now(),
        )
    assert "opted out" in choose(client, runtime, "again")
    cancel_campaign(runtime, world.group_id, wave.campaign_id)
    assert "The campaign is over" in choose(client, runtime, "again")
    assert "Send again" not in client.get("/review/").text
    assert len(messages(runtime)) == 3


def test_other_choices_groups_and_roles_change_nothing(runtime: Runtime, world: World, client: FlaskClient) -> None:
    doubtful = next(one for one in messages(runtime) if one.state == "needs_review")
    assert "Choose one of the three." in choose(client, runtime, "")
    others = sign_in(runtime, make_group(runtime, "Others"))
    assert others.post(f"/review/{doubtful.id}", data={"choice": "again"}).status_code == 404
    assert number(0) not in client.get("/review/").text
    staff = sign_in(runtime, world.group_id, "staff")
    page = staff.get("/review/").text
    assert ("Ana Tester" in page, "Leave it" in page) == (True, False)
    assert staff.post(f"/review/{doubtful.id}", data={"choice": "left"}).status_code == 403
    assert [one.decision for one in messages(runtime)] == [None] * 3
