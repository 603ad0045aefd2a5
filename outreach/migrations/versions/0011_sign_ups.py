"""Sign-ups, and asking old consent anew"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from outreach.core.db import BigKey, UtcDateTime

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "sign_up_try",
        sa.Column("id", BigKey, nullable=False),
        sa.Column("who", sa.LargeBinary(length=16), nullable=False),
        sa.Column("at", UtcDateTime(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_sign_up_try")),
    )
    with op.batch_alter_table("sign_up_try", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_sign_up_try_at"), ["at"], unique=False)
        batch_op.create_index(batch_op.f("ix_sign_up_try_who_at"), ["who", "at"], unique=False)

    op.create_table(
        "sign_up",
        sa.Column("id", BigKey, nullable=False),
        sa.Column("group_id", BigKey, nullable=False),
        sa.Column("number_hash", sa.LargeBinary(length=16), nullable=False),
        sa.Column("sealed", sa.LargeBinary(), nullable=False),
        sa.Column("zip", sa.String(length=5), nullable=True),
        sa.Column("language", sa.String(length=2), nullable=False),
        sa.Column("wording", sa.Text(), nullable=False),
        sa.Column("message_id", BigKey, nullable=True),
        sa.Column("created_at", UtcDateTime(), nullable=False),
        sa.Column("expires_at", UtcDateTime(), nullable=False),
        sa.ForeignKeyConstraint(["group_id"], ["groups.id"], name=op.f("fk_sign_up_group_id")),
        sa.ForeignKeyConstraint(["message_id"], ["message.id"], name=op.f("fk_sign_up_message_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_sign_up")),
        sa.UniqueConstraint("group_id", "number_hash", name=op.f("uq_sign_up_group_id_number_hash")),
    )
    with op.batch_alter_table("sign_up", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_sign_up_expires_at"), ["expires_at"], unique=False)
        batch_op.create_index(batch_op.f("ix_sign_up_number_hash"), ["number_hash"], unique=False)

    op.create_table(
        "reconfirmation",
        sa.Column("id", BigKey, nullable=False),
        sa.Column("group_id", BigKey, nullable=False),
        sa.Column("number_hash", sa.LargeBinary(length=16), nullable=False),
        sa.Column("gate_id", BigKey, nullable=False),
        sa.Column("asked_by", sa.String(length=120), nullable=False),
        sa.Column("created_at", UtcDateTime(), nullable=False),
        sa.ForeignKeyConstraint(["gate_id"], ["gate.id"], name=op.f("fk_reconfirmation_gate_id")),
        sa.ForeignKeyConstraint(["group_id"], ["groups.id"], name=op.f("fk_reconfirmation_group_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_reconfirmation")),
        sa.UniqueConstraint("group_id", "number_hash", name=op.f("uq_reconfirmation_group_id_number_hash")),
    )


def downgrade() -> None:
    op.drop_table("reconfirmation")
    with op.batch_alter_table("sign_up", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_sign_up_number_hash"))
        batch_op.drop_index(batch_op.f("ix_sign_up_expires_at"))

    op.drop_table("sign_up")
    with op.batch_alter_table("sign_up_try", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_sign_up_try_who_at"))
        batch_op.drop_index(batch_op.f("ix_sign_up_try_at"))

    op.drop_table("sign_up_try")
