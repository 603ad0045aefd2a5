"""The minutes of a call and of its legs, counted as they begin; what was counted is kept, so reports may repeat."""

from __future__ import annotations

from outreach.calls.models import CallLeg, CallSession
from outreach.core.db import Transaction
from outreach.core.runtime import Runtime
from outreach.spending.ledger import charge_minutes
from outreach.spending.prices import minutes_begun

DIAL_IN = "dial_in"


def charge_call(tx: Transaction, runtime: Runtime, session: CallSession, minutes: int) -> None:
    """A call lasts so many minutes that have begun, or more: what was not counted yet is."""
    more = minutes - session.minutes
    if more > 0:
        session.minutes = minutes
        inbound = session.source == DIAL_IN
        charge_minutes(tx, session.group_id, more, runtime.clock.now(), inbound=inbound)


def charge_leg(tx: Transaction, runtime: Runtime, session: CallSession, leg: CallLeg) -> None:
    """The same for a leg, by the seconds that the carrier has told of it."""
    minutes = minutes_begun(leg.seconds or 0)
    if minutes > leg.minutes:
        more, leg.minutes = minutes - leg.minutes, minutes
        charge_minutes(tx, session.group_id, more, runtime.clock.now())
