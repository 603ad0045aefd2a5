"""The carrier's reports: appended, and what their code asks of us at once."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import select

from outreach.carrier.base import BAD_NUMBER_REPORTED, MISCONFIGURED
from outreach.core.runtime import Runtime
from outreach.messaging import events
from outreach.messaging.gates import halt_gate
from outreach.messaging.models import Message, MessageAttempt
from outreach.messaging.record import mark_number_bad


def record_status(
    runtime: Runtime, attempt_id: int, sid: str, status: str, error_code: int | None, received_at: datetime
) -> None:
    """Append one report. A number that cannot get texts is marked, and a wrong set-up halts its gate, in the same
    transaction; everything else is the folder's."""
    with runtime.db.transaction() as tx:
        events.append(tx, [events.status(attempt_id, sid, status, error_code, received_at)])
        if error_code not in BAD_NUMBER_REPORTED | MISCONFIGURED:
            return
        about = tx.execute(
            select(Message.number_hash, Message.gate_id)
            .join(MessageAttempt, MessageAttempt.message_id == Message.id)
            .where(MessageAttempt.id == attempt_id)
        ).first()
        if about is None:
            return
        if error_code in BAD_NUMBER_REPORTED:
            mark_number_bad(tx, runtime, about.number_hash, error_code)
        else:
            halt_gate(tx, about.gate_id, f"carrier:{error_code}")
