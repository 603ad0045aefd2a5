"""The ledger of stances, how officials meet us, and manuals that are read"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from outreach.core.db import BigKey, UtcDateTime

revision = "0019"
down_revision = "0018"
branch_labels = None
depends_on = None


def _refers(table: str, column: str, target: str) -> sa.ForeignKeyConstraint:
    return sa.ForeignKeyConstraint([column], [f"{target}.id"], name=op.f(f"fk_{table}_{column}"))


def upgrade() -> None:
    op.create_table(
        "hostility_event",
        sa.Column("id", BigKey, nullable=False),
        sa.Column("group_id", BigKey, nullable=False),
        sa.Column("official_id", BigKey, nullable=False),
        sa.Column("value", sa.String(length=8), nullable=False),
        sa.Column("why", sa.String(length=300), nullable=False),
        sa.Column("set_by", sa.String(length=120), nullable=False),
        sa.Column("set_at", UtcDateTime(), nullable=False),
        _refers("hostility_event", "group_id", "groups"),
        _refers("hostility_event", "official_id", "official"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_hostility_event")),
    )
    op.create_index(op.f("ix_hostility_event_official_id_id"), "hostility_event", ["official_id", "id"])
    with op.batch_alter_table("stance") as batch_op:
        batch_op.alter_column("meeting_id", existing_type=BigKey, nullable=True)
        batch_op.add_column(sa.Column("heard_on", sa.Date(), nullable=True))
        batch_op.add_column(sa.Column("heard_by", sa.String(length=200), nullable=True))
        batch_op.add_column(sa.Column("times_asked", BigKey, nullable=True))
        batch_op.add_column(sa.Column("citation", sa.Text(), nullable=True))
        batch_op.add_column(sa.Column("source", sa.String(length=16), nullable=True))
        batch_op.add_column(sa.Column("recorded_by", sa.String(length=120), nullable=True))
        batch_op.add_column(sa.Column("corrects_id", BigKey, nullable=True))
        batch_op.create_foreign_key(op.f("fk_stance_corrects_id"), "stance", ["corrects_id"], ["id"])
        batch_op.create_unique_constraint(op.f("uq_stance_corrects_id"), ["corrects_id"])
    op.create_table(
        "manual_document",
        sa.Column("id", BigKey, nullable=False),
        sa.Column("group_id", BigKey, nullable=False),
        sa.Column("official_id", BigKey, nullable=True),
        sa.Column("title", sa.String(length=200), nullable=False),
        sa.Column("agency", sa.String(length=200), nullable=False),
        sa.Column("jurisdiction", sa.String(length=200), nullable=False),
        sa.Column("source", sa.String(length=500), nullable=False),
        sa.Column("dated", sa.Date(), nullable=True),
        sa.Column("created_by", sa.String(length=120), nullable=False),
        sa.Column("created_at", UtcDateTime(), nullable=False),
        _refers("manual_document", "group_id", "groups"),
        _refers("manual_document", "official_id", "official"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_manual_document")),
    )
    op.create_index(op.f("ix_manual_document_group_id"), "manual_document", ["group_id"])
    op.create_index(op.f("ix_manual_document_official_id"), "manual_document", ["official_id"])
    op.create_table(
        "manual_passage",
        sa.Column("id", BigKey, nullable=False),
        sa.Column("group_id", BigKey, nullable=False),
        sa.Column("document_id", BigKey, nullable=False),
        sa.Column("section", sa.String(length=120), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("policy", BigKey, nullable=True),
        sa.Column("comment", sa.Text(), nullable=False),
        sa.Column("reader", sa.String(length=120), nullable=False),
        sa.Column("reviewed_by", sa.String(length=120), nullable=True),
        sa.Column("reviewed_at", UtcDateTime(), nullable=True),
        sa.Column("stance_id", BigKey, nullable=True),
        sa.Column("created_by", sa.String(length=120), nullable=False),
        sa.Column("created_at", UtcDateTime(), nullable=False),
        _refers("manual_passage", "group_id", "groups"),
        _refers("manual_passage", "document_id", "manual_document"),
        _refers("manual_passage", "stance_id", "stance"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_manual_passage")),
    )
    op.create_index(op.f("ix_manual_passage_document_id"), "manual_passage", ["document_id"])
    op.create_table(
        "manual_mark",
        sa.Column("id", BigKey, nullable=False),
        sa.Column("passage_id", BigKey, nullable=False),
        sa.Column("kind", sa.String(length=16), nullable=False),
        sa.Column("words", sa.String(length=500), nullable=False),
        sa.Column("marked_by", sa.String(length=120), nullable=False),
        sa.Column("created_at", UtcDateTime(), nullable=False),
        _refers("manual_mark", "passage_id", "manual_passage"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_manual_mark")),
    )
    op.create_index(op.f("ix_manual_mark_passage_id"), "manual_mark", ["passage_id"])


def downgrade() -> None:
    for table in ("manual_mark", "manual_passage", "manual_document", "hostility_event"):
        op.drop_table(table)
    op.execute("DELETE FROM stance WHERE corrects_id IS NOT NULL OR meeting_id IS NULL")
    with op.batch_alter_table("stance") as batch_op:
        batch_op.drop_constraint(op.f("uq_stance_corrects_id"), type_="unique")
        batch_op.drop_constraint(op.f("fk_stance_corrects_id"), type_="foreignkey")
        for column in (
            "corrects_id", "recorded_by", "source", "citation", "times_asked", "heard_by", "heard_on",
        ):  # fmt: skip
            batch_op.drop_column(column)
        batch_op.alter_column("meeting_id", existing_type=BigKey, nullable=False)
