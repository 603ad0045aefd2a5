"""Before a meeting: plans, checklists, requests for records, agendas, partners; whom of the staff a meeting was with"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from outreach.core.db import BigKey, UtcDateTime

revision = "0020a"
down_revision = "0020"
branch_labels = None
depends_on = None

AHEAD = sa.text("state = 'confirmed'")
TO_DO = sa.text("done_at is null")


def _refers(table: str, column: str, target: str) -> sa.ForeignKeyConstraint:
    return sa.ForeignKeyConstraint([column], [f"{target}.id"], name=op.f(f"fk_{table}_{column}"))


def upgrade() -> None:
    op.add_column("meeting", sa.Column("staff_name", sa.String(length=200), nullable=True))
    op.add_column("meeting", sa.Column("staff_role", sa.String(length=120), nullable=True))
    op.create_table(
        "meeting_plan",
        sa.Column("id", BigKey, nullable=False),
        sa.Column("group_id", BigKey, nullable=False),
        sa.Column("official_id", BigKey, nullable=False),
        sa.Column("state", sa.String(length=12), nullable=False),
        sa.Column("staff_name", sa.String(length=200), nullable=True),
        sa.Column("staff_role", sa.String(length=120), nullable=True),
        sa.Column("sealed", sa.LargeBinary(), nullable=True),
        sa.Column("asked_for_at", UtcDateTime(), nullable=True),
        sa.Column("starts_at", UtcDateTime(), nullable=True),
        sa.Column("minutes", BigKey, nullable=False),
        sa.Column("zone", sa.String(length=40), nullable=False),
        sa.Column("place", sa.Text(), nullable=False),
        sa.Column("gather_place", sa.Text(), nullable=False),
        sa.Column("gather_minutes", BigKey, nullable=False),
        sa.Column("spokesperson_id", BigKey, nullable=True),
        sa.Column("note_taker_id", BigKey, nullable=True),
        sa.Column("facilitator_id", BigKey, nullable=True),
        sa.Column("condition_kinds", sa.JSON(), nullable=False),
        sa.Column("conditions", sa.Text(), nullable=False),
        sa.Column("audience", sa.String(length=12), nullable=False),
        sa.Column("meeting_id", BigKey, nullable=True),
        sa.Column("version", BigKey, nullable=False),
        sa.Column("created_by", sa.String(length=120), nullable=False),
        sa.Column("created_at", UtcDateTime(), nullable=False),
        _refers("meeting_plan", "group_id", "groups"),
        _refers("meeting_plan", "official_id", "official"),
        _refers("meeting_plan", "spokesperson_id", "constituent"),
        _refers("meeting_plan", "note_taker_id", "constituent"),
        _refers("meeting_plan", "facilitator_id", "constituent"),
        _refers("meeting_plan", "meeting_id", "meeting"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_meeting_plan")),
    )
    op.create_index(op.f("ix_meeting_plan_group_id_official_id"), "meeting_plan", ["group_id", "official_id"])
    op.create_index("ix_meeting_plan_ahead", "meeting_plan", ["starts_at"], sqlite_where=AHEAD, postgresql_where=AHEAD)
    op.create_table(
        "plan_attendee",
        sa.Column("plan_id", BigKey, nullable=False),
        sa.Column("constituent_id", BigKey, nullable=False),
        _refers("plan_attendee", "plan_id", "meeting_plan"),
        _refers("plan_attendee", "constituent_id", "constituent"),
        sa.PrimaryKeyConstraint("plan_id", "constituent_id", name=op.f("pk_plan_attendee")),
    )
    op.create_index(op.f("ix_plan_attendee_constituent_id"), "plan_attendee", ["constituent_id"])
    op.create_table(
        "plan_contact",
        sa.Column("id", BigKey, nullable=False),
        sa.Column("group_id", BigKey, nullable=False),
        sa.Column("plan_id", BigKey, nullable=False),
        sa.Column("on_day", sa.Date(), nullable=False),
        sa.Column("whom", sa.String(length=200), nullable=False),
        sa.Column("said", sa.Text(), nullable=False),
        sa.Column("recorded_by", sa.String(length=120), nullable=False),
        sa.Column("created_at", UtcDateTime(), nullable=False),
        _refers("plan_contact", "group_id", "groups"),
        _refers("plan_contact", "plan_id", "meeting_plan"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_plan_contact")),
    )
    op.create_index(op.f("ix_plan_contact_plan_id"), "plan_contact", ["plan_id"])
    op.create_table(
        "checklist_item",
        sa.Column("id", BigKey, nullable=False),
        sa.Column("group_id", BigKey, nullable=False),
        sa.Column("plan_id", BigKey, nullable=True),
        sa.Column("meeting_id", BigKey, nullable=True),
        sa.Column("key", sa.String(length=40), nullable=True),
        sa.Column("words", sa.String(length=300), nullable=True),
        sa.Column("due_on", sa.Date(), nullable=True),
        sa.Column("due_by_hand", sa.Boolean(), nullable=False),
        sa.Column("constituent_id", BigKey, nullable=True),
        sa.Column("user_id", BigKey, nullable=True),
        sa.Column("done_at", UtcDateTime(), nullable=True),
        sa.Column("done_by", sa.String(length=120), nullable=True),
        sa.Column("created_at", UtcDateTime(), nullable=False),
        _refers("checklist_item", "group_id", "groups"),
        _refers("checklist_item", "plan_id", "meeting_plan"),
        _refers("checklist_item", "meeting_id", "meeting"),
        _refers("checklist_item", "constituent_id", "constituent"),
        _refers("checklist_item", "user_id", "users"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_checklist_item")),
        sa.UniqueConstraint("plan_id", "key", name=op.f("uq_checklist_item_plan_id_key")),
        sa.UniqueConstraint("meeting_id", "key", name=op.f("uq_checklist_item_meeting_id_key")),
    )
    op.create_index("ix_checklist_item_due", "checklist_item", ["due_on"], sqlite_where=TO_DO, postgresql_where=TO_DO)
    op.create_table(
        "records_request",
        sa.Column("id", BigKey, nullable=False),
        sa.Column("group_id", BigKey, nullable=False),
        sa.Column("official_id", BigKey, nullable=False),
        sa.Column("plan_id", BigKey, nullable=True),
        sa.Column("agency", sa.String(length=200), nullable=False),
        sa.Column("asked_for", sa.Text(), nullable=False),
        sa.Column("how", sa.String(length=12), nullable=False),
        sa.Column("sent_on", sa.Date(), nullable=True),
        sa.Column("due_on", sa.Date(), nullable=True),
        sa.Column("received_on", sa.Date(), nullable=True),
        sa.Column("fee_cents", BigKey, nullable=True),
        sa.Column("document", sa.String(length=200), nullable=False),
        sa.Column("kept_at", sa.String(length=300), nullable=False),
        sa.Column("created_by", sa.String(length=120), nullable=False),
        sa.Column("created_at", UtcDateTime(), nullable=False),
        _refers("records_request", "group_id", "groups"),
        _refers("records_request", "official_id", "official"),
        _refers("records_request", "plan_id", "meeting_plan"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_records_request")),
    )
    op.create_index(op.f("ix_records_request_group_id_official_id"), "records_request", ["group_id", "official_id"])
    op.create_table(
        "plan_line",
        sa.Column("id", BigKey, nullable=False),
        sa.Column("plan_id", BigKey, nullable=False),
        sa.Column("place", BigKey, nullable=False),
        sa.Column("policy", BigKey, nullable=True),
        sa.Column("words", sa.Text(), nullable=False),
        sa.Column("minutes", BigKey, nullable=True),
        sa.Column("constituent_id", BigKey, nullable=True),
        _refers("plan_line", "plan_id", "meeting_plan"),
        _refers("plan_line", "constituent_id", "constituent"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_plan_line")),
        sa.UniqueConstraint("plan_id", "place", name=op.f("uq_plan_line_plan_id_place")),
    )
    op.create_table(
        "coalition_partner",
        sa.Column("id", BigKey, nullable=False),
        sa.Column("group_id", BigKey, nullable=False),
        sa.Column("name", sa.String(length=200), nullable=False),
        sa.Column("does", sa.Text(), nullable=False),
        sa.Column("together", sa.Text(), nullable=False),
        sa.Column("sealed", sa.LargeBinary(), nullable=True),
        sa.Column("created_by", sa.String(length=120), nullable=False),
        sa.Column("created_at", UtcDateTime(), nullable=False),
        _refers("coalition_partner", "group_id", "groups"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_coalition_partner")),
        sa.UniqueConstraint("group_id", "name", name=op.f("uq_coalition_partner_group_id_name")),
    )
    op.create_table(
        "plan_partner",
        sa.Column("plan_id", BigKey, nullable=False),
        sa.Column("partner_id", BigKey, nullable=False),
        _refers("plan_partner", "plan_id", "meeting_plan"),
        _refers("plan_partner", "partner_id", "coalition_partner"),
        sa.PrimaryKeyConstraint("plan_id", "partner_id", name=op.f("pk_plan_partner")),
    )
    op.create_index(op.f("ix_plan_partner_partner_id"), "plan_partner", ["partner_id"])


def downgrade() -> None:
    for table in (
        "plan_partner", "coalition_partner", "plan_line", "records_request", "checklist_item", "plan_contact",
        "plan_attendee", "meeting_plan",
    ):  # fmt: skip
        op.drop_table(table)
    with op.batch_alter_table("meeting") as batch_op:
        batch_op.drop_column("staff_role")
        batch_op.drop_column("staff_name")
