"""What a group has chosen for its own safety: whether launches need a second person."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import Boolean, ForeignKey, String, false, select
from sqlalchemy.orm import Mapped, Session, mapped_column

from outreach.core.db import Base
from outreach.core.errors import ConflictError


class GroupSafety(Base):
    """A group's choices; where it has no row, it has chosen nothing."""

    __tablename__ = "group_safety"

    group_id: Mapped[int] = mapped_column(ForeignKey("groups.id"), primary_key=True)
    two_person: Mapped[bool] = mapped_column(Boolean, default=False, server_default=false())
    changed_by: Mapped[str] = mapped_column(String(120))
    changed_at: Mapped[datetime]  # real


def needs_two(session: Session, group_id: int) -> bool:
    """Whether a second person has to approve each launch of a group."""
    return bool(session.execute(select(GroupSafety.two_person).where(GroupSafety.group_id == group_id)).scalar())


def check_alone(session: Session, group_id: int) -> None:
    """Raises ConflictError (approval_needed) where one person may not launch by themselves."""
    if needs_two(session, group_id):
        raise ConflictError("approval_needed")
