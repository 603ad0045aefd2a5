"""A test text: a campaign's text to the organizer's own phone, before anybody else gets it.

It goes through the group's answers gate as a message of kind ``test``: no hours and no cap, because the person asked,
but never to a number that has opted out. A group sends five in a day (UTC, real time).
"""

from __future__ import annotations

from typing import Final

from sqlalchemy import select

from outreach.accounts.audit import record_audit
from outreach.accounts.models import Group
from outreach.core.db import Job, Transaction
from outreach.core.errors import BadInputError, ConflictError
from outreach.core.phone import check_phone
from outreach.core.runtime import Runtime
from outreach.messaging.events import append, delta
from outreach.messaging.gates import SEND_BATCH, answers_gate
from outreach.messaging.models import Event, Message
from outreach.people.consent import is_suppressed, lock_people

PER_DAY: Final = 5
KIND: Final = "test"


def send_test_text(
    tx: Transaction, runtime: Runtime, *, group_id: int, phone: str, body: str, language: str, once: str
) -> bool:
    """Plan a test text to ``phone`` as somebody typed it. False when this very one was asked for before.

    ``once`` names the form that asks: the same form with the same number and text sends once. Raises BadInputError
    with the number's reason (``outreach.core.phone``), ConflictError test_number_opted_out or test_texts_spent.
    """
    verdict = check_phone(phone)
    if verdict.e164 is None:
        raise BadInputError(verdict.reason or "not_a_number")
    number_hash = runtime.vault.number_hash(verdict.e164)
    # One at a time in a group, so that the count holds; other writers of the group are not kept waiting.
    tx.execute(select(Group.id).where(Group.id == group_id).with_for_update(key_share=True))
    lock_people(tx, [number_hash])
    if is_suppressed(tx, number_hash, group_id):
        raise ConflictError("test_number_opted_out")
    if _was_asked(tx, runtime, group_id, number_hash, body, once):
        return False
    slot = free_slot(tx, runtime, group_id, KIND, "test_texts_spent")
    message = Message(
        group_id=group_id,
        gate_id=answers_gate(tx, group_id, runtime.clock),
        number_hash=number_hash,
        kind=KIND,
        state="planned",
        language=language,
        sealed=runtime.vault.seal({"to": verdict.e164, "body": body, "once": once}, "message"),
        not_before=runtime.clock.now(),
    )
    tx.add(message)
    tx.flush()
    append(tx, [delta(message.gate_id, None, "planned", 1, runtime.clock.real_now(), sid=slot)])
    tx.enqueue(Job("messaging", SEND_BATCH, (message.gate_id,)))
    record_audit(tx, group_id=group_id, action="test_text_sent", subject=f"message:{message.id}")
    return True


def _was_asked(tx: Transaction, runtime: Runtime, group_id: int, number_hash: bytes, body: str, once: str) -> bool:
    rows = tx.execute(
        select(Message.sealed)
        .where(Message.number_hash == number_hash, Message.group_id == group_id, Message.kind == KIND)
        .order_by(Message.id.desc())
        .limit(PER_DAY)
    ).scalars()
    opened = (runtime.vault.open(sealed, "message") for sealed in rows if sealed)
    return any(one.get("once") == once and one["body"] == body for one in opened)


def free_slot(tx: Transaction, runtime: Runtime, group_id: int, kind: str, spent: str) -> str:
    """The name of one of the day's five places of a kind that is not taken; each stands in one ``delta`` event.

    Lock the group first. Raises ConflictError (``spent``).
    """
    day = runtime.clock.real_now().date().isoformat()
    places = [f"{kind}:{group_id}:{day}:{place}" for place in range(1, PER_DAY + 1)]
    taken = set(tx.execute(select(Event.sid).where(Event.kind == "delta", Event.sid.in_(places))).scalars())
    for place in places:
        if place not in taken:
            return place
    raise ConflictError(spent, limit=PER_DAY)
