"""Somebody wants to be called: a session is noted, once at a time for a number."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any, Final

from sqlalchemy import select
from sqlalchemy.orm import Session

from outreach.calls.counts import count_call
from outreach.calls.models import LIVE, CallSession
from outreach.calls.office_hours import opening
from outreach.calls.subject import is_on, offices_of, zones_of
from outreach.core.db import Job, Transaction
from outreach.core.runtime import Runtime
from outreach.officials.models import Office
from outreach.people.models import Constituent
from outreach.people.quiet_hours import window
from outreach.people.zones import parse_zones_key, zones_for

PLACE: Final = Job("calls", "workers.calls.place_calls")
CONTEXT: Final = "call"
"""Of the sealed documents of sessions and turns."""
TRIES: Final = 20
"""So often the hours of a person and of an office are held against each other to find a time in both."""


def live_session(tx: Session, number_hash: bytes) -> int | None:
    """The session of a number that is not over. Lock the person first."""
    found: int | None = tx.execute(
        select(CallSession.id).where(CallSession.number_hash == number_hash, CallSession.state.in_(LIVE))
    ).scalar()
    return found


def ask_call(
    tx: Transaction,
    runtime: Runtime,
    *,
    group_id: int,
    gate_id: int,
    constituent_id: int | None,
    number_hash: bytes,
    to: str,
    known: Mapping[str, str],
    language: str,
    source: str,
    asked_at: datetime,
    not_before: datetime | None = None,
) -> CallSession | None:
    """Note that somebody wants to be put through; a worker calls them. Lock the person first; domain times.

    None where the campaign wants no calls any more, or its official has no number. Whoever is being called already is
    not called twice: ask ``live_session`` before. ``known``: what the script says of them.
    """
    offices = offices_of(tx, gate_id) if is_on(tx, gate_id) else []
    if not offices:
        return None
    session = CallSession(
        group_id=group_id,
        gate_id=gate_id,
        constituent_id=constituent_id,
        number_hash=number_hash,
        sealed=runtime.vault.seal({"to": to, "known": dict(known)}, CONTEXT),
        language=language,
        source=source,
        state="waiting",
        stage="greeting",
        office_ids=[office.id for office in offices],
        asked_at=asked_at,
        not_before=not_before or asked_at,
    )
    tx.add(session)
    tx.flush()
    count_call(tx, session, "asked", runtime.clock.real_now())
    if source != "dial_in" and not_before is None:
        tx.enqueue(PLACE)
    return session


def next_common(zones: tuple[str, ...], office: Office, now: datetime) -> datetime | None:
    """The first instant at which a person in these zones may be called and the office picks up. Pure but for its row.

    None where the two do not meet within the horizon of either.
    """
    at: datetime | None = now
    for _ in range(TRIES):
        if at is None:
            return None
        hours = opening(office.hours, zones_of(office), at)
        if not hours.open:
            at = hours.opens_at
            continue
        person = window(zones, at)
        if person.open:
            return at
        at = person.opens_at
    return None


def zones_of_person(tx: Transaction, session: CallSession, to: str) -> tuple[str, ...]:
    """Every zone in which whoever is called may be."""
    key = tx.execute(select(Constituent.zones).where(Constituent.id == session.constituent_id)).scalar()
    return parse_zones_key(key) if key else zones_for(to)


def opened(runtime: Runtime, session: CallSession) -> dict[str, Any]:
    """A session's document: ``to`` and ``known``; both empty once its words have gone."""
    return runtime.vault.open(session.sealed, CONTEXT) if session.sealed else {"to": "", "known": {}}


def lease(runtime: Runtime, seconds: float) -> datetime:
    """So many seconds of real time from now."""
    return runtime.clock.real_now() + timedelta(seconds=seconds)
