"""Signing up by page and by text: asked once, in the window, never when stopped; consent only by the owner's text."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest
from flask.testing import FlaskClient
from sqlalchemy import func, select, update

from outreach.core.errors import BadInputError, ConflictError, NotFoundError
from outreach.core.runtime import Runtime
from outreach.messaging import sign_ups
from outreach.messaging.claims import claim
from outreach.messaging.models import Conversation, Gate, Message
from outreach.messaging.sign_up_models import SignUp, SignUpTry
from outreach.messaging.sign_up_rules import Limit
from outreach.messaging.sign_ups import Filled, ask_to_join, purge_sign_ups
from outreach.messaging.slices import Post, slice_out
from outreach.messaging.sweep import release_held
from outreach.people.consent import is_suppressed, record_opt_out, suppress
from outreach.people.models import ConsentEvent, Constituent, ContactList, ListMembership
from outreach.privacy.disclosure import disclose
from outreach.web.app import create_app
from tests.factories import make_group, make_person, make_world, number
from tests.integration.test_retention import later
from tests.integration.test_webhooks import launch, say, text_everybody

HOUR = timedelta(hours=1)
WORDING = "I agree to get texts from Testers."
WELCOME = {"en": "you are on our list", "es": "usted ya forma parte"}
BACK = {"en": "back on our list", "es": "vuelve a nuestra lista"}


@pytest.fixture
def client(runtime: Runtime) -> FlaskClient:
    return create_app(runtime.settings, runtime).test_client()


def sign_up(
    runtime: Runtime, group: int, phone: str = number(0), *, name: str = "Luz", language: str = "es",
    address: str = "198.51.100.4", zip_code: str | None = "85004",
) -> None:  # fmt: skip
    ask_to_join(runtime, group, Filled(phone, name, zip_code, language, WORDING), address)


def send(runtime: Runtime) -> list[Post]:
    """What a sender would post now for sign-ups."""
    with runtime.db.snapshot() as session:
        gates = session.execute(select(Gate.id).where(Gate.kind == "sign_up").order_by(Gate.id)).scalars().all()
    posts = []
    for gate_id in gates:
        claimed, _ = claim(runtime, gate_id, "t", after=0, limit=100)
        posts += slice_out(runtime, claimed, "t")
    return posts


def count(runtime: Runtime, model: type) -> int:
    with runtime.db.snapshot() as session:
        return session.execute(select(func.count()).select_from(model)).scalar_one()


def person_of(runtime: Runtime, group: int, phone: str = number(0)) -> Constituent:
    with runtime.db.snapshot() as session:
        hashed = runtime.vault.number_hash(phone)
        own = select(Constituent).where(Constituent.group_id == group, Constituent.number_hash == hashed)
        return session.execute(own).scalar_one()


def ledger(runtime: Runtime) -> list[tuple[int, str, str, str | None]]:
    with runtime.db.snapshot() as session:
        rows = session.execute(
            select(ConsentEvent.group_id, ConsentEvent.kind, ConsentEvent.source, ConsentEvent.sealed).order_by(
                ConsentEvent.id
            )
        )
        return [
            (row.group_id, row.kind, row.source, runtime.vault.open(row.sealed, "consent")["words"]) for row in rows
        ]


@pytest.mark.parametrize(("word", "language"), [("si", "es"), ("JOIN", "en")])
def test_a_yes_by_text_is_the_consent_and_nothing_before_it(
    runtime: Runtime, group: int, client: FlaskClient, word: str, language: str
) -> None:
    sign_up(runtime, group, language=language)
    assert (count(runtime, Constituent), count(runtime, ConsentEvent)) == (0, 0)
    (post,) = send(runtime)
    assert post.to == number(0)
    assert "Testers" in post.body
    assert ("STOP" if language == "en" else "ALTO") in post.body
    assert 0 < post.validity <= 8 * 3600, "it ends with the window"
    answer = say(client, runtime, 0, word)
    assert answer is not None
    assert WELCOME[language] in answer
    assert "3 text" in answer
    person = person_of(runtime, group)
    known = runtime.vault.open(person.sealed, "constituent")
    assert (known["first_name"], known["phone"], person.zip, person.language) == ("Luz", number(0), "85004", language)
    assert person.consented_at is not None
    assert ledger(runtime) == [(group, "opt_in", "page", WORDING)]
    with runtime.db.snapshot() as session:
        lists = session.execute(
            select(ContactList.name).join(ListMembership, ListMembership.list_id == ContactList.id)
        ).scalars().all()  # fmt: skip
    assert lists == ["Sign-ups"]
    assert count(runtime, SignUp) == 0
    assert send(runtime) == []


def test_the_carriers_yes_counts_and_is_answered_by_the_carrier_alone(
    runtime: Runtime, group: int, client: FlaskClient
) -> None:
    sign_up(runtime, group)
    send(runtime)
    assert say(client, runtime, 0, "YES") is None
    assert ledger(runtime) == [(group, "opt_in", "page", WORDING)]


def test_a_no_and_a_stop_end_it_and_anything_else_is_read(runtime: Runtime, group: int, client: FlaskClient) -> None:
    for person in range(3):
        sign_up(runtime, group, number(person))
    assert len(send(runtime)) == 3
    assert say(client, runtime, 0, "no gracias") is None
    say(client, runtime, 1, "alto")
    assert "voluntarios" in (say(client, runtime, 2, "¿quién es?") or "")
    assert count(runtime, SignUp) == 1
    waits = disclose(runtime, group, runtime.vault.number_hash(number(2)), reason="they asked", actor="ana")
    assert (waits["person"], waits["sign_up"]["phone"], waits["sign_up"]["wording"]) == (None, number(2), WORDING)
    assert count(runtime, Constituent) == 0
    with runtime.db.snapshot() as session:
        assert [is_suppressed(session, runtime.vault.number_hash(number(one)), group) for one in range(3)] == [
            False, True, False,
        ]  # fmt: skip
        assert sorted(session.execute(select(Conversation.rank)).scalars()) == [2, 3, 9]
    assert "forma parte" in (say(client, runtime, 2, "Sí") or ""), "the question still stands"


def test_nobody_is_asked_twice_a_day_or_more_than_thrice_a_week_whichever_group(runtime: Runtime, group: int) -> None:
    other = make_group(runtime, "Others")
    asked = 0
    for day in range(8):
        moment = later(runtime, day * 24 * HOUR)
        for one in (group, other, group):
            sign_up(moment, one)
            asked += len(send(moment))
        assert asked == min(day + 1, 3) + (day == 7), day
    assert count(runtime, SignUp) == 2


def test_a_stopped_number_is_never_texted_and_start_then_counts(
    runtime: Runtime, group: int, client: FlaskClient
) -> None:
    hashed, real = runtime.vault.number_hash(number(0)), runtime.clock.real_now()
    with runtime.db.transaction() as tx:
        record_opt_out(tx, runtime.vault, group, hashed, wording="STOP", source="reply", at=real)
    sign_up(runtime, group)
    assert send(runtime) == []
    assert count(runtime, Message) == 0
    assert say(client, runtime, 0, "START") is None  # the carrier answers that one
    assert ledger(runtime)[1:] == [(group, "opt_in", "reply", "START")], "the page's words were never confirmed"
    assert runtime.vault.open(person_of(runtime, group).sealed, "constituent")["first_name"] == "Luz"


def test_a_stop_between_page_and_text_wins(runtime: Runtime, group: int, client: FlaskClient) -> None:
    sign_up(runtime, group)
    say(client, runtime, 0, "please take me off your list")
    assert send(runtime) == []
    with runtime.db.snapshot() as session:
        assert session.execute(select(Message.state).where(Message.kind == "opt_in")).scalar_one() == "suppressed"
    sign_up(runtime, group, number(1))
    with runtime.db.transaction() as tx:
        suppress(tx, runtime.vault.number_hash(number(1)), "staff", at=runtime.clock.real_now())
    assert send(runtime) == []


def test_at_night_the_question_waits_for_the_window_and_the_day_for_the_answer_begins_then(
    runtime: Runtime, group: int
) -> None:
    night = later(runtime, 11 * HOUR)  # 23:00 in Phoenix
    sign_up(night, group)
    assert send(night) == []
    with runtime.db.snapshot() as session:
        message = session.execute(select(Message.state, Message.not_before)).one()
        expires_at = session.execute(select(SignUp.expires_at)).scalar_one()
    assert (message.state, message.not_before.hour) == ("held", 16), "nine in the morning, not Hawaii's"
    assert expires_at == message.not_before + 24 * HOUR
    morning = later(runtime, 21 * HOUR + timedelta(minutes=1))
    assert release_held(morning) == 1
    assert len(send(morning)) == 1
    sign_up(later(runtime, 36 * HOUR), group)
    assert send(later(runtime, 36 * HOUR)) == [], "it is counted from when it went"


def test_what_nobody_confirms_goes_and_so_does_a_question_that_was_never_sent(runtime: Runtime, group: int) -> None:
    sign_up(runtime, group)
    send(runtime)
    sign_up(runtime, group, number(1))
    assert purge_sign_ups(later(runtime, 23 * HOUR)) == 0
    over = later(runtime, 24 * HOUR + timedelta(minutes=1))
    assert purge_sign_ups(over) == 2
    assert (count(runtime, SignUp), count(runtime, SignUpTry)) == (0, 0)
    with runtime.db.snapshot() as session:
        states = session.execute(select(Message.state).order_by(Message.id)).scalars().all()
    assert states == ["posting", "canceled"]
    assert purge_sign_ups(over) == 0


def test_a_yes_that_comes_too_late_is_no_consent_of_the_page(runtime: Runtime, group: int, client: FlaskClient) -> None:
    sign_up(runtime, group)
    send(runtime)
    with runtime.db.transaction() as tx:
        tx.execute(update(SignUp).values(expires_at=runtime.clock.now()))
    assert "voluntarios" in (say(client, runtime, 0, "si") or "")
    assert (ledger(runtime), count(runtime, Constituent)) == ([], 0)


def test_page_and_address_are_limited_and_a_refusal_is_not_counted(
    runtime: Runtime, group: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sign_ups, "ONE_ADDRESS", (Limit(2, HOUR),))
    monkeypatch.setattr(sign_ups, "ONE_GROUP", (Limit(4, HOUR),))
    for _ in range(2):
        sign_up(runtime, group)
    with pytest.raises(ConflictError) as refused:
        sign_up(runtime, group, number(1))
    assert refused.value.code == "sign_ups_too_many"
    for index, address in enumerate(("198.51.100.5", "198.51.100.6")):
        sign_up(runtime, group, number(index), address=address)
    with pytest.raises(ConflictError):
        sign_up(runtime, group, number(5), address="198.51.100.7")
    sign_up(runtime, make_group(runtime, "Others"), number(5), address="198.51.100.7")
    with runtime.db.snapshot() as session:
        seen = set(session.execute(select(SignUpTry.who)).scalars())
    assert len(seen) == 8  # four addresses, two groups, two blocks of numbers
    assert all(len(who) == 16 for who in seen)
    sign_up(later(runtime, HOUR), group, number(1))


def test_what_cannot_be_used_leaves_nothing(runtime: Runtime, group: int) -> None:
    for phone, code in (("12", "too_short"), ("\0" * 9, "not_a_number"), ("9" * 9_000, "too_long"), ("", "empty")):
        with pytest.raises(BadInputError) as refused:
            sign_up(runtime, group, phone)
        assert refused.value.code == code
    with pytest.raises(NotFoundError):
        sign_up(runtime, group + 1)
    assert [count(runtime, model) for model in (SignUp, SignUpTry, Message)] == [0, 0, 0]
    sign_up(runtime, group, name="\ud800\0 Zoë 🌵")
    with runtime.db.snapshot() as session:
        sealed = session.execute(select(SignUp.sealed)).scalar_one()
    assert runtime.vault.open(sealed, "sign_up")["first_name"] == "Zoë 🌵"


@pytest.mark.parametrize(("word", "language"), [("JOIN", "en"), ("unirme", "es")])
def test_join_by_text_from_a_stranger(
    runtime: Runtime, group: int, client: FlaskClient, word: str, language: str
) -> None:
    said = say(client, runtime, 0, word)
    assert said is not None
    assert WELCOME[language] in said
    assert "Testers" in said
    assert ("STOP" if language == "en" else "ALTO") in said
    person = person_of(runtime, group)
    assert (person.language, person.zones, person.consented_at is not None) == (language, "America/Phoenix", True)
    assert ledger(runtime) == [(group, "opt_in", "reply", word)]
    with runtime.db.snapshot() as session:
        kinds = session.execute(select(Message.kind)).scalars().all()
    assert kinds == ["confirmation"], "one answer"
    assert say(client, runtime, 0, "STOP") is None
    assert BACK[language] in (say(client, runtime, 0, "join us") or "")


def test_join_renews_somebody_known_and_start_makes_nobody(runtime: Runtime, group: int, client: FlaskClient) -> None:
    known = make_person(runtime, group, number(0), language="es", consented_at=None)
    with runtime.db.transaction() as tx:
        tx.execute(update(Constituent).values(number_bad_at=runtime.clock.now()))
    say(client, runtime, 0, "JOIN")
    person = person_of(runtime, group)
    assert (person.id, person.language, person.number_bad_at) == (known, "es", None)
    assert person.consented_at is not None
    assert runtime.vault.open(person.sealed, "constituent")["first_name"] == "Ana"
    say(client, runtime, 1, "START")
    assert count(runtime, Constituent) == 1
    say(client, runtime, 0, "JOIN", From="24680")
    assert count(runtime, Constituent) == 1, "a short code is nobody's phone"


def test_who_was_stopped_by_others_is_told_and_a_person_reads_it(
    runtime: Runtime, group: int, client: FlaskClient
) -> None:
    with runtime.db.transaction() as tx:
        suppress(tx, runtime.vault.number_hash(number(0)), "staff", at=runtime.clock.real_now())
    assert "Others asked us not to text" in (say(client, runtime, 0, "JOIN") or "")
    with runtime.db.snapshot() as session:
        assert session.execute(select(Conversation.rank)).scalar_one() < 3
        assert is_suppressed(session, runtime.vault.number_hash(number(0)), group)


def test_a_campaign_and_a_sign_up_of_another_group_do_not_mix(runtime: Runtime, client: FlaskClient) -> None:
    world, other = make_world(runtime, 1), make_group(runtime, "Others")
    text_everybody(runtime, launch(runtime, world))
    sign_up(runtime, other)
    assert "Me llamo Ana" in (say(client, runtime, 0, "guion") or "")
    send(runtime)
    assert "Others" in (say(client, runtime, 0, "1") or "")
    assert ledger(runtime) == [(other, "opt_in", "page", WORDING)]
    assert person_of(runtime, other).id != world.people[0]
    assert "Gracias" in (say(client, runtime, 0, "hablé con alguien") or "")


def test_a_sign_up_whose_document_does_not_open_is_still_a_yes(
    runtime: Runtime, group: int, client: FlaskClient
) -> None:
    sign_up(runtime, group)
    send(runtime)
    with runtime.db.transaction() as tx:
        tx.execute(update(SignUp).values(sealed=b"\x04lost" + b"?" * 40))
    assert "forma parte" in (say(client, runtime, 0, "sí") or "")
    assert ledger(runtime)[0][2] == "page"


def test_a_text_without_a_window_in_its_number_waits_for_everywhere(runtime: Runtime, group: int) -> None:
    early = later(runtime, -2 * HOUR - timedelta(minutes=30))  # 9:30 in Phoenix, 6:30 in Honolulu
    sign_up(early, group, zip_code="96701")
    assert send(early) == []
    sign_up(early, group, number(1), zip_code=None)
    assert len(send(early)) == 1
    assert replace(early).clock.now().hour == 16
