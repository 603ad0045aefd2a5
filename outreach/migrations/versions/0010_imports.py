"""Imports that can be followed, resumed and undone"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from outreach.core.db import BigKey, UtcDateTime

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None


IMPORTED = sa.text("import_id is not null")


def upgrade() -> None:
    op.create_table(
        "upload_part",
        sa.Column("id", BigKey, nullable=False),
        sa.Column("upload_id", BigKey, nullable=False),
        sa.Column("number", BigKey, nullable=False),
        sa.Column("sealed", sa.LargeBinary(), nullable=False),
        sa.ForeignKeyConstraint(["upload_id"], ["upload.id"], name=op.f("fk_upload_part_upload_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_upload_part")),
        sa.UniqueConstraint("upload_id", "number", name=op.f("uq_upload_part_upload_id_number")),
    )
    op.create_table(
        "import_change",
        sa.Column("id", BigKey, nullable=False),
        sa.Column("import_id", BigKey, nullable=False),
        sa.Column("constituent_id", BigKey, nullable=False),
        sa.Column("sealed", sa.LargeBinary(), nullable=False),
        sa.Column("zip", sa.String(length=5), nullable=True),
        sa.Column("language", sa.String(length=2), nullable=False),
        sa.Column("zones", sa.Text(), nullable=False),
        sa.Column("consented_at", UtcDateTime(), nullable=True),
        sa.Column("before", BigKey, nullable=True),
        sa.ForeignKeyConstraint(["import_id"], ["upload.id"], name=op.f("fk_import_change_import_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_import_change")),
        sa.UniqueConstraint("import_id", "constituent_id", name=op.f("uq_import_change_import_id_constituent_id")),
    )
    op.create_index("ix_import_change_constituent_id", "import_change", ["constituent_id"], unique=False)
    for table in ("contact_list", "list_membership", "consent_event", "suppression", "constituent"):
        op.add_column(table, sa.Column("import_id", BigKey, nullable=True))
    for table in ("consent_event", "suppression"):
        op.create_index(
            f"ix_{table}_import", table, ["import_id"], sqlite_where=IMPORTED, postgresql_where=IMPORTED, unique=False
        )
    op.add_column("consent_event", sa.Column("voided_at", UtcDateTime(), nullable=True))
    # A file that waits at this moment is brought again: what it was kept as is not what is read from now on.
    op.execute("DELETE FROM upload")
    with op.batch_alter_table("upload", schema=None) as batch_op:
        batch_op.drop_column("sealed")
        batch_op.add_column(sa.Column("digest", sa.LargeBinary(length=16), nullable=False))
        batch_op.add_column(sa.Column("size", BigKey, nullable=False))
        batch_op.add_column(sa.Column("list_id", BigKey, nullable=True))
        batch_op.add_column(sa.Column("header", sa.JSON(), nullable=True))
        batch_op.add_column(sa.Column("choices", sa.JSON(), nullable=True))
        batch_op.add_column(sa.Column("rows_done", BigKey, nullable=False))
        batch_op.add_column(sa.Column("problems", sa.JSON(), nullable=True))
        batch_op.add_column(sa.Column("problem_count", BigKey, nullable=False))
        batch_op.add_column(sa.Column("error", sa.JSON(), nullable=True))
        batch_op.add_column(sa.Column("through", sa.LargeBinary(length=16), nullable=True))
        batch_op.add_column(sa.Column("confirmed_by", sa.String(length=120), nullable=True))
        batch_op.add_column(sa.Column("imported_at", UtcDateTime(), nullable=True))
        batch_op.create_index(batch_op.f("ix_upload_state"), ["state"], unique=False)


def downgrade() -> None:
    op.drop_table("import_change")
    op.drop_table("upload_part")
    op.execute("DELETE FROM upload")
    with op.batch_alter_table("upload", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_upload_state"))
        for column in (
            "imported_at", "confirmed_by", "through", "error", "problem_count", "problems", "rows_done", "choices",
            "header", "list_id", "size", "digest",
        ):  # fmt: skip
            batch_op.drop_column(column)
        batch_op.add_column(sa.Column("sealed", sa.LargeBinary(), nullable=True))
    op.drop_column("consent_event", "voided_at")
    for table in ("consent_event", "suppression"):
        op.drop_index(f"ix_{table}_import", table, sqlite_where=IMPORTED, postgresql_where=IMPORTED)
    for table in ("contact_list", "list_membership", "consent_event", "suppression", "constituent"):
        op.drop_column(table, "import_id")
