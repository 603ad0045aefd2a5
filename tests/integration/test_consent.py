"""Opting out, coming back, and who may lift what."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta

import pytest
from sqlalchemy import select, update

from outreach.core.errors import BadInputError, ConflictError, NotFoundError
from outreach.core.runtime import Runtime
from outreach.people.consent import (
    CONSENT_LASTS,
    has_consent_clause,
    is_consent_valid,
    is_suppressed,
    is_suppressed_clause,
    lift,
    lock_people,
    record_opt_in,
    record_opt_out,
    suppress,
    suppressed_among,
)
from outreach.people.models import ConsentEvent, Constituent, Suppression
from tests.factories import make_group, make_person

PHONE = "+14805550101"


@pytest.fixture
def groups(runtime: Runtime) -> tuple[int, int]:
    return make_group(runtime, "Here"), make_group(runtime, "There")


def at(minute: int) -> datetime:
    return datetime(2026, 11, 1).astimezone() + timedelta(minutes=minute)


def in_force(runtime: Runtime, groups: tuple[int, int], phone: str = PHONE) -> tuple[bool, bool]:
    """Whether each group must leave the number alone; asked in all three ways, which must agree."""
    number_hash = runtime.vault.number_hash(phone)
    answers = []
    with runtime.db.snapshot() as session:
        for group in groups:
            one = is_suppressed(session, number_hash, group)
            assert suppressed_among(session, [number_hash, b"\0" * 16], group) == ({number_hash} if one else set())
            clause = is_suppressed_clause(Constituent.number_hash, Constituent.group_id)
            rows = select(Constituent.id).where(Constituent.group_id == group, clause)
            assert len(session.execute(rows).all()) == one
            answers.append(one)
    return answers[0], answers[1]


@pytest.fixture
def person(runtime: Runtime, groups: tuple[int, int]) -> bytes:
    for group in groups:
        make_person(runtime, group, PHONE)
    return runtime.vault.number_hash(PHONE)


def stop(runtime: Runtime, group: int, number_hash: bytes, when: datetime) -> bool:
    with runtime.db.transaction(durable=True) as tx:
        lock_people(tx, [number_hash])
        return record_opt_out(tx, runtime.vault, group, number_hash, wording="STOP", source="reply", at=when)


def start(runtime: Runtime, group: int, number_hash: bytes, when: datetime) -> None:
    with runtime.db.transaction(durable=True) as tx:
        lock_people(tx, [number_hash])
        record_opt_in(tx, runtime.vault, group, number_hash, wording="START", source="reply", at=when)


def test_a_stop_is_for_every_group_and_a_start_for_one(
    runtime: Runtime, groups: tuple[int, int], person: bytes
) -> None:
    assert in_force(runtime, groups) == (False, False)
    assert stop(runtime, groups[0], person, at(0))
    assert in_force(runtime, groups) == (True, True)
    start(runtime, groups[1], person, at(1))
    assert in_force(runtime, groups) == (True, False)
    with runtime.db.snapshot() as session:
        consented = session.execute(select(Constituent.consented_at).order_by(Constituent.group_id)).scalars().all()
        kinds = session.execute(select(ConsentEvent.group_id, ConsentEvent.kind).order_by(ConsentEvent.id)).all()
    assert consented[1] == at(1) != consented[0]
    assert [tuple(row) for row in kinds] == [(groups[0], "opt_out"), (groups[1], "opt_in")]


def test_a_stop_after_a_start_counts_again(runtime: Runtime, groups: tuple[int, int], person: bytes) -> None:
    stop(runtime, groups[0], person, at(0))
    assert not stop(runtime, groups[0], person, at(1)), "the same is in force already"
    start(runtime, groups[0], person, at(2))
    assert stop(runtime, groups[0], person, at(3))
    assert in_force(runtime, groups) == (True, True)


def test_a_start_of_the_same_instant_does_not_beat_the_stop(
    runtime: Runtime, groups: tuple[int, int], person: bytes
) -> None:
    start(runtime, groups[0], person, at(0))
    stop(runtime, groups[0], person, at(0))
    assert in_force(runtime, groups) == (True, True)


@pytest.mark.parametrize("source", ["pending", "carrier", "import", "staff"])
def test_a_start_lifts_only_what_the_person_set(
    runtime: Runtime, groups: tuple[int, int], person: bytes, source: str
) -> None:
    with runtime.db.transaction() as tx:
        assert suppress(tx, person, source, at=at(0))  # type: ignore[arg-type]  # parametrized over the sources
        assert not suppress(tx, person, source, at=at(1))  # type: ignore[arg-type]  # as above
    start(runtime, groups[0], person, at(2))
    assert in_force(runtime, groups) == (True, True)


def test_a_groups_own_suppression_binds_no_other(runtime: Runtime, groups: tuple[int, int], person: bytes) -> None:
    with runtime.db.transaction() as tx:
        assert suppress(tx, person, "import", groups[1], at=at(0))
        assert suppress(tx, person, "import", groups[0], at=at(0))
        tx.execute(update(Suppression).where(Suppression.group_id == groups[0]).values(lifted_at=at(1)))
    assert in_force(runtime, groups) == (False, True)


def test_staff_lift_with_a_reason_and_never_the_persons_own(
    runtime: Runtime, groups: tuple[int, int], person: bytes
) -> None:
    here, there = groups
    stop(runtime, here, person, at(0))
    with runtime.db.transaction() as tx:
        suppress(tx, person, "pending", at=at(1))
        suppress(tx, person, "import", there, at=at(1))
        ids = {row.source: row.id for row in tx.execute(select(Suppression.source, Suppression.id))}
    refusals = [
        ("pending", here, " ", BadInputError, "lift_reason_blank"),
        ("import", here, "mistake", NotFoundError, "suppression_unknown"),
        ("person", here, "mistake", ConflictError, "suppression_is_the_persons"),
    ]
    for source, group, reason, error, code in refusals:
        with pytest.raises(error) as caught, runtime.db.transaction() as tx:
            lift(tx, ids[source], group, reason=reason, at=at(2))
        assert caught.value.code == code
    with runtime.db.transaction() as tx:
        lift(tx, ids["pending"], here, reason="it was support", at=at(2))
    with pytest.raises(ConflictError) as again, runtime.db.transaction() as tx:
        lift(tx, ids["pending"], here, reason="it was support", at=at(3))
    assert again.value.code == "suppression_lifted_before"
    start(runtime, here, person, at(4))
    assert in_force(runtime, groups) == (False, True)


def test_consent_lasts_a_year(runtime: Runtime, groups: tuple[int, int]) -> None:
    now = at(0)
    ages = [None, now, now - CONSENT_LASTS + timedelta(seconds=1), now - CONSENT_LASTS]
    for index, consented_at in enumerate(ages):
        make_person(runtime, groups[0], f"+1480555010{index}", consented_at=consented_at)
    with runtime.db.snapshot() as session:
        valid = session.execute(select(Constituent.id).where(has_consent_clause(now))).scalars().all()
    assert len(valid) == 2
    assert [is_consent_valid(consented_at, now) for consented_at in ages] == [False, True, True, False]


def test_two_that_lock_the_same_people_in_any_order_never_wait_for_each_other(
    runtime: Runtime, groups: tuple[int, int]
) -> None:
    phones = [f"+1602555010{digit}" for digit in range(5)]
    hashes = [runtime.vault.number_hash(phone) for phone in phones]
    for phone in phones:
        for group in groups:
            make_person(runtime, group, phone)

    def lock(order: list[bytes]) -> int:
        for _ in range(40):
            with runtime.db.transaction() as tx:
                lock_people(tx, order)
        return len(order)

    with ThreadPoolExecutor(2) as both:
        assert list(both.map(lock, [hashes, hashes[::-1]])) == [5, 5]
    with runtime.db.transaction() as tx:
        lock_people(tx, [])
