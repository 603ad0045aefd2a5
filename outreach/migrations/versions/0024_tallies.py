"""Counted sheets of the tallies, and the public counter"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from outreach.core.db import BigKey, UtcDateTime

revision = "0024"
down_revision = "0023"
branch_labels = None
depends_on = None

REPORTED = sa.text("outcome is not null")


def upgrade() -> None:
    op.create_table(
        "tally_sheet",
        sa.Column("group_id", BigKey, nullable=False),
        sa.Column("dimension", sa.String(length=16), nullable=False),
        sa.Column("period", sa.String(length=8), nullable=False),
        sa.Column("wanted_at", UtcDateTime(), nullable=False),
        sa.Column("counted_at", UtcDateTime(), nullable=True),
        sa.Column("took_ms", BigKey, nullable=True),
        sa.Column("mark", sa.String(length=64), nullable=True),
        sa.Column("document", sa.JSON(), nullable=True),
        sa.ForeignKeyConstraint(["group_id"], ["groups.id"], name=op.f("fk_tally_sheet_group_id")),
        sa.PrimaryKeyConstraint("group_id", "dimension", "period", name=op.f("pk_tally_sheet")),
    )
    op.create_table(
        "public_counter",
        sa.Column("campaign_id", BigKey, nullable=False),
        sa.Column("group_id", BigKey, nullable=False),
        sa.Column("is_on", sa.Boolean(), nullable=False),
        sa.Column("goal", BigKey, nullable=True),
        sa.Column("changed_by", sa.String(length=120), nullable=False),
        sa.Column("changed_at", UtcDateTime(), nullable=False),
        sa.ForeignKeyConstraint(["campaign_id"], ["campaign.id"], name=op.f("fk_public_counter_campaign_id")),
        sa.ForeignKeyConstraint(["group_id"], ["groups.id"], name=op.f("fk_public_counter_group_id")),
        sa.PrimaryKeyConstraint("campaign_id", name=op.f("pk_public_counter")),
    )
    op.create_index(
        "ix_reply_reported", "reply", ["group_id", "received_at"], sqlite_where=REPORTED, postgresql_where=REPORTED
    )


def downgrade() -> None:
    op.drop_index("ix_reply_reported", "reply")
    op.drop_table("public_counter")
    op.drop_table("tally_sheet")
