"""The wizard leads from step to step, and speaks in words instead of codes."""

from __future__ import annotations

import re

import pytest
from flask.testing import FlaskClient
from sqlalchemy import delete, update

from outreach.core.runtime import Runtime
from outreach.escalations.models import Campaign
from outreach.officials.models import Office
from outreach.people.models import ContactList, ListMembership
from tests.factories import World, make_world
from tests.integration.test_launch import draft
from tests.integration.test_live import sign_in
from tests.integration.test_web_wizard import at, hidden, texts_of


@pytest.fixture
def world(runtime: Runtime) -> World:
    return make_world(runtime, 6)


@pytest.fixture
def campaign_id(runtime: Runtime, world: World) -> int:
    return draft(runtime, world)


@pytest.fixture
def client(runtime: Runtime, world: World) -> FlaskClient:
    return sign_in(runtime, world.group_id, "organizer")


def test_going_on_leads_to_what_is_left_to_do_and_saving_to_the_list(
    runtime: Runtime, client: FlaskClient, world: World, campaign_id: int
) -> None:
    whole = texts_of(runtime, campaign_id)["text_en"]
    with runtime.db.transaction() as tx:
        tx.execute(update(Campaign).values(audience={"lists": []}, text_en="Hi {{ first_name }}"))
    about = client.get(at(campaign_id, "about")).text
    office = re.findall(r'name="office_id"[^>]*value="(\d+)"', about)[0]

    def save(page: str, action: str, **typed: str) -> str:
        form = {"version": hidden(client.get(at(campaign_id, page)).text), "action": action, **typed}
        answer = client.post(at(campaign_id, page), data=form)
        assert answer.status_code == 303
        return answer.headers["Location"]

    about_form = {"name": "New name", "policy": "3", "office_id": office}
    assert save("about", "save", **about_form) == at(campaign_id)
    assert save("about", "on", **about_form) == at(campaign_id, "audience")
    assert save("audience", "on", lists=str(world.list_id)) == at(campaign_id, "text")
    texts = texts_of(runtime, campaign_id)
    assert save("text", "on", **texts) == at(campaign_id, "text"), "something is left to mend on this very page"
    assert "Something is left to mend" in client.get(at(campaign_id, "text")).text
    assert save("text", "on", **{**texts, "text_en": whole}) == at(campaign_id, "review")
    with runtime.db.transaction() as tx:
        tx.execute(update(Campaign).values(audience={"lists": []}))
    assert save("text", "on", **{**texts, "text_en": whole}) == at(campaign_id, "audience"), "round to the first"


def test_words_instead_of_codes_and_a_way_to_the_first_list(
    runtime: Runtime, client: FlaskClient, campaign_id: int
) -> None:
    with runtime.db.transaction() as tx:
        tx.execute(update(Office).values(classification="capitol"))
    page = client.get(at(campaign_id, "about")).text
    assert "main office" in page
    assert "capitol" not in page
    review = client.get(at(campaign_id, "review")).text
    assert re.search(r"at about 12:\d\d\sPM, Phoenix time", review)
    assert "UTC" not in review
    assert "Counts as 2 texts" in review
    with runtime.db.transaction() as tx:
        tx.execute(delete(ListMembership))
        tx.execute(delete(ContactList))
    assert 'href="/people/import"' in client.get(at(campaign_id, "audience")).text.partition("<main")[2]
