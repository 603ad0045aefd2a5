"""Stand-downs, how each campaign stood before, and the pace of campaigns whose people call an office"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from outreach.core.db import BigKey, UtcDateTime

revision = "0023"
down_revision = "0022"
branch_labels = None
depends_on = None


def _refers(table: str, column: str, target: str) -> sa.ForeignKeyConstraint:
    return sa.ForeignKeyConstraint([column], [f"{target}.id"], name=op.f(f"fk_{table}_{column}"))


def upgrade() -> None:
    op.create_table(
        "stand_down",
        sa.Column("id", BigKey, nullable=False),
        sa.Column("group_id", BigKey, nullable=False),
        sa.Column("official_id", BigKey, nullable=False),
        sa.Column("state", sa.String(length=8), nullable=False),
        sa.Column("why", sa.Text(), nullable=False),
        sa.Column("text_en", sa.Text(), nullable=True),
        sa.Column("text_es", sa.Text(), nullable=True),
        sa.Column("gate_id", BigKey, nullable=True),
        sa.Column("thanked_through", BigKey, nullable=False),
        sa.Column("begun_by", sa.String(length=120), nullable=False),
        sa.Column("begun_at", UtcDateTime(), nullable=False),
        sa.Column("final_at", UtcDateTime(), nullable=False),
        sa.Column("undone_by", sa.String(length=120), nullable=True),
        sa.Column("ended_at", UtcDateTime(), nullable=True),
        _refers("stand_down", "group_id", "groups"),
        _refers("stand_down", "official_id", "official"),
        _refers("stand_down", "gate_id", "gate"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_stand_down")),
        sa.UniqueConstraint("gate_id", name=op.f("uq_stand_down_gate_id")),
    )
    op.create_index(op.f("ix_stand_down_group_id"), "stand_down", ["group_id"])
    op.create_table(
        "stood_down",
        sa.Column("stand_down_id", BigKey, nullable=False),
        sa.Column("campaign_id", BigKey, nullable=False),
        sa.Column("state", sa.String(length=12), nullable=False),
        sa.Column("launch_at", UtcDateTime(), nullable=True),
        sa.Column("gates", sa.JSON(), nullable=False),
        _refers("stood_down", "stand_down_id", "stand_down"),
        _refers("stood_down", "campaign_id", "campaign"),
        sa.PrimaryKeyConstraint("stand_down_id", "campaign_id", name=op.f("pk_stood_down")),
    )
    op.create_index(op.f("ix_stood_down_campaign_id"), "stood_down", ["campaign_id"])
    op.create_table(
        "pace",
        sa.Column("gate_id", BigKey, nullable=False),
        sa.Column("credit", sa.Float(), nullable=False),
        sa.Column("ticked_at", UtcDateTime(), nullable=False),
        sa.Column("opens_at", UtcDateTime(), nullable=True),
        _refers("pace", "gate_id", "gate"),
        sa.PrimaryKeyConstraint("gate_id", name=op.f("pk_pace")),
    )
    op.add_column("gate", sa.Column("sends_until", UtcDateTime(), nullable=True))
    op.add_column("campaign", sa.Column("pacing", sa.String(length=8), nullable=True))


def downgrade() -> None:
    op.drop_column("campaign", "pacing")
    op.drop_column("gate", "sends_until")
    for table in ("pace", "stood_down", "stand_down"):
        op.drop_table(table)
