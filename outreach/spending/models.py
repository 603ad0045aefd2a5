"""Money that was spent, appended and then folded; and what people were told about it.

Amounts are millionths of the currency (``config/spend.toml``), days those of the group's zone.
"""

from __future__ import annotations

from datetime import date, datetime

from sqlalchemy import ForeignKey, Index, String
from sqlalchemy.orm import Mapped, mapped_column

from outreach.core.db import Base


class SpendEntry(Base):
    """Something that was begun and has to be paid, not yet folded. Appended, so that no two senders share a row."""

    __tablename__ = "spend_entry"
    __table_args__ = (Index(None, "group_id", "day"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    group_id: Mapped[int] = mapped_column(ForeignKey("groups.id"))
    day: Mapped[date]
    what: Mapped[str] = mapped_column(String(8))  # texts, answers, calls
    units: Mapped[int]  # parts of texts, or minutes begun
    micros: Mapped[int]


class SpendDay(Base):
    """What a group has spent on a day, as far as it is folded."""

    __tablename__ = "spend_day"

    group_id: Mapped[int] = mapped_column(ForeignKey("groups.id"), primary_key=True)
    day: Mapped[date] = mapped_column(primary_key=True)
    what: Mapped[str] = mapped_column(String(8), primary_key=True)
    units: Mapped[int]
    micros: Mapped[int]


class SpendCap(Base):
    """What a group may spend, where somebody has set it; null: there is no such cap for it."""

    __tablename__ = "spend_cap"

    group_id: Mapped[int] = mapped_column(ForeignKey("groups.id"), primary_key=True)
    day: Mapped[int | None]
    month: Mapped[int | None]
    changed_by: Mapped[str] = mapped_column(String(120))
    changed_at: Mapped[datetime]  # real


class SpendAlert(Base):
    """That a share of a cap was reached; once for each period and share."""

    __tablename__ = "spend_alert"

    group_id: Mapped[int] = mapped_column(ForeignKey("groups.id"), primary_key=True)
    period: Mapped[str] = mapped_column(String(8), primary_key=True)  # day, month
    begins: Mapped[date] = mapped_column(primary_key=True)
    percent: Mapped[int] = mapped_column(primary_key=True)
    micros: Mapped[int]
    cap: Mapped[int]
    at: Mapped[datetime]  # real
