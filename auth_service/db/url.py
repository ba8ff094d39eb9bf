"""Turns the database URLs that people and clouds write into the ones that SQLAlchemy's async drivers understand."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from sqlalchemy import URL, make_url
from sqlalchemy.exc import ArgumentError

_POSTGRESQL_SCHEMES = {"postgres", "postgresql", "postgresql+asyncpg", "postgresql+psycopg", "postgresql+psycopg2"}
_SQLITE_SCHEMES = {"sqlite", "sqlite+aiosqlite", "sqlite+pysqlite"}
_SSL_MODES = {"disable", "allow", "prefer", "require", "verify-ca", "verify-full"}
_PASSED_ON = {"host", "port", "target_session_attrs"}
_LIBPQ_ONLY = {"channel_binding", "gssencmode", "connect_timeout"}


@dataclass(frozen=True, slots=True)
class DatabaseAddress:
    """Where the database is (`url`, for SQLAlchemy) and what its driver has to be told (`connect_args`)."""

    url: URL
    connect_args: Mapping[str, object] = field(default_factory=dict)

    @property
    def is_sqlite(self) -> bool:
        """Whether this is the embedded database."""
        return self.url.get_backend_name() == "sqlite"


def parse_database_url(text: str) -> DatabaseAddress:
    """Return the address behind `text`.

    `postgres://`, `sslmode=` and `channel_binding=` are what clouds hand out and asyncpg does not know;
    `pgbouncer=true` says that a transaction pooler is in between, behind which prepared statements must not be kept.

    Raises ValueError with a sentence that never repeats the password.
    """
    try:
        url = make_url(text)
    except ArgumentError:
        raise ValueError("it is not a URL") from None
    if url.drivername in _SQLITE_SCHEMES:
        return _sqlite(url)
    if url.drivername in _POSTGRESQL_SCHEMES:
        return _postgresql(url)
    message = f"{url.drivername!r} is not a database this service knows; use postgresql:// or sqlite:///"
    raise ValueError(message)


def _sqlite(url: URL) -> DatabaseAddress:
    if not url.database or url.database == ":memory:":
        raise ValueError("SQLite needs a file, for example sqlite:///./var/auth-service.db")
    return DatabaseAddress(url.set(drivername="sqlite+aiosqlite"))


def _postgresql(url: URL) -> DatabaseAddress:
    connect_args: dict[str, object] = {}
    server_settings: dict[str, str] = {"application_name": "auth-service", "jit": "off"}
    kept: dict[str, str | tuple[str, ...]] = {}
    for name, value in url.query.items():
        if name in _PASSED_ON:
            kept[name] = value
        elif name in {"sslmode", "ssl"} and value in _SSL_MODES:
            connect_args["ssl"] = value
        elif name == "pgbouncer" and value in {"true", "1"}:
            connect_args["statement_cache_size"] = 0
            connect_args["prepared_statement_cache_size"] = 0
        elif name in {"application_name", "options"}:
            server_settings[name] = str(value)
        elif name not in _LIBPQ_ONLY:
            message = f"the parameter {name}={value} of the database URL is not understood"
            raise ValueError(message)
    connect_args["server_settings"] = server_settings
    return DatabaseAddress(url.set(drivername="postgresql+asyncpg", query=kept), connect_args)
