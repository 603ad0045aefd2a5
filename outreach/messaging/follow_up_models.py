"""Texts that we owe a conversation: the question how it went, its one reminder, and the reminder of a promise."""

from __future__ import annotations

from datetime import datetime
from typing import Final

from sqlalchemy import ForeignKey, Index, LargeBinary, String, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from outreach.core.db import Base

ASK, REMIND, PLEDGE = "ask_report", "remind_report", "pledge"
FOLLOW_UPS: Final = (ASK, REMIND, PLEDGE)
"""Kinds of follow-ups, and of the texts that they become."""


class FollowUp(Base):
    """One of them, for one number in one campaign, once ever. Times are domain time.

    It waits until ``due_at``, which moves on while the campaign is paused, the window closed or a cap reached, and is
    dropped after ``expires_at``: late is not sent. ``asked_at``: when the person wrote what it follows.
    """

    __tablename__ = "follow_up"
    __table_args__ = (
        UniqueConstraint("gate_id", "number_hash", "kind"),
        Index(None, "number_hash"),
        Index(
            "ix_follow_up_waiting",
            "due_at",
            sqlite_where=text("state = 'waiting'"),
            postgresql_where=text("state = 'waiting'"),
        ),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    group_id: Mapped[int] = mapped_column(ForeignKey("groups.id"))
    gate_id: Mapped[int] = mapped_column(ForeignKey("gate.id"))  # the campaign's, not the one that its text goes by
    number_hash: Mapped[bytes] = mapped_column(LargeBinary(16))
    constituent_id: Mapped[int | None] = mapped_column(ForeignKey("constituent.id"))
    kind: Mapped[str] = mapped_column(String(16))
    state: Mapped[str] = mapped_column(String(8))  # waiting, sent (handed to the sender), dropped
    reason: Mapped[str | None] = mapped_column(String(16))  # why it was dropped
    message_id: Mapped[int | None] = mapped_column(ForeignKey("message.id"), unique=True)
    due_at: Mapped[datetime]
    expires_at: Mapped[datetime]
    asked_at: Mapped[datetime]
