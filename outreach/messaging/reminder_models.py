"""Reminders by text to a group's own members: of a promise they watch over, of what they took on."""

from __future__ import annotations

from datetime import datetime
from typing import Final

from sqlalchemy import ForeignKey, Index, String, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from outreach.core.db import Base

REMINDER: Final = "reminder"
"""The kind of text that a reminder becomes, and of the gate by which it goes."""


class Reminder(Base):
    """One of them: once ever for a person, a thing and a step. Times are domain time.

    It waits until ``due_at`` where the window is closed or a cap is reached. Whether it still makes sense is asked of
    its source each time, the last time when its text is about to go out: the row says only that it was thought of.
    """

    __tablename__ = "reminder"
    __table_args__ = (
        UniqueConstraint("kind", "subject_id", "constituent_id", "step"),
        Index(None, "constituent_id"),
        Index("ix_reminder_waiting", "due_at", sqlite_where=text("state = 'waiting'"),
              postgresql_where=text("state = 'waiting'")),
    )  # fmt: skip

    id: Mapped[int] = mapped_column(primary_key=True)
    group_id: Mapped[int] = mapped_column(ForeignKey("groups.id"))
    kind: Mapped[str] = mapped_column(String(16))  # promise, and what other sources call theirs
    subject_id: Mapped[int]  # a row of the source's table
    constituent_id: Mapped[int] = mapped_column(ForeignKey("constituent.id"))
    step: Mapped[str] = mapped_column(String(32))  # a word, and where it may come again the day that it is about
    state: Mapped[str] = mapped_column(String(8))  # waiting, sent (handed to the sender), dropped
    reason: Mapped[str | None] = mapped_column(String(16))  # why it was dropped
    message_id: Mapped[int | None] = mapped_column(ForeignKey("message.id"), unique=True)
    due_at: Mapped[datetime]
