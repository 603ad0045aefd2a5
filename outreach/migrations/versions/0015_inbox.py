"""The inbox: hand-over, ready answers, tags, corrections and nudges"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from outreach.core.db import BigKey, UtcDateTime

revision = "0015"
down_revision = "0014"
branch_labels = None
depends_on = None

CLAIMED = "claimed_by is not null"
HANDED = "handed_to is not null"
ORDER = ["rank", "waits_since", "id"]


def upgrade() -> None:
    op.create_table(
        "canned_reply",
        sa.Column("id", BigKey, nullable=False),
        sa.Column("group_id", BigKey, nullable=False),
        sa.Column("name", sa.String(length=60), nullable=False),
        sa.Column("text_en", sa.Text(), nullable=False),
        sa.Column("text_es", sa.Text(), nullable=False),
        sa.Column("created_by", sa.String(length=120), nullable=False),
        sa.Column("created_at", UtcDateTime(), nullable=False),
        sa.ForeignKeyConstraint(["group_id"], ["groups.id"], name=op.f("fk_canned_reply_group_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_canned_reply")),
        sa.UniqueConstraint("group_id", "name", name=op.f("uq_canned_reply_group_id_name")),
    )
    op.create_table(
        "thread_tag",
        sa.Column("id", BigKey, nullable=False),
        sa.Column("group_id", BigKey, nullable=False),
        sa.Column("name_hash", sa.LargeBinary(length=16), nullable=False),
        sa.Column("sealed", sa.LargeBinary(), nullable=False),
        sa.Column("created_at", UtcDateTime(), nullable=False),
        sa.ForeignKeyConstraint(["group_id"], ["groups.id"], name=op.f("fk_thread_tag_group_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_thread_tag")),
        sa.UniqueConstraint("group_id", "name_hash", name=op.f("uq_thread_tag_group_id_name_hash")),
    )
    op.create_table(
        "correction",
        sa.Column("reply_id", BigKey, nullable=False),
        sa.Column("group_id", BigKey, nullable=False),
        sa.Column("intent", sa.String(length=24), nullable=False),
        sa.Column("outcome", sa.String(length=16), nullable=True),
        sa.Column("at", UtcDateTime(), nullable=False),
        sa.ForeignKeyConstraint(["group_id"], ["groups.id"], name=op.f("fk_correction_group_id")),
        sa.ForeignKeyConstraint(["reply_id"], ["reply.id"], name=op.f("fk_correction_reply_id")),
        sa.PrimaryKeyConstraint("reply_id", name=op.f("pk_correction")),
    )
    with op.batch_alter_table("correction", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_correction_group_id_at"), ["group_id", "at"], unique=False)

    op.create_table(
        "inbox_setting",
        sa.Column("group_id", BigKey, nullable=False),
        sa.Column("hours", BigKey, nullable=False),
        sa.Column("hours_of_doubt", BigKey, nullable=False),
        sa.Column("nudged_to", UtcDateTime(), nullable=True),
        sa.Column("doubts_nudged_to", UtcDateTime(), nullable=True),
        sa.ForeignKeyConstraint(["group_id"], ["groups.id"], name=op.f("fk_inbox_setting_group_id")),
        sa.PrimaryKeyConstraint("group_id", name=op.f("pk_inbox_setting")),
    )
    with op.batch_alter_table("conversation", schema=None) as batch_op:
        batch_op.add_column(sa.Column("waits_since", UtcDateTime(), nullable=True))
        batch_op.add_column(sa.Column("handed_to", BigKey, nullable=True))
        batch_op.add_column(sa.Column("handed_by", BigKey, nullable=True))
        batch_op.add_column(sa.Column("handed_at", UtcDateTime(), nullable=True))
        batch_op.add_column(sa.Column("sealed", sa.LargeBinary(), nullable=True))
        batch_op.create_foreign_key(batch_op.f("fk_conversation_handed_to"), "users", ["handed_to"], ["id"])
        batch_op.create_foreign_key(batch_op.f("fk_conversation_handed_by"), "users", ["handed_by"], ["id"])
        batch_op.drop_index(batch_op.f("ix_conversation_group_id_rank_last_reply_at"))
    # Since when a thread has waited was not kept before: since its last text, then.
    op.execute("UPDATE conversation SET waits_since = last_reply_at")
    with op.batch_alter_table("conversation", schema=None) as batch_op:
        batch_op.alter_column("waits_since", existing_type=UtcDateTime(), nullable=False)
        for name, column, where in (
            ("ix_conversation_claimed", "claimed_by", CLAIMED),
            ("ix_conversation_handed", "handed_to", HANDED),
        ):
            batch_op.create_index(
                name,
                ["group_id", column, *ORDER],
                unique=False,
                sqlite_where=sa.text(where),
                postgresql_where=sa.text(where),
            )
        batch_op.create_index(
            batch_op.f("ix_conversation_group_id_rank_waits_since_id"), ["group_id", *ORDER], unique=False
        )
        batch_op.create_index(
            batch_op.f("ix_conversation_group_id_last_reply_at_id"), ["group_id", "last_reply_at", "id"], unique=False
        )
    op.create_table(
        "conversation_tag",
        sa.Column("tag_id", BigKey, nullable=False),
        sa.Column("conversation_id", BigKey, nullable=False),
        sa.ForeignKeyConstraint(
            ["conversation_id"], ["conversation.id"], name=op.f("fk_conversation_tag_conversation_id")
        ),
        sa.ForeignKeyConstraint(["tag_id"], ["thread_tag.id"], name=op.f("fk_conversation_tag_tag_id")),
        sa.PrimaryKeyConstraint("tag_id", "conversation_id", name=op.f("pk_conversation_tag")),
    )
    with op.batch_alter_table("conversation_tag", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_conversation_tag_conversation_id"), ["conversation_id"], unique=False)

    with op.batch_alter_table("reply", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_reply_gate_id_id"), ["gate_id", "id"], unique=False)


def downgrade() -> None:
    with op.batch_alter_table("reply", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_reply_gate_id_id"))

    op.drop_table("conversation_tag")
    with op.batch_alter_table("conversation", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_conversation_group_id_last_reply_at_id"))
        batch_op.drop_index("ix_conversation_handed", sqlite_where=sa.text(HANDED), postgresql_where=sa.text(HANDED))
        batch_op.drop_index("ix_conversation_claimed", sqlite_where=sa.text(CLAIMED), postgresql_where=sa.text(CLAIMED))
        batch_op.drop_index(batch_op.f("ix_conversation_group_id_rank_waits_since_id"))
        batch_op.drop_constraint(batch_op.f("fk_conversation_handed_by"), type_="foreignkey")
        batch_op.drop_constraint(batch_op.f("fk_conversation_handed_to"), type_="foreignkey")
        for name in ("sealed", "handed_at", "handed_by", "handed_to", "waits_since"):
            batch_op.drop_column(name)
        batch_op.create_index(
            batch_op.f("ix_conversation_group_id_rank_last_reply_at"), ["group_id", "rank", "last_reply_at"]
        )

    for table in ("inbox_setting", "correction", "thread_tag", "canned_reply"):
        op.drop_table(table)
