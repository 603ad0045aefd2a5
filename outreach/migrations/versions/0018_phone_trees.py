"""Phone trees, what becomes of them in a run, and calls to captains and by them"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from outreach.core.db import BigKey, UtcDateTime

revision = "0018"
down_revision = "0017"
branch_labels = None
depends_on = None

RUNNING = sa.text("state = 'running'")
MEMBERS = sa.text("member_id is not null")
LIVE = sa.text("state in ('waiting', 'asked', 'nudged', 'backup_asked')")


def _refers(table: str, column: str, target: str) -> sa.ForeignKeyConstraint:
    return sa.ForeignKeyConstraint([column], [f"{target}.id"], name=op.f(f"fk_{table}_{column}"))


def upgrade() -> None:
    op.create_table(
        "phone_tree",
        sa.Column("id", BigKey, nullable=False),
        sa.Column("group_id", BigKey, nullable=False),
        sa.Column("name", sa.String(length=120), nullable=False),
        sa.Column("version", BigKey, nullable=False),
        sa.Column("created_by", sa.String(length=120), nullable=False),
        sa.Column("created_at", UtcDateTime(), nullable=False),
        _refers("phone_tree", "group_id", "groups"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_phone_tree")),
        sa.UniqueConstraint("group_id", "name", name=op.f("uq_phone_tree_group_id_name")),
    )
    op.create_table(
        "tree_node",
        sa.Column("id", BigKey, nullable=False),
        sa.Column("tree_id", BigKey, nullable=False),
        sa.Column("constituent_id", BigKey, nullable=False),
        sa.Column("parent_id", BigKey, nullable=True),
        sa.Column("backup_id", BigKey, nullable=True),
        sa.Column("area", sa.String(length=80), nullable=True),
        _refers("tree_node", "tree_id", "phone_tree"),
        _refers("tree_node", "constituent_id", "constituent"),
        _refers("tree_node", "parent_id", "tree_node"),
        _refers("tree_node", "backup_id", "constituent"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_tree_node")),
        sa.UniqueConstraint("tree_id", "constituent_id", name=op.f("uq_tree_node_tree_id_constituent_id")),
    )
    op.create_index(op.f("ix_tree_node_constituent_id"), "tree_node", ["constituent_id"])
    op.create_table(
        "tree_run",
        sa.Column("id", BigKey, nullable=False),
        sa.Column("group_id", BigKey, nullable=False),
        sa.Column("tree_id", BigKey, nullable=False),
        sa.Column("tree_version", BigKey, nullable=False),
        sa.Column("campaign_id", BigKey, nullable=False),
        sa.Column("wave_id", BigKey, nullable=False),
        sa.Column("gate_id", BigKey, nullable=False),
        sa.Column("state", sa.String(length=8), nullable=False),
        sa.Column("channel", sa.String(length=4), server_default="text", nullable=False),
        sa.Column("nudge_minutes", BigKey, nullable=False),
        sa.Column("backup_minutes", BigKey, nullable=False),
        sa.Column("started_by", sa.String(length=120), nullable=False),
        sa.Column("started_at", UtcDateTime(), nullable=False),
        sa.Column("finished_at", UtcDateTime(), nullable=True),
        _refers("tree_run", "group_id", "groups"),
        _refers("tree_run", "tree_id", "phone_tree"),
        _refers("tree_run", "campaign_id", "campaign"),
        _refers("tree_run", "wave_id", "wave"),
        _refers("tree_run", "gate_id", "gate"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_tree_run")),
        sa.UniqueConstraint("wave_id", name=op.f("uq_tree_run_wave_id")),
        sa.UniqueConstraint("gate_id", name=op.f("uq_tree_run_gate_id")),
    )
    op.create_index(op.f("ix_tree_run_group_id"), "tree_run", ["group_id"])
    op.create_index("ix_tree_run_running", "tree_run", ["id"], sqlite_where=RUNNING, postgresql_where=RUNNING)
    op.create_index(
        "uq_tree_run_running", "tree_run", ["tree_id"], unique=True, sqlite_where=RUNNING, postgresql_where=RUNNING
    )
    op.create_table(
        "tree_seat",
        sa.Column("id", BigKey, nullable=False),
        sa.Column("run_id", BigKey, nullable=False),
        sa.Column("constituent_id", BigKey, nullable=False),
        sa.Column("number_hash", sa.LargeBinary(length=16), nullable=False),
        sa.Column("parent_id", BigKey, nullable=True),
        sa.Column("level", BigKey, nullable=False),
        sa.Column("area", sa.String(length=80), nullable=True),
        sa.Column("message_id", BigKey, nullable=True),
        _refers("tree_seat", "run_id", "tree_run"),
        _refers("tree_seat", "constituent_id", "constituent"),
        _refers("tree_seat", "parent_id", "tree_seat"),
        _refers("tree_seat", "message_id", "message"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_tree_seat")),
        sa.UniqueConstraint("run_id", "number_hash", name=op.f("uq_tree_seat_run_id_number_hash")),
    )
    op.create_index(op.f("ix_tree_seat_parent_id"), "tree_seat", ["parent_id"])
    op.create_table(
        "tree_step",
        sa.Column("id", BigKey, nullable=False),
        sa.Column("run_id", BigKey, nullable=False),
        sa.Column("seat_id", BigKey, nullable=False),
        sa.Column("number_hash", sa.LargeBinary(length=16), nullable=False),
        sa.Column("backup_id", BigKey, nullable=True),
        sa.Column("backup_hash", sa.LargeBinary(length=16), nullable=True),
        sa.Column("state", sa.String(length=16), nullable=False),
        sa.Column("reason", sa.String(length=16), nullable=True),
        sa.Column("deadline_at", UtcDateTime(), nullable=True),
        sa.Column("ask_id", BigKey, nullable=True),
        sa.Column("ask_call_id", BigKey, nullable=True),
        sa.Column("backup_ask_id", BigKey, nullable=True),
        sa.Column("confirmed_by", sa.String(length=8), nullable=True),
        sa.Column("released_at", UtcDateTime(), nullable=True),
        sa.Column("joined_at", UtcDateTime(), nullable=True),
        _refers("tree_step", "run_id", "tree_run"),
        _refers("tree_step", "seat_id", "tree_seat"),
        _refers("tree_step", "backup_id", "constituent"),
        _refers("tree_step", "ask_id", "message"),
        _refers("tree_step", "ask_call_id", "call_session"),
        _refers("tree_step", "backup_ask_id", "message"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_tree_step")),
        sa.UniqueConstraint("seat_id", name=op.f("uq_tree_step_seat_id")),
    )
    for column in ("run_id", "number_hash", "backup_hash"):
        op.create_index(op.f(f"ix_tree_step_{column}"), "tree_step", [column])
    op.create_index(
        "ix_tree_step_live", "tree_step", ["run_id", "deadline_at"], sqlite_where=LIVE, postgresql_where=LIVE
    )
    with op.batch_alter_table("call_leg") as batch_op:
        batch_op.alter_column("office_id", existing_type=BigKey, nullable=True)
        batch_op.add_column(sa.Column("member_id", BigKey, nullable=True))
        batch_op.create_foreign_key(op.f("fk_call_leg_member_id"), "constituent", ["member_id"], ["id"])
        batch_op.create_index("ix_call_leg_member_id", ["member_id"], sqlite_where=MEMBERS, postgresql_where=MEMBERS)


def downgrade() -> None:
    op.execute("DELETE FROM call_leg WHERE office_id IS NULL")
    with op.batch_alter_table("call_leg") as batch_op:
        batch_op.drop_index("ix_call_leg_member_id", sqlite_where=MEMBERS, postgresql_where=MEMBERS)
        batch_op.drop_constraint(op.f("fk_call_leg_member_id"), type_="foreignkey")
        batch_op.drop_column("member_id")
        batch_op.alter_column("office_id", existing_type=BigKey, nullable=False)
    for table in ("tree_step", "tree_seat", "tree_run", "tree_node", "phone_tree"):
        op.drop_table(table)
