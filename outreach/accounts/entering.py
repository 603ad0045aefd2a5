"""Signing in by name and password, then by code; and giving one again. No error tells which part was wrong."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import nullcontext
from datetime import datetime, timedelta
from typing import Any, Final, NamedTuple

import structlog
from sqlalchemy import select, update
from sqlalchemy.orm import Session

from outreach.accounts import attempts, authenticators, sign_ins
from outreach.accounts.acting import UNKNOWN
from outreach.accounts.attempt_rules import TOLD
from outreach.accounts.attempts import Origin, Scope, Try
from outreach.accounts.audit import record_audit
from outreach.accounts.links import close_ways_in
from outreach.accounts.models import User
from outreach.accounts.passwords import Passwords, folded, normal
from outreach.accounts.sign_in_models import Authenticator
from outreach.core.db import Transaction
from outreach.core.runtime import Runtime

log = structlog.get_logger(__name__)

HALF_WAY: Final = timedelta(minutes=10)
"""So long after the password the code may follow."""


class HalfIn(NamedTuple):
    """Somebody whose password was right. ``stamp`` is when that password was set: a newer one undoes this."""

    user_id: int
    stamp: str
    at: float


def check_password(held: Runtime, passwords: Passwords, name: str, password: str, origin: Origin) -> HalfIn | None:
    """Who it is; None when name and password do not fit together. Raises TryLaterError, BusyError.

    The same work is done whether the name exists or not, and the same is counted.
    """
    now, account = held.clock.real_now(), folded(name)
    with held.db.snapshot() as session:
        row: Any = session.execute(
            select(User.id, User.group_id, User.name, User.password_hash, User.password_at).where(
                User.sign_in_name == account, User.deactivated_at.is_(None)
            )
        ).one_or_none()
    scopes = attempts.password_scopes(held.vault, account, row.id if row else None, origin)
    with passwords.turn():
        with held.db.transaction() as tx:
            tried = attempts.begin_try(tx, scopes, now)
        right = passwords.verify(row.password_hash if row else None, password)
        outdated = right and passwords.is_outdated(row.password_hash)
        fresh = passwords.hash(normal(password)) if outdated else None
    if not right:
        _note_failures(held, row, tried, now)
        return None
    with held.db.transaction() as tx:
        attempts.take_back(tx, tried, now)
        if fresh is not None:
            same = (User.id == row.id, User.password_hash == row.password_hash)
            tx.execute(update(User).where(*same).values(password_hash=fresh))
    return HalfIn(row.id, _stamp(row.password_at), now.timestamp())


def needs_code(session: Session, user_id: int) -> bool:
    """Whether this user has an app whose codes must follow the password."""
    return session.execute(select(Authenticator.id).where(Authenticator.user_id == user_id)).scalar() is not None


def finish(held: Runtime, half: HalfIn, origin: Origin, device: str, typed: str | None) -> str | None:
    """Sign in whose password was right; the session's token. None when the code is wrong, or it took too long.

    ``typed``: a code of the app, or a recovery code; None for who has no app. Raises TryLaterError.
    """
    now = held.clock.real_now()
    with held.db.snapshot() as session:
        user = _still(session, half, now)
        demanded = user is not None and needs_code(session, half.user_id)
    if user is None or (demanded and typed is None):
        return None
    scopes = attempts.code_scopes(held.vault, user.sign_in_name or "", user.id, origin)
    if demanded and not _take_code(held, user, scopes, typed or "", now):
        return None
    with held.db.transaction() as tx:
        # A new password or a reset ends the sessions that it finds: one begun beside it must see it, or be seen by it.
        tx.get(User, half.user_id, with_for_update={"key_share": True})
        if _still(tx, half, now) is None:
            return None
        attempts.forget(tx, scopes, now)
        return sign_ins.start(tx, user.id, now, device=device, confirmed=True, how="password")


def _take_code(held: Runtime, user: Any, scopes: Sequence[Scope], typed: str, now: datetime) -> bool:
    with held.db.transaction() as tx:
        tried = attempts.begin_try(tx, scopes, now)
    with held.db.transaction() as tx:
        taken = spend_any(tx, held, user.id, typed, now)
        if taken:
            attempts.take_back(tx, tried, now)
    if not taken:
        _note_failures(held, user, tried, now)
    return taken


def spend_any(tx: Transaction, held: Runtime, user_id: int, typed: str, now: datetime) -> bool:
    """Take a code of the app or a recovery code."""
    by_app = authenticators.spend_code(tx, held.vault, user_id, typed, now)
    return by_app or authenticators.spend_recovery_code(tx, held.vault, user_id, typed, now)


def confirm(held: Runtime, passwords: Passwords, user_id: int, sign_in_id: int, typed: str) -> str | None:
    """Who is signed in gives their password, or a code of their app, again: the session's new token, else None.

    Raises TryLaterError, BusyError, and NotFoundError when the session has ended.
    """
    now = held.clock.real_now()
    is_code = len("".join(typed.split())) == authenticators.DIGITS  # no password is so short
    with held.db.snapshot() as session:
        kept = session.execute(select(User.password_hash).where(User.id == user_id)).scalar()
    scopes = attempts.confirm_scopes(held.vault, sign_in_id)
    with nullcontext() if is_code else passwords.turn():
        with held.db.transaction() as tx:
            attempts.begin_try(tx, scopes, now)
        right = not is_code and passwords.verify(kept, typed)
    with held.db.transaction() as tx:
        if is_code:
            right = authenticators.spend_code(tx, held.vault, user_id, typed, now)
        if not right:
            return None
        attempts.forget(tx, scopes, now)
        return sign_ins.confirm(tx, user_id, sign_in_id, now)


def set_password(tx: Transaction, user_id: int, hashed: str, now: datetime, *, sign_in_name: str | None = None) -> None:
    """Keep a new password's hash, and where there is none yet the name to sign in with (checked before).

    Links and invitations of theirs that were not used open nothing any more.
    """
    close_ways_in(tx, user_id, now)
    values: dict[str, Any] = {"password_hash": hashed, "password_at": now}
    if sign_in_name is not None:
        values["sign_in_name"] = sign_in_name
    tx.execute(update(User).where(User.id == user_id).values(values))


def is_taken(session: Session, sign_in_name: str) -> bool:
    """Whether somebody on this instance signs in with this (folded) name."""
    return session.execute(select(User.id).where(User.sign_in_name == sign_in_name)).scalar() is not None


def _still(session: Session, half: HalfIn, now: datetime) -> Any:
    """The user, while what they gave holds."""
    user = session.get(User, half.user_id)
    if user is None or user.deactivated_at is not None or _stamp(user.password_at) != half.stamp:
        return None
    return user if abs(now.timestamp() - half.at) < HALF_WAY.total_seconds() else None


def _stamp(password_at: datetime | None) -> str:
    return password_at.isoformat() if password_at else ""


def _note_failures(held: Runtime, user: Any, tried: Try, now: datetime) -> None:
    """In the book of the account's group, at the 5th, 20th ... in a row; a name that nobody has has no group."""
    if tried.failures not in TOLD:
        return
    log.warning("sign_in_failed", failures=tried.failures, user=user.id if user else None)
    if user is not None:
        with held.db.transaction() as tx:
            record_audit(
                tx, group_id=user.group_id, actor=UNKNOWN, action="sign_in_failed", subject=f"users:{user.id}", at=now,
                failures=tried.failures,
            )  # fmt: skip
