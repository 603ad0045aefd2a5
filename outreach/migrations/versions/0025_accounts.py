"""Accounts: passwords, invitations, sign-ins, authenticator apps, recovery codes, and the count of failures"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from outreach.core.db import BigKey, UtcDateTime

revision = "0025"
down_revision = "0031"
branch_labels = None
depends_on = None

USER_COLUMNS = ("deactivated_at", "password_at", "password_hash", "sign_in_name")


def _user(table: str) -> sa.ForeignKeyConstraint:
    return sa.ForeignKeyConstraint(["user_id"], ["users.id"], name=op.f(f"fk_{table}_user_id"))


def upgrade() -> None:
    op.add_column("users", sa.Column("sign_in_name", sa.String(length=64), nullable=True))
    op.add_column("users", sa.Column("password_hash", sa.String(length=160), nullable=True))
    op.add_column("users", sa.Column("password_at", UtcDateTime(), nullable=True))
    op.add_column("users", sa.Column("deactivated_at", UtcDateTime(), nullable=True))
    op.create_index(op.f("ix_users_sign_in_name"), "users", ["sign_in_name"], unique=True)
    op.create_table(
        "invitation",
        sa.Column("id", BigKey, nullable=False),
        sa.Column("group_id", BigKey, nullable=False),
        sa.Column("user_id", BigKey, nullable=True),
        sa.Column("role", sa.String(length=16), nullable=False),
        sa.Column("meant_for", sa.String(length=120), nullable=False),
        sa.Column("token_hash", sa.LargeBinary(length=32), nullable=False),
        sa.Column("invited_by", sa.String(length=120), nullable=False),
        sa.Column("created_at", UtcDateTime(), nullable=False),
        sa.Column("expires_at", UtcDateTime(), nullable=False),
        sa.Column("accepted_at", UtcDateTime(), nullable=True),
        sa.Column("revoked_at", UtcDateTime(), nullable=True),
        sa.ForeignKeyConstraint(["group_id"], ["groups.id"], name=op.f("fk_invitation_group_id")),
        _user("invitation"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_invitation")),
        sa.UniqueConstraint("token_hash", name=op.f("uq_invitation_token_hash")),
    )
    op.create_index(op.f("ix_invitation_group_id"), "invitation", ["group_id"])
    op.create_table(
        "sign_in",
        sa.Column("id", BigKey, nullable=False),
        sa.Column("user_id", BigKey, nullable=False),
        sa.Column("token_hash", sa.LargeBinary(length=32), nullable=False),
        sa.Column("created_at", UtcDateTime(), nullable=False),
        sa.Column("seen_at", UtcDateTime(), nullable=False),
        sa.Column("confirmed_at", UtcDateTime(), nullable=True),
        sa.Column("owes", sa.String(length=8), nullable=True),
        sa.Column("device", sa.String(length=60), nullable=False),
        _user("sign_in"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_sign_in")),
        sa.UniqueConstraint("token_hash", name=op.f("uq_sign_in_token_hash")),
    )
    op.create_index(op.f("ix_sign_in_user_id"), "sign_in", ["user_id"])
    op.create_table(
        "authenticator",
        sa.Column("id", BigKey, nullable=False),
        sa.Column("user_id", BigKey, nullable=False),
        sa.Column("sealed", sa.LargeBinary(), nullable=False),
        sa.Column("last_step", BigKey, nullable=False),
        sa.Column("created_at", UtcDateTime(), nullable=False),
        _user("authenticator"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_authenticator")),
        sa.UniqueConstraint("user_id", name=op.f("uq_authenticator_user_id")),
    )
    op.create_table(
        "recovery_code",
        sa.Column("id", BigKey, nullable=False),
        sa.Column("user_id", BigKey, nullable=False),
        sa.Column("code_hash", sa.LargeBinary(length=16), nullable=False),
        sa.Column("used_at", UtcDateTime(), nullable=True),
        _user("recovery_code"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_recovery_code")),
        sa.UniqueConstraint("user_id", "code_hash", name=op.f("uq_recovery_code_user_id_code_hash")),
    )
    op.create_table(
        "sign_in_count",
        sa.Column("key", sa.LargeBinary(length=16), nullable=False),
        sa.Column("failures", BigKey, nullable=False),
        sa.Column("last_at", UtcDateTime(), nullable=False),
        sa.Column("opens_at", UtcDateTime(), nullable=False),
        sa.PrimaryKeyConstraint("key", name=op.f("pk_sign_in_count")),
    )
    op.create_index(op.f("ix_sign_in_count_last_at"), "sign_in_count", ["last_at"])


def downgrade() -> None:
    for table in ("sign_in_count", "recovery_code", "authenticator", "sign_in", "invitation"):
        op.drop_table(table)
    op.drop_index(op.f("ix_users_sign_in_name"), table_name="users")
    for column in USER_COLUMNS:
        op.drop_column("users", column)
