"""What `doctor` notes of the way to a PostgreSQL: connections that others could read, a role that may do anything."""

import ipaddress
from collections.abc import Iterator

from sqlalchemy import URL, text

from auth_service.db.engine import Database
from auth_service.db.settings import DatabaseSettings
from auth_service.db.url import parse_database_url


def open_connections(settings: DatabaseSettings) -> Iterator[str]:
    """Yield a line for each URL that leads to another machine and does not insist on TLS with the one that is meant."""
    for name, secret in (("URL", settings.url), ("READ_URL", settings.read_url)):
        address = None if secret is None else parse_database_url(secret.get_secret_value())
        if address is None or address.is_sqlite or address.connect_args.get("ssl") == "verify-full":
            continue
        if others := [host for host in _hosts(address.url) if not _is_this_machine(host)]:
            yield (
                f"somebody on the way to {', '.join(others)} could read the connection or answer in its place: put "
                f"sslmode=verify-full into AUTH_DATABASE__{name}."
            )


async def describe_role(database: Database) -> str:
    """Return what to know about the role that the service has, or nothing."""
    if database.is_sqlite:
        return ""
    async with database.transaction(writing=False) as session:
        asked = text("SELECT rolname FROM pg_roles WHERE rolname = current_user AND rolsuper")
        superuser = (await (await session.connection()).execute(asked)).scalar_one_or_none()
    if superuser is None:
        return ""
    return f"{superuser} is a superuser, of every database of the server. Use one that owns this database only."


def _hosts(url: URL) -> list[str]:
    """Return all of them; none means a socket of this machine."""
    _, connecting = url.get_dialect()().create_connect_args(url)
    hosts = connecting.get("host") or []
    return [hosts] if isinstance(hosts, str) else list(hosts)


def _is_this_machine(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost" or host.startswith(("/", "@"))
