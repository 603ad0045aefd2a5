"""How an official meets the group, as its organizers judged it: append-only."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import ForeignKey, Index, String
from sqlalchemy.orm import Mapped, mapped_column

from outreach.core.db import Base


class HostilityEvent(Base):
    """One judgement on an official; the newest counts, the older ones stay to be read."""

    __tablename__ = "hostility_event"
    __table_args__ = (Index(None, "official_id", "id"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    group_id: Mapped[int] = mapped_column(ForeignKey("groups.id"))
    official_id: Mapped[int] = mapped_column(ForeignKey("official.id"))
    value: Mapped[str] = mapped_column(String(8))  # ally, open, evasive, hostile
    why: Mapped[str] = mapped_column(String(300), default="")
    set_by: Mapped[str] = mapped_column(String(120))
    set_at: Mapped[datetime]
