"""Replicas of the service, as processes with a real HTTP server each over one database."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import httpx

from tests.support.commands import Operator
from tests.support.ports import free_port
from tests.support.processes import Running, run_commands, running_at_once

EMAIL, PASSWORD = "ann@example.com", "correct horse battery staple"


@dataclass(frozen=True, slots=True)
class Replica:
    process: Running
    url: str

    def sign_in(self, client: httpx.Client) -> str:
        form = {"grant_type": "password", "username": EMAIL, "password": PASSWORD}
        token: str = client.post(f"{self.url}/oauth/token", data=form).json()["access_token"]
        return token

    def refresh(self, client: httpx.Client, refresh_token: str | None) -> tuple[str, str]:
        """Return a new access token and a new refresh token, of a new session when there is none to go on with."""
        form = {"grant_type": "refresh_token", "refresh_token": refresh_token or ""}
        if refresh_token is None:
            form = {"grant_type": "password", "username": EMAIL, "password": PASSWORD}
        answer = client.post(f"{self.url}/oauth/token", data=form).json()
        return answer["access_token"], answer["refresh_token"]

    def read_me(self, client: httpx.Client, token: str) -> httpx.Response:
        return client.get(f"{self.url}/users/me", headers={"Authorization": f"Bearer {token}"})


@contextmanager
def running_replicas(operator: Operator, count: int) -> Iterator[list[Replica]]:
    """Yield replicas that began at once and are all ready."""
    ports = [free_port() for _ in range(count)]
    create_admin = ["create-admin", "--if-none", "--email", EMAIL, "--password-stdin"]
    commands = [[["migrate"], create_admin, ["serve", "--port", str(port)]] for port in ports]
    arguments = [(operator.folder, operator.environment, f"{PASSWORD}\n", each) for each in commands]
    with running_at_once(run_commands, arguments) as processes:
        for process in processes:
            process.wait_for("service.ready")
        yield [Replica(process, f"http://127.0.0.1:{port}") for process, port in zip(processes, ports, strict=True)]
