"""What became of promises, entry by entry; and what a group tells its state office after a meeting."""

from __future__ import annotations

from datetime import date, datetime

from sqlalchemy import Boolean, ForeignKey, Index, String, Text, UniqueConstraint, false
from sqlalchemy.orm import Mapped, mapped_column

from outreach.core.db import Base


class PromiseEvent(Base):
    """One thing that was heard of a promise. Never changed: a mistake is taken back by a further entry.

    ``undoes_id`` is unique, so that of two people who take the same entry back, one does.
    """

    __tablename__ = "promise_event"
    __table_args__ = (UniqueConstraint("undoes_id"), Index(None, "promise_id", "id"))

    id: Mapped[int] = mapped_column(primary_key=True)
    group_id: Mapped[int] = mapped_column(ForeignKey("groups.id"))
    promise_id: Mapped[int] = mapped_column(ForeignKey("promise.id"))
    kind: Mapped[str] = mapped_column(String(8))  # kept, broken, extended, undone
    new_day: Mapped[date | None]  # of an extension
    words: Mapped[str] = mapped_column(Text, default="")  # why, or how we know
    said_by: Mapped[str] = mapped_column(String(200), default="")  # who told us
    said_on: Mapped[date]
    undoes_id: Mapped[int | None] = mapped_column(ForeignKey("promise_event.id"))
    recorded_by: Mapped[str] = mapped_column(String(120))
    created_at: Mapped[datetime]


class StateOffice(Base):
    """Where a group's reports go. Without a row, or without an address, they are copied by hand."""

    __tablename__ = "state_office"

    group_id: Mapped[int] = mapped_column(ForeignKey("groups.id"), primary_key=True)
    name: Mapped[str] = mapped_column(String(120), default="")
    email: Mapped[str] = mapped_column(String(254), default="")
    updated_at: Mapped[datetime]


class MeetingReport(Base):
    """What the report of a meeting says beside what was logged. Without a row: nothing, and no names."""

    __tablename__ = "meeting_report"

    meeting_id: Mapped[int] = mapped_column(ForeignKey("meeting.id"), primary_key=True)
    group_id: Mapped[int] = mapped_column(ForeignKey("groups.id"))
    said: Mapped[str] = mapped_column(Text, default="")
    not_said: Mapped[str] = mapped_column(Text, default="")
    next_step: Mapped[str] = mapped_column(Text, default="")
    with_attendees: Mapped[bool] = mapped_column(Boolean, default=False, server_default=false())
    updated_by: Mapped[str] = mapped_column(String(120))
    updated_at: Mapped[datetime]
