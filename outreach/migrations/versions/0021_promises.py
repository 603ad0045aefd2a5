"""What became of promises, reminders to the members who watch over them, drafts from those not kept, and reports"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from outreach.core.db import BigKey, UtcDateTime

revision = "0021"
down_revision = "0020a"
branch_labels = None
depends_on = None

WATCHED = sa.text("watcher_id is not null")
WAITING = sa.text("state = 'waiting'")


def _refers(table: str, column: str, target: str) -> sa.ForeignKeyConstraint:
    return sa.ForeignKeyConstraint([column], [f"{target}.id"], name=op.f(f"fk_{table}_{column}"))


def upgrade() -> None:
    with op.batch_alter_table("promise") as batch_op:
        batch_op.add_column(sa.Column("approver", sa.String(length=200), nullable=True))
        batch_op.add_column(sa.Column("steps", sa.Text(), nullable=True))
        batch_op.add_column(sa.Column("watcher_id", BigKey, nullable=True))
        batch_op.add_column(sa.Column("state", sa.String(length=8), server_default="open", nullable=False))
        batch_op.add_column(sa.Column("extended_to", sa.Date(), nullable=True))
        batch_op.create_foreign_key(op.f("fk_promise_watcher_id"), "constituent", ["watcher_id"], ["id"])
        batch_op.create_index(op.f("ix_promise_group_id_state"), ["group_id", "state"])
        batch_op.create_index("ix_promise_watcher_id", ["watcher_id"], sqlite_where=WATCHED, postgresql_where=WATCHED)
    op.create_table(
        "promise_event",
        sa.Column("id", BigKey, nullable=False),
        sa.Column("group_id", BigKey, nullable=False),
        sa.Column("promise_id", BigKey, nullable=False),
        sa.Column("kind", sa.String(length=8), nullable=False),
        sa.Column("new_day", sa.Date(), nullable=True),
        sa.Column("words", sa.Text(), nullable=False),
        sa.Column("said_by", sa.String(length=200), nullable=False),
        sa.Column("said_on", sa.Date(), nullable=False),
        sa.Column("undoes_id", BigKey, nullable=True),
        sa.Column("recorded_by", sa.String(length=120), nullable=False),
        sa.Column("created_at", UtcDateTime(), nullable=False),
        _refers("promise_event", "group_id", "groups"),
        _refers("promise_event", "promise_id", "promise"),
        _refers("promise_event", "undoes_id", "promise_event"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_promise_event")),
        sa.UniqueConstraint("undoes_id", name=op.f("uq_promise_event_undoes_id")),
    )
    op.create_index(op.f("ix_promise_event_promise_id_id"), "promise_event", ["promise_id", "id"])
    op.create_table(
        "state_office",
        sa.Column("group_id", BigKey, nullable=False),
        sa.Column("name", sa.String(length=120), nullable=False),
        sa.Column("email", sa.String(length=254), nullable=False),
        sa.Column("updated_at", UtcDateTime(), nullable=False),
        _refers("state_office", "group_id", "groups"),
        sa.PrimaryKeyConstraint("group_id", name=op.f("pk_state_office")),
    )
    op.create_table(
        "meeting_report",
        sa.Column("meeting_id", BigKey, nullable=False),
        sa.Column("group_id", BigKey, nullable=False),
        sa.Column("said", sa.Text(), nullable=False),
        sa.Column("not_said", sa.Text(), nullable=False),
        sa.Column("next_step", sa.Text(), nullable=False),
        sa.Column("with_attendees", sa.Boolean(), server_default=sa.false(), nullable=False),
        sa.Column("updated_by", sa.String(length=120), nullable=False),
        sa.Column("updated_at", UtcDateTime(), nullable=False),
        _refers("meeting_report", "meeting_id", "meeting"),
        _refers("meeting_report", "group_id", "groups"),
        sa.PrimaryKeyConstraint("meeting_id", name=op.f("pk_meeting_report")),
    )
    op.create_table(
        "reminder",
        sa.Column("id", BigKey, nullable=False),
        sa.Column("group_id", BigKey, nullable=False),
        sa.Column("kind", sa.String(length=16), nullable=False),
        sa.Column("subject_id", BigKey, nullable=False),
        sa.Column("constituent_id", BigKey, nullable=False),
        sa.Column("step", sa.String(length=32), nullable=False),
        sa.Column("state", sa.String(length=8), nullable=False),
        sa.Column("reason", sa.String(length=16), nullable=True),
        sa.Column("message_id", BigKey, nullable=True),
        sa.Column("due_at", UtcDateTime(), nullable=False),
        _refers("reminder", "group_id", "groups"),
        _refers("reminder", "constituent_id", "constituent"),
        _refers("reminder", "message_id", "message"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_reminder")),
        sa.UniqueConstraint(
            "kind", "subject_id", "constituent_id", "step", name=op.f("uq_reminder_kind_subject_id_constituent_id_step")
        ),
        sa.UniqueConstraint("message_id", name=op.f("uq_reminder_message_id")),
    )
    op.create_index(op.f("ix_reminder_constituent_id"), "reminder", ["constituent_id"])
    op.create_index("ix_reminder_waiting", "reminder", ["due_at"], sqlite_where=WAITING, postgresql_where=WAITING)
    op.create_table(
        "promise_draft",
        sa.Column("promise_id", BigKey, nullable=False),
        sa.Column("group_id", BigKey, nullable=False),
        sa.Column("campaign_id", BigKey, nullable=False),
        sa.Column("reason", sa.String(length=8), nullable=False),
        sa.Column("created_at", UtcDateTime(), nullable=False),
        _refers("promise_draft", "promise_id", "promise"),
        _refers("promise_draft", "group_id", "groups"),
        _refers("promise_draft", "campaign_id", "campaign"),
        sa.PrimaryKeyConstraint("promise_id", name=op.f("pk_promise_draft")),
    )
    op.create_index(op.f("ix_promise_draft_campaign_id"), "promise_draft", ["campaign_id"])


def downgrade() -> None:
    for table in ("promise_draft", "reminder", "meeting_report", "state_office", "promise_event"):
        op.drop_table(table)
    with op.batch_alter_table("promise") as batch_op:
        batch_op.drop_index("ix_promise_watcher_id", sqlite_where=WATCHED, postgresql_where=WATCHED)
        batch_op.drop_index(op.f("ix_promise_group_id_state"))
        batch_op.drop_constraint(op.f("fk_promise_watcher_id"), type_="foreignkey")
        for column in ("extended_to", "state", "watcher_id", "steps", "approver"):
            batch_op.drop_column(column)
