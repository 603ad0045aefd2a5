"""Answers to a person's text: TwiML in the webhook's response, each with a message row and attempt of its own."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, NamedTuple

from sqlalchemy import bindparam, insert, or_, select
from sqlalchemy.orm import Session

from config import table
from outreach.accounts.models import Group
from outreach.core.db import Job, Transaction
from outreach.core.hot import Hot
from outreach.core.runtime import Runtime
from outreach.core.segments import measure
from outreach.messaging.events import append, delta
from outreach.messaging.gates import SEND_BATCH, answers_gate
from outreach.messaging.inbound import Received
from outreach.messaging.models import Message, MessageAttempt
from outreach.messaging.render import fill
from outreach.messaging.slices import ANSWERS
from outreach.messaging.tactics import tactic_row
from outreach.spending.ledger import charge_parts

GROUP_NAME = Hot(select(Group.name).where(Group.id == bindparam("group")))
MESSAGE = Hot(insert(Message).returning(Message.id))
ATTEMPT = Hot(insert(MessageAttempt).returning(MessageAttempt.id))
RECENT = Hot(
    select(Message.id)
    .where(
        Message.number_hash == bindparam("number"),
        or_(*(Message.kind == kind for kind in (*ANSWERS, "confirmation"))),
        Message.not_before > bindparam("since"),
    )
    .limit(1)
)
"""Made once, and run without the unit of work: a person waits for these."""

ANSWER_LEASE = timedelta(seconds=60)
DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Answer:
    """What the webhook's TwiML says, and which attempt its status reports belong to."""

    body: str
    attempt_id: int


class Added(NamedTuple):
    """The row of an answer."""

    id: int
    gate_id: int


def fixed_answer(tx: Transaction, received: Received, kind: str, **values: str) -> str:
    """The text of ``config/message_templates/answers.toml`` for a kind, in the person's language."""
    group = GROUP_NAME.value(tx, {"group": received.group_id})
    return fill(table("message_templates/answers")[kind][received.language], {"group": group, **values})


def tactic_answer(tx: Transaction, received: Received, kind: str, **values: str) -> str:
    """The same out of ``config/tactics.toml``: the words of the campaign's tactic."""
    group = GROUP_NAME.value(tx, {"group": received.group_id})
    return fill(tactic_row(received.tactic)[kind][received.language], {"group": group, **values})


def answered_lately(session: Session, number_hash: bytes, now: datetime) -> bool:
    """Whether this number got an answer within a day of domain time."""
    return RECENT.first(session, {"number": number_hash, "since": now - DAY}) is not None


def record_answer(tx: Transaction, runtime: Runtime, received: Received, body: str, kind: str) -> Answer:
    """The row of an answer that is about to leave with the webhook's response.

    It stands at ``posting`` until the carrier reports on it; an answer that got lost on the way becomes unknown
    and is reconciled like any other text.
    """
    clock = runtime.clock
    leaving = {"state": "posting", "posted_at": clock.now(), "lease_until": clock.real_now() + ANSWER_LEASE}
    message = _add(tx, runtime, received, body, kind, leaving)
    attempt = {
        "message_id": message.id,
        "begun_at": clock.real_now(),
        "body_hash": runtime.vault.text_hash(body),
        "closed": False,
    }
    charge_parts(tx, received.group_id, "answers", measure(body).segments, clock.now())
    return Answer(body, ATTEMPT.value(tx, attempt))


def plan_answer(tx: Transaction, runtime: Runtime, received: Received, body: str, kind: str) -> None:
    """The row of an answer that a sender will post: there is no webhook to answer."""
    message = _add(tx, runtime, received, body, kind, {})
    tx.enqueue(Job("messaging", SEND_BATCH, (message.gate_id,)))


def _add(
    tx: Transaction, runtime: Runtime, received: Received, body: str, kind: str, leaving: Mapping[str, Any]
) -> Added:
    return add_answer(
        tx,
        runtime,
        group_id=received.group_id,
        constituent_id=received.constituent_id,
        number_hash=received.number_hash,
        kind=kind,
        about_gate_id=received.gate_id,
        language=received.language,
        document={"to": received.sender, "body": body},
        asked_at=received.asked_at,
        **leaving,
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
    about_gate_id: int | None = None,
    state: str = "planned",
    posted_at: datetime | None = None,
    lease_until: datetime | None = None,
) -> Added:
    """A message in the group's answers gate, planned unless it is leaving already.

    ``document``: to and body. ``about_gate_id``: the gate of the campaign that it is about. ``asked_at`` and
    ``posted_at`` are domain time, ``lease_until`` is real.
    """
    clock = runtime.clock
    gate_id = answers_gate(tx, group_id, clock)
    tx.flush()  # a plain statement does not do it by itself
    row = {
        "group_id": group_id,
        "gate_id": gate_id,
        "about_gate_id": about_gate_id,
        "constituent_id": constituent_id,
        "number_hash": number_hash,
        "kind": kind,
        "state": state,
        "language": language,
        "sealed": runtime.vault.seal(document, "message"),
        "not_before": clock.now(),
        "asked_at": asked_at,
        "posted_at": posted_at,
        "lease_until": lease_until,
    }
    message_id = MESSAGE.value(tx, row)
    append(tx, [delta(gate_id, None, "planned", 1, clock.real_now())])
    return Added(message_id, gate_id)
