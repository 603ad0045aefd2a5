"""The main job"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from outreach.core.db import BigKey, UtcDateTime

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:

    op.create_table(
        "event",
        sa.Column("id", BigKey, nullable=False),
        sa.Column("kind", sa.String(length=8), nullable=False),
        sa.Column("sid", sa.String(length=64), nullable=True),
        sa.Column("key", sa.String(length=32), nullable=False),
        sa.Column("attempt_id", BigKey, nullable=True),
        sa.Column("gate_id", BigKey, nullable=True),
        sa.Column("carrier_sid", sa.String(length=34), nullable=True),
        sa.Column("error_code", BigKey, nullable=True),
        sa.Column("from_counter", sa.String(length=32), nullable=True),
        sa.Column("to_counter", sa.String(length=32), nullable=True),
        sa.Column("count", BigKey, nullable=False),
        sa.Column("retry_after", sa.Float(), nullable=True),
        sa.Column("received_at", UtcDateTime(), nullable=False),
        sa.Column("folded_at", UtcDateTime(), nullable=True),
        sa.Column("seen", BigKey, nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_event")),
        sa.UniqueConstraint("kind", "sid", "key", name=op.f("uq_event_kind_sid_key")),
    )
    with op.batch_alter_table("event", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_event_attempt_id"), ["attempt_id"], unique=False)
        batch_op.create_index(
            "ix_event_unfolded",
            ["id"],
            unique=False,
            sqlite_where=sa.text("folded_at is null"),
            postgresql_where=sa.text("folded_at is null"),
        )

    op.create_table(
        "groups",
        sa.Column("id", BigKey, nullable=False),
        sa.Column("name", sa.String(length=120), nullable=False),
        sa.Column("created_at", UtcDateTime(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_groups")),
        sa.UniqueConstraint("name", name=op.f("uq_groups_name")),
    )
    op.create_table(
        "lease",
        sa.Column("name", sa.String(length=32), nullable=False),
        sa.Column("token", sa.String(length=32), nullable=False),
        sa.Column("until", UtcDateTime(), nullable=False),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_lease")),
    )
    op.create_table(
        "consent_event",
        sa.Column("id", BigKey, nullable=False),
        sa.Column("group_id", BigKey, nullable=False),
        sa.Column("number_hash", sa.LargeBinary(length=16), nullable=False),
        sa.Column("kind", sa.String(length=16), nullable=False),
        sa.Column("source", sa.String(length=16), nullable=False),
        sa.Column("wording", sa.Text(), nullable=True),
        sa.Column("recorded_by", sa.String(length=120), nullable=False),
        sa.Column("at", UtcDateTime(), nullable=False),
        sa.ForeignKeyConstraint(["group_id"], ["groups.id"], name=op.f("fk_consent_event_group_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_consent_event")),
    )
    with op.batch_alter_table("consent_event", schema=None) as batch_op:
        batch_op.create_index(
            batch_op.f("ix_consent_event_group_id_number_hash"), ["group_id", "number_hash"], unique=False
        )

    op.create_table(
        "constituent",
        sa.Column("id", BigKey, nullable=False),
        sa.Column("group_id", BigKey, nullable=False),
        sa.Column("number_hash", sa.LargeBinary(length=16), nullable=False),
        sa.Column("sealed", sa.LargeBinary(), nullable=False),
        sa.Column("zip", sa.String(length=5), nullable=True),
        sa.Column("language", sa.String(length=2), nullable=False),
        sa.Column("zones", sa.Text(), nullable=False),
        sa.Column("consented_at", UtcDateTime(), nullable=True),
        sa.Column("number_bad_at", UtcDateTime(), nullable=True),
        sa.Column("number_bad_code", BigKey, nullable=True),
        sa.Column("created_at", UtcDateTime(), nullable=False),
        sa.Column("updated_at", UtcDateTime(), nullable=False),
        sa.ForeignKeyConstraint(["group_id"], ["groups.id"], name=op.f("fk_constituent_group_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_constituent")),
        sa.UniqueConstraint("group_id", "number_hash", name=op.f("uq_constituent_group_id_number_hash")),
    )
    with op.batch_alter_table("constituent", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_constituent_number_hash"), ["number_hash"], unique=False)

    op.create_table(
        "contact_list",
        sa.Column("id", BigKey, nullable=False),
        sa.Column("group_id", BigKey, nullable=False),
        sa.Column("name", sa.String(length=120), nullable=False),
        sa.Column("created_at", UtcDateTime(), nullable=False),
        sa.ForeignKeyConstraint(["group_id"], ["groups.id"], name=op.f("fk_contact_list_group_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_contact_list")),
        sa.UniqueConstraint("group_id", "name", name=op.f("uq_contact_list_group_id_name")),
    )
    op.create_table(
        "gate",
        sa.Column("id", BigKey, nullable=False),
        sa.Column("group_id", BigKey, nullable=False),
        sa.Column("kind", sa.String(length=16), nullable=False),
        sa.Column("state", sa.String(length=8), nullable=False),
        sa.Column("reason", sa.String(length=64), nullable=True),
        sa.Column("woken_at", UtcDateTime(), nullable=True),
        sa.Column("created_at", UtcDateTime(), nullable=False),
        sa.ForeignKeyConstraint(["group_id"], ["groups.id"], name=op.f("fk_gate_group_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_gate")),
    )
    op.create_table(
        "official",
        sa.Column("id", BigKey, nullable=False),
        sa.Column("group_id", BigKey, nullable=False),
        sa.Column("external_id", sa.String(length=120), nullable=True),
        sa.Column("name", sa.String(length=200), nullable=False),
        sa.Column("role", sa.String(length=120), nullable=False),
        sa.Column("jurisdiction", sa.String(length=200), nullable=True),
        sa.Column("district", sa.String(length=80), nullable=True),
        sa.Column("party", sa.String(length=80), nullable=True),
        sa.Column("email", sa.String(length=254), nullable=True),
        sa.Column("created_at", UtcDateTime(), nullable=False),
        sa.ForeignKeyConstraint(["group_id"], ["groups.id"], name=op.f("fk_official_group_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_official")),
        sa.UniqueConstraint("group_id", "external_id", name=op.f("uq_official_group_id_external_id")),
    )
    op.create_table(
        "suppression",
        sa.Column("id", BigKey, nullable=False),
        sa.Column("number_hash", sa.LargeBinary(length=16), nullable=False),
        sa.Column("group_id", BigKey, nullable=True),
        sa.Column("source", sa.String(length=16), nullable=False),
        sa.Column("at", UtcDateTime(), nullable=False),
        sa.Column("lifted_at", UtcDateTime(), nullable=True),
        sa.Column("lifted_reason", sa.Text(), nullable=True),
        sa.ForeignKeyConstraint(["group_id"], ["groups.id"], name=op.f("fk_suppression_group_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_suppression")),
    )
    with op.batch_alter_table("suppression", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_suppression_number_hash"), ["number_hash"], unique=False)

    op.create_table(
        "users",
        sa.Column("id", BigKey, nullable=False),
        sa.Column("group_id", BigKey, nullable=False),
        sa.Column("name", sa.String(length=120), nullable=False),
        sa.Column("role", sa.String(length=16), nullable=False),
        sa.Column("created_at", UtcDateTime(), nullable=False),
        sa.ForeignKeyConstraint(["group_id"], ["groups.id"], name=op.f("fk_users_group_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_users")),
        sa.UniqueConstraint("group_id", "name", name=op.f("uq_users_group_id_name")),
    )
    op.create_table(
        "gate_text",
        sa.Column("gate_id", BigKey, nullable=False),
        sa.Column("language", sa.String(length=2), nullable=False),
        sa.Column("template", sa.Text(), nullable=False),
        sa.Column("values", sa.JSON(), nullable=False),
        sa.ForeignKeyConstraint(["gate_id"], ["gate.id"], name=op.f("fk_gate_text_gate_id")),
        sa.PrimaryKeyConstraint("gate_id", "language", name=op.f("pk_gate_text")),
    )
    op.create_table(
        "list_membership",
        sa.Column("list_id", BigKey, nullable=False),
        sa.Column("constituent_id", BigKey, nullable=False),
        sa.ForeignKeyConstraint(["constituent_id"], ["constituent.id"], name=op.f("fk_list_membership_constituent_id")),
        sa.ForeignKeyConstraint(["list_id"], ["contact_list.id"], name=op.f("fk_list_membership_list_id")),
        sa.PrimaryKeyConstraint("list_id", "constituent_id", name=op.f("pk_list_membership")),
    )
    with op.batch_alter_table("list_membership", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_list_membership_constituent_id"), ["constituent_id"], unique=False)

    op.create_table(
        "login_link",
        sa.Column("id", BigKey, nullable=False),
        sa.Column("user_id", BigKey, nullable=False),
        sa.Column("token_hash", sa.LargeBinary(length=32), nullable=False),
        sa.Column("expires_at", UtcDateTime(), nullable=False),
        sa.Column("used_at", UtcDateTime(), nullable=True),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"], name=op.f("fk_login_link_user_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_login_link")),
        sa.UniqueConstraint("token_hash", name=op.f("uq_login_link_token_hash")),
    )
    op.create_table(
        "meeting",
        sa.Column("id", BigKey, nullable=False),
        sa.Column("group_id", BigKey, nullable=False),
        sa.Column("official_id", BigKey, nullable=False),
        sa.Column("held_on", sa.Date(), nullable=False),
        sa.Column("attendees", sa.Text(), nullable=False),
        sa.Column("outcome", sa.String(length=32), nullable=False),
        sa.Column("notes", sa.Text(), nullable=False),
        sa.Column("recorded_by", sa.String(length=120), nullable=False),
        sa.Column("created_at", UtcDateTime(), nullable=False),
        sa.ForeignKeyConstraint(["group_id"], ["groups.id"], name=op.f("fk_meeting_group_id")),
        sa.ForeignKeyConstraint(["official_id"], ["official.id"], name=op.f("fk_meeting_official_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_meeting")),
    )
    with op.batch_alter_table("meeting", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_meeting_group_id_official_id"), ["group_id", "official_id"], unique=False)

    op.create_table(
        "message",
        sa.Column("id", BigKey, nullable=False),
        sa.Column("group_id", BigKey, nullable=False),
        sa.Column("gate_id", BigKey, nullable=False),
        sa.Column("recipient_id", BigKey, nullable=True),
        sa.Column("constituent_id", BigKey, nullable=True),
        sa.Column("number_hash", sa.LargeBinary(length=16), nullable=False),
        sa.Column("kind", sa.String(length=16), nullable=False),
        sa.Column("state", sa.String(length=16), nullable=False),
        sa.Column("language", sa.String(length=2), nullable=False),
        sa.Column("sealed", sa.LargeBinary(), nullable=True),
        sa.Column("not_before", UtcDateTime(), nullable=False),
        sa.Column("posted_at", UtcDateTime(), nullable=True),
        sa.Column("lease_token", sa.String(length=32), nullable=True),
        sa.Column("lease_until", UtcDateTime(), nullable=True),
        sa.Column("carrier_sid", sa.String(length=34), nullable=True),
        sa.Column("error_code", BigKey, nullable=True),
        sa.Column("checks", BigKey, nullable=False),
        sa.Column("next_check_at", UtcDateTime(), nullable=True),
        sa.ForeignKeyConstraint(["constituent_id"], ["constituent.id"], name=op.f("fk_message_constituent_id")),
        sa.ForeignKeyConstraint(["gate_id"], ["gate.id"], name=op.f("fk_message_gate_id")),
        sa.ForeignKeyConstraint(["group_id"], ["groups.id"], name=op.f("fk_message_group_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_message")),
        sa.UniqueConstraint("carrier_sid", name=op.f("uq_message_carrier_sid")),
        sa.UniqueConstraint("recipient_id", name=op.f("uq_message_recipient_id")),
    )
    with op.batch_alter_table("message", schema=None) as batch_op:
        batch_op.create_index(
            "ix_message_check",
            ["next_check_at"],
            unique=False,
            sqlite_where=sa.text("next_check_at is not null"),
            postgresql_where=sa.text("next_check_at is not null"),
        )
        batch_op.create_index(
            "ix_message_held",
            ["not_before"],
            unique=False,
            sqlite_where=sa.text("state = 'held'"),
            postgresql_where=sa.text("state = 'held'"),
        )
        batch_op.create_index(
            "ix_message_leased",
            ["lease_until"],
            unique=False,
            sqlite_where=sa.text("state in ('claimed', 'posting')"),
            postgresql_where=sa.text("state in ('claimed', 'posting')"),
        )
        batch_op.create_index(batch_op.f("ix_message_number_hash"), ["number_hash"], unique=False)
        batch_op.create_index(
            "ix_message_planned",
            ["gate_id", "id"],
            unique=False,
            sqlite_where=sa.text("state = 'planned'"),
            postgresql_where=sa.text("state = 'planned'"),
        )
        batch_op.create_index(
            "ix_message_review",
            ["gate_id"],
            unique=False,
            sqlite_where=sa.text("state = 'needs_review'"),
            postgresql_where=sa.text("state = 'needs_review'"),
        )

    op.create_table(
        "office",
        sa.Column("id", BigKey, nullable=False),
        sa.Column("group_id", BigKey, nullable=False),
        sa.Column("official_id", BigKey, nullable=False),
        sa.Column("classification", sa.String(length=40), nullable=False),
        sa.Column("address", sa.Text(), nullable=True),
        sa.Column("phone", sa.String(length=16), nullable=True),
        sa.Column("extension", sa.String(length=16), nullable=True),
        sa.ForeignKeyConstraint(["group_id"], ["groups.id"], name=op.f("fk_office_group_id")),
        sa.ForeignKeyConstraint(["official_id"], ["official.id"], name=op.f("fk_office_official_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_office")),
    )
    with op.batch_alter_table("office", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_office_official_id"), ["official_id"], unique=False)

    op.create_table(
        "reply",
        sa.Column("id", BigKey, nullable=False),
        sa.Column("group_id", BigKey, nullable=False),
        sa.Column("carrier_sid", sa.String(length=34), nullable=False),
        sa.Column("number_hash", sa.LargeBinary(length=16), nullable=False),
        sa.Column("constituent_id", BigKey, nullable=True),
        sa.Column("gate_id", BigKey, nullable=True),
        sa.Column("sealed", sa.LargeBinary(), nullable=False),
        sa.Column("intent", sa.String(length=24), nullable=False),
        sa.Column("outcome", sa.String(length=16), nullable=True),
        sa.Column("language", sa.String(length=3), nullable=False),
        sa.Column("confidence", sa.Float(), nullable=False),
        sa.Column("rule", sa.String(length=64), nullable=False),
        sa.Column("classifier", sa.String(length=16), nullable=False),
        sa.Column("received_at", UtcDateTime(), nullable=False),
        sa.ForeignKeyConstraint(["constituent_id"], ["constituent.id"], name=op.f("fk_reply_constituent_id")),
        sa.ForeignKeyConstraint(["gate_id"], ["gate.id"], name=op.f("fk_reply_gate_id")),
        sa.ForeignKeyConstraint(["group_id"], ["groups.id"], name=op.f("fk_reply_group_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_reply")),
        sa.UniqueConstraint("carrier_sid", name=op.f("uq_reply_carrier_sid")),
    )
    with op.batch_alter_table("reply", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_reply_gate_id_intent"), ["gate_id", "intent"], unique=False)
        batch_op.create_index(batch_op.f("ix_reply_number_hash"), ["number_hash"], unique=False)

    op.create_table(
        "tally",
        sa.Column("gate_id", BigKey, nullable=False),
        sa.Column("name", sa.String(length=32), nullable=False),
        sa.Column("count", BigKey, nullable=False),
        sa.ForeignKeyConstraint(["gate_id"], ["gate.id"], name=op.f("fk_tally_gate_id")),
        sa.PrimaryKeyConstraint("gate_id", "name", name=op.f("pk_tally")),
    )
    op.create_table(
        "campaign",
        sa.Column("id", BigKey, nullable=False),
        sa.Column("group_id", BigKey, nullable=False),
        sa.Column("meeting_id", BigKey, nullable=False),
        sa.Column("official_id", BigKey, nullable=False),
        sa.Column("office_id", BigKey, nullable=True),
        sa.Column("policy", BigKey, nullable=False),
        sa.Column("tactic", sa.String(length=24), nullable=False),
        sa.Column("name", sa.String(length=200), nullable=False),
        sa.Column("state", sa.String(length=12), nullable=False),
        sa.Column("text_en", sa.Text(), nullable=False),
        sa.Column("text_es", sa.Text(), nullable=False),
        sa.Column("script_en", sa.Text(), nullable=False),
        sa.Column("script_es", sa.Text(), nullable=False),
        sa.Column("audience", sa.JSON(), nullable=False),
        sa.Column("created_by", sa.String(length=120), nullable=False),
        sa.Column("created_at", UtcDateTime(), nullable=False),
        sa.ForeignKeyConstraint(["group_id"], ["groups.id"], name=op.f("fk_campaign_group_id")),
        sa.ForeignKeyConstraint(["meeting_id"], ["meeting.id"], name=op.f("fk_campaign_meeting_id")),
        sa.ForeignKeyConstraint(["office_id"], ["office.id"], name=op.f("fk_campaign_office_id")),
        sa.ForeignKeyConstraint(["official_id"], ["official.id"], name=op.f("fk_campaign_official_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_campaign")),
    )
    with op.batch_alter_table("campaign", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_campaign_group_id"), ["group_id"], unique=False)

    op.create_table(
        "message_attempt",
        sa.Column("id", BigKey, nullable=False),
        sa.Column("message_id", BigKey, nullable=False),
        sa.Column("begun_at", UtcDateTime(), nullable=False),
        sa.Column("body_hash", sa.LargeBinary(length=16), nullable=False),
        sa.Column("closed", sa.Boolean(), nullable=False),
        sa.ForeignKeyConstraint(["message_id"], ["message.id"], name=op.f("fk_message_attempt_message_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_message_attempt")),
    )
    with op.batch_alter_table("message_attempt", schema=None) as batch_op:
        batch_op.create_index(
            "uq_message_attempt_open",
            ["message_id"],
            unique=True,
            sqlite_where=sa.text("not closed"),
            postgresql_where=sa.text("not closed"),
        )

    op.create_table(
        "promise",
        sa.Column("id", BigKey, nullable=False),
        sa.Column("group_id", BigKey, nullable=False),
        sa.Column("official_id", BigKey, nullable=False),
        sa.Column("meeting_id", BigKey, nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("due_on", sa.Date(), nullable=True),
        sa.Column("staff_contact", sa.String(length=200), nullable=True),
        sa.Column("created_at", UtcDateTime(), nullable=False),
        sa.ForeignKeyConstraint(["group_id"], ["groups.id"], name=op.f("fk_promise_group_id")),
        sa.ForeignKeyConstraint(["meeting_id"], ["meeting.id"], name=op.f("fk_promise_meeting_id")),
        sa.ForeignKeyConstraint(["official_id"], ["official.id"], name=op.f("fk_promise_official_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_promise")),
    )
    with op.batch_alter_table("promise", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_promise_official_id"), ["official_id"], unique=False)

    op.create_table(
        "stance",
        sa.Column("id", BigKey, nullable=False),
        sa.Column("group_id", BigKey, nullable=False),
        sa.Column("official_id", BigKey, nullable=False),
        sa.Column("meeting_id", BigKey, nullable=False),
        sa.Column("policy", BigKey, nullable=False),
        sa.Column("answer", sa.String(length=8), nullable=False),
        sa.Column("basis", sa.String(length=8), nullable=True),
        sa.Column("created_at", UtcDateTime(), nullable=False),
        sa.ForeignKeyConstraint(["group_id"], ["groups.id"], name=op.f("fk_stance_group_id")),
        sa.ForeignKeyConstraint(["meeting_id"], ["meeting.id"], name=op.f("fk_stance_meeting_id")),
        sa.ForeignKeyConstraint(["official_id"], ["official.id"], name=op.f("fk_stance_official_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_stance")),
    )
    with op.batch_alter_table("stance", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_stance_official_id_policy"), ["official_id", "policy"], unique=False)

    op.create_table(
        "wave",
        sa.Column("id", BigKey, nullable=False),
        sa.Column("group_id", BigKey, nullable=False),
        sa.Column("campaign_id", BigKey, nullable=False),
        sa.Column("number", BigKey, nullable=False),
        sa.Column("gate_id", BigKey, nullable=False),
        sa.Column("audience", sa.JSON(), nullable=False),
        sa.Column("planned_through", BigKey, nullable=False),
        sa.Column("planned_at", UtcDateTime(), nullable=True),
        sa.Column("woken_at", UtcDateTime(), nullable=False),
        sa.Column("launched_at", UtcDateTime(), nullable=False),
        sa.ForeignKeyConstraint(["campaign_id"], ["campaign.id"], name=op.f("fk_wave_campaign_id")),
        sa.ForeignKeyConstraint(["gate_id"], ["gate.id"], name=op.f("fk_wave_gate_id")),
        sa.ForeignKeyConstraint(["group_id"], ["groups.id"], name=op.f("fk_wave_group_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_wave")),
        sa.UniqueConstraint("campaign_id", "number", name=op.f("uq_wave_campaign_id_number")),
        sa.UniqueConstraint("gate_id", name=op.f("uq_wave_gate_id")),
    )
    op.create_table(
        "recipient",
        sa.Column("id", BigKey, nullable=False),
        sa.Column("group_id", BigKey, nullable=False),
        sa.Column("wave_id", BigKey, nullable=False),
        sa.Column("constituent_id", BigKey, nullable=False),
        sa.Column("number_hash", sa.LargeBinary(length=16), nullable=False),
        sa.ForeignKeyConstraint(["constituent_id"], ["constituent.id"], name=op.f("fk_recipient_constituent_id")),
        sa.ForeignKeyConstraint(["group_id"], ["groups.id"], name=op.f("fk_recipient_group_id")),
        sa.ForeignKeyConstraint(["wave_id"], ["wave.id"], name=op.f("fk_recipient_wave_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_recipient")),
        sa.UniqueConstraint("wave_id", "number_hash", name=op.f("uq_recipient_wave_id_number_hash")),
    )


def downgrade() -> None:

    op.drop_table("recipient")
    op.drop_table("wave")
    with op.batch_alter_table("stance", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_stance_official_id_policy"))

    op.drop_table("stance")
    with op.batch_alter_table("promise", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_promise_official_id"))

    op.drop_table("promise")
    with op.batch_alter_table("message_attempt", schema=None) as batch_op:
        batch_op.drop_index(
            "uq_message_attempt_open", sqlite_where=sa.text("not closed"), postgresql_where=sa.text("not closed")
        )

    op.drop_table("message_attempt")
    with op.batch_alter_table("campaign", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_campaign_group_id"))

    op.drop_table("campaign")
    op.drop_table("tally")
    with op.batch_alter_table("reply", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_reply_number_hash"))
        batch_op.drop_index(batch_op.f("ix_reply_gate_id_intent"))

    op.drop_table("reply")
    with op.batch_alter_table("office", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_office_official_id"))

    op.drop_table("office")
    with op.batch_alter_table("message", schema=None) as batch_op:
        batch_op.drop_index(
            "ix_message_review",
            sqlite_where=sa.text("state = 'needs_review'"),
            postgresql_where=sa.text("state = 'needs_review'"),
        )
        batch_op.drop_index(
            "ix_message_planned",
            sqlite_where=sa.text("state = 'planned'"),
            postgresql_where=sa.text("state = 'planned'"),
        )
        batch_op.drop_index(batch_op.f("ix_message_number_hash"))
        batch_op.drop_index(
            "ix_message_leased",
            sqlite_where=sa.text("state in ('claimed', 'posting')"),
            postgresql_where=sa.text("state in ('claimed', 'posting')"),
        )
        batch_op.drop_index(
            "ix_message_held", sqlite_where=sa.text("state = 'held'"), postgresql_where=sa.text("state = 'held'")
        )
        batch_op.drop_index(
            "ix_message_check",
            sqlite_where=sa.text("next_check_at is not null"),
            postgresql_where=sa.text("next_check_at is not null"),
        )

    op.drop_table("message")
    with op.batch_alter_table("meeting", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_meeting_group_id_official_id"))

    op.drop_table("meeting")
    op.drop_table("login_link")
    with op.batch_alter_table("list_membership", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_list_membership_constituent_id"))

    op.drop_table("list_membership")
    op.drop_table("gate_text")
    op.drop_table("users")
    with op.batch_alter_table("suppression", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_suppression_number_hash"))

    op.drop_table("suppression")
    op.drop_table("official")
    op.drop_table("gate")
    op.drop_table("contact_list")
    with op.batch_alter_table("constituent", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_constituent_number_hash"))

    op.drop_table("constituent")
    with op.batch_alter_table("consent_event", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_consent_event_group_id_number_hash"))

    op.drop_table("consent_event")
    op.drop_table("lease")
    op.drop_table("groups")
    with op.batch_alter_table("event", schema=None) as batch_op:
        batch_op.drop_index(
            "ix_event_unfolded",
            sqlite_where=sa.text("folded_at is null"),
            postgresql_where=sa.text("folded_at is null"),
        )
        batch_op.drop_index(batch_op.f("ix_event_attempt_id"))

    op.drop_table("event")
