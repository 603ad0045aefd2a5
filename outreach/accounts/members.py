"""Who belongs to a group, and what they may do in it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

from sqlalchemy import select
from sqlalchemy.orm import Session

from outreach.accounts.models import User

ORGANIZERS: Final = ("organizer", "admin", "instance")
"""Roles that may send."""


def organizers_of(session: Session, group_id: int) -> Sequence[Any]:
    """Who of a group may send, by name: id and name."""
    own = (User.group_id == group_id, User.role.in_(ORGANIZERS), User.deactivated_at.is_(None))
    return session.execute(select(User.id, User.name).where(*own).order_by(User.name)).all()


def organizer_of(session: Session, group_id: int, user_id: int) -> bool:
    """Whether a user is of this group and may send."""
    return user_id in {row.id for row in organizers_of(session, group_id)}
