"""Which constraint refused a row."""

from sqlalchemy.exc import IntegrityError


def violated_constraint(error: IntegrityError) -> str:
    """Return what names the constraint, with its columns in it: never the values, which may look like a name too."""
    cause = error.orig.__cause__ if error.orig is not None else None
    name: str | None = getattr(cause, "constraint_name", None)  # PostgreSQL's
    return name or str(error.orig)  # SQLite says "UNIQUE constraint failed: " and the columns
