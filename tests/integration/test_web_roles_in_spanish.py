"""Pages in Spanish name an official's role in Spanish; pages in English as it was written. On both databases."""

from __future__ import annotations

from html import escape

import pytest

from outreach.core.db import Transaction
from outreach.core.runtime import Runtime
from outreach.escalations.drafts import draft_from_meeting, text_values
from outreach.escalations.models import Campaign
from outreach.officials.imports import add_official
from outreach.officials.meetings import Answer, record_meeting
from outreach.tallies.campaign import campaign_tally
from outreach.tallies.sheets import Name
from tests.factories import make_group
from tests.integration.test_web_officials import sign_in


@pytest.mark.parametrize(
    ("role", "spanish"),
    [
        ("Police Chief", "jefe/a de policía"),
        ("State Senator, District 8", "senador/a estatal, distrito 8"),
        ("Dog Catcher", "Dog Catcher"),
        ("<b>Mayor", "<b>Mayor"),
    ],
)
def test_each_page_names_the_role_in_its_language(runtime: Runtime, role: str, spanish: str) -> None:
    group = make_group(runtime)
    with runtime.db.transaction() as tx:
        official = add_official(tx, runtime, group, name="Ana Ruiz", role=role, phone="602-555-0142").id
        meeting = record_meeting(
            tx, runtime, group, official_id=official, held_on=runtime.clock.now().date(), outcome="declined",
            recorded_by="tester", answers=[Answer(5, "no")],
        )  # fmt: skip
        draft = draft_from_meeting(tx, runtime, meeting)
        assert draft is not None
        met, drafted = draft.meeting_id, draft.id
    client = sign_in(runtime, group)
    alone = (f"officials/?q={role.split(maxsplit=1)[0]}", f"officials/{official}")
    beside = (f"meetings/new/{official}", f"meetings/{met}")
    named = ("", "campaigns/", f"campaigns/{drafted}/draft/about", f"campaigns/{drafted}/draft/review")
    first = spanish if spanish == role else spanish[:1].upper() + spanish[1:]
    for language, opening, said, whole in (
        ("en", role, role, f"{role} Ana Ruiz"),
        ("es", first, spanish, f"Ana Ruiz ({spanish})"),
    ):
        client.post(f"/language/{language}")
        wanted = {path: f'">{escape(opening)}' for path in alone}
        wanted |= {path: f"Ana Ruiz</bdi>, {escape(said)}" for path in beside}
        wanted |= {path: escape(whole) for path in named}
        for path, words in wanted.items():
            page = client.get(f"/{path}", follow_redirects=True)
            assert (page.status_code, words in page.text) == (200, True), (path, words)
            if language == "es" and spanish != role and not path.endswith("review"):  # that shows the English text too
                assert escape(role) not in page.text, path


def evaded_by(tx: Transaction, runtime: Runtime, group: int, official: int) -> Campaign:
    """The draft of a meeting in which the official evaded."""
    meeting = record_meeting(
        tx, runtime, group, official_id=official, held_on=runtime.clock.now().date(), outcome="evaded",
        recorded_by="tester", answers=[],
    )  # fmt: skip
    draft = draft_from_meeting(tx, runtime, meeting)
    assert draft is not None
    return draft


def test_the_page_of_a_campaign_names_the_official_in_its_language(runtime: Runtime) -> None:
    group = make_group(runtime)
    with runtime.db.transaction() as tx:
        official = add_official(tx, runtime, group, name="Ana Ruiz", role="Mayor", phone="602-555-0142").id
        draft = evaded_by(tx, runtime, group, official)
        draft.state = "canceled"
        campaign = draft.id
    client = sign_in(runtime, group)
    for language, words in (("en", "<bdi>Mayor Ana Ruiz</bdi>"), ("es", "<bdi>Ana Ruiz (alcalde/sa)</bdi>")):
        client.post(f"/language/{language}")
        assert words in client.get(f"/campaigns/{campaign}").text


def test_a_body_whose_name_says_what_it_is_is_named_once(runtime: Runtime) -> None:
    """On pages, in texts and in what the command line prints; in Spanish its role explains the English name."""
    group = make_group(runtime)
    name, spanish = "City Council of Dry Wash", "City Council of Dry Wash (concejo municipal)"
    with runtime.db.transaction() as tx:
        official = add_official(tx, runtime, group, name=name, role="City Council", phone="602-555-0142").id
        draft = evaded_by(tx, runtime, group, official)
        values = text_values(tx, draft)
        met, drafted = draft.meeting_id, draft.id
    assert {language: values[language]["official"] for language in ("en", "es")} == {"en": name, "es": spanish}
    with runtime.db.snapshot() as session:
        assert campaign_tally(session, group, drafted, runtime.clock).official == name
    assert Name(name, "City Council").plain == name
    client = sign_in(runtime, group)
    for path in ("", "campaigns/", f"campaigns/{drafted}/draft/review", f"meetings/{met}", f"meetings/new/{official}"):
        page = client.get(f"/{path}", follow_redirects=True).text
        assert name in page, path
        assert "City Council City Council" not in page, path
        assert f"{name}</bdi>, City Council" not in page, path
