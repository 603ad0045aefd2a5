"""Who is signed in where. The row is the session: deleted, its cookie opens nothing from the next request on."""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import delete, select, update
from sqlalchemy.orm import Session

from outreach.accounts import session_rules as rules
from outreach.accounts.audit import record_audit
from outreach.accounts.models import User
from outreach.accounts.role_rules import owed
from outreach.accounts.sign_in_models import Authenticator, SignIn
from outreach.core.db import Transaction
from outreach.core.errors import NotFoundError

DEVICE_LENGTH = 60


@dataclass(frozen=True, slots=True)
class Signed:
    """Somebody signed in. ``owes``: what they must set before they may do anything else."""

    sign_in_id: int
    user_id: int
    group_id: int
    name: str
    role: str
    sign_in_name: str | None
    seen_at: datetime
    confirmed_at: datetime | None
    has_password: bool
    has_code: bool
    owes: str | None


def start(
    tx: Transaction, user_id: int, now: datetime, *, device: str, confirmed: bool, how: str, owes: str | None = None
) -> str:
    """Sign a user in at a real time; the token of their cookie. ``how``: password, link or invitation."""
    token = secrets.token_urlsafe(32)
    row = SignIn(
        user_id=user_id, token_hash=token_hash(token), created_at=now, seen_at=now, owes=owes,
        confirmed_at=now if confirmed else None, device=device[:DEVICE_LENGTH],
    )  # fmt: skip
    tx.add(row)
    user = tx.get_one(User, user_id)
    _end_old(tx, user_id, now)
    record_audit(
        tx, group_id=user.group_id, actor=user.name, action="signed_in", subject=f"users:{user_id}", at=now, how=how
    )
    return token


def find(session: Session, token: str, now: datetime, *, rehearsal: bool) -> Signed | None:
    """Whose cookie it is, in one read; None when it is nobody's, or they were away for too long."""
    query = (
        select(
            SignIn.id, SignIn.user_id, SignIn.created_at, SignIn.seen_at, SignIn.confirmed_at, SignIn.owes,
            User.group_id, User.name, User.role, User.sign_in_name,
            User.password_hash.is_not(None).label("has_password"),
            Authenticator.id.is_not(None).label("has_code"),
        )
        .join(User, User.id == SignIn.user_id)
        .outerjoin(Authenticator, Authenticator.user_id == SignIn.user_id)
        .where(SignIn.token_hash == token_hash(token), User.deactivated_at.is_(None))
    )  # fmt: skip
    row: Any = session.execute(query).one_or_none()
    if row is None:
        return None
    limits = rules.limits_of(row.role, comes_back=row.has_password or not rehearsal)
    if rules.is_over(limits, row.created_at, row.seen_at, now):
        return None
    must = owed(row.role, has_password=row.has_password, has_code=row.has_code, rehearsal=rehearsal, demanded=row.owes)
    return Signed(
        row.id, row.user_id, row.group_id, row.name, row.role, row.sign_in_name, row.seen_at, row.confirmed_at,
        row.has_password, row.has_code, must,
    )  # fmt: skip


def note_seen(tx: Transaction, user_id: int, sign_in_id: int, now: datetime) -> None:
    """They are here. Of two at once the later stays."""
    own = (SignIn.id == sign_in_id, SignIn.user_id == user_id)
    tx.execute(update(SignIn).where(*own, SignIn.seen_at < now).values(seen_at=now))


def confirm(tx: Transaction, user_id: int, sign_in_id: int, now: datetime) -> str:
    """They gave their password again: a new token for the same session. Raises NotFoundError when it has ended.

    By the user as well: SQLite gives the id of a session that has ended meanwhile to whoever signs in next.
    """
    token = secrets.token_urlsafe(32)
    values = {"token_hash": token_hash(token), "confirmed_at": now, "seen_at": now}
    own = update(SignIn).where(SignIn.id == sign_in_id, SignIn.user_id == user_id)
    if tx.execute(own.values(values).returning(SignIn.id)).scalar() is None:
        raise NotFoundError("sign_in_ended")
    return token


def settle(tx: Transaction, user_id: int, sign_in_id: int, owes: str | None) -> None:
    """What a user's session still demands after a step of setting up."""
    tx.execute(update(SignIn).where(SignIn.id == sign_in_id, SignIn.user_id == user_id).values(owes=owes))


def sign_ins_of(session: Session, user_id: int, now: datetime, *, comes_back: bool = True) -> Sequence[Any]:
    """A user's sessions that are not over, the latest seen first: id, created_at, seen_at, device."""
    role = session.execute(select(User.role).where(User.id == user_id)).scalar_one()
    limits = rules.limits_of(role, comes_back=comes_back)
    rows = session.execute(
        select(SignIn.id, SignIn.created_at, SignIn.seen_at, SignIn.device)
        .where(SignIn.user_id == user_id)
        .order_by(SignIn.seen_at.desc(), SignIn.id.desc())
    ).all()
    return [row for row in rows if not rules.is_over(limits, row.created_at, row.seen_at, now)]


def end(tx: Transaction, user_id: int, sign_in_id: int) -> None:
    """Sign out. Again, it changes nothing."""
    tx.execute(delete(SignIn).where(SignIn.id == sign_in_id, SignIn.user_id == user_id))


def end_one(tx: Transaction, user_id: int, sign_in_id: int, now: datetime) -> None:
    """Revoke one of a user's own sessions. Raises NotFoundError for anybody else's."""
    own = delete(SignIn).where(SignIn.id == sign_in_id, SignIn.user_id == user_id).returning(SignIn.id)
    if tx.execute(own).scalar() is None:
        raise NotFoundError("sign_in_ended")
    _note_ended(tx, user_id, 1, now)


def end_all(tx: Transaction, user_id: int, now: datetime, *, but: int | None = None, by: str | None = None) -> int:
    """End a user's sessions, ``but`` one; how many there were. ``by``: who did it, themselves when not given."""
    others = delete(SignIn).where(SignIn.user_id == user_id).returning(SignIn.id)
    if but is not None:
        others = others.where(SignIn.id != but)
    count = len(tx.execute(others).scalars().all())
    if count:
        _note_ended(tx, user_id, count, now, by=by)
    return count


def token_hash(token: str) -> bytes:
    """What is kept of a token."""
    return hashlib.sha256(token.encode("utf-8", "surrogatepass")).digest()


def _note_ended(tx: Transaction, user_id: int, count: int, now: datetime, *, by: str | None = None) -> None:
    user = tx.get_one(User, user_id)
    record_audit(
        tx, group_id=user.group_id, actor=by or user.name, action="sessions_ended", subject=f"users:{user_id}", at=now,
        count=count,
    )  # fmt: skip


def _end_old(tx: Transaction, user_id: int, now: datetime) -> None:
    """Sessions that nobody can use any more, whatever the role: no list shows them."""
    tx.execute(delete(SignIn).where(SignIn.user_id == user_id, SignIn.created_at <= now - rules.READING.longest))
