"""Whether PostgreSQL answers at all: one that fell silent is noticed once for all who wait, and nobody waits for it.

A server that is gone refuses, and that is that. One that is frozen, or that the network lost, says nothing: whoever has
asked it something would wait without end, and whoever comes next would find out anew how long a connection may take. A
time limit on each statement cannot tell it from a server that is slow, or from a migration. So as soon as anything
takes noticeable time, the server is asked on a connection of its own whether it is there.
"""

import asyncio
import socket
from collections.abc import Mapping
from contextlib import suppress
from typing import Any

import asyncpg
import structlog
from sqlalchemy import Dialect, Engine, event
from sqlalchemy.dialects.postgresql.asyncpg import AsyncAdapt_asyncpg_dbapi
from sqlalchemy.engine.interfaces import DBAPIConnection
from sqlalchemy.pool import ConnectionPoolEntry, PoolProxiedConnection
from sqlalchemy.util import await_only

from auth_service.db.liveness import CONNECTION_FAULTS

log = structlog.get_logger()

_NOTICEABLE_SECONDS = 0.3
_LOOK_SECONDS = 0.2
_STEP_SECONDS = 0.1
_GOODBYE_SECONDS = 0.5
_PATIENCE = 0.75  # of what a connection may take, so that the verdict comes before those who wait give up by themselves
_SHORTEST_PATIENCE_SECONDS = 1.0
_LONGEST_PATIENCE_SECONDS = 10.0
_ADAPTERS_OWN = {"async_creator_fn", "prepared_statement_cache_size", "prepared_statement_name_func"}
_WHICH = "target_session_attrs"
_KEEP_ALIVE = {"TCP_KEEPIDLE": 3, "TCP_KEEPINTVL": 1, "TCP_KEEPCNT": 3, "TCP_USER_TIMEOUT": 5_000}


class SilentServerError(OSError):
    """The server did not answer, and is being asked again now and then."""


class SilenceWatch:
    """Ends whatever waits for a server that says nothing, and refuses connections until it answers."""

    def __init__(self, engine: Engine, *, connect_seconds: float) -> None:
        """Watch the pool of `engine`, whose connections may take so long to make."""
        self._host = engine.url.host
        self._patience = _LONGEST_PATIENCE_SECONDS
        self._hurried_patience = max(_SHORTEST_PATIENCE_SECONDS, _PATIENCE * connect_seconds)
        self._arguments: tuple[list[Any], dict[str, Any]] = ([], {})
        self._lent: dict[ConnectionPoolEntry, float] = {}  # since when; the oldest stands first
        self._connecting_since: float | None = None
        self._answered_at = 0.0
        self._is_silent = False
        self._is_closing = False
        self._first_host = 0
        self._timer: asyncio.TimerHandle | None = None
        self._asking: asyncio.Task[None] | None = None
        for name in ("do_connect", "connect", "checkout", "checkin", "close"):
            event.listen(engine, name, getattr(self, f"_on_{name}"), insert=True)

    def hurry(self) -> None:
        """Conclude soon, because from now on somebody waits for an answer.

        Until then there is time: where five replicas start at once on one machine, a server that is well may take long.
        """
        self._patience = self._hurried_patience

    async def close(self) -> None:
        """Watch no longer; the connections are about to be closed.

        A question that is under way may end by itself: the driver grumbles about connections that are given up while
        they are being made. A server that is known to be silent is not waited for.
        """
        self._is_closing = True
        if self._timer is not None:
            self._timer.cancel()
        if self._asking is not None:
            await asyncio.wait([self._asking], timeout=0 if self._is_silent else _GOODBYE_SECONDS)
        if self._asking is not None:
            self._asking.cancel()

    def _on_do_connect(
        self, dialect: Dialect, _entry: ConnectionPoolEntry, arguments: list[Any], options: dict[str, Any]
    ) -> DBAPIConnection:
        self._refuse_while_silent()
        self._arguments = (list(arguments), {name: options[name] for name in options.keys() - _ADAPTERS_OWN})
        if self._connecting_since is None:
            self._connecting_since = asyncio.get_running_loop().time()
        self._look_later()
        faults: list[Exception] = []
        for host in _one_by_one(_beginning_with(self._first_host, options)):
            try:
                return dialect.connect(*arguments, **host)
            except CONNECTION_FAULTS as fault:
                faults.append(fault)
        # Why a host refused says more than that another one is not what was wanted.
        raise min(faults, key=lambda fault: isinstance(fault, AsyncAdapt_asyncpg_dbapi.InternalClientError))

    def _on_connect(self, connection: Any, entry: ConnectionPoolEntry) -> None:  # noqa: ANN401 - the driver's
        self._connecting_since = None
        _notice_lost_hosts(connection.driver_connection)
        self._lend(entry)  # the engine asks the server some things before it lends its first connection

    def _on_checkout(self, connection: Any, entry: ConnectionPoolEntry, _lent: PoolProxiedConnection) -> None:  # noqa: ANN401
        if self._is_silent:
            connection.driver_connection.terminate()  # or the pool would say goodbye to a server that does not answer
        self._refuse_while_silent()
        self._lend(entry)

    def _lend(self, entry: ConnectionPoolEntry) -> None:
        self._lent.pop(entry, None)
        self._lent[entry] = asyncio.get_running_loop().time()
        self._look_later()

    def _on_checkin(self, _connection: object, entry: ConnectionPoolEntry) -> None:
        self._lent.pop(entry, None)

    def _on_close(self, connection: Any, _entry: ConnectionPoolEntry) -> None:  # noqa: ANN401
        """Say no goodbye to a server that may not hear it: the pool would wait for the answer."""
        driver = connection.driver_connection
        if self._is_closing and not self._is_silent:
            try:
                await_only(driver.close(timeout=self._patience))
            except CONNECTION_FAULTS:
                self._is_silent = True
        if self._is_silent or self._asking is not None:
            driver.terminate()

    def _refuse_while_silent(self) -> None:
        if self._is_silent:
            raise SilentServerError("the server does not answer")

    def _look_later(self) -> None:
        if self._timer is None:
            self._timer = asyncio.get_running_loop().call_later(_LOOK_SECONDS, self._look)

    def _look(self) -> None:
        """Ask the server when somebody has waited for a noticeable time; stop looking when nobody waits."""
        self._timer = None
        for entry in [
            entry for entry in self._lent if (driver := entry.driver_connection) is None or driver.is_closed()
        ]:
            del self._lent[entry]
        oldest = next(iter(self._lent.values()), None)
        since = min((moment for moment in (oldest, self._connecting_since) if moment is not None), default=None)
        if since is None or self._asking is not None:
            return
        now = asyncio.get_running_loop().time()
        if now - max(since, self._answered_at) >= _NOTICEABLE_SECONDS:
            self._asking = asyncio.create_task(self._ask_until_it_answers())
        else:
            self._look_later()

    async def _ask_until_it_answers(self) -> None:
        try:
            while not await self._ask():
                pass  # it has had its time: a new attempt finds a server that is back, or another one
            self._answered_at = asyncio.get_running_loop().time()
            self._connecting_since = None
            if self._is_silent:
                self._is_silent = False
                log.info("database.answers", host=self._host)
        finally:
            self._asking = None
            if not self._is_closing:
                self._look_later()

    async def _ask(self) -> bool:
        """Say whether anything came back, be it a refusal; when nothing did, end all who were waiting before."""
        asked_at = asyncio.get_running_loop().time()
        answer = asyncio.create_task(self._exchange_words())
        try:
            # In steps: while our own loop is away nobody reads what the server says, and a step is all that this costs.
            for _ in range(max(1, round(self._patience / _STEP_SECONDS))):
                if (await asyncio.wait([answer], timeout=_STEP_SECONDS))[0]:
                    return await answer
        finally:
            answer.cancel()
        self._first_host += 1
        self._fall_silent(asked_at)
        return False

    async def _exchange_words(self) -> bool:
        arguments, options = self._arguments
        no_limit = {**_beginning_with(self._first_host, options), "timeout": None}  # the driver's clock would be ours
        with suppress(*CONNECTION_FAULTS):  # who asks for a connection is told the same
            connection = await asyncpg.connect(*arguments, **no_limit)
            try:
                await connection.execute("SELECT")  # a pooler in between lets us in without asking the server
                await connection.close()
            finally:
                connection.terminate()
        return True

    def _fall_silent(self, asked_at: float) -> None:
        if not self._is_silent:
            self._is_silent = True
            log.warning("database.silent", host=self._host, ended=len(self._lent))
        for entry in [entry for entry, since in self._lent.items() if since < asked_at]:
            del self._lent[entry]
            if entry.driver_connection is not None:
                entry.driver_connection.terminate()


def _beginning_with(first: int, options: Mapping[str, Any]) -> dict[str, Any]:
    """Return the same, but the hosts, if there are several, from another one on."""
    several = {name: options[name] for name in ("host", "port") if isinstance(options.get(name), list)}
    turned = {name: each[first % len(each) :] + each[: first % len(each)] for name, each in several.items()}
    return {**options, **turned}


def _one_by_one(options: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Return what to connect to each of several hosts with, each within its part of the time.

    The driver has one limit for all: the first host that says nothing would keep it from the others.
    """
    hosts, ports = options.get("host"), options.get("port")
    if not isinstance(hosts, list) or not isinstance(ports, list) or "prefer" in str(options.get(_WHICH)):
        return [dict(options)]
    part = options["timeout"] / len(hosts)
    return [{**options, "host": host, "port": port, "timeout": part} for host, port in zip(hosts, ports, strict=True)]


def _notice_lost_hosts(driver: Any) -> None:  # noqa: ANN401 - the driver does not say what it has
    """Have the kernel end a connection to a host that is gone, though another one may answer in its place by now."""
    transport = driver._transport  # noqa: SLF001 - the driver has no option for it
    connection = transport.get_extra_info("socket")
    if connection is not None and connection.family != getattr(socket, "AF_UNIX", None):
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
        for name, value in _KEEP_ALIVE.items():
            if hasattr(socket, name):
                connection.setsockopt(socket.IPPROTO_TCP, getattr(socket, name), value)
