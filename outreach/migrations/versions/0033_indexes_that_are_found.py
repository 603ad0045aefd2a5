"""The open attempt of a message is found by its index, and whether a number has told us by one of its own

The first one said "not closed", which no query does: every attempt was read instead.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0033"
down_revision = "0032"
branch_labels = None
depends_on = None

NAME, TABLE = "uq_message_attempt_open", "message_attempt"


def upgrade() -> None:
    _index_open("closed is 0", "closed is false")
    op.create_index(
        "ix_reply_told", "reply", ["number_hash"], sqlite_where=sa.text("outcome is not null"),
        postgresql_where=sa.text("outcome is not null"),
    )  # fmt: skip


def downgrade() -> None:
    op.drop_index("ix_reply_told", "reply")
    _index_open("not closed", "not closed")


def _index_open(sqlite: str, postgresql: str) -> None:
    op.drop_index(NAME, TABLE)
    op.create_index(
        NAME, TABLE, ["message_id"], unique=True, sqlite_where=sa.text(sqlite), postgresql_where=sa.text(postgresql)
    )
