"""A kept form shows choices by name, and is never sent in the name of who did not type it; on both databases."""

from __future__ import annotations

import html
import re

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select
from werkzeug.datastructures import MultiDict

from outreach.accounts.links import first_admin, make_login_link
from outreach.accounts.models import User
from outreach.core.runtime import Runtime
from outreach.officials.models import Meeting, Office
from outreach.people.models import ContactList
from outreach.web.wizard_reads import office_words
from tests.factories import make_group, make_world
from tests.integration.test_launch import draft
from tests.integration.test_web_kept import OURS, Form, app, enter, press, typed
from tests.integration.test_web_officials import how_many, make_official, text

__all__ = ["app"]


def test_choices_are_shown_by_name_to_their_group_alone(app: Flask, runtime: Runtime) -> None:
    world, client = make_world(runtime, 3), app.test_client()
    campaign = draft(runtime, world)
    with runtime.db.snapshot() as session:
        (list_name,) = session.execute(select(ContactList.name).where(ContactList.id == world.list_id)).scalars()
        office = session.execute(select(Office)).scalars().first()
    assert office is not None
    forms = {
        "audience": MultiDict([("lists", str(world.list_id)), ("action", "save")]),
        "about": MultiDict([("name", "A name"), ("policy", "5"), ("office_id", str(office.id))]),
    }

    def shown(who: FlaskClient) -> str:
        pages = (
            who.post(f"/campaigns/{campaign}/draft/{path}", data=form, headers=OURS) for path, form in forms.items()
        )
        return html.unescape("".join(text(page).split("<dl")[1].split("</dl>")[0] for page in pages))

    away = shown(client)
    enter(client, runtime, world.group_id)
    here = shown(client)
    stranger = app.test_client()
    enter(stranger, runtime, make_group(runtime, "Others"))
    assert f'<dd class="saved-text" dir="auto">{list_name}</dd>' in here
    assert office_words(office) in here
    for page in (away, shown(stranger)):
        assert f">{list_name}<" not in page
        assert office_words(office) not in page
        assert page.count(">1 chosen<") == 2
        assert "5. Don't Ask Rule" in page


def test_nobody_sends_the_words_of_another_without_being_told(app: Flask, runtime: Runtime, group: int) -> None:
    path, client = f"/meetings/new/{make_official(runtime, group)}", app.test_client()
    enter(client, runtime, group)
    form = hidden(client, path)
    assert form["typed_by"] == str(user_of(runtime, group))
    with runtime.db.transaction() as tx:
        bea = User(group_id=group, name="Bea <b>", role="organizer", created_at=runtime.clock.now())
        tx.add(bea)
        tx.flush()
        bea_id = bea.id
        token = make_login_link(tx, bea_id, runtime.clock.real_now())
    assert client.post(f"/enter/{token}", data={"csrf_token": form["csrf_token"]}, headers=OURS).status_code == 302
    told = client.post(path, data={**typed(runtime), **form}, headers=OURS)
    assert (told.status_code, how_many(runtime, Meeting)) == (409, 0)
    assert "admin typed this, and you are signed in as Bea &lt;b&gt;." in text(told)
    assert "Send it as Bea &lt;b&gt;" in text(told)
    assert dict(Form(text(told)).fields)["typed_by"] == str(bea_id)
    assert press(client, told).status_code == 303
    with runtime.db.snapshot() as session:
        assert session.execute(select(Meeting.recorded_by)).scalars().all() == ["Bea <b>"]


@pytest.mark.parametrize("typed_by", ["1", "x", "", "9" * 40])
def test_words_of_who_is_no_colleague_are_kept_and_not_sent(
    app: Flask, runtime: Runtime, group: int, typed_by: str
) -> None:
    path, client = f"/meetings/new/{make_official(runtime, group)}", app.test_client()
    others = make_group(runtime, "Others")
    enter(client, runtime, others)
    token = hidden(client, "/officials/new")["csrf_token"]
    form = {**typed(runtime), "csrf_token": token, "typed_by": typed_by}
    told = client.post(path, data=form, headers=OURS)
    assert told.status_code == 409
    assert "Somebody else typed this" in text(told)
    assert "Bo &amp; Cy" in text(told)
    assert dict(Form(text(told)).fields).get("typed_by", "") == typed_by
    assert press(client, told).status_code == 409, "nor does pressing again"
    assert how_many(runtime, Meeting) == 0
    pressed = client.post("/campaigns/1/pause", data={"csrf_token": token, "typed_by": typed_by}, headers=OURS)
    assert pressed.status_code == 404, "a button alone is the act of who presses it"


def hidden(client: FlaskClient, path: str) -> dict[str, str]:
    """The token of a page's form, and for whom it was drawn."""
    main = text(client.get(path)).split("<main")[1]
    return dict(re.findall(r'name="(csrf_token|typed_by)" value="([^"]*)"', main))


def user_of(runtime: Runtime, group_id: int) -> int:
    with runtime.db.snapshot() as session:
        return first_admin(session, group_id)
