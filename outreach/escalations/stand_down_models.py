"""Stand-downs: which campaigns stopped because their official committed, and how each stood before."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import JSON, ForeignKey, Index, String, Text
from sqlalchemy.orm import Mapped, mapped_column

from outreach.core.db import Base


class StandDown(Base):
    """One decision: for its minute it can be undone, then it is final, and whoever took part is thanked.

    States and moves: ``stand_down_rules``. Times are real: a person presses, and has a minute by their own clock.
    """

    __tablename__ = "stand_down"
    __table_args__ = (Index(None, "group_id"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    group_id: Mapped[int] = mapped_column(ForeignKey("groups.id"))
    official_id: Mapped[int] = mapped_column(ForeignKey("official.id"))
    state: Mapped[str] = mapped_column(String(8))  # standing, undone, closing, over
    why: Mapped[str] = mapped_column(Text)
    text_en: Mapped[str | None] = mapped_column(Text)  # of the thank-you; both null: nobody gets one
    text_es: Mapped[str | None] = mapped_column(Text)
    gate_id: Mapped[int | None] = mapped_column(ForeignKey("gate.id"), unique=True)  # of the thank-you, once final
    thanked_through: Mapped[int] = mapped_column(default=0)  # the last constituent id that thanking has passed
    begun_by: Mapped[str] = mapped_column(String(120))
    begun_at: Mapped[datetime]
    final_at: Mapped[datetime]
    undone_by: Mapped[str | None] = mapped_column(String(120))
    ended_at: Mapped[datetime | None]  # when it was undone, or when everything that follows from it was done


class StoodDown(Base):
    """A campaign of a stand-down as it was before: its state, its launch time, its gates that were not closed."""

    __tablename__ = "stood_down"
    __table_args__ = (Index(None, "campaign_id"),)

    stand_down_id: Mapped[int] = mapped_column(ForeignKey("stand_down.id"), primary_key=True)
    campaign_id: Mapped[int] = mapped_column(ForeignKey("campaign.id"), primary_key=True)
    state: Mapped[str] = mapped_column(String(12))
    launch_at: Mapped[datetime | None]  # domain time
    gates: Mapped[dict[str, list[str | None]]] = mapped_column(JSON)  # gate's id -> its state and reason
