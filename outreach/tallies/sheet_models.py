"""What the read side keeps: sheets that were counted, and which campaigns show their number to the public."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import JSON, Boolean, ForeignKey, String
from sqlalchemy.orm import Mapped, mapped_column

from outreach.core.db import Base


class TallySheet(Base):
    """The rows of a large group's sheet as they were counted last, for pages: a cache, and nothing is lost with it.

    Times are real. ``mark`` says what the counters were then (``kept_sheets.mark_of``).
    """

    __tablename__ = "tally_sheet"

    group_id: Mapped[int] = mapped_column(ForeignKey("groups.id"), primary_key=True)
    dimension: Mapped[str] = mapped_column(String(16), primary_key=True)  # ``sheets.DIMENSIONS``
    period: Mapped[str] = mapped_column(String(8), primary_key=True)  # ``periods.PERIODS``
    wanted_at: Mapped[datetime]  # when somebody last looked at it
    counted_at: Mapped[datetime | None]
    took_ms: Mapped[int | None]
    mark: Mapped[str | None] = mapped_column(String(64))
    document: Mapped[dict[str, Any] | None] = mapped_column(JSON)  # key of a row -> its figures; no person is in it


class PublicCounter(Base):
    """That a campaign shows strangers how many people have acted. No row: it never did."""

    __tablename__ = "public_counter"

    campaign_id: Mapped[int] = mapped_column(ForeignKey("campaign.id"), primary_key=True)
    group_id: Mapped[int] = mapped_column(ForeignKey("groups.id"))
    is_on: Mapped[bool] = mapped_column(Boolean)
    goal: Mapped[int | None]  # how many people the group hopes for
    changed_by: Mapped[str] = mapped_column(String(120))
    changed_at: Mapped[datetime]  # real
