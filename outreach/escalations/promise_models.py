"""Campaigns that were drafted because a promise was not kept."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import ForeignKey, Index, String
from sqlalchemy.orm import Mapped, mapped_column

from outreach.core.db import Base


class PromiseDraft(Base):
    """Which campaign a promise opened, by itself once ever, and why. A person may open another one in its place."""

    __tablename__ = "promise_draft"
    __table_args__ = (Index(None, "campaign_id"),)

    promise_id: Mapped[int] = mapped_column(ForeignKey("promise.id"), primary_key=True, autoincrement=False)
    group_id: Mapped[int] = mapped_column(ForeignKey("groups.id"))
    campaign_id: Mapped[int] = mapped_column(ForeignKey("campaign.id"))
    reason: Mapped[str] = mapped_column(String(8))  # overdue, broken
    created_at: Mapped[datetime]
