"""The book of decisions: the database itself refuses to change or delete what stands in it"""

from __future__ import annotations

from alembic import op

from outreach.migrations.beside import create_index_beside

revision = "0027"
down_revision = "0025"
branch_labels = None
depends_on = None

REFUSED = "audit_event is append-only"
INDEX = "ix_audit_event_group_id_id"


def upgrade() -> None:
    create_index_beside(op.f(INDEX), "audit_event", ["group_id", "id"])
    if op.get_bind().dialect.name == "postgresql":
        op.execute(
            "CREATE OR REPLACE FUNCTION refuse_audit_change() RETURNS trigger LANGUAGE plpgsql AS "
            f"$$ BEGIN RAISE EXCEPTION '{REFUSED}' USING ERRCODE = 'restrict_violation'; END $$"
        )
        op.execute(
            "CREATE TRIGGER audit_event_stays BEFORE UPDATE OR DELETE OR TRUNCATE ON audit_event "
            "FOR EACH STATEMENT EXECUTE FUNCTION refuse_audit_change()"
        )
        return
    for act in ("update", "delete"):
        op.execute(
            f"CREATE TRIGGER audit_event_no_{act} BEFORE {act.upper()} ON audit_event "
            f"BEGIN SELECT RAISE(ABORT, '{REFUSED}'); END"
        )
    # INSERT OR REPLACE deletes without a word to the other triggers.
    op.execute(
        "CREATE TRIGGER audit_event_no_replace BEFORE INSERT ON audit_event "
        "WHEN EXISTS (SELECT 1 FROM audit_event WHERE id = NEW.id) "
        "BEGIN SELECT RAISE(ABORT, 'audit_event is append-only'); END"
    )


def downgrade() -> None:
    if op.get_bind().dialect.name == "postgresql":
        op.execute("DROP TRIGGER audit_event_stays ON audit_event")
        op.execute("DROP FUNCTION refuse_audit_change()")
    else:
        for act in ("update", "delete", "replace"):
            op.execute(f"DROP TRIGGER audit_event_no_{act}")
    op.drop_index(op.f(INDEX), "audit_event")
