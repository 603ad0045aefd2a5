"""Catching up with the carrier after a restore: its list says which texts went out since, and who has written to us.

In this order: planning is finished, so that every recipient has a row; texts of ours that the list has are booked on
their rows, before anybody's STOP moves these; statuses are taken over; what people wrote is obeyed, oldest first, and
answered only where nobody has answered it; opt-outs that came another way, and erasures, are carried out. Then the
site may send again: answers at once, campaigns when somebody resumes them.

It may be killed and run again, and waits for nobody but the carrier. Whoever runs it, one at a time, is the folder too
or runs beside it.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from typing import Any, Final, TypeVar

import structlog
from sqlalchemy import select, update
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.exc import OperationalError

from outreach.backups.protections import told_time
from outreach.carrier.base import CarrierMessage, CarrierRecord
from outreach.core.db import Job, Transaction
from outreach.core.leases import Bookmark
from outreach.core.runtime import Runtime
from outreach.escalations.models import Wave
from outreach.escalations.planning import plan_wave
from outreach.messaging import events
from outreach.messaging.booking import Found, book, doubt, found_texts, hear, pick
from outreach.messaging.claims import prepare, read_words
from outreach.messaging.gates import NEVER_PAUSED, SEND_BATCH
from outreach.messaging.inbound import InboundText
from outreach.messaging.models import Gate, Message, MessageAttempt, Reply
from outreach.messaging.optout import withdraw_planned
from outreach.messaging.recover import BOOKMARK
from outreach.messaging.restored import RESTORED
from outreach.messaging.restored_models import FoundText, Restoration
from outreach.messaging.slices import CAPPED
from outreach.messaging.states import BEFORE_POSTING, HEARD_STATUS
from outreach.people.consent import lock_people
from outreach.people.models import Constituent, Suppression
from outreach.privacy.erasure import erase_in

log = structlog.get_logger(__name__)

LOOK_BACK: Final = timedelta(hours=1)
"""Before the backup: a POST under way then, a report on its way, a clock that was not ours."""
CHUNK: Final = 200
PLAN_SECONDS: Final = 60.0
IN_DOUBT: Final = ("posting", "unknown", "needs_review", "accepted")
"""States of rows whose attempt may be proven by the list; of accepted ones those without a sid."""

T = TypeVar("T")
Take = Callable[[Runtime, InboundText], None]


@dataclass(slots=True)
class CaughtUp:
    """What the list held that this database did not. ``booked``: texts that found their rows. ``unmatched``: texts of
    rows that are lost. ``in_doubt``: rows that a person must decide. ``replies``: texts from people; ``opted_out``:
    numbers whose waiting texts were withdrawn. ``erased``: people erased again.
    """

    listed: int = 0
    booked: int = 0
    unmatched: int = 0
    in_doubt: int = 0
    replies: int = 0
    opted_out: int = 0
    erased: int = 0


def pending(runtime: Runtime) -> datetime | None:
    """The time of the backup that has not caught up yet (real); None: there is none."""
    with runtime.db.snapshot() as session:
        return session.execute(
            select(Restoration.backup_at)
            .where(Restoration.caught_up_at.is_(None))
            .order_by(Restoration.backup_at)
            .limit(1)
        ).scalar()


def catch_up(runtime: Runtime, carrier: CarrierRecord, *, obey: Take, answer: Take) -> CaughtUp | None:
    """Catch up with the carrier's list; None: there is nothing to catch up with.

    ``obey`` stores a text and does what must be done at once, ``answer`` also answers it. Raises CarrierError when the
    list cannot be had: then nothing is sent until it can.
    """
    backup_at = pending(runtime)
    if backup_at is None:
        return None
    began = runtime.clock.real_now()
    listed = list(carrier.list_since(backup_at - LOOK_BACK))
    ours = [one for one in listed if not one.inbound]
    theirs = [one for one in listed if one.inbound and one.sender]
    done = CaughtUp(listed=len(listed))
    _finish_planning(runtime)
    _keep_found(runtime, [one for one in ours if not one.is_answer])
    done.booked, done.in_doubt = _book_all(runtime)
    done.booked += _prove_answers(runtime, [one for one in ours if one.is_answer])
    _take_statuses(runtime, ours)
    done.replies, read_to = _hear_people(runtime, theirs, ours, obey, answer, began)
    done.opted_out = _withdraw(runtime, backup_at)
    done.erased = _erase_again(runtime)
    _open(runtime, done, read_to)
    log.warning("restore_caught_up", **asdict(done))
    return done


def _finish_planning(runtime: Runtime) -> None:
    """Recipients of a wave that was being planned were texted as well: each gets the row to book their text on."""
    with runtime.db.snapshot() as session:
        waves = session.execute(select(Wave.id).where(Wave.planned_at.is_(None)).order_by(Wave.id)).scalars().all()
    for wave_id in waves:
        while not plan_wave(runtime, wave_id, PLAN_SECONDS):
            log.info("restore_plans", wave_id=wave_id)


def _keep_found(runtime: Runtime, ours: Sequence[CarrierMessage]) -> None:
    """Our texts that no row holds. No answers: nobody says these a second time, and no cap counts them."""
    for some in _chunks(ours):
        with runtime.db.transaction() as tx:
            sids = [one.sid for one in some]
            known = set(tx.execute(select(Message.carrier_sid).where(Message.carrier_sid.in_(sids))).scalars())
            rows = [
                {
                    "carrier_sid": one.sid, "number_hash": runtime.vault.number_hash(one.to),
                    "body_hash": runtime.vault.text_hash(one.body), "status": one.status,
                    "error_code": one.error_code, "created_at": one.created_at,
                }
                for one in some
                if one.sid not in known
            ]  # fmt: skip
            if rows:
                insert = (sqlite if tx.is_sqlite else postgresql).insert(FoundText)
                tx.execute(insert.on_conflict_do_nothing(index_elements=["carrier_sid"]), rows)


def _book_all(runtime: Runtime) -> tuple[int, int]:
    """Book found texts on the rows whose words they are; how many, and how many rows a person must decide."""
    with runtime.db.snapshot() as session:
        unbound = select(FoundText.number_hash).where(FoundText.message_id.is_(None)).distinct()
        numbers = sorted(session.execute(unbound).scalars())
    booked = doubtful = 0
    for some in _chunks(numbers):
        with runtime.db.transaction(durable=True) as tx:
            lock_people(tx, some)
            found = found_texts(tx, some)
            booked += _book_attempts(tx, runtime, some, found)
            more, left = _book_waiting(tx, runtime, some, found)
            booked, doubtful = booked + more, doubtful + left
    return booked, doubtful


def _prove_answers(runtime: Runtime, answers: Sequence[CarrierMessage]) -> int:
    """Answers whose row stood in the backup while nobody knew yet whether they had arrived; how many."""
    proven = 0
    for some in _chunks(answers):
        found: dict[bytes, list[Found]] = defaultdict(list)
        with runtime.db.transaction() as tx:
            sids = [one.sid for one in some]
            known = set(tx.execute(select(Message.carrier_sid).where(Message.carrier_sid.in_(sids))).scalars())
            for one in reversed(some):
                if one.sid not in known:
                    text = Found(one.sid, runtime.vault.text_hash(one.body), one.status, one.error_code, one.created_at)
                    found[runtime.vault.number_hash(one.to)].append(text)
            proven += _book_attempts(tx, runtime, list(found), found)
    return proven


def _book_attempts(tx: Transaction, runtime: Runtime, numbers: Sequence[bytes], found: dict[bytes, list[Found]]) -> int:
    """Rows with an open attempt: the list proves it."""
    rows = tx.execute(
        select(Message.id, Message.number_hash, MessageAttempt.id.label("attempt_id"), MessageAttempt.body_hash)
        .join(MessageAttempt, MessageAttempt.message_id == Message.id)
        .where(
            Message.number_hash.in_(numbers), Message.state.in_(IN_DOUBT), Message.carrier_sid.is_(None),
            MessageAttempt.closed.is_(False),
        )
        .order_by(Message.id)
    ).all()  # fmt: skip
    booked = 0
    for row in rows:
        mine = pick(found.get(row.number_hash, []), row.body_hash)
        if mine is not None:
            hear(tx, runtime, row.attempt_id, row.id, mine)
            booked += 1
    return booked


def _book_waiting(
    tx: Transaction, runtime: Runtime, numbers: Sequence[bytes], found: dict[bytes, list[Found]]
) -> tuple[int, int]:
    """Rows that wait for their POST. One whose person had a text with other words is in doubt, and not sent."""
    rows = tx.execute(
        select(
            Message.id, Message.gate_id, Message.number_hash, Message.constituent_id, Message.language,
            Message.variant, Message.sealed, Message.state, Message.kind, Gate.reason,
        )
        .join(Gate, Gate.id == Message.gate_id)
        .where(Message.number_hash.in_(numbers), Message.state.in_(BEFORE_POSTING), Gate.state != "closed")
        .order_by(Message.id)
        .with_for_update(of=Message)
    ).all()  # fmt: skip
    by_gate: dict[int, list[Any]] = defaultdict(list)
    for row in rows:
        by_gate[row.gate_id].append(row)
    booked, unlike = 0, []
    for gate_id, some in by_gate.items():
        people, texts = read_words(tx, gate_id, some)
        for row in some:
            one = prepare(runtime, row, people.get(row.constituent_id), texts, [])
            mine = pick(found.get(row.number_hash, []), one.body_hash)
            if mine is None:
                unlike.append((row, one))
                continue
            _from_held(tx, runtime, row)
            book(tx, runtime, one, mine)
            booked += 1
    doubtful = 0
    for row, one in unlike:
        if found.get(row.number_hash) and row.kind in CAPPED and row.reason == RESTORED and one.body:
            _from_held(tx, runtime, row)
            doubt(tx, runtime, one)
            doubtful += 1
    return booked, doubtful


def _from_held(tx: Transaction, runtime: Runtime, row: Any) -> None:
    if row.state == "held":  # from here it counts as planned, as whatever is posted does
        events.append(tx, [events.delta(row.gate_id, "held", "planned", 1, runtime.clock.real_now())])


def _take_statuses(runtime: Runtime, ours: Sequence[CarrierMessage]) -> None:
    """What became of texts that the backup knew: their reports came to a database that is lost."""
    for some in _chunks(ours):
        by_sid = {one.sid: one for one in some if one.status in HEARD_STATUS}
        with runtime.db.transaction() as tx:
            rows = tx.execute(
                select(Message.carrier_sid, MessageAttempt.id)
                .join(MessageAttempt, MessageAttempt.message_id == Message.id)
                .where(Message.carrier_sid.in_(by_sid), Message.state.in_(("accepted", "sent")))
                .where(MessageAttempt.closed.is_(False))
            ).all()
            now = runtime.clock.real_now()
            heard = [
                events.status(attempt_id, sid, by_sid[sid].status, by_sid[sid].error_code, now)
                for sid, attempt_id in rows
                if sid is not None
            ]
            events.append(tx, heard)


def _hear_people(
    runtime: Runtime, theirs: Sequence[CarrierMessage], ours: Sequence[CarrierMessage], obey: Take, answer: Take,
    began: datetime,
) -> tuple[int, datetime]:  # fmt: skip
    """Texts from people that no row holds, oldest first; how many, and up to when all were taken (real time).

    One that anything went back to was answered.
    """
    known: set[str] = set()
    for some in _chunks(theirs):
        with runtime.db.snapshot() as session:
            sids = [one.sid for one in some]
            known.update(session.execute(select(Reply.carrier_sid).where(Reply.carrier_sid.in_(sids))).scalars())
    newest: dict[str, datetime] = {}
    for text in ours:
        newest[text.to] = max(text.created_at, newest.get(text.to, text.created_at))
    heard, read_to = 0, began
    for one in sorted((one for one in theirs if one.sid not in known), key=lambda one: (one.created_at, one.sid)):
        sender = one.sender or ""
        was_answered = sender in newest and newest[sender] >= one.created_at
        take = obey if was_answered else answer
        try:
            take(runtime, InboundText(one.sid, sender, one.to, one.body, one.created_at))
            heard += 1
        except OperationalError:
            raise
        except Exception:  # one text that we cannot take must not hide the next one's STOP; upkeep lists it again
            log.exception("restore_reply_not_taken", sid=one.sid)
            read_to = min(read_to, one.created_at)
    return heard, read_to


def _withdraw(runtime: Runtime, backup_at: datetime) -> int:
    """Opt-outs by page, key or staff that were brought along: what waits for these numbers is withdrawn."""
    with runtime.db.snapshot() as session:
        numbers = session.execute(
            select(Suppression.number_hash)
            .join(Message, Message.number_hash == Suppression.number_hash)
            .where(Suppression.at >= backup_at - LOOK_BACK, Suppression.lifted_at.is_(None))
            .where(Suppression.group_id.is_(None), Message.state.in_(BEFORE_POSTING))
            .distinct()
        ).scalars()
        waiting = sorted(numbers)
    for number_hash in waiting:
        with runtime.db.transaction(durable=True) as tx:
            lock_people(tx, [number_hash])
            withdraw_planned(tx, number_hash, runtime.clock.real_now())
    return len(waiting)


def _erase_again(runtime: Runtime) -> int:
    """People who were erased since; by row and when it was made, for nothing else of them is known."""
    with runtime.db.snapshot() as session:
        noted = session.execute(select(Restoration.found).where(Restoration.caught_up_at.is_(None))).scalars().first()
        erased = {(int(group), int(person), at) for group, person, at in (noted or {}).get("erase", [])}
        people: list[tuple[int, bytes]] = []
        for some in _chunks(sorted({person for _, person, _ in erased})):
            rows = session.execute(
                select(Constituent.id, Constituent.group_id, Constituent.number_hash, Constituent.created_at).where(
                    Constituent.id.in_(some), Constituent.erased_at.is_(None)
                )
            )
            people += [
                (row.group_id, row.number_hash)
                for row in rows
                if (row.group_id, row.id, told_time(row.created_at)) in erased
            ]
    for group_id, number_hash in people:
        with runtime.db.transaction(durable=True) as tx:
            erase_in(tx, runtime, group_id, [number_hash])
    return len(people)


def _open(runtime: Runtime, done: CaughtUp, read_to: datetime) -> None:
    """Answers go out again by themselves; a campaign when somebody has looked at it."""
    with runtime.db.transaction(durable=True) as tx:
        done.unmatched = len(tx.execute(select(FoundText.carrier_sid).where(FoundText.message_id.is_(None))).all())
        tx.execute(
            update(Restoration)
            .where(Restoration.caught_up_at.is_(None))
            .values(caught_up_at=runtime.clock.real_now(), found=asdict(done))
        )
        tx.merge(Bookmark(name=BOOKMARK, at=read_to))
        mine = update(Gate).where(Gate.state == "paused", Gate.reason == RESTORED, Gate.kind.in_(NEVER_PAUSED))
        for gate_id in tx.execute(mine.values(state="open", reason=None).returning(Gate.id)).scalars().all():
            tx.enqueue(Job("messaging", SEND_BATCH, (gate_id,)))


def _chunks(rows: Iterable[T]) -> Iterator[list[T]]:
    every = list(rows)
    for start in range(0, len(every), CHUNK):
        yield every[start : start + CHUNK]
