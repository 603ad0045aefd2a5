"""What a restored backup leaves behind"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from outreach.core.db import BigKey, UtcDateTime

revision = "0031"
down_revision = "0029"
branch_labels = None
depends_on = None

UNBOUND = sa.text("message_id is null")


def upgrade() -> None:
    op.create_table(
        "restoration",
        sa.Column("id", sa.String(length=32), nullable=False),
        sa.Column("backup_at", UtcDateTime(), nullable=False),
        sa.Column("restored_at", UtcDateTime(), nullable=False),
        sa.Column("caught_up_at", UtcDateTime(), nullable=True),
        sa.Column("found", sa.JSON(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_restoration")),
    )
    op.create_table(
        "found_text",
        sa.Column("carrier_sid", sa.String(length=34), nullable=False),
        sa.Column("number_hash", sa.LargeBinary(length=16), nullable=False),
        sa.Column("body_hash", sa.LargeBinary(length=16), nullable=False),
        sa.Column("status", sa.String(length=16), nullable=False),
        sa.Column("error_code", BigKey, nullable=True),
        sa.Column("created_at", UtcDateTime(), nullable=False),
        sa.Column("message_id", BigKey, nullable=True),
        sa.PrimaryKeyConstraint("carrier_sid", name=op.f("pk_found_text")),
    )
    op.create_index(
        "ix_found_text_unbound", "found_text", ["number_hash"], sqlite_where=UNBOUND, postgresql_where=UNBOUND
    )


def downgrade() -> None:
    op.drop_index("ix_found_text_unbound", "found_text")
    op.drop_table("found_text")
    op.drop_table("restoration")
