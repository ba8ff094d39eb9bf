"""The time at which a user was created beside each of the user's search terms, so that a search need not look it up.

Users are searched and written again when the migration ends; a million of them take a minute.
"""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op

revision: str = "0005"
down_revision: str | None = "0004"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None

_TABLE, _KEY = "user_search_terms", "pk_user_search_terms"


def upgrade() -> None:
    """Add it, and put it into the primary key, in front of the user's id."""
    with op.batch_alter_table(_TABLE) as table:
        table.add_column(sa.Column("created_at", sa.DateTime(timezone=True), nullable=True))
    op.execute(f"UPDATE {_TABLE} SET created_at = (SELECT created_at FROM users WHERE users.id = {_TABLE}.user_id)")  # noqa: S608
    with op.batch_alter_table(_TABLE) as table:
        table.alter_column("created_at", existing_type=sa.DateTime(timezone=True), nullable=False)
        table.drop_constraint(_KEY, type_="primary")
        table.create_primary_key(_KEY, ["term", "created_at", "user_id"])


def downgrade() -> None:
    """Take it away again."""
    with op.batch_alter_table(_TABLE) as table:
        table.drop_constraint(_KEY, type_="primary")
        table.create_primary_key(_KEY, ["term", "user_id"])
        table.drop_column("created_at")
