"""Segments: tags, cities and districts that can be asked for, and saved segments"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from outreach.core.db import BigKey, UtcDateTime

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "district",
        sa.Column("id", BigKey, nullable=False),
        sa.Column("group_id", BigKey, nullable=False),
        sa.Column("name", sa.String(length=120), nullable=False),
        sa.Column("zips", sa.JSON(), nullable=False),
        sa.Column("created_at", UtcDateTime(), nullable=False),
        sa.ForeignKeyConstraint(["group_id"], ["groups.id"], name=op.f("fk_district_group_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_district")),
        sa.UniqueConstraint("group_id", "name", name=op.f("uq_district_group_id_name")),
    )
    op.create_table(
        "segment",
        sa.Column("id", BigKey, nullable=False),
        sa.Column("group_id", BigKey, nullable=False),
        sa.Column("name_hash", sa.LargeBinary(length=16), nullable=False),
        sa.Column("sealed", sa.LargeBinary(), nullable=False),
        sa.Column("expression", sa.JSON(), nullable=False),
        sa.Column("created_by", sa.String(length=120), nullable=False),
        sa.Column("created_at", UtcDateTime(), nullable=False),
        sa.ForeignKeyConstraint(["group_id"], ["groups.id"], name=op.f("fk_segment_group_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_segment")),
        sa.UniqueConstraint("group_id", "name_hash", name=op.f("uq_segment_group_id_name_hash")),
    )
    op.create_table(
        "tag",
        sa.Column("id", BigKey, nullable=False),
        sa.Column("group_id", BigKey, nullable=False),
        sa.Column("name_hash", sa.LargeBinary(length=16), nullable=False),
        sa.Column("sealed", sa.LargeBinary(), nullable=False),
        sa.Column("created_at", UtcDateTime(), nullable=False),
        sa.ForeignKeyConstraint(["group_id"], ["groups.id"], name=op.f("fk_tag_group_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_tag")),
        sa.UniqueConstraint("group_id", "name_hash", name=op.f("uq_tag_group_id_name_hash")),
    )
    op.create_table(
        "constituent_tag",
        sa.Column("tag_id", BigKey, nullable=False),
        sa.Column("constituent_id", BigKey, nullable=False),
        sa.ForeignKeyConstraint(
            ["constituent_id"], ["constituent.id"], name=op.f("fk_constituent_tag_constituent_id"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(["tag_id"], ["tag.id"], name=op.f("fk_constituent_tag_tag_id")),
        sa.PrimaryKeyConstraint("tag_id", "constituent_id", name=op.f("pk_constituent_tag")),
    )
    with op.batch_alter_table("constituent_tag", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_constituent_tag_constituent_id"), ["constituent_id"], unique=False)

    with op.batch_alter_table("constituent", schema=None) as batch_op:
        batch_op.add_column(sa.Column("city_hash", sa.LargeBinary(length=16), nullable=True))
        batch_op.create_index(batch_op.f("ix_constituent_group_id_city_hash"), ["group_id", "city_hash"], unique=False)


def downgrade() -> None:
    with op.batch_alter_table("constituent", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_constituent_group_id_city_hash"))
        batch_op.drop_column("city_hash")

    with op.batch_alter_table("constituent_tag", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_constituent_tag_constituent_id"))

    op.drop_table("constituent_tag")
    op.drop_table("tag")
    op.drop_table("segment")
    op.drop_table("district")
