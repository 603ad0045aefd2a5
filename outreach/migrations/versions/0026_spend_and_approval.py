"""What texts and calls cost, caps on it, a second person's approval, and a watch on sign-up pages"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from outreach.core.db import BigKey, UtcDateTime

revision = "0026"
down_revision = "0024"
branch_labels = None
depends_on = None

WAITING = sa.text("state = 'waiting'")


def upgrade() -> None:
    op.create_table(
        "group_safety",
        sa.Column("group_id", BigKey, nullable=False),
        sa.Column("two_person", sa.Boolean(), server_default=sa.false(), nullable=False),
        sa.Column("changed_by", sa.String(length=120), nullable=False),
        sa.Column("changed_at", UtcDateTime(), nullable=False),
        sa.ForeignKeyConstraint(["group_id"], ["groups.id"], name=op.f("fk_group_safety_group_id")),
        sa.PrimaryKeyConstraint("group_id", name=op.f("pk_group_safety")),
    )
    op.create_table(
        "spend_entry",
        sa.Column("id", BigKey, nullable=False),
        sa.Column("group_id", BigKey, nullable=False),
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("what", sa.String(length=8), nullable=False),
        sa.Column("units", BigKey, nullable=False),
        sa.Column("micros", BigKey, nullable=False),
        sa.ForeignKeyConstraint(["group_id"], ["groups.id"], name=op.f("fk_spend_entry_group_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_spend_entry")),
    )
    op.create_index(op.f("ix_spend_entry_group_id_day"), "spend_entry", ["group_id", "day"])
    op.create_table(
        "spend_day",
        sa.Column("group_id", BigKey, nullable=False),
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("what", sa.String(length=8), nullable=False),
        sa.Column("units", BigKey, nullable=False),
        sa.Column("micros", BigKey, nullable=False),
        sa.ForeignKeyConstraint(["group_id"], ["groups.id"], name=op.f("fk_spend_day_group_id")),
        sa.PrimaryKeyConstraint("group_id", "day", "what", name=op.f("pk_spend_day")),
    )
    op.create_table(
        "spend_cap",
        sa.Column("group_id", BigKey, nullable=False),
        sa.Column("day", BigKey, nullable=True),
        sa.Column("month", BigKey, nullable=True),
        sa.Column("changed_by", sa.String(length=120), nullable=False),
        sa.Column("changed_at", UtcDateTime(), nullable=False),
        sa.ForeignKeyConstraint(["group_id"], ["groups.id"], name=op.f("fk_spend_cap_group_id")),
        sa.PrimaryKeyConstraint("group_id", name=op.f("pk_spend_cap")),
    )
    op.create_table(
        "spend_alert",
        sa.Column("group_id", BigKey, nullable=False),
        sa.Column("period", sa.String(length=8), nullable=False),
        sa.Column("begins", sa.Date(), nullable=False),
        sa.Column("percent", BigKey, nullable=False),
        sa.Column("micros", BigKey, nullable=False),
        sa.Column("cap", BigKey, nullable=False),
        sa.Column("at", UtcDateTime(), nullable=False),
        sa.ForeignKeyConstraint(["group_id"], ["groups.id"], name=op.f("fk_spend_alert_group_id")),
        sa.PrimaryKeyConstraint("group_id", "period", "begins", "percent", name=op.f("pk_spend_alert")),
    )
    op.create_table(
        "sign_up_watch",
        sa.Column("group_id", BigKey, nullable=False),
        sa.Column("tripped_at", UtcDateTime(), nullable=True),
        sa.Column("looked_at", UtcDateTime(), nullable=True),
        sa.Column("looked_by", sa.String(length=120), nullable=True),
        sa.ForeignKeyConstraint(["group_id"], ["groups.id"], name=op.f("fk_sign_up_watch_group_id")),
        sa.PrimaryKeyConstraint("group_id", name=op.f("pk_sign_up_watch")),
    )
    op.create_table(
        "approval_request",
        sa.Column("id", BigKey, nullable=False),
        sa.Column("group_id", BigKey, nullable=False),
        sa.Column("campaign_id", BigKey, nullable=True),
        sa.Column("kind", sa.String(length=8), nullable=False),
        sa.Column("asked_for", sa.JSON(), nullable=False),
        sa.Column("digest", sa.LargeBinary(length=32), nullable=False),
        sa.Column("people", BigKey, nullable=False),
        sa.Column("requested_by", BigKey, nullable=False),
        sa.Column("requester", sa.String(length=120), nullable=False),
        sa.Column("requested_at", UtcDateTime(), nullable=False),
        sa.Column("expires_at", UtcDateTime(), nullable=False),
        sa.Column("state", sa.String(length=10), nullable=False),
        sa.Column("decided_by", BigKey, nullable=True),
        sa.Column("decider", sa.String(length=120), nullable=True),
        sa.Column("decided_at", UtcDateTime(), nullable=True),
        sa.Column("reason", sa.String(length=300), nullable=True),
        sa.ForeignKeyConstraint(["group_id"], ["groups.id"], name=op.f("fk_approval_request_group_id")),
        sa.ForeignKeyConstraint(["campaign_id"], ["campaign.id"], name=op.f("fk_approval_request_campaign_id")),
        sa.ForeignKeyConstraint(["requested_by"], ["users.id"], name=op.f("fk_approval_request_requested_by")),
        sa.ForeignKeyConstraint(["decided_by"], ["users.id"], name=op.f("fk_approval_request_decided_by")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_approval_request")),
    )
    op.create_index(
        "uq_approval_request_waiting", "approval_request", ["group_id", "campaign_id"], unique=True,
        sqlite_where=WAITING, postgresql_where=WAITING,
    )  # fmt: skip
    op.create_index(op.f("ix_approval_request_campaign_id"), "approval_request", ["campaign_id"])
    for table in ("call_session", "call_leg"):
        op.add_column(table, sa.Column("minutes", BigKey, server_default="0", nullable=False))


def downgrade() -> None:
    for table in ("call_leg", "call_session"):
        op.drop_column(table, "minutes")
    for table in ("approval_request", "sign_up_watch", "spend_alert", "spend_cap", "spend_day", "spend_entry",
                  "group_safety"):  # fmt: skip
        op.drop_table(table)
