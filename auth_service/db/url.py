"""Turns the database URLs that people and clouds write into the ones that SQLAlchemy's async drivers understand."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from sqlalchemy import URL, make_url
from sqlalchemy.exc import ArgumentError

from auth_service.db.limits import LIMITS

_POSTGRESQL_SCHEMES = {"postgres", "postgresql", "postgresql+asyncpg", "postgresql+psycopg", "postgresql+psycopg2"}
_SQLITE_SCHEMES = {"sqlite", "sqlite+aiosqlite", "sqlite+pysqlite"}
_SSL_MODES = {"disable", "allow", "prefer", "require", "verify-ca", "verify-full"}
_PASSED_ON = {"host", "port"}
_SESSION_ATTRIBUTES = {"any", "primary", "standby", "read-write", "read-only", "prefer-standby"}
_LIBPQ_ONLY = {"channel_binding", "gssencmode", "connect_timeout"}
_MISREAD = (
    "it cannot be read: the port is a number, @ : / ? # in a password are written %40 %3A %2F %3F %23, and several "
    "hosts are written ?host=one:5432&host=two:5432"
)


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

    Raises ValueError with a sentence that repeats no value: a password that is not percent-encoded may end up in any.
    """
    try:
        url = make_url(text)
    except ArgumentError:
        raise ValueError("it is not a URL") from None
    except ValueError:
        raise ValueError(_MISREAD) from None
    if url.drivername in _SQLITE_SCHEMES:
        return _sqlite(url)
    if url.drivername in _POSTGRESQL_SCHEMES:
        return _postgresql(url)
    message = f"{url.drivername!r} is not a database this service knows; use postgresql:// or sqlite:///"
    raise ValueError(message)


def _sqlite(url: URL) -> DatabaseAddress:
    if not url.database or url.database == ":memory:" or url.host or url.query:
        raise ValueError("SQLite takes the path of a file, such as sqlite:///./var/auth-service.db, and no parameters")
    return DatabaseAddress(url.set(drivername="sqlite+aiosqlite"))


def _postgresql(url: URL) -> DatabaseAddress:
    if url.host and ("@" in url.host or "," in url.host):
        raise ValueError(_MISREAD)
    connect_args: dict[str, object] = {}
    server_settings: dict[str, str] = {"application_name": "auth-service"}
    kept: dict[str, str | tuple[str, ...]] = {}
    pooled = url.query.get("pgbouncer") in {"true", "1"}
    if pooled:
        connect_args["statement_cache_size"] = 0
        connect_args["prepared_statement_cache_size"] = 0
    else:
        server_settings |= {"jit": "off", **LIMITS}  # a pooler refuses parameters that it does not know
    for name, value in url.query.items():
        if name in _PASSED_ON or (name == "target_session_attrs" and value in _SESSION_ATTRIBUTES):
            kept[name] = value
        elif name in {"sslmode", "ssl"} and value in _SSL_MODES:
            connect_args["ssl"] = value
        elif name in {"application_name", "options"}:
            server_settings[name] = str(value)
        elif name not in _LIBPQ_ONLY and not (name == "pgbouncer" and value in {"true", "1", "false", "0"}):
            message = f"its parameter {name!r} is not one that is understood, or has no value that is"
            raise ValueError(message)
    connect_args["server_settings"] = server_settings
    url = url.set(drivername="postgresql+asyncpg", query=kept)
    try:
        url.get_dialect()().create_connect_args(url)
    except (ArgumentError, ValueError):
        raise ValueError(_MISREAD) from None
    return DatabaseAddress(url, connect_args)
