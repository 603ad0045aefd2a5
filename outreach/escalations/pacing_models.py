"""How a gate is paced to the office that its people call."""

from __future__ import annotations

from datetime import datetime
from typing import Final

from sqlalchemy import Float, ForeignKey
from sqlalchemy.orm import Mapped, mapped_column

from outreach.core.db import Base

OFFICE: Final = "office"
FAST: Final = "fast"
PACES: Final = (OFFICE, FAST)
"""What a campaign may say (``Campaign.pacing``)."""


class Pace(Base):
    """The pace of one gate, kept by upkeep (``calls.pacer``). ``credit``: texts that may leave now. Domain times.

    ``opens_at``: while nothing leaves, when the office is next there; null: it is, or no time is in sight.
    """

    __tablename__ = "pace"

    gate_id: Mapped[int] = mapped_column(ForeignKey("gate.id"), primary_key=True)
    credit: Mapped[float] = mapped_column(Float, default=0.0)
    ticked_at: Mapped[datetime]
    opens_at: Mapped[datetime | None]
