"""Erasing a person: everything in the row goes, what protects them stays, and nothing shows or texts them again."""

from __future__ import annotations

from typing import Any

import pytest
from sqlalchemy import Engine, event, func, select, update

from outreach.accounts.models import AuditEvent
from outreach.core.db import Transaction
from outreach.core.errors import BadInputError, NotFoundError
from outreach.core.runtime import Runtime
from outreach.escalations.audience import count_audience
from outreach.messaging.models import Conversation, Message, Reply
from outreach.messaging.sign_up_models import SignUp
from outreach.people.consent import is_suppressed, lock_people, record_opt_in, record_opt_out
from outreach.people.importing import import_constituents
from outreach.people.models import ConsentEvent, Constituent, ListMembership
from outreach.privacy.erasure import Erased, erase_number, number_of_person
from outreach.privacy.idle import erase_idle
from outreach.privacy.ledger_words import purge_ledger_words, seal_plain_words
from outreach.privacy.retention import purge
from outreach.tallies.reads import counters
from outreach.web.people_reads import find_by_number, list_people
from tests.factories import World, make_person, make_world, number, plan_messages
from tests.integration.test_live import fold_everything
from tests.integration.test_retention import DAY, later
from tests.integration.test_upkeep_reads import LARGE

WHY = "They asked us to, on the phone: (480) 555-0100"


@pytest.fixture
def world(runtime: Runtime) -> World:
    return make_world(runtime, 3)


def talked(runtime: Runtime, world: World) -> bytes:
    """The first person has had a text, answered twice, and a second text waits; their number's hash."""
    hashed, now, real = runtime.vault.number_hash(number(0)), runtime.clock.now(), runtime.clock.real_now()
    first = plan_messages(runtime, world)[0]
    sealed = runtime.vault.seal({"to": number(0), "body": "Hi Ana"}, "message")
    with runtime.db.transaction() as tx:
        tx.execute(update(Message).where(Message.id == first).values(state="delivered", posted_at=now, sealed=sealed))
        for index in range(2):
            tx.add(
                Reply(
                    group_id=world.group_id, carrier_sid=f"SM{index}", number_hash=hashed, gate_id=world.gate_id,
                    constituent_id=world.people[0], sealed=runtime.vault.seal({"from": number(0)}, "reply"),
                    intent="question", language="en", confidence=1.0, rule="r", classifier="c", received_at=real,
                )
            )  # fmt: skip
        tx.add(Conversation(group_id=world.group_id, number_hash=hashed, rank=2, waits_since=real, last_reply_at=real))
        record_opt_in(tx, runtime.vault, world.group_id, hashed, wording="JOIN", source="reply", at=real)
        who = runtime.vault.seal({"phone": number(0), "first_name": "Ana"}, "sign_up")
        tx.add(
            SignUp(
                group_id=world.group_id, number_hash=hashed, sealed=who, language="en", wording="w", created_at=now,
                expires_at=now,
            )
        )  # fmt: skip
    plan_messages(runtime, world)
    return hashed


def test_everything_of_the_person_goes_and_the_rest_stays(runtime: Runtime, world: World) -> None:
    hashed = talked(runtime, world)
    fold_everything(runtime)
    with runtime.db.snapshot() as session:
        before = counters(session, world.gate_id, runtime.clock)
    assert erase_number(runtime, world.group_id, hashed, reason=WHY, actor="ana") == Erased(1, 1, 1, 2, 0)
    with runtime.db.snapshot() as session:
        row = session.get_one(Constituent, world.people[0])
        assert runtime.vault.open(row.sealed, "constituent") == {}
        assert (row.zip, row.consented_at, row.zones, row.number_hash == hashed) == (None, None, "", False)
        assert row.erased_at is not None
        states = session.execute(
            select(Message.state, Message.sealed).where(Message.number_hash == hashed).order_by(Message.id)
        )
        assert [tuple(each) for each in states] == [("delivered", None), ("canceled", None)]
        assert set(session.execute(select(Reply.sealed)).scalars()) == {None}
        assert session.execute(select(ConsentEvent.kind, ConsentEvent.sealed)).all() == [("opt_in", None)]
        assert session.execute(select(Conversation.rank)).scalar_one() == 9
        assert session.execute(select(SignUp.id)).all() == []
        others = session.execute(select(func.count()).where(Message.state == "planned")).scalar_one()
        assert others == 4
        audit = session.execute(select(AuditEvent)).scalar_one()
        after = counters(session, world.gate_id, runtime.clock)
    assert (audit.action, audit.actor, audit.subject) == ("person_erased", "ana", f"constituent:{world.people[0]}")
    assert audit.details["because"] == "They asked us to, on the phone: (<number ..00>"
    assert (after["planned"], after["canceled"]) == (before["planned"] - 1, before.get("canceled", 0) + 1)
    assert erase_number(runtime, world.group_id, hashed, reason=WHY, actor="ana") == Erased()
    with runtime.db.snapshot() as session:
        assert session.execute(select(func.count()).select_from(AuditEvent)).scalar_one() == 1


def test_an_erased_person_is_in_no_list_count_or_search(runtime: Runtime, world: World) -> None:
    erase_number(runtime, world.group_id, runtime.vault.number_hash(number(0)), reason=WHY, actor="ana")
    with runtime.db.snapshot() as session:
        for list_id in (None, world.list_id):
            found = list_people(session, runtime, world.group_id, list_id=list_id)
            assert {entry.id for entry in found.entries} == set(world.people[1:])
            assert found.total == 2
        assert {one.id for one in list_people(session, runtime, world.group_id, name="ana").entries} == {
            *world.people[1:]
        }
        assert find_by_number(session, runtime.vault, world.group_id, number(0)) is None
        assert count_audience(session, world.group_id, [world.list_id], runtime.clock.now()).listed == 2
        left = session.execute(select(ListMembership.constituent_id)).scalars()
        assert sorted(left) == world.people[1:]
    assert number_of_person(runtime, world.group_id, world.people[0]) is None


def test_an_opt_out_outlives_the_person(runtime: Runtime, world: World) -> None:
    hashed = runtime.vault.number_hash(number(0))
    with runtime.db.transaction(durable=True) as tx:
        record_opt_out(tx, runtime.vault, world.group_id, hashed, wording="STOP", source="reply",
                       at=runtime.clock.real_now())  # fmt: skip
    erase_number(runtime, world.group_id, hashed, reason=WHY, actor="ana")
    report = import_constituents(
        runtime, world.group_id, f"First name,Cell\nAna,{number(0)}\nEva,{number(9)}\n".encode(), list_name="new",
        consent="at the fair", recorded_by="ana",
    )  # fmt: skip
    assert (report.counts["opted_out"], report.counts["new"]) == (1, 1)
    with runtime.db.snapshot() as session:
        assert is_suppressed(session, hashed, world.group_id)


def test_a_number_that_never_opted_out_comes_back_as_somebody_new(runtime: Runtime, world: World) -> None:
    erase_number(runtime, world.group_id, runtime.vault.number_hash(number(0)), reason=WHY, actor="ana")
    import_constituents(
        runtime, world.group_id, f"First name,Cell\nAna,{number(0)}\n".encode(), list_name="new", consent=None,
        recorded_by="ana",
    )  # fmt: skip
    with runtime.db.snapshot() as session:
        found = find_by_number(session, runtime.vault, world.group_id, number(0))
    assert found not in {None, *world.people}


@pytest.mark.parametrize("state", ["posting", "unknown", "needs_review"])
def test_a_text_whose_fate_is_open_keeps_its_words_for_the_look_up(runtime: Runtime, world: World, state: str) -> None:
    first = plan_messages(runtime, world)[0]
    sealed = runtime.vault.seal({"to": number(0), "body": "Hi"}, "message")
    with runtime.db.transaction() as tx:
        tx.execute(update(Message).where(Message.id == first).values(state=state, sealed=sealed))
    hashed = runtime.vault.number_hash(number(0))
    assert erase_number(runtime, world.group_id, hashed, reason=WHY, actor="ana") == Erased(1, 0, 0, 0, 1)
    with runtime.db.snapshot() as session:
        assert session.get_one(Message, first).sealed == sealed
    with runtime.db.transaction() as tx:
        tx.execute(update(Message).where(Message.id == first).values(state="delivered"))
    assert erase_number(runtime, world.group_id, hashed, reason=WHY, actor="ana") == Erased(0, 0, 1, 0, 0)


def test_another_groups_person_and_a_blank_reason_are_refused(runtime: Runtime, world: World) -> None:
    other = make_world(runtime, 1, name="Others")
    hashed = runtime.vault.number_hash(number(0))
    with pytest.raises(NotFoundError):
        number_of_person(runtime, world.group_id, other.people[0])
    with pytest.raises(BadInputError, match="Say why"):
        erase_number(runtime, world.group_id, hashed, reason=" \0\n", actor="ana")
    assert erase_number(runtime, world.group_id, hashed, reason=WHY, actor="ana").people == 1
    with runtime.db.snapshot() as session:
        assert session.get_one(Constituent, other.people[0]).erased_at is None


def test_who_is_idle_for_a_year_and_in_no_list_is_erased(runtime: Runtime, world: World) -> None:
    idle = [make_person(runtime, world.group_id, number(index)) for index in range(10, 14)]
    texted, heard, said = idle[1:]
    year = later(runtime, 366 * DAY)
    lately = year.clock.now() - 10 * DAY
    with runtime.db.transaction() as tx:
        hashes = {row.id: row.number_hash for row in tx.execute(select(Constituent.id, Constituent.number_hash))}
        tx.add(
            Message(
                group_id=world.group_id, gate_id=world.gate_id, constituent_id=texted, number_hash=hashes[texted],
                kind="campaign", state="delivered", language="en", not_before=lately, posted_at=lately,
            )
        )  # fmt: skip
        tx.add(
            Reply(
                group_id=world.group_id, carrier_sid="SM9", number_hash=hashes[heard], intent="other", language="en",
                confidence=1.0, rule="r", classifier="c", received_at=year.clock.real_now() - 10 * DAY,
            )
        )  # fmt: skip
        record_opt_in(tx, runtime.vault, world.group_id, hashes[said], wording="JOIN", source="page",
                      at=year.clock.real_now() - 10 * DAY)  # fmt: skip
    assert erase_idle(later(runtime, 364 * DAY)) == 0
    assert purge(year).people == 1
    with runtime.db.snapshot() as session:
        gone = session.execute(select(Constituent.id).where(Constituent.erased_at.is_not(None))).scalars().all()
        audit = session.execute(select(AuditEvent)).scalar_one()
    assert gone == idle[:1]
    assert (audit.action, audit.details) == ("idle_erased", {"people": 1})
    assert erase_idle(year) == 0
    assert erase_idle(later(runtime, (366 + 366) * DAY)) == 3


def test_whoever_is_put_into_a_list_meanwhile_stays(
    runtime: Runtime, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    people = [make_person(runtime, world.group_id, number(index)) for index in range(10, 13)]

    def join_first(tx: Transaction, numbers: list[bytes]) -> None:
        lock_people(tx, numbers)
        tx.add(ListMembership(list_id=world.list_id, constituent_id=people[1]))
        tx.flush()

    monkeypatch.setattr("outreach.privacy.idle.lock_people", join_first)
    assert erase_idle(later(runtime, 366 * DAY)) == 2
    with runtime.db.snapshot() as session:
        assert session.get_one(Constituent, people[1]).erased_at is None


def test_the_purge_of_people_and_words_goes_by_indexes(runtime: Runtime, world: World) -> None:
    if not runtime.db.is_sqlite:
        return  # PostgreSQL plans by size: with a handful of rows it reads them all, and rightly
    make_person(runtime, world.group_id, number(10))
    year, found = later(runtime, 366 * DAY), list[tuple[str, Any]]()

    def note(_c: object, _cursor: object, statement: str, parameters: Any, _context: object, many: bool) -> None:
        found.append((statement, parameters[0] if many else parameters))

    event.listen(Engine, "before_cursor_execute", note)
    try:
        assert erase_idle(year) == 1
        purge_ledger_words(year, year.clock.real_now())
        seal_plain_words(year)
    finally:
        event.remove(Engine, "before_cursor_execute", note)
    read_whole = []
    with runtime.db.connection() as connection:
        for statement, parameters in found:
            if statement.startswith(("SELECT", "UPDATE", "DELETE")):
                for line in connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {statement}", parameters):
                    words = str(line[3]).split()
                    if words[0] == "SCAN" and words[1] in {*LARGE, "consent_event"} and "INDEX" not in words:
                        read_whole.append((line[3], statement[:300]))
    assert len(found) > 10
    assert read_whole == []
