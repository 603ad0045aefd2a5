"""A person decides about a text of which nobody knows whether it was sent: it was, send it again, or leave it.

The decision closes the attempt, so that what the carrier says later is recorded, raises an alarm and moves nothing.
"""

from __future__ import annotations

from typing import Final

from sqlalchemy import exists, select, update

from outreach.accounts.audit import record_audit
from outreach.core.db import Job, Transaction
from outreach.core.errors import BadInputError, ConflictError, NotFoundError
from outreach.core.leases import wait_for
from outreach.core.runtime import Runtime
from outreach.messaging.events import append, delta, result
from outreach.messaging.gates import SEND_BATCH, gate_state
from outreach.messaging.models import Event, Message, MessageAttempt
from outreach.messaging.states import DECISIONS
from outreach.messaging.threads import Actor
from outreach.people.consent import is_suppressed, lock_people

FOLDER_LEASE: Final = "upkeep"
"""The row that the folder locks while it moves messages; a decision must not cross one of its folds."""


def decide_message(tx: Transaction, runtime: Runtime, who: Actor, message_id: int, choice: str) -> None:
    """Carry out ``choice`` (sent, again, left). The transaction must be durable.

    Raises BadInputError for another choice, NotFoundError, ConflictError message_not_in_review when it was decided
    or heard of before; for ``again`` also answer_not_again, campaign_not_running and person_opted_out.
    """
    if choice not in DECISIONS:
        raise BadInputError("review_choice_unknown")
    wait_for(tx, FOLDER_LEASE)
    mine = select(Message).where(Message.id == message_id, Message.group_id == who.group_id)
    found = tx.execute(mine).scalar()
    if found is None:
        raise NotFoundError("message_unknown")
    lock_people(tx, [found.number_hash])
    message = tx.execute(mine.with_for_update().execution_options(populate_existing=True)).scalar_one()
    attempts = select(MessageAttempt.id).where(MessageAttempt.message_id == message.id)
    heard = exists().where(Event.attempt_id.in_(attempts), Event.folded_at.is_(None))
    if message.state != "needs_review" or message.decision or tx.execute(select(heard)).scalar():
        raise ConflictError("message_not_in_review")
    attempt_id = tx.execute(attempts.where(MessageAttempt.closed.is_(False))).scalar_one()
    if choice == "again":
        _send_again(tx, runtime, message)
    message.decision = choice
    tx.execute(update(MessageAttempt).where(MessageAttempt.id == attempt_id).values(closed=True))
    at = runtime.clock.real_now()
    word = DECISIONS[choice]
    if word:
        append(tx, [result(attempt_id, word, at)])
    record_audit(
        tx, group_id=who.group_id, actor=who.name, action="review", subject=f"message:{message.id}", at=at,
        choice=choice,
    )  # fmt: skip


def _send_again(tx: Transaction, runtime: Runtime, message: Message) -> None:
    """A new message for the same person in the same gate; hours, caps and opt-outs are looked at anew."""
    if message.kind != "campaign":
        raise ConflictError("answer_not_again")
    if gate_state(tx, message.gate_id) == "closed":
        raise ConflictError("campaign_not_running")
    if is_suppressed(tx, message.number_hash, message.group_id):
        raise ConflictError("person_opted_out")
    again = Message(
        group_id=message.group_id,
        gate_id=message.gate_id,
        recipient_id=message.recipient_id,
        retry_of=message.id,
        constituent_id=message.constituent_id,
        number_hash=message.number_hash,
        kind=message.kind,
        state="planned",
        language=message.language,
        variant=message.variant,
        not_before=runtime.clock.now(),
    )
    tx.add(again)
    tx.flush()
    append(tx, [delta(message.gate_id, None, "planned", 1, runtime.clock.real_now())])
    tx.enqueue(Job("messaging", SEND_BATCH, (message.gate_id,)))
