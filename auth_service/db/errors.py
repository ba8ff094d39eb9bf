"""What the database room can fail with."""

from auth_service.errors import UnavailableError


class DatabaseUnavailableError(UnavailableError):
    """The database did not answer, or answered that it cannot serve now."""

    code = "database_unavailable"
    detail = "The service cannot reach its database right now. Try again in a moment. A change may be made already."


class SchemaBehindError(UnavailableError):
    """The database is not at the revision that this release needs."""

    code = "schema_behind"
    detail = "The database's schema is not what this release needs. Run 'auth-service migrate'."
