"""The ceiling of planning: the same rows by one INSERT ... SELECT a table, in one transaction that is rolled back."""

from __future__ import annotations

import time

from sqlalchemy import insert, literal, select

from outreach.core.db import Transaction
from outreach.core.runtime import Runtime
from outreach.escalations.models import Recipient, Wave
from outreach.messaging.models import Message
from outreach.people.models import Constituent, ListMembership
from outreach.story.play import Launched


class Undone(Exception):
    """Nothing of it shall stay."""


def bare_plan(runtime: Runtime, launched: Launched) -> float:
    """Insert the wave's recipients and messages without any rule; seconds. Nothing of it stays."""
    began = time.perf_counter()
    try:
        with runtime.db.transaction() as tx:
            _insert(tx, runtime, launched)
            seconds = time.perf_counter() - began
            raise Undone
    except Undone:
        return seconds


def _insert(tx: Transaction, runtime: Runtime, launched: Launched) -> None:
    wave = tx.get_one(Wave, launched.wave_id)
    members = select(
        literal(wave.group_id), literal(wave.id), Constituent.id, Constituent.number_hash
    ).join(ListMembership, ListMembership.constituent_id == Constituent.id)  # fmt: skip
    members = members.where(ListMembership.list_id.in_(wave.audience["lists"])).order_by(Constituent.id)
    columns = ["group_id", "wave_id", "constituent_id", "number_hash"]
    tx.execute(insert(Recipient).from_select(columns, members))
    texts = (
        select(
            Recipient.group_id, literal(wave.gate_id), Recipient.id, Constituent.id, Recipient.number_hash,
            literal("campaign"), literal("planned"), Constituent.language,
            literal(runtime.clock.now(), Message.not_before.type), literal(0),
        )
        .join(Constituent, Constituent.id == Recipient.constituent_id)
        .where(Recipient.wave_id == wave.id)
        .order_by(Constituent.id)
    )  # fmt: skip
    columns = ["group_id", "gate_id", "recipient_id", "constituent_id", "number_hash", "kind", "state", "language",
               "not_before", "checks"]  # fmt: skip
    tx.execute(insert(Message).from_select(columns, texts))
