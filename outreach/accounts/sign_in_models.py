"""How people get in: invitations, sign-ins, authenticator apps, recovery codes, and the count of what failed.

Times are real. Of every token and code only a hash is kept.
"""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import ForeignKey, LargeBinary, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from outreach.core.db import Base


class Invitation(Base):
    """A link that makes one account, or lets the user it names set everything anew. Good once."""

    __tablename__ = "invitation"

    id: Mapped[int] = mapped_column(primary_key=True)
    group_id: Mapped[int] = mapped_column(ForeignKey("groups.id"), index=True)
    user_id: Mapped[int | None] = mapped_column(ForeignKey("users.id"))  # of a reset, or a group's first admin
    role: Mapped[str] = mapped_column(String(16))
    meant_for: Mapped[str] = mapped_column(String(120))
    token_hash: Mapped[bytes] = mapped_column(LargeBinary(32), unique=True)
    invited_by: Mapped[str] = mapped_column(String(120))
    created_at: Mapped[datetime]
    expires_at: Mapped[datetime]
    accepted_at: Mapped[datetime | None]
    revoked_at: Mapped[datetime | None]


class SignIn(Base):
    """Somebody signed in on one browser. Its row is the session: without it the cookie opens nothing."""

    __tablename__ = "sign_in"

    id: Mapped[int] = mapped_column(primary_key=True)
    user_id: Mapped[int] = mapped_column(ForeignKey("users.id"), index=True)
    token_hash: Mapped[bytes] = mapped_column(LargeBinary(32), unique=True)
    created_at: Mapped[datetime]
    seen_at: Mapped[datetime]
    confirmed_at: Mapped[datetime | None]  # when a password or code was last given
    owes: Mapped[str | None] = mapped_column(String(8))  # password, code: what a link demands before anything else
    device: Mapped[str] = mapped_column(String(60))


class Authenticator(Base):
    """A user's app for one-time codes."""

    __tablename__ = "authenticator"

    id: Mapped[int] = mapped_column(primary_key=True)
    user_id: Mapped[int] = mapped_column(ForeignKey("users.id"), unique=True)
    sealed: Mapped[bytes] = mapped_column(LargeBinary)  # user, secret
    last_step: Mapped[int]  # the newest half-minute since 1970 whose code was taken
    created_at: Mapped[datetime]


class RecoveryCode(Base):
    """One of the codes that let a user in without their phone, once."""

    __tablename__ = "recovery_code"
    __table_args__ = (UniqueConstraint("user_id", "code_hash"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    user_id: Mapped[int] = mapped_column(ForeignKey("users.id"))
    code_hash: Mapped[bytes] = mapped_column(LargeBinary(16))
    used_at: Mapped[datetime | None]


class SignInCount(Base):
    """Failures of late by one key: a keyed hash of an account with a device or network, or of one of them."""

    __tablename__ = "sign_in_count"

    key: Mapped[bytes] = mapped_column(LargeBinary(16), primary_key=True)
    failures: Mapped[int]
    last_at: Mapped[datetime] = mapped_column(index=True)
    opens_at: Mapped[datetime]
