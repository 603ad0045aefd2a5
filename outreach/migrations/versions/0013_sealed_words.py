"""What people said is sealed in the consent ledger too, and people can be erased"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from outreach.core.db import UtcDateTime

revision = "0013"
down_revision = "0012"
branch_labels = None
depends_on = None

SAID = "kind = 'opt_out' and sealed is not null"
PLAIN = "source <> 'import' and wording is not null"
NOT_ERASED = "erased_at is null"


def upgrade() -> None:
    # What is there in plain is sealed by the purge: a migration has no keys.
    with op.batch_alter_table("consent_event", schema=None) as batch_op:
        batch_op.add_column(sa.Column("sealed", sa.LargeBinary(), nullable=True))
        batch_op.create_index(
            "ix_consent_event_words", ["at"], unique=False, sqlite_where=sa.text(SAID), postgresql_where=sa.text(SAID)
        )
        batch_op.create_index(
            "ix_consent_event_plain", ["id"], unique=False, sqlite_where=sa.text(PLAIN), postgresql_where=sa.text(PLAIN)
        )
    with op.batch_alter_table("constituent", schema=None) as batch_op:
        batch_op.add_column(sa.Column("erased_at", UtcDateTime(), nullable=True))
        batch_op.create_index(
            "ix_constituent_idle",
            ["updated_at"],
            unique=False,
            sqlite_where=sa.text(NOT_ERASED),
            postgresql_where=sa.text(NOT_ERASED),
        )


def downgrade() -> None:
    with op.batch_alter_table("constituent", schema=None) as batch_op:
        batch_op.drop_index(
            "ix_constituent_idle", sqlite_where=sa.text(NOT_ERASED), postgresql_where=sa.text(NOT_ERASED)
        )
        batch_op.drop_column("erased_at")
    with op.batch_alter_table("consent_event", schema=None) as batch_op:
        batch_op.drop_index("ix_consent_event_plain", sqlite_where=sa.text(PLAIN), postgresql_where=sa.text(PLAIN))
        batch_op.drop_index("ix_consent_event_words", sqlite_where=sa.text(SAID), postgresql_where=sa.text(SAID))
        batch_op.drop_column("sealed")
