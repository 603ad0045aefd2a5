"""A department's rules as a group reads them: documents, passages out of them, and the words that were marked."""

from __future__ import annotations

from datetime import date, datetime

from sqlalchemy import ForeignKey, Index, String, Text
from sqlalchemy.orm import Mapped, mapped_column

from outreach.core.db import Base


class ManualDocument(Base):
    """A policy manual, or another document of a department, that members of the group read."""

    __tablename__ = "manual_document"
    __table_args__ = (Index(None, "group_id"), Index(None, "official_id"))

    id: Mapped[int] = mapped_column(primary_key=True)
    group_id: Mapped[int] = mapped_column(ForeignKey("groups.id"))
    official_id: Mapped[int | None] = mapped_column(ForeignKey("official.id"))  # who answers for it
    title: Mapped[str] = mapped_column(String(200))
    agency: Mapped[str] = mapped_column(String(200), default="")
    jurisdiction: Mapped[str] = mapped_column(String(200), default="")
    source: Mapped[str] = mapped_column(String(500), default="")  # where it came from: an address, a request
    dated: Mapped[date | None]  # as of when it is valid
    created_by: Mapped[str] = mapped_column(String(120))
    created_at: Mapped[datetime]


class ManualPassage(Base):
    """Some lines of a document. Its text never changes: marks and stances point into it."""

    __tablename__ = "manual_passage"
    __table_args__ = (Index(None, "document_id"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    group_id: Mapped[int] = mapped_column(ForeignKey("groups.id"))
    document_id: Mapped[int] = mapped_column(ForeignKey("manual_document.id"))
    section: Mapped[str] = mapped_column(String(120), default="")
    text: Mapped[str] = mapped_column(Text)
    policy: Mapped[int | None]  # 1..9: the model policy that should stand in its place
    comment: Mapped[str] = mapped_column(Text, default="")
    reader: Mapped[str] = mapped_column(String(120), default="")  # whose part of the document it is
    reviewed_by: Mapped[str | None] = mapped_column(String(120))
    reviewed_at: Mapped[datetime | None]
    stance_id: Mapped[int | None] = mapped_column(ForeignKey("stance.id"))  # what was noted in the ledger from it
    created_by: Mapped[str] = mapped_column(String(120))
    created_at: Mapped[datetime]


class ManualMark(Base):
    """Words of a passage that somebody marked, wherever they stand in it."""

    __tablename__ = "manual_mark"
    __table_args__ = (Index(None, "passage_id"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    passage_id: Mapped[int] = mapped_column(ForeignKey("manual_passage.id"))
    kind: Mapped[str] = mapped_column(String(16))  # profiling, bias, hold, asking, other
    words: Mapped[str] = mapped_column(String(500))
    marked_by: Mapped[str] = mapped_column(String(120))
    created_at: Mapped[datetime]
