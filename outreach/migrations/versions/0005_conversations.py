"""Conversations"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from outreach.core.db import BigKey, UtcDateTime

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "audit_event",
        sa.Column("id", BigKey, nullable=False),
        sa.Column("group_id", BigKey, nullable=False),
        sa.Column("actor", sa.String(length=120), nullable=False),
        sa.Column("action", sa.String(length=32), nullable=False),
        sa.Column("subject", sa.String(length=32), nullable=False),
        sa.Column("details", sa.JSON(), nullable=False),
        sa.Column("at", UtcDateTime(), nullable=False),
        sa.ForeignKeyConstraint(["group_id"], ["groups.id"], name=op.f("fk_audit_event_group_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_audit_event")),
    )
    with op.batch_alter_table("audit_event", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_audit_event_group_id_at"), ["group_id", "at"], unique=False)

    op.create_table(
        "conversation",
        sa.Column("id", BigKey, nullable=False),
        sa.Column("group_id", BigKey, nullable=False),
        sa.Column("number_hash", sa.LargeBinary(length=16), nullable=False),
        sa.Column("rank", BigKey, nullable=False),
        sa.Column("last_reply_at", UtcDateTime(), nullable=False),
        sa.Column("claimed_by", BigKey, nullable=True),
        sa.Column("claimed_at", UtcDateTime(), nullable=True),
        sa.ForeignKeyConstraint(["claimed_by"], ["users.id"], name=op.f("fk_conversation_claimed_by")),
        sa.ForeignKeyConstraint(["group_id"], ["groups.id"], name=op.f("fk_conversation_group_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_conversation")),
        sa.UniqueConstraint("group_id", "number_hash", name=op.f("uq_conversation_group_id_number_hash")),
    )
    with op.batch_alter_table("conversation", schema=None) as batch_op:
        batch_op.create_index(
            batch_op.f("ix_conversation_group_id_rank_last_reply_at"),
            ["group_id", "rank", "last_reply_at"],
            unique=False,
        )

    with op.batch_alter_table("message", schema=None) as batch_op:
        batch_op.add_column(sa.Column("retry_of", BigKey, nullable=True))
        batch_op.add_column(sa.Column("decision", sa.String(length=8), nullable=True))
        batch_op.add_column(sa.Column("asked_at", UtcDateTime(), nullable=True))
        batch_op.drop_constraint(batch_op.f("uq_message_recipient_id"), type_="unique")
        batch_op.create_index(
            "uq_message_recipient_id_first",
            ["recipient_id"],
            unique=True,
            sqlite_where=sa.text("retry_of is null"),
            postgresql_where=sa.text("retry_of is null"),
        )
        batch_op.create_unique_constraint(batch_op.f("uq_message_retry_of"), ["retry_of"])
        batch_op.create_foreign_key(batch_op.f("fk_message_retry_of"), "message", ["retry_of"], ["id"])

    with op.batch_alter_table("reply", schema=None) as batch_op:
        batch_op.add_column(sa.Column("corrected_by", sa.String(length=120), nullable=True))
    # Threads that stood before: what nobody could have answered yet waits, the rest is done.
    op.execute(
        """
        INSERT INTO conversation (group_id, number_hash, rank, last_reply_at)
        SELECT group_id, number_hash,
               MIN(CASE intent WHEN 'possible_opt_out' THEN 0 WHEN 'question' THEN 2 WHEN 'other' THEN 2 ELSE 9 END),
               MAX(received_at)
        FROM reply GROUP BY group_id, number_hash
        """
    )


def downgrade() -> None:
    with op.batch_alter_table("reply", schema=None) as batch_op:
        batch_op.drop_column("corrected_by")

    with op.batch_alter_table("message", schema=None) as batch_op:
        batch_op.drop_constraint(batch_op.f("fk_message_retry_of"), type_="foreignkey")
        batch_op.drop_constraint(batch_op.f("uq_message_retry_of"), type_="unique")
        batch_op.drop_index(
            "uq_message_recipient_id_first",
            sqlite_where=sa.text("retry_of is null"),
            postgresql_where=sa.text("retry_of is null"),
        )
        batch_op.create_unique_constraint(batch_op.f("uq_message_recipient_id"), ["recipient_id"])
        batch_op.drop_column("asked_at")
        batch_op.drop_column("decision")
        batch_op.drop_column("retry_of")

    with op.batch_alter_table("conversation", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_conversation_group_id_rank_last_reply_at"))

    op.drop_table("conversation")
    with op.batch_alter_table("audit_event", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_audit_event_group_id_at"))

    op.drop_table("audit_event")
