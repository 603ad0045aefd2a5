"""Bookmark"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from outreach.core.db import UtcDateTime

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:

    op.create_table(
        "bookmark",
        sa.Column("name", sa.String(length=32), nullable=False),
        sa.Column("at", UtcDateTime(), nullable=False),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_bookmark")),
    )


def downgrade() -> None:

    op.drop_table("bookmark")
