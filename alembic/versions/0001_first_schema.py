"""The first schema: users and their search terms, items, signing keys, audit events."""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op

revision: str = "0001"
down_revision: str | None = None
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None

_USER_SUBSETS = {
    "ix_users_disabled_created_at_id": "NOT is_active",
    "ix_users_superusers_created_at_id": "is_superuser",
    "ix_users_unverified_created_at_id": "email_verified_at IS NULL",
    "ix_users_verified_created_at_id": "email_verified_at IS NOT NULL",
}


def _code_point_text() -> sa.types.TypeEngine[str]:
    return sa.String(254).with_variant(sa.String(254, collation="C"), "postgresql")


def _moment() -> sa.DateTime:
    return sa.DateTime(timezone=True)


def upgrade() -> None:
    """Create every table."""
    _create_users()
    _create_items()
    _create_signing_keys()
    _create_audit_events()


def _create_users() -> None:
    op.create_table(
        "users",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("email", sa.String(254), nullable=False),
        sa.Column("email_normalized", _code_point_text(), nullable=False),
        sa.Column("username", sa.String(32), nullable=True),
        sa.Column("full_name", sa.String(200), nullable=True),
        sa.Column("hashed_password", sa.String(255), nullable=True),
        sa.Column("is_active", sa.Boolean(), nullable=False),
        sa.Column("is_superuser", sa.Boolean(), nullable=False),
        sa.Column("email_verified_at", _moment(), nullable=True),
        sa.Column("credential_epoch", sa.Integer(), nullable=False),
        sa.Column("created_at", _moment(), nullable=False),
        sa.Column("updated_at", _moment(), nullable=False),
        sa.Column("last_login_at", _moment(), nullable=True),
        sa.PrimaryKeyConstraint("id", name="pk_users"),
        sa.UniqueConstraint("email_normalized", name="uq_users_email_normalized"),
        sa.UniqueConstraint("username", name="uq_users_username"),
    )
    op.create_index("ix_users_created_at_id", "users", ["created_at", "id"])
    for name, condition in _USER_SUBSETS.items():
        where = sa.text(condition)
        op.create_index(name, "users", ["created_at", "id"], postgresql_where=where, sqlite_where=where)
    op.create_table(
        "user_search_terms",
        sa.Column("term", _code_point_text(), nullable=False),
        sa.Column("user_id", sa.Uuid(), nullable=False),
        sa.PrimaryKeyConstraint("term", "user_id", name="pk_user_search_terms"),
        sa.ForeignKeyConstraint(
            ["user_id"], ["users.id"], name="fk_user_search_terms_user_id_users", ondelete="CASCADE"
        ),
    )
    op.create_index("ix_user_search_terms_user_id", "user_search_terms", ["user_id"])


def _create_items() -> None:
    op.create_table(
        "items",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("owner_id", sa.Uuid(), nullable=False),
        sa.Column("title", sa.String(200), nullable=False),
        sa.Column("description", sa.String(10_000), nullable=True),
        sa.Column("price", sa.Numeric(12, 2).with_variant(sa.BigInteger(), "sqlite"), nullable=True),
        sa.Column("created_at", _moment(), nullable=False),
        sa.Column("updated_at", _moment(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_items"),
        sa.ForeignKeyConstraint(["owner_id"], ["users.id"], name="fk_items_owner_id_users", ondelete="CASCADE"),
    )
    op.create_index("ix_items_created_at_id", "items", ["created_at", "id"])
    op.create_index("ix_items_owner_id_created_at_id", "items", ["owner_id", "created_at", "id"])


def _create_signing_keys() -> None:
    op.create_table(
        "signing_keys",
        sa.Column("kid", sa.String(64), nullable=False),
        sa.Column("algorithm", sa.String(16), nullable=False),
        sa.Column("state", sa.String(16), nullable=False),
        sa.Column("encrypted_private_key", sa.LargeBinary(), nullable=False),
        sa.Column("created_at", _moment(), nullable=False),
        sa.PrimaryKeyConstraint("kid", name="pk_signing_keys"),
    )
    active = sa.text("state = 'active'")
    op.create_index(
        "uq_signing_keys_active_algorithm",
        "signing_keys",
        ["algorithm"],
        unique=True,
        postgresql_where=active,
        sqlite_where=active,
    )


def _create_audit_events() -> None:
    op.create_table(
        "audit_events",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("occurred_at", _moment(), nullable=False),
        sa.Column("event", sa.String(64), nullable=False),
        sa.Column("outcome", sa.String(16), nullable=False),
        sa.Column("actor_id", sa.Uuid(), nullable=True),
        sa.Column("subject_id", sa.Uuid(), nullable=True),
        sa.Column("client_id", sa.String(64), nullable=True),
        sa.Column("network", sa.String(64), nullable=True),
        sa.Column("request_id", sa.String(64), nullable=True),
        sa.Column("detail", sa.JSON(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_audit_events"),
    )
    op.create_index("ix_audit_events_occurred_at", "audit_events", ["occurred_at"])
    op.create_index("ix_audit_events_actor_id_occurred_at", "audit_events", ["actor_id", "occurred_at"])
    op.create_index("ix_audit_events_subject_id_occurred_at", "audit_events", ["subject_id", "occurred_at"])


def downgrade() -> None:
    """Drop every table, with its indexes."""
    for table in ("audit_events", "signing_keys", "items", "user_search_terms", "users"):
        op.drop_table(table)
