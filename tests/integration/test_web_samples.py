"""Files to try an import with, and drafting again from a meeting: a newcomer's way, on both databases."""

from __future__ import annotations

import io
import re
from dataclasses import replace

import pytest
from flask.testing import FlaskClient
from sqlalchemy import func, select, update

from outreach.accounts.models import User
from outreach.core.runtime import Runtime
from outreach.escalations.launch import cancel_campaign
from outreach.escalations.models import Campaign
from outreach.officials.models import Official
from outreach.people.models import Constituent
from outreach.web import samples
from tests.factories import make_group
from tests.integration.test_live import owes_nothing, sign_in
from tests.integration.test_web_import import send
from tests.integration.test_web_officials import make_meeting, make_official

OF_NOBODY = re.compile(r"\([2-9][0-9]{2}\) 555-01[0-9]{2}")
"""A number that is kept for fiction, as the sample writes it."""


@pytest.fixture
def client(runtime: Runtime, group: int) -> FlaskClient:
    return sign_in(runtime, group, "organizer")


def how_many(runtime: Runtime, model: type) -> int:
    with runtime.db.snapshot() as session:
        return session.execute(select(func.count()).select_from(model)).scalar_one()


def test_the_samples_can_be_imported_as_they_are(runtime: Runtime, client: FlaskClient) -> None:
    assert "/officials/import/sample.csv" in client.get("/officials/import").text
    officials = client.get("/officials/import/sample.csv")
    assert 'filename="sample-officials.csv"' in officials.headers["Content-Disposition"]
    brought = client.post("/officials/import", data={"file": (io.BytesIO(officials.data), "sample-officials.csv")})
    assert (brought.status_code, how_many(runtime, Official)) == (200, 7)
    assert "/people/import/sample.csv" in client.get("/people/import").text
    people = client.get("/people/import/sample.csv")
    sent = send(client, people.data.decode("utf-8-sig"), list_name="Try", consent="invented, for the rehearsal")
    assert sent.status_code == 303
    assert client.post(f"{sent.location}/confirm").status_code == 303
    assert how_many(runtime, Constituent) == samples.PEOPLE


def test_the_people_of_the_sample_have_numbers_of_nobody(client: FlaskClient) -> None:
    header, *rows = client.get("/people/import/sample.csv").data.decode("utf-8-sig").splitlines()
    assert header.startswith("First Name,")
    assert len(rows) == samples.PEOPLE
    numbers = {found.group() for row in rows for found in OF_NOBODY.finditer(row)}
    assert len(numbers) == samples.PEOPLE
    assert client.get("/people/import/sample.csv").data == client.get("/people/import/sample.csv").data


def test_there_are_no_samples_in_production_nor_for_staff(runtime: Runtime, group: int) -> None:
    staff = sign_in(runtime, group, "staff")
    production = runtime.settings.model_copy(update={"mode": "production"})
    others = make_group(runtime, "Others")
    organizer = sign_in(replace(runtime, settings=production), others, "organizer")
    owes_nothing(runtime, others)
    for path in ("/officials/import", "/people/import"):
        assert staff.get(f"{path}/sample.csv").status_code == 403
        assert organizer.get(f"{path}/sample.csv").status_code == 404
        assert "sample.csv" not in organizer.get(path).text


def test_a_meeting_whose_draft_was_thrown_away_opens_another(runtime: Runtime, group: int, client: FlaskClient) -> None:
    official = make_official(runtime, group)
    meeting = make_meeting(runtime, group, official, 3)
    page = client.get(f"/meetings/{meeting}").text
    assert "Start a campaign from this meeting" in page
    first = client.post(f"/meetings/{meeting}/draft")
    assert first.status_code == 303
    assert client.post(f"/meetings/{meeting}/draft").location == first.location, "pressed twice"
    assert how_many(runtime, Campaign) == 1
    page = client.get(f"/meetings/{meeting}").text
    assert "Go on with the draft" in page
    assert "Start a campaign" not in page
    cancel_campaign(runtime, group, int(first.location.rsplit("/", 1)[1]))
    assert "Start a campaign" in client.get(f"/meetings/{meeting}").text
    again = client.post(f"/meetings/{meeting}/draft")
    assert again.location != first.location
    assert how_many(runtime, Campaign) == 2


def test_no_draft_from_a_commitment_another_group_or_by_staff(
    runtime: Runtime, group: int, client: FlaskClient
) -> None:
    official = make_official(runtime, group)
    committed = make_meeting(runtime, group, official, 3, outcome="committed")
    assert client.post(f"/meetings/{committed}/draft").location == f"/meetings/{committed}"
    assert "Start a campaign" not in client.get(f"/meetings/{committed}").text
    declined = make_meeting(runtime, group, official, 2)
    others = sign_in(runtime, make_group(runtime, "Others"), "organizer")
    assert others.post(f"/meetings/{declined}/draft").status_code == 404
    with runtime.db.transaction() as tx:
        tx.execute(update(User).where(User.group_id == group).values(role="staff"))
    assert client.post(f"/meetings/{declined}/draft").status_code == 403
    assert "Start a campaign" not in client.get(f"/meetings/{declined}").text
    assert how_many(runtime, Campaign) == 0
