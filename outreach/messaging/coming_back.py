"""Coming back to people: follow-ups that are due become texts, each once, whoever runs this and however often.

A follow-up is a text that we begin: it keeps the hours and the caps, and is looked at again by its slice. What cannot
go now waits for its opening; what is late by then is dropped, for nobody is asked at night how it went.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any, Final, NamedTuple

import structlog
from sqlalchemy import bindparam, select, update

from outreach.core.db import Job, Transaction
from outreach.core.errors import OutreachError
from outreach.core.runtime import Runtime
from outreach.messaging.events import append, delta
from outreach.messaging.follow_up_models import ASK, PLEDGE, REMIND, FollowUp
from outreach.messaging.follow_ups import remind_later
from outreach.messaging.following import REPORTED
from outreach.messaging.gates import SEND_BATCH, follow_up_gate
from outreach.messaging.models import Gate, GateText, Message
from outreach.messaging.page_links import ASK_PARTS, newest_address, with_link
from outreach.messaging.render import fill
from outreach.messaging.slices import Facts, judge, sent_lately
from outreach.messaging.tactics import tactic_row
from outreach.people.consent import is_suppressed_clause, lock_people
from outreach.people.models import Constituent
from outreach.people.zones import parse_zones_key

log = structlog.get_logger(__name__)

CHUNK: Final = 100
WORDS: Final = {ASK: "ask", REMIND: "remind", PLEDGE: "pledge"}
"""Where the words of each kind stand in ``config/tactics.toml``."""
REASONS: Final = {"suppressed": "stopped", "failed": "number_bad"}

_owed: Any = FollowUp.__table__
DUE = (
    select(FollowUp.id, FollowUp.number_hash)
    .where(FollowUp.state == "waiting", FollowUp.due_at <= bindparam("now"))
    .order_by(FollowUp.due_at)
    .limit(CHUNK)
)
OWED = (
    select(
        FollowUp.id, FollowUp.group_id, FollowUp.gate_id, FollowUp.number_hash, FollowUp.constituent_id, FollowUp.kind,
        FollowUp.expires_at, FollowUp.asked_at, Gate.state.label("gate"), Gate.tactic, Constituent.language,
        Constituent.zones, Constituent.sealed, Constituent.number_bad_at, REPORTED.label("has_reported"),
        is_suppressed_clause(FollowUp.number_hash, FollowUp.group_id).label("suppressed"),
    )
    .join(Gate, Gate.id == FollowUp.gate_id)
    .outerjoin(Constituent, Constituent.id == FollowUp.constituent_id)
    .where(FollowUp.id.in_(bindparam("ids", expanding=True)), FollowUp.state == "waiting")
    .order_by(FollowUp.id)
    .with_for_update(of=_owed)
)  # fmt: skip
CHANGE = (
    update(_owed)
    .where(_owed.c.id == bindparam("its_id"))
    .values(
        state=bindparam("to"), reason=bindparam("why"), message_id=bindparam("text"),
        due_at=bindparam("due", type_=_owed.c.due_at.type),
    )
)  # fmt: skip


class Fate(NamedTuple):
    """What becomes of a follow-up: sent, waiting (until when) or dropped (why)."""

    state: str
    until: datetime | None = None
    reason: str | None = None


def fate(facts: Facts, now: datetime) -> Fate:
    """Decide one that is due, by the rules of the slice that its text would go out with. Pure."""
    if facts.answered:
        return Fate("dropped", reason="reported")
    if facts.gate == "closed":
        return Fate("dropped", reason="over")
    verdict = judge(facts, now)
    if verdict.state == "posting":
        return Fate("sent")
    if verdict.not_before is None:
        return Fate("dropped", reason=REASONS.get(verdict.state, "late"))
    if facts.expires_at is not None and verdict.not_before > facts.expires_at:
        return Fate("dropped", reason="no_opening")
    return Fate("waiting", until=verdict.not_before)


def plan_follow_ups(runtime: Runtime) -> int:
    """Plan the texts of some follow-ups that are due; how many were looked at."""
    now = runtime.clock.now()
    with runtime.db.snapshot() as reading:
        due = reading.execute(DUE, {"now": now}).all()
    if not due:
        return 0
    with runtime.db.transaction() as tx:
        lock_people(tx, [row.number_hash for row in due])
        # A later statement than the locks: a report or STOP that came before is seen, and who planned one as well.
        rows = tx.connection().execute(OWED, {"ids": [row.id for row in due]}).all()
        if rows:
            _work_off(tx, runtime, rows, now)
    return len(due)


def _work_off(tx: Transaction, runtime: Runtime, rows: Sequence[Any], now: datetime) -> None:
    sent = sent_lately(tx, [row.number_hash for row in rows], now)
    changes = []
    for row in rows:
        facts = _facts(row, tuple(sent[row.number_hash]))
        found = fate(facts, now)
        message_id = None
        if found.state == "sent":
            message_id = _plan(tx, runtime, row, now)
            if message_id is None:
                found = Fate("dropped", reason="no_text")
            else:
                sent[row.number_hash].append(now)  # two campaigns may be due in the same moment
                if row.kind != REMIND:
                    remind_later(tx, row, facts.zones, now)
        if found.state == "dropped":
            log.info("follow_up_dropped", follow_up_id=row.id, kind=row.kind, reason=found.reason)
        changes.append(
            {"its_id": row.id, "to": found.state, "why": found.reason, "text": message_id, "due": found.until or now}
        )
    tx.connection().execute(CHANGE, changes)


def _facts(row: Any, sent_at: tuple[datetime, ...]) -> Facts:
    return Facts(
        gate=row.gate,
        kind=row.kind,
        suppressed=bool(row.suppressed),
        number_bad=row.number_bad_at is not None or row.sealed is None,
        body=row.kind,  # it is written once it may go
        zones=parse_zones_key(row.zones or ""),
        sent_at=sent_at,
        asked_at=row.asked_at,
        answered=bool(row.has_reported),
        expires_at=row.expires_at,
    )


def _plan(tx: Transaction, runtime: Runtime, row: Any, now: datetime) -> int | None:
    """The row of its text, in the person's language as it is now; None when it cannot be written."""
    try:
        document = {
            "to": runtime.vault.open(row.sealed, "constituent")["phone"],
            "body": _body(tx, runtime, row),
        }
    except (OutreachError, KeyError) as error:  # one person's bad row must not hold up the others
        log.error("follow_up_not_rendered", follow_up_id=row.id, error=getattr(error, "code", type(error).__name__))
        return None
    gate_id = follow_up_gate(tx, row.group_id, runtime.clock)
    message = Message(
        group_id=row.group_id,
        gate_id=gate_id,
        about_gate_id=row.gate_id,
        constituent_id=row.constituent_id,
        number_hash=row.number_hash,
        kind=row.kind,
        state="planned",
        language=row.language,
        sealed=runtime.vault.seal(document, "message"),
        not_before=now,
        asked_at=row.asked_at,
    )
    tx.add(message)
    tx.flush()
    append(tx, [delta(gate_id, None, "planned", 1, runtime.clock.real_now())])
    tx.enqueue(Job("messaging", SEND_BATCH, (gate_id,)))
    return message.id


def _body(tx: Transaction, runtime: Runtime, row: Any) -> str:
    """Its words; who is asked may answer on the script's page as well, where the link makes the text no longer."""
    values = tx.execute(
        select(GateText.values).where(
            GateText.gate_id == row.gate_id, GateText.language == row.language, GateText.variant == "a"
        )
    ).scalar()
    body = fill(tactic_row(row.tactic)[WORDS[row.kind]][row.language], values or {})
    address = newest_address(tx, runtime, row.number_hash, row.gate_id)
    return with_link(body, address, row.language, ASK_PARTS) if address else body
