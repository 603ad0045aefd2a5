"""The live page: numbers, timeline and polling, on both databases."""

from __future__ import annotations

import pytest
from flask.testing import FlaskClient
from sqlalchemy import update

from outreach.accounts.links import first_admin, make_login_link
from outreach.accounts.models import User
from outreach.core.leases import acquire
from outreach.core.runtime import Runtime
from outreach.messaging.models import Gate, Timeline
from outreach.messaging.reports import record_status
from outreach.tallies.fold import LEASE, fold
from outreach.tallies.live import RATE_MINUTES, SERIES, Live, live_tally
from outreach.web.app import create_app
from tests.factories import World, make_group, make_world
from tests.integration.test_webhooks import launch, say, text_everybody


@pytest.fixture
def world(runtime: Runtime) -> World:
    return make_world(runtime, 4)


def sign_in(runtime: Runtime, group_id: int, role: str = "admin") -> FlaskClient:
    app = create_app(runtime.settings, runtime)
    app.config["WTF_CSRF_ENABLED"] = False
    with runtime.db.transaction() as tx:
        user = first_admin(tx, group_id)
        token = make_login_link(tx, user, runtime.clock.real_now())
    client = app.test_client()
    assert client.post(f"/enter/{token}").status_code == 302
    with runtime.db.transaction() as tx:
        tx.execute(update(User).where(User.id == user).values(role=role))
    return client


def fold_everything(runtime: Runtime) -> None:
    assert acquire(runtime.db, LEASE, "t", runtime.clock.real_now(), 60)
    while fold(runtime.db, runtime.clock, "t"):
        pass


def test_the_timeline_sums_to_the_counters(runtime: Runtime, world: World) -> None:
    wave = launch(runtime, world)
    for index, post in enumerate(text_everybody(runtime, wave)):
        record_status(runtime, post.attempt_id, f"SM{index:032x}", "delivered", None, runtime.clock.real_now())
    client = create_app(runtime.settings, runtime).test_client()
    say(client, runtime, 0, "1")
    say(client, runtime, 1, "please remove me from your list")
    fold_everything(runtime)
    with runtime.db.snapshot() as session:
        live = live_tally(session, world.group_id, wave.campaign_id, runtime.clock)
    totals = {name: sum(live.series[name]) for name in SERIES}
    assert totals == {"delivered": 4, "replies": 2, "reports": 1, "opted_out": 1}
    assert {len(steps) for steps in live.series.values()} <= {1, 2}  # it all happened within a minute or two
    assert (live.rate, live.finish_at) == (0.0, None)  # all are delivered: nothing is under way
    assert live.began is not None
    assert live.began <= runtime.clock.now()


def test_the_rate_is_of_the_minutes_in_which_texts_arrived_and_of_a_campaign_that_goes_on(
    runtime: Runtime, world: World
) -> None:
    wave = launch(runtime, world)
    for index, post in enumerate(text_everybody(runtime, wave)[:3]):
        record_status(runtime, post.attempt_id, f"SM{index:032x}", "delivered", None, runtime.clock.real_now())
    fold_everything(runtime)

    def now() -> Live:
        with runtime.db.snapshot() as session:
            return live_tally(session, world.group_id, wave.campaign_id, runtime.clock)

    assert 3 / 2 <= now().rate <= 3  # within a minute, or two of them
    with runtime.db.transaction() as tx:
        tx.execute(update(Gate).where(Gate.id == wave.gate_id).values(state="paused", reason="organizer"))
    assert now().rate == 0.0
    with runtime.db.transaction() as tx:
        tx.execute(update(Gate).where(Gate.id == wave.gate_id).values(state="open", reason=None))
        tx.execute(update(Timeline).values(minute=Timeline.minute - RATE_MINUTES - 1))
    assert now().rate == 0.0  # nothing was delivered lately


def test_polling_is_told_when_nothing_has_changed(runtime: Runtime, world: World) -> None:
    wave = launch(runtime, world)
    client = sign_in(runtime, world.group_id, "staff")
    path = f"/campaigns/{wave.campaign_id}/live"
    first = client.get(path)
    assert first.status_code == 200
    again = client.get(path, headers={"If-None-Match": first.headers["ETag"]})
    assert (again.status_code, again.data) == (304, b"")
    text_everybody(runtime, wave)
    with runtime.db.transaction() as tx:
        tx.execute(update(Gate).where(Gate.id == wave.gate_id).values(state="paused", reason="organizer"))
    assert client.get(path, headers={"If-None-Match": first.headers["ETag"]}).status_code == 200
    spanish = client.get(path, headers={"If-None-Match": first.headers["ETag"], "Accept-Language": "es"})
    assert "respuestas" in spanish.text


def test_a_304_says_that_every_letter_still_holds(runtime: Runtime, world: World) -> None:
    """Also what is no counter: a halt's reason is news, and so is that nobody waits for the night any more."""
    wave = launch(runtime, world)
    client = sign_in(runtime, world.group_id, "staff")
    path = f"/campaigns/{wave.campaign_id}/live"
    tags = set()
    for state, reason in (("open", None), ("paused", "organizer"), ("paused", "carrier:20003"), ("paused", "x:1")):
        with runtime.db.transaction() as tx:
            tx.execute(update(Gate).where(Gate.id == wave.gate_id).values(state=state, reason=reason))
        answer = client.get(path)
        assert client.get(path, headers={"If-None-Match": answer.headers["ETag"]}).status_code == 304
        tags.add(answer.headers["ETag"])
    assert len(tags) == 4


def test_another_groups_campaign_and_impossible_ids_are_404(runtime: Runtime, world: World) -> None:
    wave = launch(runtime, world)
    client = sign_in(runtime, make_group(runtime, "Others"))
    for path in (f"/campaigns/{wave.campaign_id}", f"/campaigns/{wave.campaign_id}/live", f"/campaigns/{10**30}"):
        assert client.get(path).status_code == 404, path
