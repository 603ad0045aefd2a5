"""Groups, users, and the book of what they decided."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import JSON, ForeignKey, Index, LargeBinary, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from outreach.core.db import Base


class Group(Base):
    """A volunteer group: it owns lists, campaigns and a sender."""

    __tablename__ = "groups"

    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(String(120), unique=True)
    created_at: Mapped[datetime]


class User(Base):
    """Somebody who signs in for one group."""

    __tablename__ = "users"
    __table_args__ = (UniqueConstraint("group_id", "name"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    group_id: Mapped[int] = mapped_column(ForeignKey("groups.id"))
    name: Mapped[str] = mapped_column(String(120))
    role: Mapped[str] = mapped_column(String(16))  # instance, admin, organizer, staff
    created_at: Mapped[datetime]
    sign_in_name: Mapped[str | None] = mapped_column(String(64), unique=True, index=True)  # folded
    password_hash: Mapped[str | None] = mapped_column(String(160))
    password_at: Mapped[datetime | None]  # real
    deactivated_at: Mapped[datetime | None]  # real


class LoginLink(Base):
    """A link that signs its user in once. Only a hash of its token is kept."""

    __tablename__ = "login_link"

    id: Mapped[int] = mapped_column(primary_key=True)
    user_id: Mapped[int] = mapped_column(ForeignKey("users.id"))
    token_hash: Mapped[bytes] = mapped_column(LargeBinary(32), unique=True)
    expires_at: Mapped[datetime]
    used_at: Mapped[datetime | None]


class AuditEvent(Base):
    """One decision of a person that somebody may ask about later; never changed, never deleted.

    Triggers hold that (migration 0027): whatever makes the table anew must make them anew.
    """

    __tablename__ = "audit_event"
    __table_args__ = (Index(None, "group_id", "at"), Index(None, "group_id", "id"))

    id: Mapped[int] = mapped_column(primary_key=True)
    group_id: Mapped[int] = mapped_column(ForeignKey("groups.id"))
    actor: Mapped[str] = mapped_column(String(120))
    action: Mapped[str] = mapped_column(String(32))
    subject: Mapped[str] = mapped_column(String(32))  # table:id
    details: Mapped[dict[str, Any]] = mapped_column(JSON)  # no names, numbers or words of constituents
    at: Mapped[datetime]  # real
