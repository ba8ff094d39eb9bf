"""Replicas that are restarted one after the other behind a load balancer: nobody notices."""

import asyncio
import signal
import socket
from collections.abc import AsyncIterator
from contextlib import ExitStack, asynccontextmanager
from dataclasses import dataclass, field

import httpx
import pytest

from tests.support.balancer import Balancer, balancing
from tests.support.commands import Operator, Program
from tests.support.ports import free_port
from tests.support.replicas import EMAIL, PASSWORD
from tests.support.settings import NO_LIMITS_BY_VARIABLE
from tests.support.slow_clients import connected, read_livez, read_to_the_end

REPLICAS = 2
NOTICED_AFTER_SECONDS = 0.2
LONG_POLL = b"GET /oauth/revocations?wait=10 HTTP/1.1\r\nHost: auth.example.com\r\n\r\n"
LIVEZ = b"GET /livez HTTP/1.1\r\nHost: auth.example.com\r\n\r\n"


@dataclass(slots=True)
class Traffic:
    """What clients were answered until they were told to stop."""

    served: int = 0
    failures: list[str] = field(default_factory=list)
    is_over: bool = False

    async def ask(self, client: httpx.AsyncClient, token: str) -> None:
        """Read, write, read and write."""
        while not self.is_over:
            for method, path, body in (("GET", "/users/me", None), ("POST", "/items", {"title": "A bicycle"})):
                try:
                    answer = await client.request(method, path, json=body, headers={"Authorization": f"Bearer {token}"})
                except httpx.TransportError as error:
                    self.failures.append(f"{method} {path}: {error!r}")
                else:
                    self.served += answer.is_success
                    self.failures += [] if answer.is_success else [f"{method} {path}: {answer.text}"]


@asynccontextmanager
async def _traffic(balancer: Balancer) -> AsyncIterator[Traffic]:
    """Have clients who keep their connections, and some who open one for each request."""
    traffic = Traffic()
    address = f"http://127.0.0.1:{balancer.port}"
    keeping, opening = httpx.Limits(), httpx.Limits(max_keepalive_connections=0)
    async with (
        httpx.AsyncClient(base_url=address, limits=keeping, timeout=20) as keeper,
        httpx.AsyncClient(base_url=address, limits=opening, timeout=20) as opener,
    ):
        form = {"grant_type": "password", "username": EMAIL, "password": PASSWORD}
        token = (await keeper.post("/oauth/token", data=form)).json()["access_token"]
        async with asyncio.TaskGroup() as clients:
            for client in (keeper, opener):
                clients.create_task(traffic.ask(client, token))
            try:
                yield traffic
            finally:
                traffic.is_over = True


class Fleet:
    """Replicas over one database, each on a port of its own."""

    def __init__(self, operator: Operator, exits: ExitStack, *options: str, **changes: str) -> None:
        operator.run("migrate")
        operator.run("create-admin", "--email", EMAIL, "--password-stdin", stdin=f"{PASSWORD}\n")
        self.ports = [free_port() for _ in range(REPLICAS)]
        self._operator, self._exits, self._options, self._changes = operator, exits, options, changes
        self._programs = {port: self._start(port) for port in self.ports}

    async def restart_each(self, balancer: Balancer) -> list[int]:
        """Restart one after the other, as soon as the balancer sends connections to all of them; return exit codes."""
        codes = []
        for port in self.ports:
            outcome = await asyncio.to_thread(self._programs[port].stop, signal.SIGTERM)
            codes.append(outcome.code)
            await balancer.until(port, is_ready=False)
            self._programs[port] = await asyncio.to_thread(self._start, port)
            await balancer.until(port, is_ready=True)
        return codes

    def stop_first(self, *, until: str) -> None:
        """Tell one to stop, and return when it says that it has come so far."""
        process = self._programs[self.ports[0]].process
        process.send_signal(signal.SIGTERM)
        assert process.stderr is not None
        assert any(until in line for line in process.stderr)

    def _start(self, port: int) -> Program:
        command = ("serve", "--port", str(port), *self._options)
        program = self._exits.enter_context(self._operator.start(*command, **self._changes))
        program.ready("service.ready")
        return program


async def _restart_under_load(operator: Operator, *options: str, drain_delay: str) -> tuple[Traffic, list[int]]:
    changes = {"AUTH_HTTP__DRAIN_DELAY": drain_delay, **NO_LIMITS_BY_VARIABLE, "AUTH_THROTTLE__STORAGE": "database"}
    with ExitStack() as exits:
        fleet = await asyncio.to_thread(lambda: Fleet(operator, exits, *options, **changes))
        async with balancing(fleet.ports, probed_every=NOTICED_AFTER_SECONDS) as balancer:
            for port in fleet.ports:
                await balancer.until(port, is_ready=True)
            async with _traffic(balancer) as traffic:
                codes = await fleet.restart_each(balancer)
    return traffic, codes


@pytest.mark.parametrize("options", [(), ("--workers", "2")], ids=["one process", "several processes"])
async def test_no_request_fails_while_replicas_are_restarted(operator: Operator, options: tuple[str, ...]) -> None:
    traffic, codes = await _restart_under_load(operator, *options, drain_delay="PT1S")

    assert traffic.failures == []
    assert traffic.served > 20
    assert codes == [0] * REPLICAS


@pytest.mark.parametrize(("drain_delay", "served"), [("PT0S", REPLICAS), ("PT20S", 2 * REPLICAS)])
async def test_until_the_balancer_notices_only_a_delay_saves_those_it_sends_to_who_stops(
    operator: Operator, drain_delay: str, served: int
) -> None:
    with ExitStack() as exits:
        fleet = await asyncio.to_thread(lambda: Fleet(operator, exits, AUTH_HTTP__DRAIN_DELAY=drain_delay))
        async with balancing(fleet.ports, probed_every=3600) as balancer:
            for port in fleet.ports:
                await balancer.until(port, is_ready=True)
            await asyncio.to_thread(fleet.stop_first, until="Shutting down" if served == REPLICAS else "draining")
            address = f"http://127.0.0.1:{balancer.port}/livez"
            answers = [await _status(address) for _ in range(2 * REPLICAS)]

    assert answers.count(200) == served


async def _status(address: str) -> int:
    try:
        async with httpx.AsyncClient(timeout=20) as client:
            return (await client.get(address)).status_code
    except httpx.TransportError:
        return 0


def test_told_to_stop_it_says_so_answers_and_closes_each_connection(operator: Operator) -> None:
    operator.run("migrate")
    port = free_port()

    with ExitStack() as exits:
        program = exits.enter_context(operator.start("serve", "--port", str(port), AUTH_HTTP__DRAIN_DELAY="PT2S"))
        program.ready("service.ready")
        kept, waiting = [exits.enter_context(connected(port)) for _ in range(2)]
        kept.sendall(LIVEZ)
        read_livez(kept)
        waiting.sendall(LIVEZ + LONG_POLL)
        read_livez(waiting)  # the other request has been heard by then
        program.process.send_signal(signal.SIGTERM)
        ready = _ready_until_red(port)
        kept.sendall(LIVEZ)
        answers = [read_to_the_end(kept), read_to_the_end(waiting)]
        outcome = program.stop()

    assert ready.json()["code"] == "stopping"
    assert ready.headers["retry-after"] == "2"
    assert [answer.startswith(b"HTTP/1.1 200 ") for answer in answers] == [True, True]
    assert [b"\r\nconnection: close\r\n" in answer for answer in answers] == [True, True]
    assert outcome.code == 0
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(("127.0.0.1", port))


def _ready_until_red(port: int) -> httpx.Response:
    """Return the first answer of a process that has heard the signal."""
    while (answer := httpx.get(f"http://127.0.0.1:{port}/readyz", timeout=20)).status_code == 200:
        pass
    return answer
