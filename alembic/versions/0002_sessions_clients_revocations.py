"""Sessions, clients, revocations, and signing keys that are rotated."""

import secrets
from collections.abc import Sequence
from datetime import UTC, datetime

import sqlalchemy as sa
from alembic import op

revision: str = "0002"
down_revision: str | None = "0001"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None

_FIRST_PARTY = {
    "id": "client_first_party",
    "name": "First-party applications",
    "grants": ["password", "refresh_token"],
    "scopes": ["admin", "items:read", "items:write", "profile:read", "profile:write"],
    "audiences": [],
    "is_active": True,
}


def _moment() -> sa.DateTime:
    return sa.DateTime(timezone=True)


def upgrade() -> None:
    """Create the tables and their two built-in rows, and prepare the signing keys for rotation."""
    _create_clients()
    _create_sessions()
    _index_sessions()
    _create_revocations()
    _prepare_rotation()


def _create_clients() -> None:
    clients = op.create_table(
        "oauth_clients",
        sa.Column("id", sa.String(64), nullable=False),
        sa.Column("name", sa.String(200), nullable=False),
        sa.Column("secret_digest", sa.LargeBinary(), nullable=True),
        sa.Column("grants", sa.JSON(), nullable=False),
        sa.Column("scopes", sa.JSON(), nullable=False),
        sa.Column("audiences", sa.JSON(), nullable=False),
        sa.Column("own_audience", sa.String(500), nullable=True),
        sa.Column("is_active", sa.Boolean(), nullable=False),
        sa.Column("sessions_ended_at", _moment(), nullable=True),
        sa.Column("created_at", _moment(), nullable=False),
        sa.Column("updated_at", _moment(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_oauth_clients"),
        sa.UniqueConstraint("own_audience", name="uq_oauth_clients_own_audience"),
    )
    now = datetime.now(UTC)
    op.bulk_insert(clients, [{**_FIRST_PARTY, "created_at": now, "updated_at": now}])


def _create_sessions() -> None:
    op.create_table(
        "sessions",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("user_id", sa.Uuid(), nullable=True),
        sa.Column("client_id", sa.String(64), nullable=False),
        sa.Column("credential_epoch", sa.Integer(), nullable=False),
        sa.Column("scopes", sa.JSON(), nullable=False),
        sa.Column("audiences", sa.JSON(), nullable=False),
        sa.Column("amr", sa.JSON(), nullable=False),
        sa.Column("network", sa.String(64), nullable=True),
        sa.Column("user_agent", sa.String(200), nullable=True),
        sa.Column("created_at", _moment(), nullable=False),
        sa.Column("last_used_at", _moment(), nullable=False),
        sa.Column("idle_expires_at", _moment(), nullable=False),
        sa.Column("expires_at", _moment(), nullable=False),
        sa.Column("ended_at", _moment(), nullable=True),
        sa.Column("refresh_locator", sa.String(22), nullable=True),
        sa.Column("current_digest", sa.LargeBinary(), nullable=True),
        sa.Column("previous_digest", sa.LargeBinary(), nullable=True),
        sa.Column("rotated_at", _moment(), nullable=True),
        sa.Column("successor_salt", sa.LargeBinary(), nullable=True),
        sa.Column("derivation_key_id", sa.String(16), nullable=True),
        sa.PrimaryKeyConstraint("id", name="pk_sessions"),
        sa.UniqueConstraint("refresh_locator", name="uq_sessions_refresh_locator"),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"], name="fk_sessions_user_id_users", ondelete="CASCADE"),
        sa.ForeignKeyConstraint(
            ["client_id"], ["oauth_clients.id"], name="fk_sessions_client_id_oauth_clients", ondelete="CASCADE"
        ),
    )


def _index_sessions() -> None:
    live, salted = sa.text("ended_at IS NULL"), sa.text("successor_salt IS NOT NULL")
    op.create_index(
        "ix_sessions_live_user_id_last_used_at",
        "sessions",
        ["user_id", "last_used_at"],
        postgresql_where=live,
        sqlite_where=live,
    )
    op.create_index(
        "ix_sessions_salted_rotated_at", "sessions", ["rotated_at"], postgresql_where=salted, sqlite_where=salted
    )
    for column in ("user_id", "client_id", "idle_expires_at"):
        op.create_index(f"ix_sessions_{column}", "sessions", [column])


def _create_revocations() -> None:
    op.create_table(
        "revocations",
        sa.Column("seq", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("kind", sa.String(8), nullable=False),
        sa.Column("digest", sa.String(43), nullable=False),
        sa.Column("before", _moment(), nullable=False),
        sa.PrimaryKeyConstraint("seq", name="pk_revocations"),
    )
    op.create_index("ix_revocations_before", "revocations", ["before"])
    counter = op.create_table(
        "revocation_counter",
        sa.Column("id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("seq", sa.BigInteger(), nullable=False),
        sa.Column("epoch", sa.String(32), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_revocation_counter"),
    )
    op.bulk_insert(counter, [{"id": 1, "seq": 0, "epoch": secrets.token_hex(16)}])


def _prepare_rotation() -> None:
    """Leave one active key, the newest: the others signed while another algorithm was configured."""
    op.add_column("signing_keys", sa.Column("activated_at", _moment(), nullable=True))
    op.add_column("signing_keys", sa.Column("retired_at", _moment(), nullable=True))
    op.execute("UPDATE signing_keys SET activated_at = created_at WHERE state = 'active'")
    newest = sa.text("SELECT kid FROM signing_keys WHERE state = 'active' ORDER BY created_at DESC, kid LIMIT 1")
    active = op.get_bind().execute(newest).scalar()
    retire = sa.text(
        "UPDATE signing_keys SET state = 'retired', retired_at = :now WHERE state = 'active' AND kid <> :kid"
    )
    now = sa.bindparam("now", datetime.now(UTC), type_=_moment())
    op.get_bind().execute(retire.bindparams(now, kid=active or ""))
    op.drop_index("uq_signing_keys_active_algorithm", "signing_keys")
    for state in ("active", "next"):
        subset = sa.text(f"state = '{state}'")
        op.create_index(
            f"uq_signing_keys_{state}",
            "signing_keys",
            ["state"],
            unique=True,
            postgresql_where=subset,
            sqlite_where=subset,
        )


def downgrade() -> None:
    """Drop the tables; the active signing key stays, the others go."""
    for state in ("active", "next"):
        op.drop_index(f"uq_signing_keys_{state}", "signing_keys")
    op.execute("DELETE FROM signing_keys WHERE state <> 'active'")
    active = sa.text("state = 'active'")
    op.create_index(
        "uq_signing_keys_active_algorithm",
        "signing_keys",
        ["algorithm"],
        unique=True,
        postgresql_where=active,
        sqlite_where=active,
    )
    with op.batch_alter_table("signing_keys") as keys:
        keys.drop_column("activated_at")
        keys.drop_column("retired_at")
    for table in ("revocation_counter", "revocations", "sessions", "oauth_clients"):
        op.drop_table(table)
