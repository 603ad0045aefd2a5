"""Claim: take planned messages for one sender, under a lease. Public state and counters do not change."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import structlog
from sqlalchemy import Row, or_, select, update
from sqlalchemy.orm import Session, aliased

from outreach.core.db import Database, Transaction
from outreach.core.errors import OutreachError
from outreach.core.phone import may_reach
from outreach.core.runtime import Runtime
from outreach.core.segments import measure
from outreach.messaging.models import IS_LEASED, Gate, GateText, Message
from outreach.messaging.render import render
from outreach.people.models import Constituent

log = structlog.get_logger(__name__)

CLAIM_LIMIT = 500
LEASE_SECONDS = 30
LOCKED_ROWS = 3
"""One row under an unknown key is damaged; so many, and most of a claim, mean that a key is missing here."""
SEEN_WITHIN = timedelta(seconds=3)


@dataclass(frozen=True, slots=True)
class Claimed:
    """A claimed message, rendered and sealed before the slice's short transaction begins."""

    message_id: int
    number_hash: bytes
    to: str
    body: str
    sealed: bytes | None
    body_hash: bytes
    zones: str = ""  # where a number without a constituent may be
    parts: int = 1


def claim(runtime: Runtime, gate_id: int, token: str, *, after: int, limit: int) -> tuple[list[Claimed], int]:
    """Claim up to ``limit`` due messages of an open gate with an id above ``after``.

    Returns them with the last id looked at (``after`` when there was none): going on from there keeps
    PostgreSQL from stepping over dead index entries again and again. A message that cannot be rendered comes
    with an empty body, and its slice fails it.
    """
    with runtime.db.transaction() as tx:
        rows = _take(tx, runtime, gate_id, token, after, min(limit, CLAIM_LIMIT))
        if not rows:
            return [], after
        real = runtime.clock.real_now()
        stale = or_(Gate.woken_at.is_(None), Gate.woken_at < real - SEEN_WITHIN)  # slices hold the row: write seldom
        tx.execute(update(Gate).where(Gate.id == gate_id, stale).values(woken_at=real))
        people, texts = read_words(tx, gate_id, rows)
    locked: list[int] = []
    claimed = [prepare(runtime, row, people.get(row.constituent_id), texts, locked) for row in rows]
    if len(locked) >= LOCKED_ROWS and 2 * len(locked) > len(rows):
        raise OutreachError("field_keys_missing")  # ours to mend, and nobody's fault: no text may fail for it
    return claimed, rows[-1].id


def read_words(tx: Session, gate_id: int, rows: Sequence[Any]) -> tuple[dict[int, Any], dict[tuple[str, str], Any]]:
    """What the rows of a gate are written out from: people by id, and the gate's texts by language and variant."""
    ids = [row.constituent_id for row in rows if row.constituent_id and row.sealed is None]
    people = tx.execute(select(Constituent.id, Constituent.sealed, Constituent.zip).where(Constituent.id.in_(ids)))
    texts = tx.execute(
        select(GateText.language, GateText.variant, GateText.template, GateText.values).where(
            GateText.gate_id == gate_id
        )
    )
    return {person.id: person for person in people}, {(text.language, text.variant): text for text in texts}


def _take(
    tx: Transaction, runtime: Runtime, gate_id: int, token: str, after: int, limit: int
) -> list[Row[int, bytes, int | None, str, str | None, bytes | None]]:
    planned = aliased(Message)
    # A CTE, because a locking sub-select inside IN may be run more than once by PostgreSQL.
    due = (
        select(planned.id)
        .join(Gate, Gate.id == planned.gate_id)
        .where(planned.gate_id == gate_id, planned.state == "planned", planned.id > after)
        .where(planned.not_before <= runtime.clock.now(), Gate.state == "open")
        .order_by(planned.id)
        .limit(limit)
        .with_for_update(of=planned, skip_locked=True)
        .cte("due")
    )
    until = runtime.clock.real_now() + timedelta(seconds=LEASE_SECONDS)
    taken = (
        update(Message)
        .where(Message.id.in_(select(due.c.id)))
        .values(state="claimed", lease_token=token, lease_until=until)
        .returning(
            Message.id, Message.number_hash, Message.constituent_id, Message.language, Message.variant, Message.sealed
        )
    )
    return sorted(tx.execute(taken).all(), key=lambda row: row.id)


def prepare(
    runtime: Runtime, row: Any, person: Any | None, texts: dict[tuple[str, str], Any], locked: list[int]
) -> Claimed:
    """A row written out; with an empty body where that cannot be done. ``locked`` gains the rows without a key."""
    try:
        if row.sealed is not None:  # an answer, or a text that was throttled: it was rendered before
            document, sealed = runtime.vault.open(row.sealed, "message"), row.sealed
        else:
            sealed_person, zip_code = (person.sealed, person.zip) if person else (b"\0", None)
            known = runtime.vault.open(sealed_person, "constituent")
            variant = row.variant or "a"
            text = texts.get((row.language, variant)) or texts["en", variant]
            body = render(text.template, text.values, {**known, "zip": zip_code or ""}, row.language)
            document = {"to": known["phone"], "body": body}
            sealed = runtime.vault.seal(document, "message")
    except (OutreachError, KeyError) as error:
        if getattr(error, "code", None) == "field_key_unknown":
            locked.append(row.id)
        # One person's bad row must not hold up everybody behind it.
        log.error("message_not_rendered", message_id=row.id, error=getattr(error, "code", type(error).__name__))
        return Claimed(row.id, row.number_hash, "", "", None, b"")
    if not may_reach(document["to"]):
        log.error("number_out_of_reach", message_id=row.id)
        return Claimed(row.id, row.number_hash, "", "", None, b"")
    hashed = runtime.vault.text_hash(document["body"])
    zones, parts = document.get("zones", ""), measure(document["body"]).segments
    return Claimed(row.id, row.number_hash, document["to"], document["body"], sealed, hashed, zones, parts)


def release(db: Database, token: str) -> None:
    """Give back what this token claimed and did not post."""
    with db.transaction() as tx:
        tx.execute(
            update(Message)
            .where(IS_LEASED, Message.lease_token == token, Message.state == "claimed")
            .values(state="planned", lease_token=None, lease_until=None)
        )
