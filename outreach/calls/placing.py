"""Calling those who asked: claim, create, note what came of it. Nobody is called twice for one asking.

A session is claimed in a durable transaction before the carrier is asked, and its answer is noted after. An answer that
got lost leaves the session ``unknown``: the call proves itself by its first webhook, and is never made again.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

import structlog
from sqlalchemy import select, update
from sqlalchemy.orm import Session

from outreach.calls.asking import PLACE, lease, opened, zones_of_person
from outreach.calls.charging import charge_call
from outreach.calls.counts import count_call
from outreach.calls.models import CAPTAIN, GOES_ON, MEMBER, TEST, CallLeg, CallSession
from outreach.calls.subject import is_on, is_open, may_go_on
from outreach.carrier.base import Ambiguous, Caller, CarrierError, Throttled, Unreachable
from outreach.core.db import Transaction
from outreach.core.pace import SharedRate
from outreach.core.phone import may_reach
from outreach.core.runtime import Runtime
from outreach.messaging.restored import is_catching_up
from outreach.people.consent import is_suppressed, lock_owner
from outreach.people.quiet_hours import window
from outreach.spending.caps import cap_is_reached

log = structlog.get_logger(__name__)

WAITS_FOR: Final = timedelta(minutes=10)
"""Whoever asked is called within this much domain time, or not any more (COMPLIANCE.md)."""
CALLED_LATER_FOR: Final = timedelta(minutes=30)
KEEPS_HOURS: Final = frozenset({"later", "page", CAPTAIN, MEMBER})
"""Whoever is called then, or leads, or holds a link, did not ask from that phone in this minute."""
CAP_LOOK: Final = timedelta(minutes=1)
"""How soon a call that the group's spend cap holds back is looked at again (domain time)."""
RING_SECONDS: Final = 40
TIME_LIMIT: Final = 1_800
PLACING_SECONDS: Final = 30.0
RINGING_SECONDS: Final = 300.0
"""Real seconds within which a call that was placed is heard of, or it is over."""
TALKING_SECONDS: Final = float(TIME_LIMIT)
AGAIN_SECONDS: Final = 5.0
PAUSE: Final = 0.05


@dataclass(frozen=True, slots=True)
class Placed:
    """A claimed session, as the carrier needs it."""

    session_id: int
    to: str


def place_due(runtime: Runtime, caller: Caller, *, seconds: float, stopping: Callable[[], bool] = lambda: False) -> int:
    """Call whoever's turn it is, for some seconds of real time; how many calls were placed."""
    settings = runtime.settings
    rate = SharedRate(settings.redis_url, "calls", settings.call_rate)
    placed, until = 0, time.monotonic() + seconds
    while time.monotonic() < until and not stopping():
        waiting = _due(runtime)
        if not waiting:
            return placed
        for session_id in waiting:
            while rate.take([1]) == 0 and time.monotonic() < until:
                time.sleep(PAUSE)
            if time.monotonic() >= until or stopping():
                break
            claimed = _claim(runtime, session_id)
            if claimed is not None:
                placed += _place(runtime, caller, claimed)
    if _due(runtime):
        runtime.db.send(PLACE)
    return placed


def _due(runtime: Runtime) -> list[int]:
    with runtime.db.snapshot() as session:
        due = select(CallSession.id).where(
            GOES_ON, CallSession.state == "waiting", CallSession.not_before <= runtime.clock.now()
        )
        if is_catching_up(session):
            return []
        return list(session.execute(due.order_by(CallSession.not_before, CallSession.id).limit(50)).scalars())


def _claim(runtime: Runtime, session_id: int) -> Placed | None:
    """Take the session if it may still be called; committed durably before anybody is."""
    with runtime.db.transaction(durable=True) as tx:
        number_hash = tx.execute(select(CallSession.number_hash).where(CallSession.id == session_id)).scalar_one()
        lock_owner(tx, number_hash)
        session = locked(tx, session_id)
        if session is None or session.state != "waiting":
            return None
        to = opened(runtime, session)["to"]
        why = _why_not(tx, session, to, runtime.clock.now())
        if why == "over" and may_go_on(tx, session.gate_id):
            session.not_before = runtime.clock.after_real(AGAIN_SECONDS)
            return None
        if why is None and session.source != TEST and cap_is_reached(tx, runtime, session.group_id):
            session.not_before = runtime.clock.now() + CAP_LOOK  # called in time if the cap is raised, else too late
            return None
        if why or not to:
            end(tx, runtime, session, "canceled", why or "erased")
            return None
        session.state, session.lease_until = "placing", lease(runtime, PLACING_SECONDS)
        charge_call(tx, runtime, session, 1)
        return Placed(session.id, to)


def _why_not(tx: Transaction, session: CallSession, to: str, now: datetime) -> str | None:
    """Why a session is not to be called any more."""
    late = CALLED_LATER_FOR if session.source == "later" else WAITS_FOR
    if now > session.asked_at + late:
        return "late"
    # Such a call keeps to the person's hours, however long it has waited behind others.
    if session.source in KEEPS_HOURS and not window(zones_of_person(tx, session, to), now).open:
        return "late"
    if is_suppressed(tx, session.number_hash, session.group_id):
        return "stopped"
    if to and not may_reach(to):
        return "region"
    goes_on = is_open if session.source in {CAPTAIN, MEMBER} else is_on
    return None if session.source == TEST or goes_on(tx, session.gate_id) else "over"


def _place(runtime: Runtime, caller: Caller, one: Placed) -> bool:
    base = f"{runtime.settings.public_base_url}/twilio/voice/{one.session_id}"
    values: dict[str, Any]
    try:
        sid = caller.create_call(
            to=one.to, url=f"{base}/0", status_callback=f"{base}/status", ring_seconds=RING_SECONDS,
            time_limit=TIME_LIMIT,
        )  # fmt: skip
    except (Throttled, Unreachable) as error:  # proven not placed
        log.warning("call_waits", session_id=one.session_id, error=type(error).__name__)
        values = {"state": "waiting", "not_before": runtime.clock.after_real(AGAIN_SECONDS), "lease_until": None}
    except Ambiguous:
        values = {"state": "unknown", "lease_until": lease(runtime, RINGING_SECONDS)}
    except CarrierError as error:
        log.warning("call_refused", session_id=one.session_id, code=error.code)
        with runtime.db.transaction() as tx:
            session = locked(tx, one.session_id)
            if session is not None and session.state == "placing":
                end(tx, runtime, session, "refused", str(error.code))
        return False
    else:
        values = {"state": "placed", "carrier_sid": sid, "lease_until": lease(runtime, RINGING_SECONDS)}
    with runtime.db.transaction() as tx:
        # The person may have picked up by now: then the webhook has moved the session on.
        mine = update(CallSession).where(CallSession.id == one.session_id)
        moved: Any = tx.execute(mine.where(CallSession.state == "placing").values(values))
        if not moved.rowcount and values.get("carrier_sid"):
            tx.execute(mine.where(CallSession.carrier_sid.is_(None)).values(carrier_sid=values["carrier_sid"]))
    return bool(values["state"] == "placed")


def locked(tx: Session, session_id: int) -> CallSession | None:
    """The session's row, held until the transaction ends."""
    query = select(CallSession).where(CallSession.id == session_id).with_for_update()
    return tx.execute(query.execution_options(populate_existing=True)).scalar()


def end(tx: Transaction, runtime: Runtime, session: CallSession, state: str, ending: str) -> None:
    """A session is over; its campaign counts how, unless it was a test."""
    session.state, session.ending, session.ended_at = state, ending, runtime.clock.now()
    session.lease_until = None
    count_call(tx, session, state if state != "ended" else ending, runtime.clock.real_now())


def sweep_calls(runtime: Runtime) -> int:
    """A step of upkeep: wake whoever calls, and end what nothing is heard of any more. How many sessions were ended."""
    now = runtime.clock.real_now()
    with runtime.db.snapshot() as session:
        silent = select(CallSession.id).where(
            GOES_ON, CallSession.state.in_(("placing", "unknown", "placed", "talking")), CallSession.lease_until < now
        )
        ids = list(session.execute(silent.limit(200)).scalars())
        waits = select(CallSession.id).where(
            GOES_ON, CallSession.state == "waiting", CallSession.not_before <= runtime.clock.now()
        )
        is_due = session.execute(waits.limit(1)).first() is not None
    for session_id in ids:
        with runtime.db.transaction() as tx:
            found = locked(tx, session_id)
            if found is None or found.lease_until is None or found.lease_until >= now:
                continue
            if found.state == "placing":  # its worker died: the carrier may have been asked
                found.state, found.lease_until = "unknown", lease(runtime, RINGING_SECONDS)
            else:
                end(tx, runtime, found, "ended", "lost")
                hanging = update(CallLeg).where(CallLeg.session_id == found.id, CallLeg.ended_at.is_(None))
                tx.execute(hanging.values(ended_at=found.ended_at))  # or its office would have a line less for ever
    if is_due:
        runtime.db.send(PLACE)
    return len(ids)
