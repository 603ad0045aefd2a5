"""What is done to a restored database before anybody may use it: whatever it holds is older than the world.

Since the backup, texts went out, people opted out, were erased, and signed out. Until that has been caught up with
(``catching_up``) nothing is sent; and no campaign goes on by itself after that either.
"""

from __future__ import annotations

import secrets
from datetime import datetime
from typing import Any, Final, NamedTuple

from sqlalchemy import delete, func, inspect, select, text, update
from sqlalchemy.orm import Session

from outreach.accounts.audit import record_for_every_group
from outreach.accounts.models import Group, LoginLink
from outreach.accounts.sign_in_models import Invitation, SignIn
from outreach.backups.backup import LAST, last_backup
from outreach.backups.protections import Protections, add_stops
from outreach.calls.models import CallSession
from outreach.calls.placing import end, locked
from outreach.core.crypto import HASH_BYTES
from outreach.core.db import Transaction
from outreach.core.leases import Bookmark, Lease
from outreach.core.runtime import Runtime
from outreach.escalations.models import Campaign
from outreach.messaging.events import append, delta
from outreach.messaging.models import Gate, Message, MessageAttempt
from outreach.messaging.recover import BOOKMARK, FIRST_LOOK_BACK
from outreach.messaging.restored import RESTORED
from outreach.messaging.restored_models import Restoration

GAP: Final = 1_000_000
"""So many ids are never given again: addresses that went out after the backup name them."""


class MadeSafe(NamedTuple):
    """How many gates were paused, scheduled launches taken back, calls called off, and opt-outs brought along."""

    paused: int
    unscheduled: int
    calls: int
    stops: int


def lock_site(tx: Transaction, backup_at: datetime, at: datetime) -> None:
    """Let nothing be sent from here on; again, it changes nothing."""
    if tx.execute(select(Restoration.id).where(Restoration.caught_up_at.is_(None)).limit(1)).first() is None:
        tx.add(Restoration(id=secrets.token_hex(16), backup_at=backup_at, restored_at=at))
        tx.flush()


def make_safe(runtime: Runtime, backup_at: datetime, protections: Protections) -> MadeSafe:
    """All of it, in one transaction. ``backup_at`` is real time."""
    at, now = runtime.clock.real_now(), runtime.clock.now()
    with runtime.db.transaction(durable=True) as tx:
        lock_site(tx, backup_at, at)
        _remember_erasures(tx, protections)
        stops = add_stops(tx, protections)
        paused = _pause_gates(tx)
        taken_back = _take_back_launches(tx, now)
        calls = _call_off(tx, runtime)
        claimed = {"state": "planned", "lease_token": None, "lease_until": None}
        tx.execute(update(Message).where(Message.state == "claimed").values(claimed))
        tx.execute(update(Lease).values(until=at))  # their holders are gone
        tx.execute(delete(SignIn))  # ended since, perhaps: everybody signs in again
        tx.execute(
            update(Invitation).where(Invitation.accepted_at.is_(None)).values(revoked_at=at)
        )  # used since, perhaps
        tx.execute(update(LoginLink).where(LoginLink.used_at.is_(None)).values(used_at=at))  # spent since, perhaps
        if tx.get(Bookmark, BOOKMARK) is None:
            tx.add(Bookmark(name=BOOKMARK, at=backup_at - FIRST_LOOK_BACK))
        _note_backup(tx, backup_at)
        _leave_ids_out(tx, at)
        record_for_every_group(tx, action="backup_restored", at=at, backup_at=backup_at.isoformat())
    return MadeSafe(paused, taken_back, calls, stops)


def _note_backup(tx: Transaction, backup_at: datetime) -> None:
    """A copy is older than the note that it was made: that of the one just proven would be lost."""
    noted = last_backup(tx)
    if noted is None or noted < backup_at:
        tx.merge(Bookmark(name=LAST, at=backup_at))


def _remember_erasures(tx: Transaction, protections: Protections) -> None:
    """They are done when the texts that the carrier has are told apart: by the words that an erasure empties."""
    mine = update(Restoration).where(Restoration.caught_up_at.is_(None))
    tx.execute(mine.values(found={"erase": [list(one) for one in protections.erased]}))


def _pause_gates(tx: Transaction) -> int:
    moved: Any = tx.execute(update(Gate).where(Gate.state == "open").values(state="paused", reason=RESTORED))
    return int(moved.rowcount)


def _take_back_launches(tx: Transaction, now: datetime) -> int:
    """A launch whose time has come since may have happened: somebody looks before it does again."""
    due = update(Campaign).where(Campaign.state == "scheduled", Campaign.launch_at <= now)
    moved: Any = tx.execute(due.values(state="draft", launch_at=None, launch_problem="restored_launch"))
    return int(moved.rowcount)


def _call_off(tx: Transaction, runtime: Runtime) -> int:
    """Whoever waited to be called has been called, or waits no more; a call under way then is over."""
    waiting = tx.execute(select(CallSession.id).where(CallSession.state == "waiting")).scalars().all()
    for session_id in waiting:
        session = locked(tx, session_id)
        if session is not None:
            end(tx, runtime, session, "canceled", RESTORED)
    return len(waiting)


def _leave_ids_out(tx: Transaction, at: datetime) -> None:
    """Links and callbacks name rows by their ids: those of rows that are lost must never mean others."""
    if tx.is_sqlite:
        _hold_places(tx, at)
        return
    for name in tx.execute(text("SELECT sequencename FROM pg_sequences WHERE schemaname = 'public'")).scalars().all():
        tx.execute(text(f"SELECT setval('public.\"{name}\"', nextval('public.\"{name}\"') + {GAP})"))


def _hold_places(tx: Transaction, at: datetime) -> None:
    """SQLite gives the next id after the largest: rows that do nothing hold places far ahead of it."""
    group = tx.execute(select(func.min(Group.id))).scalar()
    if group is None:
        return
    gate, message, attempt = (
        (tx.execute(select(func.max(model.id))).scalar() or 0) + GAP for model in (Gate, Message, MessageAttempt)
    )
    tx.add(Gate(id=gate, group_id=group, kind=RESTORED, state="closed", reason=RESTORED, created_at=at))
    tx.flush()
    tx.add(
        Message(id=message, group_id=group, gate_id=gate, number_hash=bytes(HASH_BYTES), kind=RESTORED,
                state="canceled", language="en", not_before=at)
    )  # fmt: skip
    tx.flush()
    tx.add(MessageAttempt(id=attempt, message_id=message, begun_at=at, body_hash=b"", closed=True))
    tx.flush()
    append(tx, [delta(gate, None, "canceled", 1, at)])  # a row that nobody has counted would be an alarm for ever


def has_restoration(session: Session) -> bool:
    """Whether this schema knows restorations: older backups do not, until they are migrated."""
    return inspect(session.connection()).has_table(Restoration.__tablename__)
