"""Timeline"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from outreach.core.db import BigKey

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:

    op.create_table(
        "timeline",
        sa.Column("gate_id", BigKey, nullable=False),
        sa.Column("minute", BigKey, nullable=False),
        sa.Column("name", sa.String(length=32), nullable=False),
        sa.Column("count", BigKey, nullable=False),
        sa.ForeignKeyConstraint(["gate_id"], ["gate.id"], name=op.f("fk_timeline_gate_id")),
        sa.PrimaryKeyConstraint("gate_id", "minute", "name", name=op.f("pk_timeline")),
    )


def downgrade() -> None:

    op.drop_table("timeline")
