"""One-time links that sign somebody in. The database holds only a hash of the token."""

from __future__ import annotations

import hashlib
import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import select, update
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Session

from outreach.accounts.models import Group, LoginLink, User
from outreach.accounts.sign_in_models import Invitation
from outreach.core.db import Transaction
from outreach.core.errors import BadInputError

VALID_FOR = timedelta(hours=24)
NAME_LENGTH = 120


@dataclass(frozen=True, slots=True)
class Identity:
    """Who somebody is once they have signed in."""

    user_id: int
    group_id: int
    name: str
    role: str


def ensure_group(tx: Transaction, name: str, now: datetime) -> int:
    """The group of this name, made if there is none, with its first admin. Raises BadInputError."""
    name = name.strip()
    if not 1 <= len(name) <= NAME_LENGTH:
        raise BadInputError("group_name")
    found = tx.execute(select(Group.id).where(Group.name == name)).scalar()
    if found is not None:
        return found
    # The first texts that a new site gets may come at once: the second waits here, then finds the first one's group.
    insert = (sqlite if tx.is_sqlite else postgresql).insert(Group).values(name=name, created_at=now)
    statement = insert.on_conflict_do_nothing(index_elements=["name"]).returning(Group.id)
    made: int | None = tx.execute(statement).scalar()
    if made is None:
        return tx.execute(select(Group.id).where(Group.name == name)).scalar_one()
    first = tx.execute(select(User.id).limit(1)).scalar() is None  # somebody has to run the site
    tx.add(User(group_id=made, name="admin", role="instance" if first else "admin", created_at=now))
    tx.flush()
    return made


def make_login_link(tx: Transaction, user_id: int, real_now: datetime) -> str:
    """A token for ``/enter/<token>``, good once within 24 hours of real time."""
    token = secrets.token_urlsafe(32)
    tx.add(LoginLink(user_id=user_id, token_hash=_hash(token), expires_at=real_now + VALID_FOR, used_at=None))
    return token


def use_login_link(tx: Transaction, token: str, real_now: datetime) -> Identity | None:
    """Spend a token; None when it is unknown, spent or too old. Of two at once, one gets in."""
    user_id = tx.execute(
        update(LoginLink)
        .where(LoginLink.token_hash == _hash(token), LoginLink.used_at.is_(None), LoginLink.expires_at > real_now)
        .values(used_at=real_now)
        .returning(LoginLink.user_id)
    ).scalar()
    return None if user_id is None else find_user(tx, user_id)


def close_ways_in(tx: Transaction, user_id: int, real_now: datetime) -> None:
    """What would let a user in by a link or an invitation that was made before now opens nothing any more.

    A new password, a reset or the end of an account answers to somebody else having a way in: a link that was read
    by them, and not yet used, would be one more. Call it before the user's row is touched: so links are locked first.
    """
    unused = (LoginLink.user_id == user_id, LoginLink.used_at.is_(None))
    tx.execute(update(LoginLink).where(*unused).values(used_at=real_now))
    open_ = (Invitation.user_id == user_id, Invitation.accepted_at.is_(None), Invitation.revoked_at.is_(None))
    tx.execute(update(Invitation).where(*open_).values(revoked_at=real_now))


def find_user(session: Session, user_id: int) -> Identity | None:
    """A user by id, unless deactivated."""
    user = session.get(User, user_id)
    if user is None or user.deactivated_at is not None:
        return None
    return Identity(user.id, user.group_id, user.name, user.role)


def first_admin(session: Session, group_id: int) -> int:
    """The id of a group's first admin. A group always has one (``colleagues``)."""
    admins = (User.group_id == group_id, User.role.in_(("admin", "instance")), User.deactivated_at.is_(None))
    return session.execute(select(User.id).where(*admins).order_by(User.id).limit(1)).scalar_one()


def _hash(token: str) -> bytes:
    return hashlib.sha256(token.encode()).digest()
