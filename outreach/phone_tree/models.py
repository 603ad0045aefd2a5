"""A group's phone trees, and what becomes of each in a run.

A tree is edited; a run keeps the seats that it began with. Times are domain time.
"""

from __future__ import annotations

from datetime import datetime
from typing import Final

from sqlalchemy import ForeignKey, Index, LargeBinary, String, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from outreach.core.db import Base

LIVE: Final = ("waiting", "asked", "nudged", "backup_asked")
"""States of a step that is not decided."""
IS_LIVE = "state in ('waiting', 'asked', 'nudged', 'backup_asked')"


class PhoneTree(Base):
    """People in branches. ``version`` grows with each edit, so that two people do not overwrite each other."""

    __tablename__ = "phone_tree"
    __table_args__ = (UniqueConstraint("group_id", "name"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    group_id: Mapped[int] = mapped_column(ForeignKey("groups.id"))
    name: Mapped[str] = mapped_column(String(120))
    version: Mapped[int] = mapped_column(default=1)
    created_by: Mapped[str] = mapped_column(String(120))
    created_at: Mapped[datetime]


class TreeNode(Base):
    """A person in a tree, once. At the top, or with somebody below: a captain. ``area``: what a branch is called."""

    __tablename__ = "tree_node"
    __table_args__ = (UniqueConstraint("tree_id", "constituent_id"), Index(None, "constituent_id"))

    id: Mapped[int] = mapped_column(primary_key=True)
    tree_id: Mapped[int] = mapped_column(ForeignKey("phone_tree.id"))
    constituent_id: Mapped[int] = mapped_column(ForeignKey("constituent.id"))
    parent_id: Mapped[int | None] = mapped_column(ForeignKey("tree_node.id"))
    backup_id: Mapped[int | None] = mapped_column(ForeignKey("constituent.id"))
    area: Mapped[str | None] = mapped_column(String(80))


class TreeRun(Base):
    """A tree at work for a campaign, behind the gate of a wave of its own.

    States: running, done (every step is decided), stopped. Whether it is paused, its gate says. ``channel``: captains
    are asked by text, or by a call first.
    """

    __tablename__ = "tree_run"
    __table_args__ = (
        Index(None, "group_id"),
        Index("ix_tree_run_running", "id", sqlite_where=text("state = 'running'"),
              postgresql_where=text("state = 'running'")),
        Index("uq_tree_run_running", "tree_id", unique=True, sqlite_where=text("state = 'running'"),
              postgresql_where=text("state = 'running'")),
    )  # fmt: skip

    id: Mapped[int] = mapped_column(primary_key=True)
    group_id: Mapped[int] = mapped_column(ForeignKey("groups.id"))
    tree_id: Mapped[int] = mapped_column(ForeignKey("phone_tree.id"))
    tree_version: Mapped[int]
    campaign_id: Mapped[int] = mapped_column(ForeignKey("campaign.id"))
    wave_id: Mapped[int] = mapped_column(ForeignKey("wave.id"), unique=True)
    gate_id: Mapped[int] = mapped_column(ForeignKey("gate.id"), unique=True)
    state: Mapped[str] = mapped_column(String(8))
    channel: Mapped[str] = mapped_column(String(4), default="text", server_default="text")
    nudge_minutes: Mapped[int]
    backup_minutes: Mapped[int]
    started_by: Mapped[str] = mapped_column(String(120))
    started_at: Mapped[datetime]
    finished_at: Mapped[datetime | None]


class TreeSeat(Base):
    """A person in a run, once; ``parent_id`` is their captain's seat, ``message_id`` the text that is theirs."""

    __tablename__ = "tree_seat"
    __table_args__ = (UniqueConstraint("run_id", "number_hash"), Index(None, "parent_id"))

    id: Mapped[int] = mapped_column(primary_key=True)
    run_id: Mapped[int] = mapped_column(ForeignKey("tree_run.id"))
    constituent_id: Mapped[int] = mapped_column(ForeignKey("constituent.id"))
    number_hash: Mapped[bytes] = mapped_column(LargeBinary(16))
    parent_id: Mapped[int | None] = mapped_column(ForeignKey("tree_seat.id"))
    level: Mapped[int]  # 0: at the top
    area: Mapped[str | None] = mapped_column(String(80))
    message_id: Mapped[int | None] = mapped_column(ForeignKey("message.id"))


class TreeStep(Base):
    """What becomes of a captain's branch (``rules``): how far the asking has come, and when it goes on by itself.

    ``ask_id``: the text to the captain, then to the backup; ``ask_call_id``: the call to the captain, before any text.
    ``released_at``: when the branch's people were texted. ``joined_at``: when a captain answered after that.
    """

    __tablename__ = "tree_step"
    __table_args__ = (
        Index(None, "run_id"),
        Index(None, "number_hash"),
        Index(None, "backup_hash"),
        Index("ix_tree_step_live", "run_id", "deadline_at", sqlite_where=text(IS_LIVE),
              postgresql_where=text(IS_LIVE)),
    )  # fmt: skip

    id: Mapped[int] = mapped_column(primary_key=True)
    run_id: Mapped[int] = mapped_column(ForeignKey("tree_run.id"))
    seat_id: Mapped[int] = mapped_column(ForeignKey("tree_seat.id"), unique=True)
    number_hash: Mapped[bytes] = mapped_column(LargeBinary(16))
    backup_id: Mapped[int | None] = mapped_column(ForeignKey("constituent.id"))
    backup_hash: Mapped[bytes | None] = mapped_column(LargeBinary(16))
    state: Mapped[str] = mapped_column(String(16))
    reason: Mapped[str | None] = mapped_column(String(16))  # why the captain was passed over: silent, declined, lost
    deadline_at: Mapped[datetime | None]
    ask_id: Mapped[int | None] = mapped_column(ForeignKey("message.id"))
    ask_call_id: Mapped[int | None] = mapped_column(ForeignKey("call_session.id"))
    backup_ask_id: Mapped[int | None] = mapped_column(ForeignKey("message.id"))
    confirmed_by: Mapped[str | None] = mapped_column(String(8))  # captain, backup
    released_at: Mapped[datetime | None]
    joined_at: Mapped[datetime | None]
