"""Waves"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from outreach.core.db import UtcDateTime

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None


def upgrade() -> None:
    with op.batch_alter_table("campaign", schema=None) as batch_op:
        batch_op.add_column(sa.Column("launch_at", UtcDateTime(), nullable=True))
        batch_op.add_column(sa.Column("launch_problem", sa.String(length=64), nullable=True))
        batch_op.add_column(sa.Column("text_b_en", sa.Text(), nullable=True))
        batch_op.add_column(sa.Column("text_b_es", sa.Text(), nullable=True))

    with op.batch_alter_table("gate", schema=None) as batch_op:
        batch_op.add_column(sa.Column("unless_replied", sa.JSON(), nullable=True))

    with op.batch_alter_table("gate_text", schema=None) as batch_op:
        batch_op.add_column(sa.Column("variant", sa.String(length=1), server_default="a", nullable=False))
        batch_op.drop_constraint(batch_op.f("pk_gate_text"), type_="primary")
        batch_op.create_primary_key(batch_op.f("pk_gate_text"), ["gate_id", "language", "variant"])

    with op.batch_alter_table("message", schema=None) as batch_op:
        batch_op.add_column(sa.Column("variant", sa.String(length=1), nullable=True))


def downgrade() -> None:
    with op.batch_alter_table("message", schema=None) as batch_op:
        batch_op.drop_column("variant")

    op.execute("DELETE FROM gate_text WHERE variant <> 'a'")
    with op.batch_alter_table("gate_text", schema=None) as batch_op:
        batch_op.drop_constraint(batch_op.f("pk_gate_text"), type_="primary")
        batch_op.create_primary_key(batch_op.f("pk_gate_text"), ["gate_id", "language"])
        batch_op.drop_column("variant")

    with op.batch_alter_table("gate", schema=None) as batch_op:
        batch_op.drop_column("unless_replied")

    with op.batch_alter_table("campaign", schema=None) as batch_op:
        batch_op.drop_column("text_b_es")
        batch_op.drop_column("text_b_en")
        batch_op.drop_column("launch_problem")
        batch_op.drop_column("launch_at")
