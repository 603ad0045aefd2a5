"""What the carrier told us and we did not hear: fetched by sid, or listed. CARRIER.md, "Persist, then answer".

Everything found goes the way of the webhook that was missed.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime, timedelta

import structlog
from sqlalchemy import select, update
from sqlalchemy.exc import OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeout

from outreach.carrier.base import Carrier, CarrierError
from outreach.core.leases import Bookmark
from outreach.core.runtime import Runtime
from outreach.messaging.inbound import InboundText
from outreach.messaging.models import Message, MessageAttempt, Reply
from outreach.messaging.reports import record_status
from outreach.messaging.states import SILENCE

log = structlog.get_logger(__name__)

AT_ONCE = 20
BOOKMARK = "inbound listed"
FETCHES = 3
LOOK_BACK = timedelta(minutes=5)
WEBHOOK_MAY_TAKE = timedelta(seconds=20)
"""Younger texts may be on their way: the carrier waits 15 s for an answer, and tries a failed connection again."""
FIRST_LOOK_BACK = timedelta(days=1)


def fetch_silent(runtime: Runtime, carrier: Carrier) -> int:
    """Fetch accepted and sent messages that nothing was heard of for 10 minutes of domain time; how many were."""
    with runtime.db.snapshot() as session:
        # By itself: joined, every attempt may be read for the few that are silent.
        due = select(Message.id).where(
            Message.next_check_at <= runtime.clock.now(), Message.state.in_(("accepted", "sent"))
        )
        ids = session.execute(due.order_by(Message.next_check_at).limit(AT_ONCE)).scalars().all()
        if not ids:
            return 0
        silent = session.execute(
            select(Message.id, Message.carrier_sid, Message.checks, MessageAttempt.id.label("attempt_id"))
            .join(MessageAttempt, MessageAttempt.message_id == Message.id)
            .where(Message.id.in_(ids), MessageAttempt.closed.is_(False), Message.carrier_sid.is_not(None))
            .order_by(Message.next_check_at)
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


def list_missed(
    runtime: Runtime,
    carrier: Carrier,
    answer: Callable[[Runtime, InboundText], None],
    *,
    pool: Sequence[str] | None = (),
) -> int:
    """Give ``answer`` every text to our numbers that no webhook brought, oldest first; how many there were.

    It looks back to the beginning of the last listing that went through, whatever webhooks have brought since.
    ``pool``: the numbers of the Messaging Service, which people answer to as well; None: they are not known, and what
    is found without them does not count as gone through.
    """
    ours = sorted({number for number in (runtime.settings.twilio_from_number, *(pool or ())) if number})
    if not ours:
        return 0
    began = runtime.clock.real_now()
    with runtime.db.snapshot() as session:
        last = session.execute(select(Bookmark.at).where(Bookmark.name == BOOKMARK)).scalar()
    since = last - LOOK_BACK if last else began - FIRST_LOOK_BACK
    try:
        listed = [
            found for number in ours for found in carrier.list_to(number, since) if found.inbound and found.sender
        ]
    except CarrierError as error:
        log.warning("list_failed", error=type(error).__name__, code=error.code)
        return 0
    missed = [found for found in reversed(listed) if found.created_at <= began - WEBHOOK_MAY_TAKE]
    missed.sort(key=lambda found: found.created_at)  # of several numbers; within one it stays as it is
    with runtime.db.snapshot() as session:
        sids = [found.sid for found in missed]
        known = set(session.execute(select(Reply.carrier_sid).where(Reply.carrier_sid.in_(sids))).scalars())
    missed = [found for found in missed if found.sid not in known]
    refused: list[datetime] = []
    for found in missed:
        log.warning("reply_found_by_listing", sid=found.sid)
        try:
            answer(runtime, InboundText(found.sid, found.sender or "", found.to, found.body, found.created_at))
        except (OperationalError, PoolTimeout):  # the database is away, for this text and for all others
            raise
        except Exception:  # one text that we cannot take must not hide the next one's STOP
            log.exception("reply_not_taken", sid=found.sid)
            refused.append(found.created_at)
    if pool is None:
        return len(missed)
    # What was not taken is listed again, for a day.
    read_to = max(min(refused), began - FIRST_LOOK_BACK) if refused else began
    with runtime.db.transaction() as tx:
        tx.merge(Bookmark(name=BOOKMARK, at=read_to))
    return len(missed)
