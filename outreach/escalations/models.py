"""Campaigns, their waves, and who is in a wave."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import JSON, ForeignKey, Index, LargeBinary, String, Text, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from outreach.core.db import Base

BEFORE_LAUNCH = ("draft", "scheduled")
"""States of a campaign that nobody was texted for."""


STOOD_DOWN = "stood_down"
"""The state of a campaign whose official has committed (``stand_down``)."""
ENDED = ("canceled", STOOD_DOWN)
"""States of a campaign from which nobody is texted any more."""


class Campaign(Base):
    """An escalation: what is asked of whom after a meeting that brought no commitment."""

    __tablename__ = "campaign"
    __table_args__ = (Index(None, "group_id"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    group_id: Mapped[int] = mapped_column(ForeignKey("groups.id"))
    meeting_id: Mapped[int] = mapped_column(ForeignKey("meeting.id"))
    official_id: Mapped[int] = mapped_column(ForeignKey("official.id"))
    office_id: Mapped[int | None] = mapped_column(ForeignKey("office.id"))
    policy: Mapped[int]
    tactic: Mapped[str] = mapped_column(String(24))
    name: Mapped[str] = mapped_column(String(200))
    state: Mapped[str] = mapped_column(String(12))  # draft, scheduled, launched, canceled, stood_down
    launch_at: Mapped[datetime | None]  # domain time at which a scheduled campaign launches
    launch_problem: Mapped[str | None] = mapped_column(String(64))  # the error's code, when it could not
    text_en: Mapped[str] = mapped_column(Text)
    text_es: Mapped[str] = mapped_column(Text)
    text_b_en: Mapped[str | None] = mapped_column(Text)  # a second text, tried against the first
    text_b_es: Mapped[str | None] = mapped_column(Text)
    script_en: Mapped[str] = mapped_column(Text)
    script_es: Mapped[str] = mapped_column(Text)
    # What a caller hears read aloud before they are put through; null: ``spoken`` of ``config/call_words.toml``.
    spoken_en: Mapped[str | None] = mapped_column(Text)
    spoken_es: Mapped[str | None] = mapped_column(Text)
    # office: so many texts that people can call while it is open; fast: as many as may leave; null: office, where it
    # has told its hours (``pacing.is_paced``).
    pacing: Mapped[str | None] = mapped_column(String(8))
    audience: Mapped[dict[str, Any]] = mapped_column(JSON, default=dict)  # {"lists": [id], "segments": [id]}
    tone: Mapped[str | None] = mapped_column(String(8))  # ally, open, evasive, hostile; null: open
    occasion: Mapped[dict[str, Any] | None] = mapped_column(JSON)  # what people must know (``occasion``)
    # Words that another tactic took the place of, oldest first: {"tactic", "tone", "by", "at", "words": {field: text}}
    kept_words: Mapped[list[dict[str, Any]] | None] = mapped_column(JSON)
    predecessor_id: Mapped[int | None] = mapped_column(ForeignKey("campaign.id"))  # the rung below on the ladder
    created_by: Mapped[str] = mapped_column(String(120))
    created_at: Mapped[datetime]


class Wave(Base):
    """One tactic step of a campaign: its gate, its frozen audience, and how far planning has come."""

    __tablename__ = "wave"
    __table_args__ = (UniqueConstraint("campaign_id", "number"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    group_id: Mapped[int] = mapped_column(ForeignKey("groups.id"))
    campaign_id: Mapped[int] = mapped_column(ForeignKey("campaign.id"))
    number: Mapped[int]
    gate_id: Mapped[int] = mapped_column(ForeignKey("gate.id"), unique=True)
    # {"lists": [id], "segments": [id], "trees": [frozen segment]}, of which the last two may be absent; or
    # {"waves": [id], "gates": [id], "who": ...}; or {"lists": [], "who": "tree"} of a phone tree's run
    audience: Mapped[dict[str, Any]] = mapped_column(JSON)
    planned_through: Mapped[int] = mapped_column(default=0)  # the last constituent id that planning has passed
    planned_at: Mapped[datetime | None]  # set when planning is complete
    woken_at: Mapped[datetime]  # real: when planning last moved, or was last asked for
    launched_at: Mapped[datetime]


class Reconfirmation(Base):
    """That a person was asked, once ever, whether their old consent to this group still stands."""

    __tablename__ = "reconfirmation"
    __table_args__ = (UniqueConstraint("group_id", "number_hash"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    group_id: Mapped[int] = mapped_column(ForeignKey("groups.id"))
    number_hash: Mapped[bytes] = mapped_column(LargeBinary(16))
    gate_id: Mapped[int] = mapped_column(ForeignKey("gate.id"))
    asked_by: Mapped[str] = mapped_column(String(120))
    created_at: Mapped[datetime]


class Recipient(Base):
    """A person in a wave's audience; each number once."""

    __tablename__ = "recipient"
    __table_args__ = (UniqueConstraint("wave_id", "number_hash"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    group_id: Mapped[int] = mapped_column(ForeignKey("groups.id"))
    wave_id: Mapped[int] = mapped_column(ForeignKey("wave.id"))
    constituent_id: Mapped[int] = mapped_column(ForeignKey("constituent.id"))
    number_hash: Mapped[bytes] = mapped_column(LargeBinary(16))
