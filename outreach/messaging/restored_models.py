"""What a restored backup leaves behind: that it was, and texts that the carrier lists and no row of ours holds."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import JSON, Index, LargeBinary, String, text
from sqlalchemy.orm import Mapped, mapped_column

from outreach.core.db import Base

UNBOUND = "message_id is null"


class Restoration(Base):
    """A backup that was restored. Until it has caught up with the carrier's list nothing is sent and nobody is called.

    Backups leave these rows out: of a copy nobody may read that it has caught up.
    """

    __tablename__ = "restoration"

    id: Mapped[str] = mapped_column(String(32), primary_key=True)
    backup_at: Mapped[datetime]  # real: what was committed after it is lost
    restored_at: Mapped[datetime]  # real
    caught_up_at: Mapped[datetime | None]  # real
    found: Mapped[dict[str, Any] | None] = mapped_column(JSON)  # ``catching_up.CaughtUp``


class FoundText(Base):
    """A text of ours that the carrier lists and that no row held when we caught up: it went out after the backup.

    Keyed hashes only. ``message_id``: the row that took it for its own; a plain number. While it is null the text
    counts for the caps of its number, and a message with the same words to it is not posted but takes it.
    """

    __tablename__ = "found_text"
    __table_args__ = (
        Index("ix_found_text_unbound", "number_hash", sqlite_where=text(UNBOUND), postgresql_where=text(UNBOUND)),
    )

    carrier_sid: Mapped[str] = mapped_column(String(34), primary_key=True)
    number_hash: Mapped[bytes] = mapped_column(LargeBinary(16))
    body_hash: Mapped[bytes] = mapped_column(LargeBinary(16))
    status: Mapped[str] = mapped_column(String(16))  # the carrier's word
    error_code: Mapped[int | None]
    created_at: Mapped[datetime]  # real
    message_id: Mapped[int | None]
