"""Texts that the carrier had before a backup was restored: booked on the messages whose words they are.

Whenever a message comes up for its POST with the same words to the same number, whether it stood in the backup or was
planned anew after it, it takes that text for its own: an attempt is opened as if the POST had been ours, with the
carrier's answer.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from outreach.core.db import Transaction
from outreach.core.runtime import Runtime
from outreach.messaging import events
from outreach.messaging.attempts import open_attempts
from outreach.messaging.claims import Claimed
from outreach.messaging.models import Message
from outreach.messaging.restored_models import FoundText
from outreach.messaging.states import HEARD_STATUS
from outreach.spending.ledger import charge_parts


@dataclass(slots=True)
class Found:
    """A text that the carrier lists. ``created_at`` is real time."""

    sid: str
    body_hash: bytes
    status: str
    error_code: int | None
    created_at: datetime


def found_texts(session: Session, number_hashes: Sequence[bytes]) -> dict[bytes, list[Found]]:
    """The texts to these numbers that no row has taken yet, oldest first."""
    rows = session.execute(
        select(
            FoundText.number_hash, FoundText.carrier_sid, FoundText.body_hash, FoundText.status, FoundText.error_code,
            FoundText.created_at,
        )
        .where(FoundText.number_hash.in_(number_hashes), FoundText.message_id.is_(None))
        .order_by(FoundText.created_at, FoundText.carrier_sid)
    )  # fmt: skip
    found: dict[bytes, list[Found]] = defaultdict(list)
    for number_hash, sid, body_hash, status, error_code, created_at in rows:
        found[number_hash].append(Found(sid, body_hash, status, error_code, created_at))
    return found


def pick(found: list[Found], body_hash: bytes) -> Found | None:
    """Take the oldest text with these words out of the list, if there is one."""
    for index, one in enumerate(found):
        if body_hash and one.body_hash == body_hash:
            return found.pop(index)
    return None


def book(tx: Transaction, runtime: Runtime, message: Claimed, found: Found) -> None:
    """Let a message that waits before its POST take a found text: the carrier has it, so nothing is posted.

    It counts for the day on which it went out: what was spent since the backup is lost with everything else.
    """
    at = runtime.clock.at(found.created_at.timestamp())
    attempt_id = open_attempts(tx, [message], at, found.created_at)[message.message_id]
    hear(tx, runtime, attempt_id, message.message_id, found)
    group_id = tx.execute(select(Message.group_id).where(Message.id == message.message_id)).scalar_one()
    charge_parts(tx, group_id, "texts", message.parts, at)


def hear(tx: Transaction, runtime: Runtime, attempt_id: int, message_id: int, found: Found) -> None:
    """Append what the list says of a message's open attempt; the folder does the rest."""
    now = runtime.clock.real_now()
    heard = [events.result(attempt_id, "accepted", now, carrier_sid=found.sid)]
    if found.status in HEARD_STATUS:
        heard.append(events.status(attempt_id, found.sid, found.status, found.error_code, now))
    events.append(tx, heard)
    tx.execute(update(FoundText).where(FoundText.carrier_sid == found.sid).values(message_id=message_id))


def doubt(tx: Transaction, runtime: Runtime, message: Claimed) -> None:
    """The carrier has a text to this number, with other words: whether it was this message a person decides."""
    now = runtime.clock.real_now()
    attempt_id = open_attempts(tx, [message], runtime.clock.now(), now)[message.message_id]
    events.append(tx, [events.result(attempt_id, "unknown", now)])
    events.append(tx, [events.result(attempt_id, "review", now)])
