"""Indexes for what would otherwise read a whole table once there are many rows.

They are built inside the transaction of the migration, which holds the lock that keeps replicas from migrating at
once; `CONCURRENTLY` would have to give that up. Writers wait meanwhile, about a second for each million rows. Whoever
cannot have that builds them with `CREATE INDEX CONCURRENTLY` beforehand, under these names: what is there is kept.
"""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op

revision: str = "0004"
down_revision: str | None = "0003"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None

_NEW: Sequence[tuple[str, str, list[str], str | None]] = (
    ("ix_user_search_terms_user_id_term", "user_search_terms", ["user_id", "term"], None),
    ("ix_audit_events_client_id_occurred_at", "audit_events", ["client_id", "occurred_at"], None),
    ("ix_audit_events_failed_occurred_at", "audit_events", ["occurred_at"], "outcome = 'failure'"),
    ("ix_outbox_given_up_failed_at", "outbox", ["failed_at"], "failed_at IS NOT NULL"),
    ("ix_totp_credentials_unconfirmed_created_at", "totp_credentials", ["created_at"], "confirmed_at IS NULL"),
)
_OLD = "ix_user_search_terms_user_id"


def upgrade() -> None:
    """Create them; the first one does what the old one did, too."""
    for name, table, columns, condition in _NEW:
        where = sa.text(condition) if condition is not None else None
        op.create_index(name, table, columns, postgresql_where=where, sqlite_where=where, if_not_exists=True)
    op.drop_index(_OLD, "user_search_terms")


def downgrade() -> None:
    """Drop them, and bring the old one back."""
    op.create_index(_OLD, "user_search_terms", ["user_id"])
    for name, table, _, _ in reversed(_NEW):
        op.drop_index(name, table)
