"""Follow-ups, and outcomes that belong to a tactic"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from outreach.core.db import BigKey, UtcDateTime

revision = "0014"
down_revision = "0013"
branch_labels = None
depends_on = None

WAITING = "state = 'waiting'"


def upgrade() -> None:
    op.create_table(
        "follow_up",
        sa.Column("id", BigKey, nullable=False),
        sa.Column("group_id", BigKey, nullable=False),
        sa.Column("gate_id", BigKey, nullable=False),
        sa.Column("number_hash", sa.LargeBinary(length=16), nullable=False),
        sa.Column("constituent_id", BigKey, nullable=True),
        sa.Column("kind", sa.String(length=16), nullable=False),
        sa.Column("state", sa.String(length=8), nullable=False),
        sa.Column("reason", sa.String(length=16), nullable=True),
        sa.Column("message_id", BigKey, nullable=True),
        sa.Column("due_at", UtcDateTime(), nullable=False),
        sa.Column("expires_at", UtcDateTime(), nullable=False),
        sa.Column("asked_at", UtcDateTime(), nullable=False),
        sa.ForeignKeyConstraint(["constituent_id"], ["constituent.id"], name=op.f("fk_follow_up_constituent_id")),
        sa.ForeignKeyConstraint(["gate_id"], ["gate.id"], name=op.f("fk_follow_up_gate_id")),
        sa.ForeignKeyConstraint(["group_id"], ["groups.id"], name=op.f("fk_follow_up_group_id")),
        sa.ForeignKeyConstraint(["message_id"], ["message.id"], name=op.f("fk_follow_up_message_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_follow_up")),
        sa.UniqueConstraint("gate_id", "number_hash", "kind", name=op.f("uq_follow_up_gate_id_number_hash_kind")),
        sa.UniqueConstraint("message_id", name=op.f("uq_follow_up_message_id")),
    )
    with op.batch_alter_table("follow_up", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_follow_up_number_hash"), ["number_hash"], unique=False)
        batch_op.create_index(
            "ix_follow_up_waiting", ["due_at"], unique=False, sqlite_where=sa.text(WAITING),
            postgresql_where=sa.text(WAITING),
        )  # fmt: skip

    with op.batch_alter_table("gate", schema=None) as batch_op:
        batch_op.add_column(sa.Column("tactic", sa.String(length=24), nullable=True))
    with op.batch_alter_table("message", schema=None) as batch_op:
        batch_op.add_column(sa.Column("about_gate_id", BigKey, nullable=True))
    with op.batch_alter_table("reply", schema=None) as batch_op:
        batch_op.add_column(sa.Column("tactic", sa.String(length=24), nullable=True))
        batch_op.add_column(sa.Column("superseded", sa.Boolean(), server_default=sa.false(), nullable=False))
    op.execute(
        """
        UPDATE gate SET tactic = (SELECT campaign.tactic FROM campaign JOIN wave ON wave.campaign_id = campaign.id
                                  WHERE wave.gate_id = gate.id)
        WHERE kind = 'wave'
        """
    )
    op.execute(
        """
        UPDATE reply SET tactic = (SELECT gate.tactic FROM gate WHERE gate.id = reply.gate_id)
        WHERE outcome IS NOT NULL AND gate_id IS NOT NULL
        """
    )


def downgrade() -> None:
    with op.batch_alter_table("reply", schema=None) as batch_op:
        batch_op.drop_column("superseded")
        batch_op.drop_column("tactic")
    with op.batch_alter_table("message", schema=None) as batch_op:
        batch_op.drop_column("about_gate_id")
    with op.batch_alter_table("gate", schema=None) as batch_op:
        batch_op.drop_column("tactic")

    with op.batch_alter_table("follow_up", schema=None) as batch_op:
        batch_op.drop_index("ix_follow_up_waiting", sqlite_where=sa.text(WAITING), postgresql_where=sa.text(WAITING))
        batch_op.drop_index(batch_op.f("ix_follow_up_number_hash"))
    op.drop_table("follow_up")
