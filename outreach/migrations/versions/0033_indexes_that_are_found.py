"""The open attempt of a message is found by its index, and whether a number has told us by one of its own

The first one said "not closed", which no query does: every attempt was read instead.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from outreach.migrations.beside import create_index_beside

revision = "0033"
down_revision = "0032"
branch_labels = None
depends_on = None

OLD, NEW, TABLE = "uq_message_attempt_open", "uq_message_attempt_message_id_open", "message_attempt"


def upgrade() -> None:
    create_index_beside(
        NEW, TABLE, ["message_id"], unique=True, sqlite_where=sa.text("closed is 0"),
        postgresql_where=sa.text("closed is false"),
    )  # fmt: skip
    create_index_beside(
        "ix_reply_told", "reply", ["number_hash"], sqlite_where=sa.text("outcome is not null"),
        postgresql_where=sa.text("outcome is not null"),
    )  # fmt: skip
    op.drop_index(OLD, TABLE)


def downgrade() -> None:
    create_index_beside(
        OLD, TABLE, ["message_id"], unique=True, sqlite_where=sa.text("not closed"),
        postgresql_where=sa.text("not closed"),
    )  # fmt: skip
    op.drop_index("ix_reply_told", "reply")
    op.drop_index(NEW, TABLE)
