"""Alarms, and how far the checks have come."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import JSON, ForeignKey, Index, String, text
from sqlalchemy.orm import Mapped, mapped_column

from outreach.core.db import Base

OPEN = "closed_at is null"


class Alarm(Base):
    """Something that must never be, found by a check; it stays open until a person has looked at it. Times are real."""

    __tablename__ = "alarm"
    __table_args__ = (
        Index(
            "uq_alarm_open",
            "kind",
            "subject",
            unique=True,
            sqlite_where=text(OPEN),
            postgresql_where=text(OPEN),
        ),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    kind: Mapped[str] = mapped_column(String(32))  # ``alarms.KINDS``
    subject: Mapped[str] = mapped_column(String(48))  # table:id
    group_id: Mapped[int | None] = mapped_column(ForeignKey("groups.id"))
    details: Mapped[dict[str, int | str]] = mapped_column(JSON)  # counts and ids; no names, numbers or words
    found_at: Mapped[datetime]
    seen_at: Mapped[datetime]  # the last check that found it
    times: Mapped[int] = mapped_column(default=1)
    closed_at: Mapped[datetime | None]
    closed_by: Mapped[str | None] = mapped_column(String(120))


class CheckMark(Base):
    """When the checks last ran to their end, what that took, and how far they had read what is only appended."""

    __tablename__ = "check_mark"

    name: Mapped[str] = mapped_column(String(32), primary_key=True)
    at: Mapped[datetime]  # real
    took_ms: Mapped[int]
    message_id: Mapped[int]
    attempt_id: Mapped[int]
