"""Reminders that are due become texts, each once, whoever runs this and however often.

A reminder is a text that we begin, as a follow-up is: it keeps the hours, the caps count it and hold it back, and its
slice asks once more whether it still makes sense. Late is not sent.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, Final

import structlog
from sqlalchemy import bindparam, select, tuple_, update

from config import table
from outreach.accounts.models import Group
from outreach.core.db import Job, Transaction
from outreach.core.errors import OutreachError
from outreach.core.plain import free_words, plain_text, shortened
from outreach.core.runtime import Runtime
from outreach.core.segments import measure
from outreach.messaging.coming_back import REASONS, Fate
from outreach.messaging.events import append, delta
from outreach.messaging.gates import SEND_BATCH, reminder_gate
from outreach.messaging.models import Message
from outreach.messaging.reminder_models import REMINDER, Reminder
from outreach.messaging.reminding import Key, due_now, key_of
from outreach.messaging.render import fill
from outreach.messaging.slices import Facts, judge, sent_lately
from outreach.officials.reminder_sources import Due
from outreach.people.consent import is_consent_valid, is_suppressed_clause, lock_people
from outreach.people.lists import insert_if_absent
from outreach.people.models import Constituent
from outreach.people.zones import parse_zones_key

log = structlog.get_logger(__name__)

CHUNK: Final = 50
PARTS: Final = 2
SHORTER: Final = (100, 60, 30, 12)
"""Characters that the free words of a reminder may take: as many as leave it in two parts."""

_reminder: Any = Reminder.__table__
WAITING = (
    select(Reminder.kind, Reminder.subject_id, Reminder.constituent_id, Reminder.step)
    .where(Reminder.state == "waiting", Reminder.due_at <= bindparam("now"))
    .limit(CHUNK)
)
PEOPLE = select(
    Constituent.id, Constituent.group_id, Constituent.number_hash, Constituent.language, Constituent.zones,
    Constituent.sealed, Constituent.number_bad_at, Constituent.consented_at,
    is_suppressed_clause(Constituent.number_hash, Constituent.group_id).label("suppressed"),
).where(Constituent.id.in_(bindparam("ids", expanding=True)), Constituent.erased_at.is_(None))  # fmt: skip
CHANGE = (
    update(_reminder)
    .where(_reminder.c.id == bindparam("its_id"))
    .values(
        state=bindparam("to"), reason=bindparam("why"), message_id=bindparam("text"),
        due_at=bindparam("due", type_=_reminder.c.due_at.type),
    )
)  # fmt: skip


def plan_reminders(runtime: Runtime) -> int:
    """Plan the texts of some reminders that are due; how many were looked at."""
    now = runtime.clock.now()
    with runtime.db.snapshot() as reading:
        due = due_now(reading, now)
        waiting = {Key(*row) for row in reading.execute(WAITING, {"now": now})}
        chosen = sorted([*(due.keys() - _known(reading, list(due))), *waiting])[:CHUNK]
        people = _people(reading, chosen)
    if not chosen:
        return 0
    with runtime.db.transaction() as tx:
        lock_people(tx, [person.number_hash for person in people.values()])
        # A later statement than the locks: what was settled, stopped or planned before is seen.
        due = due_now(tx, now)
        _think_of(tx, [due[key] for key in chosen if key in due], now)
        rows = [row for row in _rows(tx, chosen) if row.state == "waiting" and row.due_at <= now]
        _work_off(tx, runtime, rows, due, now)
    return len(chosen)


def words_of(kind: str, step: str, group: str, values: Mapping[str, str], language: str) -> str:
    """What is said, in two parts of plain letters at most; what is free text gives way. No number is ever in it.

    ``config/reminders.toml`` has a text for each kind and first word of a step. Raises BadInputError.
    """
    template = table("reminders")[f"{kind}_{step.partition(' ')[0]}"][language]
    plain = {name: plain_text(value) for name, value in {**values, "group": group}.items()}
    free, body = free_words(values.get("what", "")), ""
    for most in SHORTER:
        body = fill(template, {**plain, "what": shortened(free, most)})
        if measure(body).segments <= PARTS:
            break
    return body


def _known(session: Any, keys: Sequence[Key]) -> set[Key]:
    if not keys:
        return set()
    return {key_of(row) for row in session.execute(_of_keys(keys)).scalars()}


def _of_keys(keys: Sequence[Key]) -> Any:
    columns = (Reminder.kind, Reminder.subject_id, Reminder.constituent_id, Reminder.step)
    return select(Reminder).where(tuple_(*columns).in_([tuple(key) for key in keys]))


def _rows(tx: Transaction, keys: Sequence[Key]) -> list[Reminder]:
    query = _of_keys(keys).order_by(Reminder.id).with_for_update()
    return list(tx.execute(query.execution_options(populate_existing=True)).scalars())


def _people(session: Any, keys: Sequence[Key]) -> dict[int, Any]:
    ids = sorted({key.constituent_id for key in keys})
    return {row.id: row for row in session.execute(PEOPLE, {"ids": ids})} if ids else {}


def _think_of(tx: Transaction, due: Sequence[Due], now: datetime) -> None:
    """Note each once: whoever comes second finds it."""
    if due:
        rows = [{**key_of(one)._asdict(), "group_id": one.group_id, "state": "waiting", "due_at": now} for one in due]
        tx.execute(insert_if_absent(tx, Reminder), rows)


def _work_off(
    tx: Transaction, runtime: Runtime, rows: Sequence[Reminder], due: Mapping[Key, Due], now: datetime
) -> None:
    people = _people(tx, [key_of(row) for row in rows])
    sent = sent_lately(tx, [person.number_hash for person in people.values()], now)
    changes = []
    for row in rows:
        person, one = people.get(row.constituent_id), due.get(key_of(row))
        found, message_id = Fate("dropped", reason="settled" if one is None else "gone"), None
        if person is not None and one is not None:
            found = _fate(person, tuple(sent[person.number_hash]), now)
            if found.state == "sent":
                message_id = _plan(tx, runtime, person, one, now)
                sent[person.number_hash].append(now)  # two things may be due for one person
                found = found if message_id else Fate("dropped", reason="no_text")
        if found.state == "dropped":
            log.info("reminder_dropped", reminder_id=row.id, kind=row.kind, reason=found.reason)
        changes.append(
            {"its_id": row.id, "to": found.state, "why": found.reason, "text": message_id, "due": found.until or now}
        )
    if changes:
        tx.connection().execute(CHANGE, changes)


def _fate(person: Any, sent_at: tuple[datetime, ...], now: datetime) -> Fate:
    """Decide one by the rules of the slice that its text would go out with."""
    if not is_consent_valid(person.consented_at, now):
        return Fate("dropped", reason="no_consent")
    facts = Facts(
        gate="open", kind=REMINDER, suppressed=bool(person.suppressed), number_bad=person.number_bad_at is not None,
        body=REMINDER, zones=parse_zones_key(person.zones or ""), sent_at=sent_at,
    )  # fmt: skip
    verdict = judge(facts, now)
    if verdict.state == "posting":
        return Fate("sent")
    if verdict.not_before is None:
        return Fate("dropped", reason=REASONS.get(verdict.state, "late"))
    return Fate("waiting", until=verdict.not_before)


def _plan(tx: Transaction, runtime: Runtime, person: Any, one: Due, now: datetime) -> int | None:
    """The row of its text, in the person's language as it is now; None when it cannot be written."""
    try:
        group = tx.get_one(Group, one.group_id).name
        document = {
            "to": runtime.vault.open(person.sealed, "constituent")["phone"],
            "body": words_of(one.kind, one.step, group, one.values[person.language], person.language),
        }
    except (OutreachError, KeyError) as error:  # one person's bad row must not hold up the others
        log.error("reminder_not_rendered", kind=one.kind, error=getattr(error, "code", type(error).__name__))
        return None
    gate_id = reminder_gate(tx, one.group_id, runtime.clock)
    message = Message(
        group_id=one.group_id, gate_id=gate_id, constituent_id=person.id, number_hash=person.number_hash,
        kind=REMINDER, state="planned", language=person.language, sealed=runtime.vault.seal(document, "message"),
        not_before=now,
    )  # fmt: skip
    tx.add(message)
    tx.flush()
    append(tx, [delta(gate_id, None, "planned", 1, runtime.clock.real_now())])
    tx.enqueue(Job("messaging", SEND_BATCH, (gate_id,)))
    return message.id
