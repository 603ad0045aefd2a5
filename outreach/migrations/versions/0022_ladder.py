"""The tactic ladder: a campaign's tone, what people must know, words that were replaced, and the rung before"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from outreach.core.db import BigKey, UtcDateTime

revision = "0022"
down_revision = "0021"
branch_labels = None
depends_on = None


def upgrade() -> None:
    with op.batch_alter_table("campaign") as batch_op:
        batch_op.add_column(sa.Column("tone", sa.String(length=8), nullable=True))
        batch_op.add_column(sa.Column("occasion", sa.JSON(), nullable=True))
        batch_op.add_column(sa.Column("kept_words", sa.JSON(), nullable=True))
        batch_op.add_column(sa.Column("predecessor_id", BigKey, nullable=True))
        batch_op.create_foreign_key(op.f("fk_campaign_predecessor_id"), "campaign", ["predecessor_id"], ["id"])
    with op.batch_alter_table("gate") as batch_op:
        batch_op.add_column(sa.Column("event_at", UtcDateTime(), nullable=True))


def downgrade() -> None:
    with op.batch_alter_table("gate") as batch_op:
        batch_op.drop_column("event_at")
    with op.batch_alter_table("campaign") as batch_op:
        batch_op.drop_constraint(op.f("fk_campaign_predecessor_id"), type_="foreignkey")
        for column in ("predecessor_id", "kept_words", "occasion", "tone"):
            batch_op.drop_column(column)
