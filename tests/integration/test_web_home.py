"""Home tells a newcomer what to do next, with what is done ticked off, and an organizer what waits."""

from __future__ import annotations

import re
from datetime import timedelta

import pytest
from flask.testing import FlaskClient

from outreach.core.clock import PHOENIX
from outreach.core.runtime import Runtime
from outreach.escalations.drafts import draft_from_meeting, edit_draft
from outreach.escalations.launch import launch_campaign
from outreach.escalations.models import Wave
from outreach.escalations.planning import plan_wave
from outreach.messaging.reports import record_status
from outreach.officials.imports import add_official
from outreach.officials.meetings import Promised, record_meeting
from outreach.officials.models import Meeting
from outreach.people.models import ContactList, ListMembership
from tests.factories import make_group, make_person, make_world, number
from tests.integration.test_live import sign_in
from tests.integration.test_rehearsal_process import Rehearsal
from tests.integration.test_web_phones import rehearsal
from tests.integration.test_webhooks import launch, text_everybody

__all__ = ["rehearsal"]

STEPS = ["officials", "people", "plan", "meeting", "launch", "phones", "tally"]


def steps(client: FlaskClient) -> dict[str, str]:
    """Each step that is shown, and whether it is done, next or neither."""
    page = client.get("/").text
    return {key: state.strip() for state, key in re.findall(r'class="step([^"]*)" id="step-(\w+)"', page)}


def deliver(runtime: Runtime, wave: Wave) -> None:
    (post,) = text_everybody(runtime, wave)
    record_status(runtime, post.attempt_id, f"SM{1:032x}", "delivered", None, runtime.clock.real_now())


def test_the_first_steps_are_ticked_off_one_after_the_other(rehearsal: tuple[Rehearsal, Runtime]) -> None:
    carrier, runtime = rehearsal
    group = make_group(runtime)
    client = sign_in(runtime, group)

    def expect(done: int) -> None:
        states = ["is-done"] * done + (["is-next"] if done < len(STEPS) else []) + [""] * (len(STEPS) - done - 1)
        assert steps(client) == dict(zip(STEPS, states, strict=True))

    expect(0)
    assert "Nothing yet." in client.get("/").text
    with runtime.db.transaction() as tx:
        official = add_official(tx, runtime, group, name="Dana Whitfield", role="Police chief", phone="602-555-0142")
    expect(1)
    assert "Nothing yet." not in client.get("/").text
    person = make_person(runtime, group, number(1))
    expect(2)
    with runtime.db.transaction() as tx:
        contacts = ContactList(group_id=group, name="all", created_at=runtime.clock.now())
        tx.add(contacts)
        tx.flush()
        tx.add(ListMembership(list_id=contacts.id, constituent_id=person))
        meeting = record_meeting(
            tx, runtime, group, official_id=official.id, held_on=runtime.clock.now().date(), outcome="declined",
            recorded_by="tester", answers=[],
        )  # fmt: skip
        draft = draft_from_meeting(tx, runtime, meeting)
        assert draft is not None
        draft_id = draft.id
    expect(4)
    assert f'href="/campaigns/{draft_id}"' in client.get("/").text
    with runtime.db.transaction() as tx:
        edit_draft(tx, group, draft_id, lists=["all"])
        wave = launch_campaign(tx, runtime, group, draft_id)
    client.get(f"/campaigns/{draft_id}")  # nothing is in the tally yet, so it was not read
    expect(5)
    while not plan_wave(runtime, wave.id, 5):
        pass
    deliver(runtime, wave)
    client.get("/phones/")  # nothing is on the phones yet, so they were not watched
    expect(5)
    carrier.create(number(1))
    carrier.settle()
    client.get("/phones/")
    expect(6)
    client.get(f"/campaigns/{draft_id}")
    expect(7)
    page = client.get("/").text
    assert "Your first steps" not in page
    assert "all the steps" in page


def test_what_one_person_has_looked_at_is_not_ticked_for_another(runtime: Runtime) -> None:
    world = make_world(runtime, 1)
    client = sign_in(runtime, world.group_id)
    wave = launch(runtime, world)
    deliver(runtime, wave)
    client.get(f"/campaigns/{wave.campaign_id}")
    assert steps(client)["tally"] == "is-done"
    assert steps(sign_in(runtime, world.group_id))["tally"] == ""
    others = sign_in(runtime, make_group(runtime, "Others"))
    assert set(steps(others).values()) == {"is-next", ""}


def test_a_meeting_is_listed_until_a_draft_follows_it_and_a_late_promise_is_marked(runtime: Runtime) -> None:
    group = make_group(runtime)
    today = runtime.clock.now().astimezone(PHOENIX).date()
    with runtime.db.transaction() as tx:
        official = add_official(tx, runtime, group, name="Dana Whitfield", role="Police chief", phone="602-555-0142")
        meeting = record_meeting(
            tx, runtime, group, official_id=official.id, held_on=today - timedelta(days=2), outcome="declined",
            recorded_by="tester",
            promises=[Promised("Late answer", today - timedelta(days=1)), Promised("Answer of today", today)],
        )  # fmt: skip
    client = sign_in(runtime, group)
    page = client.get("/").text
    assert page.count(f'href="/meetings/{meeting.id}"') == 1
    late, due = page.index("Late answer"), page.index("Answer of today")
    assert late < page.index("1 day overdue") < due < page.index("due today")
    assert page.count("day overdue") == 1
    with runtime.db.transaction() as tx:
        assert draft_from_meeting(tx, runtime, tx.get_one(Meeting, meeting.id)) is not None
    page = client.get("/").text
    assert f'href="/meetings/{meeting.id}"' not in page
    assert "Drafts" in page


@pytest.mark.parametrize("role", ["staff", "organizer", "admin"])
def test_every_link_of_home_opens_for_whoever_sees_it(runtime: Runtime, role: str) -> None:
    world = make_world(runtime, 1)
    launch(runtime, world)
    for group in (world.group_id, make_group(runtime, "Others")):
        client = sign_in(runtime, group, role)
        main = client.get("/").text.partition("<main")[2]
        links = set(re.findall(r'href="(/[^"]*)"', main))
        assert links
        for link in links:
            assert client.get(link).status_code in {200, 302}, link


def test_a_rehearsal_says_that_it_is_one_in_both_languages(runtime: Runtime) -> None:
    client = sign_in(runtime, make_group(runtime))
    page = client.get("/").text
    assert "all people are invented, and nothing leaves this machine" in page
    assert "no real phone is reached" not in page, "once is enough"
    assert "no real phone is reached" in client.get("/officials/").text
    spanish = client.get("/", headers={"Accept-Language": "es"}).text
    assert "todas las personas son inventadas y nada sale de esta computadora" in spanish
