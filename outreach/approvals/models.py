"""Requests for a second person's approval. Times are real."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import JSON, ForeignKey, Index, LargeBinary, String, text
from sqlalchemy.orm import Mapped, mapped_column

from outreach.core.db import Base

IS_WAITING = "state = 'waiting'"


class ApprovalRequest(Base):
    """Somebody asks that somebody else lets something happen.

    ``kind``: launch, schedule, wave, tree, or off (that no approval is needed any more, without a campaign).
    States: ``waiting -> approved | declined | withdrawn | void | expired``. ``digest`` is that of everything the
    approver reads: what was changed since is not approved.
    """

    __tablename__ = "approval_request"
    __table_args__ = (
        Index("uq_approval_request_waiting", "group_id", "campaign_id", unique=True, sqlite_where=text(IS_WAITING),
              postgresql_where=text(IS_WAITING)),
        Index(None, "campaign_id"),
    )  # fmt: skip

    id: Mapped[int] = mapped_column(primary_key=True)
    group_id: Mapped[int] = mapped_column(ForeignKey("groups.id"))
    campaign_id: Mapped[int | None] = mapped_column(ForeignKey("campaign.id"))
    kind: Mapped[str] = mapped_column(String(8))
    # schedule: {at}; wave: {who, number, texts}; tree: {tree_id, version, nudge, backup, channel}
    asked_for: Mapped[dict[str, Any]] = mapped_column(JSON)
    digest: Mapped[bytes] = mapped_column(LargeBinary(32))
    people: Mapped[int]  # whom it would have reached when it was asked for, or approved
    requested_by: Mapped[int] = mapped_column(ForeignKey("users.id"))
    requester: Mapped[str] = mapped_column(String(120))
    requested_at: Mapped[datetime]
    expires_at: Mapped[datetime]
    state: Mapped[str] = mapped_column(String(10))
    decided_by: Mapped[int | None] = mapped_column(ForeignKey("users.id"))
    decider: Mapped[str | None] = mapped_column(String(120))
    decided_at: Mapped[datetime | None]
    reason: Mapped[str | None] = mapped_column(String(300))
