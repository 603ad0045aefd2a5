"""Old consent is asked about once ever, as any text goes, and only a yes renews it."""

from __future__ import annotations

from datetime import timedelta

import pytest
from flask.testing import FlaskClient
from sqlalchemy import func, select

from outreach.accounts.models import AuditEvent
from outreach.core.errors import BadInputError, NotFoundError
from outreach.core.runtime import Runtime
from outreach.escalations.models import Reconfirmation
from outreach.escalations.reconfirm import Reconfirmed, reconfirm
from outreach.messaging.claims import claim
from outreach.messaging.gates import halt_gate
from outreach.messaging.models import Gate, Message
from outreach.messaging.slices import Post, slice_out
from outreach.people.consent import is_consent_valid, suppress
from outreach.people.models import ConsentEvent, Constituent, ContactList, ListMembership
from outreach.web.app import create_app
from tests.factories import make_group, make_person, make_world, number, plan_messages
from tests.integration.test_cli import outreach
from tests.integration.test_retention import later
from tests.integration.test_webhooks import say

TEXTS = {
    "en": "{{ group }} (volunteers): {{ first_name }}, may we go on texting you? Reply JOIN. STOP to opt out.",
    "es": "{{ group }} (voluntarios): {{ first_name }}, responda SI para seguir. ALTO para salir.",
}
DAY = timedelta(days=1)


@pytest.fixture
def group(runtime: Runtime) -> int:
    """A list with one person of each kind: old consent (two languages), none, valid, a bad number, opted out."""
    group_id, now = make_group(runtime), runtime.clock.now()
    old = now - 366 * DAY
    ids = [
        make_person(runtime, group_id, number(0), consented_at=old),
        make_person(runtime, group_id, number(1), consented_at=old, language="es"),
        make_person(runtime, group_id, number(2), consented_at=None),
        make_person(runtime, group_id, number(3), consented_at=now - 364 * DAY),
        make_person(runtime, group_id, number(4), consented_at=old),
        make_person(runtime, group_id, number(5), consented_at=old),
    ]
    make_person(runtime, group_id, number(6), consented_at=old)  # in no list
    with runtime.db.transaction() as tx:
        tx.get_one(Constituent, ids[4]).number_bad_at = now
        suppress(tx, runtime.vault.number_hash(number(5)), "import", group_id, at=runtime.clock.real_now())
        fair = ContactList(group_id=group_id, name="Fair", created_at=now)
        tx.add(fair)
        tx.flush()
        tx.add_all([ListMembership(list_id=fair.id, constituent_id=one) for one in ids])
    return group_id


@pytest.fixture
def client(runtime: Runtime) -> FlaskClient:
    return create_app(runtime.settings, runtime).test_client()


def ask(runtime: Runtime, group: int, *, dry_run: bool = False) -> Reconfirmed:
    return reconfirm(runtime, group, list_name="Fair", texts=TEXTS, by="ana", dry_run=dry_run)


def send(runtime: Runtime, gate_id: int | None) -> list[Post]:
    assert gate_id is not None
    claimed, _ = claim(runtime, gate_id, "t", after=0, limit=100)
    return slice_out(runtime, claimed, "t")


def count(runtime: Runtime, model: type) -> int:
    with runtime.db.snapshot() as session:
        return session.execute(select(func.count()).select_from(model)).scalar_one()


def is_valid(runtime: Runtime, index: int) -> bool:
    with runtime.db.snapshot() as session:
        own = select(Constituent.consented_at).where(
            Constituent.number_hash == runtime.vault.number_hash(number(index))
        )
        return is_consent_valid(session.execute(own).scalar_one(), runtime.clock.now())


def test_only_old_consent_is_asked_about_and_once_ever(runtime: Runtime, group: int) -> None:
    expected = {"asked": 2, "opted_out": 1, "no_consent": 1, "consent_valid": 1, "number_bad": 1, "asked_before": 0}
    dry = ask(runtime, group, dry_run=True).as_dict()
    assert dry == {"people": 6, **expected, "gate": None}
    assert [count(runtime, model) for model in (Message, Reconfirmation, Gate, AuditEvent)] == [0, 0, 0, 0]
    done = ask(runtime, group)
    assert done.as_dict() == {"people": 6, **expected, "gate": done.gate_id}
    posts = {post.to: post.body for post in send(runtime, done.gate_id)}
    assert posts == {
        number(0): "Testers (volunteers): Ana, may we go on texting you? Reply JOIN. STOP to opt out.",
        number(1): "Testers (voluntarios): Ana, responda SI para seguir. ALTO para salir.",
    }
    again = ask(later(runtime, 400 * DAY), group).as_dict()
    assert (again["asked"], again["asked_before"]) == (1, 2), "who agreed 364 days ago, and now too long ago"
    assert again["gate"] != done.gate_id
    assert (count(runtime, Reconfirmation), count(runtime, AuditEvent)) == (3, 2)


def test_a_yes_renews_and_nothing_else_changes_anything(runtime: Runtime, group: int, client: FlaskClient) -> None:
    send(runtime, ask(runtime, group).gate_id)
    assert say(client, runtime, 0, "no") is None
    say(client, runtime, 0, "who is this?")
    assert count(runtime, ConsentEvent) == 0
    assert not is_valid(runtime, 0)
    assert say(client, runtime, 1, "Sí") is not None
    assert is_valid(runtime, 1)
    assert say(client, runtime, 0, "JOIN") is not None
    assert is_valid(runtime, 0)
    with runtime.db.snapshot() as session:
        said = session.execute(
            select(ConsentEvent.group_id, ConsentEvent.kind, ConsentEvent.source, ConsentEvent.sealed).order_by(
                ConsentEvent.id
            )
        ).all()
    assert [(*one[:3], runtime.vault.open(one.sealed, "consent")["words"]) for one in said] == [
        (group, "opt_in", "reply", "Sí"),
        (group, "opt_in", "reply", "JOIN"),
    ]


def test_the_yes_is_for_the_group_that_asked(runtime: Runtime, group: int, client: FlaskClient) -> None:
    first = make_group(runtime, "Older")
    make_person(runtime, first, number(0), consented_at=None)
    send(runtime, ask(runtime, group).gate_id)
    say(client, runtime, 0, "ok")
    with runtime.db.snapshot() as session:
        assert session.execute(select(ConsentEvent.group_id)).scalars().all() == [group]


def test_it_obeys_hours_caps_and_a_stop(runtime: Runtime, group: int, client: FlaskClient) -> None:
    world = make_world(runtime, 1, name="Others")
    plan_messages(runtime, world)
    claimed, _ = claim(runtime, world.gate_id, "t", after=0, limit=10)
    assert len(slice_out(runtime, claimed, "t")) == 1, "a campaign's text of today, of another group"
    done = ask(runtime, group)
    say(client, runtime, 1, "ya no me escriban")
    assert send(runtime, done.gate_id) == []
    with runtime.db.snapshot() as session:
        rows = session.execute(
            select(Message.state, Message.not_before).where(Message.kind == "reconfirm").order_by(Message.id)
        ).all()
    assert [row.state for row in rows] == ["held", "suppressed"]
    assert rows[0].not_before > runtime.clock.now()
    night = later(runtime, 12 * timedelta(hours=1))
    with runtime.db.transaction() as tx:
        assert not halt_gate(tx, done.gate_id or 0, "carrier:21606"), "nobody could resume it"
    other = make_person(night, world.group_id, number(7), consented_at=night.clock.now() - 400 * DAY)
    with runtime.db.transaction() as tx:
        tx.add(ListMembership(list_id=world.list_id, constituent_id=other))
    late = reconfirm(night, world.group_id, list_name="all", texts=TEXTS, by="ana")
    assert send(night, late.gate_id) == []


@pytest.mark.parametrize(
    ("english", "code"),
    [
        ("Reply JOIN. STOP to opt out.", "text_without_group"),
        ("{{ group }}: reply JOIN.", "text_without_stop"),
        ("{{ group }}: reply YES. STOP to opt out.", "text_without_yes"),
        ("{{ group }}: JOIN, STOP {{ official }}", "template_failed"),
        ("{{ group }}: JOIN, STOP {{ 9**9 }}", "template_only_fields"),
        ("{{ group }} JOIN STOP" + "x" * 1_600, "text_too_long"),
    ],
)
def test_a_text_that_may_not_go_is_refused_and_asks_nobody(
    runtime: Runtime, group: int, english: str, code: str
) -> None:
    with pytest.raises(BadInputError) as refused:
        reconfirm(runtime, group, list_name="Fair", texts={**TEXTS, "en": english}, by="ana")
    assert refused.value.code == code
    with pytest.raises(NotFoundError):
        reconfirm(runtime, make_group(runtime, "Others"), list_name="Fair", texts=TEXTS, by="ana")
    assert count(runtime, Reconfirmation) == 0


def test_the_command(settings_env: dict[str, str], runtime: Runtime, group: int) -> None:
    words = ("--list", "Fair", "--text", "Testers: reply JOIN to stay. STOP to end.", "--json")
    code, dry, _ = outreach(settings_env, "reconfirm", *words, "--dry-run")
    assert (code, dry) == (
        0,
        {"list": "Fair", "dry_run": True, "people": 6, "asked": 2, "opted_out": 1, "no_consent": 1,
         "consent_valid": 1, "number_bad": 1, "asked_before": 0, "gate": None},
    )  # fmt: skip
    code, done, _ = outreach(settings_env, "reconfirm", *words)
    assert (code, done and done["asked"], count(runtime, Reconfirmation)) == (0, 2, 2)
    assert outreach(settings_env, "reconfirm", "--list", "Nobody", "--text", "x", "--json")[0] == 2
