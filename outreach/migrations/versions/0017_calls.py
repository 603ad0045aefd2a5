"""Calls: sessions and legs; hours of offices, spoken scripts, and what is reported by key or page"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from outreach.core.db import BigKey, UtcDateTime

revision = "0017"
down_revision = "0016"
branch_labels = None
depends_on = None

LIVE = sa.text("state in ('waiting', 'placing', 'unknown', 'placed', 'talking')")


def upgrade() -> None:
    op.create_table(
        "call_session",
        sa.Column("id", BigKey, nullable=False),
        sa.Column("group_id", BigKey, nullable=False),
        sa.Column("gate_id", BigKey, nullable=False),
        sa.Column("constituent_id", BigKey, nullable=True),
        sa.Column("number_hash", sa.LargeBinary(length=16), nullable=False),
        sa.Column("sealed", sa.LargeBinary(), nullable=True),
        sa.Column("language", sa.String(length=2), nullable=False),
        sa.Column("source", sa.String(length=8), nullable=False),
        sa.Column("state", sa.String(length=8), nullable=False),
        sa.Column("ending", sa.String(length=16), nullable=True),
        sa.Column("stage", sa.String(length=8), nullable=False),
        sa.Column("line", BigKey, nullable=False),
        sa.Column("asked", BigKey, nullable=False),
        sa.Column("step", BigKey, nullable=False),
        sa.Column("office_ids", sa.JSON(), nullable=False),
        sa.Column("carrier_sid", sa.String(length=34), nullable=True),
        sa.Column("heard_sequence", BigKey, nullable=False),
        sa.Column("asked_at", UtcDateTime(), nullable=False),
        sa.Column("not_before", UtcDateTime(), nullable=False),
        sa.Column("lease_until", UtcDateTime(), nullable=True),
        sa.Column("ended_at", UtcDateTime(), nullable=True),
        sa.ForeignKeyConstraint(["constituent_id"], ["constituent.id"], name=op.f("fk_call_session_constituent_id")),
        sa.ForeignKeyConstraint(["gate_id"], ["gate.id"], name=op.f("fk_call_session_gate_id")),
        sa.ForeignKeyConstraint(["group_id"], ["groups.id"], name=op.f("fk_call_session_group_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_call_session")),
    )
    with op.batch_alter_table("call_session", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_call_session_gate_id_id"), ["gate_id", "id"], unique=False)
        batch_op.create_index(
            "ix_call_session_live", ["not_before"], unique=False, sqlite_where=LIVE, postgresql_where=LIVE
        )
        batch_op.create_index(batch_op.f("ix_call_session_number_hash"), ["number_hash"], unique=False)
        batch_op.create_index(
            "uq_call_session_live", ["number_hash"], unique=True, sqlite_where=LIVE, postgresql_where=LIVE
        )

    op.create_table(
        "call_leg",
        sa.Column("id", BigKey, nullable=False),
        sa.Column("session_id", BigKey, nullable=False),
        sa.Column("number", BigKey, nullable=False),
        sa.Column("office_id", BigKey, nullable=False),
        sa.Column("carrier_sid", sa.String(length=34), nullable=True),
        sa.Column("status", sa.String(length=16), nullable=True),
        sa.Column("seconds", BigKey, nullable=True),
        sa.Column("outcome", sa.String(length=16), nullable=True),
        sa.Column("answer", sa.String(length=16), nullable=True),
        sa.Column("begun_at", UtcDateTime(), nullable=False),
        sa.Column("ended_at", UtcDateTime(), nullable=True),
        sa.ForeignKeyConstraint(["office_id"], ["office.id"], name=op.f("fk_call_leg_office_id")),
        sa.ForeignKeyConstraint(["session_id"], ["call_session.id"], name=op.f("fk_call_leg_session_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_call_leg")),
        sa.UniqueConstraint("session_id", "number", name=op.f("uq_call_leg_session_id_number")),
    )
    with op.batch_alter_table("call_leg", schema=None) as batch_op:
        batch_op.create_index(
            "ix_call_leg_open",
            ["office_id"],
            unique=False,
            sqlite_where=sa.text("ended_at is null"),
            postgresql_where=sa.text("ended_at is null"),
        )

    with op.batch_alter_table("campaign", schema=None) as batch_op:
        batch_op.add_column(sa.Column("spoken_en", sa.Text(), nullable=True))
        batch_op.add_column(sa.Column("spoken_es", sa.Text(), nullable=True))

    with op.batch_alter_table("office", schema=None) as batch_op:
        batch_op.add_column(sa.Column("hours", sa.JSON(), nullable=True))
        batch_op.add_column(sa.Column("zone", sa.String(length=40), nullable=True))
        batch_op.add_column(sa.Column("lines", BigKey, nullable=True))

    with op.batch_alter_table("reply", schema=None) as batch_op:
        batch_op.add_column(sa.Column("channel", sa.String(length=8), server_default="text", nullable=False))


def downgrade() -> None:
    with op.batch_alter_table("reply", schema=None) as batch_op:
        batch_op.drop_column("channel")

    with op.batch_alter_table("office", schema=None) as batch_op:
        batch_op.drop_column("lines")
        batch_op.drop_column("zone")
        batch_op.drop_column("hours")

    with op.batch_alter_table("campaign", schema=None) as batch_op:
        batch_op.drop_column("spoken_es")
        batch_op.drop_column("spoken_en")

    with op.batch_alter_table("call_leg", schema=None) as batch_op:
        batch_op.drop_index(
            "ix_call_leg_open", sqlite_where=sa.text("ended_at is null"), postgresql_where=sa.text("ended_at is null")
        )

    op.drop_table("call_leg")
    with op.batch_alter_table("call_session", schema=None) as batch_op:
        batch_op.drop_index("uq_call_session_live", sqlite_where=LIVE, postgresql_where=LIVE)
        batch_op.drop_index(batch_op.f("ix_call_session_number_hash"))
        batch_op.drop_index("ix_call_session_live", sqlite_where=LIVE, postgresql_where=LIVE)
        batch_op.drop_index(batch_op.f("ix_call_session_gate_id_id"))

    op.drop_table("call_session")
