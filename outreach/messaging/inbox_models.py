"""What an inbox is kept with: ready answers, tags on threads, what people corrected, and when a group is nudged."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import ForeignKey, Index, LargeBinary, String, Text, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from outreach.core.db import Base


class CannedReply(Base):
    """A ready answer of a group, in both languages. ``{{ first_name }}`` and ``{{ group }}`` are filled in."""

    __tablename__ = "canned_reply"
    __table_args__ = (UniqueConstraint("group_id", "name"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    group_id: Mapped[int] = mapped_column(ForeignKey("groups.id"))
    name: Mapped[str] = mapped_column(String(60))
    text_en: Mapped[str] = mapped_column(Text)
    text_es: Mapped[str] = mapped_column(Text)
    created_by: Mapped[str] = mapped_column(String(120))
    created_at: Mapped[datetime]  # real


class ThreadTag(Base):
    """A tag of a group's threads. ``sealed`` holds {"name"}: a stolen database does not say what people wrote about."""

    __tablename__ = "thread_tag"
    __table_args__ = (UniqueConstraint("group_id", "name_hash"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    group_id: Mapped[int] = mapped_column(ForeignKey("groups.id"))
    name_hash: Mapped[bytes] = mapped_column(LargeBinary(16))
    sealed: Mapped[bytes] = mapped_column(LargeBinary)
    created_at: Mapped[datetime]  # real


class ConversationTag(Base):
    """Which thread has which tag."""

    __tablename__ = "conversation_tag"
    __table_args__ = (Index(None, "conversation_id"),)

    tag_id: Mapped[int] = mapped_column(ForeignKey("thread_tag.id"), primary_key=True)
    conversation_id: Mapped[int] = mapped_column(ForeignKey("conversation.id"), primary_key=True)


class Correction(Base):
    """What a reply had been taken to mean before a person said otherwise; what they said is in the reply's row.

    Its words, the rule and the classifier's version are in the reply alone, so they go when the reply's do.
    """

    __tablename__ = "correction"
    __table_args__ = (Index(None, "group_id", "at"),)

    reply_id: Mapped[int] = mapped_column(ForeignKey("reply.id"), primary_key=True)
    group_id: Mapped[int] = mapped_column(ForeignKey("groups.id"))
    intent: Mapped[str] = mapped_column(String(24))
    outcome: Mapped[str | None] = mapped_column(String(16))
    at: Mapped[datetime]  # real: of the last correction


class InboxSetting(Base):
    """After how many hours of day time a group is nudged, and up to where it was. Without a row the defaults hold."""

    __tablename__ = "inbox_setting"

    group_id: Mapped[int] = mapped_column(ForeignKey("groups.id"), primary_key=True)
    hours: Mapped[int]
    hours_of_doubt: Mapped[int]  # for a possible opt-out
    # Real: threads that wait since then or longer are in the book.
    nudged_to: Mapped[datetime | None]
    doubts_nudged_to: Mapped[datetime | None]
