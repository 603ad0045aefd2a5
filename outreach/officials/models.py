"""Officials, their offices, and what was said in meetings with them."""

from __future__ import annotations

from datetime import date, datetime

from sqlalchemy import JSON, ForeignKey, Index, String, Text, UniqueConstraint, or_
from sqlalchemy.orm import Mapped, mapped_column, relationship

from outreach.core.db import Base


class Official(Base):
    """A person in office, or an office without a named holder."""

    __tablename__ = "official"
    __table_args__ = (UniqueConstraint("group_id", "external_id"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    group_id: Mapped[int] = mapped_column(ForeignKey("groups.id"))
    external_id: Mapped[str | None] = mapped_column(String(120))  # the id in the file it came from
    name: Mapped[str] = mapped_column(String(200))
    role: Mapped[str] = mapped_column(String(120))
    jurisdiction: Mapped[str | None] = mapped_column(String(200))
    district: Mapped[str | None] = mapped_column(String(80))
    party: Mapped[str | None] = mapped_column(String(80))
    email: Mapped[str | None] = mapped_column(String(254))
    created_at: Mapped[datetime]

    offices: Mapped[list[Office]] = relationship(back_populates="official", order_by="Office.id")


class Office(Base):
    """A public office line. Its number is public, so it is stored as it is.

    One that was removed is empty (neither number nor address): campaigns and calls go on pointing at it.
    """

    __tablename__ = "office"
    __table_args__ = (Index(None, "official_id"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    group_id: Mapped[int] = mapped_column(ForeignKey("groups.id"))
    official_id: Mapped[int] = mapped_column(ForeignKey("official.id"))
    classification: Mapped[str] = mapped_column(String(40))  # capitol, district, primary ...
    address: Mapped[str | None] = mapped_column(Text)
    phone: Mapped[str | None] = mapped_column(String(16))  # E.164
    extension: Mapped[str | None] = mapped_column(String(16))
    # All null: what is usual (``calls.office_hours``), in every zone where its number and ZIP may be.
    hours: Mapped[list[list[list[str]]] | None] = mapped_column(JSON)  # spans of each weekday from Monday, local time
    zone: Mapped[str | None] = mapped_column(String(40))
    lines: Mapped[int | None]  # how many of our callers it may have at once

    official: Mapped[Official] = relationship(back_populates="offices")

    @property
    def stands(self) -> bool:
        """Whether it was not removed."""
        return bool(self.phone or self.address)


STANDS = or_(Office.phone.is_not(None), Office.address.is_not(None))
"""The same, for a query."""


class Meeting(Base):
    """A meeting with an official, or the attempt at one."""

    __tablename__ = "meeting"
    __table_args__ = (Index(None, "group_id", "official_id"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    group_id: Mapped[int] = mapped_column(ForeignKey("groups.id"))
    official_id: Mapped[int] = mapped_column(ForeignKey("official.id"))
    held_on: Mapped[date]
    attendees: Mapped[str] = mapped_column(Text, default="")
    outcome: Mapped[str] = mapped_column(String(32))
    notes: Mapped[str] = mapped_column(Text, default="")
    recorded_by: Mapped[str] = mapped_column(String(120))
    created_at: Mapped[datetime]


class Stance(Base):
    """An official's answer on one of the nine model policies; append-only: a correction is a row of its own.

    Rows of older days have what stands empty here from their meeting (``officials.stances``).
    """

    __tablename__ = "stance"
    __table_args__ = (Index(None, "official_id", "policy"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    group_id: Mapped[int] = mapped_column(ForeignKey("groups.id"))
    official_id: Mapped[int] = mapped_column(ForeignKey("official.id"))
    meeting_id: Mapped[int | None] = mapped_column(ForeignKey("meeting.id"))  # null: heard without one
    policy: Mapped[int]  # 1..9, config/policies.toml
    answer: Mapped[str] = mapped_column(String(8))  # yes, no, evaded, unknown; struck: what it corrects was no answer
    basis: Mapped[str | None] = mapped_column(String(8))  # writing, practice
    heard_on: Mapped[date | None]
    heard_by: Mapped[str | None] = mapped_column(String(200))
    times_asked: Mapped[int | None]
    citation: Mapped[str | None] = mapped_column(Text)  # where it is written: document, section, link
    source: Mapped[str | None] = mapped_column(String(16))  # letter, statement, manual, report; null: a meeting
    recorded_by: Mapped[str | None] = mapped_column(String(120))
    # Unique: of two who correct one row at once, the second is told.
    corrects_id: Mapped[int | None] = mapped_column(ForeignKey("stance.id"), unique=True)
    created_at: Mapped[datetime]


class Promise(Base):
    """What the official said they would do, and by when."""

    __tablename__ = "promise"
    __table_args__ = (Index(None, "official_id"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    group_id: Mapped[int] = mapped_column(ForeignKey("groups.id"))
    official_id: Mapped[int] = mapped_column(ForeignKey("official.id"))
    meeting_id: Mapped[int] = mapped_column(ForeignKey("meeting.id"))
    text: Mapped[str] = mapped_column(Text)
    due_on: Mapped[date | None]
    staff_contact: Mapped[str | None] = mapped_column(String(200))
    created_at: Mapped[datetime]
