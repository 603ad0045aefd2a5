"""Answers to a person's text: TwiML in the webhook's response, each with a message row and attempt of its own."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import select
from sqlalchemy.orm import Session

from config import table
from outreach.accounts.models import Group
from outreach.core.db import Job, Transaction
from outreach.core.runtime import Runtime
from outreach.messaging.events import append, delta
from outreach.messaging.gates import SEND_BATCH, answers_gate
from outreach.messaging.inbound import Received
from outreach.messaging.models import Message, MessageAttempt
from outreach.messaging.render import fill

ANSWER_LEASE = timedelta(seconds=60)
DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Answer:
    """What the webhook's TwiML says, and which attempt its status reports belong to."""

    body: str
    attempt_id: int


def fixed_answer(tx: Transaction, received: Received, kind: str, **values: str) -> str:
    """The text of ``config/message_templates/answers.toml`` for a kind, in the person's language."""
    group = tx.execute(select(Group.name).where(Group.id == received.group_id)).scalar_one()
    return fill(table("message_templates/answers")[kind][received.language], {"group": group, **values})


def answered_lately(session: Session, number_hash: bytes, now: datetime) -> bool:
    """Whether this number got an answer within a day of domain time."""
    recent = select(Message.id).where(
        Message.number_hash == number_hash, Message.kind.in_(("answer", "confirmation")), Message.not_before > now - DAY
    )
    return session.execute(recent.limit(1)).first() is not None


def record_answer(tx: Transaction, runtime: Runtime, received: Received, body: str, kind: str) -> Answer:
    """The row of an answer that is about to leave with the webhook's response.

    It stands at ``posting`` until the carrier reports on it; an answer that got lost on the way becomes unknown
    and is reconciled like any other text.
    """
    clock = runtime.clock
    message = _add(tx, runtime, received, body, kind)
    message.state, message.posted_at = "posting", clock.now()
    message.lease_until = clock.real_now() + ANSWER_LEASE
    attempt = MessageAttempt(
        message_id=message.id, begun_at=clock.real_now(), body_hash=runtime.vault.text_hash(body), closed=False
    )
    tx.add(attempt)
    tx.flush()
    return Answer(body, attempt.id)


def plan_answer(tx: Transaction, runtime: Runtime, received: Received, body: str, kind: str) -> None:
    """The row of an answer that a sender will post: there is no webhook to answer."""
    message = _add(tx, runtime, received, body, kind)
    tx.enqueue(Job("messaging", SEND_BATCH, (message.gate_id,)))


def _add(tx: Transaction, runtime: Runtime, received: Received, body: str, kind: str) -> Message:
    return add_answer(
        tx,
        runtime,
        group_id=received.group_id,
        constituent_id=received.constituent_id,
        number_hash=received.number_hash,
        kind=kind,
        language=received.language,
        document={"to": received.sender, "body": body},
        asked_at=received.asked_at,
    )


def add_answer(
    tx: Transaction,
    runtime: Runtime,
    *,
    group_id: int,
    constituent_id: int | None,
    number_hash: bytes,
    kind: str,
    language: str,
    document: dict[str, str],
    asked_at: datetime,
) -> Message:
    """A planned message in the group's answers gate. ``document``: to and body; ``asked_at``: domain time."""
    clock = runtime.clock
    message = Message(
        group_id=group_id,
        gate_id=answers_gate(tx, group_id, clock),
        constituent_id=constituent_id,
        number_hash=number_hash,
        kind=kind,
        state="planned",
        language=language,
        sealed=runtime.vault.seal(document, "message"),
        not_before=clock.now(),
        asked_at=asked_at,
    )
    tx.add(message)
    tx.flush()
    append(tx, [delta(message.gate_id, None, "planned", 1, clock.real_now())])
    return message
