"""Mail to send, registrations to confirm, one-time tokens, second factors, throttles, and indexes of the audit."""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op

revision: str = "0003"
down_revision: str | None = "0002"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None

_AUDIT_FILTERS = ("network", "event")


def _moment(name: str, *, nullable: bool = False) -> sa.Column[object]:
    return sa.Column(name, sa.DateTime(timezone=True), nullable=nullable)


def _reference(table: str, column: str, to: str) -> sa.ForeignKeyConstraint:
    return sa.ForeignKeyConstraint([column], [f"{to}.id"], name=f"fk_{table}_{column}_{to}", ondelete="CASCADE")


def upgrade() -> None:
    """Create the tables."""
    _create_outbox()
    _create_pending_registrations()
    _create_single_use_tokens()
    _create_second_factors()
    _create_challenges()
    _create_throttles()
    for column in _AUDIT_FILTERS:
        op.create_index(f"ix_audit_events_{column}_occurred_at", "audit_events", [column, "occurred_at"])


def _create_outbox() -> None:
    op.create_table(
        "outbox",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("kind", sa.String(64), nullable=False),
        sa.Column("sealed", sa.LargeBinary(), nullable=False),
        _moment("created_at"),
        _moment("due_at"),
        sa.Column("attempts", sa.Integer(), nullable=False),
        _moment("failed_at", nullable=True),
        sa.PrimaryKeyConstraint("id", name="pk_outbox"),
    )
    waiting = sa.text("failed_at IS NULL")
    op.create_index("ix_outbox_waiting_due_at", "outbox", ["due_at"], postgresql_where=waiting, sqlite_where=waiting)


def _create_pending_registrations() -> None:
    address = sa.String(254).with_variant(sa.String(254, collation="C"), "postgresql")
    op.create_table(
        "pending_registrations",
        sa.Column("digest", sa.LargeBinary(), nullable=False),
        sa.Column("email", sa.String(254), nullable=False),
        sa.Column("email_normalized", address, nullable=False),
        sa.Column("username", sa.String(32), nullable=True),
        sa.Column("full_name", sa.String(200), nullable=True),
        sa.Column("hashed_password", sa.String(255), nullable=False),
        sa.Column("tries", sa.Integer(), nullable=False),
        _moment("created_at"),
        _moment("expires_at"),
        sa.PrimaryKeyConstraint("digest", name="pk_pending_registrations"),
    )
    op.create_index("ix_pending_registrations_email_normalized", "pending_registrations", ["email_normalized"])
    op.create_index("ix_pending_registrations_expires_at", "pending_registrations", ["expires_at"])


def _create_single_use_tokens() -> None:
    op.create_table(
        "single_use_tokens",
        sa.Column("digest", sa.LargeBinary(), nullable=False),
        sa.Column("purpose", sa.String(32), nullable=False),
        sa.Column("user_id", sa.Uuid(), nullable=False),
        sa.Column("credential_epoch", sa.Integer(), nullable=False),
        sa.Column("email", sa.String(254), nullable=False),
        _moment("created_at"),
        _moment("expires_at"),
        sa.PrimaryKeyConstraint("digest", name="pk_single_use_tokens"),
        sa.UniqueConstraint("user_id", "purpose", name="uq_single_use_tokens_user_id_purpose"),
        _reference("single_use_tokens", "user_id", "users"),
    )
    op.create_index("ix_single_use_tokens_expires_at", "single_use_tokens", ["expires_at"])


def _create_second_factors() -> None:
    op.create_table(
        "totp_credentials",
        sa.Column("user_id", sa.Uuid(), nullable=False),
        sa.Column("sealed_seed", sa.LargeBinary(), nullable=False),
        sa.Column("last_step", sa.BigInteger(), nullable=False),
        _moment("created_at"),
        _moment("confirmed_at", nullable=True),
        sa.PrimaryKeyConstraint("user_id", name="pk_totp_credentials"),
        _reference("totp_credentials", "user_id", "users"),
    )
    op.create_table(
        "recovery_codes",
        sa.Column("digest", sa.LargeBinary(), nullable=False),
        sa.Column("user_id", sa.Uuid(), nullable=False),
        _moment("created_at"),
        sa.PrimaryKeyConstraint("digest", name="pk_recovery_codes"),
        _reference("recovery_codes", "user_id", "users"),
    )
    op.create_index("ix_recovery_codes_user_id", "recovery_codes", ["user_id"])


def _create_challenges() -> None:
    op.create_table(
        "sign_in_challenges",
        sa.Column("digest", sa.LargeBinary(), nullable=False),
        sa.Column("user_id", sa.Uuid(), nullable=False),
        sa.Column("client_id", sa.String(64), nullable=False),
        sa.Column("credential_epoch", sa.Integer(), nullable=False),
        sa.Column("scopes", sa.JSON(), nullable=False),
        sa.Column("audiences", sa.JSON(), nullable=False),
        sa.Column("amr", sa.JSON(), nullable=False),
        sa.Column("tries", sa.Integer(), nullable=False),
        _moment("created_at"),
        _moment("expires_at"),
        sa.PrimaryKeyConstraint("digest", name="pk_sign_in_challenges"),
        _reference("sign_in_challenges", "user_id", "users"),
        _reference("sign_in_challenges", "client_id", "oauth_clients"),
    )
    for column in ("user_id", "client_id", "expires_at"):
        op.create_index(f"ix_sign_in_challenges_{column}", "sign_in_challenges", [column])


def _create_throttles() -> None:
    op.create_table(
        "throttle_counters",
        sa.Column("key", sa.String(128), nullable=False),
        sa.Column("count", sa.Integer(), nullable=False),
        _moment("expires_at"),
        sa.PrimaryKeyConstraint("key", name="pk_throttle_counters"),
    )
    op.create_index("ix_throttle_counters_expires_at", "throttle_counters", ["expires_at"])


def downgrade() -> None:
    """Drop the tables and the indexes."""
    for column in _AUDIT_FILTERS:
        op.drop_index(f"ix_audit_events_{column}_occurred_at", "audit_events")
    for table in (
        "throttle_counters",
        "sign_in_challenges",
        "recovery_codes",
        "totp_credentials",
        "single_use_tokens",
        "pending_registrations",
        "outbox",
    ):
        op.drop_table(table)
