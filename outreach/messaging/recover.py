"""What the carrier told us and we did not hear: fetched by sid, or listed. CARRIER.md, "Persist, then answer".

Everything found goes the way of the webhook that was missed.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import structlog
from sqlalchemy import func, select, update

from outreach.carrier.base import Carrier, CarrierError
from outreach.core.runtime import Runtime
from outreach.messaging.inbound import InboundText
from outreach.messaging.models import Message, MessageAttempt, Reply
from outreach.messaging.reports import record_status
from outreach.messaging.states import SILENCE

log = structlog.get_logger(__name__)

AT_ONCE = 20
FETCHES = 3
LOOK_BACK = timedelta(minutes=5)
WEBHOOK_MAY_TAKE = timedelta(seconds=20)
"""Younger texts may be on their way: the carrier waits 15 s for an answer, and tries a failed connection again."""
FIRST_LOOK_BACK = timedelta(days=1)


def fetch_silent(runtime: Runtime, carrier: Carrier) -> int:
    """Fetch accepted and sent messages that nothing was heard of for 10 minutes of domain time; how many were."""
    with runtime.db.snapshot() as session:
        silent = session.execute(
            select(Message.id, Message.carrier_sid, Message.checks, MessageAttempt.id.label("attempt_id"))
            .join(MessageAttempt, MessageAttempt.message_id == Message.id)
            .where(Message.next_check_at <= runtime.clock.now(), Message.state.in_(("accepted", "sent")))
            .where(MessageAttempt.closed.is_(False), Message.carrier_sid.is_not(None))
            .order_by(Message.next_check_at)
            .limit(AT_ONCE)
        ).all()
    for row in silent:
        try:
            found = carrier.fetch_message(row.carrier_sid)
        except CarrierError as error:
            log.warning("fetch_failed", message_id=row.id, error=type(error).__name__, code=error.code)
        else:
            at = runtime.clock.real_now()
            record_status(runtime, row.attempt_id, row.carrier_sid, found.status, found.error_code, at)
        again = runtime.clock.now() + SILENCE if row.checks + 1 < FETCHES else None
        with runtime.db.transaction() as tx:
            tx.execute(
                update(Message)
                .where(Message.id == row.id, Message.state.in_(("accepted", "sent")))
                .values(checks=row.checks + 1, next_check_at=again)
            )
    return len(silent)


def list_missed(runtime: Runtime, carrier: Carrier, answer: Callable[[Runtime, InboundText], None]) -> int:
    """Give ``answer`` every text to our number that no webhook brought, oldest first; how many there were."""
    ours = runtime.settings.twilio_from_number
    if ours is None:
        return 0
    with runtime.db.snapshot() as session:
        newest = session.execute(select(func.max(Reply.received_at))).scalar()
    since = newest - LOOK_BACK if newest else runtime.clock.real_now() - FIRST_LOOK_BACK
    try:
        listed = [found for found in carrier.list_to(ours, since) if found.inbound and found.sender]
    except CarrierError as error:
        log.warning("list_failed", error=type(error).__name__, code=error.code)
        return 0
    with runtime.db.snapshot() as session:
        sids = [found.sid for found in listed]
        known = set(session.execute(select(Reply.carrier_sid).where(Reply.carrier_sid.in_(sids))).scalars())
    settled = runtime.clock.real_now() - WEBHOOK_MAY_TAKE
    missed = [found for found in reversed(listed) if found.sid not in known and found.created_at <= settled]
    for found in missed:
        log.warning("reply_found_by_listing", sid=found.sid)
        answer(runtime, InboundText(found.sid, found.sender or "", found.to, found.body, found.created_at))
    return len(missed)
