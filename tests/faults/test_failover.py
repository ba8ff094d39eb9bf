"""A database that fails over to a second host: the service goes there, though the first one may just fall silent."""

import asyncio
import os
import shutil
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass

import asyncpg
import pytest
from sqlalchemy import make_url

from auth_service.db.errors import DatabaseUnavailableError
from tests.support.databases import Databases
from tests.support.own_postgres import own_postgres
from tests.support.postgres import PostgresServer
from tests.support.service import Account, Service, bearer, running_service
from tests.support.settings import make_settings

BACK_IN_SECONDS = 20
BY_DEFAULT: dict[str, object] = {"connect_timeout": "PT2S"}
BACKENDS = "SELECT pid FROM pg_stat_activity WHERE application_name = 'auth-service'"


@dataclass(frozen=True, slots=True)
class Hosts:
    """Two servers with the same in them, of which the second one takes no writes yet."""

    primary: PostgresServer
    standby: PostgresServer
    url: str


@pytest.fixture
def hosts(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Hosts]:
    with ExitStack() as exits:
        primary = exits.enter_context(own_postgres())
        standby = PostgresServer()
        exits.callback(standby.close)
        url = Databases(tmp_path_factory.mktemp("failover"), primary.url).migrated("postgresql")
        primary.stop()
        _copy(primary, standby)
        primary.start()
        standby.start()
        asyncio.run(_take_writes(standby, "off"))
        ports = [make_url(server.url).port for server in (primary, standby)]
        where = [f"host=127.0.0.1:{port}" for port in ports]
        name = make_url(url).database
        query = "&".join([*where, "target_session_attrs=read-write"])
        yield Hosts(primary, standby, f"postgresql://postgres@/{name}?{query}")


def _copy(server: PostgresServer, to: PostgresServer) -> None:
    owner = server._cluster.stat()
    shutil.copytree(server._cluster, to._cluster)
    for path in (to._cluster, *to._cluster.rglob("*")):
        os.chown(path, owner.st_uid, owner.st_gid)


async def _take_writes(server: PostgresServer, whether: str) -> None:
    connection = await asyncpg.connect(server.url)
    read_only = {"on": "off", "off": "on"}[whether]
    await connection.execute(f"ALTER SYSTEM SET default_transaction_read_only = {read_only}")
    await connection.execute("SELECT pg_reload_conf()")
    await connection.close()


async def _backends(server: PostgresServer) -> list[int]:
    connection = await asyncpg.connect(server.url)
    found = [row["pid"] for row in await connection.fetch(BACKENDS)]
    await connection.close()
    return found


@contextmanager
def _killed(server: PostgresServer, _backends: list[int]) -> Iterator[None]:
    server.kill()
    yield


@contextmanager
def _frozen(server: PostgresServer, backends: list[int]) -> Iterator[None]:
    with server.frozen(backends):
        yield


async def _user_if_there_is_a_database(service: Service) -> Account | None:
    """Readiness says for a second more what it was told last; a write does not."""
    try:
        return await service.make_user()
    except DatabaseUnavailableError:
        return None


@pytest.mark.parametrize("lost", [_killed, _frozen], ids=["killed", "frozen"])
async def test_the_service_goes_to_the_host_that_takes_writes_now(hosts: Hosts, lost: object) -> None:
    assert callable(lost)
    settings = make_settings(hosts.url, database=BY_DEFAULT)
    async with running_service(settings) as service:
        before = await service.client.get("/readyz")

        with lost(hosts.primary, await _backends(hosts.primary)):
            await _take_writes(hosts.standby, "on")
            async with asyncio.timeout(BACK_IN_SECONDS):
                while (user := await _user_if_there_is_a_database(service)) is None:
                    pass
            item = await service.make_item(user)
            found = await service.client.get(f"/items/{item['id']}", headers=bearer(user))
            async with running_service(settings) as started_meanwhile:
                elsewhere = await started_meanwhile.client.get("/readyz")

    assert [answer.status_code for answer in (before, found, elsewhere)] == [200] * 3


async def test_a_host_that_takes_no_writes_is_passed_over(hosts: Hosts) -> None:
    url = make_url(hosts.url)
    turned = url.update_query_dict({"host": list(reversed(url.query["host"]))})
    settings = make_settings(turned.render_as_string(hide_password=False), database=BY_DEFAULT)

    async with running_service(settings) as service:
        user = await service.make_user()
        found = await service.client.get("/users/me", headers=bearer(user))

    assert found.status_code == 200
