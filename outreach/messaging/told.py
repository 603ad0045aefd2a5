"""What somebody says without a text: by a key during a call, or on the script's page."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import bindparam, insert, select

from outreach.core.db import Transaction
from outreach.core.hot import Hot
from outreach.messaging.classify import CLASSIFIER_VERSION
from outreach.messaging.dropped import drop_of_campaign
from outreach.messaging.events import append
from outreach.messaging.matching import texts_to, variant_of
from outreach.messaging.models import Reply
from outreach.messaging.reported import report_deltas, report_moves, supersede

TOLD = Hot(insert(Reply).returning(Reply.id))
KNOWN = Hot(select(Reply.id).where(Reply.carrier_sid == bindparam("key")))


def tell(
    tx: Transaction,
    *,
    group_id: int,
    gate_id: int,
    constituent_id: int | None,
    number_hash: bytes,
    tactic: str,
    outcome: str,
    language: str,
    channel: str,
    key: str,
    at: datetime,
) -> None:
    """Note a report: it takes the place of the person's earlier one, and nobody asks them any more.

    ``channel`` is keypad or page; ``key`` names what was answered, which counts once. Lock the person first. Real time.
    """
    reply_id = note_word(
        tx, group_id=group_id, gate_id=gate_id, constituent_id=constituent_id, number_hash=number_hash,
        intent="report", tactic=tactic, outcome=outcome, language=language, channel=channel, key=key, at=at,
    )  # fmt: skip
    if reply_id is None:
        return
    moves = report_moves(supersede(tx, reply_id, number_hash, gate_id), outcome)
    variant = variant_of(texts_to(tx, number_hash), gate_id)
    append(tx, report_deltas(gate_id, moves, variant, at, key))
    drop_of_campaign(tx, number_hash, gate_id, "reported", at)


def note_word(
    tx: Transaction,
    *,
    group_id: int,
    gate_id: int,
    constituent_id: int | None,
    number_hash: bytes,
    intent: str,
    language: str,
    channel: str,
    key: str,
    at: datetime,
    tactic: str | None = None,
    outcome: str | None = None,
) -> int | None:
    """Keep a word that was no text, once for its key: the reply's row, None where it is kept already. Real time."""
    tx.flush()  # a plain statement does not do it by itself
    if KNOWN.first(tx, {"key": key}):
        return None
    row = {
        "group_id": group_id, "carrier_sid": key, "number_hash": number_hash, "constituent_id": constituent_id,
        "gate_id": gate_id, "sealed": None, "intent": intent, "tactic": tactic, "outcome": outcome,
        "channel": channel, "language": language, "confidence": 1.0, "rule": channel,
        "classifier": CLASSIFIER_VERSION, "received_at": at,
    }  # fmt: skip
    reply_id: int = TOLD.value(tx, row)
    return reply_id
