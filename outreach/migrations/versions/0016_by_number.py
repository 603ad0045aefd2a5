"""What a text asks is found by its number: reports and consent, however many there are"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0016"
down_revision = "0015"
branch_labels = None
depends_on = None

TOLD = "folded_at is null and (from_counter like 'report:%' or to_counter like 'report:%')"


def upgrade() -> None:
    op.create_index("ix_reply_number_hash_gate_id", "reply", ["number_hash", "gate_id"])
    op.drop_index("ix_reply_number_hash", table_name="reply")
    op.create_index("ix_consent_event_number_hash_group_id", "consent_event", ["number_hash", "group_id"])
    op.drop_index("ix_consent_event_group_id_number_hash", table_name="consent_event")
    told = sa.text(TOLD)
    op.create_index("ix_event_told", "event", ["gate_id"], sqlite_where=told, postgresql_where=told)


def downgrade() -> None:
    op.drop_index("ix_event_told", table_name="event")
    op.create_index("ix_consent_event_group_id_number_hash", "consent_event", ["group_id", "number_hash"])
    op.drop_index("ix_consent_event_number_hash_group_id", table_name="consent_event")
    op.create_index("ix_reply_number_hash", "reply", ["number_hash"])
    op.drop_index("ix_reply_number_hash_gate_id", table_name="reply")
