"""Meetings: what is stored, what cannot have happened, and when a campaign is drafted."""

from __future__ import annotations

import json
from datetime import date, timedelta
from typing import Any

import pytest
from click.testing import CliRunner
from sqlalchemy import func, select

from config import table
from outreach.cli import cli
from outreach.cli.officials import parse_answer, parse_promise
from outreach.core.errors import BadInputError, NotFoundError
from outreach.core.runtime import Runtime
from outreach.escalations.models import Campaign
from outreach.officials.imports import add_official
from outreach.officials.meetings import OUTCOMES, Answer, Promised, needs_escalation, record_meeting
from outreach.officials.models import Meeting, Promise, Stance
from tests.factories import make_group


@pytest.fixture
def official(runtime: Runtime, group: int) -> int:
    with runtime.db.transaction() as tx:
        return add_official(tx, runtime, group, name="Ana Diaz", role="Mayor", phone="480-555-0110").id


def record(runtime: Runtime, group: int, official: int, **values: Any) -> Meeting:
    given = {"held_on": runtime.clock.now().date(), "outcome": "evaded", "recorded_by": "bo", **values}
    with runtime.db.transaction() as tx:
        return record_meeting(tx, runtime, group, official_id=official, **given)


def how_many(runtime: Runtime, model: Any) -> int:
    with runtime.db.snapshot() as session:
        return session.execute(select(func.count()).select_from(model)).scalar_one()


def test_a_meeting_with_everything(runtime: Runtime, group: int, official: int) -> None:
    meeting = record(
        runtime,
        group,
        official,
        attendees=" Bo, Cy ",
        notes="She asked for the text. ",
        answers=[Answer(1, "yes", "writing"), Answer(5, "no", "practice"), Answer(9, "evaded")],
        promises=[Promised(" An answer in writing ", date(2026, 12, 20), "Chief of staff"), Promised("A call")],
    )
    assert (meeting.attendees, meeting.notes, meeting.outcome) == ("Bo, Cy", "She asked for the text.", "evaded")
    record(runtime, group, official, answers=[Answer(1, "no")])
    with runtime.db.snapshot() as session:
        stances = session.execute(select(Stance.policy, Stance.answer, Stance.basis).order_by(Stance.id)).all()
        promises = session.execute(
            select(Promise.text, Promise.due_on, Promise.staff_contact).order_by(Promise.id)
        ).all()
    assert [tuple(row) for row in stances] == [
        (1, "yes", "writing"), (5, "no", "practice"), (9, "evaded", None), (1, "no", None),
    ]  # fmt: skip
    assert [tuple(row) for row in promises] == [
        ("An answer in writing", date(2026, 12, 20), "Chief of staff"), ("A call", None, None),
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("values", "code"),
    [
        ({"outcome": "promised"}, "meeting_outcome_unknown"),
        ({"recorded_by": " "}, "meeting_recorder_blank"),
        ({"outcome": "no_meeting", "answers": [Answer(1, "no")]}, "no_meeting_no_answers"),
        ({"answers": [Answer(10, "no")]}, "policy_unknown"),
        ({"answers": [Answer(0, "no")]}, "policy_unknown"),
        ({"answers": [Answer(1, "no"), Answer(1, "yes")]}, "policy_answered_twice"),
        ({"answers": [Answer(1, "maybe")]}, "answer_unknown"),
        ({"answers": [Answer(1, "no", "rumour")]}, "basis_unknown"),
        ({"answers": [Answer(1, "evaded", "writing")]}, "basis_without_answer"),
        ({"promises": [Promised(" ")]}, "promise_blank"),
        ({"promises": [Promised("A call", None, "x" * 201)]}, "official_field_long"),
    ],
)
def test_what_cannot_have_happened(
    runtime: Runtime, group: int, official: int, values: dict[str, Any], code: str
) -> None:
    with pytest.raises(BadInputError) as caught:
        record(runtime, group, official, **values)
    assert caught.value.code == code
    assert str(caught.value) != code
    assert how_many(runtime, Meeting) == how_many(runtime, Stance) == 0


def test_not_in_the_future_and_not_for_another_group(runtime: Runtime, group: int, official: int) -> None:
    with pytest.raises(BadInputError) as caught:
        record(runtime, group, official, held_on=runtime.clock.now().date() + timedelta(days=2))
    assert caught.value.code == "meeting_in_future"
    for whose, which in ((make_group(runtime, "Other"), official), (group, official + 1)):
        with pytest.raises(NotFoundError) as unknown:
            record(runtime, whose, which)
        assert unknown.value.code == "official_unknown"


def test_everything_but_a_commitment_escalates() -> None:
    assert [outcome for outcome in OUTCOMES if not needs_escalation(outcome)] == ["committed"]


def test_the_nine_policies_have_names_and_summaries_in_both_languages() -> None:
    policies = table("policies")["policies"]
    assert [policy["number"] for policy in policies] == list(range(1, 10))
    texts = [
        policy[field][language] for policy in policies for field in ("name", "summary") for language in ("en", "es")
    ]
    assert all(texts)
    assert len(set(texts)) == len(texts)


def test_the_words_of_the_command_line() -> None:
    assert parse_answer("5=no:writing") == Answer(5, "no", "writing")
    assert parse_answer("2=evaded") == Answer(2, "evaded", None)
    assert parse_promise("An answer; 2026-12-01 ;Chief") == Promised("An answer", date(2026, 12, 1), "Chief")
    assert parse_promise("A call;;Chief") == Promised("A call", None, "Chief")
    for parse, text, code in (
        (parse_answer, "5", "answer_form"),
        (parse_answer, "x=no", "answer_form"),
        (parse_answer, "5=maybe", "answer_form"),
        (parse_promise, ";2026-12-01", "promise_form"),
        (parse_promise, "a;b;c;d", "promise_form"),
        (parse_promise, "A call;soon", "date_form"),
    ):
        with pytest.raises(BadInputError) as caught:
            parse(text)
        assert caught.value.code == code


@pytest.mark.parametrize("outcome", OUTCOMES)
def test_the_command_drafts_a_campaign_where_nobody_committed(
    runtime: Runtime, group: int, official: int, monkeypatch: pytest.MonkeyPatch, outcome: str
) -> None:
    monkeypatch.setattr("outreach.cli.officials.runtime", lambda: runtime)
    monkeypatch.setattr("outreach.cli.officials.group_id", lambda: group)
    args = [
        "meeting",
        "record",
        "--official",
        str(official),
        "--outcome",
        outcome,
        "--promise",
        "A call;2026-12-20",
        "--json",
    ]
    args += ["--answer", "5=no:writing"] if outcome != "no_meeting" else []
    result = CliRunner().invoke(cli, args, catch_exceptions=False)
    document = json.loads(result.stdout.splitlines()[-1])
    assert document["needs_escalation"] == (outcome != "committed")
    with runtime.db.snapshot() as session:
        drafted = session.execute(select(Campaign.id, Campaign.meeting_id)).all()
    assert [tuple(row) for row in drafted] == (
        [(document["campaign_id"], document["id"])] if outcome != "committed" else []
    )
